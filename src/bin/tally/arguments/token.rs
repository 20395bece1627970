//! Tokens: shown, listed, changed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Dir, Retry};

/// What to do with a token.
#[derive(Subcommand)]
pub enum TokenTask {
    /// Show a token
    Show(OneToken),
    /// List a requestor's tokens, a page at a time
    List {
        #[command(flatten)]
        at: Dir,
        /// Token requestor id, 11 digits
        #[arg(long)]
        trid: String,
        /// Where the page before ended
        #[arg(long, value_name = "N")]
        after: Option<u32>,
        /// Most tokens, 1 to 100
        #[arg(long, default_value_t = 50)]
        limit: u8,
    },
    /// Stop a token for now
    Suspend(AtProvider),
    /// Let a suspended token go on
    Resume(AtProvider),
    /// End a token for good and erase its PAN
    Delete(Changed),
    /// End a token at a provider, or at all, for another reason
    Deactivate {
        #[command(flatten)]
        change: AtProvider,
        /// Why
        #[arg(long, value_enum)]
        reason: Reason,
    },
    /// Give a token and its card a new expiry
    Renew {
        #[command(flatten)]
        change: Changed,
        /// New expiry, YYMM
        #[arg(long, value_name = "YYMM")]
        expiry: String,
    },
    /// Let a reissued card, its PAN from standard input or a file, keep a token's PAR
    LinkPar {
        #[command(flatten)]
        change: Changed,
        /// File whose first line is the new PAN; `-` reads standard input
        #[arg(long, value_name = "FILE", default_value = "-")]
        pan_file: PathBuf,
    },
    /// Print a token's PAN in clear; needs the role detokenizer
    Detokenize(OneToken),
    /// Clear the locks on a token: of its cryptograms and of its dynamic verification
    /// values (admin socket)
    Unlock(Changed),
}

/// Why a token ends.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Reason {
    /// The card or token expired
    Expired,
    /// The issuing bank ended it
    DeactivatedByBank,
    /// It was asked for
    Requested,
}

/// One token.
#[derive(Args)]
pub struct OneToken {
    #[command(flatten)]
    pub at: Dir,
    /// Token number
    pub token: String,
}

/// One token and a change of it.
#[derive(Args)]
pub struct Changed {
    #[command(flatten)]
    pub one: OneToken,
    #[command(flatten)]
    pub retry: Retry,
}

/// A change of a token at one provider, or at all.
#[derive(Args)]
pub struct AtProvider {
    #[command(flatten)]
    pub change: Changed,
    /// The one provider concerned
    #[arg(long)]
    pub provider: Option<String>,
}
