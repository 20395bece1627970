//! The process at the other end of a connection, pinned: whatever is asked about
//! it is about that process, and not about another that got its number since.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{getsockopt, sockopt};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The SHA-256 digest (FIPS 180-4) of an executable.
pub type ExecutableDigest = [u8; 32];

/// Bytes of the largest executable that is looked at.
const MOST_BYTES: u64 = 256 << 20;

/// Why a process cannot be told by its executable.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// The kernel is older than 6.5 and pins no peers.
    #[error("the kernel pins no peers (SO_PEERPIDFD, Linux 6.5)")]
    NotPinned,
    /// It has ended meanwhile.
    #[error("the process has ended")]
    Ended,
    /// Reading it would keep others waiting.
    #[error("its executable has {bytes} bytes: more than {MOST_BYTES} are not looked at")]
    TooLarge {
        /// How long it is.
        bytes: u64,
    },
    /// Others' executables were looked at for too long.
    #[error("its executable was not looked at in time")]
    NotInTime,
    /// Its executable may not be read: another user's needs `CAP_SYS_PTRACE`.
    #[error("its executable cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
}

/// The process that opened a connection.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    /// None on a kernel without `SO_PEERPIDFD`.
    pin: Option<OwnedFd>,
}

impl Process {
    /// Pins the process that opened the connection (`SO_PEERPIDFD`); `pid` is what
    /// `SO_PEERCRED` says.
    ///
    /// # Errors
    /// The kernel's, if the process is gone already.
    pub fn of(stream: &UnixStream, pid: i32) -> Result<Self, rustix::io::Errno> {
        match getsockopt(stream, sockopt::PeerPidfd) {
            Ok(pin) => Ok(Self { pid, pin: Some(pin) }),
            Err(nix::errno::Errno::ENOPROTOOPT) => Ok(Self { pid, pin: None }),
            Err(errno) => {
                let errno = rustix::io::Errno::from_io_error(&errno.into());
                Err(errno.unwrap_or(rustix::io::Errno::INVAL))
            }
        }
    }

    /// Becomes readable when the process ends.
    #[must_use]
    pub fn pin(&self) -> Option<BorrowedFd<'_>> {
        self.pin.as_ref().map(AsFd::as_fd)
    }

    /// The digest of the file that it executes, also when that was replaced or
    /// removed since.
    ///
    /// # Errors
    /// [`ProcessError`].
    pub fn executable(&self) -> Result<ExecutableDigest, ProcessError> {
        let pin = self.pin().ok_or(ProcessError::NotPinned)?;
        let file = File::open(format!("/proc/{}/exe", self.pid))?;
        // It lives, so its number was not another's when the file was opened.
        if has_ended(pin) {
            return Err(ProcessError::Ended);
        }
        digest_within(file, MOST_BYTES)
    }
}

/// Whether this kernel pins peers.
///
/// # Errors
/// The system's, if it gives no socket.
pub fn can_pin() -> std::io::Result<bool> {
    let (ours, _theirs) = UnixStream::pair()?;
    Ok(Process::of(&ours, 0)?.pin.is_some())
}

fn has_ended(pin: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(pin, PollFlags::IN)];
    // What cannot be asked counts as ended.
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).map_or(true, |ready| ready > 0)
}

/// The digest of a file that has at most `most` bytes.
fn digest_within(file: File, most: u64) -> Result<ExecutableDigest, ProcessError> {
    let bytes = file.metadata()?.len();
    if bytes > most {
        return Err(ProcessError::TooLarge { bytes });
    }
    // One that grows meanwhile is another than was asked for, and read no further.
    Ok(digest(&mut file.take(most))?)
}

fn digest(file: &mut impl Read) -> std::io::Result<ExecutableDigest> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 65_536];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            count => hash.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::process::{Command, Stdio};

    #[test]
    fn this_process_has_its_own_executable() {
        if !can_pin().unwrap() {
            println!("SKIPPED: the kernel pins no peers");
            return;
        }
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let own = Process::of(&ours, rustix::process::getpid().as_raw_nonzero().get()).unwrap();
        let mut file = File::open(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(own.executable().unwrap(), digest(&mut file).unwrap());
        // The number of another process, as if it had been reused, is of no use without its end.
        let unpinned = Process { pid: own.pid, pin: None };
        assert!(matches!(unpinned.executable(), Err(ProcessError::NotPinned)));
    }

    #[test]
    fn one_that_has_ended_is_told_though_its_number_lives_on() {
        if !can_pin().unwrap() {
            println!("SKIPPED: the kernel pins no peers");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let program = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); \
                       sys.stdin.read()";
        let child = Command::new("python3").args(["-c", program]).arg(&path).stdin(Stdio::piped()).spawn();
        let Ok(mut child) = child else {
            println!("SKIPPED: no python3 to connect from another process");
            return;
        };
        let (stream, _) = listener.accept().unwrap();
        let peer = Process::of(&stream, i32::try_from(child.id()).unwrap()).unwrap();
        assert!(!has_ended(peer.pin().unwrap()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(has_ended(peer.pin().unwrap()));
        // As if this process had got the number since.
        let own = rustix::process::getpid().as_raw_nonzero().get();
        assert!(matches!(Process { pid: own, ..peer }.executable(), Err(ProcessError::Ended)));
    }

    #[test]
    fn a_file_that_takes_long_to_read_is_not_read() {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, b"abc").unwrap();
        let again = || {
            let mut file = file.try_clone().unwrap();
            std::io::Seek::rewind(&mut file).unwrap();
            file
        };
        assert_eq!(digest_within(again(), 3).unwrap(), digest(&mut &b"abc"[..]).unwrap());
        assert!(matches!(digest_within(again(), 2), Err(ProcessError::TooLarge { bytes: 3 })));
        // It takes no room, and would be read for long.
        file.set_len(MOST_BYTES + 1).unwrap();
        assert!(matches!(digest_within(again(), MOST_BYTES), Err(ProcessError::TooLarge { .. })));
    }

    #[test]
    fn digests_are_sha_256() {
        let known = data_encoding::HEXLOWER.encode(&digest(&mut &b"abc"[..]).unwrap());
        assert_eq!(known, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
