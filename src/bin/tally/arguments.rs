//! The command line, as clap reads it and as its help tells it. No secret is
//! ever an argument: PANs and passphrases come from standard input or a file.

pub mod audit;
pub mod backup;
pub mod bench;
mod control;
mod custody;
mod field;
pub mod keyblock;
mod token;
#[cfg(feature = "vault")]
pub mod vault;

pub use control::{DetokenizeAll, KeyComponent, KeyWanted, OneProposal, Proposed};
pub use custody::{Device, Enclose, Opener, Passphrase, Secrets, SharesTask, Unseal};
pub use field::{CardValue, CardValueName, CvvTask, EmvAnswer, EmvCard, EmvTask};
pub use token::{AtProvider, Changed, OneToken, Reason, TokenTask};

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use tallystick::crypto::KeyPurpose;

use audit::AuditTask;
use backup::BackupTask;
use bench::Bench;
use keyblock::KeyblockTask;

/// Tallystick: payment-token keys in locked memory, each cryptogram once.
#[derive(Parser)]
#[command(name = "tally", version, about, max_term_width = 100)]
pub struct Arguments {
    /// Print JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub task: Task,
}

/// What to do.
#[derive(Subcommand)]
pub enum Task {
    /// Make a state directory with a sealed keyring and a configuration
    Init {
        #[command(flatten)]
        dir: Dir,
        /// File whose first line is the passphrase, 8 bytes or more; `-` reads standard input
        #[arg(long, value_name = "FILE", default_value = "-")]
        passphrase_file: PathBuf,
    },
    /// Show the whole life of a token in a throwaway directory, with a real daemon
    Demo,
    /// Run an engine and the reference vault with sample merchants, on loopback
    #[cfg(feature = "vault")]
    Dev(vault::Dev),
    /// Merchants of the reference vault
    #[cfg(feature = "vault")]
    Merchant {
        #[command(subcommand)]
        task: vault::MerchantTask,
    },
    /// Save a card, or a file of cards: make a token for each
    ///
    /// The PAN of one card comes from standard input or a file. A file of cards
    /// (`--file`) has one a line: PAN, expiry (YYMM) and, where they differ from
    /// the options, authentication reference, authentication reference number and
    /// PAR, with commas between. A first line may name the columns in another
    /// order: pan, expiry, auth_reference, auth_number, par. Empty lines and those
    /// that begin with # are skipped.
    Provision(Provision),
    /// Change what opens the keyring to another passphrase; the daemon must be stopped or
    /// sealed
    Passphrase(Passphrase),
    /// Have a PKCS#11 token open the keyring, and nothing else any more; the daemon must be
    /// stopped or sealed
    Device(Enclose),
    /// Custodians' shares in the place of a passphrase
    Shares {
        #[command(subcommand)]
        task: SharesTask,
    },
    /// Give the sealed daemon one custodian's share or the passphrase (admin socket)
    Unseal(Unseal),
    /// Have the daemon wipe every key and serve nothing until unsealed (admin socket)
    Seal {
        #[command(flatten)]
        at: Dir,
    },
    /// Propose what another admin must approve (admin socket)
    Propose {
        #[command(subcommand)]
        what: Proposed,
    },
    /// Approve what another admin proposed (admin socket)
    Approve(OneProposal),
    /// Take a proposal back (admin socket)
    Withdraw(OneProposal),
    /// List what is proposed (admin socket)
    Proposals {
        #[command(flatten)]
        at: Dir,
    },
    /// Destroy the key of an approved proposal (admin socket)
    Destroy(OneProposal),
    /// Import or assemble the key of an approved proposal (admin socket)
    ImportKey(OneProposal),
    /// Give your component of the key of a proposal (admin socket)
    GiveComponent(KeyComponent),
    /// Write every PAN of an approved proposal into a file, in clear (admin socket)
    DetokenizeAll(DetokenizeAll),
    /// Make a new version of a key, while the daemon is stopped or sealed; the one before retires
    Rotate {
        #[command(flatten)]
        dir: Dir,
        #[command(flatten)]
        opener: Opener,
        /// What the key is for
        #[arg(value_enum)]
        purpose: PurposeName,
    },
    /// Accept an older copy of the database, while the daemon is stopped: every cryptogram
    /// issued before becomes void
    Restore(Restore),
    /// Re-seal every PAN under the active key, after a rotation of pan-sealing (admin socket)
    Reseal {
        #[command(flatten)]
        at: Dir,
    },
    /// Issue a cryptogram for a payment; what is known of it is bound
    Issue(Issue),
    /// Verify a cryptogram and consume it: it is accepted once
    Verify(Verify),
    /// Application cryptograms of chip cards, under an imported key
    Emv {
        #[command(subcommand)]
        task: EmvTask,
    },
    /// Card verification values, under an imported key
    Cvv {
        #[command(subcommand)]
        task: CvvTask,
    },
    /// Show, list and change tokens
    Token {
        #[command(subcommand)]
        task: TokenTask,
    },
    /// The payment account reference of a PAN from standard input or a file
    Par(Card),
    /// The fingerprint of a PAN from standard input or a file
    Fingerprint(Card),
    /// What the daemon is and how it is (admin socket)
    Status {
        #[command(flatten)]
        at: Dir,
        /// Print its metrics in the OpenMetrics text format instead
        #[arg(long)]
        metrics: bool,
    },
    /// Move the store into a database that nodes share, or back, while the daemon is stopped
    #[cfg(feature = "postgres")]
    Migrate {
        #[command(subcommand)]
        task: MigrateTask,
    },
    /// The store on the PostgreSQL wire
    #[cfg(feature = "postgres")]
    Postgres {
        #[command(subcommand)]
        task: PostgresTask,
    },
    /// Check the audit log, export it, or begin it anew after damage
    Audit {
        #[command(subcommand)]
        task: AuditTask,
    },
    /// Back everything up while the daemon serves; check and restore backups
    Backup {
        #[command(subcommand)]
        task: BackupTask,
    },
    /// Key blocks of other systems (TR-31, X9.143): look at one, or write one of an approved
    /// proposal
    Keyblock {
        #[command(subcommand)]
        task: KeyblockTask,
    },
    /// Run known answers from a file; the last line says how many passed
    Kat {
        /// A JSON file with a list `vectors`
        file: PathBuf,
    },
    /// Measure a daemon: operations per second and latency percentiles
    Bench(Bench),
}

/// Which way a store is moved. The database is the one that `[store]` in tallyd.toml names.
/// Interrupted, the same command goes on where it was.
#[cfg(feature = "postgres")]
#[derive(Subcommand)]
pub enum MigrateTask {
    /// From tally.db into the empty database
    ToPostgres {
        #[command(flatten)]
        dir: Dir,
    },
    /// From the database into tally.db; no node can open the database any more
    ToSqlite {
        #[command(flatten)]
        dir: Dir,
    },
}

/// What to do for a database.
#[cfg(feature = "postgres")]
#[derive(Subcommand)]
pub enum PostgresTask {
    /// Print the SQL that makes the tables, and the role of the nodes
    Schema,
    /// Check all that the database holds, while nodes serve from it: chain, pages, records, every row
    Check {
        #[command(flatten)]
        dir: Dir,
        #[command(flatten)]
        opener: Box<Opener>,
    },
}

/// The state directory.
#[derive(Args)]
pub struct Dir {
    /// State directory, where the sockets are
    #[arg(long, env = "TALLY_DIR", value_name = "DIR", default_value = "tally-state")]
    pub dir: PathBuf,
}

/// A PAN and where it comes from.
#[derive(Args)]
pub struct Card {
    #[command(flatten)]
    pub at: Dir,
    /// File whose first line is the PAN; `-` reads standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub pan_file: PathBuf,
}

/// A key that makes a retry give the same answer.
#[derive(Args)]
pub struct Retry {
    /// Same key and same request give the same answer, also after a crash
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

/// A card to be saved.
#[derive(Args)]
pub struct Provision {
    #[command(flatten)]
    pub card: Card,
    #[command(flatten)]
    pub bulk: Bulk,
    /// Expiry of the card, YYMM
    #[arg(long, value_name = "YYMM", required_unless_present = "file", conflicts_with = "file")]
    pub expiry: Option<String>,
    /// Token requestor id, 11 digits
    #[arg(long)]
    pub trid: String,
    /// The cardholder, or each of them, consented to the card being saved
    #[arg(long)]
    pub consent: bool,
    /// Who authenticated the cardholder
    #[arg(long, value_name = "NAME", default_value = "")]
    pub auth_provider: String,
    /// Their reference, for example a payment id
    #[arg(long, value_name = "REFERENCE", default_value = "")]
    pub auth_reference: String,
    /// Authentication reference number, at most 26 characters; RuPay demands one
    #[arg(long, value_name = "NUMBER")]
    pub auth_number: Option<String>,
    /// PAR given by the card's network
    #[arg(long, conflicts_with = "file")]
    pub par: Option<String>,
    /// The only merchant that may use the token
    #[arg(long)]
    pub merchant: Option<String>,
    /// The only channels it may be used through
    #[arg(long, value_delimiter = ',', value_name = "CHANNEL")]
    pub channels: Vec<ChannelName>,
    /// What every cryptogram of it must bind
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    pub demand: Vec<Part>,
    /// Providers it is active at, if not the card's network
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub providers: Option<Vec<String>>,
    #[command(flatten)]
    pub retry: Retry,
}

/// Many cards from a file.
#[derive(Args)]
pub struct Bulk {
    /// File of cards, one a line; the same command again goes on where it ended
    #[arg(long, value_name = "CARDS", conflicts_with_all = ["pan_file", "idempotency_key"])]
    pub file: Option<PathBuf>,
    /// Where the tokens are written; the file of cards with `.tokens.csv` behind its name if absent
    #[arg(long, value_name = "TOKENS", requires = "file")]
    pub out: Option<PathBuf>,
    /// Connections
    #[arg(long, value_name = "N", default_value_t = 4, requires = "file")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=64))]
    pub connections: u8,
    /// Go on although the tokens were last written a day or more ago
    #[arg(long, requires = "file")]
    pub late: bool,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PurposeName {
    /// Derives token keys, from which cryptograms are made
    TokenDerivation,
    /// Derives PARs; never rotated
    Par,
    /// Derives fingerprints; never rotated
    Fingerprint,
    /// Seals PANs at rest
    PanSealing,
    /// Chains the journal and digests requests
    Audit,
}

impl PurposeName {
    /// The name on the wire and in status.
    pub const fn name(self) -> &'static str {
        self.purpose().name()
    }

    const fn purpose(self) -> KeyPurpose {
        match self {
            Self::TokenDerivation => KeyPurpose::TokenDerivation,
            Self::Par => KeyPurpose::Par,
            Self::Fingerprint => KeyPurpose::Fingerprint,
            Self::PanSealing => KeyPurpose::PanSealing,
            Self::Audit => KeyPurpose::Audit,
        }
    }
}

/// A part of a transaction that a cryptogram can bind.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Part {
    /// Amount and currency
    Amount,
    /// Merchant
    Merchant,
    /// Unpredictable number
    Un,
}

/// A channel.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ChannelName {
    /// A web shop
    Online,
    /// An app
    InApp,
    /// A contactless reader
    Contactless,
    /// A repeated payment under a mandate
    Recurring,
}

/// What is known of a payment.
#[derive(Args)]
pub struct Payment {
    /// Amount in minor units, for example paise or cents
    #[arg(long, requires = "currency")]
    pub amount: Option<u64>,
    /// Currency: ISO 4217 numeric code, or one of INR, USD, EUR, GBP, JPY, SGD, AED, THB, MYR
    #[arg(long, requires = "amount")]
    pub currency: Option<String>,
    /// Merchant id
    #[arg(long)]
    pub merchant: Option<String>,
    /// Unpredictable number, 8 hex digits
    #[arg(long, value_name = "HEX")]
    pub un: Option<String>,
    /// The merchant, not the cardholder, starts the payment
    #[arg(long)]
    pub merchant_initiated: bool,
    /// Channel
    #[arg(long, value_enum, default_value = "online")]
    pub channel: ChannelName,
}

/// A cryptogram wanted.
#[derive(Args)]
pub struct Issue {
    #[command(flatten)]
    pub at: Dir,
    /// Token number
    #[arg(long)]
    pub token: String,
    /// Token requestor id, 11 digits
    #[arg(long)]
    pub trid: String,
    #[command(flatten)]
    pub payment: Payment,
    /// Issue a dynamic verification value of 3 or 4 digits instead
    #[arg(long)]
    pub short: bool,
    #[command(flatten)]
    pub retry: Retry,
}

/// A cryptogram to be verified.
#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    pub at: Dir,
    /// Token number
    #[arg(long)]
    pub token: String,
    /// Expiry of the token, YYMM
    #[arg(long, value_name = "YYMM")]
    pub expiry: String,
    /// Token requestor id, 11 digits
    #[arg(long)]
    pub trid: String,
    #[command(flatten)]
    pub payment: Payment,
    /// Cryptogram, 28 characters of base64
    #[arg(long, value_name = "BASE64", required_unless_present = "value", conflicts_with = "value")]
    pub cryptogram: Option<String>,
    /// Tolerate non-zero trailing bits in the base64
    #[arg(long)]
    pub lenient_base64: bool,
    /// A dynamic verification value of 3 or 4 digits instead
    #[arg(long, value_name = "DIGITS")]
    pub value: Option<String>,
    #[command(flatten)]
    pub retry: Retry,
}

/// What is restored.
#[derive(Args)]
pub struct Restore {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub opener: Opener,
    /// A copy of tally.db to be put in its place; without it, the one that is there
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}
