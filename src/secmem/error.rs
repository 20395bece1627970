//! Why a region can't be made, or can't hold one more secret.

use rustix::io::Errno;
use thiserror::Error;

use super::region::MAX_SLOTS;

/// Why a region can't be made, or can't hold one more secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RegionError {
    /// A region of that many slots is not offered.
    #[error("a region has 1 to {MAX_SLOTS} slots, not {slots}")]
    Size {
        /// The number of slots asked for.
        slots: usize,
    },
    /// Every slot is in use.
    #[error("every slot of the locked memory is in use")]
    Full,
    /// The kernel does not offer `memfd_secret` to this process.
    #[error("memfd_secret is not available: {0}")]
    NoSecretMemory(Errno),
    /// The pages can't be locked, most often because of `RLIMIT_MEMLOCK`.
    #[error("cannot lock {bytes} bytes of memory (is RLIMIT_MEMLOCK too low?): {source}")]
    Lock {
        /// The bytes that were to be locked, in whole pages.
        bytes: usize,
        /// What the kernel answered.
        source: Errno,
    },
    /// Another system call failed.
    #[error("{call} for locked memory: {source}")]
    System {
        /// The system call's name.
        call: &'static str,
        /// What the kernel answered.
        source: Errno,
    },
}

impl RegionError {
    /// Names the call that failed; for `map_err`.
    pub(super) fn system(call: &'static str) -> impl FnOnce(Errno) -> Self {
        move |source| Self::System { call, source }
    }
}
