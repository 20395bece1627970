//! How a region's pages are kept from others.

use std::fmt;

/// How a region's pages are kept from others. Shown as the name of the system
/// call behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protection {
    /// `memfd_secret`: the pages are gone from the kernel's own map of memory,
    /// so that neither `/proc/pid/mem` nor `ptrace` nor a stray kernel read
    /// reaches them; never swapped.
    SecretMemory,
    /// `mlock`: never swapped, but whoever may trace the process can read
    /// them.
    Locked,
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretMemory => "memfd_secret",
            Self::Locked => "mlock",
        })
    }
}
