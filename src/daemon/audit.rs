//! The audit log of the daemon: what is recorded, when it counts as recorded, and
//! the thread that writes it.
//!
//! Three ways, by what they promise. What administers, or shows a PAN, is *listed*:
//! its record is durable before its answer leaves. What is refused, or only asks the
//! daemon how it is, is written within a second, each by itself as long as there are
//! few, then counted by kind. Transaction groups are written within a tenth of a
//! second of their commit. So a flood of refusals writes no more than a few records a
//! second, and commits never wait for this log.

mod book;
mod clerk;
mod desk;
mod kept;
mod notes;
mod recorder;

pub use book::{Book, log_dir, make_dir, newest, places};
pub use clerk::Clerk;
pub(in crate::daemon) use kept::subject;
pub use kept::{Kept, kept};
pub use notes::{Notes, Subject};
pub use recorder::{Recorder, Unrecorded};

use crate::audit::Keys;
use crate::crypto::{Audit, LoadedKey};
use crate::keys::Versions;
use crate::types::KeyVersion;

impl Keys for Versions<Audit> {
    fn active(&self) -> (KeyVersion, &LoadedKey<Audit>) {
        self.active()
    }

    fn get(&self, version: KeyVersion) -> Option<&LoadedKey<Audit>> {
        self.get(version)
    }
}
