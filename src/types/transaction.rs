//! The transaction that a cryptogram is for.

use super::{Amount, Binding, Channel, Currency, Merchant};

/// An unpredictable number from the terminal or merchant, 4 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnpredictableNumber(pub [u8; 4]);

/// What is known of a transaction. When a cryptogram is issued, what is present
/// is bound; when it is verified, what is bound must be present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transaction<'a> {
    /// Amount and its currency.
    pub amount: Option<(Amount, Currency)>,
    /// The merchant.
    pub merchant: Option<Merchant<'a>>,
    /// The unpredictable number.
    pub unpredictable: Option<UnpredictableNumber>,
    /// Whether the merchant, not the cardholder, starts the payment.
    pub merchant_initiated: bool,
    /// The channel.
    pub channel: Channel,
}

impl Transaction<'_> {
    /// A cardholder's online payment of which nothing else is known yet.
    pub const UNKNOWN: Self = Self {
        amount: None,
        merchant: None,
        unpredictable: None,
        merchant_initiated: false,
        channel: Channel::Online,
    };

    /// The binding bits of what is present.
    #[must_use]
    pub fn binding(&self) -> Binding {
        let mut binding = Binding::NONE;
        for (present, bit) in [
            (self.amount.is_some(), Binding::AMOUNT),
            (self.merchant.is_some(), Binding::MERCHANT),
            (self.unpredictable.is_some(), Binding::UNPREDICTABLE),
            (self.merchant_initiated, Binding::MERCHANT_INITIATED),
        ] {
            if present {
                binding = binding.with(bit);
            }
        }
        binding
    }
}
