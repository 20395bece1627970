//! What keys of other systems leave in memory: they are brought in by custodians, worked
//! with from several connections, and put out in a key block.

mod keys;
mod work;

use std::fs;

use tallystick::crypto::{Aes, Tdes};
use tallystick::cryptogram::emv::{Card, IssuerMaster};
use tallystick::types::Expiry;
use tallystick::types::emv::{Method, Psn};

use crate::daemon::Daemon;
use crate::forms::{
    card_forms, card_value_forms, cipher_key_forms, component_forms, key_forms, pan_forms, passphrase_forms,
};
use crate::image::{Core, Memory, can_look};
use crate::keyring::Keys;
use crate::load::random_pan;
use crate::search::Search;
use crate::{PLANTED, wait_until_clean};
use keys::{FieldKey, SECOND, block_keys, bring_in, random_keys};
use work::{EXPIRY, IDS, METHODS, Made, PSN, check_values, data, parsed, transact};

const CARDS: usize = 6;
const CONNECTIONS: usize = 3;

#[test]
fn nothing_of_the_keys_of_the_field_is_left_in_memory() {
    let Some(gdb) = can_look() else { return };
    let mut daemon = Daemon::prepare();
    let config = daemon.path("tallyd.toml");
    let peers = format!("\n[[peer]]\nname = \"second\"\nuid = {SECOND}\nroles = [\"admin\"]\n");
    fs::write(&config, fs::read_to_string(&config).unwrap() + &peers).unwrap();
    let (keys, mut random) = (random_keys(), fastrand::Rng::new());
    let pans: Vec<String> = std::iter::repeat_with(|| random_pan(&mut random)).take(CARDS).collect();
    daemon.launch("-");
    // Connections stay, so that what they keep is searched.
    let admin = bring_in(&daemon, &keys);
    let mut open: Vec<_> = std::iter::repeat_with(|| daemon.client()).take(CONNECTIONS).collect();
    let made: Vec<Made> = std::thread::scope(|scope| {
        let workers: Vec<_> = open.iter_mut().map(|client| scope.spawn(|| transact(client, &pans))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let values = check_values(&daemon, &pans, &mut open);
    open.push(admin);
    // An answer to this says that what came before is over.
    open.iter_mut().for_each(|client| client.ping().unwrap());

    let mut search = Search::default();
    add_keys(&mut search, &daemon, &keys);
    for pan in &pans {
        search.add("PAN", pan_forms(pan));
        search.add("PAN of a card", card_forms(pan, PSN));
    }
    for made in &made {
        add_derived(&mut search, &keys, made);
    }
    let [.., verification] = &keys;
    let (cipher, expiry) = (Tdes::new(&verification.bytes()).unwrap(), Expiry::parse(EXPIRY).unwrap());
    for (pan, value) in &values {
        search.add("verification value", card_value_forms(&cipher, pan, expiry, value, IDS));
    }

    let memory = Memory::of(daemon.pid());
    let left = wait_until_clean(&search, &memory);
    assert_eq!(left.names(), PLANTED, "through /proc/PID/mem: {left}");
    let core = Core::take(gdb, daemon.pid());
    let left = search.in_all(&core.pieces);
    assert_eq!(left.names(), PLANTED, "in gdb's core: {left}");
    memory.assert_keys_cannot_be_read(&core);
    memory.assert_no_stack_is_deeper_than_what_is_wiped();
}

/// The keys as they came and as they work, what protects a key block, and what wraps all
/// of them; and what is planted.
fn add_keys(search: &mut Search, daemon: &Daemon, keys: &[FieldKey]) {
    for key in keys {
        search.add(key.label, cipher_key_forms(&key.bytes(), key.is_aes()));
        let components = key.components.iter().flat_map(|component| component_forms(component));
        search.add(&format!("component of {}", key.label), components.collect());
    }
    for key in block_keys(&keys[0].bytes()) {
        search.add("key of a key block", cipher_key_forms(&key, true));
    }
    for (name, key) in Keys::open(&daemon.path("keyring"), daemon.passphrase.as_bytes()).all() {
        search.add(&name, key_forms(&key));
    }
    search.add("passphrase", passphrase_forms(&daemon.passphrase));
    search.add(PLANTED[0], pan_forms(&daemon.planted_pan));
    search.add(PLANTED[1], cipher_key_forms(&daemon.planted_key, true));
    search.add(PLANTED[1], cipher_key_forms(&daemon.planted_key[..16], false));
}

/// The keys of a card and of the session in which a cryptogram was made.
fn add_derived(search: &mut Search, keys: &[FieldKey], made: &Made) {
    let (label, method) = METHODS[made.method];
    let label = if label == "imk-back" { "imk-tdes" } else { label };
    let key = keys.iter().find(|key| key.label == label).unwrap();
    let scheme = Method::parse(method).unwrap().scheme();
    let pan = parsed(&made.pan);
    let card = Card { pan: &pan, psn: Psn::parse(PSN.as_bytes()).unwrap() };
    let derive = |issuer: IssuerMaster<'_>| {
        let session = scheme.icc.derive(issuer, card).unwrap();
        let session = scheme.session.derive(session, made.atc, data().unpredictable()).unwrap();
        (scheme.icc.derive(issuer, card).unwrap(), session)
    };
    let (card, session) = if key.is_aes() {
        derive(IssuerMaster::Aes(&Aes::new(&key.bytes()).unwrap()))
    } else {
        derive(IssuerMaster::Tdes(&Tdes::new(&key.bytes()).unwrap()))
    };
    search.add("key of a card", cipher_key_forms(card.expose(), key.is_aes()));
    search.add("key of a session", cipher_key_forms(session.expose(), key.is_aes()));
}
