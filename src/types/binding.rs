//! What a cryptogram binds.

use thiserror::Error;

/// The low nibble of a cryptogram's first byte: the parts of the transaction
/// that its MAC covers beside token, requestor, expiry, counter and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Binding(u8);

/// A bit outside the low nibble is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("binding bits are 1, 2, 4 and 8; all others are reserved")]
pub struct BindingError;

impl Binding {
    /// Nothing beyond the fixed fields.
    pub const NONE: Self = Self(0);
    /// Amount and currency.
    pub const AMOUNT: Self = Self(1);
    /// Merchant.
    pub const MERCHANT: Self = Self(2);
    /// Unpredictable number.
    pub const UNPREDICTABLE: Self = Self(4);
    /// The payment is merchant-initiated.
    pub const MERCHANT_INITIATED: Self = Self(8);

    /// The binding with these bits.
    ///
    /// # Errors
    /// [`BindingError`] if a bit above 8 is set.
    pub const fn from_bits(bits: u8) -> Result<Self, BindingError> {
        if bits & 0xf0 == 0 { Ok(Self(bits)) } else { Err(BindingError) }
    }

    /// The bits, 0 to 15.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether every bit of `other` is set here too.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_values_and_no_more() {
        for bits in 0..=255u8 {
            assert_eq!(Binding::from_bits(bits).is_ok(), bits < 16);
        }
        assert!(Binding::AMOUNT.with(Binding::MERCHANT).contains(Binding::MERCHANT));
        assert!(!Binding::AMOUNT.contains(Binding::MERCHANT));
    }
}
