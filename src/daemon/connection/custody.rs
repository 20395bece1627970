//! Custody of the keys: asked on the admin socket, answered also while sealed, and
//! by nobody who is inside the house.

use super::Lobby;
use super::tally::Tally;
use crate::command::{Caller, Role};
use crate::daemon::Door;
use crate::wire::{Custody, CustodyReport, Fault, FrameWriter, Message, Opcode, Status, decode_message};
use std::time::Instant;

/// Answers a request of custody. The connection is not in the house.
pub(super) fn answer(
    lobby: &Lobby,
    caller: &Caller,
    door: Door,
    (opcode, id, body): (Opcode, u64, &[u8]),
    out: &mut Vec<u8>,
) {
    let answered =
        allowed(caller, door).map_err(Fault::from).and_then(|()| match decode_message(opcode, body) {
            Ok(Message::Custody(custody)) => execute(lobby, caller, &custody).map_err(Fault::from),
            Ok(_) => Err(Status::UnknownOpcode.into()),
            Err(fault) => Err(fault),
        });
    let status = answered.as_ref().map_or_else(|fault| fault.status, |_| Status::Ok);
    let frame = FrameWriter::begin(out, opcode.number(), status.code(), id);
    match answered {
        Ok(report) => report.encode(out),
        Err(fault) => fault.encode(out),
    }
    frame.finish(out);
    let mut tally = Tally::default();
    tally.count(opcode.name(), status);
    tally.add_to(&lobby.metrics);
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
