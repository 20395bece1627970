//! What is printed: lines for people, or JSON objects, one a line.

use std::io::Write;

use serde_json::{Value, json};

/// How results are printed.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// JSON objects, one a line, instead of text.
    pub json: bool,
}

/// Exit code of a program that was interrupted, as a shell gives it for SIGINT.
pub const INTERRUPTED: u8 = 130;

/// Why the program ends with another exit code than 0.
#[derive(Debug)]
pub struct Failure {
    message: Option<String>,
    code: Option<String>,
    exit_code: u8,
}

impl Output {
    /// Prints one result in the form wanted. Text may be none.
    pub fn item(self, json: impl FnOnce() -> Value, text: impl FnOnce() -> Option<String>) {
        let line = if self.json { Some(json().to_string()) } else { text() };
        if let Some(line) = line {
            // A reader that has gone away, as `head` does, is no failure of ours.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }

    /// Prints a failure: in JSON on standard output, else on standard error.
    pub fn failure(self, failure: &Failure) {
        let Some(message) = &failure.message else { return };
        if self.json {
            self.item(|| json!({"ok": false, "status": failure.code, "error": message}), || None);
        } else {
            let _ = writeln!(std::io::stderr(), "tally: {message}");
        }
    }
}

impl Failure {
    /// A failure with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), code: None, exit_code: 1 }
    }

    /// A failure that the daemon gave a status for.
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), code: Some(code.to_owned()), exit_code: 1 }
    }

    /// A failure of which everything is printed already.
    pub const fn silent() -> Self {
        Self { message: None, code: None, exit_code: 1 }
    }

    /// Work that SIGINT ended in order.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self { exit_code: INTERRUPTED, ..Self::refused("interrupted", message) }
    }

    /// The same failure, and more to say of it behind or before.
    pub fn reworded(self, reword: impl FnOnce(String) -> String) -> Self {
        Self { message: self.message.map(reword), ..self }
    }

    /// The program's exit code.
    pub const fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}
