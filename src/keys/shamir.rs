//! Shamir's secret sharing (A. Shamir, "How to share a secret", CACM 22, 1979)
//! over GF(2^8), byte by byte, with secrets in locked memory only.
//!
//! The field is that of AES (FIPS 197, section 4.2): polynomials modulo
//! x^8 + x^4 + x^3 + x + 1. Nothing branches on or indexes by a secret.

use crate::crypto::{CryptoError, LoadedKey, Random, Root};
use crate::secmem::{Region, Secret32};

/// The value of a share: each byte is a polynomial's at the share's number.
pub(super) type Value = Secret32;

/// The values of the shares 1 to `count`, any `threshold` of which give `secret`.
///
/// Each byte of the secret is the constant term of a polynomial of degree
/// `threshold - 1` whose other coefficients are drawn at random, zero included:
/// else fewer shares would rule some secrets out.
///
/// # Errors
/// [`CryptoError::Random`] or [`CryptoError::Memory`].
pub(super) fn split(
    region: &Region,
    random: &dyn Random,
    secret: &LoadedKey<Root>,
    threshold: u8,
    count: u8,
) -> Result<Vec<Value>, CryptoError> {
    let draw = |_| Secret32::fill_with(region, |bytes| random.fill(bytes).map_err(CryptoError::from));
    let coefficients = (1..threshold).map(draw).collect::<Result<Vec<_>, _>>()?;
    let at = |x: u8| {
        Secret32::fill_with(region, |value| {
            // Horner's rule, from the highest coefficient down to the secret.
            let down = coefficients.iter().rev().map(Secret32::expose).chain([secret.expose()]);
            for coefficient in down {
                for (byte, coefficient) in value.iter_mut().zip(coefficient) {
                    *byte = multiply(*byte, x) ^ coefficient;
                }
            }
            Ok(())
        })
    };
    (1..=count).map(at).collect()
}

/// The secret of as many shares as are needed: the polynomials at zero, by
/// Lagrange's formula. The numbers are not zero and all different.
///
/// # Errors
/// [`CryptoError::Memory`].
pub(super) fn combine(region: &Region, shares: &[(u8, &Value)]) -> Result<LoadedKey<Root>, CryptoError> {
    LoadedKey::build(region, |secret| {
        for (number, value) in shares {
            let others = shares.iter().map(|(other, _)| *other).filter(|other| other != number);
            // The product of x_j / (x_j - x_i); subtraction is exclusive or here.
            let weight =
                others.fold(1, |product, other| multiply(product, multiply(other, invert(other ^ number))));
            for (byte, value) in secret.iter_mut().zip(value.expose()) {
                *byte ^= multiply(*value, weight);
            }
        }
        Ok(())
    })
}

/// The product in the field, in the same steps for all factors.
const fn multiply(a: u8, b: u8) -> u8 {
    let (mut a, mut product, mut bit) = (a, 0, 0);
    while bit < 8 {
        product ^= a & 0u8.wrapping_sub((b >> bit) & 1);
        a = (a << 1) ^ (0x1b & 0u8.wrapping_sub(a >> 7));
        bit += 1;
    }
    product
}

/// The inverse: the 254th power, since the 255th is one. Zero for zero.
const fn invert(a: u8) -> u8 {
    let (mut power, mut result, mut step) = (a, 1, 0);
    // 254 is 2 + 4 + ... + 128.
    while step < 7 {
        power = multiply(power, power);
        result = multiply(result, power);
        step += 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;
    use proptest::prelude::*;

    /// From the definition: long multiplication, then division by the polynomial.
    fn product(a: u8, b: u8) -> u8 {
        let mut long =
            (0..8).filter(|bit| b >> bit & 1 == 1).fold(0u16, |sum, bit| sum ^ (u16::from(a) << bit));
        for bit in (8..16).rev() {
            if long >> bit & 1 == 1 {
                long ^= 0x11b << (bit - 8);
            }
        }
        u8::try_from(long).unwrap()
    }

    #[test]
    fn the_field_is_that_of_aes() {
        // FIPS 197, section 4.2.
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        assert_eq!(multiply(0x57, 0x13), 0xfe);
        for a in 0..=255 {
            assert!((0..=255).all(|b| multiply(a, b) == product(a, b)));
            assert_eq!(multiply(a, invert(a)), u8::from(a != 0));
        }
    }

    /// Coefficients that are given, for trying all there are.
    struct Given(std::sync::Mutex<Vec<u8>>);

    impl Random for Given {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), crate::crypto::RandomError> {
            let byte = self.0.lock().unwrap().pop().unwrap();
            buffer.fill(byte);
            Ok(())
        }
    }

    fn split_given(region: &Region, secret: u8, coefficients: &[u8], count: u8) -> Vec<u8> {
        let random = Given(std::sync::Mutex::new(coefficients.to_vec()));
        let secret = LoadedKey::from_bytes(region, &[secret; 32]).unwrap();
        let threshold = u8::try_from(coefficients.len() + 1).unwrap();
        let shares = split(region, &random, &secret, threshold, count).unwrap();
        shares.iter().map(|share| share.expose()[0]).collect()
    }

    /// With one share of two, every secret is exactly as possible as any other:
    /// over all coefficients, each pair of secret and share comes up once.
    #[test]
    fn one_share_of_two_needed_tells_nothing() {
        let region = Region::new(16).unwrap();
        for number in [1, 2, 7] {
            let mut seen = vec![0u32; 65_536];
            for (secret, coefficient) in (0..=255u8).flat_map(|a| (0..=255u8).map(move |b| (a, b))) {
                let shares = split_given(&region, secret, &[coefficient], 7);
                seen[usize::from(secret) << 8 | usize::from(shares[number - 1])] += 1;
            }
            assert!(seen.iter().all(|count| *count == 1), "share {number}");
        }
    }

    /// With two shares of three needed: for any secret, each pair of values that
    /// the two can have comes from exactly one pair of coefficients. Tried in full
    /// for some secrets.
    #[test]
    fn two_shares_of_three_needed_tell_nothing() {
        let region = Region::new(16).unwrap();
        for secret in [0, 1, 0xa5] {
            let mut seen = vec![false; 65_536];
            for (a, b) in (0..=255u8).flat_map(|a| (0..=255u8).map(move |b| (a, b))) {
                let shares = split_given(&region, secret, &[a, b], 5);
                let pair = usize::from(shares[1]) << 8 | usize::from(shares[4]);
                assert!(!std::mem::replace(&mut seen[pair], true));
            }
        }
    }

    proptest! {
        /// Any of them that are enough, in any order, give the secret; the same but
        /// one, taken for enough, do not.
        #[test]
        fn any_that_are_enough_give_the_secret(
            secret: [u8; 32],
            (threshold, count) in (2u8..=6).prop_flat_map(|m| (Just(m), m..=8)),
            order in Just((0usize..8).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let region = Region::new(64).unwrap();
            let key = LoadedKey::from_bytes(&region, &secret).unwrap();
            let values = split(&region, &SystemRandom, &key, threshold, count).unwrap();
            let numbered: Vec<_> = (1..=count).zip(&values).collect();
            let picked = order.into_iter().filter_map(|at| numbered.get(at).copied());
            let picked: Vec<_> = picked.take(usize::from(threshold)).collect();
            let combined = combine(&region, &picked).unwrap();
            prop_assert_eq!(combined.expose(), &secret);
            let fewer = combine(&region, &picked[1..]).unwrap();
            prop_assert_ne!(fewer.expose(), &secret);
        }
    }
}
