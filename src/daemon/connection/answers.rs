//! Writes answers, once the receipt of their commit is there.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::Lobby;
use super::batch::{Asked, Kind, State};
use super::tally::Tally;
use crate::command::{Caller, Command, EnteredCard, HeldCard, HoldCard, Refusal, Reply, Request, Role};
use crate::daemon::Opened;
use crate::daemon::audit::{Kept, Notes, subject};
use crate::daemon::backup::Pieces;
use crate::daemon::metrics::ReasonLabels;
use crate::store::CommitReceipt;
use crate::wire::{
    Status, begin_batch_reply, encode_backup_piece, encode_batch_item, encode_metrics, encode_reply,
};

/// Bytes of a piece of a backup.
const MOST_OF_A_PIECE: usize = 32_768;

/// What answers are written from.
pub(super) struct Answers<'b> {
    pub lobby: &'b Lobby,
    pub caller: &'b Caller,
    /// The backup that the connection takes.
    pub backup: &'b RefCell<Option<Pieces>>,
    /// None while sealed.
    pub opened: Option<&'b Opened>,
    /// None if the engine stopped before the commit.
    pub receipt: Option<CommitReceipt>,
    /// The operation's name.
    pub name: &'static str,
    /// What is kept of it.
    pub kept: Kept,
}

impl Answers<'_> {
    /// Writes the body of a frame's answer and returns its status.
    pub fn write<'b>(
        &self,
        out: &mut Vec<u8>,
        kind: Kind,
        asked: &mut impl Iterator<Item = Asked<'b>>,
        tally: &mut Tally,
        notes: &mut Notes,
    ) -> Status {
        match kind {
            Kind::Refused(fault) => {
                notes.add(self.name, self.kept, fault.status, None);
                fault.encode(out);
                fault.status
            }
            Kind::Ping => Status::Ok,
            Kind::Status => {
                notes.add(self.name, self.kept, Status::Ok, None);
                self.lobby.report(self.opened).encode(out);
                Status::Ok
            }
            Kind::Metrics => {
                notes.add(self.name, self.kept, Status::Ok, None);
                self.lobby.refresh_metrics(self.opened);
                encode_metrics(out, &self.lobby.metrics.encode());
                Status::Ok
            }
            Kind::BackupBegin => self.begin_backup(out, notes),
            Kind::BackupNext => self.next_piece(out, notes),
            Kind::One => self.write_one(out, asked.next(), notes),
            Kind::Many(items) => {
                begin_batch_reply(out, items.len());
                for fault in items {
                    encode_batch_item(out, |out| {
                        let status = match fault {
                            Some(fault) => {
                                notes.add(self.name, self.kept, fault.status, None);
                                fault.status
                            }
                            None => self.write_one(out, asked.next(), notes),
                        };
                        tally.count(self.name, status);
                        status
                    });
                }
                Status::Ok
            }
        }
    }

    fn begin_backup(&self, out: &mut Vec<u8>, notes: &mut Notes) -> Status {
        // A piece and what stands around it must fit a frame.
        let piece = usize::try_from(self.lobby.frame / 2).unwrap_or(0).min(MOST_OF_A_PIECE);
        // One that was begun before ends with its pieces.
        self.backup.replace(None);
        let status = match self.lobby.backups.begin(piece) {
            Ok((begun, pieces)) => {
                begun.encode(out);
                self.backup.replace(Some(pieces));
                Status::Ok
            }
            Err(status) => status,
        };
        notes.add(self.name, self.kept, status, None);
        status
    }

    fn next_piece(&self, out: &mut Vec<u8>, notes: &mut Notes) -> Status {
        let next = self.backup.borrow().as_ref().map_or(Err(Status::NoBackup), Pieces::next);
        let status = match &next {
            Ok(piece) => {
                encode_backup_piece(out, piece.as_deref());
                Status::Ok
            }
            Err(status) => *status,
        };
        if !matches!(next, Ok(Some(_))) {
            self.backup.replace(None);
        }
        notes.add(self.name, self.kept, status, None);
        status
    }

    fn write_one(&self, out: &mut Vec<u8>, asked: Option<Asked<'_>>, notes: &mut Notes) -> Status {
        let Some(Asked { request, cvc_given, state, .. }) = asked else { return Status::Stopped };
        let answer = match state {
            State::Computed(pending) => self.receipt.and_then(|receipt| pending.open(&receipt).ok()),
            State::Answered(answer) => Some(answer),
            State::Limited => {
                notes.add(self.name, self.kept, Status::RateLimited, subject(&request.command));
                return Status::RateLimited;
            }
            _ => None,
        };
        let held = |reply| self.hold(&request.command, cvc_given, reply);
        match answer.map(|answer| answer.and_then(held)) {
            None => {
                notes.add(self.name, self.kept, Status::Stopped, subject(&request.command));
                Status::Stopped
            }
            Some(Ok(reply)) => {
                if self.kept != Kept::Group {
                    notes.add(self.name, self.kept, Status::Ok, subject(&request.command));
                }
                encode_reply(out, &reply);
                Status::Ok
            }
            Some(Err(refusal)) => {
                // The log learns why, whoever asked.
                let status = refusal.into();
                notes.add(self.name, self.kept, status, subject(&request.command));
                if request.command.operation().is_verifying() {
                    let reason = ReasonLabels { reason: status.name() };
                    self.lobby.metrics.refused_verifications.get_or_create(&reason).inc();
                }
                self.status_of(&request, refusal)
            }
        }
    }

    /// Holds the card of which the engine has told what may be told.
    fn hold(&self, command: &Command<'_>, cvc_given: Option<bool>, reply: Reply) -> Result<Reply, Refusal> {
        let (Command::HoldCard(asked), Reply::CardHeld(card)) = (command, &reply) else { return Ok(reply) };
        let HoldCard { pan, expiry, seconds } = &**asked;
        let ends = Instant::now() + Duration::from_secs(seconds.get().into());
        let entry = &self.opened.ok_or(Refusal::Stopped)?.entry;
        entry.hold(self.caller.name(), card.handle, (pan, *expiry), ends)?;
        Ok(match cvc_given {
            None => reply,
            Some(cvc_given) => {
                Reply::CardEntered(Box::new(EnteredCard { card: HeldCard::clone(card), cvc_given }))
            }
        })
    }

    /// Only an auditor learns why a cryptogram was refused.
    fn status_of(&self, request: &Request<'_>, refusal: Refusal) -> Status {
        let hides = match request.command {
            Command::Verify(_) | Command::VerifyShort(_) => true,
            // A limit to requestors is the caller's own: it says nothing of a card.
            Command::EmvVerify(_) | Command::EmvArpc(_) => refusal != Refusal::TridNotAllowed,
            _ => false,
        };
        if hides && !self.caller.roles().has(Role::Auditor) {
            Status::for_non_auditor(refusal)
        } else {
            refusal.into()
        }
    }
}
