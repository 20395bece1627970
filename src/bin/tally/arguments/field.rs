//! Arguments of the field's own cryptograms and values, under imported keys.

use clap::{Args, Subcommand, ValueEnum};

use super::{Card, Retry};

/// What to do with an application cryptogram.
#[derive(Subcommand)]
pub enum EmvTask {
    /// Issue an application cryptogram under the card's next counter
    Arqc {
        #[command(flatten)]
        card: EmvCard,
        #[command(flatten)]
        retry: Retry,
    },
    /// Verify an application cryptogram and consume its counter: it is accepted once
    Verify {
        #[command(flatten)]
        card: EmvCard,
        /// The cryptogram, 16 hex digits
        #[arg(long, value_name = "HEX")]
        arqc: String,
        #[command(flatten)]
        answer: EmvAnswer,
        #[command(flatten)]
        retry: Retry,
    },
    /// Answer an application cryptogram that is right, without consuming its counter
    Arpc {
        #[command(flatten)]
        card: EmvCard,
        /// The cryptogram, 16 hex digits
        #[arg(long, value_name = "HEX")]
        arqc: String,
        #[command(flatten)]
        answer: EmvAnswer,
    },
}

/// A card, its key, and what its cryptogram covers.
#[derive(Args)]
pub struct EmvCard {
    #[command(flatten)]
    pub card: Card,
    /// PAN sequence number, 2 digits
    #[arg(long, default_value = "00")]
    pub psn: String,
    /// Label of the issuer master key
    #[arg(long)]
    pub key: String,
    /// Profile or scheme, for example visa-cvn18 or mastercard-cvn17
    #[arg(long)]
    pub method: String,
    /// EMV data as BER-TLV, in hex
    #[arg(long, value_name = "HEX", default_value = "")]
    pub data: String,
    /// One more data element, for example 9F02=000000049900
    #[arg(long = "tag", value_name = "TAG=HEX")]
    pub tags: Vec<String>,
    /// What a scheme with a session key covers instead of the data, in order, in hex
    #[arg(long, value_name = "HEX")]
    pub text: Option<String>,
}

/// What the card is answered with.
#[derive(Args)]
pub struct EmvAnswer {
    /// ARPC method 1: authorisation response code, 4 hex digits
    #[arg(long, value_name = "HEX", conflicts_with = "csu")]
    pub arc: Option<String>,
    /// ARPC method 2: card status update, 8 hex digits, and up to 16 of proprietary data
    #[arg(long, value_name = "HEX")]
    pub csu: Option<String>,
}

/// What to do with a card verification value.
#[derive(Subcommand)]
pub enum CvvTask {
    /// Print the value of a card
    Make(CardValue),
    /// Verify a value; the second line of the file with the PAN
    Verify {
        #[command(flatten)]
        of: CardValue,
        #[command(flatten)]
        retry: Retry,
    },
}

/// A card verification value.
#[derive(Args)]
pub struct CardValue {
    #[command(flatten)]
    pub card: Card,
    /// Label of the card verification key
    #[arg(long)]
    pub key: String,
    /// Expiry of the card, YYMM
    #[arg(long, value_name = "YYMM")]
    pub expiry: String,
    /// Which value
    #[arg(long, value_enum)]
    pub kind: CardValueName,
    /// Service code of the magnetic stripe, 3 digits; for cvv only
    #[arg(long, value_name = "DIGITS", required_if_eq("kind", "cvv"))]
    pub service_code: Option<String>,
    /// Take the expiry in as MMYY, as some issuers do for cvv2
    #[arg(long)]
    pub month_first: bool,
}

/// Which card verification value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CardValueName {
    /// Of the magnetic stripe
    Cvv,
    /// Printed on the card
    Cvv2,
    /// Of the chip
    Icvv,
}
