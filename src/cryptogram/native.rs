//! The native cryptogram, version 1 (`docs/FORMATS.md`).

use std::fmt;

use crate::crypto::{LoadedKey, Mac, MacState, TokenDerivation, TransientMac};
use crate::secmem::{MAC_STACK, scrubbed};
use crate::types::{Binding, Cryptogram, CryptogramHeader, Expiry, TokenNumber, Transaction, Trid};

const TOKEN_KEY_LABEL: &[u8] = b"tallystick/v1/token-key";
const CRYPTOGRAM_LABEL: &[u8] = b"tallystick/v1/cryptogram";

/// Derives the keys of tokens from a token derivation key.
#[derive(Clone, Copy)]
pub struct Deriver<'k>(&'k MacState);

/// The key of one token, derived on demand and wiped on drop.
pub struct TokenKey(TransientMac);

/// What a cryptogram's MAC covers beside its first eight bytes.
#[derive(Debug, Clone, Copy)]
pub struct Covered<'a> {
    /// The requestor.
    pub trid: Trid,
    /// The token's expiry.
    pub expiry: Expiry,
    /// The payment; only what the header's binding names is covered.
    pub transaction: Transaction<'a>,
}

/// The transaction lacks something that the binding names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the transaction lacks what the cryptogram binds")]
pub struct BindingMissing;

impl<'k> Deriver<'k> {
    /// From a token derivation key.
    #[must_use]
    pub const fn new(key: &'k LoadedKey<TokenDerivation>) -> Self {
        Self(key.mac_state())
    }

    /// The key of a token:
    /// `TK = HMAC-SHA-256(TDK, "tallystick/v1/token-key" || token digits || 0x01)`,
    /// which is HKDF-Expand (RFC 5869, section 2.3) of one block.
    ///
    /// It is there for `work` only, and wiped afterwards.
    pub fn with_token_key<T>(self, token: TokenNumber, work: impl FnOnce(&TokenKey) -> T) -> T {
        scrubbed::<MAC_STACK, _>(|| work(&self.token_key(token)))
    }

    /// The key of a token. The caller wipes what computing and using it leaves:
    /// [`with_token_key`](Self::with_token_key) does.
    #[must_use]
    pub fn token_key(self, token: TokenNumber) -> TokenKey {
        TokenKey(TransientMac::new(self.derive(token).as_bytes()))
    }

    /// The 32 bytes of a token's key. The caller wipes what computing it leaves.
    #[must_use]
    pub fn derive(self, token: TokenNumber) -> Mac {
        self.0.mac_unscrubbed(&[TOKEN_KEY_LABEL, token.digits().as_bytes(), &[1]])
    }
}

impl TokenKey {
    /// A token key from its 32 bytes, which the caller wipes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(TransientMac::new(bytes))
    }

    /// The cryptogram of a header: its eight bytes and the first twelve of the
    /// MAC over them and what is covered.
    ///
    /// # Errors
    /// [`BindingMissing`] if the header binds what the transaction lacks.
    pub fn cryptogram(
        &self,
        header: &CryptogramHeader,
        covered: &Covered<'_>,
    ) -> Result<Cryptogram, BindingMissing> {
        let mac = self.mac(CRYPTOGRAM_LABEL, header, covered)?;
        Ok(Cryptogram::assemble(header, mac.truncated()))
    }

    /// Whether a cryptogram is what this key makes of its header; compared in
    /// constant time. `false` also when the transaction lacks what it binds.
    #[must_use]
    pub fn matches(&self, cryptogram: &Cryptogram, header: &CryptogramHeader, covered: &Covered<'_>) -> bool {
        self.cryptogram(header, covered).is_ok_and(|expected| expected == *cryptogram)
    }

    /// The MAC under `label` over header and data, in the order of the format.
    pub(super) fn mac(
        &self,
        label: &[u8],
        header: &CryptogramHeader,
        covered: &Covered<'_>,
    ) -> Result<Mac, BindingMissing> {
        let bound = |bit| header.binding.contains(bit);
        let transaction = &covered.transaction;
        let amount: [u8; 10];
        let mut parts: [&[u8]; 8] =
            [label, &header.to_bytes(), &covered.trid.digits(), &covered.expiry.digits(), &[], &[], &[], &[]];
        let [.., amount_part, merchant_length, merchant_part, unpredictable_part] = &mut parts;
        if bound(Binding::AMOUNT) {
            let (units, currency) = transaction.amount.ok_or(BindingMissing)?;
            amount = join(units.minor_units().to_be_bytes(), currency.code().to_be_bytes());
            *amount_part = &amount;
        }
        let merchant = transaction.merchant;
        let length = [merchant.map_or(0, |merchant| merchant.len_byte())];
        if bound(Binding::MERCHANT) {
            *merchant_length = &length;
            *merchant_part = merchant.ok_or(BindingMissing)?.as_bytes();
        }
        let unpredictable = transaction.unpredictable;
        if bound(Binding::UNPREDICTABLE) {
            *unpredictable_part = &unpredictable.as_ref().ok_or(BindingMissing)?.0;
        }
        Ok(self.0.mac(&parts))
    }
}

fn join([a, b, c, d, e, f, g, h]: [u8; 8], [i, j]: [u8; 2]) -> [u8; 10] {
    [a, b, c, d, e, f, g, h, i, j]
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(redacted)")
    }
}

impl fmt::Debug for Deriver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deriver(redacted)")
    }
}
