//! Writes answers, once the receipt of their commit is there.

use super::Lobby;
use super::batch::{Asked, Kind, State};
use super::tally::Tally;
use crate::command::{Caller, Command, Refusal, Request, Role};
use crate::daemon::Opened;
use crate::store::CommitReceipt;
use crate::wire::{Status, begin_batch_reply, encode_batch_item, encode_metrics, encode_reply};

/// What answers are written from.
pub(super) struct Answers<'b> {
    pub lobby: &'b Lobby,
    pub caller: &'b Caller,
    /// None while sealed.
    pub opened: Option<&'b Opened>,
    /// None if the engine stopped before the commit.
    pub receipt: Option<CommitReceipt>,
}

impl Answers<'_> {
    /// Writes the body of a frame's answer and returns its status.
    pub fn write<'b>(
        &self,
        out: &mut Vec<u8>,
        kind: Kind,
        asked: &mut impl Iterator<Item = Asked<'b>>,
        tally: &mut Tally,
        name: &'static str,
    ) -> Status {
        match kind {
            Kind::Refused(fault) => {
                fault.encode(out);
                fault.status
            }
            Kind::Ping => Status::Ok,
            Kind::Status => {
                self.lobby.report(self.opened).encode(out);
                Status::Ok
            }
            Kind::Metrics => {
                self.lobby.refresh_metrics(self.opened);
                encode_metrics(out, &self.lobby.metrics.encode());
                Status::Ok
            }
            Kind::One => self.write_one(out, asked.next()),
            Kind::Many(items) => {
                begin_batch_reply(out, items.len());
                for fault in items {
                    encode_batch_item(out, |out| {
                        let status = match fault {
                            Some(fault) => fault.status,
                            None => self.write_one(out, asked.next()),
                        };
                        tally.count(name, status);
                        status
                    });
                }
                Status::Ok
            }
        }
    }

    fn write_one(&self, out: &mut Vec<u8>, asked: Option<Asked<'_>>) -> Status {
        let Some(Asked { request, state: State::Computed(pending), .. }) = asked else {
            return Status::Stopped;
        };
        let Some(answer) = self.receipt.and_then(|receipt| pending.open(&receipt).ok()) else {
            return Status::Stopped;
        };
        match answer {
            Ok(reply) => {
                encode_reply(out, &reply);
                Status::Ok
            }
            Err(refusal) => self.status_of(&request, refusal),
        }
    }

    /// Only an auditor learns why a cryptogram was refused.
    fn status_of(&self, request: &Request<'_>, refusal: Refusal) -> Status {
        let verifies = matches!(request.command, Command::Verify(_) | Command::VerifyShort(_));
        if verifies && !self.caller.roles().has(Role::Auditor) {
            Status::for_non_auditor(refusal)
        } else {
            refusal.into()
        }
    }
}
