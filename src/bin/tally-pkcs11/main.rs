//! `tally-pkcs11`: wraps and unwraps a keyring's wrapping key with a key that stays
//! in a token, by PKCS#11.
//!
//! A vendor's library runs in here, and here only: never in `tallyd`, which holds
//! the keys. This process has one wrapping key in memory, for one call, and ends.

mod token;

use std::ffi::OsString;
use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::{Long, Short, Value};
use tallystick::keys::Stdin;
use tallystick::secmem::harden;
use zeroize::Zeroizing;

use token::{Token, WRAPPED};

const HELP: &str = "\
tally-pkcs11: a keyring's wrapping key under a key of a PKCS#11 token

Usage: tally-pkcs11 COMMAND --module FILE --token LABEL --key LABEL --pin-file FILE

  make-key  make an AES-256 key in the token, which it never leaves
  wrap      read 32 bytes from standard input, write them wrapped
  unwrap    read what wrap wrote, write the 32 bytes

`tally device` and `tally unseal` run it; only make-key is for people.
";

type Failure = Box<dyn std::error::Error>;

/// What is to be done, and where.
struct Options {
    command: String,
    module: PathBuf,
    token: String,
    key: String,
    pin_file: PathBuf,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "tally-pkcs11: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    harden()?;
    let Some(options) = parse(std::env::args_os().skip(1))? else {
        std::io::stdout().write_all(HELP.as_bytes())?;
        return Ok(());
    };
    let token = Token::open(&options.module, &options.token, &options.pin_file)?;
    match options.command.as_str() {
        "make-key" => token.make_key(&options.key),
        "wrap" => {
            let key = exactly::<32>()?;
            Ok(std::io::stdout().write_all(&token.wrap(&options.key, &key)?)?)
        }
        "unwrap" => {
            if std::io::stdout().is_terminal() {
                return Err("a key is not written to a terminal".into());
            }
            let key = token.unwrap(&options.key, &*exactly::<WRAPPED>()?)?;
            // Not through the buffer of standard output, which would keep it.
            let output = std::io::stdout().as_fd().try_clone_to_owned()?;
            Ok(File::from(output).write_all(key.as_slice())?)
        }
        command => Err(format!("unknown command {command}").into()),
    }
}

/// So many bytes from standard input, and no more.
fn exactly<const N: usize>() -> Result<Zeroizing<[u8; N]>, Failure> {
    let mut bytes = Zeroizing::new([0; N]);
    Stdin.read_exact(bytes.as_mut_slice())?;
    if Stdin.read(&mut [0])? != 0 {
        return Err(format!("more than {N} bytes on standard input").into());
    }
    Ok(bytes)
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, Failure> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let (mut command, mut module, mut token, mut key, mut pin_file) = (None, None, None, None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Value(value) if command.is_none() => command = Some(value.to_string_lossy().into_owned()),
            Long("module") => module = Some(PathBuf::from(parser.value()?)),
            Long("token") => token = Some(parser.value()?.to_string_lossy().into_owned()),
            Long("key") => key = Some(parser.value()?.to_string_lossy().into_owned()),
            Long("pin-file") => pin_file = Some(PathBuf::from(parser.value()?)),
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    let missing = |name: &str| format!("{name} is missing; see tally-pkcs11 --help");
    Ok(Some(Options {
        command: command.ok_or_else(|| missing("the command"))?,
        module: module.ok_or_else(|| missing("--module"))?,
        token: token.ok_or_else(|| missing("--token"))?,
        key: key.ok_or_else(|| missing("--key"))?,
        pin_file: pin_file.ok_or_else(|| missing("--pin-file"))?,
    }))
}
