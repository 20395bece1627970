//! The engine's types out of texts and numbers; what cannot be is told as the daemon tells it.

use tallystick::command::{CardSource, ChangeStatus, Issue, Provision, Verify};
use tallystick::types::{
    Amount, AuthReference, Binding, CardHandle, Channel, Channels, Cryptogram, Currency, DeactivationReason,
    Domain, Evidence, Expiry, IdempotencyKey, Merchant, Pan, PanError, Par, ProviderName, Reference,
    StatusEvent, TokenNumber, Transaction, Trid, UnpredictableNumber,
};
use tallystick::wire::Status;

use crate::code::{Code, of_status};
use crate::layout::tally_transaction;

fn or<T, E>(parsed: Result<T, E>, status: Status) -> Result<T, Code> {
    parsed.map_err(|_| of_status(status))
}

pub fn token(text: &str) -> Result<TokenNumber, Code> {
    or(TokenNumber::parse(text.as_bytes()), Status::TokenMalformed)
}

pub fn trid(text: &str) -> Result<Trid, Code> {
    or(Trid::parse(text.as_bytes()), Status::TridMalformed)
}

pub fn expiry(text: &str) -> Result<Expiry, Code> {
    or(Expiry::parse(text.as_bytes()), Status::ExpiryMalformed)
}

pub fn pan(text: &str) -> Result<Pan, Code> {
    Pan::parse(text.as_bytes()).map_err(|error| {
        of_status(match error {
            PanError::Length => Status::PanLength,
            PanError::NotDigits => Status::PanNotDigits,
            PanError::Luhn => Status::PanLuhn,
        })
    })
}

pub fn key(bytes: Option<&[u8]>) -> Result<Option<IdempotencyKey<'_>>, Code> {
    bytes.map(|bytes| or(IdempotencyKey::parse(bytes), Status::IdempotencyKeyMalformed)).transpose()
}

/// A payment whose `present` says what is looked at.
pub fn payment<'a>(given: &tally_transaction, merchant: Option<&'a str>) -> Result<Transaction<'a>, Code> {
    let present = or(Binding::from_bits(given.present), Status::BindingMalformed)?;
    let amount = || currency(given.currency).map(|code| (Amount::from_minor_units(given.amount), code));
    let merchant = merchant.map(|text| or(Merchant::parse(text.as_bytes()), Status::MerchantMalformed));
    let number = UnpredictableNumber(given.unpredictable_number.to_be_bytes());
    Ok(Transaction {
        amount: present.contains(Binding::AMOUNT).then(amount).transpose()?,
        merchant: merchant.transpose()?,
        unpredictable: present.contains(Binding::UNPREDICTABLE).then_some(number),
        merchant_initiated: present.contains(Binding::MERCHANT_INITIATED),
        channel: or(Channel::from_number(given.channel), Status::ChannelMalformed)?,
    })
}

fn currency(code: u16) -> Result<Currency, Code> {
    or(Currency::from_code(code), Status::CurrencyMalformed)
}

pub fn issue<'a>(of: &str, requestor: &str, transaction: Transaction<'a>) -> Result<Issue<'a>, Code> {
    Ok(Issue { token: token(of)?, trid: trid(requestor)?, transaction })
}

pub fn verify<'a>(
    [of, requestor, until]: [&str; 3],
    cryptogram: &[u8],
    transaction: Transaction<'a>,
) -> Result<Verify<'a>, Code> {
    let cryptogram = or(Cryptogram::from_slice(cryptogram), Status::CryptogramLength)?;
    Ok(Verify { token: token(of)?, expiry: expiry(until)?, trid: trid(requestor)?, transaction, cryptogram })
}

/// A card as it is given: PAN and expiry, or the handle of a held one.
pub fn card(given: Option<(&str, &str)>, handle: Option<[u8; 16]>) -> Result<CardSource, Code> {
    match (given, handle) {
        (Some((digits, until)), None) => Ok(CardSource::Clear { pan: pan(digits)?, expiry: expiry(until)? }),
        (None, Some(bytes)) => Ok(CardSource::Held(CardHandle::from_bytes(bytes))),
        _ => Err(of_status(Status::FieldMissing)),
    }
}

/// The texts that come with a card to be saved.
pub struct Saving<'a> {
    pub trid: &'a str,
    pub provider: &'a str,
    pub reference: &'a str,
    pub number: Option<&'a str>,
    pub par: Option<&'a str>,
    pub merchant: Option<&'a str>,
    pub channels: u8,
    pub demands: u8,
}

impl Saving<'_> {
    /// A card with them.
    pub fn of(&self, card: CardSource) -> Result<Provision, Code> {
        let number = self.number.map(|text| or(AuthReference::parse(text), Status::AuthReferenceMalformed));
        let par = self.par.map(|text| or(Par::parse(text), Status::ParMalformed));
        let evidence = Evidence {
            provider: or(Reference::parse(self.provider), Status::EvidenceMalformed)?,
            reference: or(Reference::parse(self.reference), Status::EvidenceMalformed)?,
            auth_reference: number.transpose()?,
        };
        let (trid, par, domain) = (trid(self.trid)?, par.transpose()?, self.domain()?);
        Ok(Provision { card, trid, evidence, par, domain, providers: None })
    }

    fn domain(&self) -> Result<Domain, Code> {
        let checked = |text| or(Merchant::parse(text), Status::MerchantMalformed);
        let merchant =
            self.merchant.map(|text| checked(text.as_bytes()).map(|known| known.as_bytes().into()));
        let channels = if self.channels == 0 { Channels::ALL.bits() } else { self.channels };
        Ok(Domain {
            merchant: merchant.transpose()?,
            channels: or(Channels::from_bits(channels), Status::ChannelMalformed)?,
            demands: or(Binding::from_bits(self.demands), Status::BindingMalformed)?,
        })
    }
}

pub fn change(of: &str, provider: Option<&str>, event: StatusEvent) -> Result<ChangeStatus, Code> {
    let provider = provider.map(|name| or(ProviderName::parse(name), Status::ProviderMalformed));
    Ok(ChangeStatus { token: token(of)?, provider: provider.transpose()?, event })
}

pub fn reason(name: &str) -> Result<StatusEvent, Code> {
    let reason = DeactivationReason::from_name(name).ok_or(of_status(Status::EventMalformed))?;
    Ok(StatusEvent::Deactivate(reason))
}
