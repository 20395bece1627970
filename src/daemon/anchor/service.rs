//! An anchor at a service: the hook for what lies outside the host or counts in
//! hardware.
//!
//! The service listens on a Unix stream socket. Each connection asks once, in
//! one line: `get` is answered by the anchor in hex or by `none`; `put HEX` is
//! kept durably and answered by `ok`. Any other answer is a failure.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use data_encoding::HEXLOWER;

use super::{Bytes, Place, Rank};

const PATIENCE: Duration = Duration::from_secs(5);
const LONGEST: u64 = 256;

/// A service that keeps an anchor.
#[derive(Debug)]
pub struct AnchorService {
    socket: PathBuf,
}

impl AnchorService {
    /// The service at a socket.
    #[must_use]
    pub const fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    fn ask(&self, question: &str) -> Result<String> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(question.as_bytes())?;
        read_line(stream)
    }
}

impl Place for AnchorService {
    fn read(&mut self, _: Rank<'_>) -> Result<Option<Bytes>> {
        parse(&self.ask("get\n")?)
    }

    fn write(&mut self, bytes: &Bytes) -> Result<()> {
        let answer = self.ask(&format!("put {}\n", HEXLOWER.encode(bytes)))?;
        if answer == "ok" { Ok(()) } else { Err(malformed()) }
    }

    fn name(&self) -> &'static str {
        "anchor service"
    }
}

/// The line that a service answers with, without its end.
pub(crate) fn read_line(stream: impl Read) -> Result<String> {
    let mut answer = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut answer)?;
    Ok(answer.trim_end().to_owned())
}

/// What a service says that it keeps.
pub(crate) fn parse(answer: &str) -> Result<Option<Bytes>> {
    if answer == "none" {
        return Ok(None);
    }
    let bytes = HEXLOWER.decode(answer.as_bytes()).map_err(|_| malformed())?;
    bytes.try_into().map(Some).map_err(|_| malformed())
}

fn malformed() -> Error {
    Error::new(ErrorKind::InvalidData, "the answer is none of the protocol's")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    /// A service that answers each question with the next line.
    fn answers(
        lines: &'static [&'static str],
    ) -> (tempfile::TempDir, AnchorService, std::thread::JoinHandle<Vec<String>>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let asked = std::thread::spawn(move || {
            let answer = |line: &&str| {
                let mut stream = listener.accept().unwrap().0;
                let mut question = String::new();
                BufReader::new(&stream).read_line(&mut question).unwrap();
                stream.write_all(line.as_bytes()).unwrap();
                question
            };
            lines.iter().map(answer).collect()
        });
        (dir, AnchorService::new(path), asked)
    }

    #[test]
    fn speaks_its_protocol_and_takes_no_other_answer() {
        let none = |_: &Bytes| None;
        let (_dir, mut service, asked) = answers(&["none\n", "ok\n", "no\n", "", "0102\n", "zz\n"]);
        assert_eq!(service.read(&none).unwrap(), None);
        service.write(&[0xab; 96]).unwrap();
        assert!(service.write(&[0xab; 96]).is_err());
        assert!(service.write(&[0xab; 96]).is_err());
        assert!(service.read(&none).is_err());
        assert!(service.read(&none).is_err());
        let asked = asked.join().unwrap();
        assert_eq!(asked[0], "get\n");
        assert_eq!(asked[1], format!("put {}\n", "ab".repeat(96)));
        // It is gone now.
        assert!(service.read(&none).is_err());
    }
}
