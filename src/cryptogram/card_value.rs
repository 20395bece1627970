//! Card verification values: CVV and CVC of the magnetic stripe, CVV2 and CVC2 printed
//! on the card, iCVV and chip CVC in the chip (the algorithm is Visa's; it is published
//! as that of IBM's CCA verb CSNBCSG).

use super::decimal::decimalise;
use crate::crypto::{CryptoError, TDES_BLOCK, Tdes};
use crate::secmem::{CIPHER_STACK, scrubbed};
use crate::types::{CardValue, CardValueKind, DateOrder, Expiry, Pan};

/// The value of a card: PAN, expiry and service code as 32 digits, zeros behind them, are
/// two blocks; the first is encrypted with the left half of the key, added to the second,
/// and the sum encrypted with the whole key. Its first three digits, decimal ones before
/// letters.
///
/// # Errors
/// [`CryptoError::KeyLength`] if the key has 24 bytes.
pub fn card_value(
    key: &Tdes,
    pan: &Pan,
    expiry: Expiry,
    order: DateOrder,
    kind: CardValueKind,
) -> Result<CardValue, CryptoError> {
    let pair = key.pair()?;
    let [a, b, c, d] = expiry.digits();
    let date = match order {
        DateOrder::YearMonth => [a, b, c, d],
        DateOrder::MonthYear => [c, d, a, b],
    };
    Ok(scrubbed::<CIPHER_STACK, _>(|| {
        let service_code = kind.service_code();
        let mut digits =
            pan.expose_digits().iter().chain(&date).chain(&service_code).map(|digit| digit & 0x0f);
        let mut next_block = || {
            let mut block = [0; TDES_BLOCK];
            block.fill_with(|| digits.next().unwrap_or(0) << 4 | digits.next().unwrap_or(0));
            block
        };
        let (mut block, second) = (next_block(), next_block());
        pair.encrypt_left(&mut block);
        block.iter_mut().zip(second).for_each(|(byte, other)| *byte ^= other);
        pair.encrypt(&mut block);
        let mut value = [0; CardValue::LEN];
        value.iter_mut().zip(decimalise(&block)).for_each(|(place, digit)| *place = b'0' + digit);
        CardValue::from_digits(value)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with `psec.cvv`.
    #[test]
    fn a_known_value_and_no_other_date_or_code() {
        let key =
            [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10];
        let key = Tdes::new(&key).unwrap();
        let pan = Pan::parse(b"4123456789012349").unwrap();
        let value = |expiry: &[u8], order, code: &[u8]| {
            let kind = CardValueKind::of_service_code(code).unwrap();
            card_value(&key, &pan, Expiry::parse(expiry).unwrap(), order, kind).unwrap()
        };
        let right = value(b"8701", DateOrder::YearMonth, b"101");
        assert_eq!(right.as_bytes(), b"766");
        assert_eq!(CardValue::parse(right.as_bytes()).as_ref(), Ok(&right));
        for other in [
            value(b"8702", DateOrder::YearMonth, b"101"),
            value(b"8701", DateOrder::MonthYear, b"101"),
            value(b"8701", DateOrder::YearMonth, b"000"),
            value(b"8701", DateOrder::YearMonth, b"999"),
        ] {
            assert_ne!(other, right);
        }
    }

    #[test]
    fn a_key_of_24_bytes_is_refused() {
        let pan = Pan::parse(b"4111111111111111").unwrap();
        let (key, expiry) = (Tdes::new(&[7; 24]).unwrap(), Expiry::parse(b"3001").unwrap());
        let refused = card_value(&key, &pan, expiry, DateOrder::YearMonth, CardValueKind::Chip);
        assert_eq!(refused, Err(CryptoError::KeyLength));
    }
}
