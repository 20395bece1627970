//! What is paid with.

use data_encoding::BASE64;

use super::{Error, Kind};
use crate::command::EnterCard;
use crate::vault::body::{Fields, Text, Why};

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
        match Kind::from_name(kind) {
            Some(Kind::Card) => {
                let options = fields.object("paymentMethodOptions")?.object("card")?;
                Self::card(&method.object("card")?, &options)
            }
            Some(Kind::Wallet) => {
                let id = method.object("eWallet")?.text("paymentMethodId", Text::ID)?;
                Ok(Self::Wallet { id })
            }
            None => Err(method.fault("type", Why::Value).into()),
        }
    }

    fn card(card: &Fields<'a>, options: &Fields<'a>) -> Result<Self, Error> {
        // Who sends a card in clear is to hear of it, not to be passed over.
        if let Some(name) = card.names().find(|name| !["encryptedCard", "paymentMethodId"].contains(name)) {
            let known = ["number", "cvc", "expiryMonth", "expiryYear", "holderName"].into_iter();
            let name = known.into_iter().find(|known| *known == name).unwrap_or("member");
            return Err(card.fault(name, Why::Value).into());
        }
        let cvc = options.text("cvc", Text::DIGITS.up_to(4))?;
        let encrypted = card.text("encryptedCard", Text::BASE64.up_to(512))?;
        match (encrypted, card.text("paymentMethodId", Text::ID)?) {
            (Some(_), Some(_)) => Err(card.fault("paymentMethodId", Why::Value).into()),
            (None, Some(id)) => Ok(Self::Saved { id, cvc }),
            (None, None) => Err(card.fault("encryptedCard", Why::Missing).into()),
            (Some(encrypted), None) => match decoded(encrypted) {
                Some(bytes) => Ok(Self::Encrypted(bytes)),
                None => Err(card.fault("encryptedCard", Why::Value).into()),
            },
        }
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

/// A ciphertext in Base64, if it has the size of one.
#[must_use]
pub fn decoded(encrypted: &str) -> Option<Vec<u8>> {
    BASE64.decode(encrypted.as_bytes()).ok().filter(|bytes| bytes.len() == EnterCard::CIPHERTEXT)
}
