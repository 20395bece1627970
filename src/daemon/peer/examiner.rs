//! The thread that looks at peers' executables. It needs what no connection may
//! have, the files of other processes, and is started before the daemon gives
//! that up.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::process::{ExecutableDigest, Process, ProcessError};
use crate::daemon::sandbox::{self, Role};

/// How long a connection waits for its digest, others' before it included.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at executables, one after the other.
#[derive(Debug, Clone)]
pub struct Examiner {
    // Whoever asks waits in its own connection, and those are limited.
    ask: Sender<Question>,
    patience: Duration,
}

/// A process, until when its digest is of use, and where it is waited for.
struct Question {
    process: Process,
    until: Instant,
    answer: Sender<Result<ExecutableDigest, ProcessError>>,
}

impl Examiner {
    /// Starts the thread, confined to its role; it ends when nobody can ask any more.
    ///
    /// # Errors
    /// The system's, if it gives no thread.
    pub fn start() -> std::io::Result<Self> {
        let (ask, asked) = channel();
        let (entered, has_entered) = channel::<()>();
        thread::Builder::new().name(Role::Examiner.thread_name().to_owned()).spawn(move || {
            sandbox::enter(Role::Examiner);
            drop(entered);
            answer_all(asked);
        })?;
        // Nothing else is done while it may still do everything. It tells by its end.
        let _ = has_entered.recv();
        Ok(Self { ask, patience: PATIENCE })
    }

    /// The digest of the process's executable; none if the thread is gone.
    ///
    /// # Errors
    /// [`ProcessError`]; [`ProcessError::NotInTime`] after ten seconds.
    #[must_use]
    pub fn examine(&self, process: Process) -> Option<Result<ExecutableDigest, ProcessError>> {
        let (answer, answered) = channel();
        self.ask.send(Question { process, until: Instant::now() + self.patience, answer }).ok()?;
        match answered.recv_timeout(self.patience) {
            Ok(told) => Some(told),
            Err(RecvTimeoutError::Timeout) => Some(Err(ProcessError::NotInTime)),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }
}

fn answer_all(asked: Receiver<Question>) {
    for Question { process, until, answer } in asked {
        let is_late = Instant::now() >= until;
        let told = if is_late { Err(ProcessError::NotInTime) } else { process.executable() };
        // Nobody may wait any more.
        let _ = answer.send(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    fn own() -> Process {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        Process::of(&ours, rustix::process::getpid().as_raw_nonzero().get()).unwrap()
    }

    #[test]
    fn nobody_waits_for_ever() {
        // A thread that is busy with another's: it takes no question.
        let (ask, busy) = channel();
        let examiner = Examiner { ask, patience: Duration::from_millis(1) };
        assert!(matches!(examiner.examine(own()), Some(Err(ProcessError::NotInTime))));
        // When it comes to it, nothing is read for whoever has gone.
        let (answer, answered) = channel();
        let question = Question { process: own(), until: Instant::now(), answer };
        examiner.ask.send(question).unwrap();
        drop(examiner);
        answer_all(busy);
        assert!(matches!(answered.recv().unwrap(), Err(ProcessError::NotInTime)));
    }
}
