//! The stored form of a token.

use minicbor::{Decode, Encode};

use super::{DAMAGED, decode, encode};
use crate::command::TokenView;
use crate::crypto::Nonce;
use crate::store::StoreError;
use crate::types::{
    AuthReference, Binding, Channels, DeactivationReason, Domain, Evidence, Expiry, Fingerprint, KeyVersion,
    Merchant, Network, Par, ProviderName, ProviderStates, ProviderStatus, Reference, TokenNumber, Trid,
    UnixTime,
};

/// A token as the store keeps it.
#[derive(Debug, Clone)]
pub struct TokenRecord {
    /// What may be shown.
    pub view: TokenView,
    /// Counts the writes of this row.
    pub revision: u16,
    /// How the cardholder was authenticated.
    pub evidence: Evidence,
    /// The PAN, encrypted; gone once the token is deleted.
    pub pan: Option<SealedPan>,
}

/// A PAN under the PAN sealing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPan {
    /// The key's version.
    pub version: KeyVersion,
    /// The nonce.
    pub nonce: Nonce,
    /// Ciphertext and tag.
    pub text: Vec<u8>,
}

impl TokenRecord {
    /// The row's body.
    pub fn to_body(&self) -> Vec<u8> {
        encode(&TokenBody::of(self))
    }

    /// Reads a row's body.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it breaks a rule.
    pub fn from_body(body: &[u8]) -> Result<Self, StoreError> {
        decode::<TokenBody<'_>>(body)?.into_record().ok_or(DAMAGED)
    }
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct TokenBody<'a> {
    #[b(0)]
    view: ViewBody<'a>,
    #[n(1)]
    revision: u16,
    #[b(2)]
    provider: &'a str,
    #[b(3)]
    reference: &'a str,
    #[b(4)]
    auth_reference: Option<&'a str>,
    #[b(5)]
    pan: Option<SealedBody<'a>>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct SealedBody<'a> {
    #[n(0)]
    version: u8,
    #[b(1)]
    nonce: &'a minicbor::bytes::ByteSlice,
    #[b(2)]
    text: &'a minicbor::bytes::ByteSlice,
}

/// The stored form of a [`TokenView`], also of remembered replies.
#[derive(Encode, Decode)]
#[cbor(array)]
pub(super) struct ViewBody<'a> {
    #[n(0)]
    token: (u64, u8),
    #[n(1)]
    expiry: u16,
    #[n(2)]
    card_expiry: u16,
    #[n(3)]
    card_last_four: u16,
    #[n(4)]
    pan_length: u8,
    #[b(5)]
    network: &'a str,
    #[n(6)]
    trid: u64,
    #[b(7)]
    par: &'a str,
    #[b(8)]
    fingerprint: &'a minicbor::bytes::ByteSlice,
    #[b(9)]
    providers: Vec<(&'a str, u8)>,
    #[b(10)]
    merchant: Option<&'a minicbor::bytes::ByteSlice>,
    #[n(11)]
    channels: u8,
    #[n(12)]
    demands: u8,
    #[n(13)]
    created: u64,
}

impl<'a> TokenBody<'a> {
    fn of(record: &'a TokenRecord) -> Self {
        Self {
            view: ViewBody::of(&record.view),
            revision: record.revision,
            provider: record.evidence.provider.as_str(),
            reference: record.evidence.reference.as_str(),
            auth_reference: record.evidence.auth_reference.as_ref().map(AuthReference::as_str),
            pan: record.pan.as_ref().map(|pan| SealedBody {
                version: pan.version.get(),
                nonce: pan.nonce.as_slice().into(),
                text: pan.text.as_slice().into(),
            }),
        }
    }

    fn into_record(self) -> Option<TokenRecord> {
        let auth_reference = self.auth_reference.map(AuthReference::parse).transpose().ok()?;
        let pan = self.pan.map(|sealed| {
            Some(SealedPan {
                version: KeyVersion::new(sealed.version).ok()?,
                nonce: (**sealed.nonce).try_into().ok()?,
                text: sealed.text.to_vec(),
            })
        });
        Some(TokenRecord {
            view: self.view.into_view()?,
            revision: self.revision,
            evidence: Evidence {
                provider: Reference::parse(self.provider).ok()?,
                reference: Reference::parse(self.reference).ok()?,
                auth_reference,
            },
            pan: match pan {
                None => None,
                Some(pan) => Some(pan?),
            },
        })
    }
}

impl<'a> ViewBody<'a> {
    pub(super) fn of(view: &'a TokenView) -> Self {
        let providers = view.providers.as_slice().iter();
        Self {
            token: (view.token.value(), view.token.digit_count()),
            expiry: view.expiry.value(),
            card_expiry: view.card_expiry.value(),
            card_last_four: view.card_last_four.iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0')),
            pan_length: view.pan_length,
            network: view.network.name(),
            trid: view.trid.value(),
            par: view.par.as_str(),
            fingerprint: view.fingerprint.as_bytes().as_slice().into(),
            providers: providers.map(|(name, status)| (name.as_str(), status_number(*status))).collect(),
            merchant: view.domain.merchant.as_deref().map(Into::into),
            channels: view.domain.channels.bits(),
            demands: view.domain.demands.bits(),
            created: view.created.seconds(),
        }
    }

    pub(super) fn into_view(self) -> Option<TokenView> {
        let providers = self
            .providers
            .into_iter()
            .map(|(name, status)| Some((ProviderName::parse(name).ok()?, status_from_number(status)?)));
        let merchant = self.merchant.map(|merchant| Merchant::parse(merchant)).transpose().ok()?;
        Some(TokenView {
            token: TokenNumber::from_parts(self.token.0, self.token.1).ok()?,
            expiry: Expiry::from_value(self.expiry).ok()?,
            card_expiry: Expiry::from_value(self.card_expiry).ok()?,
            card_last_four: four_digits(self.card_last_four)?,
            pan_length: self.pan_length,
            network: Network::from_name(self.network)?,
            trid: Trid::from_value(self.trid).ok()?,
            par: Par::parse(self.par).ok()?,
            fingerprint: Fingerprint::from_bytes((**self.fingerprint).try_into().ok()?),
            providers: ProviderStates::from_list(providers.collect::<Option<_>>()?).ok()?,
            domain: Domain {
                merchant: merchant.map(|merchant| merchant.as_bytes().into()),
                channels: Channels::from_bits(self.channels).ok()?,
                demands: Binding::from_bits(self.demands).ok()?,
            },
            created: UnixTime::from_seconds(self.created),
        })
    }
}

fn four_digits(value: u16) -> Option<[u8; 4]> {
    let digit = |n: u16| u8::try_from(n % 10).map(|digit| b'0' + digit).ok();
    if value > 9999 {
        return None;
    }
    Some([digit(value / 1000)?, digit(value / 100)?, digit(value / 10)?, digit(value)?])
}

const fn status_number(status: ProviderStatus) -> u8 {
    match status {
        ProviderStatus::Active => 0,
        ProviderStatus::Suspended => 1,
        ProviderStatus::Deactivated(DeactivationReason::Expired) => 2,
        ProviderStatus::Deactivated(DeactivationReason::DeactivatedByBank) => 3,
        ProviderStatus::Deactivated(DeactivationReason::Requested) => 4,
    }
}

const fn status_from_number(number: u8) -> Option<ProviderStatus> {
    Some(match number {
        0 => ProviderStatus::Active,
        1 => ProviderStatus::Suspended,
        2 => ProviderStatus::Deactivated(DeactivationReason::Expired),
        3 => ProviderStatus::Deactivated(DeactivationReason::DeactivatedByBank),
        4 => ProviderStatus::Deactivated(DeactivationReason::Requested),
        _ => return None,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn view() -> TokenView {
        let provider = |name: &str| ProviderName::parse(name).unwrap();
        let ended = ProviderStatus::Deactivated(DeactivationReason::DeactivatedByBank);
        let list = vec![(provider("visa"), ProviderStatus::Suspended), (provider("bank"), ended)];
        TokenView {
            token: TokenNumber::parse(b"4895370012345671").unwrap(),
            expiry: Expiry::parse(b"2912").unwrap(),
            card_expiry: Expiry::parse(b"2811").unwrap(),
            card_last_four: *b"0119",
            pan_length: 16,
            network: Network::Visa,
            trid: Trid::parse(b"40010000001").unwrap(),
            par: Par::parse("somepar").unwrap(),
            fingerprint: Fingerprint::from_bytes([7; 32]),
            providers: ProviderStates::from_list(list).unwrap(),
            domain: Domain {
                merchant: Some(b"m_1".as_slice().into()),
                channels: Channels::from_bits(3).unwrap(),
                demands: Binding::AMOUNT,
            },
            created: UnixTime::from_seconds(1_800_000_000),
        }
    }

    pub fn record() -> TokenRecord {
        TokenRecord {
            view: view(),
            revision: 3,
            evidence: Evidence {
                provider: Reference::parse("razorpay").unwrap(),
                reference: Reference::parse("pay_1").unwrap(),
                auth_reference: AuthReference::parse("100222").ok(),
            },
            pan: Some(SealedPan { version: KeyVersion::FIRST, nonce: [1; 12], text: vec![2; 32] }),
        }
    }

    #[test]
    fn comes_back_and_no_cut_does() {
        let record = record();
        let body = record.to_body();
        let back = TokenRecord::from_body(&body).unwrap();
        assert_eq!((&back.view, back.revision, &back.evidence), (&record.view, 3, &record.evidence));
        assert_eq!(back.pan, record.pan);
        for cut in 0..body.len() {
            assert!(TokenRecord::from_body(&body[..cut]).is_err());
        }
    }

    #[test]
    fn every_status_and_four_digits_come_back() {
        for number in 0..5 {
            assert_eq!(status_from_number(number).map(status_number), Some(number));
        }
        assert_eq!(status_from_number(5), None);
        assert_eq!(
            [0, 42, 9999, 10_000, 65_535].map(four_digits),
            [Some(*b"0000"), Some(*b"0042"), Some(*b"9999"), None, None]
        );
    }
}
