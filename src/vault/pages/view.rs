//! The pages' templates and what stands in them.

use askama::Template;

use crate::types::{Amount, Currency, Network};
use crate::vault::card::CardFace;
use crate::vault::http::Answer;
use crate::vault::words::letters;

/// The page on which a session is paid.
#[derive(Template)]
#[template(path = "vault/pay.html")]
pub struct Pay<'a> {
    pub merchant: &'a str,
    pub price: &'a str,
    pub description: Option<&'a str>,
    pub error: Option<&'a str>,
    pub saved: &'a [SavedCard],
    pub saved_wallet: Option<&'a str>,
    /// The public key, in Base64; none where no new card is taken.
    pub key: Option<&'a str>,
    pub wallet: bool,
    pub may_save: bool,
    pub seconds_left: u64,
}

/// A saved card on it.
pub struct SavedCard {
    pub id: String,
    pub network: &'static str,
    pub last_four: String,
    pub expiry: String,
}

/// The bank's page.
#[derive(Template)]
#[template(path = "vault/acs.html")]
pub struct Acs<'a> {
    pub merchant: &'a str,
    pub price: &'a str,
    pub card: Option<&'a str>,
    pub error: Option<&'a str>,
}

/// The wallet's page.
#[derive(Template)]
#[template(path = "vault/wallet.html")]
pub struct WalletPage<'a> {
    pub merchant: &'a str,
    pub price: &'a str,
}

/// A page that says something.
#[derive(Template)]
#[template(path = "vault/result.html")]
pub struct Message<'a> {
    pub title: &'a str,
    pub text: &'a str,
    pub mark: Mark,
    /// Whether it is asked for again in a moment.
    pub again: bool,
    /// An address to go to, and its name.
    pub link: Option<(&'a str, &'a str)>,
}

/// Something to buy.
pub struct Product {
    pub id: &'static str,
    pub name: &'static str,
    pub short: &'static str,
    pub about: &'static str,
    pub price: String,
}

/// The demo shop.
#[derive(Template)]
#[template(path = "vault/shop.html")]
pub struct Shop {
    pub products: Vec<Product>,
}

/// How something ended.
#[derive(Debug, Clone, Copy)]
pub enum Mark {
    Good,
    Bad,
    Wait,
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Wait => "wait",
        })
    }
}

/// A page of a template.
///
/// # Errors
/// The template's.
pub fn page(status: u16, template: &impl Template) -> Result<Answer, askama::Error> {
    Ok(Answer::page(status, template.render()?))
}

/// An amount as people read it: `₹1,299.00`.
pub fn price(amount: Amount, currency: Currency) -> String {
    let minor = amount.minor_units();
    let sign = match letters(currency) {
        "INR" => "₹",
        "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        // No line break between letters and digits.
        other => return format!("{other}\u{a0}{}.{:02}", grouped(minor / 100), minor % 100),
    };
    format!("{sign}{}.{:02}", grouped(minor / 100), minor % 100)
}

fn grouped(whole: u64) -> String {
    let digits = whole.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A network's name as it writes itself.
pub const fn network(network: Network) -> &'static str {
    match network {
        Network::Visa => "Visa",
        Network::Mastercard => "Mastercard",
        Network::Amex => "American Express",
        Network::Rupay => "RuPay",
        Network::Diners => "Diners Club",
        Network::Discover => "Discover",
        Network::Jcb => "JCB",
        Network::Unionpay => "UnionPay",
        Network::Maestro => "Maestro",
        Network::Other => "Card",
    }
}

/// A card as its holder knows it.
pub fn masked(card: &CardFace) -> String {
    format!("{} •••• {}", network(card.network()), card.last_four)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::words::currency;

    #[test]
    fn prices_are_read_easily() {
        for (minor, letters, text) in [
            (49_900, "INR", "₹499.00"),
            (123_456_789, "USD", "$1,234,567.89"),
            (100_005, "AED", "AED\u{a0}1,000.05"),
            (1, "EUR", "€0.01"),
        ] {
            assert_eq!(price(Amount::from_minor_units(minor), currency(letters).unwrap()), text);
        }
    }
}
