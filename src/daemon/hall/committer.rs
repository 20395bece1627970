//! The thread that commits what no connection commits by itself.

use std::sync::Arc;

use super::writer::Writer;
use super::{Hall, Pen};
use crate::daemon::Metrics;
use crate::daemon::anchor::Keeper;
use crate::daemon::audit::Recorder;
use crate::engine::Chain;
use crate::store::{Store, StoreError};
use crate::types::UnixTime;

/// Commits, reads rows, removes what has expired.
pub struct Committer {
    hall: Arc<Hall>,
    writer: Writer,
}

/// Tells everybody that nothing more will come, however the committer ends.
struct End<'h>(&'h Hall);

impl Committer {
    /// A committer of a hall and the store that its engine was loaded from.
    #[must_use]
    pub fn new(
        hall: Arc<Hall>,
        store: Box<dyn Store>,
        chain: Chain,
        keeper: Keeper,
        clock: fn() -> UnixTime,
    ) -> Self {
        if store.is_shared() {
            hall.take_turns();
        }
        Self { hall, writer: Writer::new(store, chain, keeper, clock) }
    }

    /// The same, recording each group in the audit log.
    #[must_use]
    pub fn recording(mut self, recorder: Recorder) -> Self {
        self.writer.record(recorder);
        self
    }

    /// The same, measuring its commits.
    #[must_use]
    pub fn counting(mut self, metrics: &Metrics) -> Self {
        self.writer.count(metrics);
        self
    }

    /// Commits until the hall is closed and empty. A failed commit ends it at
    /// once, whoever tried: what it left behind cannot be known, so nothing is
    /// retried.
    ///
    /// # Errors
    /// What the store said.
    pub fn run(self) -> Result<(), StoreError> {
        let Self { hall, writer } = self;
        let end = End(&hall);
        *hall.pen()? = Pen::Writer(Box::new(writer));
        while let Some(questions) = hall.next_work() {
            let mut pen = hall.pen()?;
            let Pen::Writer(writer) = &mut *pen else { break };
            let result = writer.work(&hall, questions);
            hall.note(&mut pen, result);
        }
        let pen = std::mem::replace(&mut *hall.pen()?, Pen::Nobody);
        // Before the writer, whose anchor may hang: everybody is told, and the engine's
        // keys are held by nobody here.
        drop(end);
        drop(hall);
        match pen {
            Pen::Broken(error) => Err(error),
            Pen::Writer(_) | Pen::Nobody => Ok(()),
        }
    }
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
