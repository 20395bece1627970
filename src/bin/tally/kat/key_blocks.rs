//! Known answers of key blocks (TR-31, X9.143) and of key check values.

use data_encoding::HEXLOWER;
use tallystick::crypto::KeyAlgorithm;
use tallystick::keys::tr31::{Block, BlockVersion, ProtectionKey};
use tallystick::keys::{CheckMethod, CheckValue};

use super::{Fields, told};

/// Computes a vector; none if it is of another algorithm.
pub fn compute(algorithm: &str, fields: &Fields<'_>) -> Option<Result<String, String>> {
    match algorithm {
        "tr31.unwrap.A" => Some(unwrap(BlockVersion::A, fields)),
        "tr31.unwrap.B" => Some(unwrap(BlockVersion::B, fields)),
        "tr31.unwrap.C" => Some(unwrap(BlockVersion::C, fields)),
        "tr31.unwrap.D" => Some(unwrap(BlockVersion::D, fields)),
        "kcv.legacy.3des" => Some(check_value(tdes, CheckMethod::Legacy, fields)),
        "kcv.cmac.3des" => Some(check_value(tdes, CheckMethod::Cmac, fields)),
        "kcv.cmac.aes" => Some(check_value(aes, CheckMethod::Cmac, fields)),
        _ => None,
    }
}

fn unwrap(version: BlockVersion, fields: &Fields<'_>) -> Result<String, String> {
    let key = fields.all_bytes("kbpk")?;
    let algorithm = if version == BlockVersion::D { aes(&key) } else { tdes(&key) };
    let protection = ProtectionKey::new(algorithm.ok_or("kbpk has a wrong length")?, &key).map_err(told)?;
    let block = Block::parse(fields.text("key_block")?.as_bytes()).map_err(told)?;
    if block.header().version != version {
        return Err("the key block is of another version".to_owned());
    }
    Ok(HEXLOWER.encode(block.unwrap(protection).map_err(told)?.expose()))
}

/// As many digits as are expected, of those that there are.
fn check_value(
    algorithm: fn(&[u8]) -> Option<KeyAlgorithm>,
    method: CheckMethod,
    fields: &Fields<'_>,
) -> Result<String, String> {
    let key = fields.all_bytes("key")?;
    let algorithm = algorithm(&key).ok_or("key has a wrong length")?;
    let value = CheckValue::of(algorithm, method, &key).map_err(told)?;
    let digits = fields.text("expected")?.len();
    let shown = value.as_bytes().get(..if digits == 10 { 5 } else { 3 }).unwrap_or(value.as_bytes());
    Ok(HEXLOWER.encode(shown))
}

const fn tdes(key: &[u8]) -> Option<KeyAlgorithm> {
    match key.len() {
        16 => Some(KeyAlgorithm::Tdes2),
        24 => Some(KeyAlgorithm::Tdes3),
        _ => None,
    }
}

const fn aes(key: &[u8]) -> Option<KeyAlgorithm> {
    match key.len() {
        16 => Some(KeyAlgorithm::Aes128),
        24 => Some(KeyAlgorithm::Aes192),
        32 => Some(KeyAlgorithm::Aes256),
        _ => None,
    }
}
