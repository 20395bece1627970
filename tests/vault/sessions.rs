//! Payment sessions: the rules of their document, and bad input.

mod caller;
mod input;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub use caller::{Caller, card, encrypted, refused, saved, text, wanted};

use crate::shop::{CARD, Shop, signal};

#[test]
fn a_card_that_only_the_engine_decrypts_is_paid_with_saved_and_paid_with_again() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let mut wanted = wanted();
    wanted["savePaymentMethod"] = json!(true);
    wanted.as_object_mut().unwrap().remove("expiresIn");
    let session = merchant.create(&wanted);
    assert_eq!(session["status"], "OPEN");
    assert_eq!(session["redirectUrl"], Value::Null);
    let seconds: i64 = merchant
        .database()
        .query_row("SELECT expires - created FROM session WHERE id = ?", [text(&session["id"])], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(seconds, 900);

    let confirmed = merchant.confirm(&session, &encrypted(&session, &card(CARD))).ok();
    assert_eq!(confirmed["status"], "AWAITING_AUTHENTICATION");
    assert_eq!(confirmed["encryptionKey"], Value::Null);
    assert_eq!(confirmed["payment"]["card"]["lastFour"], "1111");
    assert_eq!(merchant.authenticate(&confirmed, "111000"), "https://shop.example/paid");
    let ended = merchant.fetch(&session);
    assert_eq!((&ended["status"], &ended["payment"]["saving"]), (&json!("SUCCEEDED"), &json!("saved")));

    let methods = merchant.methods("asha");
    assert_eq!(methods.len(), 1);
    assert_eq!(methods[0]["id"], ended["payment"]["paymentMethodId"]);
    assert_eq!(
        methods[0]["card"],
        json!({"network": "visa", "lastFour": "1111", "expiryMonth": "12", "expiryYear": "2030"})
    );

    // At once, without being confirmed.
    let mut again = saved(&methods[0]["id"], &json!("123"));
    let more = again.as_object_mut().unwrap();
    more.extend(
        self::wanted().as_object().unwrap().clone().into_iter().filter(|(name, _)| name != "paymentMethod"),
    );
    more.insert("autoConfirm".to_owned(), json!(true));
    let begun = merchant.create(&again);
    assert_eq!(
        (&begun["status"], &begun["encryptionKey"]),
        (&json!("AWAITING_AUTHENTICATION"), &Value::Null)
    );
    assert_eq!(merchant.authenticate(&begun, "000000"), "https://shop.example/failed");
    assert_eq!(merchant.fetch(&begun)["status"], "FAILED");
    let begun = merchant.create(&again);
    assert_eq!(merchant.authenticate(&begun, "111000"), "https://shop.example/paid");
    assert_eq!(merchant.fetch(&begun)["status"], "SUCCEEDED");
}

/// R001-1.
#[test]
fn a_key_is_only_for_a_card_that_is_confirmed_from_the_merchants_page() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let mut keys = Vec::new();
    for (mode, auto, kind, status, has) in [
        ("API", json!(false), "CARD", 201, true),
        ("API", json!(false), "CARD", 201, true),
        ("API", json!(false), "E_WALLET", 201, false),
        ("API", json!(false), "", 201, false),
        ("API", json!(true), "E_WALLET", 201, false),
        ("API", json!(true), "CARD", 400, false),
        ("API", Value::Null, "CARD", 400, false),
        ("REDIRECT", json!(true), "CARD", 201, false),
        ("REDIRECT", json!(true), "", 201, false),
        ("REDIRECT", json!(false), "CARD", 400, false),
    ] {
        let mut wanted = wanted();
        (wanted["mode"], wanted["autoConfirm"]) = (json!(mode), auto.clone());
        wanted["paymentMethod"] = if kind.is_empty() { Value::Null } else { json!({"type": kind}) };
        let reply = merchant.post("/sessions", &wanted);
        assert_eq!(reply.status, status, "{mode} {auto} {kind}: {}", reply.body);
        if status == 201 {
            let session = reply.json();
            for shown in [&session, &merchant.fetch(&session)] {
                assert_eq!(shown["encryptionKey"].is_string(), has, "{mode} {auto} {kind}");
                assert_eq!(shown["encryptionAlgorithm"].is_string(), has, "{mode} {auto} {kind}");
            }
            keys.extend(session["encryptionKey"].as_str().map(str::to_owned));
        }
    }
    assert_ne!(keys[0], keys[1], "a key is one session's");
}

/// R001-2.
#[test]
fn an_expired_session_is_not_confirmed_and_its_key_is_gone() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let session = merchant.create(&wanted());
    let body = encrypted(&session, &card(CARD));
    merchant.expire(&session);
    assert_eq!(refused(&merchant.confirm(&session, &body), 409), "session_expired");
    let shown = merchant.fetch(&session);
    assert_eq!((&shown["status"], &shown["encryptionKey"]), (&json!("EXPIRED"), &Value::Null));
    key_goes(&merchant, &session);
    // Even if the window were open again.
    let later = "UPDATE session SET expires = created + 900 WHERE id = ?";
    merchant.database().execute(later, [text(&session["id"])]).unwrap();
    assert_eq!(refused(&merchant.confirm(&session, &body), 409), "no_key");
    let another = merchant.fetch(&session);
    assert_ne!(another["encryptionKey"], session["encryptionKey"]);
    assert_eq!(refused(&merchant.confirm(&session, &body), 422), "card_refused");
    assert_eq!(merchant.confirm(&session, &encrypted(&another, &card(CARD))).status, 200);
}

/// Waits for the sweep.
fn key_goes(merchant: &Caller<'_>, session: &Value) {
    let end = Instant::now() + Duration::from_secs(120);
    let there = "SELECT count(*) FROM session WHERE id = ? AND entry IS NOT NULL";
    while merchant.database().query_row(there, [text(&session["id"])], |row| row.get::<_, i64>(0)).unwrap()
        > 0
    {
        assert!(Instant::now() < end, "the key stays");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_session_is_confirmed_once_however_many_try() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let session = merchant.create(&wanted());
    let bodies: Vec<_> = (0..8).map(|_| encrypted(&session, &card(CARD))).collect();
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let tries: Vec<_> =
            bodies.iter().map(|body| scope.spawn(|| merchant.confirm(&session, body).status)).collect();
        tries.into_iter().map(|tried| tried.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    let count = |table: &str| -> i64 {
        merchant.database().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count("payment"), 1);
    assert_eq!(refused(&merchant.confirm(&session, &bodies[0]), 409), "session_confirmed");
    let wallet = json!({"paymentMethod": {"type": "E_WALLET"}});
    assert_eq!(refused(&merchant.confirm(&session, &wallet), 409), "session_confirmed");

    // Without a key in between, too: several wallets at once.
    let mut wanted = wanted();
    wanted["paymentMethod"] = Value::Null;
    let session = merchant.create(&wanted);
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let tries: Vec<_> =
            (0..8).map(|_| scope.spawn(|| merchant.confirm(&session, &wallet).status)).collect();
        tries.into_iter().map(|tried| tried.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(count("payment"), 2);
}

/// R001-3 and R001-4.
#[test]
fn a_card_is_saved_when_it_is_charged_and_the_flag_came_at_either_time() {
    for (number, at_create, at_confirm, otp, status, is_saved) in [
        (CARD, Some(true), None, "111000", "SUCCEEDED", true),
        (CARD, None, Some(true), "111000", "SUCCEEDED", true),
        (CARD, Some(true), Some(false), "111000", "SUCCEEDED", false),
        (CARD, None, None, "111000", "SUCCEEDED", false),
        (CARD, Some(true), Some(true), "111001", "FAILED", false),
        ("4000000000000002", Some(true), None, "111000", "FAILED", false),
        ("4000000000000119", None, Some(true), "111000", "FAILED", false),
        ("4000000000000259", Some(true), None, "111000", "SUCCEEDED", false),
    ] {
        // One vault each: nothing may be saved before.
        let shop = Shop::open();
        let merchant = Caller::of(&shop, 0);
        let ended = merchant.pay(number, at_create, at_confirm, otp);
        assert_eq!(ended["status"], status, "{number}");
        assert_eq!(
            merchant.methods("asha").len(),
            usize::from(is_saved),
            "{number} {at_create:?} {at_confirm:?}"
        );
        assert_eq!(ended["payment"]["paymentMethodId"].is_string(), is_saved);
    }
}

/// R001-5.
#[test]
fn the_verification_value_is_asked_for_each_time_and_kept_never() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let ended = merchant.pay(CARD, Some(true), None, "111000");
    let id = &ended["payment"]["paymentMethodId"];
    let session = merchant.create(&wanted());
    for cvc in [Value::Null, json!(""), json!("12"), json!("1234")] {
        assert_eq!(refused(&merchant.confirm(&session, &saved(id, &cvc)), 422), "cvc_invalid", "{cvc}");
    }
    for cvc in [json!("12345"), json!("12a"), json!(123)] {
        assert_eq!(refused(&merchant.confirm(&session, &saved(id, &cvc)), 400), "field_invalid", "{cvc}");
    }
    assert_eq!(merchant.fetch(&session)["status"], "OPEN");
    // With the card itself, too; the key is used up by it, and there is another one.
    let mut bare = card(CARD);
    bare.as_object_mut().unwrap().remove("cvc");
    assert_eq!(refused(&merchant.confirm(&session, &encrypted(&session, &bare)), 422), "cvc_invalid");
    let another = merchant.fetch(&session);
    assert_ne!(another["encryptionKey"], session["encryptionKey"]);
    assert_eq!(merchant.confirm(&session, &saved(id, &json!("987"))).status, 200);
    let dump = std::fs::read(shop.database()).unwrap();
    assert!(!dump.windows(5).any(|bytes| bytes == b"\"987\""));
}

/// Also where nothing is paid with it yet, or at all.
#[test]
fn a_card_in_clear_is_refused_wherever_it_comes() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let mut redirect = wanted();
    redirect["mode"] = json!("REDIRECT");
    redirect["autoConfirm"] = json!(true);
    for name in ["successUrl", "failureUrl", "expiredUrl"] {
        redirect["redirect"][name] = json!("https://shop.example.com");
    }
    let mut wallet = redirect.clone();
    wallet["mode"] = json!("API");
    wallet["paymentMethod"]["type"] = json!("E_WALLET");
    for wanted in [wanted(), redirect, wallet] {
        assert_eq!(merchant.ask("POST", "/sessions", &wanted, None).status, 201);
        for (method, options) in [
            (json!({"number": CARD}), Value::Null),
            (json!({"encryptedCard": "bm8="}), Value::Null),
            (Value::Null, json!({"cvc": "12x"})),
        ] {
            let mut wanted = wanted.clone();
            wanted["paymentMethod"]["card"] = method;
            wanted["paymentMethodOptions"]["card"] = options;
            assert_eq!(refused(&merchant.ask("POST", "/sessions", &wanted, None), 400), "field_invalid");
        }
    }
}

#[test]
fn what_is_anothers_is_not_there() {
    let shop = Shop::open();
    let (one, other) = (Caller::of(&shop, 0), Caller::of(&shop, 1));
    let id = one.pay(CARD, Some(true), None, "111000")["payment"]["paymentMethodId"].clone();
    let session = one.create(&wanted());
    let path = format!("/sessions/{}", text(&session["id"]));
    let body = encrypted(&session, &card(CARD));
    for (method, path, body) in [
        ("GET", path.clone(), &Value::Null),
        ("POST", format!("{path}/confirm"), &body),
        ("POST", format!("{path}/cancel"), &Value::Null),
        ("GET", "/sessions/customers/asha".to_owned(), &Value::Null),
    ] {
        let theirs = other.ask(method, &path, body, None);
        let nobodys = other.ask(method, &path.replace("ses_", "ses_0").replace("asha", "nobody"), body, None);
        assert_eq!(refused(&theirs, 404), "not_found");
        assert_eq!(theirs.body, nobodys.body);
    }
    assert_eq!(one.fetch(&session)["status"], "OPEN");
    // The same merchant's other customer, and the other merchant's customer of that name.
    let mut meera = wanted();
    meera["customer"] = json!({"id": "meera"});
    for (merchant, wanted) in [(&one, &meera), (&other, &wanted())] {
        let session = merchant.create(wanted);
        let theirs = merchant.confirm(&session, &saved(&id, &json!("123")));
        let nobodys = merchant.confirm(&session, &saved(&json!("none"), &json!("123")));
        assert_eq!(refused(&theirs, 404), "not_found");
        assert_eq!(theirs.body, nobodys.body);
    }
    let mut nobody = wanted();
    nobody["customer"] = Value::Null;
    let session = one.create(&nobody);
    assert_eq!(refused(&one.confirm(&session, &saved(&id, &json!("123"))), 404), "not_found");
}

#[test]
fn a_repeated_request_is_done_once_and_another_one_is_refused() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let create = |body: &Value| merchant.ask("POST", "/sessions", body, Some("create-1"));
    let first = create(&wanted());
    assert_eq!(first.status, 201);
    assert_eq!(create(&wanted()).body, first.body);
    let mut other = wanted();
    other["orderInformation"]["amount"] = json!(100.51);
    assert_eq!(refused(&create(&other), 409), "idempotency_key_reused");
    let session = first.json();
    let path = format!("/sessions/{}/confirm", text(&session["id"]));
    let confirm = |body: &Value| merchant.ask("POST", &path, body, Some("confirm-1"));
    let body = encrypted(&session, &card(CARD));
    let confirmed = confirm(&body);
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    assert_eq!(confirm(&body).body, confirmed.body);
    assert_eq!(refused(&confirm(&encrypted(&session, &card(CARD))), 409), "idempotency_key_reused");
    // The other merchant's key of the same name is another one.
    assert_eq!(Caller::of(&shop, 1).ask("POST", "/sessions", &other, Some("create-1")).status, 201);
    for key in ["", " ", &"k".repeat(65)] {
        let reply = merchant.ask("POST", "/sessions", &wanted(), Some(key));
        assert_eq!(refused(&reply, 400), "idempotency_key_invalid");
    }
}

#[test]
fn a_session_that_is_given_up_has_no_key_and_no_payment() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let session = merchant.create(&wanted());
    let path = format!("/sessions/{}/cancel", text(&session["id"]));
    for _ in 0..2 {
        let cancelled = merchant.post(&path, &Value::Null).ok();
        assert_eq!((&cancelled["status"], &cancelled["encryptionKey"]), (&json!("FAILED"), &Value::Null));
    }
    key_goes(&merchant, &session);
    let body = encrypted(&session, &card(CARD));
    assert_eq!(refused(&merchant.confirm(&session, &body), 409), "session_cancelled");
    let confirmed = merchant.create(&wanted());
    assert_eq!(merchant.confirm(&confirmed, &encrypted(&confirmed, &card(CARD))).status, 200);
    let path = format!("/sessions/{}/cancel", text(&confirmed["id"]));
    assert_eq!(refused(&merchant.post(&path, &Value::Null), 409), "session_confirmed");
}

#[test]
fn a_wallet_is_approved_declined_and_saved() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let mut wanted = wanted();
    (wanted["autoConfirm"], wanted["savePaymentMethod"]) = (json!(true), json!(true));
    wanted["paymentMethod"] = json!({"type": "E_WALLET"});
    for (form, place, status, count) in [
        ("action=cancel", "https://shop.example/failed", "FAILED", 0),
        ("action=approve", "https://shop.example/paid", "SUCCEEDED", 1),
    ] {
        let session = merchant.create(&wanted);
        // A one-time password is no approval.
        assert_eq!(merchant.at_bank(&session, "action=confirm&otp=111000"), "");
        assert_eq!(merchant.at_bank(&session, form), place);
        assert_eq!(merchant.fetch(&session)["status"], status);
        assert_eq!(merchant.methods("asha").len(), count);
    }
    let method = merchant.methods("asha").remove(0);
    assert_eq!((&method["type"], &method["card"]), (&json!("E_WALLET"), &Value::Null));
    wanted["paymentMethod"] = json!({"type": "E_WALLET", "eWallet": {"paymentMethodId": method["id"]}});
    let session = merchant.create(&wanted);
    merchant.at_bank(&session, "action=approve");
    assert_eq!(merchant.fetch(&session)["payment"]["type"], "E_WALLET");
    assert_eq!(merchant.methods("asha").len(), 1);
    wanted["customer"] = json!({"id": "meera"});
    assert_eq!(refused(&merchant.post("/sessions", &wanted), 404), "not_found");
}

#[test]
fn an_order_is_paid_once_in_however_many_sessions() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let mut wanted = wanted();
    wanted["orderInformation"]["orderId"] = json!("order-7");
    let sessions = [merchant.create(&wanted), merchant.create(&wanted)];
    let confirmed =
        sessions.map(|session| merchant.confirm(&session, &encrypted(&session, &card(CARD))).ok());
    merchant.authenticate(&confirmed[0], "111000");
    merchant.authenticate(&confirmed[1], "111000");
    assert_eq!(confirmed.map(|session| text(&merchant.fetch(&session)["status"])), ["SUCCEEDED", "FAILED"]);
    assert_eq!(refused(&merchant.post("/sessions", &wanted), 409), "order_paid");
    wanted["orderInformation"]["orderId"] = json!("order-8");
    merchant.create(&wanted);
    wanted["orderInformation"]["amount"] = json!(1);
    assert_eq!(refused(&merchant.post("/sessions", &wanted), 409), "order_differs");
}

#[test]
fn an_engine_that_is_gone_is_told_as_such() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let session = merchant.create(&wanted());
    let body = encrypted(&session, &card(CARD));
    signal(shop.engine_pid(), "KILL");
    assert_eq!(refused(&merchant.post("/sessions", &wanted()), 503), "engine_timeout");
    assert_eq!(refused(&merchant.confirm(&session, &body), 503), "engine_timeout");
}
