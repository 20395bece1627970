//! Arguments of what two admins must agree on.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Dir, PurposeName};

/// What is proposed.
#[derive(Subcommand)]
pub enum Proposed {
    /// Destroy a retiring version of a key
    Destroy {
        #[command(flatten)]
        at: Dir,
        /// What the key is for
        #[arg(value_enum)]
        purpose: PurposeName,
        /// The version
        version: u8,
    },
    /// Read the PANs of all tokens; needs the role detokenizer too
    DetokenizeAll {
        #[command(flatten)]
        at: Dir,
        /// Of this requestor only, 11 digits
        #[arg(long)]
        trid: Option<String>,
    },
}

/// A proposal.
#[derive(Args)]
pub struct OneProposal {
    #[command(flatten)]
    pub at: Dir,
    /// Its digest, 64 hex digits
    pub digest: String,
}

/// Where PANs are written.
#[derive(Args)]
pub struct DetokenizeAll {
    #[command(flatten)]
    pub proposal: OneProposal,
    /// File for token, PAN and expiry, one card a line; it must not exist
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
