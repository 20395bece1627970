//! A session as a merchant wants it.

use serde_json::{Value, json};

use super::Error;
use crate::types::{Amount, Currency};
use crate::vault::body::{FieldFault, Fields, Text, Why};
use crate::vault::db::Mode;
use crate::vault::words::currency;

/// How long a session's window is open where nothing is said, and within which limits, in
/// seconds.
const WINDOW: u64 = 900;
const SHORTEST: u64 = 60;
const LONGEST: u64 = 86_400;

/// What may be paid with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A card.
    Card,
    /// An e-wallet.
    Wallet,
}

/// The customer.
#[derive(Debug, Clone, Default)]
pub struct Who {
    /// The merchant's name for it.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Its telephone number.
    pub phone: Option<String>,
}

/// Where the customer goes at the end.
#[derive(Debug, Clone, Default)]
pub struct Urls {
    /// When it is paid.
    pub success: Option<String>,
    /// When it is not.
    pub failure: Option<String>,
    /// When the window closed.
    pub expired: Option<String>,
}

/// A session to be made.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// On whose page.
    pub mode: Mode,
    /// Whether it is paid without being confirmed.
    pub auto_confirm: bool,
    /// Who pays.
    pub customer: Option<Who>,
    /// The merchant's name for the order.
    pub order: Option<String>,
    /// What is to be paid.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// What for.
    pub description: Option<String>,
    /// Where the customer goes at the end.
    pub urls: Urls,
    /// The one thing that may be paid with; none: anything.
    pub kind: Option<Kind>,
    /// Whether the method may be saved.
    pub save: bool,
    /// Whether our page shows what was saved.
    pub show: bool,
    /// For how many seconds the window is open.
    pub window: u64,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "CARD",
            Self::Wallet => "E_WALLET",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Card, Self::Wallet].into_iter().find(|kind| kind.name() == name)
    }
}

impl Wanted {
    /// Reads it.
    ///
    /// # Errors
    /// A field, or what does not go together.
    pub fn read(fields: &Fields<'_>) -> Result<Self, Error> {
        let mode = match fields.needed("mode", Text::ID)? {
            "REDIRECT" => Mode::Redirect,
            "API" => Mode::Api,
            _ => return Err(fields.fault("mode", Why::Value).into()),
        };
        let auto_confirm = fields.flag("autoConfirm")?.unwrap_or(true);
        if mode == Mode::Redirect && !auto_confirm {
            return Err(fields.fault("autoConfirm", Why::Value).into());
        }
        let customer = who(fields)?;
        let save = fields.flag("savePaymentMethod")?.unwrap_or(false);
        let show = fields.flag("showSavedPaymentMethods")?.unwrap_or(false);
        if (save || show) && customer.is_none() {
            return Err(fields.object("customer")?.fault("id", Why::Missing).into());
        }
        let window = fields.whole("expiresIn")?.unwrap_or(WINDOW);
        if !(SHORTEST..=LONGEST).contains(&window) {
            return Err(fields.fault("expiresIn", Why::Value).into());
        }
        let information = fields.object("orderInformation")?;
        let missing = |name| information.fault(name, Why::Missing);
        let amount = information.decimal("amount")?.ok_or_else(|| missing("amount"))?;
        let letters = information.needed("currency", Text::ID.up_to(3))?;
        let currency = currency(letters).ok_or_else(|| information.fault("currency", Why::Value))?;
        Ok(Self {
            mode,
            auto_confirm,
            customer,
            order: information.text("orderId", Text::ID)?.map(str::to_owned),
            amount: Amount::from_minor_units(amount),
            currency,
            description: information.text("description", Text::LINE)?.map(str::to_owned),
            urls: urls(&fields.object("redirect")?, mode)?,
            kind: kind(&fields.object("paymentMethod")?)?,
            save,
            show,
            window,
        })
    }

    /// What is kept with the session.
    #[must_use]
    pub fn details(&self) -> Value {
        json!({
            "autoConfirm": self.auto_confirm,
            "type": self.kind.map(Kind::name),
            "save": self.save,
            "show": self.show,
            "successUrl": self.urls.success,
            "failureUrl": self.urls.failure,
            "expiredUrl": self.urls.expired,
        })
    }

    /// Whether a key is made for it: only for a card that is confirmed from the
    /// merchant's page.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.mode == Mode::Api && !self.auto_confirm && self.kind == Some(Kind::Card)
    }
}

/// The kind of a method, where one is said.
fn kind(method: &Fields<'_>) -> Result<Option<Kind>, FieldFault> {
    if !method.is_there() {
        return Ok(None);
    }
    let name = method.needed("type", Text::ID)?;
    Kind::from_name(name).map(Some).ok_or_else(|| method.fault("type", Why::Value))
}

fn who(fields: &Fields<'_>) -> Result<Option<Who>, FieldFault> {
    const PHONE: Text = Text { most: 16, of: |c| c.is_ascii_digit() || c == '+' };
    let customer = fields.object("customer")?;
    if !customer.is_there() {
        return Ok(None);
    }
    let own = |text: Option<&str>| text.map(str::to_owned);
    Ok(Some(Who {
        id: customer.needed("id", Text::ID)?.to_owned(),
        name: own(customer.text("name", Text::LINE)?),
        email: own(customer.text("email", Text::LINE)?),
        phone: own(customer.text("phone", PHONE)?),
    }))
}

/// All three, where our page is to send the customer on.
fn urls(redirect: &Fields<'_>, mode: Mode) -> Result<Urls, FieldFault> {
    let url = |name: &str| {
        const URL: Text = Text { most: 1024, of: |c| c.is_ascii_graphic() };
        let url = redirect.text(name, URL)?;
        if url.is_none() && mode == Mode::Redirect {
            redirect.needed(name, URL)?;
        }
        match url {
            Some(url) if !is_url(url) => Err(redirect.fault(name, Why::Value)),
            url => Ok(url.map(str::to_owned)),
        }
    };
    Ok(Urls { success: url("successUrl")?, failure: url("failureUrl")?, expired: url("expiredUrl")? })
}

/// A place that a browser may be sent to.
fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_to_go_is_of_the_web() {
        for url in ["https://shop.example/paid?order=1", "http://127.0.0.1:8300/shop", "http://[::1]/"] {
            assert!(is_url(url), "{url}");
        }
        for url in
            ["javascript:alert(1)", "//shop.example", "https://", "https:///x", "HTTP:x", "data:,x", "/paid"]
        {
            assert!(!is_url(url), "{url}");
        }
    }
}
