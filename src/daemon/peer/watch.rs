//! Ends connections whose process has ended: a socket that it left to another
//! process is not its own any more.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::epoll;

/// Waits for the end of many processes.
#[derive(Debug)]
pub struct Watch(OwnedFd);

impl Watch {
    /// A watch over nobody yet.
    ///
    /// # Errors
    /// The system's, if it gives none.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self(epoll::create(epoll::CreateFlags::CLOEXEC)?))
    }

    /// Watches the process of a connection, until its pin is closed.
    ///
    /// # Errors
    /// The system's, if it watches no more.
    pub fn add(&self, connection: u64, pin: BorrowedFd<'_>) -> std::io::Result<()> {
        let once = epoll::EventFlags::IN | epoll::EventFlags::ONESHOT;
        Ok(epoll::add(&self.0, pin, epoll::EventData::new_u64(connection), once)?)
    }

    /// Waits until processes have ended and gives their connections.
    ///
    /// # Errors
    /// The system's.
    pub fn ended(&self) -> std::io::Result<Vec<u64>> {
        let mut events = Vec::with_capacity(64);
        match epoll::wait(&self.0, spare_capacity(&mut events), None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        Ok(events.iter().map(|event: &epoll::Event| event.data.u64()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::process::{Process, can_pin};
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    #[test]
    fn tells_who_has_ended_once_and_nobody_else() {
        if !can_pin().unwrap() {
            println!("SKIPPED: the kernel pins no peers");
            return;
        }
        let watch = Watch::new().unwrap();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let living = Process::of(&ours, 0).unwrap();
        watch.add(7, living.pin().unwrap()).unwrap();
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let dying = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
        watch.add(8, std::os::fd::AsFd::as_fd(&dying)).unwrap();
        let gone = {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap()
        };
        watch.add(9, std::os::fd::AsFd::as_fd(&gone)).unwrap();
        // Whose connection is closed before is not told of.
        drop(gone);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(watch.ended().unwrap(), [8]);
        let mut events = Vec::<epoll::Event>::with_capacity(4);
        let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        assert_eq!(epoll::wait(&watch.0, spare_capacity(&mut events), Some(&at_once)), Ok(0));
    }
}
