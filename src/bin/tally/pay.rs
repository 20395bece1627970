//! `tally issue` and `tally verify`.

use serde_json::{Value, json};
use tallystick::command::{Command, IssueShort, Issued, IssuedShort, Reply, Verified, VerifyShort};
use tallystick::types::{Cryptogram, ShortValue};

use crate::arguments::{Issue, Verify};
use crate::ask::{connect, expiry, key, refused, token, transaction, trid};
use crate::output::{Failure, Output};

/// Issues a cryptogram or a short value.
pub fn issue(arguments: &Issue, output: &Output) -> Result<(), Failure> {
    let issue = tallystick::command::Issue {
        token: token(&arguments.token)?,
        trid: trid(&arguments.trid)?,
        transaction: transaction(&arguments.payment)?,
    };
    let command =
        if arguments.short { Command::IssueShort(IssueShort(issue)) } else { Command::Issue(issue) };
    let mut client = connect(&arguments.at.dir)?;
    let reply = client.call(&command, key(&arguments.retry)?).map_err(|error| refused(&error))?;
    let (json, text) = match reply {
        Reply::Issued(Issued { cryptogram, expiry }) => {
            let atc = cryptogram.header().map_or(0, |header| header.atc.get());
            let json = json!({"ok": true, "cryptogram": cryptogram.to_base64(), "atc": atc, "expiry": expiry.to_string()});
            (json, format!("cryptogram   {cryptogram}\nATC          {atc}\nexpiry       {expiry}"))
        }
        Reply::IssuedShort(IssuedShort { value, expiry, atc }) => {
            let atc = atc.get();
            let json =
                json!({"ok": true, "value": value.to_string(), "atc": atc, "expiry": expiry.to_string()});
            (json, format!("value        {value}\nATC          {atc}\nexpiry       {expiry}"))
        }
        _ => return Err(Failure::new("the daemon answered something else")),
    };
    output.item(|| json, || Some(text));
    Ok(())
}

/// Verifies a cryptogram or a short value and consumes it.
pub fn verify(arguments: &Verify, output: &Output) -> Result<(), Failure> {
    let (token, expiry, trid) =
        (token(&arguments.token)?, expiry(&arguments.expiry)?, trid(&arguments.trid)?);
    let transaction = transaction(&arguments.payment)?;
    let command = match (&arguments.cryptogram, &arguments.value) {
        (_, Some(value)) => {
            let value = ShortValue::parse(value.as_bytes())?;
            Command::VerifyShort(VerifyShort { token, expiry, trid, transaction, value })
        }
        (Some(text), None) => {
            let read = if arguments.lenient_base64 {
                Cryptogram::from_base64_lenient
            } else {
                Cryptogram::from_base64
            };
            let cryptogram = read(text)?;
            Command::Verify(tallystick::command::Verify { token, expiry, trid, transaction, cryptogram })
        }
        (None, None) => return Err(Failure::new("--cryptogram or --value is missing")),
    };
    let mut client = connect(&arguments.at.dir)?;
    match client.call(&command, key(&arguments.retry)?).map_err(|error| refused(&error))? {
        Reply::Verified(Verified { atc }) => {
            let json = || -> Value { json!({"ok": true, "accepted": true, "atc": atc.get()}) };
            output.item(json, || Some(format!("accepted     ATC {}", atc.get())));
            Ok(())
        }
        _ => Err(Failure::new("the daemon answered something else")),
    }
}
