//! Cashfree's API: the life of an instrument, its rules, and bad input.

mod caller;

use serde_json::{Value, json};

pub use caller::{Caller, SECRET, card, order_of, text};

use crate::shop::{CARD, Shop};

fn token(cryptogram: &Value) -> Value {
    json!({"channel": "post", "card_number": cryptogram["card_number"], "card_holder_name": "Asha Rao",
        "card_expiry_mm": cryptogram["card_expiry_mm"], "card_expiry_yy": "30",
        "cryptogram": cryptogram["cryptogram"], "token_requestor_id": cryptogram["token_requestor_id"],
        "card_display": cryptogram["card_display"]})
}

#[test]
fn a_card_is_saved_shown_paid_with_and_deleted() {
    let shop = Shop::open();
    let shop_1 = Caller::of(&shop, 0);
    let path = shop_1.save("asha", CARD);
    let instrument = shop_1.get(&path).ok();
    assert_eq!(instrument["instrument_display"], "xxxxxxxxxxxx1111");
    assert_eq!(instrument["instrument_status"], "ACTIVE");
    assert_eq!(text(&instrument["instrument_uid"]).len(), 64);
    let details = &instrument["instrument_meta"]["card_token_details"];
    assert_eq!((text(&details["par"]).len(), text(&details["expiry_year"])), (29, "30".to_owned()));

    let cryptogram = shop_1.get(&format!("{path}/cryptogram")).ok();
    assert_eq!(cryptogram["card_expiry_yy"], "2030");
    assert_eq!(cryptogram["card_display"], "1111");
    assert_ne!(&text(&cryptogram["card_number"])[12..], "1111");
    assert_eq!(text(&cryptogram["cryptogram"]).len(), 28);
    // It pays once.
    for expected in ["SUCCESS", "FAILED"] {
        let (session, order) = shop_1.order("asha");
        let payment = shop_1.pay(&session, token(&cryptogram), false);
        shop_1.authenticate(&payment, "111000");
        assert_eq!(shop_1.status(&order, &payment), expected);
    }
    // By either of its ids.
    for name in ["instrument_id", "instrument_uid"] {
        let (session, order) = shop_1.order("asha");
        let payment = shop_1.pay(&session, json!({"channel": "post", name: instrument[name]}), false);
        shop_1.authenticate(&payment, "111000");
        assert_eq!(shop_1.status(&order, &payment), "SUCCESS");
    }
    assert_eq!(shop_1.ask("DELETE", &path, &Value::Null).ok()["instrument_status"], "INACTIVE");
    assert!(shop_1.list("asha").is_empty());
    assert_eq!(shop_1.get(&format!("{path}/cryptogram")).status, 400);
    let (session, _) = shop_1.order("asha");
    let body = json!({"payment_session_id": session, "payment_method":
        {"card": {"channel": "post", "instrument_id": instrument["instrument_id"]}}});
    assert_eq!(shop_1.ask("POST", "/pg/orders/sessions", &body).status, 400);
}

/// Consent, then a payment with second factor, only then a token (R000-1 to R000-3).
#[test]
fn nothing_is_saved_without_consent_second_factor_and_payment() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    for (number, save, otp, status) in [
        (CARD, false, "111000", "SUCCESS"),
        (CARD, true, "000000", "FAILED"),
        ("4000000000000002", true, "111000", "FAILED"),
        ("4000000000000119", true, "111000", "FAILED"),
        // Paid, but the token service provider gave no answer.
        ("4000000000000259", true, "111000", "SUCCESS"),
    ] {
        let (session, order) = caller.order("asha");
        let payment = caller.pay(&session, card(number), save);
        assert_eq!(caller.status(&order, &payment), "NOT_ATTEMPTED");
        assert!(caller.list("asha").is_empty());
        caller.authenticate(&payment, otp);
        assert_eq!(caller.status(&order, &payment), status, "{number}");
        assert!(caller.list("asha").is_empty(), "{number} {save} {otp}");
        // What has ended stays so.
        caller.authenticate(&payment, "111000");
        assert_eq!(caller.status(&order, &payment), status);
        assert!(caller.list("asha").is_empty());
    }
    assert_eq!(engine_tokens(&shop), 0, "a failed payment provisioned something");
}

/// How many tokens the engine holds.
pub fn engine_tokens(shop: &Shop) -> u64 {
    let dir = shop.dir.path().join("state/engine");
    let told = std::process::Command::new(env!("CARGO_BIN_EXE_tally"))
        .args(["--json", "status", "--dir"])
        .arg(dir)
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    told["tokens"].as_u64().unwrap_or_else(|| panic!("{told}"))
}

/// The same bytes for the same key, another cryptogram without, and a refusal of another
/// request under a key that was used.
#[test]
fn a_retry_is_answered_and_not_done_again() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let (first, second) = (caller.save("asha", CARD), caller.save("asha", "5555555555554444"));
    let fetch = |path: &str, key| caller.keyed("GET", &format!("{path}/cryptogram"), &Value::Null, key);
    let one = fetch(&first, Some("key-1"));
    assert_eq!(one.ok(), fetch(&first, Some("key-1")).ok());
    assert_ne!(one.ok(), fetch(&first, None).ok());
    assert_ne!(one.ok(), fetch(&first, Some("key-2")).ok());
    let reused = fetch(&second, Some("key-1"));
    assert_eq!((reused.status, text(&reused.json()["type"])), (422, "idempotency_error".to_owned()));

    let order = |amount: f64| {
        let mut body = order_of("asha");
        body["order_amount"] = amount.into();
        caller.keyed("POST", "/pg/orders", &body, Some("key-3"))
    };
    assert_eq!(order(7.0).body, order(7.0).body);
    assert_eq!(order(8.0).status, 422);

    // Beside an instrument a number is not read: it makes no other request.
    let (session, _) = caller.order("asha");
    let instrument = first.rsplit('/').next().unwrap();
    let pay = |number: &str| {
        let card = json!({"channel": "post", "instrument_id": instrument, "card_number": number});
        let body = json!({"payment_session_id": session, "payment_method": {"card": card}});
        caller.keyed("POST", "/pg/orders/sessions", &body, Some("key-5"))
    };
    assert_eq!(pay(CARD).ok(), pay("5555555555554444").ok());

    let (session, _) = caller.order("asha");
    let pay = |number: &str| {
        let body = json!({"payment_session_id": session, "payment_method": {"card": card(number)}});
        caller.keyed("POST", "/pg/orders/sessions", &body, Some("key-4"))
    };
    assert_eq!(pay(CARD).ok(), pay(CARD).ok());
    assert_eq!(pay("5555555555554444").status, 422);

    let delete = |path: &str| caller.keyed("DELETE", path, &Value::Null, Some("key-5"));
    assert_eq!(delete(&first).ok(), delete(&first).ok());
    assert_eq!(delete(&second).status, 422);
    // Another merchant's keys have nothing to do with these.
    let other = Caller::of(&shop, 1);
    assert_eq!(other.keyed("POST", "/pg/orders", &order_of("bela"), Some("key-3")).status, 200);
}

#[test]
fn an_amount_that_is_bound_cannot_be_changed() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let path = caller.save("asha", CARD);
    for (amount, expected) in [("100.50", "SUCCESS"), ("100.49", "FAILED")] {
        let cryptogram = caller.get(&format!("{path}/cryptogram?amount={amount}&currency=INR")).ok();
        let (session, order) = caller.order("asha");
        let payment = caller.pay(&session, token(&cryptogram), false);
        caller.authenticate(&payment, "111000");
        assert_eq!(caller.status(&order, &payment), expected);
    }
    assert_eq!(caller.get(&format!("{path}/cryptogram?amount=1&currency=XXX")).status, 400);
    assert_eq!(caller.get(&format!("{path}/cryptogram?amount=1")).status, 400);
}

/// What is another's is not there.
#[test]
fn nobody_sees_what_is_anothers() {
    let shop = Shop::open();
    let (caller, other) = (Caller::of(&shop, 0), Caller::of(&shop, 1));
    let path = caller.save("asha", CARD);
    let (session, order) = caller.order("asha");
    let payment = caller.pay(&session, card(CARD), false);
    let foreign = path.replace("/asha/", "/bela/");
    let unknown = format!("/pg/customers/asha/instruments/{}", "00000000-0000-4000-8000-000000000000");
    for (who, path) in [(&other, &path), (&caller, &foreign), (&caller, &unknown)] {
        for (method, end) in [("GET", ""), ("GET", "/cryptogram"), ("DELETE", "")] {
            let reply = who.ask(method, &format!("{path}{end}"), &Value::Null);
            assert_eq!((reply.status, text(&reply.json()["code"])), (404, "instrument_not_found".to_owned()));
        }
    }
    assert!(other.list("asha").is_empty());
    assert_eq!(other.get(&format!("/pg/orders/{order}")).status, 404);
    assert_eq!(other.get(&format!("/pg/orders/{order}/payments/{payment}")).status, 404);
    // An instrument of another customer of the same merchant pays nobody else's order.
    let instrument = path.rsplit('/').next().unwrap();
    let (session, _) = caller.order("bela");
    let body = json!({"payment_session_id": session, "payment_method":
        {"card": {"channel": "post", "instrument_id": instrument}}});
    assert_eq!(caller.ask("POST", "/pg/orders/sessions", &body).status, 404);
    for (id, secret) in [(other.id, caller.secret), (caller.id, ""), ("", ""), (caller.id, "x")] {
        let headers = [("x-client-id", id), (SECRET, secret)];
        let reply = shop.ask("GET", &path, &headers, b"");
        assert_eq!((reply.status, text(&reply.json()["type"])), (401, "authentication_error".to_owned()));
    }
}

/// Ids of ours are numbers in the older version and texts in the newer.
#[test]
fn types_depend_on_the_version() {
    let shop = Shop::open();
    for (version, numbers) in [("2022-09-01", true), ("2023-08-01", false), ("2026-01-01", false)] {
        let caller = Caller { version, ..Caller::of(&shop, 0) };
        let order = caller.ask("POST", "/pg/orders", &order_of("asha")).ok();
        assert_eq!(order["cf_order_id"].is_number(), numbers);
        let body = json!({"payment_session_id": order["payment_session_id"], "payment_method": {"card": card(CARD)}});
        let paid = caller.ask("POST", "/pg/orders/sessions", &body).ok();
        assert_eq!(paid["cf_payment_id"].is_number(), numbers);
    }
    let caller = Caller { version: "yesterday", ..Caller::of(&shop, 0) };
    assert_eq!(caller.ask("POST", "/pg/orders", &order_of("asha")).status, 400);
}

/// Each field of each request: missing, empty, too long, of another type and charset.
#[test]
fn bad_fields_are_told_in_the_apis_shape_and_change_nothing() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let (session, order) = caller.order("asha");
    let pay = json!({"payment_session_id": session, "payment_method": {"card": card(CARD)}, "save_instrument": true});
    let mut given = card("4895371564152630");
    given["cryptogram"] = "AQBBBBBBZatIlaIAmWKSghwBBBA=".into();
    given["token_requestor_id"] = "40010000001".into();
    let with_token = json!({"payment_session_id": session, "payment_method": {"card": given}});
    for (path, body, needed) in [
        (
            "/pg/orders",
            order_of("asha"),
            &[
                "/order_amount",
                "/order_currency",
                "/customer_details",
                "/customer_details/customer_id",
                "/customer_details/customer_phone",
            ][..],
        ),
        (
            "/pg/orders/sessions",
            pay,
            &[
                "/payment_session_id",
                "/payment_method",
                "/payment_method/card",
                "/payment_method/card/channel",
                "/payment_method/card/card_number",
                "/payment_method/card/card_expiry_mm",
                "/payment_method/card/card_expiry_yy",
                "/payment_method/card/card_cvv",
            ][..],
        ),
        ("/pg/orders/sessions", with_token, &["/payment_method/card/card_number"][..]),
    ] {
        for pointer in pointers(&body, "") {
            for wrong in wrongs() {
                let mut broken = body.clone();
                *broken.pointer_mut(&pointer).unwrap() = wrong.clone();
                let reply = caller.ask("POST", path, &broken);
                let is_nothing = wrong.is_null() || wrong == "";
                if is_nothing && !needed.contains(&pointer.as_str()) {
                    continue;
                }
                // What a name may hold, a name may hold.
                if pointer.ends_with("card_holder_name") && wrong.is_string() && reply.status == 200 {
                    continue;
                }
                assert!(
                    (400..500).contains(&reply.status),
                    "{path} {pointer} {wrong}: {} {}",
                    reply.status,
                    reply.body
                );
                let error = reply.json();
                assert!(
                    ["message", "code", "type", "help"].iter().all(|name| error[name].is_string()),
                    "{error}"
                );
                assert!(!reply.body.contains(CARD), "a number in an error");
            }
        }
    }
    for body in ["{", "[]", "1", "{\"order_amount\":1,\"order_amount\":2}", "\u{0}"] {
        let headers = [("x-client-id", caller.id), (SECRET, caller.secret)];
        let reply = shop.ask("POST", "/pg/orders", &headers, body.as_bytes());
        assert_eq!((reply.status, text(&reply.json()["code"])), (400, "request_invalid".to_owned()));
    }
    let payments = caller.get(&format!("/pg/orders/{order}/payments")).ok();
    assert!(payments.as_array().unwrap().iter().all(|payment| payment["payment_status"] == "NOT_ATTEMPTED"));
    assert!(caller.list("asha").is_empty());
}

/// Where the values of a body are, all of them.
pub fn pointers(value: &Value, at: &str) -> Vec<String> {
    let Value::Object(map) = value else { return vec![at.to_owned()] };
    let inner = map.iter().flat_map(|(name, value)| pointers(value, &format!("{at}/{name}")));
    inner.chain((!at.is_empty()).then(|| at.to_owned())).collect()
}

/// Values that no field takes; the first two are nothing at all.
pub fn wrongs() -> Vec<Value> {
    let deep = (0..50).fold(json!(1), |inner, _| json!([inner]));
    vec![
        json!(null),
        json!(""),
        json!("x".repeat(5000)),
        json!([]),
        json!({"a": 1}),
        json!("\u{1}\u{7f}"),
        json!(-1),
        deep,
    ]
}

#[test]
fn what_is_not_served_is_told_so() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    assert_eq!(caller.get("/pg/nothing").status, 404);
    assert_eq!(text(&caller.get("/pg/nothing").json()["type"]), "invalid_request_error");
    assert_eq!(caller.ask("PUT", "/pg/orders", &json!({})).status, 405);
    assert_eq!(caller.get("/pg/customers/asha/instruments?instrument_type=upi").status, 400);
    assert_eq!(caller.get("/pg/customers/asha/instruments").status, 400);
    // As one version of the public library writes it.
    let twice = caller.get("/pg/customers/asha/instruments?instrument_type=card?instrument_type=card");
    assert_eq!(twice.ok(), json!([]));
    let twice = caller.get("/pg/customers/asha/instruments?instrument_type=card&instrument_type=card");
    assert_eq!(twice.ok(), json!([]));
}

/// Who may pay an order cannot try for ever.
#[test]
fn an_order_takes_so_many_payments() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let (session, _) = caller.order("asha");
    for _ in 0..20 {
        caller.pay(&session, card(CARD), false);
    }
    let body = json!({"payment_session_id": session, "payment_method": {"card": card(CARD)}});
    let reply = caller.ask("POST", "/pg/orders/sessions", &body);
    assert_eq!((reply.status, text(&reply.json()["code"])), (400, "order_attempts_exceeded".to_owned()));
}

/// The sandbox's customer, of a merchant's own payments only.
#[test]
fn a_customer_is_simulated() {
    let shop = Shop::open();
    let (caller, other) = (Caller::of(&shop, 0), Caller::of(&shop, 1));
    for (wanted, told) in [("SUCCESS", "SUCCESS"), ("FAILED", "FAILED"), ("USER_DROPPED", "FAILED")] {
        let (session, order) = caller.order("asha");
        let payment = caller.pay(&session, card(CARD), false);
        let body = json!({"entity": "PAYMENTS", "entity_id": payment,
            "entity_simulation": {"payment_status": wanted}});
        assert_eq!(other.ask("POST", "/pg/simulate", &body).status, 404);
        assert_eq!(caller.status(&order, &payment), "NOT_ATTEMPTED");
        let simulated = caller.ask("POST", "/pg/simulate", &body).ok();
        assert_eq!(simulated["entity_simulation"]["payment_status"], told);
        assert_eq!(caller.status(&order, &payment), told);
        let path = format!("/pg/simulate/{}", text(&simulated["simulation_id"]));
        assert_eq!(caller.get(&path).ok(), simulated);
        assert_eq!(other.get(&path).status, 404);
    }
}

/// Cards that wait for their second factor are held by the engine, which has so many
/// places: a merchant has an eighth of them.
#[test]
fn a_merchant_leaves_room_for_the_others() {
    let shop = Shop::open();
    let (caller, other) = (Caller::of(&shop, 0), Caller::of(&shop, 1));
    for _ in 0..512 / 16 {
        let (session, _) = caller.order("asha");
        for _ in 0..16 {
            caller.pay(&session, card(CARD), false);
        }
    }
    let (session, _) = caller.order("asha");
    let body = json!({"payment_session_id": session, "payment_method": {"card": card(CARD)}});
    let reply = caller.ask("POST", "/pg/orders/sessions", &body);
    assert_eq!((reply.status, text(&reply.json()["code"])), (503, "service_timeout".to_owned()));
    other.save("bela", CARD);
}
