//! Writes that fail: nothing is lost, nothing is written twice.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tallystick::audit::{Disk, RealDisk, Reserved};

use crate::log::{event, keyring, open_on, push, verify};

/// When a call fails, and after how many bytes of a write.
#[derive(Debug, Default)]
struct Plan {
    writes: Mutex<Vec<(usize, usize)>>,
    calls: AtomicUsize,
    is_full: Mutex<bool>,
}

#[derive(Debug)]
struct Failing(Arc<Plan>);

#[derive(Debug)]
struct FailingFile(Arc<Plan>, Box<dyn Reserved>);

impl Plan {
    /// After how many bytes this call fails, if it does.
    fn next(&self) -> Option<usize> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        self.writes.lock().unwrap().iter().find(|(at, _)| *at == call).map(|(_, bytes)| *bytes)
    }
}

impl Disk for Failing {
    fn reserve(&self, path: &Path, bytes: u64) -> Result<Box<dyn Reserved>> {
        if *self.0.is_full.lock().unwrap() {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(Box::new(FailingFile(Arc::clone(&self.0), RealDisk.reserve(path, bytes)?)))
    }

    fn open(&self, path: &Path) -> Result<(Box<dyn Reserved>, u64)> {
        let (file, len) = RealDisk.open(path)?;
        Ok((Box::new(FailingFile(Arc::clone(&self.0), file)), len))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        match self.0.next() {
            Some(_) => Err(Error::other("planned")),
            None => RealDisk.rename(from, to),
        }
    }
}

impl Reserved for FailingFile {
    fn write(&self, bytes: &[u8], at: u64) -> Result<()> {
        match self.0.next() {
            Some(count) => {
                self.1.write(&bytes[..count.min(bytes.len())], at)?;
                Err(Error::other("planned"))
            }
            None => self.1.write(bytes, at),
        }
    }
}

/// Every call fails once, with nothing, a part or all of its bytes written.
#[test]
fn a_failed_write_is_written_again_whichever_it_was() {
    let keyring = keyring();
    for failing in 2..14 {
        for bytes in [0, 1, 70, 100_000] {
            let (dir, plan) = (tempfile::tempdir().unwrap(), Arc::new(Plan::default()));
            plan.writes.lock().unwrap().push((failing, bytes));
            let path = dir.path().join("log");
            let disk = Box::new(Failing(Arc::clone(&plan)));
            let mut log = open_on(disk, &path, &keyring.audit, None).unwrap().log;
            let mut failures = 0;
            for nth in 0..60 {
                push(&mut log, &keyring, &event(nth));
                if nth % 7 == 6 {
                    let before = log.durable();
                    if log.flush().is_err() {
                        failures += 1;
                        // What counts as durable is, whatever the failure left.
                        let report = verify(&path, Some(&keyring.audit), &[before]);
                        assert_eq!(report.fault, None, "call {failing}, {bytes} bytes");
                        assert!(log.waiting() > 0);
                    }
                    assert!(log.reserve().is_ok());
                }
            }
            log.flush().unwrap();
            assert_eq!(failures, 1, "call {failing}");
            let report = verify(&path, Some(&keyring.audit), &[log.durable()]);
            assert_eq!((report.fault, report.notes, report.tip.number), (None, vec![], 60));
        }
    }
}

#[test]
fn a_full_disk_leaves_a_whole_file_for_what_is_under_way_and_keeps_the_rest() {
    let (dir, keyring, plan) = (tempfile::tempdir().unwrap(), keyring(), Arc::new(Plan::default()));
    let path = dir.path().join("log");
    let disk = Box::new(Failing(Arc::clone(&plan)));
    let mut log = open_on(disk, &path, &keyring.audit, None).unwrap().log;
    assert!(log.has_room());
    *plan.is_full.lock().unwrap() = true;
    let (mut nth, mut written_without_room) = (0, 0);
    while log.flush().is_ok() {
        written_without_room += u64::from(!log.has_room());
        push(&mut log, &keyring, &event(nth));
        let _ = log.reserve();
        nth += 1;
    }
    assert!(!log.has_room() && written_without_room > 5);
    push(&mut log, &keyring, &event(nth));
    assert!(log.flush().is_err() && log.waiting() == 2);
    assert_eq!(verify(&path, Some(&keyring.audit), &[log.durable()]).fault, None);
    *plan.is_full.lock().unwrap() = false;
    log.flush().unwrap();
    log.reserve().unwrap();
    assert!(log.has_room() && log.waiting() == 0);
    let report = verify(&path, Some(&keyring.audit), &[log.durable()]);
    assert_eq!((report.fault, report.tip.number), (None, nth + 1));
}
