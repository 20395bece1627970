//! Runs the real daemon under mixed load from several connections, kills it with
//! SIGKILL at random moments, starts it again, and checks against the client's
//! own log that it kept its promises. `CONTRIBUTING.md` says how to run it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod ask;
mod audit;
mod board;
mod chips;
mod connection;
mod daemon;
#[path = "../support/emv.rs"]
mod emv;
mod load;
mod log;
mod model;
#[cfg(feature = "postgres")]
mod nodes;
mod options;
mod plan;
mod report;
mod run;
mod self_check;
mod trigger;
mod wallet;

use std::process::ExitCode;

use options::{Asked, HELP};

fn main() -> ExitCode {
    match options::parse(std::env::args_os().skip(1)) {
        #[cfg(feature = "postgres")]
        Ok(Asked::Run(options)) if options.nodes > 0 => nodes::run(options),
        #[cfg(not(feature = "postgres"))]
        Ok(Asked::Run(options)) if options.nodes > 0 => {
            eprintln!("crash: --nodes needs --features postgres");
            ExitCode::from(2)
        }
        Ok(Asked::Run(options)) => run::run(options),
        Ok(Asked::List { selected, terse }) => {
            if selected {
                println!("crash: test");
            }
            if !terse {
                println!("\n{} tests, 0 benchmarks", u8::from(selected));
            }
            ExitCode::SUCCESS
        }
        Ok(Asked::Nothing(why)) => {
            println!("crash: not run: {why}");
            ExitCode::SUCCESS
        }
        Ok(Asked::Help) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("crash: {error}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}
