//! A backup: the file, the items in it and the rows in those.

use super::keys::{CHEAP, region};
use crate::crypto::SystemRandom;
use crate::daemon::backup::{Item, Reader, Writer};
use crate::store::Rows;
use crate::wire::{BackupBegun, decode_backup_piece};

/// Where the cost of a guess stands in the header.
const COST: std::ops::Range<usize> = 12..24;

/// The bytes as a file; as rows; and as items in a file that was sealed: those come back
/// as they were written, and with any one bit of the file changed they do not.
pub fn backup(data: &[u8]) {
    let _ = (BackupBegun::decode(data), decode_backup_piece(data));
    let mut rows = Rows::default();
    // However the pieces are cut, the same rows are found.
    let whole = rows.take(data, &mut |_| Ok(())).map(|()| rows.count());
    let mut cut = Rows::default();
    let pieces = data.chunks(7).try_for_each(|piece| cut.take(piece, &mut |_| Ok(())));
    assert!(whole == pieces.map(|()| cut.count()), "cutting rows changed them");
    let Some(region) = region() else { return };
    let passphrase = b"for fuzzing only".to_vec().into();
    let header_is_cheap = data.get(COST) == Some(&[0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 1]);
    if header_is_cheap && let Ok(mut reader) = Reader::new(data, region, &passphrase) {
        while let Ok(Some(_)) = reader.next_item() {}
    }
    let Some((kind, content)) = data.split_first() else { return };
    let item = match kind % 3 {
        0 => Item::Keyring(content.to_vec()),
        1 => Item::Config(content.to_vec()),
        _ => Item::Rows(content.to_vec()),
    };
    let rows = if let Item::Rows(bytes) = &item { bytes.len() } else { 0 };
    let items = [item, Item::End(u64::try_from(rows).unwrap_or(0))];
    let Ok(mut writer) = Writer::new(Vec::new(), region, &SystemRandom, &passphrase, CHEAP) else { return };
    let written = items.iter().try_for_each(|item| writer.add(item)).and_then(|()| writer.finish());
    let Ok(mut file) = written else { return };
    let read = |file: &[u8]| {
        let mut reader = Reader::new(file, region, &passphrase).ok()?;
        let mut found = Vec::new();
        while let Some(item) = reader.next_item().ok()? {
            found.push(item);
        }
        Some(found)
    };
    assert!(read(&file).as_deref() == Some(&items[..]), "a backup came back as another");
    let at = usize::from(*kind) * 257 % file.len();
    if !COST.contains(&at) {
        if let Some(byte) = file.get_mut(at) {
            *byte ^= 1;
        }
        assert!(read(&file).is_none(), "a changed backup was read");
    }
}
