//! What a process gives up so that others can't read its memory.

use rustix::io::Errno;
use rustix::process::{self, DumpableBehavior, Resource, Rlimit};
use rustix::thread;
use thiserror::Error;

/// Which step of [`harden`] or [`Hardening::read`] the kernel refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HardenError {
    /// `PR_SET_DUMPABLE` or `PR_GET_DUMPABLE`.
    #[error("the dumpable flag: {0}")]
    Dumpable(Errno),
    /// `RLIMIT_CORE`.
    #[error("the core size limit: {0}")]
    CoreLimit(Errno),
    /// `PR_SET_NO_NEW_PRIVS` or `PR_GET_NO_NEW_PRIVS`.
    #[error("the no-new-privileges flag: {0}")]
    NoNewPrivs(Errno),
    /// The capabilities could not be given up, or not be read.
    #[error("the capabilities: {0}")]
    Capabilities(Errno),
}

/// Forbids core dumps, tracing by other processes of the same user, and new
/// privileges through `exec`.
///
/// The first two hold for the whole process until it executes another program;
/// the last holds for the calling thread and those it starts later, so call
/// this before any other thread is there.
///
/// # Errors
/// The first step the kernel refused; the steps before it have taken effect.
pub fn harden() -> Result<(), HardenError> {
    // This is what counts: where dumps go to a pipe, the kernel ignores a size limit of zero.
    process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(HardenError::Dumpable)?;
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    process::setrlimit(Resource::Core, none).map_err(HardenError::CoreLimit)?;
    thread::set_no_new_privs(true).map_err(HardenError::NoNewPrivs)
}

/// How far the process is hardened, as the kernel sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardening {
    /// Whether the process can be dumped, if only for root to read.
    pub dumpable: bool,
    /// The largest core file, in bytes; `None` is no limit.
    pub core_limit: Option<u64>,
    /// Whether the calling thread is barred from new privileges.
    pub no_new_privs: bool,
}

impl Hardening {
    /// Asks the kernel.
    ///
    /// # Errors
    /// The question the kernel refused to answer.
    pub fn read() -> Result<Self, HardenError> {
        let dumpable = process::dumpable_behavior().map_err(HardenError::Dumpable)?;
        Ok(Self {
            dumpable: dumpable != DumpableBehavior::NotDumpable,
            core_limit: process::getrlimit(Resource::Core).current,
            no_new_privs: thread::no_new_privs().map_err(HardenError::NoNewPrivs)?,
        })
    }

    /// Whether everything [`harden`] does is in force.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.dumpable && self.core_limit == Some(0) && self.no_new_privs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secmem::child::{self, Outcome};

    #[test]
    fn a_hardened_process_says_so() {
        let outcome = child::run(|| {
            let plain = Hardening::read().unwrap();
            assert!(plain.dumpable && !plain.is_complete());
            harden().unwrap();
            let hard = Hardening::read().unwrap();
            assert!(!hard.dumpable && hard.no_new_privs && hard.core_limit == Some(0));
            assert!(hard.is_complete());
            let hard_limit = process::getrlimit(Resource::Core).maximum;
            assert_eq!(hard_limit, Some(0), "it could be raised again");
        });
        assert_eq!(outcome, Outcome::Done);
    }

    #[test]
    fn it_is_complete_only_with_all_three() {
        let complete = Hardening { dumpable: false, core_limit: Some(0), no_new_privs: true };
        assert!(complete.is_complete());
        let lacking = [
            Hardening { dumpable: true, ..complete },
            Hardening { core_limit: None, ..complete },
            Hardening { no_new_privs: false, ..complete },
        ];
        assert!(lacking.iter().all(|one| !one.is_complete()));
    }

    #[test]
    fn the_refused_step_is_named() {
        let outcome = child::run(|| {
            child::deny(libc::SYS_prlimit64, libc::EPERM);
            assert_eq!(harden(), Err(HardenError::CoreLimit(Errno::PERM)));
        });
        assert_eq!(outcome, Outcome::Done);
    }
}
