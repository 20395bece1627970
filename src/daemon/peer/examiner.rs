//! The thread that looks at peers' executables. It needs what no connection may
//! have, the files of other processes, and is started before the daemon gives
//! that up.

use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::process::{ExecutableDigest, Process, ProcessError};
use crate::daemon::sandbox::{self, Role};

/// Looks at executables, one after the other.
#[derive(Debug, Clone)]
pub struct Examiner(SyncSender<Question>);

/// A process, and where its digest is waited for.
type Question = (Process, Sender<Result<ExecutableDigest, ProcessError>>);

impl Examiner {
    /// Starts the thread; it ends when nobody can ask any more.
    ///
    /// # Errors
    /// The system's, if it gives no thread.
    pub fn start() -> std::io::Result<Self> {
        // Whoever asks waits in its own connection, and those are limited.
        let (ask, asked) = sync_channel::<Question>(0);
        thread::Builder::new().name("examiner".to_owned()).spawn(move || {
            let mut is_confined = false;
            for (process, answer) in asked {
                // Not before: it is started before anything is confined, and asked after.
                if !std::mem::replace(&mut is_confined, true) {
                    sandbox::enter(Role::Examiner);
                }
                // Nobody may wait any more.
                let _ = answer.send(process.executable());
            }
        })?;
        Ok(Self(ask))
    }

    /// The digest of the process's executable; none if the thread is gone.
    #[must_use]
    pub fn examine(&self, process: Process) -> Option<Result<ExecutableDigest, ProcessError>> {
        let (answer, answered) = channel();
        self.0.send((process, answer)).ok()?;
        answered.recv().ok()
    }
}
