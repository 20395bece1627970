//! The arguments of `tally audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Device, Dir, Opener};

/// What to do with the audit log.
#[derive(Subcommand)]
pub enum AuditTask {
    /// Check the log offline: the first record that was changed, removed, moved or cut off is named
    ///
    /// Without a passphrase the chain of hashes is checked, and that the log has what its head
    /// remembers; with it every record's MAC too, and that of the head. A head that was noted
    /// elsewhere, as the last line of this command prints it, is checked in either case.
    Verify(Verify),
    /// Print the records as JSON, one a line, up to the first that is not what it was
    Export(Export),
    /// Begin the log anew after damage; the old one is kept beside, and the new one says so
    Accept {
        #[command(flatten)]
        dir: Dir,
        #[command(flatten)]
        opener: Opener,
    },
}

/// Which log is read, and what is known of it.
#[derive(Args)]
pub struct Source {
    #[command(flatten)]
    pub dir: Dir,
    /// Another directory of records, for example a copy; then the head in the state directory does
    /// not count
    #[arg(long, value_name = "DIR")]
    pub log: Option<PathBuf>,
    /// File whose first line is the passphrase of the keyring; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Files with custodians' shares, one in each, if shares open the keyring
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "passphrase_file")]
    pub share_files: Vec<PathBuf>,
    #[command(flatten)]
    pub device: Device,
    /// A record that must be there: its number and link
    #[arg(long = "head", value_name = "NUMBER:HEX")]
    pub heads: Vec<String>,
    /// The first record that is expected, when older files were moved away
    #[arg(long, value_name = "NUMBER")]
    pub from: Option<u64>,
}

/// A log to be checked.
#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    pub source: Source,
}

/// A log to be exported.
#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    pub source: Source,
    /// The first record to print
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub first: u64,
    /// The last record to print
    #[arg(long, value_name = "NUMBER", default_value_t = u64::MAX)]
    pub last: u64,
}
