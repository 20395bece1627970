//! What is asked again, asked twice at a time, and asked of an engine that is away.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::MASTERCARD;
use super::caller::{Caller, DATA, KEY, card, payment_of, refused, shaped, timeout, token_card, token_of};
use crate::cashfree::{engine_tokens, text};
use crate::shop::{CARD, Shop, signal};

/// The same answer for the same key, a refusal of another request under it.
#[test]
fn a_retry_is_answered_and_not_done_again() {
    let shop = Shop::open();
    let (caller, other) = (Caller::of(&shop, 0), Caller::of(&shop, 1));
    let customer = caller.customer("asha");
    let (order, second) = (caller.order(10_000), caller.order(10_000));
    let order_body = |amount: u64| json!({"amount": amount, "currency": "INR"});
    let paid = |number: &str| payment_of(&order, 10_000, json!({"card": card(number)}));
    let token = caller.tokenise(&customer, CARD);
    let spt = |token: &Value| json!({"id": token["service_provider_tokens"][0]["id"]});
    let foreign = caller.tokenise(&customer, MASTERCARD);
    let by_token = |data: &Value| payment_of(&second, 10_000, json!({"card": token_card(data)}));
    let (one, two) = (caller.data(&token, None), caller.data(&token, None));
    for (at, (path, same, another)) in [
        ("/v1/orders", order_body(700), order_body(800)),
        ("/v1/tokens", token_of(&customer, CARD), token_of(&customer, MASTERCARD)),
        ("/v1/payments/create/json", paid(CARD), paid(MASTERCARD)),
        ("/v1/payments/create/json", by_token(&one), by_token(&two)),
        (DATA, spt(&token), spt(&foreign)),
        ("/v1/tokens/delete", json!({"id": token["id"]}), json!({"id": foreign["id"]})),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("key-{at}");
        let first = caller.keyed("POST", path, &same, Some(&key));
        assert_eq!(first.ok(), caller.keyed("POST", path, &same, Some(&key)).ok(), "{path}");
        let error = refused(&caller.keyed("POST", path, &another, Some(&key)));
        assert_eq!(error["description"], "Different request body sent for the same Idempotency Header");
        assert_eq!(error["field"], KEY);
        let bad = "x".repeat(65);
        for bad in ["", "a b", &bad] {
            assert_eq!(refused(&caller.keyed("POST", path, &same, Some(bad)))["field"], KEY, "{path} {bad}");
        }
    }
    // One token of the two that were made before is deleted, and one was made by a key.
    assert_eq!(caller.tokens(&customer).len(), 2);
    let body = json!({"amount": 900, "currency": "INR"});
    other.keyed("POST", "/v1/orders", &body, Some("key-0")).ok();
}

/// Requests of one key that come at the same time make one token.
#[test]
fn a_key_that_comes_twice_at_a_time_makes_one_token() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
    let body = token_of(&customer, CARD);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let reply = caller.keyed("POST", "/v1/tokens", &body, Some("key"));
                // Who comes while the other is under way may be told to come again.
                assert!([200, 503].contains(&reply.status), "{}", reply.body);
            });
        }
    });
    let token = caller.keyed("POST", "/v1/tokens", &body, Some("key")).ok();
    assert_eq!(caller.tokens(&customer), [token]);
    assert_eq!(engine_tokens(&shop), 1);
}

/// An engine that does not answer is a provider that does not; what was begun is done
/// when it is back.
#[test]
fn without_its_engine_it_says_so_and_goes_on_when_it_is_back() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
    let token = caller.tokenise(&customer, CARD);
    let order = caller.order(10_000);
    let body = payment_of(&order, 10_000, json!({"token": token["id"], "card": {}}));
    let id = text(&caller.post("/v1/payments/create/json", &body).ok()["razorpay_payment_id"]);
    signal(shop.engine_pid(), "STOP");
    let spt = json!({"id": token["service_provider_tokens"][0]["id"]});
    for (path, body) in [
        (DATA, &spt),
        ("/v1/tokens", &token_of(&customer, CARD)),
        ("/v1/tokens/fetch", &json!({"id": token["id"]})),
        ("/v1/tokens/delete", &json!({"id": token["id"]})),
        ("/v1/payments/create/json", &payment_of(&order, 10_000, json!({"card": card(CARD)}))),
    ] {
        let reply = caller.post(path, body);
        assert_eq!((reply.status, shaped(&reply)), (503, timeout()), "{path}");
    }
    let path = format!("/v1/payments/{id}");
    assert_eq!(shop.ask("GET", &format!("{path}/authenticate"), &[], b"").ok()["status"], "created");
    assert_eq!(caller.get(&path).ok()["status"], "created");
    signal(shop.engine_pid(), "CONT");
    let begun = Instant::now();
    while caller.get(&path).ok()["status"] != "captured" {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", caller.get(&path).body);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(caller.tokens(&customer), [token]);
}
