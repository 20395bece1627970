//! `tally demo`: the whole life of a token, with a real daemon that is killed
//! on the way. Each step says what should be so and whether it is.

use std::os::unix::net::UnixStream;

use serde_json::{Value, json};
use tallystick::client::{Client, ClientError};
use tallystick::command::{CardSource, ChangeStatus, Command, Issue, Provision, TokenView, Verify};
use tallystick::types::{
    Amount, Channel, Cryptogram, Currency, Domain, Evidence, IdempotencyKey, Merchant, Pan, Reference,
    StatusEvent, Transaction, Trid,
};
use tallystick::wire::Status;

use crate::ask::{connect, far_expiry, refused};
use crate::daemon::Daemon;
use crate::output::{Failure, Output};

/// A card number that card schemes publish for testing.
const CARD: &[u8] = b"4111111111111111";
const TRID: &[u8] = b"40010000001";

/// Runs every step; fails if one of them did.
pub fn run(output: &Output) -> Result<(), Failure> {
    let mut steps = Steps { output: *output, failed: 0, done: 0 };
    let mut daemon = Daemon::start()?;
    steps.tell("start", true, "tallyd serves in a throwaway directory", json!({"pid": daemon.pid()}));
    let mut client = connect(daemon.dir())?;
    let token = save_for_two(&mut client, &mut steps)?;
    let used = pay(&mut client, &mut steps, &token)?;
    suspend(&mut client, &mut steps, &token)?;
    let newest = retry(&mut client, &mut steps, &token)?;
    daemon.kill_and_restart()?;
    steps.tell("kill", true, "killed tallyd with SIGKILL and started it again", json!({"pid": daemon.pid()}));
    let mut client = connect(daemon.dir())?;
    after_the_crash(&mut client, &mut steps, &token, &used, newest)?;
    drop(client);
    let stopped = daemon.stop()?;
    steps.tell("stop", stopped, "SIGTERM stops it in order", json!({}));
    steps.finish()
}

/// Counts and prints steps.
struct Steps {
    output: Output,
    failed: usize,
    done: usize,
}

impl Steps {
    fn tell(&mut self, step: &str, ok: bool, says: &str, details: Value) {
        self.done += 1;
        self.failed += usize::from(!ok);
        let details_text = details.as_object().map(text_of).unwrap_or_default();
        self.output.item(
            || {
                let mut object = json!({"step": step, "ok": ok, "says": says});
                if let (Some(object), Value::Object(details)) = (object.as_object_mut(), details) {
                    object.extend(details);
                }
                object
            },
            || Some(format!("{} {says}{details_text}", if ok { "ok    " } else { "FAILED" })),
        );
    }

    /// Tells a step that the daemon must refuse with `wanted`.
    fn tell_refused<T>(&mut self, step: &str, result: Result<T, ClientError>, wanted: Status, says: &str) {
        let status = result.err().and_then(|error| error.status());
        let name = status.map_or("accepted", Status::name);
        self.tell(step, status == Some(wanted), says, json!({"status": name}));
    }

    fn finish(self) -> Result<(), Failure> {
        let Self { output, failed, done } = self;
        if !output.json {
            output.item(
                || json!({}),
                || Some(format!("\n{} of {done} steps as they should be", done - failed)),
            );
        }
        if failed == 0 { Ok(()) } else { Err(Failure::silent()) }
    }
}

/// Details behind a line: `  [atc 1, ...]`.
fn text_of(details: &serde_json::Map<String, Value>) -> String {
    let parts: Vec<_> = details
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name} {text}"),
            other => format!("{name} {other}"),
        })
        .collect();
    if parts.is_empty() { String::new() } else { format!("  [{}]", parts.join(", ")) }
}

/// One card, two customers: two tokens, one PAR, one fingerprint.
fn save_for_two(client: &mut Client<UnixStream>, steps: &mut Steps) -> Result<TokenView, Failure> {
    let mut save = |customer: &str, step: &str| -> Result<TokenView, Failure> {
        let command = Command::Provision(Box::new(card()?));
        let view = client.token(&command, None).map_err(|error| refused(&error))?;
        let details = json!({"token": view.token.to_string(), "par": view.par.as_str()});
        steps.tell(step, true, &format!("saved the card for {customer}"), details);
        Ok(view)
    };
    let (anna, bela) = (save("Anna", "save_1")?, save("Bela", "save_2")?);
    steps.tell("two_tokens", anna.token != bela.token, "two tokens for one card", json!({}));
    steps.tell("one_par", anna.par == bela.par, "one PAR", json!({"par": anna.par.as_str()}));
    let same = anna.fingerprint == bela.fingerprint;
    steps.tell(
        "one_fingerprint",
        same,
        "one fingerprint",
        json!({"fingerprint": anna.fingerprint.to_short()}),
    );
    Ok(anna)
}

/// Two cryptograms; the first pays once, and not another amount.
fn pay(client: &mut Client<UnixStream>, steps: &mut Steps, token: &TokenView) -> Result<Cryptogram, Failure> {
    let first = issue(client, token)?;
    steps.tell("issue_1", true, "issued a cryptogram for 499.00 INR", told(&first));
    let second = issue(client, token)?;
    steps.tell("issue_2", first != second, "issued another; it differs", told(&second));
    let accepted = verify(client, token, &first, 49_900);
    let status = accepted.as_ref().err().and_then(ClientError::status).map_or("ok", Status::name);
    steps.tell("verify", accepted.is_ok(), "the first is accepted", json!({"status": status}));
    let again = verify(client, token, &first, 49_900);
    steps.tell_refused("verify_again", again, Status::Replayed, "the first again is refused");
    let other = verify(client, token, &second, 1);
    steps.tell_refused(
        "verify_other_amount",
        other,
        Status::BadMac,
        "the second with another amount is refused",
    );
    Ok(first)
}

fn suspend(client: &mut Client<UnixStream>, steps: &mut Steps, token: &TokenView) -> Result<(), Failure> {
    let change = |event| Command::ChangeStatus(ChangeStatus { token: token.token, provider: None, event });
    let suspended = client.token(&change(StatusEvent::Suspend), None).map_err(|error| refused(&error))?;
    let name = suspended.providers.overall().name();
    steps.tell("suspend", name == "suspended", "suspended the token", json!({"status": name}));
    let issued = client.issue(wanted(token)?, None);
    steps.tell_refused("issue_suspended", issued, Status::TokenSuspended, "issuing is refused");
    let resumed = client.token(&change(StatusEvent::Resume), None).map_err(|error| refused(&error))?;
    let name = resumed.providers.overall().name();
    steps.tell("resume", name == "active", "resumed it", json!({"status": name}));
    Ok(())
}

/// The same request twice under one key: the same bytes, one counter.
fn retry(client: &mut Client<UnixStream>, steps: &mut Steps, token: &TokenView) -> Result<u32, Failure> {
    let key = IdempotencyKey::parse(b"order-4711")?;
    let ask = |client: &mut Client<UnixStream>| -> Result<Cryptogram, Failure> {
        let issued = client.issue(wanted(token)?, Some(key)).map_err(|error| refused(&error))?;
        Ok(issued.cryptogram)
    };
    let (once, again) = (ask(client)?, ask(client)?);
    steps.tell("retry", once == again, "repeated with its idempotency key: the same bytes", told(&again));
    let next = issue(client, token)?;
    let burnt = atc(&next) != atc(&once) + 1;
    steps.tell("retry_counter", !burnt, "and no counter was burnt: the next follows", told(&next));
    Ok(atc(&next))
}

fn after_the_crash(
    client: &mut Client<UnixStream>,
    steps: &mut Steps,
    token: &TokenView,
    used: &Cryptogram,
    newest: u32,
) -> Result<(), Failure> {
    let replayed = verify(client, token, used, 49_900);
    steps.tell_refused(
        "replay_after_kill",
        replayed,
        Status::Replayed,
        "the used cryptogram is still refused",
    );
    let next = issue(client, token)?;
    let new = atc(&next) > newest;
    steps.tell("issue_after_kill", new, "the next cryptogram has a new counter", told(&next));
    let accepted = verify(client, token, &next, 49_900);
    steps.tell("verify_after_kill", accepted.is_ok(), "and is accepted", json!({}));
    Ok(())
}

fn card() -> Result<Provision, Failure> {
    Ok(Provision {
        card: CardSource::Clear { pan: Pan::parse(CARD)?, expiry: far_expiry()? },
        trid: Trid::parse(TRID)?,
        evidence: Evidence {
            provider: Reference::parse("demo-bank")?,
            reference: Reference::parse("pay_demo_1")?,
            auth_reference: None,
        },
        par: None,
        domain: Domain::default(),
        providers: None,
    })
}

fn payment(units: u64) -> Result<Transaction<'static>, Failure> {
    Ok(Transaction {
        amount: Some((Amount::from_minor_units(units), Currency::parse("INR")?)),
        merchant: Merchant::parse(b"m_demo_shop").ok(),
        unpredictable: None,
        merchant_initiated: false,
        channel: Channel::Online,
    })
}

fn wanted(token: &TokenView) -> Result<Issue<'static>, Failure> {
    Ok(Issue { token: token.token, trid: token.trid, transaction: payment(49_900)? })
}

fn issue(client: &mut Client<UnixStream>, token: &TokenView) -> Result<Cryptogram, Failure> {
    Ok(client.issue(wanted(token)?, None).map_err(|error| refused(&error))?.cryptogram)
}

fn verify(
    client: &mut Client<UnixStream>,
    token: &TokenView,
    cryptogram: &Cryptogram,
    units: u64,
) -> Result<(), ClientError> {
    // Amounts of the demo always make a payment.
    let transaction = payment(units).map_err(|_| ClientError::Protocol("no such payment"))?;
    let (token, expiry, trid) = (token.token, token.expiry, token.trid);
    client.verify(Verify { token, expiry, trid, transaction, cryptogram: *cryptogram }, None).map(|_| ())
}

fn atc(cryptogram: &Cryptogram) -> u32 {
    cryptogram.header().map_or(0, |header| header.atc.get())
}

fn told(cryptogram: &Cryptogram) -> Value {
    json!({"cryptogram": cryptogram.to_base64(), "atc": atc(cryptogram)})
}
