//! What concerns the reference vault.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use tallystick::types::Trid;

/// An engine and a vault for development.
#[derive(Args)]
pub struct Dev {
    /// Keep everything in this directory; without it nothing stays
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Where the vault listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8300")]
    pub listen: SocketAddr,
    /// Where the webhooks of the sample merchants go, when they are made
    #[arg(long, value_name = "URL")]
    pub webhook: Option<String>,
}

/// Merchants of the vault.
#[derive(Subcommand)]
pub enum MerchantTask {
    /// Add a merchant and print its credentials, which are shown this once
    Add(NewMerchant),
    /// List the merchants
    List {
        /// The vault's directory
        #[arg(long, value_name = "DIR", default_value = "/var/lib/tally-vault")]
        dir: PathBuf,
    },
}

/// A merchant to be added.
#[derive(Args)]
pub struct NewMerchant {
    /// Its name: 1 to 64 letters, digits, - and _
    pub name: String,
    /// The token requestor that its tokens are for: 11 digits
    #[arg(long, value_parser = trid)]
    pub trid: Trid,
    /// Masks show the first four digits of a card, too
    #[arg(long)]
    pub wide_mask: bool,
    /// Where its webhooks go
    #[arg(long, value_name = "URL")]
    pub webhook: Option<String>,
    /// The vault's directory
    #[arg(long, value_name = "DIR", default_value = "/var/lib/tally-vault")]
    pub dir: PathBuf,
}

fn trid(text: &str) -> Result<Trid, String> {
    Trid::parse(text.as_bytes()).map_err(|error| error.to_string())
}
