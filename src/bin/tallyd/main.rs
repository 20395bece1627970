//! `tallyd`: the daemon that serves the engine on Unix sockets.

use std::process::ExitCode;

fn main() -> ExitCode {
    tallystick::daemon::main(std::env::args_os().skip(1))
}
