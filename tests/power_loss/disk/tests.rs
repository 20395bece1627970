//! What the disk promises, and what it may do.

use std::collections::BTreeSet;

use super::*;

const NAME: &str = "store";

fn disk() -> (Disk, Inode) {
    let disk = Disk::with_file(NAME, vec![b'.'; 4 * SECTOR]);
    let inode = disk.find(NAME).unwrap();
    (disk, inode)
}

/// The first byte of each sector found after an outage; `?` if none wrote it.
fn found(disk: &Disk, name: &str, style: Option<Style>, seed: u64) -> String {
    let after = disk.after_outage(style, &mut Rng::with_seed(seed));
    let Some(inode) = after.find(name) else { return "none".to_owned() };
    let shown = |sector: &[u8]| if b".abc".contains(&sector[0]) { char::from(sector[0]) } else { '?' };
    after.bytes(inode).chunks(SECTOR).map(shown).collect()
}

fn all_found(disk: &Disk, name: &str, style: Option<Style>) -> BTreeSet<String> {
    (0..400).map(|seed| found(disk, name, style, seed)).collect()
}

fn set<const N: usize>(all: [&str; N]) -> BTreeSet<String> {
    all.map(str::to_owned).into()
}

#[test]
fn what_is_written_is_seen_and_only_what_is_synced_is_kept() {
    let (mut disk, file) = disk();
    disk.write(file, SECTOR, &[b'a'; SECTOR]);
    assert_eq!(disk.bytes(file)[SECTOR], b'a');
    assert_eq!(found(&disk, NAME, Some(Style::Nothing), 0), "....");
    assert_eq!(found(&disk, NAME, Some(Style::Everything), 0), ".a..");
    disk.sync(file);
    disk.truncate(file, 5 * SECTOR);
    disk.write(file, 0, b"b");
    for style in Style::ALL {
        for state in all_found(&disk, NAME, Some(style)) {
            assert_eq!(&state[1..4], "a..", "{style:?}");
        }
    }
}

#[test]
fn a_write_is_torn_between_sectors_and_never_within_one() {
    let (mut disk, file) = disk();
    disk.write(file, SECTOR - 10, &[b'a'; SECTOR]);
    let mut found = BTreeSet::new();
    for seed in 0..50 {
        let after = disk.after_outage(Some(Style::LastTorn), &mut Rng::with_seed(seed));
        let bytes = after.bytes(after.find(NAME).unwrap());
        let (first, second) = bytes[SECTOR - 10..2 * SECTOR - 10].split_at(10);
        for part in [first, second] {
            assert!(part.iter().all(|byte| *byte == part[0]));
        }
        assert!(bytes[..SECTOR - 10].iter().chain(&bytes[2 * SECTOR - 10..]).all(|byte| *byte == b'.'));
        found.insert((first[0], second[0]));
    }
    assert_eq!(found.len(), 4);
}

#[test]
fn writes_are_dropped_and_reordered_by_style() {
    let (mut disk, file) = disk();
    disk.write(file, 0, &[b'a'; SECTOR]);
    disk.write(file, SECTOR, &[b'b'; SECTOR]);
    disk.write(file, 0, &[b'c'; SECTOR]);
    let states = |style| all_found(&disk, NAME, Some(style));
    assert_eq!(states(Style::LastTorn), set(["ab..", "cb.."]));
    assert_eq!(states(Style::Prefix), set(["....", "a...", "ab..", "cb.."]));
    // A sector never goes back, but any sector may be ahead of any other.
    let any = set(["....", "a...", "c...", ".b..", "ab..", "cb.."]);
    assert_eq!(states(Style::Sectors), any);
    assert_eq!(states(Style::Subset), any);
    assert_eq!(all_found(&disk, NAME, None), any);
}

#[test]
fn the_length_moves_on_its_own() {
    let (mut disk, file) = disk();
    disk.write(file, 5 * SECTOR, &[b'a'; SECTOR]);
    disk.truncate(file, SECTOR);
    assert_eq!(disk.bytes(file).len(), SECTOR);
    for style in [Style::Subset, Style::Sectors] {
        let lengths: BTreeSet<_> =
            all_found(&disk, NAME, Some(style)).into_iter().map(|state| state.len()).collect();
        assert_eq!(lengths, BTreeSet::from([1, 4, 6]), "{style:?}");
    }
    let holes: BTreeSet<_> = (0..400)
        .filter_map(|seed| {
            let after = disk.after_outage(Some(Style::Sectors), &mut Rng::with_seed(seed));
            after.bytes(after.find(NAME).unwrap()).get(4 * SECTOR..5 * SECTOR).map(<[u8]>::to_vec)
        })
        .collect();
    assert!(holes.contains(&vec![0; SECTOR]) && holes.len() > 2, "zeros, or what was there before");
}

#[test]
fn a_failed_sync_drops_what_it_did_not_write_and_later_ones_do_not_bring_it_back() {
    let mut kept = BTreeSet::new();
    for seed in 0..50 {
        let (mut disk, file) = disk();
        disk.write(file, 0, &[b'a'; SECTOR]);
        disk.fail_sync(file, &mut Rng::with_seed(seed));
        assert_eq!(disk.bytes(file)[0], b'a');
        disk.write(file, SECTOR, &[b'b'; SECTOR]);
        disk.sync(file);
        kept.insert(found(&disk, NAME, Some(Style::Everything), 0));
    }
    assert_eq!(kept, set([".b..", "ab.."]));
}

#[test]
fn a_name_comes_or_goes_as_it_pleases_until_its_directory_is_durable() {
    let (mut disk, _) = disk();
    let log = disk.create("log");
    disk.write(log, 0, b"a");
    assert_eq!(all_found(&disk, "log", None), set(["none", "", "a", "?"]));
    disk.sync(log);
    assert_eq!(all_found(&disk, "log", None), set(["none", "a"]));
    disk.sync_directory();
    assert_eq!(all_found(&disk, "log", None), set(["a"]));
    assert!(disk.remove("log") && !disk.remove("log"));
    assert_eq!(disk.find("log"), None);
    assert_eq!(all_found(&disk, "log", None), set(["none", "a"]));
    let again = disk.create("log");
    disk.write(again, 0, b"b");
    disk.sync(again);
    assert_eq!(all_found(&disk, "log", None), set(["none", "a", "b"]));
    assert_eq!(disk.used(), 4 * SECTOR + 1);
    let nameless = disk.anonymous();
    disk.write(nameless, 0, b"x");
    assert_eq!(disk.used(), 4 * SECTOR + 1);
}

#[test]
fn a_name_is_given_away_whole_and_durable_with_its_directory() {
    let (mut disk, _) = disk();
    let new = disk.create("new");
    disk.write(new, 0, b"a");
    disk.sync(new);
    disk.sync_directory();
    assert!(disk.rename("new", NAME) && !disk.rename("new", NAME));
    assert_eq!(disk.find("new"), None);
    let both: BTreeSet<_> =
        (0..50).map(|seed| (found(&disk, NAME, None, seed), found(&disk, "new", None, seed))).collect();
    let state = |name: &str, new: &str| (name.to_owned(), new.to_owned());
    assert_eq!(both, BTreeSet::from([state("....", "a"), state("a", "none")]));
    disk.sync_directory();
    assert_eq!(all_found(&disk, NAME, None), set(["a"]));
}
