//! Tokens and cards as this API shows them.

use serde_json::{Value, json};

use crate::types::{DeactivationReason, Expiry, Network, ProviderName, ProviderStatus, TokenStatus};
use crate::vault::card::{CardFace, Issuer};
use crate::vault::db::Instrument;
use crate::vault::house::Shown;

/// A token.
pub fn token(shown: &Shown) -> Value {
    let (instrument, status) = (&shown.instrument, shown.status());
    json!({
        "id": token_id(instrument),
        "entity": "token",
        "customer_id": instrument.customer,
        "method": "card",
        "card": token_card(instrument),
        "compliant_with_tokenisation_guidelines": status != TokenStatus::Initiated,
        "expired_at": last_second(instrument.token_expiry),
        "status": status.name(),
        "status_reason": status.reason().and_then(reason),
        "notes": instrument.details.get("notes").cloned().unwrap_or_else(|| json!([])),
        "service_provider_tokens": provider_tokens(shown),
    })
}

/// Several of something.
pub fn collection(items: Vec<Value>) -> Value {
    json!({ "entity": "collection", "count": items.len(), "items": items })
}

/// The id of a token.
pub fn token_id(instrument: &Instrument) -> String {
    format!("token_{}", instrument.tag)
}

/// The id of a token at one of its providers: the first of them has the token's own
/// letters and digits, others their name behind these.
pub fn provider_token_id(instrument: &Instrument, at: usize, provider: &ProviderName) -> String {
    match at {
        0 => format!("spt_{}", instrument.tag),
        _ => format!("spt_{}_{}", instrument.tag, provider.as_str()),
    }
}

/// A card: `last_four` may be the token's, where that is to be shown.
pub fn card(face: &CardFace, last_four: &str) -> Value {
    let issuer = Issuer::of(face);
    json!({
        "entity": "card",
        "name": face.name,
        // Of a token that came from elsewhere nobody knows the card's.
        "last4": (!last_four.is_empty()).then_some(last_four),
        "network": network(face.network()),
        "type": if issuer.credit { "credit" } else { "debit" },
        "issuer": issuer.code,
        "international": issuer.country != "IN",
        "emi": false,
        "sub_type": "consumer",
    })
}

/// The card of a token: what is shown of its number is the token's.
fn token_card(instrument: &Instrument) -> Value {
    let last_four: String = instrument.token.last_four().into_iter().map(char::from).collect();
    let mut shown = card(&instrument.card, &last_four);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("token_iin".to_owned(), token_iin(instrument).into());
    }
    shown
}

fn token_iin(instrument: &Instrument) -> String {
    instrument.token.digits().as_str().get(..9).unwrap_or_default().to_owned()
}

fn provider_tokens(shown: &Shown) -> Vec<Value> {
    let instrument = &shown.instrument;
    let list = shown.token.providers.as_slice().iter().enumerate();
    let one = |(at, (provider, status)): (usize, &(ProviderName, ProviderStatus))| {
        let card = &instrument.card;
        let is_network = provider.as_str() == card.network().name();
        json!({
            "id": provider_token_id(instrument, at, provider),
            "entity": "service_provider_token",
            "provider_type": if is_network { "network" } else { "issuer" },
            "provider_name": if is_network { network(card.network()) } else { Issuer::of(card).code },
            "interoperable": true,
            "status": word(*status),
            "status_reason": why(*status),
            "provider_data": {
                "token_reference_number": instrument.id,
                "payment_account_reference": instrument.par.as_str(),
                "token_iin": token_iin(instrument),
                "token_expiry_month": instrument.token_expiry.month(),
                "token_expiry_year": instrument.token_expiry.year(),
            },
        })
    };
    list.map(one).collect()
}

/// The word for a status at one provider.
pub const fn word(status: ProviderStatus) -> &'static str {
    match status {
        ProviderStatus::Active => "active",
        ProviderStatus::Suspended => "suspended",
        ProviderStatus::Deactivated(_) => "deactivated",
    }
}

fn why(status: ProviderStatus) -> Option<&'static str> {
    if let ProviderStatus::Deactivated(because) = status { reason(because) } else { None }
}

/// The API has words for two reasons; that the merchant asked for it, it knows itself.
fn reason(because: DeactivationReason) -> Option<&'static str> {
    match because {
        DeactivationReason::Expired | DeactivationReason::DeactivatedByBank => Some(because.name()),
        DeactivationReason::Requested => None,
    }
}

/// A network's name in this API.
pub const fn network(network: Network) -> &'static str {
    match network {
        Network::Visa => "Visa",
        Network::Mastercard => "MasterCard",
        Network::Amex => "American Express",
        Network::Rupay => "RuPay",
        Network::Diners => "Diners Club",
        Network::Jcb => "JCB",
        Network::Unionpay => "Union Pay",
        Network::Maestro => "Maestro",
        Network::Discover | Network::Other => "Unknown",
    }
}

/// The last second of an expiry's month, since 1970 in UTC: until then the engine takes
/// the token.
fn last_second(expiry: Expiry) -> u64 {
    let (year, month) = (u64::from(expiry.year()), u64::from(expiry.month()));
    // Days before a year of this century, and before each month of one without a leap day.
    let years = (year - 1970) * 365 + (year - 1969) / 4;
    let months = [31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    let leap = u64::from(year.is_multiple_of(4) && month >= 2);
    let in_year: u64 =
        usize::from(expiry.month()).checked_sub(1).and_then(|at| months.get(at).copied()).unwrap_or(0);
    (years + in_year + leap) * 86_400 - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::UnixTime;

    #[test]
    fn the_last_second_of_a_month_is_the_last_in_which_a_token_is_taken() {
        assert_eq!(last_second(Expiry::parse(b"3112").unwrap()), 1_956_527_999);
        for year in 0..100 {
            for month in 1..=12 {
                let expiry = Expiry::from_value(year * 100 + month).unwrap();
                let last = last_second(expiry);
                assert!(!expiry.is_past(UnixTime::from_seconds(last)), "{expiry}");
                assert!(expiry.is_past(UnixTime::from_seconds(last + 1)), "{expiry}");
            }
        }
    }

    #[test]
    fn two_reasons_have_words() {
        let words: Vec<_> = DeactivationReason::ALL.into_iter().map(reason).collect();
        assert_eq!(words, [Some("expired"), Some("deactivated_by_bank"), None]);
    }
}
