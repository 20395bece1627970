//! `tally kat`: known answers from a file, through the code that serves.

mod emv;
mod key_blocks;

use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tallystick::account::{BinController, fingerprint, par};
use tallystick::crypto::{LoadedCipher, LoadedKey};
use tallystick::cryptogram::native::{Covered, Deriver, TokenKey};
use tallystick::secmem::Region;
use tallystick::types::{
    Amount, Atc, Binding, Channel, CryptogramHeader, Currency, Expiry, KeyVersion, Merchant, Pan, TimeSlot,
    TokenNumber, Transaction, Trid, UnpredictableNumber,
};

use crate::output::{Failure, Output};

/// Room for a vector's keys in locked memory.
const SLOTS: usize = 8 + 2 * LoadedCipher::MOST_SLOTS;

#[derive(Deserialize)]
struct File {
    vectors: Vec<Map<String, Value>>,
}

/// Runs every vector of a file. Fails if one does not come out.
pub fn run(path: &Path, output: &Output) -> Result<(), Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    let file: File =
        serde_json::from_str(&text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    let region = Region::new(SLOTS).map_err(|error| Failure::new(error.to_string()))?;
    let mut failed = 0usize;
    for (index, vector) in file.vectors.iter().enumerate() {
        let algorithm = vector.get("alg").and_then(Value::as_str).unwrap_or("(none)");
        let verdict = check(&region, algorithm, &Fields(vector));
        failed += usize::from(verdict.is_err());
        let reason = verdict.err();
        output.item(
            || json!({"vector": index, "alg": algorithm, "ok": reason.is_none(), "reason": reason}),
            || reason.as_ref().map(|reason| format!("vector {index} {algorithm}: {reason}")),
        );
    }
    let passed = file.vectors.len() - failed;
    output.item(
        || json!({"passed": passed, "failed": failed}),
        || Some(format!("{passed} passed, {failed} failed")),
    );
    if failed == 0 { Ok(()) } else { Err(Failure::silent()) }
}

/// Computes a vector and compares.
fn check(region: &Region, algorithm: &str, fields: &Fields<'_>) -> Result<(), String> {
    let expected = fields.text("expected")?;
    let computed = match algorithm {
        "tally.token_key.v1" => token_key(region, fields)?,
        "tally.cryptogram.v1" => cryptogram(fields)?,
        "tally.par.v1" => par_value(region, fields)?,
        "tally.fingerprint.v1" => fingerprint_value(region, fields)?,
        _ => emv::compute(region, algorithm, fields)
            .or_else(|| key_blocks::compute(algorithm, fields))
            .ok_or("unknown algorithm")??,
    };
    if computed == expected { Ok(()) } else { Err(format!("expected {expected}, computed {computed}")) }
}

fn token_key(region: &Region, fields: &Fields<'_>) -> Result<String, String> {
    let key = LoadedKey::from_bytes(region, &fields.bytes("derivation_key")?).map_err(told)?;
    let token = TokenNumber::parse(fields.text("token")?.as_bytes()).map_err(told)?;
    Ok(HEXLOWER_PERMISSIVE.encode(Deriver::new(&key).derive(token).as_bytes()))
}

fn cryptogram(fields: &Fields<'_>) -> Result<String, String> {
    let header = CryptogramHeader {
        binding: Binding::from_bits(fields.number("flags")?).map_err(told)?,
        key_version: KeyVersion::new(fields.number("key_version")?).map_err(told)?,
        atc: Atc::new(fields.number("atc")?).ok_or("an ATC starts at 1")?,
        slot: TimeSlot::new(fields.number("time_slot")?),
    };
    let bound = |bit| header.binding.contains(bit);
    let amount = || -> Result<_, String> {
        let currency = Currency::from_code(fields.number("currency")?).map_err(told)?;
        Ok((Amount::from_minor_units(fields.number("amount")?), currency))
    };
    let merchant = || Merchant::parse(fields.text("merchant")?.as_bytes()).map_err(told);
    let covered = Covered {
        trid: Trid::parse(fields.text("trid")?.as_bytes()).map_err(told)?,
        expiry: Expiry::parse(fields.text("expiry")?.as_bytes()).map_err(told)?,
        transaction: Transaction {
            amount: bound(Binding::AMOUNT).then(amount).transpose()?,
            merchant: bound(Binding::MERCHANT).then(merchant).transpose()?,
            unpredictable: bound(Binding::UNPREDICTABLE)
                .then(|| fields.bytes("un").map(UnpredictableNumber))
                .transpose()?,
            merchant_initiated: bound(Binding::MERCHANT_INITIATED),
            channel: Channel::Online,
        },
    };
    let key = TokenKey::from_bytes(&fields.bytes("token_key")?);
    let cryptogram = key.cryptogram(&header, &covered).map_err(told)?;
    Ok(HEXLOWER_PERMISSIVE.encode(cryptogram.as_bytes()))
}

fn par_value(region: &Region, fields: &Fields<'_>) -> Result<String, String> {
    let key = LoadedKey::from_bytes(region, &fields.bytes("par_key")?).map_err(told)?;
    let controller = BinController::parse(fields.text("bin_controller")?).map_err(told)?;
    let par = par(&key, controller, &fields.pan()?).ok_or("no PAR")?;
    Ok(par.as_str().to_owned())
}

fn fingerprint_value(region: &Region, fields: &Fields<'_>) -> Result<String, String> {
    let key = LoadedKey::from_bytes(region, &fields.bytes("fingerprint_key")?).map_err(told)?;
    Ok(fingerprint(&key, &fields.pan()?).to_hex())
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The fields of a vector, with errors that name them.
struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    fn text(&self, name: &str) -> Result<&str, String> {
        self.0.get(name).and_then(Value::as_str).ok_or_else(|| format!("no text field {name}"))
    }

    fn number<T: TryFrom<u64>>(&self, name: &str) -> Result<T, String> {
        let number = self.0.get(name).and_then(Value::as_u64);
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| format!("no number {name} in range"))
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn bytes<const N: usize>(&self, name: &str) -> Result<[u8; N], String> {
        self.all_bytes(name)?.try_into().map_err(|_| format!("{name} has not {N} bytes"))
    }

    fn all_bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        let bytes = HEXLOWER_PERMISSIVE.decode(self.text(name)?.as_bytes());
        bytes.map_err(|_| format!("{name} is not hex"))
    }

    fn pan(&self) -> Result<Pan, String> {
        Pan::parse(self.text("pan")?.as_bytes()).map_err(told)
    }
}
