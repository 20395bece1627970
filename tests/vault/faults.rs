//! Vault and engine are killed at any moment, stopped, and taken away: nobody is charged
//! twice, no card is half saved, and nobody waits for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::cashfree::{Caller, card, order_of, text};
use crate::shop::{CARD, Shop, signal};

/// What a customer of the worker knows.
#[derive(Default)]
struct Known {
    /// Payments of which the answer said that they were authenticated, by their orders.
    authenticated: BTreeMap<String, String>,
    /// Instruments that were shown.
    shown: BTreeSet<String>,
}

/// Pays and saves until told to stop; whatever fails is tried no more.
fn customer(shop: &Shop, name: &str, stop: &AtomicBool) -> Known {
    let (mut known, mut number) = (Known::default(), 0_u32);
    while !stop.load(Ordering::SeqCst) {
        number += 1;
        // An answer that does not come is as good as none.
        let _ = step(shop, name, number, &mut known);
    }
    known
}

fn step(shop: &Shop, name: &str, number: u32, known: &mut Known) -> Option<()> {
    let (id, secret) = shop.credential(0, "cashfree");
    let headers = [("x-client-id", id), ("x-client-secret", secret), ("x-api-version", "2023-08-01")];
    let ask = |method: &str, path: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut connection = crate::http::Connection::try_to(&shop.address).ok()?;
        let reply = connection.ask(method, path, &headers, body.as_bytes()).ok()?;
        (reply.status == 200).then(|| reply.json())
    };
    let mut wanted = order_of(name);
    wanted["order_id"] = format!("{name}-{number}").into();
    let order = ask("POST", "/pg/orders", &wanted)?;
    // Two payments race for one order.
    let payments: Vec<_> = (0..2)
        .filter_map(|_| {
            let body = json!({"payment_session_id": order["payment_session_id"],
                "payment_method": {"card": card(CARD)}, "save_instrument": number.is_multiple_of(2)});
            Some(text(&ask("POST", "/pg/orders/sessions", &body)?["cf_payment_id"]))
        })
        .collect();
    for payment in payments {
        let path = format!("/pg/orders/pay/authenticate/{payment}");
        let told = ask("POST", &path, &json!({"otp": "111000", "action": "SUBMIT_OTP"}))?;
        let seen =
            ask("GET", &format!("/pg/orders/{}/payments/{payment}", text(&order["order_id"])), &Value::Null)?;
        if told["authenticate_status"] == "SUCCESS" && seen["payment_status"] == "SUCCESS" {
            known.authenticated.insert(text(&order["order_id"]), payment);
        }
    }
    let list = ask("GET", &format!("/pg/customers/{name}/instruments?instrument_type=card"), &Value::Null)?;
    for instrument in list.as_array()? {
        known.shown.insert(text(&instrument["instrument_id"]));
    }
    Some(())
}

#[test]
fn killed_at_any_moment_nobody_is_charged_twice_and_no_card_is_half_saved() {
    const ROUNDS: u64 = 6;
    let mut shop = Shop::open();
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        let stop = AtomicBool::new(false);
        let names: Vec<_> = (0..3).map(|at| format!("customer{round}{at}")).collect();
        let known = std::thread::scope(|scope| {
            let workers: Vec<_> =
                names.iter().map(|name| scope.spawn(|| customer(&shop, name, &stop))).collect();
            shop.kill_at_a_moment(round, 300..1000);
            stop.store(true, Ordering::SeqCst);
            workers.into_iter().map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
        });
        all.extend(known);
        shop.kill_and_restart();
        settle(&shop);
    }
    let (db, caller) = (database(&shop), Caller::of(&shop, 0));
    let charged = numbers(&db, "SELECT count(*) FROM ledger");
    println!(
        "{charged} payments charged, {} seen so",
        all.iter().map(|known| known.authenticated.len()).sum::<usize>()
    );
    assert!(charged > 0);
    // The issuer's book and the vault's payments are one, and each order is paid once.
    assert_eq!(numbers(&db, "SELECT count(*) FROM payment WHERE state = 'charged'"), charged);
    assert_eq!(numbers(&db, r#"SELECT count(DISTINCT "order") FROM ledger"#), charged);
    assert_eq!(
        numbers(
            &db,
            "SELECT count(*) FROM ledger l JOIN payment p ON p.id = l.payment AND p.state = 'charged'"
        ),
        charged
    );
    // What was acknowledged is so.
    for known in &all {
        for (order, payment) in &known.authenticated {
            assert_eq!(caller.status(order, payment), "SUCCESS", "{order}");
        }
        for id in &known.shown {
            assert_eq!(numbers(&db, &format!("SELECT count(*) FROM instrument WHERE id = '{id}'")), 1);
        }
    }
    // A card is saved for a payment that is charged, and can be paid with; or not at all.
    assert_eq!(
        numbers(&db, "SELECT count(*) FROM payment WHERE saving = 'wanted' AND state <> 'authenticating'"),
        0
    );
    assert_eq!(
        numbers(&db, "SELECT count(*) FROM instrument"),
        numbers(&db, "SELECT count(*) FROM payment WHERE saving = 'saved' AND state = 'charged'")
    );
    let mut rows = db.prepare("SELECT customer, id FROM instrument").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    for (customer, id) in rows.map(Result::unwrap) {
        caller.get(&format!("/pg/customers/{customer}/instruments/{id}/cryptogram")).ok();
    }
}

/// Waits until what was unfinished is done.
fn settle(shop: &Shop) {
    let db = database(shop);
    let begun = Instant::now();
    let unfinished =
        "SELECT count(*) FROM payment WHERE state = 'charging' OR (state = 'charged' AND saving = 'wanted')";
    while numbers(&db, unfinished) > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "payments stay unfinished");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn database(shop: &Shop) -> Connection {
    Connection::open_with_flags(shop.database(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

fn numbers(db: &Connection, query: &str) -> i64 {
    db.query_row(query, [], |row| row.get(0)).unwrap()
}

/// An engine that is stopped and one that is gone: the API's own answer for a provider
/// that gives none, and when it is back, what was begun is done.
#[test]
fn without_its_engine_it_says_so_and_goes_on_when_it_is_back() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let path = caller.save("asha", CARD);
    let instrument = text(&caller.get(&path).ok()["instrument_id"]);
    let (session, order) = caller.order("asha");
    let waiting = caller.pay(&session, json!({"channel": "post", "instrument_id": instrument}), false);
    signal(shop.engine_pid(), "STOP");
    for _ in 0..3 {
        let reply = caller.get(&format!("{path}/cryptogram"));
        assert_eq!((reply.status, text(&reply.json()["code"])), (503, "service_timeout".to_owned()));
    }
    // It knows its own by itself.
    assert_eq!(caller.get(&format!("/pg/orders/{order}")).status, 200);
    // Authenticated, and decided when there is somebody who decides.
    caller.authenticate(&waiting, "111000");
    assert_eq!(caller.status(&order, &waiting), "PENDING");
    signal(shop.engine_pid(), "CONT");
    let begun = Instant::now();
    while caller.status(&order, &waiting) != "SUCCESS" {
        assert!(begun.elapsed() < Duration::from_secs(60), "it stays {}", caller.status(&order, &waiting));
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(shop.engine_pid(), "KILL");
    let reply = caller.get(&format!("{path}/cryptogram"));
    assert_eq!((reply.status, text(&reply.json()["code"])), (503, "service_timeout".to_owned()));
}
