//! The thread that puts the write-ahead log into the database beside the commits.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::super::StoreError;
use super::disk::Grip;
use super::failure::{failed, io};

/// How far a log has come into the database, in frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) frames: u64,
    pub(super) done: u64,
}

/// Runs one of SQLite's checkpoints.
pub(super) fn pass(connection: &Connection, pragma: &str) -> Result<Progress, StoreError> {
    let counts = connection
        .prepare_cached(pragma)
        .and_then(|mut statement| statement.query_row([], |row| Ok((row.get(1)?, row.get(2)?))));
    let (frames, done): (i64, i64) = counts.map_err(failed)?;
    // A negative count says that there is no log.
    Ok(Progress { frames: u64::try_from(frames).unwrap_or(0), done: u64::try_from(done).unwrap_or(0) })
}

/// Runs checkpoints, at most one at a time.
#[derive(Debug)]
pub(super) struct Checkpointer {
    /// None in the background: the thread has it.
    connection: Option<Connection>,
    requests: Option<Sender<()>>,
    results: Receiver<Result<(), StoreError>>,
    is_running: bool,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// A checkpointer with a connection of its own, on a thread of its own or not,
    /// and a grip on the database's file, if there is one.
    pub(super) fn new(
        connection: Connection,
        background: bool,
        database: Option<Arc<dyn Grip>>,
    ) -> Result<Self, StoreError> {
        let (requests, requested) = channel();
        let (told, results) = channel();
        if !background {
            return Ok(Self {
                connection: Some(connection),
                requests: None,
                results,
                is_running: false,
                thread: None,
            });
        }
        let work = move || {
            while requested.recv().is_ok() {
                if told.send(checkpoint(&connection, database.as_deref())).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("checkpoint".to_owned()).spawn(work);
        let thread = thread.map_err(|error| io("the checkpoint thread", &error))?;
        Ok(Self {
            connection: None,
            requests: Some(requests),
            results,
            is_running: false,
            thread: Some(thread),
        })
    }

    /// Begins a checkpoint unless one is running. Whether it has ended already.
    pub(super) fn begin(&mut self) -> Result<bool, StoreError> {
        match (&self.connection, &self.requests) {
            _ if self.is_running => return Ok(false),
            (Some(connection), _) => return checkpoint(connection, None).map(|()| true),
            (None, Some(requests)) => requests.send(()).map_err(|_| GONE)?,
            (None, None) => return Err(GONE),
        }
        self.is_running = true;
        Ok(false)
    }

    /// Whether a checkpoint was begun that is not known to have ended.
    pub(super) const fn is_running(&self) -> bool {
        self.is_running
    }

    /// Whether a checkpoint has ended since it was last asked.
    pub(super) fn is_done(&mut self) -> Result<bool, StoreError> {
        if !self.is_running {
            return Ok(false);
        }
        match self.results.try_recv() {
            Ok(result) => result?,
            Err(TryRecvError::Empty) => return Ok(false),
            Err(TryRecvError::Disconnected) => return Err(GONE),
        }
        self.is_running = false;
        Ok(true)
    }

    /// Waits until no checkpoint is running. Whether one was.
    pub(super) fn wait(&mut self) -> Result<bool, StoreError> {
        let was_running = std::mem::take(&mut self.is_running);
        if was_running {
            self.results.recv().map_err(|_| GONE)??;
        }
        Ok(was_running)
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was its own end.
            let _ = thread.join();
        }
    }
}

const GONE: StoreError = StoreError::Corrupt("the checkpoint thread has ended");

/// A pass over what there is of the log. A full disk is no failure: the log stays
/// as it is.
///
/// SQLite syncs the database only with a pass that reaches the end of the log, and
/// that is mostly the one between two commits. So this one is synced here, where
/// nobody waits for it.
fn checkpoint(connection: &Connection, database: Option<&dyn Grip>) -> Result<(), StoreError> {
    match pass(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
        Ok(_) => database.map_or(Ok(()), Grip::sync).map_err(|error| io("the database", &error)),
        Err(StoreError::Full) => Ok(()),
        Err(error) => Err(error),
    }
}
