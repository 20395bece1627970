//! The house: sealed, or open with the keys in memory, and how it changes.
//!
//! Whoever works at the engine enters the open house and leaves it again. Sealing
//! lets nobody in any more, waits for those inside, and then drops everything
//! that holds a key: hall, committer, keeper, keyring. Their memory is wiped by
//! that.

mod chore;
mod destroy;
mod field_keys;
mod open;
mod opener;
mod seal;
mod store_place;
mod warm;

pub use chore::{Chore, Errand, Unlock};
pub use field_keys::{KeyChange, of_import};
pub use open::Site;
pub use opener::UnsealError;
pub use store_place::StorePlace;
pub use warm::Warm;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::DaemonError;
use super::Hall;
use super::audit::Clerk;
use super::control::Control;
use crate::entry::{Entry, EntryRegions};
use crate::keys::{Gathering, Keyring, OpenKeyring};
use crate::store::StoreError;

/// How long shares that were given wait for the next.
const PATIENCE: Duration = Duration::from_secs(600);

/// Most cards held and sessions open in a house that cannot be opened again.
const FEW: usize = 32;

/// What there is while the keys are in memory.
pub struct Opened {
    /// Where the engine is.
    pub hall: Arc<Hall>,
    /// The loaded keys.
    pub keyring: Arc<Keyring>,
    /// The store's epoch.
    pub epoch: u64,
    /// Held cards and payment sessions' keys.
    pub entry: Entry,
}

/// The one place that says whether the daemon is sealed.
pub struct House {
    opened: RwLock<Option<Arc<Opened>>>,
    /// Held by whoever opens or seals: one at a time.
    porter: Mutex<Porter>,
    /// What admins have proposed while it is open.
    pub(super) control: Control,
    /// Where keyring and store are; none for a house that cannot be opened again.
    site: Option<Site>,
    /// Takes errands to the thread that may do them; none if every thread may.
    errands: Option<Errands>,
}

/// Takes errands to the thread that may do them.
type Errands = Box<dyn Fn(Errand) + Send + Sync>;

/// What only opening and sealing need.
#[derive(Default)]
struct Porter {
    /// Of the open house, or of one that was sealed and has not ended yet.
    committer: Option<JoinHandle<Result<(), StoreError>>>,
    /// Of the open house, or one that hung when it was sealed.
    clerk: Option<Clerk>,
    /// The keyring with its root key, while the house is open.
    keys: Option<OpenKeyring>,
    gathering: Option<(Gathering, Instant)>,
}

impl House {
    /// A sealed house.
    #[must_use]
    pub fn sealed(site: Site) -> Self {
        let control = Control::default();
        let (opened, porter) = (RwLock::new(None), Mutex::default());
        Self { opened, porter, control, site: Some(site), errands: None }
    }

    /// The same, having everything that opens it done elsewhere: `errands` takes each
    /// to a thread that calls `Errand::run`, or drops it if there is none any more.
    #[must_use]
    pub fn sending(self, errands: impl Fn(Errand) + Send + Sync + 'static) -> Self {
        Self { errands: Some(Box::new(errands)), ..self }
    }

    /// An open house of an engine that was unsealed elsewhere. It is not sealed, since
    /// it could not be opened again.
    #[must_use]
    pub fn of(hall: Arc<Hall>, keyring: Arc<Keyring>, epoch: u64) -> Self {
        let entry = Entry::new(EntryRegions::of(FEW, FEW).ok());
        let opened = RwLock::new(Some(Arc::new(Opened { hall, keyring, epoch, entry })));
        let (porter, control) = (Mutex::default(), Control::default());
        Self { opened, porter, control, site: None, errands: None }
    }

    /// Lets in whoever works at the engine; none while sealed. Leave soon: sealing
    /// waits for it.
    #[must_use]
    pub fn enter(&self) -> Option<Arc<Opened>> {
        self.opened.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets shares that have waited for too long, and held cards and sessions whose
    /// time is over. Call it now and then.
    pub fn tidy(&self, now: Instant) {
        if let Some(opened) = self.enter() {
            opened.entry.sweep(now);
        }
        // Whoever is opening or sealing now does it too.
        if let Ok(mut porter) = self.porter.try_lock() {
            porter.forget_stale(now);
        }
    }

    fn porter(&self) -> MutexGuard<'_, Porter> {
        // What it holds is whole after each assignment.
        self.porter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Porter {
    /// Waits until nobody writes the audit log any more.
    fn join_clerk(&mut self, patience: Duration) -> Result<(), DaemonError> {
        let ended = self.clerk.as_mut().map_or(Ok(()), |clerk| clerk.stop(patience));
        if !matches!(ended, Err(DaemonError::AuditHangs)) {
            self.clerk = None;
        }
        ended
    }

    /// Waits until the committer has ended, however long that takes.
    fn join(&mut self) -> Result<(), StoreError> {
        match self.committer.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(error),
            Some(Err(_)) => Err(StoreError::Poisoned),
        }
    }

    fn forget_stale(&mut self, now: Instant) {
        if self.gathering.as_ref().is_some_and(|(_, last)| now.duration_since(*last) >= PATIENCE) {
            tracing::info!("shares waited too long for the next; forgotten");
            self.gathering = None;
        }
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;
