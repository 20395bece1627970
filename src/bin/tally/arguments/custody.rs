//! Arguments of what has to do with the keys themselves.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Dir;

/// What opens the keyring of a state directory.
#[derive(Args)]
pub struct Opener {
    #[command(flatten)]
    pub secrets: Secrets,
    #[command(flatten)]
    pub device: Device,
}

/// What opens a keyring and people keep.
#[derive(Args)]
pub struct Secrets {
    /// File whose first line is the passphrase; `-` reads standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub passphrase_file: PathBuf,
    /// Files with custodians' shares, one in each, if shares open it
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "passphrase_file")]
    pub share_files: Vec<PathBuf>,
}

/// A PKCS#11 token, if one opens the keyring.
#[derive(Args)]
pub struct Device {
    /// The vendor's PKCS#11 library; it is loaded by `tally-pkcs11` only
    #[arg(long, value_name = "FILE", requires = "pin_file")]
    pub pkcs11_module: Option<PathBuf>,
    /// Label of the token
    #[arg(long, value_name = "LABEL", default_value = "tallystick")]
    pub pkcs11_token: String,
    /// Label of the AES key in it
    #[arg(long, value_name = "LABEL", default_value = "tallystick")]
    pub pkcs11_key: String,
    /// File whose first line is the token's PIN
    #[arg(long, value_name = "FILE", requires = "pkcs11_module")]
    pub pin_file: Option<PathBuf>,
}

/// A token in the place of what opens the keyring now.
#[derive(Args)]
pub struct Enclose {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub to: Device,
    #[command(flatten)]
    pub opener: Secrets,
}

/// Another passphrase.
#[derive(Args)]
pub struct Passphrase {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub opener: Opener,
    /// File whose first line is the new passphrase, 8 bytes or more
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: PathBuf,
}

/// What to do with custodians' shares.
#[derive(Subcommand)]
pub enum SharesTask {
    /// Have custodians' shares open the keyring, and nothing else any more; shares made
    /// before are void then. The daemon must be stopped or sealed
    #[command(visible_alias = "reshare")]
    Make {
        #[command(flatten)]
        dir: Dir,
        #[command(flatten)]
        opener: Opener,
        /// How many shares are needed
        #[arg(long, value_name = "M", value_parser = clap::value_parser!(u8).range(2..=16))]
        needed: u8,
        /// How many shares are made
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=16))]
        made: u8,
        /// Directory for one file a share, each for one custodian to take away
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Check that a share is one of the keyring's, without opening it
    Verify {
        #[command(flatten)]
        dir: Dir,
        /// File with the share; `-` reads standard input
        #[arg(long, value_name = "FILE", default_value = "-")]
        share_file: PathBuf,
    },
}

/// What unseals the daemon.
#[derive(Args)]
pub struct Unseal {
    #[command(flatten)]
    pub at: Dir,
    /// File with one custodian's share, or the passphrase in its first line; `-` reads
    /// standard input
    #[arg(long, visible_alias = "passphrase-file", value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    #[command(flatten)]
    pub device: Device,
    /// Only tell how it stands
    #[arg(long, conflicts_with_all = ["file", "forget"])]
    pub report: bool,
    /// Forget the shares that were given so far
    #[arg(long, conflicts_with = "file")]
    pub forget: bool,
}
