//! What a caller gives and gets. Texts that are given end with a zero byte; so do those that
//! are got, in arrays that hold the longest.
// As C names types.
#![allow(non_camel_case_types)]

use std::ffi::c_char;

use tallystick::command::{Issued, TokenView};
use tallystick::types::TokenStatus;

/// The payment has an amount and a currency.
pub const TALLY_AMOUNT: u8 = 1;
/// The payment has a merchant.
pub const TALLY_MERCHANT: u8 = 2;
/// The payment has an unpredictable number.
pub const TALLY_UNPREDICTABLE_NUMBER: u8 = 4;
/// The payment is merchant-initiated.
pub const TALLY_MERCHANT_INITIATED: u8 = 8;

/// The payment is made online.
pub const TALLY_ONLINE: u8 = 0;
/// In an app.
pub const TALLY_IN_APP: u8 = 1;
/// At a contactless terminal.
pub const TALLY_CONTACTLESS: u8 = 2;
/// By an agreement, again and again.
pub const TALLY_RECURRING: u8 = 3;

/// What is known of a payment. What `present` names is bound by the cryptogram; the rest is
/// not looked at.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tally_transaction {
    /// Minor units.
    pub amount: u64,
    /// 1 to 255 printable ASCII characters.
    pub merchant: *const c_char,
    /// Unpredictable number.
    pub unpredictable_number: u32,
    /// ISO 4217 numeric, 1 to 999.
    pub currency: u16,
    /// Bits: TALLY_AMOUNT and so on.
    pub present: u8,
    /// TALLY_ONLINE and so on.
    pub channel: u8,
}

/// The caller's name for a request: with it, it can be asked again and is done once. Null
/// bytes for none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tally_key {
    /// Any bytes.
    pub bytes: *const u8,
    /// 1 to 64.
    pub length: usize,
}

/// A cryptogram wanted.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tally_issue_request {
    /// 12 to 19 digits.
    pub token: *const c_char,
    /// 11 digits.
    pub trid: *const c_char,
    /// What is known of the payment.
    pub transaction: tally_transaction,
    /// Idempotency key.
    pub key: tally_key,
}

/// A cryptogram.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tally_issued {
    /// The 20 bytes.
    pub cryptogram: [u8; 20],
    /// Of the token, YYMM.
    pub expiry: [c_char; 5],
}

/// A cryptogram to be verified and consumed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tally_verify_request {
    /// 12 to 19 digits.
    pub token: *const c_char,
    /// 11 digits.
    pub trid: *const c_char,
    /// Of the token as presented, YYMM.
    pub expiry: *const c_char,
    /// The 20 bytes.
    pub cryptogram: [u8; 20],
    /// The payment as presented.
    pub transaction: tally_transaction,
    /// Idempotency key.
    pub key: tally_key,
}

/// A card to be saved, in clear or as a held one.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tally_provision_request {
    /// 12 to 19 digits; null with a handle. The library keeps no copy.
    pub pan: *const c_char,
    /// Of the card, YYMM; null with a handle.
    pub expiry: *const c_char,
    /// The 16 bytes of a held card; null otherwise.
    pub handle: *const u8,
    /// 11 digits.
    pub trid: *const c_char,
    /// Who authenticated the cardholder, 1 to 64 printable ASCII characters.
    pub authentication_provider: *const c_char,
    /// The provider's reference, the same.
    pub authentication_reference: *const c_char,
    /// RuPay demands it, 1 to 26 printable ASCII characters; or null.
    pub authentication_reference_number: *const c_char,
    /// A PAR that a network gave; or null.
    pub par: *const c_char,
    /// The one merchant that may use the token; or null.
    pub merchant: *const c_char,
    /// Bits of the channels it may be used through: 1 online, 2 in-app, 4 contactless, 8
    /// recurring; 0 for all.
    pub channels: u8,
    /// What every cryptogram must bind: bits as of a payment's `present`.
    pub demands: u8,
    /// The cardholder's consent: 1. Anything else is refused.
    pub consent: u8,
    /// Idempotency key.
    pub key: tally_key,
}

/// A token as it stands. Where it stands with each provider, `tally_call` tells.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tally_token {
    /// 12 to 19 digits.
    pub token: [c_char; 20],
    /// YYMM.
    pub expiry: [c_char; 5],
    /// YYMM.
    pub card_expiry: [c_char; 5],
    /// Digits.
    pub card_last_four: [c_char; 5],
    /// 11 digits.
    pub trid: [c_char; 12],
    /// As WIRE.md names networks.
    pub network: [c_char; 16],
    /// `initiated`, `active`, `suspended`, `deactivated`.
    pub status: [c_char; 16],
    /// Why it was deactivated: `expired`, `deactivated_by_bank`, `requested`; else empty.
    pub reason: [c_char; 24],
    /// PAR.
    pub par: [c_char; 65],
    /// The one that may use it; else empty.
    pub merchant: [c_char; 256],
    /// The same for the same PAN.
    pub fingerprint: [u8; 32],
    /// Digits of the card's number.
    pub pan_length: u8,
    /// Bits, as given.
    pub channels: u8,
    /// Bits, as given.
    pub demands: u8,
    /// Seconds since 1970.
    pub created: u64,
}

/// A card in clear. Wipe it with `tally_wipe`.
#[repr(C)]
pub struct tally_card {
    /// 12 to 19 digits.
    pub pan: [c_char; 20],
    /// YYMM.
    pub expiry: [c_char; 5],
}

/// A body that `tally_call` got. Give it back with `tally_reply_free`, which wipes it.
#[repr(C)]
pub struct tally_reply {
    /// As WIRE.md has it; null if there is none.
    pub bytes: *mut u8,
    /// How many.
    pub length: usize,
}

impl From<&TokenView> for tally_token {
    fn from(view: &TokenView) -> Self {
        let overall = view.providers.overall();
        Self {
            token: text(view.token.digits().as_bytes()),
            expiry: text(&view.expiry.digits()),
            card_expiry: text(&view.card_expiry.digits()),
            card_last_four: text(&view.card_last_four),
            trid: text(&view.trid.digits()),
            network: text(view.network.name().as_bytes()),
            status: text(overall.name().as_bytes()),
            reason: text(reason(overall).as_bytes()),
            par: text(view.par.as_str().as_bytes()),
            merchant: text(view.domain.merchant.as_deref().unwrap_or_default()),
            fingerprint: *view.fingerprint.as_bytes(),
            pan_length: view.pan_length,
            channels: view.domain.channels.bits(),
            demands: view.domain.demands.bits(),
            created: view.created.seconds(),
        }
    }
}

impl From<&Issued> for tally_issued {
    fn from(issued: &Issued) -> Self {
        Self { cryptogram: *issued.cryptogram.as_bytes(), expiry: text(&issued.expiry.digits()) }
    }
}

fn reason(status: TokenStatus) -> &'static str {
    status.reason().map_or("", |reason| reason.name())
}

/// Bytes of a text and a zero behind them. What is too long for its place, which nothing is,
/// would be cut.
pub fn text<const N: usize>(bytes: &[u8]) -> [c_char; N] {
    let mut out = [0; N];
    let room = N.saturating_sub(1);
    for (to, from) in out.iter_mut().take(room).zip(bytes) {
        *to = c_char::from_ne_bytes([*from]);
    }
    out
}
