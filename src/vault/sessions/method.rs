//! What is paid with.

use data_encoding::BASE64;

use super::{Error, Kind};
use crate::command::EnterCard;
use crate::vault::body::{FieldFault, Fields, Text, Why};

/// What is paid with.
#[derive(Debug)]
pub enum Paying<'a> {
    /// A new card, encrypted under the session's key.
    Encrypted(Vec<u8>),
    /// A card that the customer saved.
    Saved {
        /// Its id.
        id: &'a str,
        /// Its verification value, which is asked for again each time.
        cvc: Option<&'a str>,
    },
    /// An e-wallet, maybe one that the customer saved.
    Wallet {
        /// Its id.
        id: Option<&'a str>,
    },
}

impl<'a> Paying<'a> {
    /// Reads `paymentMethod` and `paymentMethodOptions`.
    ///
    /// # Errors
    /// A field, or what does not go together.
    pub fn read(fields: &Fields<'a>) -> Result<Self, Error> {
        let method = fields.object("paymentMethod")?;
        let kind = method.needed("type", Text::ID)?;
        let kind = Kind::from_name(kind).ok_or_else(|| method.fault("type", Why::Value))?;
        let said = Said::read(fields)?;
        let card = method.object("card")?;
        match (kind, said.encrypted, said.card) {
            (Kind::Wallet, ..) => Ok(Self::Wallet { id: said.wallet }),
            (Kind::Card, Some(_), Some(_)) => Err(card.fault("paymentMethodId", Why::Value).into()),
            (Kind::Card, Some(bytes), None) => Ok(Self::Encrypted(bytes)),
            (Kind::Card, None, Some(id)) => Ok(Self::Saved { id, cvc: said.cvc }),
            (Kind::Card, None, None) => Err(card.fault("encryptedCard", Why::Missing).into()),
        }
    }

    /// Looks at what is said of a method where nothing is paid with it yet.
    ///
    /// # Errors
    /// A field.
    pub fn looked_at(fields: &Fields<'a>) -> Result<(), Error> {
        Ok(Said::read(fields).map(drop)?)
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Wallet { .. } => Kind::Wallet,
            Self::Encrypted(_) | Self::Saved { .. } => Kind::Card,
        }
    }
}

/// What is said of methods of all kinds.
struct Said<'a> {
    encrypted: Option<Vec<u8>>,
    card: Option<&'a str>,
    cvc: Option<&'a str>,
    wallet: Option<&'a str>,
}

impl<'a> Said<'a> {
    fn read(fields: &Fields<'a>) -> Result<Self, FieldFault> {
        let method = fields.object("paymentMethod")?;
        let card = method.object("card")?;
        // Who sends a card in clear is to hear of it, not to be passed over.
        if let Some(name) = card.names().find(|name| !["encryptedCard", "paymentMethodId"].contains(name)) {
            let known = ["number", "cvc", "expiryMonth", "expiryYear", "holderName"].into_iter();
            let name = known.into_iter().find(|known| *known == name).unwrap_or("member");
            return Err(card.fault(name, Why::Value));
        }
        let encrypted = match card.text("encryptedCard", Text::BASE64.up_to(512))? {
            Some(text) => Some(decoded(text).ok_or_else(|| card.fault("encryptedCard", Why::Value))?),
            None => None,
        };
        let options = fields.object("paymentMethodOptions")?.object("card")?;
        Ok(Self {
            encrypted,
            card: card.text("paymentMethodId", Text::ID)?,
            cvc: options.text("cvc", Text::DIGITS.up_to(4))?,
            wallet: method.object("eWallet")?.text("paymentMethodId", Text::ID)?,
        })
    }
}

/// A ciphertext in Base64, if it has the size of one.
#[must_use]
pub fn decoded(encrypted: &str) -> Option<Vec<u8>> {
    BASE64.decode(encrypted.as_bytes()).ok().filter(|bytes| bytes.len() == EnterCard::CIPHERTEXT)
}
