//! `tally emv`: application cryptograms under an imported issuer master key.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde_json::json;
use tallystick::command::{Command, EmvIssued, EmvVerified, Reply};
use tallystick::types::KeyLabel;
use tallystick::types::emv::{Arqc, EmvData, Method, Psn};

use crate::arguments::{EmvAnswer, EmvCard, EmvTask};
use crate::ask::{connect, key, pan, refused};
use crate::output::{Failure, Output};

/// Issues, verifies or answers.
pub fn run(task: &EmvTask, output: &Output) -> Result<(), Failure> {
    let (at, command, retry) = match task {
        EmvTask::Arqc { card, retry } => {
            let issue = tallystick::command::EmvIssue(of(card)?);
            (&card.card.at, Command::EmvIssue(Box::new(issue)), key(retry)?)
        }
        EmvTask::Verify { card, arqc, answer, retry } => {
            let (arqc, answer) = (cryptogram(arqc)?, wanted(answer)?);
            let verify = tallystick::command::EmvVerify { card: of(card)?, arqc, answer };
            (&card.card.at, Command::EmvVerify(Box::new(verify)), key(retry)?)
        }
        EmvTask::Arpc { card, arqc, answer } => {
            let answer = wanted(answer)?.ok_or_else(|| Failure::new("--arc or --csu is missing"))?;
            let arpc = tallystick::command::EmvArpc { card: of(card)?, arqc: cryptogram(arqc)?, answer };
            (&card.card.at, Command::EmvArpc(Box::new(arpc)), None)
        }
    };
    let reply = connect(&at.dir)?.call(&command, retry).map_err(|error| refused(&error))?;
    tell(&reply, output)
}

fn tell(reply: &Reply, output: &Output) -> Result<(), Failure> {
    let (json, text) = match reply {
        Reply::EmvIssued(EmvIssued { atc, arqc }) => {
            let (atc, arqc) = (atc.get(), HEXLOWER.encode(arqc.as_bytes()));
            let text = format!("cryptogram   {arqc}\nATC          {atc} ({atc:04x})");
            (json!({"ok": true, "cryptogram": arqc, "atc": atc}), text)
        }
        Reply::EmvVerified(EmvVerified { atc, arpc }) => {
            let (atc, arpc) = (atc.get(), arpc.map(|arpc| HEXLOWER.encode(arpc.as_bytes())));
            let told = arpc.as_ref().map_or(String::new(), |arpc| format!("\nARPC         {arpc}"));
            let text = format!("accepted     ATC {atc}{told}");
            (json!({"ok": true, "accepted": true, "atc": atc, "arpc": arpc}), text)
        }
        Reply::Arpc(arpc) => {
            let arpc = HEXLOWER.encode(arpc.as_bytes());
            let text = format!("ARPC         {arpc}");
            (json!({"ok": true, "arpc": arpc}), text)
        }
        _ => return Err(Failure::new("the daemon answered something else")),
    };
    output.item(|| json, || Some(text));
    Ok(())
}

fn of(card: &EmvCard) -> Result<tallystick::command::EmvCard, Failure> {
    let mut tlv = hex("--data", &card.data)?;
    for element in &card.tags {
        let (tag, value) = element.split_once('=').ok_or_else(|| Failure::new("--tag is TAG=HEX"))?;
        let value = hex("--tag", value)?;
        let length = u8::try_from(value.len()).ok().filter(|length| *length < 0x80);
        tlv.extend(hex("--tag", tag)?);
        tlv.push(length.ok_or_else(|| Failure::new("--tag: the value is too long"))?);
        tlv.extend(value);
    }
    let method = Method::parse(&card.method);
    Ok(tallystick::command::EmvCard {
        key: KeyLabel::parse(&card.key).map_err(|_| Failure::new("--key has 1 to 32 of a-z, 0-9 and -"))?,
        psn: Psn::parse(card.psn.as_bytes())?,
        method: method.map_err(|error| Failure::new(format!("--method: {error}")))?,
        data: EmvData::parse(&tlv).map_err(|error| Failure::new(format!("EMV data: {error}")))?,
        text: card.text.as_deref().map(|text| hex("--text", text)).transpose()?,
        pan: pan(&card.card.pan_file)?,
    })
}

fn wanted(answer: &EmvAnswer) -> Result<Option<tallystick::command::EmvAnswer>, Failure> {
    use tallystick::command::EmvAnswer::{Code, Status};
    Ok(match (&answer.arc, &answer.csu) {
        (Some(arc), _) => {
            let code = hex("--arc", arc)?.try_into();
            Some(Code(code.map_err(|_| Failure::new("--arc has 4 hex digits"))?))
        }
        (None, Some(csu)) => {
            let bytes = hex("--csu", csu)?;
            let (csu, proprietary) = bytes
                .split_first_chunk::<4>()
                .filter(|(_, proprietary)| proprietary.len() <= 8)
                .ok_or_else(|| Failure::new("--csu has 8 to 24 hex digits"))?;
            Some(Status { csu: *csu, proprietary: proprietary.to_vec() })
        }
        (None, None) => None,
    })
}

fn cryptogram(text: &str) -> Result<Arqc, Failure> {
    let bytes: Result<[u8; 8], _> = hex("--arqc", text)?.try_into();
    bytes.map(Arqc::from_bytes).map_err(|_| Failure::new("--arqc has 16 hex digits"))
}

fn hex(what: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes());
    bytes.map_err(|_| Failure::new(format!("{what}: not hex digits, two for each byte")))
}
