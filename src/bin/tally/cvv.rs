//! `tally cvv`: card verification values under an imported key.

use serde_json::json;
use tallystick::command::{Command, MakeCardValue, Reply, VerifyCardValue};
use tallystick::types::{CardValueKind, DateOrder, KeyLabel, ServiceCode};

use crate::arguments::{CardValue, CardValueName, CvvTask};
use crate::ask::{connect, expiry, key, pan, pan_and_value, refused};
use crate::output::{Failure, Output};

/// Makes or verifies a value.
pub fn run(task: &CvvTask, output: &Output) -> Result<(), Failure> {
    let (at, command, retry) = match task {
        CvvTask::Make(of) => {
            let make = wanted(of, pan(&of.card.pan_file)?)?;
            (&of.card.at, Command::MakeCardValue(Box::new(make)), None)
        }
        CvvTask::Verify { of, retry } => {
            let (pan, value) = pan_and_value(&of.card.pan_file)?;
            let verify = VerifyCardValue { of: wanted(of, pan)?, value };
            (&of.card.at, Command::VerifyCardValue(Box::new(verify)), key(retry)?)
        }
    };
    match connect(&at.dir)?.call(&command, retry).map_err(|error| refused(&error))? {
        Reply::CardValue(value) => {
            let digits = String::from_utf8_lossy(value.as_bytes()).into_owned();
            output.item(|| json!({"ok": true, "value": digits}), || Some(digits.clone()));
            Ok(())
        }
        Reply::CardValueVerified => {
            output.item(|| json!({"ok": true, "accepted": true}), || Some("accepted".to_owned()));
            Ok(())
        }
        _ => Err(Failure::new("the daemon answered something else")),
    }
}

fn wanted(of: &CardValue, pan: tallystick::types::Pan) -> Result<MakeCardValue, Failure> {
    let kind = match (of.kind, &of.service_code) {
        (CardValueName::Cvv, Some(code)) => CardValueKind::Stripe(ServiceCode::parse(code.as_bytes())?),
        (CardValueName::Cvv2, None) => CardValueKind::Printed,
        (CardValueName::Icvv, None) => CardValueKind::Chip,
        _ => return Err(Failure::new("--service-code goes with cvv, and with nothing else")),
    };
    Ok(MakeCardValue {
        key: KeyLabel::parse(&of.key).map_err(|_| Failure::new("--key has 1 to 32 of a-z, 0-9 and -"))?,
        pan,
        expiry: expiry(&of.expiry)?,
        kind,
        order: if of.month_first { DateOrder::MonthYear } else { DateOrder::YearMonth },
    })
}
