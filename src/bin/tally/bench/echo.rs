//! A bare echo over a Unix socket, with the sizes of an operation.
//!
//! It is a process of its own, as the daemon is, and speaks just enough for the
//! same client: after HELLO, it reads requests of one fixed size, as many as
//! have arrived, and answers them in one write with replies of one fixed size
//! that only take over the request's id. It decides, wipes and checks nothing.
//! If told to, it computes the bare HMACs of each request, and throws them away:
//! then it is what no engine on this machine, client and library can pass. If told
//! to, it also has a file written and synced for each group of requests, before
//! they are answered: then it is what no durable one can pass.

mod ledger;

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command as Process, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use tallystick::command::{Command, Issue, Issued, Reply, Verified, Verify};
use tallystick::types::{Atc, Cryptogram, TokenNumber, Trid};
use tallystick::wire::{
    DEFAULT_FRAME, DEFAULT_IN_FLIGHT, Frame, FrameWriter, HEADER, Hello, LENGTH, Opcode, encode_command,
    encode_reply,
};
use tempfile::TempDir;

use super::mac::BareMacs;
use super::worker::transaction;
use crate::arguments::bench::BenchOp;
use crate::ask::far_expiry;
use crate::output::Failure;
use ledger::Ledger;

/// The name under which this program is the echo.
pub const ECHO: &str = "tally-echo";

/// What an echo does beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    Nothing,
    Macs,
    MacsAndSync,
}

impl Extra {
    /// The argument that asks for it.
    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Macs => Some("macs"),
            Self::MacsAndSync => Some("macs-and-sync"),
        }
    }

    fn named(name: &OsStr) -> Option<Self> {
        [Self::Macs, Self::MacsAndSync]
            .into_iter()
            .find(|extra| extra.name().is_some_and(|known| name == known))
    }
}

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
    /// Starts one with the sizes of an operation.
    pub fn start(op: BenchOp, extra: Extra) -> Result<Self, Failure> {
        let dir = TempDir::with_prefix("tally-")?;
        let child = Process::new(std::env::current_exe()?)
            .arg0(ECHO)
            .arg(dir.path().join("echo.sock"))
            .arg(op.name())
            .args(extra.name())
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

/// The echo: its arguments are socket, operation and perhaps an extra. It runs
/// until standard input ends.
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let socket = arguments.next();
    let op = arguments.next().and_then(|op| op.into_string().ok());
    let op = op.and_then(|op| BenchOp::from_str(&op, false).ok());
    let extra = arguments.next().and_then(|extra| Extra::named(&extra)).unwrap_or(Extra::Nothing);
    let Some((socket, op)) = socket.zip(op) else { return ExitCode::from(2) };
    let socket = PathBuf::from(socket);
    let ledger = (extra == Extra::MacsAndSync).then(|| Ledger::open(&socket.with_extension("ledger")));
    let Ok(ledger) = ledger.transpose() else { return ExitCode::FAILURE };
    let Ok(listener) = UnixListener::bind(&socket) else { return ExitCode::FAILURE };
    std::thread::spawn(move || answer_all(&listener, op, extra, ledger.as_ref()));
    // Only the end of it says anything.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    ExitCode::SUCCESS
}

/// Serves every connection in a thread of its own.
pub fn answer_all(listener: &UnixListener, op: BenchOp, extra: Extra, ledger: Option<&Arc<Ledger>>) {
    for stream in listener.incoming().flatten() {
        let ledger = ledger.cloned();
        std::thread::spawn(move || drop(serve(stream, op, extra, ledger.as_deref())));
    }
}

fn serve(mut stream: UnixStream, op: BenchOp, extra: Extra, ledger: Option<&Ledger>) -> Result<(), Failure> {
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
        let count = u64::try_from(whole / request)?;
        let group = ledger.filter(|_| count > 0).map(|ledger| (ledger, ledger.count(count)));
        out.clear();
        for request in buffer.get(..whole).unwrap_or_default().chunks_exact(request) {
            let start = out.len();
            out.extend_from_slice(&reply);
            if extra != Extra::Nothing {
                macs.compute(1)?;
            }
            let id = out.get_mut(start..).and_then(|reply| reply.get_mut(ID));
            if let Some((to, from)) = id.zip(request.get(ID)) {
                to.copy_from_slice(from);
            }
        }
        if let Some((ledger, group)) = group {
            ledger.wait(group);
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

#[cfg(test)]
mod tests {
    use tallystick::client::{Answer, Client};

    use super::*;

    #[test]
    fn answers_the_client_in_order_as_the_daemon_would() {
        let (token, trid) = (TokenNumber::from_parts(0, 16).unwrap(), Trid::from_value(1).unwrap());
        let dir = TempDir::new().unwrap();
        for extra in [Extra::Nothing, Extra::Macs, Extra::MacsAndSync] {
            assert_eq!(
                extra.name().and_then(|name| Extra::named(OsStr::new(name))).unwrap_or(Extra::Nothing),
                extra
            );
            let (ours, theirs) = UnixStream::pair().unwrap();
            let ledger =
                (extra == Extra::MacsAndSync).then(|| Ledger::open(&dir.path().join("ledger")).unwrap());
            std::thread::spawn(move || serve(theirs, BenchOp::Issue, extra, ledger.as_deref()).unwrap());
            let mut client = Client::over(ours, "test").unwrap();
            let issue = Issue { token, trid, transaction: transaction() };
            let asked: Vec<_> = (0..1000).map(|_| client.submit_issue(&issue, None).unwrap()).collect();
            for id in asked {
                let (answered, answer) = client.receive().unwrap();
                assert_eq!(answered, id);
                assert!(matches!(answer.unwrap(), Answer::Reply(Reply::Issued(_))));
            }
        }
    }
}
