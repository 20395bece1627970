//! Metrics for scrapers that speak HTTP: a `GET` on the admin socket is answered
//! once. `GET ` read as a frame's length would be a gigabyte, so the two cannot
//! be confused.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use rustix::net::{RecvFlags, recv};

use super::audit::{Notes, kept};
use super::connection::Lobby;
use crate::command::{Caller, Role};
use crate::wire::{Opcode, Status};

/// Most bytes of a request that are read.
const MAX: usize = 8192;

/// Whether a connection begins as HTTP does; waits for its first bytes.
pub(super) fn is_http(stream: &UnixStream) -> bool {
    let mut first = [0u8; 4];
    let peeked = recv(stream, &mut first[..], RecvFlags::PEEK | RecvFlags::WAITALL);
    peeked.is_ok() && &first == b"GET "
}

/// Answers `GET /metrics` and closes.
pub(crate) fn serve_metrics(
    stream: &mut (impl Read + Write),
    lobby: &Lobby,
    caller: &Caller,
) -> std::io::Result<()> {
    let request = read_head(stream)?;
    let (code, status, body) = if !caller.roles().has(Role::Admin) {
        ("403 Forbidden", Status::RoleMissing, String::new())
    } else if request.starts_with(b"GET /metrics ") {
        lobby.refresh_metrics(lobby.house.enter().as_deref());
        ("200 OK", Status::Ok, lobby.metrics.encode())
    } else {
        ("404 Not Found", Status::UnknownOpcode, String::new())
    };
    let mut notes = Notes::default();
    notes.add(Opcode::Metrics.name(), kept(Opcode::Metrics), status, None);
    // It is counted, and so never waited for.
    let _ = lobby.audit.note((lobby.clock)(), caller.name(), &notes);
    let head = format!(
        "HTTP/1.1 {code}\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// Reads to the empty line that ends a request's head.
fn read_head(stream: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX {
        if stream.read(&mut byte)? == 0 {
            break;
        }
        head.extend_from_slice(&byte);
    }
    Ok(head)
}
