//! Domain controls: where and how a token may be used.

use thiserror::Error;

use super::{Binding, Merchant};

/// The channel a payment comes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// A web shop.
    Online,
    /// An app.
    InApp,
    /// A contactless reader.
    Contactless,
    /// A repeated payment under a mandate.
    Recurring,
}

/// No channel has this number or name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a channel is online, in-app, contactless or recurring")]
pub struct ChannelError;

impl Channel {
    /// Every channel, in the order of their wire numbers from 0.
    pub const ALL: [Self; 4] = [Self::Online, Self::InApp, Self::Contactless, Self::Recurring];

    /// The number on the wire, 0 to 3.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Online => 0,
            Self::InApp => 1,
            Self::Contactless => 2,
            Self::Recurring => 3,
        }
    }

    /// The channel with this wire number.
    ///
    /// # Errors
    /// [`ChannelError`] above 3.
    pub fn from_number(number: u8) -> Result<Self, ChannelError> {
        Self::ALL.get(usize::from(number)).copied().ok_or(ChannelError)
    }

    /// The name in configuration and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::InApp => "in-app",
            Self::Contactless => "contactless",
            Self::Recurring => "recurring",
        }
    }

    /// The channel with this [`name`](Self::name).
    ///
    /// # Errors
    /// [`ChannelError`] for any other.
    pub fn from_name(name: &str) -> Result<Self, ChannelError> {
        Self::ALL.into_iter().find(|channel| channel.name() == name).ok_or(ChannelError)
    }
}

/// A set of channels: bit `n` for the channel of wire number `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Channels(u8);

impl Channels {
    /// All channels.
    pub const ALL: Self = Self(0x0f);

    /// The set with these bits.
    ///
    /// # Errors
    /// [`ChannelError`] for an empty set or a bit above 8.
    pub const fn from_bits(bits: u8) -> Result<Self, ChannelError> {
        if bits == 0 || bits & 0xf0 != 0 { Err(ChannelError) } else { Ok(Self(bits)) }
    }

    /// The bits, 1 to 15.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether the channel is in the set.
    #[must_use]
    pub const fn allows(self, channel: Channel) -> bool {
        self.0 & (1 << channel.number()) != 0
    }
}

/// Domain restriction controls of a token (EMV Payment Tokenisation 2.3,
/// section 7): beside its TRID, the merchant, the channels, and the binding that
/// every cryptogram must have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Domain {
    /// The one merchant that may use the token, or any.
    pub merchant: Option<Box<[u8]>>,
    /// The channels it may be used through.
    pub channels: Channels,
    /// What every cryptogram of it must bind.
    pub demands: Binding,
}

impl Default for Domain {
    fn default() -> Self {
        Self { merchant: None, channels: Channels::ALL, demands: Binding::NONE }
    }
}

impl Domain {
    /// Whether the merchant of a transaction is allowed; a restricted token
    /// refuses a transaction that names none.
    #[must_use]
    pub fn allows_merchant(&self, merchant: Option<Merchant<'_>>) -> bool {
        match &self.merchant {
            None => true,
            Some(only) => merchant.is_some_and(|merchant| merchant.as_bytes() == &**only),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_come_back() {
        for channel in Channel::ALL {
            assert_eq!(Channel::from_number(channel.number()), Ok(channel));
            assert_eq!(Channel::from_name(channel.name()), Ok(channel));
            assert!(Channels::ALL.allows(channel));
        }
        assert_eq!(Channel::from_number(4), Err(ChannelError));
        assert_eq!(Channels::from_bits(0), Err(ChannelError));
        assert_eq!(Channels::from_bits(16), Err(ChannelError));
    }

    #[test]
    fn a_restricted_token_refuses_other_merchants_and_none() {
        let only = Domain { merchant: Some(b"m_1".as_slice().into()), ..Domain::default() };
        assert!(only.allows_merchant(Merchant::parse(b"m_1").ok()));
        assert!(!only.allows_merchant(Merchant::parse(b"m_2").ok()));
        assert!(!only.allows_merchant(None));
        assert!(Domain::default().allows_merchant(None));
    }
}
