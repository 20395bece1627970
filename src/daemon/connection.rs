//! One connection: whatever has arrived is decided together, committed
//! together, and answered in order.

mod answers;
mod batch;
mod control;
mod custody;
mod entry;
mod report;
mod tally;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Instant;

use zeroize::Zeroizing;

use super::audit::Recorder;
use super::backup::{Backups, Pieces};
use super::{Bucket, Door, House, Metrics, Rates};
use crate::command::Caller;
use crate::crypto::Random;
use crate::secmem::{TURN_STACK, scrubbed};
use crate::types::UnixTime;
use crate::wire::{Arrival, FrameWriter, Hello, Intake, Opcode, Session, Status, cut};
use batch::Batch;

/// What every connection of a daemon shares.
pub struct Lobby {
    /// Where the engine and the keys are, unless sealed.
    pub house: House,
    /// Counts.
    pub metrics: Metrics,
    /// How many requests peers may make.
    pub rates: Rates,
    /// The audit log.
    pub audit: Recorder,
    /// Hands out backups.
    pub backups: Backups,
    /// Bytes of the largest frame.
    pub frame: u32,
    /// Most requests handled together.
    pub in_flight: u32,
    /// The clock.
    pub clock: fn() -> UnixTime,
    /// Randomness.
    pub random: Box<dyn Random>,
    /// When the daemon started.
    pub started: Instant,
}

/// The name and version told in WELCOME and status.
pub const SERVER: &str = concat!("tallyd ", env!("CARGO_PKG_VERSION"));

/// Bytes that a connection has for its answers.
const ROOM: usize = 65_536;
/// Bytes of answers beyond which they are sent before anything more is asked for, and
/// beyond which a connection gives the memory back: an idle one keeps no more.
const MOST_ROOM: usize = 262_144;

/// Serves a connection until its end. A stream that ends inside a frame loses
/// that frame only: nothing of it was executed.
///
/// # Errors
/// What the stream said.
pub fn serve(
    stream: &mut (impl Read + Write),
    lobby: &Lobby,
    caller: &Caller,
    door: Door,
) -> std::io::Result<()> {
    let backup = RefCell::new(None);
    let mut connection = Connection {
        backup: &backup,
        lobby,
        caller,
        door,
        bucket: lobby.rates.bucket(caller.name()),
        session: Session::default(),
        in_flight: lobby.in_flight,
        frame: lobby.frame,
        out: Zeroizing::new(Vec::with_capacity(ROOM)),
    };
    let mut intake = Intake::new(lobby.frame);
    loop {
        let count = match stream.read(intake.space()) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        intake.filled(count);
        // Answers are sent inside, so that nobody waits for the wiping.
        scrubbed::<TURN_STACK, _>(|| connection.take_turn(&mut intake, stream))?;
    }
}

/// The state of one connection.
struct Connection<'c> {
    /// The backup that it takes.
    backup: &'c RefCell<Option<Pieces>>,
    lobby: &'c Lobby,
    caller: &'c Caller,
    door: Door,
    /// How many requests the caller may make, if there is a limit.
    bucket: Option<Arc<Bucket>>,
    session: Session,
    in_flight: u32,
    /// Bytes of the largest frame agreed on.
    frame: u32,
    out: Zeroizing<Vec<u8>>,
}

impl Connection<'_> {
    /// Answers everything that has arrived whole.
    fn take_turn(&mut self, intake: &mut Intake, stream: &mut impl Write) -> std::io::Result<()> {
        loop {
            let mut arrivals = Vec::new();
            let most = usize::try_from(self.in_flight).unwrap_or(1);
            let parsed = intake.arrivals(most, &mut arrivals);
            if arrivals.is_empty() {
                self.give_back();
                return Ok(());
            }
            self.answer(&arrivals, stream)?;
            drop(arrivals);
            intake.consume(parsed);
            intake.agree(self.frame);
            self.send(stream)?;
        }
    }

    /// Answers what has arrived into the buffer for sending. Many large answers are sent
    /// a few at a time, so that whoever asks for them at once fills no memory.
    fn answer(&mut self, arrivals: &[Arrival<'_>], stream: &mut impl Write) -> std::io::Result<()> {
        let (lobby, caller, door, bucket) = (self.lobby, self.caller, self.door, self.bucket.clone());
        let backup = self.backup;
        let new_batch = || Batch::new(lobby, caller, door, bucket.as_deref(), backup);
        let mut batch = new_batch();
        for arrival in arrivals {
            match arrival {
                Arrival::TooShort => batch.refuse(0, 0, Status::FrameTooShort.into()),
                Arrival::TooLarge { opcode, id } => {
                    batch.refuse(*opcode, *id, Status::FrameTooLarge.into());
                }
                Arrival::Frame(frame) => match self.session.admit(frame) {
                    Err(status) => batch.refuse(frame.opcode, frame.id, status.into()),
                    Ok(Opcode::Hello) => {
                        // What came before HELLO was refused, so the order of answers holds.
                        batch.finish(&mut self.out, self.frame);
                        batch = new_batch();
                        self.welcome(frame.id, frame.body);
                    }
                    Ok(opcode) if opcode.is_custody() || opcode.is_control() => {
                        // Sealing waits until nobody is in the house, so neither may we be.
                        batch.finish(&mut self.out, self.frame);
                        let asked = (opcode, frame.id, frame.body);
                        let desk = custody::Desk { lobby, caller, door, bucket: bucket.as_deref() };
                        desk.answer(asked, &mut self.out, self.frame);
                        batch = new_batch();
                    }
                    Ok(Opcode::OpenEntry) => {
                        // It takes long: nobody's answer waits for it, and sealing neither.
                        batch.finish(&mut self.out, self.frame);
                        self.send(stream)?;
                        let desk = entry::Desk { lobby, caller, bucket: bucket.as_deref() };
                        desk.answer((frame.id, frame.body), &mut self.out, self.frame);
                        batch = new_batch();
                    }
                    Ok(opcode) => {
                        batch.push(opcode, frame.id, frame.body);
                        if batch.is_full() {
                            batch.finish(&mut self.out, self.frame);
                            self.send(stream)?;
                            batch = new_batch();
                        }
                    }
                },
            }
            if self.out.len() > MOST_ROOM {
                self.send(stream)?;
            }
        }
        batch.finish(&mut self.out, self.frame);
        Ok(())
    }

    fn welcome(&mut self, id: u64, body: &[u8]) {
        let opcode = Opcode::Hello.number();
        let agreed = Hello::decode(body).and_then(|hello| {
            hello.agree(self.lobby.frame, self.lobby.in_flight, SERVER).map_err(Into::into)
        });
        match agreed {
            Ok(welcome) => {
                self.session.greet();
                (self.in_flight, self.frame) = (welcome.in_flight, welcome.frame);
                let frame = FrameWriter::begin(&mut self.out, opcode, Status::Ok.code(), id);
                welcome.encode(&mut self.out);
                frame.finish(&mut self.out);
            }
            Err(fault) => {
                let frame = FrameWriter::begin(&mut self.out, opcode, fault.status.code(), id);
                fault.encode(&mut self.out);
                frame.finish(&mut self.out);
            }
        }
    }

    /// Writes what was answered, and wipes it: it may hold a PAN.
    fn send(&mut self, stream: &mut impl Write) -> std::io::Result<()> {
        let written = stream.write_all(&self.out);
        cut(&mut self.out, 0);
        written
    }

    /// Keeps no more room than most turns need. What is given back was wiped when it was
    /// sent.
    fn give_back(&mut self) {
        let frame = usize::try_from(self.frame).unwrap_or(0);
        if self.out.is_empty() && self.out.capacity() > MOST_ROOM.max(frame) {
            *self.out = Vec::with_capacity(ROOM);
        }
    }
}
