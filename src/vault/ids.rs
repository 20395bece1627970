//! Random names: of orders, payments, instruments and secrets.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;

/// The system gives no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the system gives no random bytes")]
pub struct NoRandom;

/// `N` random bytes.
///
/// # Errors
/// [`NoRandom`].
pub fn bytes<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(bytes)
}

/// `2 * N` random lower-case hexadecimal digits.
///
/// # Errors
/// [`NoRandom`].
pub fn hex<const N: usize>() -> Result<String, NoRandom> {
    Ok(HEXLOWER.encode(&bytes::<N>()?))
}

/// Twelve random decimal digits, the first of them not zero.
///
/// # Errors
/// [`NoRandom`].
pub fn number() -> Result<u64, NoRandom> {
    // The bias of the remainder, one in twenty million, is of no use to anybody.
    Ok(100_000_000_000 + u64::from_be_bytes(bytes()?) % 900_000_000_000)
}

/// Fourteen random letters and digits: 83 bits.
///
/// # Errors
/// [`NoRandom`].
pub fn tag() -> Result<String, NoRandom> {
    const OF: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = u128::from_be_bytes(bytes()?);
    let mut tag = String::with_capacity(14);
    for _ in 0..14 {
        // What is left over at the end, 45 bits, leaves no bias worth its name.
        let at = usize::try_from(rest % 62).unwrap_or_default();
        tag.push(OF.get(at).copied().map_or('0', char::from));
        rest /= 62;
    }
    Ok(tag)
}

/// A secret of 256 random bits, as 43 characters.
///
/// # Errors
/// [`NoRandom`].
pub fn secret() -> Result<String, NoRandom> {
    Ok(BASE64URL_NOPAD.encode(&bytes::<32>()?))
}

/// A random UUID (RFC 9562, version 4).
///
/// # Errors
/// [`NoRandom`].
pub fn uuid() -> Result<String, NoRandom> {
    let mut id = u128::from_be_bytes(bytes()?);
    id = id & !(0xf << 76) | 4 << 76;
    id = id & !(3 << 62) | 2 << 62;
    let hex = format!("{id:032x}");
    let parts = [hex.get(..8), hex.get(8..12), hex.get(12..16), hex.get(16..20), hex.get(20..)];
    Ok(parts.map(Option::unwrap_or_default).join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        for _ in 0..100 {
            let uuid = uuid().unwrap();
            let parts: Vec<_> = uuid.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12]);
            assert_eq!(uuid.as_bytes()[14], b'4');
            assert!(b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
        }
    }

    #[test]
    fn numbers_have_twelve_digits() {
        assert!((0..1000).all(|_| number().unwrap().to_string().len() == 12));
        assert_eq!(secret().unwrap().len(), 43);
    }

    #[test]
    fn tags_have_fourteen_letters_and_digits_and_all_of_them() {
        let tags: Vec<_> = (0..500).map(|_| tag().unwrap()).collect();
        assert!(tags.iter().all(|tag| tag.len() == 14 && tag.bytes().all(|c| c.is_ascii_alphanumeric())));
        let all: std::collections::HashSet<_> = tags.iter().flat_map(|tag| tag.bytes()).collect();
        assert_eq!(all.len(), 62);
    }
}
