//! Tells those who are not let in why. The doors never wait for them: they are
//! handed to a thread of its own, and if there are too many, the doors close on
//! them without a word.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::sandbox::{self, Role};
use crate::wire::{FrameWriter, Opcode, Status};

/// Strangers that wait for their answer at a time.
const WAITING: usize = 64;
/// How long a stranger has for its HELLO, from when it was accepted: so all who
/// wait are told within about this time, however slow each is.
const PATIENCE: Duration = Duration::from_millis(200);

/// Answers strangers.
#[derive(Debug)]
pub(super) struct Porter(SyncSender<Stranger>);

/// One who is not let in.
#[derive(Debug)]
struct Stranger {
    stream: UnixStream,
    status: Status,
    accepted: Instant,
}

impl Porter {
    /// Starts the thread; it ends when the doors are gone.
    ///
    /// # Errors
    /// The system's, if it gives no thread.
    pub fn start() -> std::io::Result<Self> {
        let (send, strangers) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("porter".to_owned());
        thread.spawn(move || {
            sandbox::enter(Role::Porter);
            strangers.into_iter().for_each(Stranger::tell);
        })?;
        Ok(Self(send))
    }

    /// Has a stranger told its status, without waiting. Whether it will be.
    pub fn turn_away(&self, stream: UnixStream, status: Status) -> bool {
        let stranger = Stranger { stream, status, accepted: Instant::now() };
        self.0.try_send(stranger).is_ok()
    }
}

impl Stranger {
    fn tell(self) {
        let left = PATIENCE.saturating_sub(self.accepted.elapsed());
        tell(self.stream, self.status, left);
    }
}

/// The daemon's own word to a peer, in the place of an answer to its HELLO.
pub(super) fn farewell(status: Status) -> Vec<u8> {
    let mut out = Vec::new();
    let frame = FrameWriter::begin(&mut out, Opcode::Hello.number(), status.code(), 0);
    frame.finish(&mut out);
    out
}

/// Tells a peer that it is not let in, in a frame with id 0, which it reads as the
/// answer to its HELLO. Waits for at most `patience`, and then as long to write.
fn tell(mut stream: UnixStream, status: Status, patience: Duration) {
    let out = farewell(status);
    // Closing with unread bytes would reset the connection and lose the answer,
    // so its HELLO is read first, though not waited for long.
    let limit = Some(patience.max(Duration::from_millis(1)));
    let _ = stream.set_read_timeout(limit);
    let _ = stream.read(&mut [0; 4096]);
    // A frame always fits what the kernel keeps for a peer that reads nothing.
    let _ = stream.set_nonblocking(true);
    let _ = stream.write_all(&out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(mut stream: &UnixStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn silent_strangers_keep_nobody_waiting_and_are_bounded() {
        let porter = Porter::start().unwrap();
        // More than may wait: nothing here ever waits, so all are at the door at once.
        let (strangers, taken): (Vec<_>, Vec<_>) = (0..WAITING * 4)
            .map(|_| {
                let (ours, theirs) = UnixStream::pair().unwrap();
                (theirs, porter.turn_away(ours, Status::PeerUnknown))
            })
            .unzip();
        let taken = taken.iter().filter(|taken| **taken).count();
        assert!(taken >= WAITING, "{taken}");
        let answers: Vec<_> = strangers.iter().map(told).collect();
        // Each is told whole or not at all, and no more wait than may.
        assert_eq!(answers.iter().filter(|bytes| !bytes.is_empty()).count(), taken);
        let whole = 4 + 12;
        assert!(answers.iter().all(|bytes| [0, whole].contains(&bytes.len())));
    }

    #[test]
    fn the_answer_is_not_lost_when_hello_comes_first() {
        let porter = Porter::start().unwrap();
        for _ in 0..WAITING {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            theirs.write_all(b"a HELLO, as far as the porter cares").unwrap();
            while !porter.turn_away(ours.try_clone().unwrap(), Status::Busy) {
                std::thread::yield_now();
            }
            drop(ours);
            assert_eq!(told(&theirs).len(), 16);
        }
    }
}
