//! The thread that reads the store for a backup, as of one moment.
//!
//! It stands ready from the start, so that a connection's thread never opens a file. It
//! hands pieces over one at a time: who is slow to take them holds the moment, and the
//! log of the store grows, so that ends after a while.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use crate::daemon::DaemonError;
use crate::daemon::sandbox::{self, Role};
use crate::store::{Snapshot, StoreError};
use crate::wire::{BackupBegun, Status};

/// For how long a piece may wait to be taken.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is tried meanwhile.
const PAUSE: Duration = Duration::from_millis(2);

/// Asks for backups; or the status with which they are refused where there are none.
#[derive(Debug)]
pub struct Backups(Result<SyncSender<Order>, Status>);

impl Default for Backups {
    /// Without a store on a disk.
    fn default() -> Self {
        Self(Err(Status::Stopped))
    }
}

/// A backup that is wanted.
#[derive(Debug)]
struct Order {
    piece: usize,
    begun: SyncSender<Result<BackupBegun, StoreError>>,
    pieces: SyncSender<Option<Vec<u8>>>,
}

/// What is left of a backup that was begun.
#[derive(Debug)]
pub struct Pieces(Receiver<Option<Vec<u8>>>);

/// Starts the thread for the store at an absolute path. It ends with the handle.
///
/// # Errors
/// [`DaemonError::System`] if the system gives no thread.
pub fn start(path: PathBuf) -> Result<Backups, DaemonError> {
    let (orders, ordered) = sync_channel::<Order>(0);
    let work = move || {
        sandbox::enter(Role::Backup);
        while let Ok(order) = ordered.recv() {
            serve(&path, &order);
        }
    };
    let thread = std::thread::Builder::new().name("backup".to_owned());
    thread.spawn(work).map_err(DaemonError::System)?;
    Ok(Backups(Ok(orders)))
}

impl Backups {
    /// Of a store that is a database: that is backed up by its own means.
    #[must_use]
    pub const fn elsewhere() -> Self {
        Self(Err(Status::StoreShared))
    }

    /// Begins a backup in pieces of so many bytes: everything durable by now is in it.
    ///
    /// # Errors
    /// [`Status::StoreShared`]; [`Status::Busy`] if another is under way, [`Status::Stopped`] if the store
    /// cannot be read.
    pub(in crate::daemon) fn begin(&self, piece: usize) -> Result<(BackupBegun, Pieces), Status> {
        let orders = self.0.as_ref().map_err(|status| *status)?;
        let ((begun, told), (pieces, taken)) = (sync_channel(1), sync_channel(4));
        // Whoever serves another does not take it.
        orders.try_send(Order { piece, begun, pieces }).map_err(|error| match error {
            TrySendError::Full(_) => Status::Busy,
            TrySendError::Disconnected(_) => Status::Stopped,
        })?;
        match told.recv() {
            Ok(Ok(begun)) => Ok((begun, Pieces(taken))),
            _ => Err(Status::Stopped),
        }
    }
}

impl Pieces {
    /// The next piece; none at the end.
    ///
    /// # Errors
    /// [`Status::Stopped`] if the store could not be read to its end.
    pub fn next(&self) -> Result<Option<Vec<u8>>, Status> {
        self.0.recv().map_err(|_| Status::Stopped)
    }
}

fn serve(path: &std::path::Path, order: &Order) {
    let snapshot = Snapshot::begin(path);
    let told = snapshot.as_ref().map_err(Clone::clone).map(|snapshot| BackupBegun {
        epoch: snapshot.epoch().0,
        group: snapshot.head().0,
        bytes: snapshot.bytes(),
    });
    if order.begun.send(told).is_err() {
        return;
    }
    let Ok(snapshot) = snapshot else { return };
    match snapshot.read(order.piece, &mut |piece| hand_over(order, Some(piece))) {
        Ok(true) => {
            // Whoever is gone needs no end.
            let _ = hand_over(order, None);
        }
        Ok(false) => tracing::info!("a backup was not taken to its end"),
        Err(error) => tracing::error!(%error, "a backup could not be read"),
    }
}

/// Whether somebody takes it before patience ends.
fn hand_over(order: &Order, mut piece: Option<Vec<u8>>) -> bool {
    let begun = Instant::now();
    loop {
        match order.pieces.try_send(piece) {
            Ok(()) => return true,
            Err(TrySendError::Full(back)) if begun.elapsed() < PATIENCE => piece = back,
            Err(_) => return false,
        }
        std::thread::sleep(PAUSE);
    }
}
