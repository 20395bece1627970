//! Custody of the keys: asked on the admin socket, answered also while sealed, and
//! by nobody who is inside the house.

use std::time::Instant;

use super::tally::Tally;
use super::{Lobby, control};
use crate::command::{Caller, Role};
use crate::daemon::audit::{Kept, Notes, Subject, kept};
use crate::daemon::{Bucket, Door};
use crate::wire::{
    ControlReply, Custody, CustodyReport, Fault, FrameWriter, Message, Opcode, Status, decode_message,
};

/// Answers requests of custody and dual control. Its connection is not in the house.
pub(super) struct Desk<'c> {
    pub lobby: &'c Lobby,
    pub caller: &'c Caller,
    pub door: Door,
    /// How many requests the caller may make, if there is a limit.
    pub bucket: Option<&'c Bucket>,
}

/// What is answered.
enum Answer {
    Custody(CustodyReport),
    Control(ControlReply),
}

impl Desk<'_> {
    /// Answers a request in a frame of at most `largest` bytes, once what must be
    /// recorded of it is.
    pub fn answer(&self, (opcode, id, body): (Opcode, u64, &[u8]), out: &mut Vec<u8>, largest: u32) {
        let mut answered = self.allowed(opcode).map_err(Fault::from).and_then(|()| self.decide(opcode, body));
        // Sealing was recorded with it, as nothing is afterwards.
        if (opcode != Opcode::Seal || answered.is_err())
            && let Err(status) = self.record(opcode, &answered)
        {
            answered = Err(status.into());
        }
        let status = answered.as_ref().map_or_else(|fault| fault.status, |_| Status::Ok);
        let frame = FrameWriter::begin(out, opcode.number(), status.code(), id);
        match answered {
            Ok(Answer::Custody(report)) => report.encode(out),
            Ok(Answer::Control(reply)) => reply.encode(out),
            Err(fault) => fault.encode(out),
        }
        let fits = frame.finish_within(out, largest);
        let mut tally = Tally::default();
        tally.count(opcode.name(), if fits { status } else { Status::ReplyTooLarge });
        tally.add_to(&self.lobby.metrics);
    }

    fn allowed(&self, opcode: Opcode) -> Result<(), Status> {
        let lobby = self.lobby;
        match self.door {
            Door::Data => Err(Status::AdminSocketOnly),
            Door::Admin if !self.caller.roles().has(Role::Admin) => Err(Status::RoleMissing),
            Door::Admin if self.bucket.is_some_and(|bucket| bucket.take(1, lobby.started.elapsed()) == 0) => {
                Err(Status::RateLimited)
            }
            // What cannot be recorded is not begun, but sealing is never refused.
            Door::Admin
                if kept(opcode) == Kept::Record && opcode != Opcode::Seal && lobby.audit.is_blocked() =>
            {
                Err(Status::AuditUnwritable)
            }
            Door::Admin => Ok(()),
        }
    }

    fn decide(&self, opcode: Opcode, body: &[u8]) -> Result<Answer, Fault> {
        match decode_message(opcode, body)? {
            Message::Custody(custody) => Ok(Answer::Custody(self.execute(&custody)?)),
            Message::Control(control) => {
                Ok(Answer::Control(control::execute(self.lobby, self.caller, &control)?))
            }
            _ => Err(Status::UnknownOpcode.into()),
        }
    }

    fn record(&self, opcode: Opcode, answered: &Result<Answer, Fault>) -> Result<(), Status> {
        let (status, subject) = match answered {
            Ok(Answer::Custody(report)) => (Status::Ok, Some(Subject::Text(custody_of(report)))),
            Ok(Answer::Control(reply)) => (Status::Ok, control_of(reply).map(Subject::Text)),
            Err(fault) => (fault.status, None),
        };
        let mut notes = Notes::default();
        notes.add(opcode.name(), kept(opcode), status, subject);
        let noted = self.lobby.audit.note((self.lobby.clock)(), self.caller.name(), &notes);
        noted.map_err(|_| Status::Unrecorded)
    }

    fn execute(&self, custody: &Custody<'_>) -> Result<CustodyReport, Status> {
        let (house, caller) = (&self.lobby.house, self.caller.name());
        match custody {
            Custody::Report => {}
            Custody::Forget => {
                house.forget();
                tracing::info!(caller, "shares given are forgotten");
            }
            Custody::Seal => self.seal()?,
            Custody::Unseal(opener) => {
                let given = house.give(opener, &self.lobby.metrics, Instant::now());
                if let Err(error) = given {
                    tracing::warn!(caller, %error, "not unsealed");
                    return Err(error.status());
                }
                tracing::info!(caller, ?opener, "taken");
            }
        }
        Ok(house.custody(Instant::now()))
    }

    /// Seals, whether that can be recorded or not: it is put down first, and written by
    /// what ends the log in order. A log that hangs has it once it is open again.
    fn seal(&self) -> Result<(), Status> {
        let (house, audit, caller) = (&self.lobby.house, &self.lobby.audit, self.caller.name());
        tracing::info!(caller, "sealing");
        let mut notes = Notes::default();
        notes.add(Opcode::Seal.name(), kept(Opcode::Seal), Status::Ok, None);
        let put = audit.put_down((self.lobby.clock)(), caller, &notes);
        if let Err(error) = house.seal() {
            tracing::error!(%error, "the store failed while sealing");
        }
        tracing::info!(caller, "sealed: every key is wiped");
        audit.is_durable(put).map_err(|_| Status::Unrecorded)
    }
}

/// What is recorded of how custody stands after a request.
fn custody_of(report: &CustodyReport) -> String {
    let stands = if report.sealed { "sealed" } else { "unsealed" };
    if report.given.is_empty() { stands.to_owned() } else { format!("{stands}, shares {:?}", report.given) }
}

/// What is recorded of a proposal. What lists them or shows PANs is told by its name.
fn control_of(reply: &ControlReply) -> Option<String> {
    let ControlReply::Proposal(report) = reply else { return None };
    Some(format!("{}, proposed by {}", report.wanted, report.proposed_by))
}
