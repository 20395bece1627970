//! The signature, by which a merchant knows that an event is from this vault, and new.

use data_encoding::HEXLOWER;
use ring::hmac::{Context, HMAC_SHA256, Key};

use crate::types::UnixTime;

/// `t=…,v1=…`: the time, and HMAC-SHA-256 (RFC 2104) of the time, a point and the body
/// under the SHA-256 of the merchant's secret, in hexadecimal.
#[must_use]
pub fn signature(key: &[u8; 32], at: UnixTime, body: &str) -> String {
    let time = at.seconds().to_string();
    let mut mac = Context::with_key(&Key::new(HMAC_SHA256, key));
    for part in [time.as_bytes(), b".", body.as_bytes()] {
        mac.update(part);
    }
    format!("t={time},v1={}", HEXLOWER.encode(mac.sign().as_ref()))
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::*;

    #[test]
    fn another_implementation_signs_alike() {
        for (key, at, body) in [([7; 32], 1_700_000_000, "{}"), ([0; 32], 0, ""), ([255; 32], 1, "ä")] {
            let mut theirs = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            theirs.update(format!("{at}.{body}").as_bytes());
            let wanted = format!("t={at},v1={}", HEXLOWER.encode(&theirs.finalize().into_bytes()));
            assert_eq!(signature(&key, UnixTime::from_seconds(at), body), wanted);
        }
    }
}
