//! `tally-vault`: the reference vault.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use data_encoding::HEXLOWER_PERMISSIVE;
use tallystick::vault::{Config, Operator, run, stopped};

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
    /// Serve operators their page at /operator, with counts from the engine's admin socket
    #[arg(long, value_name = "SOCKET", requires = "operator_secret")]
    admin: Option<PathBuf>,
    /// A file with the SHA-256 of the operators' secret, 64 hexadecimal digits
    #[arg(long, value_name = "FILE", requires = "admin")]
    operator_secret: Option<PathBuf>,
    /// The file in which the engine keeps the head of its audit log
    #[arg(long, value_name = "FILE", requires = "admin")]
    audit_head: Option<PathBuf>,
}

/// What operators see, if they are to.
fn operator(arguments: &Arguments) -> Result<Option<Operator>, String> {
    let (Some(admin), Some(file)) = (&arguments.admin, &arguments.operator_secret) else { return Ok(None) };
    let wrong = || format!("{}: not 64 hexadecimal digits", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    // As `sha256sum` writes it.
    let digits = text.split_whitespace().next().ok_or_else(wrong)?;
    let secret = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map_err(|_| wrong())?;
    let secret = secret.try_into().map_err(|_| wrong())?;
    Ok(Some(Operator { admin: admin.clone(), audit_head: arguments.audit_head.clone(), secret }))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let operator = match operator(&arguments) {
        Ok(operator) => operator,
        Err(error) => {
            eprintln!("tally-vault: {error}");
            return ExitCode::FAILURE;
        }
    };
    let Arguments { dir, engine, listen, public, .. } = arguments;
    // Cards pass through this process: it leaves no core.
    if let Err(error) = tallystick::secmem::harden() {
        eprintln!("tally-vault: {error}");
        return ExitCode::FAILURE;
    }
    let config = Config { dir, engine, listen, public, operator, shop: false };
    match run(&config, stopped(), |public| eprintln!("tally-vault serves at {public}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tally-vault: {error}");
            ExitCode::FAILURE
        }
    }
}
