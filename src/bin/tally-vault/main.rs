//! `tally-vault`: the reference vault.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tallystick::vault::{Config, run, stopped};

/// The reference vault: saved cards, tokens and payments on a Tallystick engine, through
/// APIs that merchants already call. TLS is a proxy's business.
#[derive(Parser)]
#[command(name = "tally-vault", version, about, max_term_width = 100)]
struct Arguments {
    /// The vault's directory
    #[arg(long, value_name = "DIR", default_value = "/var/lib/tally-vault")]
    dir: PathBuf,
    /// The engine's socket
    #[arg(long, value_name = "SOCKET", default_value = "/run/tallystick/tallyd.sock")]
    engine: PathBuf,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8300")]
    listen: SocketAddr,
    /// Where it is reached from outside, without a slash at the end
    #[arg(long, value_name = "URL")]
    public: Option<String>,
}

fn main() -> ExitCode {
    let Arguments { dir, engine, listen, public } = Arguments::parse();
    // Cards pass through this process: it leaves no core.
    if let Err(error) = tallystick::secmem::harden() {
        eprintln!("tally-vault: {error}");
        return ExitCode::FAILURE;
    }
    let config = Config { dir, engine, listen, public, shop: false };
    match run(&config, stopped(), |public| eprintln!("tally-vault serves at {public}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tally-vault: {error}");
            ExitCode::FAILURE
        }
    }
}
