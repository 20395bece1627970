//! EMV cryptograms and card verification values.

use data_encoding::HEXLOWER_PERMISSIVE;
use tallystick::crypto::{KeyAlgorithm, LoadedCipher};
use tallystick::cryptogram::card_value::card_value;
use tallystick::cryptogram::emv::{
    AcMac, Card, DerivedKey, IccOption, Input, IssuerMaster, Method, Profile, Session, TreeShape,
    application_cryptogram, arpc1, arpc2, common_aes, common_tdes,
};
use tallystick::secmem::Region;
use tallystick::types::Expiry;
use tallystick::types::emv::{Arqc, Atc, EmvData, Psn, Tag};
use tallystick::types::{CardValueKind, DateOrder};

use super::{Fields, told};

/// Computes a vector of these algorithms; none if it is of another.
pub(super) fn compute(
    region: &Region,
    algorithm: &str,
    fields: &Fields<'_>,
) -> Option<Result<String, String>> {
    Some(match algorithm {
        "emv.icc_mk.option_a" => icc(region, fields, IccOption::A),
        "emv.icc_mk.option_b" => icc(region, fields, IccOption::B),
        "emv.icc_mk.option_c_aes" => icc(region, fields, IccOption::C),
        "emv.sk.common" => common(fields),
        "emv.sk.common_aes" => aes_common(fields),
        "emv.sk.emv2000_tree" => tree(fields),
        "emv.ac.3des.iso9797_method1_visa" => ac(fields, AcMac::Method1),
        "emv.ac.3des.iso9797_method2_emv" => ac(fields, AcMac::Method2),
        "emv.ac.aes_cmac" => ac(fields, AcMac::AesCmac),
        "emv.arpc.method1" => method1(fields),
        "emv.arpc.method2" => method2(fields),
        "cvv" => value(region, fields),
        _ => {
            let name = algorithm.strip_prefix("emv.profile.")?.strip_suffix(".arqc")?;
            profile(region, fields, profile_named(name)?)
        }
    })
}

/// By the names of `pyemv`'s classes.
fn profile_named(name: &str) -> Option<Profile> {
    Some(match name {
        "VisaCVN10" => Profile::VisaCvn10,
        "VisaCVN18" => Profile::VisaCvn18,
        "VisaCVN22" => Profile::VisaCvn22,
        "MasterCardCVN16" => Profile::MastercardCvn16,
        "MasterCardCVN17" => Profile::MastercardCvn17,
        "MasterCardCVN20" => Profile::MastercardCvn20,
        "MasterCardCVN21" => Profile::MastercardCvn21,
        _ => return None,
    })
}

fn icc(region: &Region, fields: &Fields<'_>, option: IccOption) -> Result<String, String> {
    let issuer = loaded(region, fields, "imk", option == IccOption::C)?;
    let (pan, psn) = (fields.pan()?, psn(fields)?);
    let key = option.derive(IssuerMaster::from(&issuer), Card { pan: &pan, psn }).map_err(told)?;
    Ok(shown(key.expose()))
}

fn common(fields: &Fields<'_>) -> Result<String, String> {
    let key = common_tdes(&DerivedKey::tdes(&fields.bytes("icc_mk")?), fields.bytes("r")?);
    Ok(shown(key.map_err(told)?.expose()))
}

fn aes_common(fields: &Fields<'_>) -> Result<String, String> {
    let card = DerivedKey::aes(&fields.all_bytes("icc_mk")?).map_err(told)?;
    Ok(shown(common_aes(&card, fields.bytes("r")?).map_err(told)?.expose()))
}

fn tree(fields: &Fields<'_>) -> Result<String, String> {
    let shape = TreeShape::new(fields.number("height")?, fields.number("branch_factor")?)
        .ok_or("the tree is too small")?;
    let atc = Atc::new(u16::from_be_bytes(fields.bytes("atc")?));
    let card = DerivedKey::tdes(&fields.bytes("icc_mk")?);
    Ok(shown(Session::Tree(shape).derive(card, atc, None).map_err(told)?.expose()))
}

fn ac(fields: &Fields<'_>, mac: AcMac) -> Result<String, String> {
    let key = match mac {
        AcMac::Method1 | AcMac::Method2 => DerivedKey::tdes(&fields.bytes("sk_ac")?),
        AcMac::AesCmac => DerivedKey::aes(&fields.all_bytes("sk_ac")?).map_err(told)?,
    };
    let data = fields.all_bytes("data")?;
    Ok(shown(application_cryptogram(&key, mac, &[&data]).map_err(told)?.as_bytes()))
}

fn method1(fields: &Fields<'_>) -> Result<String, String> {
    let (key, arqc) = answered(fields)?;
    Ok(shown(arpc1(&key, &arqc, fields.bytes("arc")?).map_err(told)?.as_bytes()))
}

fn method2(fields: &Fields<'_>) -> Result<String, String> {
    let (key, arqc) = answered(fields)?;
    let proprietary = fields.all_bytes("prop")?;
    Ok(shown(arpc2(&key, &arqc, fields.bytes("csu")?, &proprietary).map_err(told)?.as_bytes()))
}

fn answered(fields: &Fields<'_>) -> Result<(DerivedKey, Arqc), String> {
    Ok((DerivedKey::tdes(&fields.bytes("sk_ac")?), Arqc::from_bytes(fields.bytes("arqc")?)))
}

fn profile(region: &Region, fields: &Fields<'_>, profile: Profile) -> Result<String, String> {
    let mut data = EmvData::new();
    for tag in Tag::ALL {
        let name = format!("tag_{:02x}", tag.number());
        if fields.has(&name) {
            data.set(tag, &fields.all_bytes(&name)?).map_err(told)?;
        }
    }
    let given = |name| fields.has(name).then(|| fields.all_bytes(name)).transpose();
    let (results, counters) = (given("cvr")?, given("counters")?);
    let input = Input::Tags { data: &data, results: results.as_deref(), counters: counters.as_deref() };
    let issuer = loaded(region, fields, "imk_ac", false)?;
    let (pan, psn) = (fields.pan()?, psn(fields)?);
    let (issuer, card) = (IssuerMaster::from(&issuer), Card { pan: &pan, psn });
    Ok(shown(Method::Profile(profile).arqc(issuer, card, &input).map_err(told)?.as_bytes()))
}

fn value(region: &Region, fields: &Fields<'_>) -> Result<String, String> {
    let LoadedCipher::Tdes(key) = loaded(region, fields, "cvk", false)? else {
        return Err("cvk is no key of triple DES".to_owned());
    };
    let kind = CardValueKind::of_service_code(fields.text("service_code")?.as_bytes()).map_err(told)?;
    let expiry = Expiry::parse(fields.text("expiry")?.as_bytes()).map_err(told)?;
    let value = card_value(key.get(), &fields.pan()?, expiry, DateOrder::YearMonth, kind).map_err(told)?;
    Ok(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// An issuer's key, as it stands in service: in locked memory.
fn loaded(region: &Region, fields: &Fields<'_>, name: &str, is_aes: bool) -> Result<LoadedCipher, String> {
    let key = fields.all_bytes(name)?;
    let algorithm = match (is_aes, key.len()) {
        (false, 16) => KeyAlgorithm::Tdes2,
        (false, 24) => KeyAlgorithm::Tdes3,
        (true, 16) => KeyAlgorithm::Aes128,
        (true, 24) => KeyAlgorithm::Aes192,
        (true, 32) => KeyAlgorithm::Aes256,
        (_, length) => return Err(format!("{name} has {length} bytes")),
    };
    LoadedCipher::load(region, algorithm, &key).map_err(told)
}

/// Two digits, or none where a card has no sequence number.
fn psn(fields: &Fields<'_>) -> Result<Psn, String> {
    if fields.has("psn") { Psn::parse(fields.text("psn")?.as_bytes()).map_err(told) } else { Ok(Psn::NONE) }
}

fn shown(bytes: &[u8]) -> String {
    HEXLOWER_PERMISSIVE.encode(bytes)
}
