//! Tokens to measure with.

use std::path::Path;

use tallystick::client::Answer;
use tallystick::command::{Command, Provision, Reply};
use tallystick::types::{Domain, Evidence, Expiry, Pan, Reference, TokenNumber, Trid, luhn_check_digit};

use crate::ask::{connect, far_expiry, refused};
use crate::output::Failure;

/// A token and what its payments need.
#[derive(Debug, Clone, Copy)]
pub struct Token {
    pub number: TokenNumber,
    pub expiry: Expiry,
    pub trid: Trid,
}

/// Saves so many cards, each of another number, many at a time.
pub fn provision(dir: &Path, count: u32) -> Result<Vec<Token>, Failure> {
    let mut client = connect(dir)?;
    let mut tokens = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    let mut submitted = 0;
    while submitted < count || client.under_way() > 0 {
        if submitted < count && client.has_room() {
            client.submit(&Command::Provision(Box::new(card(submitted)?)), None)?;
            submitted += 1;
            continue;
        }
        let (_, answer) = client.receive()?;
        let Answer::Reply(Reply::Token(view)) = answer.map_err(|error| refused(&error))? else {
            return Err(Failure::new("the daemon answered something else"));
        };
        tokens.push(Token { number: view.token, expiry: view.expiry, trid: view.trid });
    }
    Ok(tokens)
}

fn card(nth: u32) -> Result<Provision, Failure> {
    let mut digits = format!("411111{nth:09}").into_bytes();
    digits.push(luhn_check_digit(&digits));
    Ok(Provision {
        pan: Pan::parse(&digits)?,
        expiry: far_expiry()?,
        trid: Trid::parse(b"40010000001")?,
        evidence: Evidence {
            provider: Reference::parse("bench")?,
            reference: Reference::parse("bench")?,
            auth_reference: None,
        },
        par: None,
        domain: Domain::default(),
        providers: None,
    })
}
