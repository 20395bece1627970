//! Bad input: each field in each way in which it can be wrong.

use serde_json::{Value, json};

use super::{Caller, card, encrypted, refused, saved, text, wanted};
use crate::shop::{CARD, Shop};

/// A field by its path.
fn place<'v>(body: &'v mut Value, path: &str) -> &'v mut Value {
    path.split('.').fold(body, |value, name| &mut value[name])
}

fn rows(merchant: &Caller<'_>) -> Vec<i64> {
    ["session", "payment", "\"order\"", "customer", "instrument", "wallet"]
        .iter()
        .map(|table| {
            let count = format!("SELECT count(*) FROM {table}");
            merchant.database().query_row(&count, [], |row| row.get(0)).unwrap()
        })
        .collect()
}

/// What no field takes. `null` and an empty text are none, which some fields may be.
fn wrong() -> Vec<Value> {
    vec![
        json!([]),
        json!({"a": 1}),
        json!("x".repeat(5000)),
        json!("a\u{0}b"),
        json!(-1),
        json!(1e300),
        json!("\u{202e}\n"),
    ]
}

#[test]
fn each_field_of_a_session_is_refused_when_it_is_wrong_and_nothing_is_made() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    merchant.create(&wanted());
    let before = rows(&merchant);
    let mut full = wanted();
    full["orderInformation"]["orderId"] = json!("order-1");
    let refuse = |path: &str, value: Value| {
        let mut body = full.clone();
        *place(&mut body, path) = value.clone();
        let reply = merchant.post("/sessions", &body);
        assert!((400..500).contains(&reply.status), "{path}: {value} gives {}: {}", reply.status, reply.body);
        let code = refused(&reply, reply.status);
        assert!(code.starts_with("field_"), "{path}: {value}: {code}");
        let field = text(&reply.json()["error"]["field"]);
        assert!(path.starts_with(&field) || field.starts_with(path), "{path}: {field}");
    };
    let fields = [
        "mode",
        "autoConfirm",
        "paymentMethod",
        "paymentMethod.type",
        "customer",
        "customer.id",
        "customer.name",
        "customer.email",
        "customer.phone",
        "orderInformation",
        "orderInformation.orderId",
        "orderInformation.amount",
        "orderInformation.currency",
        "orderInformation.description",
        "redirect",
        "redirect.successUrl",
        "redirect.failureUrl",
        "redirect.expiredUrl",
        "expiresIn",
        "savePaymentMethod",
        "showSavedPaymentMethods",
    ];
    for path in fields {
        for value in wrong() {
            let is_object = ["paymentMethod", "customer", "orderInformation", "redirect"].contains(&path);
            // An unknown member is passed over, and all members of this one may be missing.
            if !(is_object && value.is_object() && path == "redirect") {
                refuse(path, value);
            }
        }
    }
    for path in [
        "mode",
        "paymentMethod.type",
        "customer.id",
        "orderInformation",
        "orderInformation.amount",
        "orderInformation.currency",
    ] {
        refuse(path, Value::Null);
    }
    for path in
        ["mode", "paymentMethod.type", "customer.id", "orderInformation.currency", "orderInformation.amount"]
    {
        refuse(path, json!(""));
    }
    for (path, value) in [
        ("mode", json!("redirect")),
        ("paymentMethod.type", json!("UPI")),
        ("expiresIn", json!(59)),
        ("expiresIn", json!(86_401)),
        ("orderInformation.amount", json!(0)),
        ("orderInformation.amount", json!(1.234)),
        ("orderInformation.currency", json!("XXX")),
        ("redirect.successUrl", json!("javascript:alert(1)")),
        ("redirect.failureUrl", json!("//shop.example")),
        ("redirect.expiredUrl", json!("https://shop.example/a b")),
        ("customer.id", json!("a b")),
        ("customer.id", json!("a".repeat(65))),
        ("customer.phone", json!("12-34")),
        ("savePaymentMethod", json!("perhaps")),
    ] {
        refuse(path, value);
    }
    // On our page the customer is to be sent on.
    full["mode"] = json!("REDIRECT");
    full["autoConfirm"] = json!(true);
    for path in ["redirect.successUrl", "redirect.failureUrl", "redirect.expiredUrl"] {
        for value in [Value::Null, json!("")] {
            let mut body = full.clone();
            *place(&mut body, path) = value;
            assert!(refused(&merchant.post("/sessions", &body), 400).starts_with("field_"), "{path}");
        }
    }
    // To save, it must be known for whom.
    full["customer"] = Value::Null;
    full["savePaymentMethod"] = json!(true);
    assert_eq!(refused(&merchant.post("/sessions", &full), 400), "field_missing");
    assert_eq!(rows(&merchant), before);
}

#[test]
fn each_field_of_a_confirmation_is_refused_when_it_is_wrong_and_nothing_is_begun() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let session = merchant.create(&wanted());
    let before = rows(&merchant);
    let good = encrypted(&session, &card(CARD));
    let by_id = saved(&json!("4d2b7c1e-0000-4000-8000-000000000000"), &json!("123"));
    let refuse = |body: &Value, what: &str| {
        let reply = merchant.confirm(&session, body);
        assert!((400..500).contains(&reply.status), "{what} gives {}: {}", reply.status, reply.body);
        refused(&reply, reply.status);
        assert!(!reply.body.contains("4111"), "{}", reply.body);
    };
    for (body, fields) in [
        (
            &good,
            [
                "paymentMethod",
                "paymentMethod.type",
                "paymentMethod.card",
                "paymentMethod.card.encryptedCard",
                "savePaymentMethod",
            ],
        ),
        (
            &by_id,
            [
                "paymentMethod.card.paymentMethodId",
                "paymentMethodOptions",
                "paymentMethodOptions.card",
                "paymentMethodOptions.card.cvc",
                "paymentMethod",
            ],
        ),
    ] {
        for path in fields {
            let mut values = wrong();
            if path != "savePaymentMethod" {
                values.extend([Value::Null, json!("")]);
            }
            for value in values {
                let mut wrong = body.clone();
                *place(&mut wrong, path) = value.clone();
                refuse(&wrong, &format!("{path} = {value}"));
            }
        }
    }
    // A card in clear is not passed over.
    for card in
        [card(CARD), json!({"encryptedCard": good["paymentMethod"]["card"]["encryptedCard"], "number": CARD})]
    {
        let body = json!({"paymentMethod": {"type": "CARD", "card": card}});
        assert_eq!(refused(&merchant.confirm(&session, &body), 400), "field_invalid");
    }
    // Both at once, and what is no ciphertext.
    let mut both = good.clone();
    both["paymentMethod"]["card"]["paymentMethodId"] = json!("x");
    refuse(&both, "both");
    for encrypted in ["QUJD".to_owned(), "A".repeat(344), "A".repeat(343)] {
        let body = json!({"paymentMethod": {"type": "CARD", "card": {"encryptedCard": encrypted}}});
        refuse(&body, "no ciphertext");
    }
    assert_eq!(rows(&merchant), before);
    assert_eq!(merchant.fetch(&session)["status"], "OPEN");
    assert_eq!(merchant.confirm(&session, &good).status, 200);
}

#[test]
fn a_card_that_is_none_is_refused_without_saying_why_and_five_of_them_use_the_key_up() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let session = merchant.create(&wanted());
    let mut bad: Vec<Value> = (0..4).map(|_| card(CARD)).collect();
    bad[0]["number"] = json!("4111111111111112");
    bad[1]["expiryMonth"] = json!("13");
    bad[2]["cvc"] = json!("12");
    bad[3]["more"] = json!("x");
    let mut bodies: Vec<Value> = bad.iter().map(|card| encrypted(&session, card)).collect();
    let other = merchant.create(&wanted());
    bodies.push(encrypted(&other, &card(CARD)));
    let replies: Vec<String> = bodies
        .iter()
        .map(|body| {
            let reply = merchant.confirm(&session, body);
            assert_eq!(refused(&reply, 422), "card_refused");
            reply.body
        })
        .collect();
    assert!(replies.iter().all(|reply| *reply == replies[0]));
    let good = encrypted(&session, &card(CARD));
    assert_eq!(refused(&merchant.confirm(&session, &good), 409), "key_gone");
    let another = merchant.fetch(&session);
    assert_eq!(merchant.confirm(&session, &encrypted(&another, &card(CARD))).status, 200);
    // One that has expired is told, since that is no secret to who holds it.
    let mut old = card(CARD);
    old["expiryYear"] = json!("20");
    assert_eq!(refused(&merchant.confirm(&other, &encrypted(&other, &old)), 422), "card_expired");
}

#[test]
fn who_is_not_known_is_told_nothing_and_each_wrong_request_has_the_apis_shape() {
    let shop = Shop::open();
    let (id, secret) = shop.credential(0, "sessions");
    let (_, others) = shop.credential(1, "sessions");
    let basic = |user: &str, password: &str| {
        format!("Basic {}", data_encoding::BASE64.encode(format!("{user}:{password}").as_bytes()))
    };
    let mut bodies = Vec::new();
    for header in [
        basic(id, others),
        basic(id, ""),
        basic("", secret),
        basic("nobody", secret),
        basic("", ""),
        "Bearer x".to_owned(),
    ] {
        for (method, path) in [
            ("POST", "/sessions"),
            ("GET", "/sessions/x"),
            ("POST", "/sessions/x/confirm"),
            ("POST", "/sessions/x/cancel"),
            ("GET", "/sessions/customers/asha"),
        ] {
            let reply = shop.ask(method, path, &[("authorization", &header)], b"{}");
            assert_eq!(refused(&reply, 401), "unauthorized");
            assert!(reply.header("www-authenticate").is_some());
            bodies.push(reply.body);
        }
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    let header = basic(id, secret);
    for (method, path, body, status, code) in [
        ("GET", "/sessions", "", 405, "method_not_allowed"),
        ("DELETE", "/sessions/x", "", 405, "method_not_allowed"),
        ("GET", "/sessions/x/y/z", "", 404, "not_found"),
        ("POST", "/sessions", "", 400, "field_missing"),
        ("POST", "/sessions", "[]", 400, "request_malformed"),
        ("POST", "/sessions", "{", 400, "request_malformed"),
        ("POST", "/sessions", r#"{"mode":"API","mode":"API"}"#, 400, "request_malformed"),
    ] {
        let reply = shop.ask(method, path, &[("authorization", &header)], body.as_bytes());
        assert_eq!(refused(&reply, status), code, "{method} {path} {body}");
    }
    let large = vec![b' '; 70_000];
    assert_eq!(
        refused(&shop.ask("POST", "/sessions", &[("authorization", &header)], &large), 413),
        "body_too_large"
    );
}
