//! Custody of the keys: asked on the admin socket, answered also while sealed, and
//! by nobody who is inside the house.

use super::tally::Tally;
use super::{Lobby, control};
use crate::command::{Caller, Role};
use crate::daemon::Door;
use crate::wire::{
    ControlReply, Custody, CustodyReport, Fault, FrameWriter, Message, Opcode, Status, decode_message,
};
use std::time::Instant;

/// What is answered.
enum Answer {
    Custody(CustodyReport),
    Control(ControlReply),
}

/// Answers a request of custody or dual control, in a frame of at most `largest`
/// bytes. The connection is not in the house.
pub(super) fn answer(
    (lobby, caller, door, largest): (&Lobby, &Caller, Door, u32),
    (opcode, id, body): (Opcode, u64, &[u8]),
    out: &mut Vec<u8>,
) {
    let answered =
        allowed(caller, door).map_err(Fault::from).and_then(|()| decide(lobby, caller, opcode, body));
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
    tally.add_to(&lobby.metrics);
}

fn decide(lobby: &Lobby, caller: &Caller, opcode: Opcode, body: &[u8]) -> Result<Answer, Fault> {
    match decode_message(opcode, body)? {
        Message::Custody(custody) => Ok(Answer::Custody(execute(lobby, caller, &custody)?)),
        Message::Control(control) => Ok(Answer::Control(control::execute(lobby, caller, &control)?)),
        _ => Err(Status::UnknownOpcode.into()),
    }
}

fn allowed(caller: &Caller, door: Door) -> Result<(), Status> {
    match door {
        Door::Data => Err(Status::AdminSocketOnly),
        Door::Admin if caller.roles().has(Role::Admin) => Ok(()),
        Door::Admin => Err(Status::RoleMissing),
    }
}

fn execute(lobby: &Lobby, caller: &Caller, custody: &Custody<'_>) -> Result<CustodyReport, Status> {
    let (house, caller) = (&lobby.house, caller.name());
    match custody {
        Custody::Report => {}
        Custody::Forget => {
            house.forget();
            tracing::info!(caller, "shares given are forgotten");
        }
        Custody::Seal => {
            tracing::info!(caller, "sealing");
            if let Err(error) = house.seal() {
                tracing::error!(%error, "the store failed while sealing");
            }
            tracing::info!(caller, "sealed: every key is wiped");
        }
        Custody::Unseal(opener) => {
            let given = house.give(opener, &lobby.metrics, Instant::now());
            if let Err(error) = given {
                tracing::warn!(caller, %error, "not unsealed");
                return Err(error.status());
            }
            tracing::info!(caller, ?opener, "taken");
        }
    }
    Ok(house.custody(Instant::now()))
}
