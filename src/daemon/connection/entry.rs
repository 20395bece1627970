//! Opening an entry session: its key is made outside the house, on the caller's own thread.

use std::time::{Duration, Instant};

use super::Lobby;
use super::tally::Tally;
use crate::command::{Caller, Command, OpenEntry, OpenedEntry, Operation, Refusal, Reply, Request};
use crate::daemon::Bucket;
use crate::daemon::audit::{Notes, kept};
use crate::entry::EntryKey;
use crate::types::{EntrySession, UnixTime};
use crate::wire::{Fault, FrameWriter, Message, Opcode, Status, decode_message, encode_reply};

/// Opens entry sessions. Its connection is not in the house while a key is made: the engine
/// goes on, and sealing waits for nobody.
pub(super) struct Desk<'c> {
    pub lobby: &'c Lobby,
    pub caller: &'c Caller,
    /// How many requests the caller may make, if there is a limit.
    pub bucket: Option<&'c Bucket>,
}

impl Desk<'_> {
    /// Answers a request in a frame of at most `largest` bytes.
    pub fn answer(&self, (id, body): (u64, &[u8]), out: &mut Vec<u8>, largest: u32) {
        const OPCODE: Opcode = Opcode::OpenEntry;
        let answered = self.decide(body);
        let status = answered.as_ref().map_or_else(|fault| fault.status, |_| Status::Ok);
        let mut notes = Notes::default();
        notes.add(OPCODE.name(), kept(OPCODE), status, None);
        // A refusal stays one if it cannot be recorded, as in a batch.
        let _ = self.lobby.audit.note((self.lobby.clock)(), self.caller.name(), &notes);
        let frame = FrameWriter::begin(out, OPCODE.number(), status.code(), id);
        match answered {
            Ok(reply) => encode_reply(out, &reply),
            Err(fault) => fault.encode(out),
        }
        let fits = frame.finish_within(out, largest);
        let mut tally = Tally::default();
        tally.count(OPCODE.name(), if fits { status } else { Status::ReplyTooLarge });
        tally.add_to(&self.lobby.metrics);
    }

    fn decide(&self, body: &[u8]) -> Result<Reply, Fault> {
        let Message::Engine(Request { command: Command::OpenEntry(open), .. }) =
            decode_message(Opcode::OpenEntry, body)?
        else {
            return Err(Status::UnknownOpcode.into());
        };
        let lobby = self.lobby;
        let opened = lobby.house.enter().ok_or(Status::Sealed)?;
        if self.bucket.is_some_and(|bucket| bucket.take(1, lobby.started.elapsed()) == 0) {
            return Err(Status::RateLimited.into());
        }
        if !self.caller.roles().has_any(Operation::OpenEntry.roles()) {
            return Err(Status::RoleMissing.into());
        }
        let room = opened.entry.room().map_err(Status::from)?;
        drop(opened);
        let made = EntryKey::generate(&room).map_err(Status::from)?;
        self.open(open, made)
    }

    /// Takes the key into the house, if that is open still or again.
    fn open(&self, open: OpenEntry, (key, public_key): (EntryKey, Vec<u8>)) -> Result<Reply, Fault> {
        let opened = self.lobby.house.enter().ok_or(Status::Sealed)?;
        let mut session = [0; EntrySession::LEN];
        self.lobby.random.fill(&mut session).map_err(|_| Status::from(Refusal::Stopped))?;
        let (session, seconds) = (EntrySession::from_bytes(session), u64::from(open.seconds.get()));
        let until = UnixTime::from_seconds((self.lobby.clock)().seconds().saturating_add(seconds));
        let ends = Instant::now() + Duration::from_secs(seconds);
        opened.entry.open(self.caller.name(), session, key, ends).map_err(Status::from)?;
        Ok(Reply::EntryOpened(Box::new(OpenedEntry { session, public_key, until })))
    }
}
