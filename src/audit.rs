//! The audit log: records in a chain, in files whose room is taken ahead.
//!
//! Each record has a hash that covers the one before, which anybody can check,
//! and a MAC of that hash under the audit key, which only holders of the key can
//! make. A head, kept elsewhere, tells a log whose end was cut off. The bytes are
//! in `docs/FORMATS.md`.

mod disk;
mod error;
mod event;
mod file;
mod head;
pub(crate) mod in_memory;
mod key;
mod log;
mod open;
mod reader;
mod record;
mod verify;

pub use disk::{Disk, RealDisk, Reserved};
pub use error::AuditError;
pub use event::{Accepted, AtRest, Count, Covered, Event, Groups, Operation, Stand, Started};
pub use file::{RESERVED, SUFFIX, file_name, files};
pub use head::{Head, HeadError};
pub use key::Keys;
pub use log::Log;
pub use open::{Opened, make_dir, open};
pub use record::{LONGEST, Link, NO_LINK, Record, Tip};
pub use verify::{Fault, Note, Report, Seen, verify};
