//! A log to be tampered with, and the records in its files.

use std::fs;
use std::path::{Path, PathBuf};

use tallystick::audit::{
    self, Disk, Event, Groups, Head, Keys, Log, Opened, Operation, RealDisk, Record, Report, Stand, Started,
    Tip,
};
use tallystick::crypto::{PassphraseCost, SystemRandom};
use tallystick::keys::{Keyring, OpenKeyring};
use tallystick::secmem::Region;
use tallystick::types::UnixTime;
use tempfile::TempDir;

/// Bytes of a file's header.
pub const HEADER: usize = 64;
/// Bytes of each file.
pub const BYTES: u64 = 2048;

pub fn keyring() -> Keyring {
    let region = Region::new(64).unwrap();
    let cost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
    let passphrase = b"for tests only".to_vec().into();
    OpenKeyring::create(&region, &SystemRandom, &passphrase, cost).unwrap().load().unwrap()
}

pub fn now() -> UnixTime {
    UnixTime::from_seconds(1_800_000_000)
}

pub fn open(dir: &Path, keys: &dyn Keys, head: Option<Tip>) -> Result<Opened, audit::AuditError> {
    open_on(Box::new(RealDisk), dir, keys, head)
}

pub fn open_on(
    disk: Box<dyn Disk>,
    dir: &Path,
    keys: &dyn Keys,
    head: Option<Tip>,
) -> Result<Opened, audit::AuditError> {
    audit::open(disk, dir, BYTES, keys, head.map(Head), Tip::START)
}

/// Some record of its own; they are of different lengths.
pub fn event(nth: u64) -> Event {
    match nth % 4 {
        0 => Event::Groups(Groups { epoch: 1, first: nth + 1, macs: vec![7; 32] }),
        kind => Event::Refused(Operation {
            caller: "x".repeat(nth as usize % 23),
            operation: ["", "issue", "verify", "detokenize"][kind as usize].to_owned(),
            status: "bad_mac".to_owned(),
            subject: (kind == 2).then(|| "xxxxxxxxxxxx1234".to_owned()),
        }),
    }
}

pub fn started(group: u64, after_crash: bool) -> Event {
    let stand = Stand { epoch: 1, group, mac: [3; 32] };
    Event::Started(Started { server: "test".to_owned(), stand, after_crash, dropped: 0 })
}

/// A log of `count` records over several files, in order to its end.
pub fn make(count: u64) -> (TempDir, Keyring, Tip) {
    let (dir, keyring) = (TempDir::new().unwrap(), keyring());
    let mut log = open(&dir.path().join("log"), &keyring.audit, None).unwrap().log;
    push(&mut log, &keyring, &started(0, false));
    for nth in 2..count {
        push(&mut log, &keyring, &event(nth));
        if nth % 5 == 0 {
            log.flush().unwrap();
        }
    }
    push(&mut log, &keyring, &Event::Stopped(Stand { epoch: 1, group: 0, mac: [0; 32] }));
    log.flush().unwrap();
    let tip = log.durable();
    assert_eq!(tip.number, count);
    (dir, keyring, tip)
}

pub fn push(log: &mut Log, keyring: &Keyring, event: &Event) {
    assert!(log.push(&keyring.audit, now(), event));
}

pub fn verify(dir: &Path, keys: Option<&dyn Keys>, heads: &[Tip]) -> Report {
    audit::verify(dir, keys, heads, None, &mut |_| ()).unwrap()
}

/// Where a record stands.
#[derive(Debug, Clone)]
pub struct Place {
    pub file: PathBuf,
    pub at: usize,
    pub len: usize,
    pub number: u64,
}

impl Place {
    pub fn bytes(&self) -> Vec<u8> {
        fs::read(&self.file).unwrap()[self.at..self.at + self.len].to_vec()
    }
}

/// Every record of a log, in order.
pub fn places(dir: &Path) -> Vec<Place> {
    let mut found = Vec::new();
    for first in audit::files(dir).unwrap() {
        let file = dir.join(audit::file_name(first));
        let bytes = fs::read(&file).unwrap();
        let mut at = HEADER;
        while let Some(record) = Record::parse(&bytes[at..]) {
            found.push(Place { file: file.clone(), at, len: record.size(), number: record.number });
            at += record.size();
        }
    }
    found
}

/// Changes a file's bytes and gives the old ones, to be put back.
pub fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let old = fs::read(file).unwrap();
    let mut bytes = old.clone();
    change(&mut bytes);
    // A file keeps its length: its room was taken ahead.
    bytes.resize(old.len(), 0);
    fs::write(file, bytes).unwrap();
    old
}
