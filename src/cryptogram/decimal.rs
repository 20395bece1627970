//! Digits of a hash or a sealed block: the rule that CVV, option B of EMV and the
//! native short value share.

/// The decimal digits of the bytes' hex digits from left to right, then the letters A to
/// F minus 10.
pub(super) fn decimalise(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let nibbles = || bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    let decimal = nibbles().filter(|nibble| *nibble < 10);
    let letters = nibbles().filter(|nibble| *nibble >= 10).map(|nibble| nibble - 10);
    decimal.chain(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_digits_come_before_letters() {
        let digits = |bytes: &[u8], count| decimalise(bytes).take(count).collect::<Vec<_>>();
        let mut mac = [0xff; 32];
        assert_eq!(digits(&mac, 4), [5, 5, 5, 5]);
        mac[0] = 0xa1;
        mac[31] = 0xb2;
        assert_eq!(digits(&mac, 4), [1, 2, 0, 5]);
        assert_eq!(digits(&[0x98; 32], 3), [9, 8, 9]);
        assert_eq!(digits(&[0xab; 8], 20).len(), 16);
    }
}
