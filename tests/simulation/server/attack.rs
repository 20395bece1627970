//! Older copies put back: of the disk, of the anchor, of the keyring. Each must
//! be told for what it is, and an honest one must never be taken for it.

use tallystick::engine::{Anchor, EngineError, Rollback};
use tallystick::store::{MemoryDisk, Store};

use super::start::NoStart;
use super::{Mood, Server};
use crate::trace::fail;
use crate::world::World;

/// A copy of the disk.
pub struct Backup {
    disk: MemoryDisk,
    epoch: u64,
    head: u64,
}

impl World {
    /// Takes a copy of the disk as it is.
    pub fn back_up(&mut self) {
        let Some(up) = &self.server.up else { return };
        let (epoch, head) = (up.store.epoch().0, up.receipt.newest().0);
        let backup = Backup { disk: self.server.disk.backup(), epoch, head };
        self.trace.tell(self.clock.ms, None, format!("a backup at group {head}, epoch {epoch}"));
        let backups = &mut self.server.backups;
        backups.push(backup);
        if backups.len() > 6 {
            backups.remove(self.trouble.dice.below(6));
        }
    }

    /// While nothing runs, somebody puts older copies in place and starts; then
    /// all is put back as it was.
    pub fn attack(&mut self) {
        let server = &self.server;
        if server.up.is_some() || server.place.mood == Mood::Gone {
            return;
        }
        let Some(anchor) =
            server.place.bytes.and_then(|bytes| Anchor::from_bytes(&server.keyring, &bytes).ok())
        else {
            return;
        };
        let truth = server.disk.backup();
        for at in 0..self.server.backups.len() {
            self.try_old_disk(at, &anchor);
        }
        self.server.disk.restore(&MemoryDisk::new());
        self.expect_rollback("an empty disk", true);
        self.server.disk.restore(&truth);
        let bytes = self.server.place.bytes.take();
        // Only a disk that never was told of an anchor may lack one.
        let was_told = self.server.durable > 0 || self.server.told().0 > 0;
        self.expect_rollback("a missing anchor", was_told);
        self.server.disk.restore(&truth);
        self.server.place.bytes = bytes;
        self.try_old_anchors(&truth);
        self.server.disk.restore(&truth);
        self.try_old_keyring();
        self.server.disk.restore(&truth);
    }

    fn try_old_disk(&mut self, at: usize, anchor: &Anchor) {
        let Backup { disk, epoch, head } = &self.server.backups[at];
        let is_older = *epoch < anchor.epoch.0 || *head < anchor.head.number.0;
        self.server.disk.restore(disk);
        let what = format!("the disk of group {head}, epoch {epoch}");
        self.expect_rollback(&what, is_older);
    }

    /// An anchor older than what the disk was told must be refused; one that only
    /// lagged behind must not.
    fn try_old_anchors(&mut self, truth: &MemoryDisk) {
        let newest = self.server.place.bytes;
        for _ in 0..3 {
            let history = &self.server.place.history;
            if history.is_empty() {
                break;
            }
            let bytes = *self.trouble.dice.pick(history);
            let Ok(old) = Anchor::from_bytes(&self.server.keyring, &bytes) else { continue };
            self.server.disk.restore(truth);
            let told = self.server.told();
            self.server.disk.restore(truth);
            self.server.place.bytes = Some(bytes);
            let is_older = old.epoch.0 < told.0 || old.head.number.0 < told.1;
            let what = format!("the anchor of group {}, epoch {}", old.head.number.0, old.epoch.0);
            self.expect_rollback(&what, is_older);
        }
        self.server.place.bytes = newest;
    }

    fn try_old_keyring(&mut self) {
        let Some(older) = self.server.older.clone().filter(|_| self.server.older_is_told) else { return };
        match self.server.unseal(&older, self.clock.wall()) {
            Ok(_) => fail(None, "an older keyring was taken".to_owned()),
            Err(_) => self.trace.count("older keyrings refused"),
        }
    }

    fn expect_rollback(&mut self, what: &str, is_older: bool) {
        let opened = self.server.unseal(&self.server.keyring, self.clock.wall()).map(drop);
        self.trace.tell(self.clock.ms, None, format!("{what} put back: {opened:?}"));
        match (is_older, opened) {
            (false, Ok(())) => self.trace.count("copies put back that were not older"),
            (true, Err(NoStart::Engine(EngineError::Rollback(kind)))) => self.trace.count(match kind {
                Rollback::Store => "older disks refused",
                Rollback::Anchor => "older anchors refused",
                Rollback::Missing => "missing anchors refused",
                Rollback::Keyring => "older keyrings refused",
            }),
            (_, opened) => fail(None, format!("{what} was put back, older: {is_older}, and met {opened:?}")),
        }
    }
}

impl Server {
    /// The epoch and the group of which the disk knows that the anchor was told.
    fn told(&self) -> (u64, u64) {
        use tallystick::store::journal::JournalBody;
        use tallystick::store::{Load, MemoryStore, PageKind, Record, StoreError, StoredGroup, TokenRow};
        #[derive(Default)]
        struct Newest(u64);
        impl Load for Newest {
            fn record(&mut self, _: Record) -> Result<(), StoreError> {
                Ok(())
            }
            fn page(&mut self, _: PageKind, _: u32, _: &[u8]) -> Result<(), StoreError> {
                Ok(())
            }
            fn token(&mut self, _: TokenRow) -> Result<(), StoreError> {
                Ok(())
            }
            fn journal(&mut self, group: StoredGroup<'_>) -> Result<(), StoreError> {
                self.0 = JournalBody::decode(group.body).unwrap().standing().anchored.0;
                Ok(())
            }
        }
        let mut store = MemoryStore::open(&self.disk);
        let mut newest = Newest::default();
        store.load(&mut newest).unwrap();
        (store.anchored().0, newest.0)
    }
}
