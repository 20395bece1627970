//! The command line of `tallyd`. No secret is ever an argument.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::{Long, Short, ValueExt};
use thiserror::Error;

/// What `tallyd --help` prints.
pub const HELP: &str = "\
tallyd: the Tallystick daemon

Usage: tallyd --dir DIR [--passphrase-file FILE] [--config FILE] [--wait SECONDS]
       tallyd --check --dir DIR [--passphrase-file FILE] [--config FILE]

  --dir DIR               state directory made by `tally init`
  --passphrase-file FILE  file whose first line is the passphrase; `-` reads
                          standard input. Without it, the credential
                          tallyd.passphrase of systemd; without that, tallyd
                          starts sealed and waits for `tally unseal`
  --config FILE           configuration, if not DIR/tallyd.toml
  --wait SECONDS          if a tallyd runs on DIR, make everything ready beside it
                          and take over when it ends, within so many seconds
  --check                 say whether it would come to serve: tests itself, reads
                          the configuration and opens the keyring, and serves
                          nothing; a tallyd may run on DIR meanwhile
  -V, --version           print the version
  -h, --help              print this

It serves DIR/tallyd.sock and DIR/admin.sock until SIGTERM, and then stops
without losing anything it acknowledged. TALLYD_LOG sets the log level
(error, warn, info, debug; default info).
";

/// What the daemon was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The state directory.
    pub dir: PathBuf,
    /// The configuration file, if not in the state directory.
    pub config: Option<PathBuf>,
    /// The passphrase file, or `-`, if one is given.
    pub passphrase_file: Option<PathBuf>,
    /// How long it waits for a daemon that runs on the directory to end.
    pub wait: Duration,
}

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// Serve.
    Serve(Options),
    /// Say whether it would.
    Check(Options),
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// A command line that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}; see tallyd --help")]
pub struct OptionsError(String);

/// Reads the arguments after the program's name.
///
/// # Errors
/// [`OptionsError`] names the argument.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, OptionsError> {
    let told = |error: lexopt::Error| OptionsError(error.to_string());
    let missing = |name: &str| OptionsError(format!("{name} is missing"));
    let mut parser = lexopt::Parser::from_args(arguments);
    let (mut dir, mut config, mut passphrase_file) = (None, None, None);
    let (mut wait, mut is_check) = (Duration::ZERO, false);
    while let Some(argument) = parser.next().map_err(told)? {
        match argument {
            Long("dir") => dir = Some(PathBuf::from(parser.value().map_err(told)?)),
            Long("config") => config = Some(PathBuf::from(parser.value().map_err(told)?)),
            Long("passphrase-file") => {
                passphrase_file = Some(PathBuf::from(parser.value().map_err(told)?));
            }
            Long("wait") => {
                wait = Duration::from_secs(parser.value().and_then(|it| it.parse()).map_err(told)?)
            }
            Long("check") => is_check = true,
            Long("help") | Short('h') => return Ok(Invocation::Help),
            Long("version") | Short('V') => return Ok(Invocation::Version),
            other => return Err(told(other.unexpected())),
        }
    }
    let dir = dir.ok_or_else(|| missing("--dir"))?;
    let options = Options { dir, config, passphrase_file, wait };
    Ok(if is_check { Invocation::Check(options) } else { Invocation::Serve(options) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str]) -> Result<Invocation, OptionsError> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn serves_with_both_and_says_what_is_missing() {
        let wait = Duration::ZERO;
        let options = Options { dir: "d".into(), config: None, passphrase_file: Some("-".into()), wait };
        let sealed = Options { passphrase_file: None, ..options.clone() };
        assert_eq!(of(&["--dir", "d", "--passphrase-file", "-"]), Ok(Invocation::Serve(options)));
        assert_eq!(of(&["--dir", "d"]), Ok(Invocation::Serve(sealed.clone())));
        let waiting = Options { wait: Duration::from_secs(60), ..sealed.clone() };
        assert_eq!(of(&["--dir", "d", "--wait", "60"]), Ok(Invocation::Serve(waiting)));
        assert_eq!(of(&["--check", "--dir", "d"]), Ok(Invocation::Check(sealed)));
        assert!(of(&["--dir", "d", "--wait", "-1"]).is_err());
        assert_eq!(of(&["--help"]), Ok(Invocation::Help));
        assert!(of(&["--passphrase-file", "f"]).unwrap_err().to_string().contains("--dir"));
        assert!(of(&["--passphrase", "secret"]).is_err());
    }
}
