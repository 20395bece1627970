//! A bare echo over a Unix socket, with the sizes of an operation.
//!
//! It is a process of its own, as the daemon is, and speaks just enough for the
//! same client: after HELLO, it reads requests of one fixed size, as many as
//! have arrived, and answers them in one write with replies of one fixed size
//! that only take over the request's id. It decides, wipes and checks nothing.
//! If told to, it computes the bare HMACs of each request, and throws them away:
//! then it is what no engine on this machine, client and library can pass.

use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use tallystick::command::{Command, Issue, Issued, Reply, Verified, Verify};
use tallystick::types::{Atc, Cryptogram, TokenNumber, Trid};
use tallystick::wire::{
    DEFAULT_FRAME, DEFAULT_IN_FLIGHT, Frame, FrameWriter, HEADER, Hello, LENGTH, Opcode, encode_command,
    encode_reply,
};
use tempfile::TempDir;

use super::arguments::BenchOp;
use super::mac::BareMacs;
use super::worker::transaction;
use crate::ask::far_expiry;
use crate::output::Failure;

/// The name under which this program is the echo.
pub const ECHO: &str = "tally-echo";

/// What an echo does beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    Nothing,
    Macs,
}

/// The argument that asks for [`Extra::Macs`].
const MACS: &str = "macs";
/// Bytes read at a time; a Unix socket holds less.
const BUFFER: usize = 262_144;
/// How long it may take to come up.
const START: Duration = Duration::from_secs(10);
/// Where the request id stands in a frame.
const ID: std::ops::Range<usize> = LENGTH + 4..LENGTH + HEADER;

/// A running echo; gone when this is dropped.
pub struct Echo {
    child: Child,
    dir: TempDir,
}

/// The frames of an operation.
struct Shape {
    /// Bytes of a request.
    request: usize,
    reply: Vec<u8>,
}

impl Echo {
    /// Starts one with the sizes of an operation, that does nothing else or
    /// computes the bare HMACs too.
    pub fn start(op: BenchOp, extra: Extra) -> Result<Self, Failure> {
        let dir = TempDir::with_prefix("tally-")?;
        let child = Process::new(std::env::current_exe()?)
            .arg0(ECHO)
            .arg(dir.path().join("echo.sock"))
            .arg(op.name())
            .args((extra == Extra::Macs).then_some(MACS))
            // It ends when this pipe does, so it never outlives us.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let echo = Self { child, dir };
        let begun = Instant::now();
        while UnixStream::connect(echo.socket()).is_err() {
            if begun.elapsed() > START {
                return Err(Failure::new("the echo did not come up"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(echo)
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("echo.sock")
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // It may have ended already; nothing is owed to it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The echo: its arguments are socket, operation and perhaps `macs`. It runs
/// until standard input ends.
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let socket = arguments.next();
    let op = arguments.next().and_then(|op| op.into_string().ok());
    let op = op.and_then(|op| BenchOp::from_str(&op, false).ok());
    let extra = if arguments.any(|extra| extra == MACS) { Extra::Macs } else { Extra::Nothing };
    let Some((socket, op)) = socket.zip(op) else { return ExitCode::from(2) };
    let Ok(listener) = UnixListener::bind(Path::new(&socket)) else { return ExitCode::FAILURE };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || drop(serve(stream, op, extra)));
        }
    });
    // Only the end of it says anything.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    ExitCode::SUCCESS
}

fn serve(mut stream: UnixStream, op: BenchOp, extra: Extra) -> Result<(), Failure> {
    let mut macs = BareMacs::new()?;
    let Shape { request, reply } = Shape::of(op)?;
    let mut buffer = vec![0; BUFFER];
    welcome(&mut stream, &mut buffer)?;
    let (mut held, mut out) = (0, Vec::with_capacity(BUFFER));
    loop {
        let count = match stream.read(buffer.get_mut(held..).unwrap_or_default()) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        held += count;
        let whole = held - held % request;
        out.clear();
        for request in buffer.get(..whole).unwrap_or_default().chunks_exact(request) {
            let start = out.len();
            out.extend_from_slice(&reply);
            if extra == Extra::Macs {
                macs.compute(1)?;
            }
            let id = out.get_mut(start..).and_then(|reply| reply.get_mut(ID));
            if let Some((to, from)) = id.zip(request.get(ID)) {
                to.copy_from_slice(from);
            }
        }
        stream.write_all(&out)?;
        buffer.copy_within(whole..held, 0);
        held -= whole;
    }
}

/// Answers HELLO. A client sends nothing more before that.
fn welcome(stream: &mut UnixStream, buffer: &mut [u8]) -> Result<(), Failure> {
    let count = stream.read(buffer)?;
    let frame = buffer.get(LENGTH..count).and_then(Frame::parse);
    let frame = frame.ok_or_else(|| Failure::new("a HELLO was expected"))?;
    let told = |_| Failure::new("another HELLO was expected");
    let hello = Hello::decode(frame.body).map_err(told)?;
    let agreed = hello.agree(DEFAULT_FRAME, DEFAULT_IN_FLIGHT, ECHO);
    let agreed = agreed.map_err(|_| Failure::new("another version was expected"))?;
    let mut out = Vec::new();
    let writer = FrameWriter::begin(&mut out, frame.opcode, 0, frame.id);
    agreed.encode(&mut out);
    writer.finish(&mut out);
    Ok(stream.write_all(&out)?)
}

impl Shape {
    fn of(op: BenchOp) -> Result<Self, Failure> {
        let (token, trid) = (TokenNumber::from_parts(0, 16)?, Trid::from_value(1)?);
        let (expiry, transaction) = (far_expiry()?, transaction());
        let cryptogram = Cryptogram::from_slice(&[7; Cryptogram::LEN])?;
        let atc = Atc::new(1).ok_or_else(|| Failure::new("a counter begins at one"))?;
        let request = |command: &Command<'_>| {
            frame(Opcode::of(command.operation()), |out| {
                encode_command(out, command, None);
            })
        };
        let reply = |opcode, reply: &Reply| frame(opcode, |out| encode_reply(out, reply));
        let (request, reply) = match op {
            BenchOp::Ping => (frame(Opcode::Ping, |_| {}), frame(Opcode::Ping, |_| {})),
            BenchOp::Issue => (
                request(&Command::Issue(Issue { token, trid, transaction })),
                reply(Opcode::Issue, &Reply::Issued(Issued { cryptogram, expiry })),
            ),
            BenchOp::Verify => (
                request(&Command::Verify(Verify { token, expiry, trid, transaction, cryptogram })),
                reply(Opcode::Verify, &Reply::Verified(Verified { atc })),
            ),
        };
        Ok(Self { request: request.len(), reply })
    }
}

/// A frame with status or flags zero and id zero.
fn frame(opcode: Opcode, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    let writer = FrameWriter::begin(&mut out, opcode.number(), 0, 0);
    body(&mut out);
    writer.finish(&mut out);
    out
}
