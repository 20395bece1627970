//! The arguments of `tally keyblock`.

use std::path::PathBuf;

use clap::Subcommand;

use super::OneProposal;

/// What to do with a key block.
#[derive(Subcommand)]
pub enum KeyblockTask {
    /// Show what the header of a key block says, without any key: so nothing of it is
    /// verified
    Read {
        /// The key block (TR-31, X9.143); `-` reads standard input
        file: PathBuf,
    },
    /// Print the key of an approved proposal in a key block (admin socket)
    Write(OneProposal),
}
