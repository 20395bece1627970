//! Each kind of tampering, on each record of a log, is told at the right record.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use tallystick::audit::{self, Fault, Keys, Tip};

use crate::log::{HEADER, Place, edit, make, open, places, verify};

const COUNT: u64 = 60;

/// The fault that is told with the keys, and without them.
fn faults(dir: &Path, keys: &dyn Keys, head: Tip) -> [Fault; 2] {
    [Some(keys), None].map(|keys| verify(dir, keys, &[head]).fault.expect("nothing was told"))
}

#[test]
fn an_untouched_log_is_good_and_goes_through_its_files() {
    let (dir, keyring, tip) = make(COUNT);
    let log = dir.path().join("log");
    for keys in [Some(&keyring.audit as &dyn Keys), None] {
        let report = verify(&log, keys, &[tip]);
        assert_eq!((report.fault, report.notes), (None, vec![]));
        assert_eq!((report.first, report.tip), (1, tip));
        assert!(report.files >= 4, "{}", report.files);
    }
    assert_eq!(places(&log).len() as u64, COUNT);
    let other = crate::log::keyring();
    let fault = verify(&log, Some(&other.audit), &[tip]).fault;
    assert!(matches!(fault, Some(Fault::Changed { record: 1, .. })), "{fault:?}");
}

#[test]
fn a_bit_changed_anywhere_is_told_at_its_record() {
    let (dir, keyring, tip) = make(24);
    let log = dir.path().join("log");
    for Place { file, at, len, number } in places(&log) {
        for offset in 0..len {
            let old = edit(&file, |bytes| bytes[at + offset] ^= 1 << (offset % 8));
            let keyed = verify(&log, Some(&keyring.audit), &[tip]).fault.expect("nothing was told");
            assert_eq!(keyed.record(), number, "byte {offset}: {keyed}");
            if !(4..12).contains(&offset) {
                assert_eq!(keyed.kind(), "changed", "byte {offset}: {keyed}");
            }
            // Only who has the key can tell a changed MAC.
            if offset < len - 32 {
                let bare = verify(&log, None, &[tip]).fault.expect("nothing was told");
                assert_eq!(bare.record(), number, "byte {offset}: {bare}");
            }
            fs::write(&file, old).unwrap();
        }
    }
}

#[test]
fn a_changed_header_is_told_at_the_first_record_of_its_file() {
    let (dir, keyring, tip) = make(COUNT);
    let log = dir.path().join("log");
    for first in audit::files(&log).unwrap() {
        let file = log.join(audit::file_name(first));
        for offset in 0..HEADER {
            let old = edit(&file, |bytes| bytes[offset] ^= 1);
            for fault in faults(&log, &keyring.audit, tip) {
                assert_eq!(fault.record(), first, "byte {offset}: {fault}");
            }
            fs::write(&file, old).unwrap();
        }
    }
}

#[test]
fn a_removed_record_is_told() {
    let (dir, keyring, tip) = make(COUNT);
    let log = dir.path().join("log");
    for Place { file, at, len, number } in places(&log) {
        let old = edit(&file, |bytes| drop(bytes.drain(at..at + len)));
        for fault in faults(&log, &keyring.audit, tip) {
            assert_eq!(fault.record(), number, "{fault}");
            assert_eq!(fault.kind(), if number == COUNT { "cut_off" } else { "removed" });
        }
        fs::write(&file, old).unwrap();
    }
}

#[test]
fn a_moved_record_is_told() {
    let (dir, keyring, tip) = make(COUNT);
    let log = dir.path().join("log");
    let mut moved = 0;
    for pair in places(&log).windows(2) {
        let [one, two] = pair else { panic!() };
        if one.file != two.file {
            continue;
        }
        moved += 1;
        let swapped = [two.bytes(), one.bytes()].concat();
        let old = edit(&one.file, |bytes| bytes[one.at..two.at + two.len].copy_from_slice(&swapped));
        for fault in faults(&log, &keyring.audit, tip) {
            assert_eq!((fault.kind(), fault.record()), ("reordered", one.number), "{fault}");
        }
        fs::write(&one.file, old).unwrap();
    }
    assert!(moved > 40);
}

#[test]
fn a_record_that_stands_twice_is_told() {
    let (dir, keyring, tip) = make(COUNT);
    let log = dir.path().join("log");
    let mut told = 0;
    for pair in places(&log).windows(2) {
        let [one, two] = pair else { panic!() };
        // There must be room for it.
        if one.file != two.file || one.len > two.len {
            continue;
        }
        told += 1;
        let old = edit(&two.file, |bytes| bytes[two.at..two.at + one.len].copy_from_slice(&one.bytes()));
        for fault in faults(&log, &keyring.audit, tip) {
            assert_eq!((fault.kind(), fault.record()), ("repeated", two.number), "{fault}");
        }
        fs::write(&two.file, old).unwrap();
    }
    assert!(told > 10);
}

#[test]
fn a_log_cut_off_at_any_record_is_told_by_its_head() {
    let (dir, keyring, tip) = make(COUNT);
    let log = dir.path().join("log");
    for Place { file, at, number, .. } in places(&log).into_iter().rev() {
        // All behind it goes, later files too.
        edit(&file, |bytes| bytes.truncate(at));
        for first in audit::files(&log).unwrap().into_iter().filter(|first| *first > number) {
            fs::remove_file(log.join(audit::file_name(first))).unwrap();
        }
        for fault in faults(&log, &keyring.audit, tip) {
            assert_eq!((fault.kind(), fault.record()), ("cut_off", number), "{fault}");
        }
        let opened = open(&log, &keyring.audit, Some(tip));
        assert!(matches!(opened, Err(audit::AuditError::CutOff { last, .. }) if last == number - 1));
        // Without a head nobody could tell.
        assert_eq!(verify(&log, Some(&keyring.audit), &[]).fault, None);
    }
    fs::remove_dir_all(&log).unwrap();
    for fault in faults(&log, &keyring.audit, tip) {
        assert_eq!(fault, Fault::Missing);
    }
    assert!(matches!(open(&log, &keyring.audit, Some(tip)), Err(audit::AuditError::Missing(COUNT))));
}

#[test]
fn a_removed_file_is_told() {
    let (dir, keyring, tip) = make(COUNT);
    let log = dir.path().join("log");
    let files = audit::files(&log).unwrap();
    for (nth, first) in files.iter().enumerate() {
        let path = log.join(audit::file_name(*first));
        let old = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        for fault in faults(&log, &keyring.audit, tip) {
            let kind = match nth {
                0 => "begins_late",
                last if last == files.len() - 1 => "cut_off",
                _ => "removed",
            };
            assert_eq!((fault.kind(), fault.record()), (kind, *first), "{fault}");
        }
        fs::write(&path, old).unwrap();
    }
    // Who moved the first file away says so.
    fs::remove_file(log.join(audit::file_name(1))).unwrap();
    let report = audit::verify(&log, Some(&keyring.audit), &[tip], Some(files[1]), &mut |_| ()).unwrap();
    assert_eq!((report.fault, report.first), (None, files[1]));
}

/// Who has no key can make the whole chain of hashes anew, but no MAC.
#[test]
fn a_chain_made_anew_is_told_at_the_first_changed_record_with_the_key_and_by_the_head_without() {
    let (dir, keyring, tip) = make(COUNT);
    let log = dir.path().join("log");
    for changed in places(&log) {
        let mut before = Vec::new();
        let mut saved = Vec::new();
        let all = places(&log);
        for place in all.iter().skip(changed.number as usize - 1) {
            if before.is_empty() {
                before = link_before(&all, place);
            }
            let (mut bytes, number) = (place.bytes(), place.number);
            if number == changed.number {
                bytes[12] ^= 1; // its time
            }
            let linked = place.len - 64;
            let sum = Sha256::new()
                .chain_update(b"tallystick/v1/audit-link")
                .chain_update(&before)
                .chain_update(&bytes[..linked]);
            before = sum.finalize().to_vec();
            bytes[linked..linked + 32].copy_from_slice(&before);
            let old = edit(&place.file, |file| {
                if place.at == HEADER && number != changed.number {
                    file[24..56].copy_from_slice(&link_before(&places(&log), place));
                }
                file[place.at..place.at + place.len].copy_from_slice(&bytes);
            });
            saved.push((place.file.clone(), old));
        }
        let [keyed, bare] = faults(&log, &keyring.audit, tip);
        assert_eq!((keyed.kind(), keyed.record()), ("changed", changed.number), "{keyed}");
        assert_eq!((bare.kind(), bare.record()), ("rewritten", COUNT), "{bare}");
        for (file, old) in saved.into_iter().rev() {
            fs::write(file, old).unwrap();
        }
    }
    assert_eq!(verify(&log, Some(&keyring.audit), &[tip]).fault, None);
}

fn link_before(all: &[Place], place: &Place) -> Vec<u8> {
    match place.number {
        1 => vec![0; 32],
        number => {
            let bytes = all[number as usize - 2].bytes();
            bytes[bytes.len() - 64..bytes.len() - 32].to_vec()
        }
    }
}

#[test]
fn a_log_that_begins_as_new_on_an_old_database_is_told() {
    let (dir, keyring) = (tempfile::tempdir().unwrap(), crate::log::keyring());
    let log = dir.path().join("log");
    let mut opened = open(&log, &keyring.audit, None).unwrap().log;
    crate::log::push(&mut opened, &keyring, &crate::log::started(77, false));
    opened.flush().unwrap();
    let fault = verify(&log, Some(&keyring.audit), &[]).fault.unwrap();
    assert_eq!(fault, Fault::Forgotten { group: 77 });
    // Who knows why says so.
    let report = audit::verify(&log, Some(&keyring.audit), &[], Some(1), &mut |_| ()).unwrap();
    assert_eq!(report.fault, None);
}
