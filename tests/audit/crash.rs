//! What a crash leaves is told from what tampering leaves, and is gone on from.

use std::fs;

use tallystick::audit::{AuditError, Event, Fault, Groups, Note, Tip};

use crate::log::{HEADER, Place, edit, event, make, open, places, push, started, verify};

/// A write of several records ends at any byte of it, whole sectors in any order.
#[test]
fn a_torn_write_behind_the_head_is_dropped_wherever_it_ended() {
    let (dir, keyring, head) = make(12);
    let log = dir.path().join("log");
    let mut opened = open(&log, &keyring.audit, Some(head)).unwrap().log;
    for nth in 0..3 {
        push(&mut opened, &keyring, &event(nth));
    }
    opened.flush().unwrap();
    drop(opened);
    let all = places(&log);
    let (first, last) = (&all[12], &all[14]);
    assert_eq!(first.file, last.file, "one write");
    let end = last.at + last.len;
    let whole = fs::read(&first.file).unwrap();
    for kept in (first.at..end).step_by(3) {
        for torn_at_front in [false, true] {
            edit(&first.file, |bytes| {
                if torn_at_front {
                    bytes[first.at..kept].fill(0);
                } else {
                    bytes[kept..end].fill(0);
                }
            });
            let is_whole = |place: &&Place| match place.number {
                ..=12 => true,
                _ if fs::read(&first.file).unwrap() == whole => true,
                _ => !torn_at_front && place.at + place.len <= kept,
            };
            let good = all.iter().filter(is_whole).count() as u64;
            let report = verify(&log, Some(&keyring.audit), &[head]);
            assert_eq!((report.fault, report.tip.number), (None, good), "{kept}");
            let mut opened = open(&log, &keyring.audit, Some(head)).unwrap();
            let told = report.notes.iter().find_map(|note| match note {
                Note::Torn { bytes, .. } => Some(*bytes),
                _ => None,
            });
            assert_eq!(told.unwrap_or(0), opened.dropped);
            push(&mut opened.log, &keyring, &started(9, !opened.is_ended));
            opened.log.flush().unwrap();
            let report = verify(&log, Some(&keyring.audit), &[opened.log.durable()]);
            assert_eq!((report.fault, report.tip.number), (None, good + 1), "{kept}");
            fs::write(&first.file, &whole).unwrap();
        }
    }
}

#[test]
fn what_the_head_remembers_is_never_taken_for_torn() {
    let (dir, keyring, head) = make(30);
    let log = dir.path().join("log");
    let last = places(&log).pop().unwrap();
    for offset in 0..last.len {
        let old = edit(&last.file, |bytes| bytes[last.at + offset..].fill(0));
        if fs::read(&last.file).unwrap() == old {
            continue; // A MAC may end in zeros.
        }
        let fault = verify(&log, Some(&keyring.audit), &[head]).fault.unwrap();
        assert_eq!(fault.record(), 30, "{fault}");
        let error = open(&log, &keyring.audit, Some(head)).unwrap_err();
        assert!(
            matches!(error, AuditError::Changed(30) | AuditError::CutOff { last: 29, head: 30 }),
            "{error}"
        );
        fs::write(&last.file, old).unwrap();
    }
}

#[test]
fn a_log_or_a_head_that_is_missing_is_told() {
    let (dir, keyring, head) = make(5);
    let log = dir.path().join("log");
    assert!(matches!(open(&log, &keyring.audit, None), Err(AuditError::Headless)));
    let other = Tip { link: [1; 32], ..head };
    assert!(matches!(open(&log, &keyring.audit, Some(other)), Err(AuditError::Changed(5))));
    let fault = verify(&log, Some(&keyring.audit), &[other]).fault;
    assert_eq!(fault, Some(Fault::Rewritten { record: 5 }));
}

#[test]
fn a_start_after_a_crash_says_which_groups_its_database_covers() {
    let (dir, keyring, head) = make(5);
    let log = dir.path().join("log");
    let mut opened = open(&log, &keyring.audit, Some(head)).unwrap();
    assert!(opened.is_ended, "it was stopped in order");
    push(&mut opened.log, &keyring, &started(5, false));
    push(&mut opened.log, &keyring, &event(5));
    push(&mut opened.log, &keyring, &Event::Groups(Groups { epoch: 1, first: 6, macs: vec![7; 32] }));
    opened.log.flush().unwrap();
    let mut again = open(&log, &keyring.audit, Some(opened.log.durable())).unwrap();
    assert!(!again.is_ended);
    push(&mut again.log, &keyring, &started(9, true));
    // The database was restored after that.
    push(&mut again.log, &keyring, &started(2, false));
    again.log.flush().unwrap();
    let report = verify(&log, Some(&keyring.audit), &[]);
    assert_eq!(report.fault, None);
    let crash = Note::Crash { record: 9, first: 7, last: 9 };
    assert_eq!(report.notes, [crash, Note::WentBack { record: 10, from: 9, to: 2 }]);
}

#[test]
fn a_crash_between_two_files_is_gone_on_from() {
    let (dir, keyring, head) = make(40);
    let log = dir.path().join("log");
    drop(open(&log, &keyring.audit, Some(head)).unwrap());
    // The next file had its header already, and not yet its name.
    let reserved = log.join(tallystick::audit::RESERVED);
    edit(&reserved, |bytes| bytes[..HEADER].fill(9));
    let mut opened = open(&log, &keyring.audit, Some(head)).unwrap().log;
    for nth in 0..40 {
        push(&mut opened, &keyring, &event(nth));
    }
    opened.flush().unwrap();
    assert_eq!(verify(&log, Some(&keyring.audit), &[opened.durable()]).fault, None);
    // The next file had its name, and no record yet.
    let files = tallystick::audit::files(&log).unwrap();
    let newest = log.join(tallystick::audit::file_name(*files.last().unwrap()));
    edit(&newest, |bytes| bytes.truncate(HEADER));
    let tip = verify(&log, Some(&keyring.audit), &[]).tip;
    let mut opened = open(&log, &keyring.audit, Some(tip)).unwrap();
    assert!(!opened.is_ended);
    push(&mut opened.log, &keyring, &event(1));
    opened.log.flush().unwrap();
    assert_eq!(verify(&log, Some(&keyring.audit), &[opened.log.durable()]).fault, None);
}
