//! The file: whatever is done to it, it is refused.

use secrecy::SecretSlice;
use tallystick::crypto::{PassphraseCost, SystemRandom};
use tallystick::daemon::backup::{About, BackupError, Item, Reader, Writer};
use tallystick::secmem::Region;

const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
const HEADER: usize = 40;
const SEALED: usize = 65_536 + 16;

fn passphrase(text: &[u8]) -> SecretSlice<u8> {
    text.to_vec().into()
}

fn items(rows: usize) -> Vec<Item> {
    let about = About { server: "test".to_owned(), time: 1, epoch: 2, group: 3 };
    let mut items = vec![Item::About(about), Item::Keyring(vec![1; 700]), Item::Config(vec![2; 90])];
    items.extend(
        (0..rows.div_ceil(30_000)).map(|nth| Item::Rows(vec![nth as u8; 30_000.min(rows - nth * 30_000)])),
    );
    items.push(Item::End(rows as u64));
    items
}

fn written(items: &[Item]) -> Vec<u8> {
    let region = Region::new(4).unwrap();
    let mut writer =
        Writer::new(Vec::new(), &region, &SystemRandom, &passphrase(b"of tests"), CHEAP).unwrap();
    items.iter().for_each(|item| writer.add(item).unwrap());
    writer.finish().unwrap()
}

fn read(bytes: &[u8], text: &[u8]) -> Result<Vec<Item>, BackupError> {
    let region = Region::new(4).unwrap();
    let mut reader = Reader::new(bytes, &region, &passphrase(text))?;
    let mut found = Vec::new();
    while let Some(item) = reader.next_item()? {
        found.push(item);
    }
    Ok(found)
}

#[test]
fn it_comes_back_as_it_was_written_whatever_its_length() {
    // Around the end of a chunk too: 820 bytes and the items' heads stand before the rows.
    let edge = (65_300..65_536).map(|total| total - 820);
    for rows in [0, 1, 30_000, 200_000].into_iter().chain(edge.step_by(3)) {
        let items = items(rows);
        assert_eq!(read(&written(&items), b"of tests").unwrap(), items, "{rows}");
    }
}

#[test]
fn another_passphrase_or_another_file_is_refused() {
    let bytes = written(&items(10));
    assert!(matches!(read(&bytes, b"of others"), Err(BackupError::WrongPassphrase)));
    assert!(matches!(read(b"SQLite format 3", b"of tests"), Err(BackupError::NotABackup)));
    assert!(matches!(read(b"", b"of tests"), Err(BackupError::NotABackup)));
    let mut newer = bytes;
    newer[8] = 2;
    assert!(matches!(read(&newer, b"of tests"), Err(BackupError::Version(2))));
}

#[test]
fn one_that_is_cut_off_anywhere_is_refused() {
    let bytes = written(&items(150_000));
    assert_eq!((bytes.len() - HEADER) / SEALED, 2);
    let boundaries = [0, HEADER, HEADER + SEALED, HEADER + 2 * SEALED, bytes.len() - 1];
    for at in (0..bytes.len()).step_by(997).chain(boundaries) {
        assert!(read(&bytes[..at], b"of tests").is_err(), "cut off at {at}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(read(&longer, b"of tests").is_err(), "a byte more");
}

#[test]
fn a_bit_changed_anywhere_is_refused() {
    let bytes = written(&items(80_000));
    let ends = (0..HEADER + 40)
        .chain(HEADER + SEALED - 20..HEADER + SEALED + 20)
        .chain(bytes.len() - 20..bytes.len());
    for at in ends.chain((0..bytes.len()).step_by(1009)) {
        // Not the cost of a guess: it may be made so high that the test would not end.
        if (12..24).contains(&at) {
            continue;
        }
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(read(&changed, b"of tests").is_err(), "byte {at}");
    }
}

#[test]
fn chunks_in_another_order_or_of_another_backup_are_refused() {
    let bytes = written(&items(300_000));
    let (header, rest) = bytes.split_at(HEADER);
    let chunks: Vec<&[u8]> = rest.chunks(SEALED).collect();
    assert_eq!(chunks.len(), 5);
    let joined = |order: &[usize]| {
        let chunks = order.iter().map(|nth| chunks[*nth]);
        std::iter::once(header).chain(chunks).collect::<Vec<_>>().concat()
    };
    assert!(read(&joined(&[0, 1, 2, 3, 4]), b"of tests").is_ok());
    for order in
        [&[1, 0, 2, 3, 4][..], &[0, 2, 3, 4], &[0, 1, 1, 2, 3, 4], &[0, 1, 2, 3], &[4], &[0, 1, 2, 4, 3]]
    {
        assert!(read(&joined(order), b"of tests").is_err(), "{order:?}");
    }
    // The same passphrase, and another salt: another key.
    let other = written(&items(300_000));
    let mut mixed = bytes.clone();
    mixed[HEADER + SEALED..HEADER + 2 * SEALED].copy_from_slice(&other[HEADER + SEALED..HEADER + 2 * SEALED]);
    assert!(read(&mixed, b"of tests").is_err());
}

#[test]
fn an_end_that_is_missing_early_or_wrong_is_refused() {
    let good = items(100);
    for wrong in [
        &good[..good.len() - 1],
        &[&good[..], &good[3..4]].concat(),
        &[&good[..4], &[Item::End(101)]].concat(),
        &[&good[..3], &[Item::End(100)]].concat(),
    ] {
        assert!(read(&written(wrong), b"of tests").is_err());
    }
    assert!(read(&written(&[]), b"of tests").is_err());
}
