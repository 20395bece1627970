//! Opening: store, anchors, engine and committer around a keyring.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::seal::{PATIENCE, Sealing};
use super::{House, Opened, Porter, StorePlace, Unlock};
use crate::daemon::anchor::{self, Keeper, Place};
use crate::daemon::audit::{Book, Clerk, Recorder};
use crate::daemon::config::{AnchorConfig, AuditConfig, Config};
use crate::daemon::sandbox::{self, Role};
use crate::daemon::{Committer, DaemonError, Hall, Metrics, paths};
use crate::engine::{Anchor, Engine, EngineConfig};
use crate::entry::{Entry, EntryRegions};
use crate::keys::{Keyring, OpenKeyring, SealedKeyring};
use crate::secmem::Region;
use crate::store::{ChainHead, Epoch, GroupNumber, LogLimits, Store, StoreError};
use crate::types::UnixTime;

/// What is done when the store has failed.
pub type Failed = Arc<dyn Fn() + Send + Sync>;

/// Where keyring and store are, and what they are opened with.
pub struct Site {
    dir: PathBuf,
    pub(super) engine: EngineConfig,
    anchor: AnchorConfig,
    log: LogLimits,
    audit: AuditConfig,
    recorder: Recorder,
    /// Made before the first thread, and kept while sealed: a slot is wiped when its
    /// key is dropped.
    region: Region,
    /// The same for held cards and payment sessions' keys; none if there is no room.
    entry: Option<EntryRegions>,
    store: StorePlace,
    /// Called when the store has failed.
    failed: Failed,
    pub(super) sealing: Sealing,
}

impl Site {
    /// A state directory and its configuration; keys are to be in `region`. What is
    /// put down with `recorder` goes into the audit log while the house is open.
    /// `failed` is called when the store has failed.
    #[must_use]
    pub fn new(dir: PathBuf, config: &Config, region: Region, recorder: Recorder, failed: Failed) -> Self {
        let Config { engine, anchor, audit, .. } = config.clone();
        let (log, store, sealing) = (config.limits.log, StorePlace::default(), Sealing::default());
        Self { dir, engine, anchor, log, audit, recorder, region, entry: None, store, failed, sealing }
    }

    /// The same with locked memory for held cards and payment sessions' keys.
    #[must_use]
    pub fn with_entry(self, regions: Option<EntryRegions>) -> Self {
        Self { entry: regions, ..self }
    }

    /// The same with its store elsewhere than in the state directory.
    #[must_use]
    pub fn with_store(self, store: StorePlace) -> Self {
        Self { store, ..self }
    }

    /// The locked memory of the keys.
    pub(super) const fn region(&self) -> &Region {
        &self.region
    }

    /// The keyring as it stands in its file.
    pub(super) fn keyring(&self) -> Result<SealedKeyring, DaemonError> {
        Ok(SealedKeyring::from_bytes(&self.keyring_file()?)?)
    }

    /// The bytes of that file.
    pub(super) fn keyring_file(&self) -> Result<Vec<u8>, DaemonError> {
        let path = self.keyring_path();
        std::fs::read(&path).map_err(DaemonError::at(&path))
    }

    /// The file of the keyring.
    pub(super) fn keyring_path(&self) -> PathBuf {
        paths::keyring(&self.dir)
    }

    /// Refuses, if somebody wants the house sealed meanwhile.
    fn go_on(&self) -> Result<(), DaemonError> {
        if self.sealing.is_wanted() { Err(StoreError::GivenUp.into()) } else { Ok(()) }
    }

    fn store(&self) -> Result<Box<dyn Store>, DaemonError> {
        self.store.open(&self.dir, self.log)
    }
}

impl House {
    /// Opens with what opens the keyring. If anything fails the house stays sealed.
    ///
    /// # Errors
    /// [`DaemonError`]; [`DaemonError::Key`] if it does not open the keyring.
    pub fn open(&self, unlock: &Unlock, metrics: &Metrics) -> Result<(), DaemonError> {
        let mut porter = self.porter();
        let site = self.site.as_ref().ok_or(DaemonError::NoSite)?;
        if self.enter().is_some() {
            return Ok(());
        }
        // One that was sealed while its anchor hung must not write it any more.
        if let Err(error) = porter.join() {
            tracing::error!(%error, "the store had failed while sealing");
        }
        // Sealing does not wait long for a slow disk; opening may. What wrote the log's end
        // without a key has no newer head, as after a crash; only one that still writes
        // must not be joined by another.
        match porter.join_clerk(PATIENCE) {
            Err(error @ DaemonError::AuditHangs) => return Err(error),
            Err(error) => tracing::error!(%error, "the audit log had no newer head while sealing"),
            Ok(()) => {}
        }
        site.go_on()?;
        let keys = unlock.open(site.keyring()?, &site.region)?;
        self.settle(&mut porter, keys, metrics)
    }

    /// Opens with a keyring that is open.
    pub(super) fn settle(
        &self,
        porter: &mut Porter,
        keys: OpenKeyring,
        metrics: &Metrics,
    ) -> Result<(), DaemonError> {
        let site = self.site.as_ref().ok_or(DaemonError::NoSite)?;
        let (opened, committer, clerk) = site.open(Arc::new(keys.load()?), metrics)?;
        (porter.committer, porter.clerk) = (Some(committer), Some(clerk));
        (porter.gathering, porter.keys) = (None, Some(keys));
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(opened));
        Ok(())
    }
}

type Running = JoinHandle<Result<(), StoreError>>;

impl Site {
    fn open(
        &self,
        keyring: Arc<Keyring>,
        metrics: &Metrics,
    ) -> Result<(Opened, Running, Clerk), DaemonError> {
        let mut places = anchor::places(&self.anchor, &self.dir);
        self.go_on()?;
        let mut store = self.store()?;
        // Now nobody else writes them any more.
        let anchors = anchor::read_all(&mut places, &keyring)?;
        let sealing = self.sealing.clone();
        let engine = Engine::new(self.engine.clone()).given_up_if(move || sealing.is_wanted());
        let now = UnixTime::from_system_clock();
        let (engine, chain) = engine.unseal(Arc::clone(&keyring), &mut *store, &anchors, now)?;
        let (epoch, receipt) = (store.epoch(), store.receipt());
        // What a node that joins others finds was written by them, and is in their logs.
        let joins = store.is_shared() && store.anchored() == Epoch(0);
        let newest = if joins { GroupNumber(0) } else { receipt.newest() };
        self.go_on()?;
        let keeper = drop_anchor(places, &keyring, &mut *store, chain.head(), self.anchor.interval)?;
        self.go_on()?;
        let book = Book::open(&self.audit, &self.dir, &keyring, || Ok(newest))?;
        let clerk = Clerk::start(book, &self.recorder, epoch, chain.head())?;
        let tokens = engine.token_count();
        let hall = Arc::new(Hall::new(engine, receipt));
        let committer = Committer::new(Arc::clone(&hall), store, chain, keeper, UnixTime::from_system_clock)
            .recording(self.recorder.clone())
            .counting(metrics);
        let committer = start_committer(committer, Arc::clone(&self.failed))?;
        tracing::info!(epoch = epoch.0, tokens, "unsealed");
        let entry = Entry::new(self.entry.clone());
        Ok((Opened { hall, keyring, epoch: epoch.0, entry }, committer, clerk))
    }
}

/// Tells every anchor of this epoch before anything is served in it, and goes on
/// telling them.
fn drop_anchor(
    mut places: Vec<Box<dyn Place>>,
    keyring: &Arc<Keyring>,
    store: &mut dyn Store,
    head: ChainHead,
    interval: Duration,
) -> Result<Keeper, DaemonError> {
    let (epoch, token_key) = (store.epoch(), keyring.token_derivation.active().0);
    anchor::write_all(&mut places, keyring, &Anchor { epoch, head, token_key })?;
    store.set_anchored()?;
    Keeper::start(places, keyring, epoch, head, interval).map_err(DaemonError::System)
}

fn start_committer(committer: Committer, failed: Failed) -> Result<Running, DaemonError> {
    let thread = std::thread::Builder::new().name("committer".to_owned());
    let work = move || {
        sandbox::enter(Role::Committer);
        let result = committer.run();
        if result.is_err() {
            failed();
        }
        result
    };
    thread.spawn(work).map_err(DaemonError::System)
}
