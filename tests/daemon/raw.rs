//! Frames written by hand.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use tallystick::wire::{Frame, FrameWriter, Hello, Opcode, Status};

/// A connection on which anything can be written.
pub struct Raw {
    stream: UnixStream,
    pub next: u64,
}

/// An answer: opcode, status, id, body.
pub type Told = (u16, Status, u64, Vec<u8>);

impl Raw {
    pub fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream, next: 1 }
    }

    /// The same, after HELLO.
    pub fn greeted(socket: &Path) -> Self {
        let mut raw = Self::connect(socket);
        let mut body = Vec::new();
        Hello::ours("raw").encode(&mut body);
        assert_eq!(raw.ask(Opcode::Hello.number(), &body), Status::Ok);
        raw
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Writes a frame under the next id.
    pub fn send(&mut self, opcode: u16, flags: u16, body: &[u8]) -> u64 {
        let id = self.next;
        self.next += 1;
        self.send_as(opcode, flags, id, body);
        id
    }

    pub fn send_as(&mut self, opcode: u16, flags: u16, id: u64, body: &[u8]) {
        let bytes = frame(opcode, flags, id, body);
        self.write(&bytes);
    }

    /// Reads one answer.
    pub fn read(&mut self) -> Told {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).unwrap();
        let mut rest = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut rest).unwrap();
        let Frame { opcode, status, id, body } = Frame::parse(&rest).unwrap();
        (opcode, Status::from_code(status).unwrap(), id, body.to_vec())
    }

    /// Asks and gives the status of the answer, whose id must be the request's.
    pub fn ask(&mut self, opcode: u16, body: &[u8]) -> Status {
        let id = self.send(opcode, 0, body);
        let told = self.read();
        assert_eq!((told.0, told.2), (opcode, id));
        told.1
    }

    /// Whether the connection is still good for something.
    pub fn survives(&mut self) -> bool {
        self.ask(Opcode::Ping.number(), &[]) == Status::Ok
    }

    /// Nothing more is written; what is read until the end.
    pub fn finish(mut self) -> Vec<u8> {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).unwrap();
        rest
    }
}

pub fn frame(opcode: u16, flags: u16, id: u64, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let writer = FrameWriter::begin(&mut bytes, opcode, flags, id);
    bytes.extend_from_slice(body);
    writer.finish(&mut bytes);
    bytes
}
