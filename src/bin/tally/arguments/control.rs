//! Arguments of what two admins must agree on.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tallystick::crypto::KeyPurpose;

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
    /// Bring a key in, put it into a key block, or destroy it
    Key {
        #[command(flatten)]
        at: Dir,
        #[command(subcommand)]
        what: KeyWanted,
    },
}

/// What is proposed of an imported key.
#[derive(Subcommand)]
pub enum KeyWanted {
    /// Take a key out of a TR-31 key block
    Import {
        /// What it is to be called: 1 to 32 of a-z, 0-9 and -
        label: String,
        /// Label of the transport key
        #[arg(long)]
        transport: String,
        /// File of the key block; `-` reads standard input
        #[arg(long, value_name = "FILE", default_value = "-")]
        block: PathBuf,
    },
    /// Put a key together from components, each given by another custodian
    Assemble {
        /// What it is to be called: 1 to 32 of a-z, 0-9 and -
        label: String,
        /// What it is for
        #[arg(long, value_enum)]
        purpose: FieldPurpose,
        /// Its algorithm: tdes-2, tdes-3, aes-128, aes-192 or aes-256
        #[arg(long)]
        algorithm: String,
        /// How many components
        #[arg(long, default_value_t = 2)]
        components: u8,
        /// Its key check value, 6 hex digits for TDES, 10 for AES
        #[arg(long, value_name = "HEX")]
        kcv: String,
        /// It may leave under a transport key
        #[arg(long)]
        exportable: bool,
    },
    /// Put a key into a TR-31 key block
    Export {
        /// Its label
        label: String,
        /// Label of the transport key
        #[arg(long)]
        transport: String,
    },
    /// Destroy an imported key
    Remove {
        /// Its label
        label: String,
    },
}

/// What an imported key is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FieldPurpose {
    /// Application cryptograms
    EmvIssuerMaster,
    /// Card verification values
    CardVerification,
    /// Key blocks
    KeyTransport,
}

impl FieldPurpose {
    /// The name on the wire and in status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EmvIssuerMaster => KeyPurpose::EmvIssuerMaster.name(),
            Self::CardVerification => KeyPurpose::CardVerification.name(),
            Self::KeyTransport => KeyPurpose::KeyTransport.name(),
        }
    }
}

/// A custodian's component.
#[derive(Args)]
pub struct KeyComponent {
    #[command(flatten)]
    pub proposal: OneProposal,
    /// File of the component in hex; `-` reads standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub component_file: PathBuf,
    /// Key check value of the component, 6 hex digits
    #[arg(long, value_name = "HEX")]
    pub kcv: String,
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
