//! Secrets in text from a file or standard input, without a copy left behind; not
//! shown while they are typed.

use std::io::{IsTerminal, Read, Write};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use tallystick::keys::Stdin;
use zeroize::Zeroizing;

use crate::output::Failure;

/// Most bytes.
const MAX: usize = 4096;

/// Reads a text of at most 4,096 bytes: a file, or standard input if the path is
/// `-`. Of a terminal it is one line, asked for.
pub fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let told = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    // Room for all that is read, since growing would leave a copy behind.
    let mut bytes = Zeroizing::new([0u8; MAX + 1]);
    let (mut len, is_stdin) = (0, path == Path::new("-"));
    let is_typed = is_stdin && std::io::stdin().is_terminal();
    let _silence = is_typed.then(Silence::begin);
    let mut source: Box<dyn Read> =
        if is_stdin { Box::new(Stdin) } else { Box::new(std::fs::File::open(path).map_err(told)?) };
    while let Some(room) = bytes.get_mut(len..).filter(|room| !room.is_empty()) {
        match source.read(room) {
            Ok(0) => break,
            Ok(count) => len += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(told(error)),
        }
        if is_typed && bytes.iter().take(len).any(|byte| *byte == b'\n') {
            break;
        }
    }
    let read = bytes.get(..len).filter(|read| read.len() <= MAX);
    let text = read.and_then(|read| std::str::from_utf8(read).ok());
    let text =
        text.ok_or_else(|| Failure::new(format!("{}: not a text of at most 4,096 bytes", path.display())))?;
    let mut whole = Zeroizing::new(String::with_capacity(MAX));
    whole.push_str(text);
    Ok(whole)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silence(Option<rustix::termios::Termios>);

impl Silence {
    fn begin() -> Self {
        let _ = write!(std::io::stderr(), "not shown while you type: ");
        let before = tcgetattr(std::io::stdin()).ok();
        if let Some(mut silent) = before.clone() {
            silent.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &silent);
        }
        Self(before)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
        let _ = writeln!(std::io::stderr());
    }
}
