//! Held cards and entry sessions, through a connection: what a vault asks and is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::{Command as Process, Stdio};

use support::house::House;
use support::{PAN, card, everyone};
use tallystick::client::{Client, ClientError};
use tallystick::command::{
    Caller, CardSource, Command, EnterCard, EnteredCard, HeldCard, HoldCard, OpenEntry, OpenedEntry,
    Provision, Role, Roles, TokenView,
};
use tallystick::daemon::Door;
use tallystick::types::{
    CardHandle, EntrySeconds, Expiry, HoldSeconds, IdempotencyKey, Network, Pan, UnixTime,
};
use tallystick::wire::Status;

type Connection = Client<UnixStream>;

const PLAIN: &str = r#"{"number":"4111 1111 1111 1111","expiryMonth":"12","expiryYear":"29","cvc":"123"}"#;

fn enter(house: &House) -> Connection {
    house.enter(everyone(), Door::Data)
}

/// A connection of a peer of another name.
fn stranger(house: &House) -> Connection {
    house.enter(Caller::new("stranger", Roles::of(&[Role::Provisioner]), None), Door::Data)
}

fn hold_of(pan: &[u8]) -> HoldCard {
    let (expiry, seconds) = (Expiry::parse(b"2912").unwrap(), HoldSeconds::new(900).unwrap());
    HoldCard { pan: Pan::parse(pan).unwrap(), expiry, seconds }
}

fn saved(handle: CardHandle) -> Provision {
    Provision { card: CardSource::Held(handle), ..card(PAN, "2912") }
}

fn status<T>(result: Result<T, ClientError>) -> Option<Status> {
    result.err().map(|error| error.status().unwrap_or_else(|| panic!("{error}")))
}

/// What a token and a held card say of a card.
fn same_card(token: &TokenView, held: &HeldCard) {
    assert_eq!((token.fingerprint, &token.par), (held.fingerprint, &held.par));
    assert_eq!((token.card_last_four, token.card_expiry), (held.last_four, held.expiry));
    assert_eq!((token.pan_length, token.network), (held.pan_length, held.network));
}

#[test]
fn a_held_card_is_told_of_and_saved() {
    let house = House::new();
    let mut vault = enter(&house);
    let held = vault.hold_card(hold_of(PAN)).unwrap();
    assert_eq!((&held.iin, &held.last_four, held.pan_length), (b"411111", b"1111", 16));
    assert_eq!((held.network, held.until), (Network::Visa, UnixTime::from_seconds(support::NOW + 900)));
    assert_eq!(held.fingerprint, vault.fingerprint(Pan::parse(PAN).unwrap()).unwrap());
    let token = vault.provision(saved(held.handle), None).unwrap();
    same_card(&token, &held);
    assert_eq!(vault.detokenize(token.token).unwrap().pan.expose_digits(), PAN);
    // Saving does not end the hold, and another connection of the same peer has it too.
    assert!(enter(&house).provision(saved(held.handle), None).is_ok());
    vault.release_card(held.handle).unwrap();
    assert_eq!(status(vault.release_card(held.handle)), Some(Status::UnknownHold));
    assert_eq!(status(vault.provision(saved(held.handle), None)), Some(Status::UnknownHold));
}

#[test]
fn a_linked_par_is_told_of_a_held_card() {
    let house = House::new();
    let mut vault = enter(&house);
    let token = vault.provision(card(PAN, "2912"), None).unwrap();
    let other = b"5555555555554444";
    let link = tallystick::command::LinkPar { pan: Pan::parse(other).unwrap(), predecessor: token.token };
    let par = vault.link_par(link, None).unwrap();
    assert_eq!(vault.hold_card(hold_of(other)).unwrap().par, par);
}

#[test]
fn another_peer_does_not_know_a_handle() {
    let house = House::new();
    let (mut vault, mut other) = (enter(&house), stranger(&house));
    let held = vault.hold_card(hold_of(PAN)).unwrap();
    assert_eq!(status(other.release_card(held.handle)), Some(Status::UnknownHold));
    assert_eq!(status(other.provision(saved(held.handle), None)), Some(Status::UnknownHold));
    assert!(vault.provision(saved(held.handle), None).is_ok());
    let opened = open(&mut vault);
    assert_eq!(status(other.close_entry(opened.session)), Some(Status::UnknownEntry));
    let ciphertext = encrypted(&opened.public_key, PLAIN.as_bytes());
    assert_eq!(status(other.enter_card(entered(&opened, &ciphertext))), Some(Status::UnknownEntry));
    assert!(vault.enter_card(entered(&opened, &ciphertext)).is_ok());
}

/// Only the first execution needs the hold: a retry is answered as before.
#[test]
fn a_retry_is_answered_when_the_card_is_held_no_more() {
    let house = House::new();
    let mut vault = enter(&house);
    let key = IdempotencyKey::parse(b"order-1").ok();
    let held = vault.hold_card(hold_of(PAN)).unwrap();
    let token = vault.provision(saved(held.handle), key).unwrap();
    vault.release_card(held.handle).unwrap();
    assert_eq!(vault.provision(saved(held.handle), key).unwrap(), token);
    // And the key stands for that request only.
    let other = vault.hold_card(hold_of(PAN)).unwrap();
    assert_eq!(status(vault.provision(saved(other.handle), key)), Some(Status::IdempotencyConflict));
    // A refusal is not remembered.
    let key = IdempotencyKey::parse(b"order-2").ok();
    assert_eq!(status(vault.provision(saved(held.handle), key)), Some(Status::UnknownHold));
    assert_eq!(status(vault.provision(saved(held.handle), key)), Some(Status::UnknownHold));
}

/// What is checked of a card in clear is checked of a held one.
#[test]
fn a_held_card_is_checked_as_any_other() {
    let house = House::new();
    let mut vault = enter(&house);
    let rupay = vault.hold_card(hold_of(b"6074820000000009")).unwrap();
    assert_eq!(rupay.network, Network::Rupay);
    assert_eq!(status(vault.provision(saved(rupay.handle), None)), Some(Status::AuthReferenceRequired));
    let mut past = hold_of(PAN);
    past.expiry = Expiry::parse(b"2001").unwrap();
    let past = vault.hold_card(past).unwrap();
    assert_eq!(status(vault.provision(saved(past.handle), None)), Some(Status::ExpiryPast));
}

#[test]
fn more_than_there_is_room_for_is_refused() {
    let house = House::new();
    let mut vault = enter(&house);
    let mut held = Vec::new();
    let refused = loop {
        match vault.hold_card(hold_of(PAN)) {
            Ok(card) => held.push(card.handle),
            Err(error) => break error.status(),
        }
    };
    assert_eq!(refused, Some(Status::HoldLimit));
    vault.release_card(held.pop().unwrap()).unwrap();
    assert!(vault.hold_card(hold_of(PAN)).is_ok());
}

fn open(vault: &mut Connection) -> OpenedEntry {
    vault.open_entry(OpenEntry { seconds: EntrySeconds::new(900).unwrap() }).unwrap()
}

fn entered<'a>(opened: &OpenedEntry, ciphertext: &'a [u8]) -> EnterCard<'a> {
    EnterCard { session: opened.session, ciphertext, seconds: HoldSeconds::new(900).unwrap() }
}

/// Encrypts as a payer does, with OpenSSL.
fn encrypted(public_key: &[u8], plain: &[u8]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("public.der");
    std::fs::write(&key, public_key).unwrap();
    let mut openssl = Process::new("openssl");
    openssl.args(["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey"]).arg(&key);
    for option in ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"] {
        openssl.args(["-pkeyopt", option]);
    }
    let mut openssl = openssl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("needs openssl");
    openssl.stdin.take().unwrap().write_all(plain).unwrap();
    let done = openssl.wait_with_output().unwrap();
    assert!(done.status.success());
    done.stdout
}

#[test]
fn a_card_that_another_implementation_encrypted_is_held() {
    let house = House::new();
    let mut vault = enter(&house);
    let opened = open(&mut vault);
    assert_eq!(opened.until, UnixTime::from_seconds(support::NOW + 900));
    let ciphertext = encrypted(&opened.public_key, PLAIN.as_bytes());
    let EnteredCard { card, cvc_given } = vault.enter_card(entered(&opened, &ciphertext)).unwrap();
    assert!(cvc_given);
    assert_eq!(
        (&card.iin, &card.last_four, card.expiry),
        (b"411111", b"1111", Expiry::parse(b"2912").unwrap())
    );
    let token = vault.provision(saved(card.handle), None).unwrap();
    same_card(&token, &card);
    assert_eq!(vault.detokenize(token.token).unwrap().pan.expose_digits(), PAN);
    // It was the session's one card.
    assert_eq!(status(vault.enter_card(entered(&opened, &ciphertext))), Some(Status::UnknownEntry));
    assert_eq!(status(vault.close_entry(opened.session)), Some(Status::UnknownEntry));
}

#[test]
fn a_card_without_its_value_is_told_so() {
    let house = House::new();
    let mut vault = enter(&house);
    let opened = open(&mut vault);
    let plain = r#"{"number":"4111111111111111","expiryMonth":"12","expiryYear":"2029"}"#;
    let ciphertext = encrypted(&opened.public_key, plain.as_bytes());
    assert!(!vault.enter_card(entered(&opened, &ciphertext)).unwrap().cvc_given);
}

#[test]
fn a_session_dies_of_its_fifth_failure_and_of_being_closed() {
    let house = House::new();
    let mut vault = enter(&house);
    let (opened, other) = (open(&mut vault), open(&mut vault));
    let good = encrypted(&opened.public_key, PLAIN.as_bytes());
    let mut tampered = good.clone();
    tampered[7] ^= 1;
    let no_card = encrypted(&opened.public_key, b"{}");
    let of_another = encrypted(&other.public_key, PLAIN.as_bytes());
    for bad in [&tampered, &no_card, &of_another, &tampered, &no_card] {
        assert_eq!(status(vault.enter_card(entered(&opened, bad))), Some(Status::EntryRefused));
    }
    assert_eq!(status(vault.enter_card(entered(&opened, &good))), Some(Status::UnknownEntry));
    vault.close_entry(other.session).unwrap();
    assert_eq!(status(vault.enter_card(entered(&other, &of_another))), Some(Status::UnknownEntry));
}

/// Sent together, they are answered in order: what is asked behind an opening too.
#[test]
fn an_opening_among_others_is_answered_in_its_place() {
    let house = House::new();
    let mut vault = enter(&house);
    let open = OpenEntry { seconds: EntrySeconds::new(1).unwrap() };
    let commands = [
        Command::Fingerprint(Pan::parse(PAN).unwrap()),
        Command::OpenEntry(open),
        Command::HoldCard(Box::new(hold_of(PAN))),
        Command::OpenEntry(open),
        Command::Par(Pan::parse(PAN).unwrap()),
    ];
    for command in &commands {
        vault.submit(command, None).unwrap();
    }
    let told: Vec<_> = commands.iter().map(|_| vault.receive().unwrap()).collect();
    assert!(told.iter().all(|(_, answer)| answer.is_ok()), "{told:?}");
    assert!(told.is_sorted_by_key(|(id, _)| *id));
}

#[test]
fn a_request_by_handle_is_another_than_one_in_clear() {
    let house = House::new();
    let mut vault = enter(&house);
    let key = IdempotencyKey::parse(b"order-1").ok();
    let held = vault.hold_card(hold_of(PAN)).unwrap();
    vault.provision(card(PAN, "2912"), key).unwrap();
    assert_eq!(status(vault.provision(saved(held.handle), key)), Some(Status::IdempotencyConflict));
}
