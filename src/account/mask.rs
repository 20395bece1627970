//! Masks for showing a card without its number.

/// Lower-case `x` for every digit but the last four: `xxxxxxxxxxxx4375`.
#[must_use]
pub fn mask_last_four(last_four: [u8; 4], digit_count: u8) -> String {
    let hidden = usize::from(digit_count.saturating_sub(4));
    let mut mask = "x".repeat(hidden);
    mask.extend(last_four.iter().copied().map(char::from));
    mask
}

/// Blocks of four, eight and four: `XXXX-XXXXXXXX-9454`, whatever the length.
#[must_use]
pub fn mask_four_eight_four(last_four: [u8; 4]) -> String {
    let mut mask = String::from("XXXX-XXXXXXXX-");
    mask.extend(last_four.iter().copied().map(char::from));
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        assert_eq!(mask_last_four(*b"4375", 16), "xxxxxxxxxxxx4375");
        assert_eq!(mask_last_four(*b"0005", 15), "xxxxxxxxxxx0005");
        assert_eq!(mask_four_eight_four(*b"9454"), "XXXX-XXXXXXXX-9454");
    }
}
