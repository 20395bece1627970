//! A file of secret memory.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use rustix::io::Errno;

use super::error::RegionError;

/// A file of secret memory, `len` bytes long.
///
/// # Errors
/// `NoSecretMemory` if this kernel has none for us, else `System`.
pub(super) fn secret_file(len: usize) -> Result<OwnedFd, RegionError> {
    let flags = libc::c_long::from(libc::O_CLOEXEC);
    // SAFETY: takes one integer and touches no memory of ours.
    let answer = unsafe { libc::syscall(libc::SYS_memfd_secret, flags) };
    let fd = match libc::c_int::try_from(answer) {
        Ok(fd) if fd >= 0 => fd,
        _ => return Err(refused(last_errno())),
    };
    // SAFETY: the kernel has just opened it for us, and nobody else has its number.
    let file = unsafe { OwnedFd::from_raw_fd(fd) };
    let size = u64::try_from(len).unwrap_or(u64::MAX);
    rustix::fs::ftruncate(&file, size).map_err(RegionError::system("ftruncate"))?;
    Ok(file)
}

fn last_errno() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::NOSYS)
}

/// Tells a kernel that does not offer secret memory (not built in, switched
/// off, forbidden by a container's filter or by policy, too little memory)
/// from trouble of our own, such as too many open files, which must not
/// quietly lower the protection.
const fn refused(source: Errno) -> RegionError {
    match source {
        Errno::NOSYS | Errno::PERM | Errno::ACCESS | Errno::NOMEM => RegionError::NoSecretMemory(source),
        _ => RegionError::System { call: "memfd_secret", source },
    }
}
