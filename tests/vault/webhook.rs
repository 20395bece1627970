//! Webhooks: signed, sent until they are taken, in order, and nobody waits for another.

mod receiver;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::juspay::{Caller, card};
use crate::shop::{CARD, Shop};
use receiver::{Does, Got, Receiver};

fn shop(receiver: &Receiver) -> Shop {
    Shop::with(&["--webhook", &receiver.url])
}

/// Checked as a merchant checks it: with its secret, by another implementation.
#[track_caller]
fn is_signed(shop: &Shop, merchant: usize, signature: &str, body: &str) {
    let secret = shop.told["merchants"][merchant]["webhook_secret"].as_str().unwrap();
    let (time, tag) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let check = |secret: &str, text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&Sha256::digest(secret)).unwrap();
        mac.update(text.as_bytes());
        data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()) == tag
    };
    assert!(check(secret, &format!("{time}.{body}")), "{signature}");
    assert!(!check("another", &format!("{time}.{body}")) && !check(secret, &format!("{time}0.{body}")));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let time: u64 = time.parse().unwrap();
    assert!(time <= now && time > now - 600, "signed at {time}");
}

fn order_of(event: &Value) -> &Value {
    &event["content"]["order"]
}

/// Refused, sent elsewhere, hung up on and closed: it comes again, the same, until it is
/// taken, and then no more.
#[test]
fn an_event_comes_until_it_is_taken() {
    let mut turns = [Does::Refuse, Does::Redirect, Does::Die, Does::Take].into_iter();
    let receiver = Receiver::with(move |_| turns.next().unwrap_or(Does::Take));
    let shop = shop(&receiver);
    let caller = Caller::of(&shop, 0);
    let mut how = card(CARD);
    how["save_to_locker"] = "true".into();
    let status = caller.pay("asha", &how, "success");
    let (first, ..) = receiver.event();
    assert_eq!(first["event_name"], "ORDER_SUCCEEDED");
    // The block is that of the order's status, with the token.
    assert_eq!(order_of(&first), &status);
    assert_eq!(order_of(&first)["card"]["token"]["tokenization_status"], "SUCCESS");
    assert!(first["id"].is_string() && first["date_created"].is_string());
    for _ in 0..3 {
        let (again, signature, body) = receiver.event();
        assert_eq!(again, first);
        is_signed(&shop, 0, &signature, &body);
        assert!(!body.contains(CARD));
    }
    // The next that comes is another one.
    let failed = caller.pay("asha", &card(CARD), "failure");
    let (next, signature, body) = receiver.event();
    is_signed(&shop, 0, &signature, &body);
    assert_eq!((&next["event_name"], order_of(&next)), (&json!("ORDER_FAILED"), &failed));
    assert_ne!(next["id"], first["id"]);
}

/// One that is refused a few times holds the younger ones back; other merchants' not.
#[test]
fn events_come_in_order() {
    let mut refusals = 3;
    let receiver = Receiver::with(move |event| {
        let refused = order_of(event)["order_id"] == "first" && refusals > 0;
        refusals -= i32::from(refused);
        if refused { Does::Refuse } else { Does::Take }
    });
    let shop = shop(&receiver);
    let (caller, other) = (Caller::of(&shop, 0), Caller::of(&shop, 1));
    let pay = |caller: &Caller<'_>, id: &str| {
        caller.post("/orders", &json!({"order_id": id, "amount": "1"})).ok();
        let path = caller.begin(id, &card(CARD));
        shop.ask("GET", &path, &[], b"").ok();
    };
    for id in ["first", "second", "third"] {
        pay(&caller, id);
    }
    pay(&other, "theirs");
    let mut came = Vec::new();
    while came.len() < 7 {
        let (event, signature, body) = receiver.event();
        let name = order_of(&event)["order_id"].as_str().unwrap().to_owned();
        is_signed(&shop, usize::from(name == "theirs"), &signature, &body);
        came.push(name);
    }
    came.retain(|name| name != "theirs");
    assert_eq!(came, ["first", "first", "first", "first", "second", "third"]);
}

/// While one merchant hangs, another is told. On a machine that stands still for seconds
/// the order may be another, so there are three goes; if one waited for the other it
/// would be so in none.
#[test]
fn a_merchant_that_hangs_keeps_nobody_waiting() {
    let receiver =
        Receiver::with(
            |event| if order_of(event)["merchant_id"] == "market" { Does::Hang } else { Does::Take },
        );
    let shop = shop(&receiver);
    let (caller, hanging) = (Caller::of(&shop, 0), Caller::of(&shop, 1));
    hanging.pay("asha", &card(CARD), "success");
    let mut goes = 0;
    loop {
        // It is in its hands.
        while order_of(&receiver.event().0)["merchant_id"] != "market" {}
        caller.pay("asha", &card(CARD), "success");
        match receiver.next() {
            Got::Event { body, .. } => {
                assert!(body.contains("\"shop\""));
                break;
            }
            Got::HungUp { .. } => goes += 1,
        }
        assert!(goes < 3, "it waits for the one that hangs");
    }
    // Who hangs is hung up on, and tried again.
    loop {
        match receiver.next() {
            Got::HungUp { merchant } if merchant == "market" => break,
            _ => {}
        }
    }
    assert_eq!(order_of(&receiver.event().0)["merchant_id"], "market");
}

/// What was not taken when vault and engine were killed comes when they are back.
#[test]
fn events_survive_the_vault() {
    let takes = Arc::new(AtomicBool::new(false));
    let taking = Arc::clone(&takes);
    let receiver =
        Receiver::with(move |_| if taking.load(Ordering::SeqCst) { Does::Take } else { Does::Hang });
    let mut shop = shop(&receiver);
    let status = Caller::of(&shop, 0).pay("asha", &card(CARD), "success");
    let (first, ..) = receiver.event();
    // It is killed while the event is under way.
    shop.kill();
    takes.store(true, Ordering::SeqCst);
    shop.kill_and_restart();
    let (again, signature, body) = receiver.event();
    is_signed(&shop, 0, &signature, &body);
    assert_eq!(again, first);
    assert_eq!(order_of(&again), &status);
    // Taken is taken: what comes next is another one.
    let other = Caller::of(&shop, 0).pay("asha", &card(CARD), "success");
    assert_eq!(order_of(&receiver.event().0), &other);
}

/// Without an address nothing is put down, and an attempt beside one that pays is not told.
#[test]
fn what_nobody_needs_to_know_is_not_told() {
    let shop = Shop::open();
    Caller::of(&shop, 0).pay("asha", &card(CARD), "success");
    assert_eq!(events(&shop), 0);
    drop(shop);

    let receiver = Receiver::with(|_| Does::Take);
    let shop = self::shop(&receiver);
    let caller = Caller::of(&shop, 0);
    let order = caller.order("asha");
    let (one, two) = (caller.begin(&order, &card(CARD)), caller.begin(&order, &card(CARD)));
    shop.ask("GET", &one, &[], b"").ok();
    shop.ask("GET", &format!("{two}?outcome=failure"), &[], b"").ok();
    assert_eq!(receiver.event().0["event_name"], "ORDER_SUCCEEDED");
    assert_eq!(events(&shop), 1);
    assert!(receiver.is_empty());
}

fn events(shop: &Shop) -> i64 {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = rusqlite::Connection::open_with_flags(shop.database(), flags).unwrap();
    db.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap()
}
