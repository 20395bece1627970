//! Razorpay's API: the life of a token, its rules, and bad input.

mod caller;

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub use caller::{Caller, DATA, KEY, card, payment_of, refused, shaped, token_card, token_of};

use crate::cashfree::{pointers, text, wrongs};
use crate::shop::{CARD, Shop, signal};

const MASTERCARD: &str = "5555555555554444";
const RUPAY: &str = "6074820000000007";

#[test]
fn a_card_is_saved_shown_paid_with_and_deleted() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
    let paid = caller.pay(10_000, json!({"card": card(CARD), "customer_id": customer, "save": 1}));
    assert_eq!((&paid["status"], &paid["captured"]), (&json!("captured"), &json!(true)));
    assert_eq!(paid["card"]["last4"], "1111");
    let [token] = &caller.tokens(&customer)[..] else { panic!("not one token") };
    assert_eq!(paid["token_id"], token["id"]);
    for found in [
        caller.post("/v1/tokens/fetch", &json!({"id": token["id"]})),
        caller.get(&format!("/v1/customers/{customer}/tokens/{}", text(&token["id"]))),
    ] {
        assert_eq!(&found.ok(), token);
    }
    for card in [json!({}), json!({"cvv": null}), json!({"cvv": ""}), json!({"cvv": "123"})] {
        let paid = caller.pay(10_000, json!({"token": token["id"], "card": card}));
        assert_eq!((&paid["status"], &paid["token_id"]), (&json!("captured"), &token["id"]));
    }
    let held = caller.data(token, None);
    let named = json!({"id": token["id"]});
    assert_eq!(caller.post("/v1/tokens/delete", &named).ok(), json!([]));
    assert!(caller.tokens(&customer).is_empty());
    let pay = payment_of(&caller.order(10_000), 10_000, json!({"token": token["id"], "card": {}}));
    let spt = json!({"id": token["service_provider_tokens"][0]["id"]});
    for (path, body) in [
        ("/v1/tokens/fetch", &named),
        ("/v1/tokens/delete", &named),
        (DATA, &spt),
        ("/v1/payments/create/json", &pay),
    ] {
        assert_eq!(refused(&caller.post(path, body))["description"], "The id provided does not exist");
    }
    // A cryptogram that was fetched before pays no more.
    assert_eq!(caller.pay(10_000, json!({"card": token_card(&held)}))["error_reason"], "token_deactivated");
}

/// Every field of S003, and what client libraries look at.
#[test]
fn a_token_says_what_it_is() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
    let mut ids = BTreeSet::new();
    for (number, network) in [(CARD, "Visa"), (MASTERCARD, "MasterCard"), (RUPAY, "RuPay")] {
        let token = caller.tokenise(&customer, number);
        let data = caller.data(&token, None);
        let (id, number) = (text(&token["id"]), text(&data["token_number"]));
        let tag = id.strip_prefix("token_").unwrap();
        assert!(tag.len() == 14 && tag.bytes().all(|c| c.is_ascii_alphanumeric()));
        assert!(ids.insert(id.clone()));
        let spt = token["service_provider_tokens"][0].clone();
        let expected = json!({
            "id": id, "entity": "token", "customer_id": customer, "method": "card",
            "card": {"entity": "card", "name": "Asha Rao", "last4": &number[12..], "network": network,
                "type": "debit", "issuer": "HDFC", "international": false, "emi": false,
                "sub_type": "consumer", "token_iin": &number[..9]},
            "compliant_with_tokenisation_guidelines": true,
            // The last second of December 2030.
            "expired_at": 1_924_991_999,
            "status": "active", "status_reason": null, "notes": {"note_key": "Beam me up"},
            "service_provider_tokens": [{
                "id": format!("spt_{tag}"), "entity": "service_provider_token", "provider_type": "network",
                "provider_name": network, "interoperable": true, "status": "active", "status_reason": null,
                "provider_data": {
                    "token_reference_number": spt["provider_data"]["token_reference_number"],
                    "payment_account_reference": spt["provider_data"]["payment_account_reference"],
                    "token_iin": &number[..9], "token_expiry_month": 12, "token_expiry_year": 2030},
            }],
        });
        assert_eq!(token, expected);
        assert_eq!(text(&spt["provider_data"]["payment_account_reference"]).len(), 29);
        assert_eq!(text(&spt["provider_data"]["token_reference_number"]).len(), 36);
        assert_eq!(
            data,
            json!({"token_number": number, "cryptogram_value": data["cryptogram_value"], "cvv": null,
                "token_expiry_month": 12, "token_expiry_year": 2030,
                "card": {"number": number, "expiry_month": "12", "expiry_year": 2030,
                    "cryptogram_value": data["cryptogram_value"]}})
        );
        assert_eq!(text(&data["cryptogram_value"]).len(), 28);
    }
    // An identical card is another token (R003-2), with spaces or without (R003-7), and
    // a year of two digits or four (R003-8).
    let mut spaced = token_of(&customer, "4111 1111 1111 1111");
    spaced["card"]["expiry_year"] = "2030".into();
    let (one, two) = (caller.tokenise(&customer, CARD), caller.post("/v1/tokens", &spaced).ok());
    assert_ne!(one["id"], two["id"]);
    let par = "/service_provider_tokens/0/provider_data/payment_account_reference";
    assert_eq!(one.pointer(par), two.pointer(par));
    assert_eq!(caller.tokens(&customer).len(), 5);
    // A customer may be left out.
    let mut alone = token_of(&customer, CARD);
    alone.as_object_mut().unwrap().remove("customer_id");
    assert_eq!(caller.post("/v1/tokens", &alone).ok()["customer_id"], Value::Null);
    assert_eq!(caller.tokens(&customer).len(), 5);
}

/// The overall status over all providers, and its reason.
#[test]
fn the_status_is_that_of_all_providers_together() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
    for (number, overall, reason, each) in [
        (CARD, "active", json!(null), &["active"][..]),
        ("4000000000000432", "active", json!(null), &["active", "suspended"][..]),
        ("4000000000000341", "suspended", json!(null), &["suspended"][..]),
        ("4000000000000523", "deactivated", json!("expired"), &["deactivated"][..]),
        ("4000000000000614", "initiated", json!(null), &[][..]),
    ] {
        let token = caller.tokenise(&customer, number);
        assert_eq!((&token["status"], &token["status_reason"]), (&json!(overall), &reason), "{number}");
        assert_eq!(token["compliant_with_tokenisation_guidelines"], overall != "initiated");
        let at: Vec<_> = token["service_provider_tokens"].as_array().unwrap().clone();
        let found: Vec<_> = at.iter().map(|at| text(&at["status"])).collect();
        assert_eq!(found, each, "{number}");
        for at in &at {
            let is_over = at["status"] == "deactivated";
            assert_eq!(at["status_reason"], if is_over { json!("expired") } else { json!(null) });
            // Each stands for itself: only where it is active it has cryptograms.
            let reply = caller.post(DATA, &json!({"id": at["id"]}));
            if at["status"] == "active" {
                reply.ok();
            } else {
                let reason = format!("token_{}", text(&at["status"]));
                assert_eq!(refused(&reply)["reason"], reason);
            }
        }
        let how = json!({"token": token["id"], "card": {}});
        if overall == "active" {
            assert_eq!(caller.pay(10_000, how)["status"], "captured");
        } else {
            let body = payment_of(&caller.order(10_000), 10_000, how);
            let error = refused(&caller.post("/v1/payments/create/json", &body));
            assert_eq!(error["description"], format!("The token is {overall}"));
            assert_eq!(error["step"], "payment_initiation");
        }
    }
    assert_eq!(caller.tokens(&customer).len(), 5);
}

/// Consent, a second factor, a payment, and only then a token (R003-1, R003-11).
#[test]
fn nothing_is_saved_without_consent_second_factor_and_payment() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
    for (number, save, outcome, reason) in [
        (CARD, json!(false), "success", json!(null)),
        (CARD, json!(null), "success", json!(null)),
        (CARD, json!(true), "failure", json!("authentication_failed")),
        ("4000000000000002", json!("1"), "success", json!("card_declined")),
        ("4000000000000119", json!(1), "success", json!("issuer_timed_out")),
        // Paid, but the token service provider gave no answer.
        ("4000000000000259", json!(1), "success", json!(null)),
    ] {
        let how = json!({"card": card(number), "customer_id": customer, "save": save});
        let paid = caller.pay_with(10_000, how, outcome);
        assert_eq!(paid["status"], if reason.is_null() { "captured" } else { "failed" }, "{number}");
        assert_eq!((&paid["error_reason"], &paid["token_id"]), (&reason, &json!(null)));
        for name in ["error_code", "error_description", "error_source", "error_step"] {
            assert_eq!(paid[name].is_string(), !reason.is_null(), "{name}");
        }
        assert!(caller.tokens(&customer).is_empty());
        // What has ended stays so.
        let path = format!("/v1/payments/{}", text(&paid["id"]));
        let again = shop.ask("GET", &format!("{path}/authenticate"), &[], b"").ok();
        assert_eq!(again["status"], paid["status"]);
        assert_eq!(caller.get(&path).ok(), paid);
    }
    assert_eq!(crate::cashfree::engine_tokens(&shop), 0, "a failed payment provisioned something");
    for save in [json!(true), json!(1), json!("1")] {
        let how = json!({"card": card(CARD), "customer_id": customer, "save": save});
        assert_eq!(caller.pay(10_000, how)["status"], "captured");
    }
    assert_eq!(caller.tokens(&customer).len(), 3);
    let body = payment_of(&caller.order(10_000), 10_000, json!({"card": card(CARD), "save": 1}));
    assert_eq!(refused(&caller.post("/v1/payments/create/json", &body))["field"], "customer_id");
}

/// Whoever comes by browser is sent to the page that asks.
#[test]
fn a_browser_is_sent_on_and_decides_nothing_by_it() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let body = payment_of(&caller.order(10_000), 10_000, json!({"card": card(CARD)}));
    let id = text(&caller.post("/v1/payments/create/json", &body).ok()["razorpay_payment_id"]);
    let path = format!("/v1/payments/{id}/authenticate");
    let accept = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let reply = shop.ask("GET", &path, &accept, b"");
    assert_eq!(reply.status, 303);
    assert_eq!(reply.header("location"), Some(format!("http://{}/acs/{id}", shop.address).as_str()));
    assert_eq!(caller.get(&format!("/v1/payments/{id}")).ok()["status"], "created");
    refused(&shop.ask("GET", &format!("{path}?outcome=perhaps"), &[], b""));
    refused(&shop.ask("GET", "/v1/payments/pay_00000000000000/authenticate", &[], b""));
    let accept = [("accept", "application/json")];
    assert_eq!(shop.ask("GET", &path, &accept, b"").ok(), json!({"status": "captured"}));
}

/// A cryptogram pays once, and the amount that it is bound to.
#[test]
fn anothers_token_pays_with_its_cryptogram_once() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
    let token = caller.tokenise(&customer, CARD);
    let data = caller.data(&token, None);
    assert_ne!(data["cryptogram_value"], caller.data(&token, None)["cryptogram_value"]);
    let mut by_other_name = token_card(&data);
    by_other_name["tokenised"] = json!(false);
    by_other_name["tokenised_card"] = json!("true");
    let paid = caller.pay(10_000, json!({"card": by_other_name}));
    assert_eq!((&paid["status"], &paid["card"]["last4"]), (&json!("captured"), &json!(null)));
    let paid = caller.pay(10_000, json!({"card": token_card(&data)}));
    assert_eq!(paid["error_reason"], "cryptogram_refused");
    // Spaces, and a verification value or none (R003-4).
    for cvv in [json!(null), json!(""), json!("123")] {
        let mut card = token_card(&caller.data(&token, None));
        let number = text(&card["number"]);
        card["number"] = format!("{} {}", &number[..4], &number[4..]).into();
        card["cvv"] = cvv;
        assert_eq!(caller.pay(10_000, json!({"card": card}))["status"], "captured");
    }
    for (amount, status) in [(10_050, "captured"), (9_950, "failed")] {
        let card = token_card(&caller.data(&token, Some(10_050)));
        assert_eq!(caller.pay(amount, json!({"card": card}))["status"], status);
    }
    // The number of no token, with a cryptogram of one.
    let mut card = token_card(&caller.data(&token, None));
    card["number"] = "4895371564152630".into();
    assert_eq!(caller.pay(10_000, json!({"card": card}))["error_reason"], "token_unknown");
}

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
    assert_eq!(crate::cashfree::engine_tokens(&shop), 1);
}

/// What is another's is not there.
#[test]
fn nobody_sees_what_is_anothers() {
    let shop = Shop::open();
    let (caller, other) = (Caller::of(&shop, 0), Caller::of(&shop, 1));
    let (customer, bela) = (caller.customer("asha"), caller.customer("bela"));
    let token = caller.tokenise(&customer, CARD);
    let (id, spt) = (text(&token["id"]), text(&token["service_provider_tokens"][0]["id"]));
    let order = caller.order(10_000);
    let unknown = |reply: &crate::http::Reply| {
        let error = refused(reply);
        assert_eq!((reply.status, &error["description"]), (400, &json!("The id provided does not exist")));
    };
    let payment = caller.pay(10_000, json!({"card": card(CARD)}));
    for path in [
        format!("/v1/customers/{customer}"),
        format!("/v1/customers/{customer}/tokens"),
        format!("/v1/customers/{customer}/tokens/{id}"),
        format!("/v1/orders/{order}"),
        format!("/v1/orders/{order}/payments"),
        format!("/v1/payments/{}", text(&payment["id"])),
    ] {
        caller.get(&path).ok();
        unknown(&other.get(&path));
    }
    let delete = |who: &Caller<'_>, customer: &str| {
        who.keyed("DELETE", &format!("/v1/customers/{customer}/tokens/{id}"), &json!({}), None)
    };
    unknown(&delete(&other, &customer));
    unknown(&delete(&caller, &bela));
    unknown(&caller.get(&format!("/v1/customers/{bela}/tokens/{id}")));
    for path in ["/v1/tokens/fetch", "/v1/tokens/delete"] {
        unknown(&other.post(path, &json!({"id": id})));
        unknown(&caller.post(path, &json!({"id": spt})));
        unknown(&caller.post(path, &json!({"id": "token_00000000000000"})));
    }
    for wrong in [id.as_str(), "spt_00000000000000", &format!("{spt}_visa"), &format!("{spt}_")] {
        unknown(&caller.post(DATA, &json!({"id": wrong})));
    }
    unknown(&other.post(DATA, &json!({"id": spt})));
    let pay = |who: &Caller<'_>, order: &str, how: Value| {
        who.post("/v1/payments/create/json", &payment_of(order, 10_000, how))
    };
    unknown(&pay(&other, &order, json!({"card": card(CARD)})));
    unknown(&pay(&other, &other.order(10_000), json!({"token": id, "card": {}})));
    unknown(&pay(&caller, &order, json!({"token": id, "card": {}, "customer_id": bela})));
    unknown(&pay(
        &other,
        &other.order(10_000),
        json!({"card": card(CARD), "customer_id": customer, "save": 1}),
    ));
    unknown(&other.post("/v1/tokens", &token_of(&customer, CARD)));
    assert_eq!(caller.tokens(&customer), [token]);
    let (known, secret) = shop.credential(0, "razorpay");
    let cashfree = shop.credential(0, "cashfree");
    for (id, secret) in [(known, ""), (known, "x"), ("", secret), ("rzp_x", secret), cashfree] {
        let reply = Caller::with(&shop, id, secret).get(&format!("/v1/orders/{order}"));
        let error = refused(&reply);
        assert_eq!((reply.status, &error["description"]), (401, &json!("Authentication failed")));
        assert_eq!(error["code"], "BAD_REQUEST_ERROR");
    }
    assert_eq!(shop.ask("GET", "/v1/payments/pay_x", &[], b"").status, 401);
    // By the path of another API it is no payment.
    let cashfree = crate::cashfree::Caller::of(&shop, 0);
    let payment = cashfree.pay(&cashfree.order("asha").0, crate::cashfree::card(CARD), false);
    unknown(&shop.ask("GET", &format!("/v1/payments/{payment}/authenticate"), &[], b""));
}

/// A token that was saved through one API pays through the other.
#[test]
fn a_token_pays_through_the_other_api() {
    let shop = Shop::open();
    let (caller, cashfree) = (Caller::of(&shop, 0), crate::cashfree::Caller::of(&shop, 0));
    let path = cashfree.save("asha", CARD);
    let there = cashfree.get(&format!("{path}/cryptogram")).ok();
    let card = json!({"number": there["card_number"], "expiry_month": there["card_expiry_mm"],
        "expiry_year": there["card_expiry_yy"], "cryptogram_value": there["cryptogram"],
        "tokenised": true, "token_provider": "cashfree"});
    for status in ["captured", "failed"] {
        assert_eq!(caller.pay(10_050, json!({"card": card}))["status"], status);
    }
    let data = caller.data(&caller.tokenise(&caller.customer("asha"), CARD), None);
    let card = json!({"channel": "post", "card_number": data["token_number"], "card_expiry_mm": "12",
        "card_expiry_yy": "30", "cryptogram": data["cryptogram_value"]});
    for status in ["SUCCESS", "FAILED"] {
        let (session, order) = cashfree.order("asha");
        let payment = cashfree.pay(&session, card.clone(), false);
        cashfree.authenticate(&payment, "111000");
        assert_eq!(cashfree.status(&order, &payment), status);
    }
}

#[test]
fn customers_are_known_by_how_they_are_reached() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let body = json!({"name": "Asha", "email": "a@example.com", "contact": "+919876543210",
        "notes": {"a": "b"}});
    let one = caller.post("/v1/customers", &body).ok();
    assert_eq!(
        (&one["entity"], &one["gstin"], &one["notes"]),
        (&json!("customer"), &json!(null), &json!({"a": "b"}))
    );
    assert_eq!(caller.get(&format!("/v1/customers/{}", text(&one["id"]))).ok(), one);
    for fails in [json!(null), json!("1"), json!(1)] {
        let mut again = body.clone();
        again["fail_existing"] = fails;
        let error = refused(&caller.post("/v1/customers", &again));
        assert_eq!(error["description"], "Customer already exists for the merchant");
    }
    for fails in [json!("0"), json!(0), json!(false)] {
        let mut again = body.clone();
        again["fail_existing"] = fails;
        assert_eq!(caller.post("/v1/customers", &again).ok(), one);
    }
    // By a name alone nobody is known, and another merchant's customer is another.
    let named = json!({"name": "Asha", "fail_existing": "1"});
    assert_ne!(
        caller.post("/v1/customers", &named).ok()["id"],
        caller.post("/v1/customers", &named).ok()["id"]
    );
    assert_ne!(Caller::of(&shop, 1).post("/v1/customers", &body).ok()["id"], one["id"]);
}

#[test]
fn an_order_is_paid_once_and_as_it_says() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let made = json!({"amount": 10_000, "currency": "INR", "receipt": "r".repeat(40), "notes": {"k": "v"}});
    let order = caller.post("/v1/orders", &made).ok();
    let id = text(&order["id"]);
    let told = |paid: u64, due: u64, status: &str, attempts: u64| {
        let mut told = made.clone();
        told.as_object_mut().unwrap().extend([
            ("id".to_owned(), json!(id)),
            ("entity".to_owned(), json!("order")),
            ("amount_paid".to_owned(), json!(paid)),
            ("amount_due".to_owned(), json!(due)),
            ("offer_id".to_owned(), json!(null)),
            ("status".to_owned(), json!(status)),
            ("attempts".to_owned(), json!(attempts)),
            ("created_at".to_owned(), order["created_at"].clone()),
        ]);
        told
    };
    assert_eq!(order, told(0, 10_000, "created", 0));
    let pay = |amount: u64, currency: &str| {
        let mut body = payment_of(&id, amount, json!({"card": card(CARD)}));
        body["currency"] = currency.into();
        caller.post("/v1/payments/create/json", &body)
    };
    for (amount, currency, field) in
        [(9_999, "INR", "amount"), (10_001, "INR", "amount"), (10_000, "USD", "currency")]
    {
        assert_eq!(refused(&pay(amount, currency))["field"], field);
    }
    assert_eq!(caller.get(&format!("/v1/orders/{id}")).ok(), order);
    let payments: Vec<_> = (0..2).map(|_| text(&pay(10_000, "INR").ok()["razorpay_payment_id"])).collect();
    assert_eq!(caller.get(&format!("/v1/orders/{id}")).ok(), told(0, 10_000, "attempted", 2));
    for (payment, status) in payments.iter().zip(["captured", "failed"]) {
        let path = format!("/v1/payments/{payment}/authenticate");
        assert_eq!(shop.ask("GET", &path, &[], b"").ok()["status"], status);
    }
    assert_eq!(caller.get(&format!("/v1/orders/{id}")).ok(), told(10_000, 0, "paid", 2));
    assert_eq!(refused(&pay(10_000, "INR"))["description"], "Payment already done for this order.");
    let list = caller.get(&format!("/v1/orders/{id}/payments")).ok();
    assert_eq!((&list["entity"], &list["count"]), (&json!("collection"), &json!(2)));
    for amount in [json!(99), json!(100.5), json!(100_000_000_000_000_u64), json!("1e3"), json!(-100)] {
        assert_eq!(
            refused(&caller.post("/v1/orders", &json!({"amount": amount, "currency": "INR"})))["field"],
            "amount"
        );
    }
    for currency in ["inr", "JPY", "XXX", "IN"] {
        let error = refused(&caller.post("/v1/orders", &json!({"amount": 100, "currency": currency})));
        assert_eq!(error["field"], "currency");
    }
    assert_eq!(
        refused(
            &caller.post("/v1/orders", &json!({"amount": 100, "currency": "INR", "receipt": "r".repeat(41)}))
        )["field"],
        "receipt"
    );
}

/// What a token demands, and the API's own words where it has them.
#[test]
fn tokens_that_cannot_be_made_are_refused() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
    let notes = |pairs: usize, length: usize| -> Value {
        let pairs = (0..pairs).map(|n| (format!("k{n}"), json!("v".repeat(length))));
        pairs.collect::<serde_json::Map<_, _>>().into()
    };
    let arn = "/authentication/authentication_reference_number";
    let number = "10022202112020000000074275";
    for (card, pointer, value, field) in [
        (CARD, "/card/number", json!("4111111111111112"), "number"),
        (CARD, "/card/number", json!("41111111111111111111"), "number"),
        (CARD, "/card/number", json!("4111-1111-1111-1111"), "number"),
        (CARD, "/card/expiry_year", json!("20"), "expiry_year"),
        (CARD, "/card/expiry_month", json!("13"), "expiry_month"),
        (CARD, "/card/expiry_month", json!("1"), "expiry_month"),
        (CARD, "/method", json!("upi"), "method"),
        (CARD, "/authentication", json!(null), "authentication"),
        (CARD, "/authentication/provider", json!("nobody"), "provider"),
        (CARD, "/authentication/provider_reference_id", json!(""), "provider_reference_id"),
        (CARD, arn, json!("1".repeat(65)), "authentication_reference_number"),
        (RUPAY, arn, json!(""), "authentication_reference_number"),
        (RUPAY, arn, json!(null), "authentication_reference_number"),
        (RUPAY, arn, json!(format!("{number}7")), "authentication_reference_number"),
        (CARD, "/notes", notes(16, 1), "notes"),
        (CARD, "/notes", notes(1, 257), "notes"),
    ] {
        let mut body = token_of(&customer, card);
        *body.pointer_mut(pointer).unwrap() = value;
        let error = refused(&caller.post("/v1/tokens", &body));
        assert_eq!((&error["field"], &error["step"]), (&json!(field), &json!("token_initiation")));
        assert_eq!(error["reason"], "input_validation_failed");
    }
    let mut empty = token_of(&customer, CARD);
    empty["card"]["number"] = "".into();
    assert_eq!(
        refused(&caller.post("/v1/tokens", &empty)),
        json!({"code": "BAD_REQUEST_ERROR", "description": "The number is required", "source": "internal",
            "step": "token_initiation", "reason": "input_validation_failed", "field": "number", "metadata": {}})
    );
    for cvv in ["12", "12345", "abc", "1234"] {
        let mut bad = token_of(&customer, CARD);
        bad["card"]["cvv"] = cvv.into();
        let pay = json!({"card": {"cvv": cvv, "number": CARD, "expiry_month": "12", "expiry_year": "30"}});
        let pay = payment_of(&caller.order(10_000), 10_000, pay);
        for (path, body) in [("/v1/tokens", &bad), ("/v1/payments/create/json", &pay)] {
            assert_eq!(
                refused(&caller.post(path, body)),
                json!({"code": "BAD_REQUEST_ERROR", "description": "The cvv must be between 3 and 4 digits",
                    "source": "business", "step": "payment_initiation", "reason": "input_validation_failed",
                    "field": "cvv", "metadata": {}})
            );
        }
    }
    let reply = caller.post("/v1/tokens", &token_of(&customer, "4000000000000259"));
    assert_eq!((reply.status, shaped(&reply)), (504, timeout()));
    assert!(caller.tokens(&customer).is_empty());
    assert_eq!(crate::cashfree::engine_tokens(&shop), 0);
    // And what is right at the edge is taken.
    for (card, pointer, value) in [
        (CARD, "/notes", notes(15, 256)),
        (RUPAY, arn, json!(number)),
        // As the API's own sample has it, with a card that needs none.
        (CARD, arn, json!("100222021120200000000742753928")),
        (CARD, arn, json!(null)),
        (CARD, "/card/expiry_month", json!(12)),
        (CARD, "/card/expiry_year", json!(2030)),
    ] {
        let mut body = token_of(&customer, card);
        *body.pointer_mut(pointer).unwrap() = value;
        let token = caller.post("/v1/tokens", &body).ok();
        assert_eq!(token["notes"], body["notes"]);
    }
    for provider in [
        "amex",
        "axis_migs",
        "cashfree",
        "ccavenue",
        "cybersource",
        "first_data",
        "fss",
        "hdfc",
        "mpgs",
        "paysecure",
        "paytm",
        "payu",
        "zakpay",
        "razorpay",
    ] {
        let mut body = token_of(&customer, CARD);
        body["authentication"]["provider"] = provider.into();
        caller.post("/v1/tokens", &body).ok();
    }
}

fn timeout() -> Value {
    json!({"code": "TOKEN_SERVICE_PROVIDER_TIMEOUT",
        "description": "There is an issue in connecting with the token service provider",
        "source": "service_provider", "step": "token_creation",
        "reason": "token_service_provider_timed_out", "metadata": {}})
}

/// Tokens of other providers demand their cryptogram and their provider.
#[test]
fn payments_that_cannot_be_made_are_refused() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
    let token = caller.tokenise(&customer, CARD);
    let order = caller.order(10_000);
    let data = caller.data(&token, None);
    let with = |name: &str, value: Value| {
        let mut card = token_card(&data);
        card[name] = value;
        card
    };
    let whole = text(&data["cryptogram_value"]);
    for (card, field) in [
        (with("cryptogram_value", json!(null)), "cryptogram_value"),
        (with("cryptogram_value", json!("")), "cryptogram_value"),
        (with("cryptogram_value", json!(&whole[..24])), "cryptogram_value"),
        (with("cryptogram_value", json!(format!("{whole}AAAA"))), "cryptogram_value"),
        (with("cryptogram_value", json!("!".repeat(28))), "cryptogram_value"),
        (with("token_provider", json!(null)), "token_provider"),
        (with("token_provider", json!("nobody")), "token_provider"),
        (with("token_provider", json!("razorpay")), "token_provider"),
        (with("tokenised", json!(false)), "tokenised"),
        (with("tokenised", json!("perhaps")), "tokenised"),
        (with("cvv", json!("12")), "cvv"),
        (with("cvv", json!("1234")), "cvv"),
        (with("number", json!("123")), "number"),
    ] {
        let body = payment_of(&order, 10_000, json!({"card": card}));
        let error = refused(&caller.post("/v1/payments/create/json", &body));
        assert_eq!(
            (&error["field"], &error["step"]),
            (&json!(field), &json!("payment_initiation")),
            "{card}"
        );
    }
    for (how, field) in [
        (json!({"token": token["id"], "card": card(CARD)}), "token"),
        (json!({"token": token["id"], "card": {"cvv": "1234"}}), "cvv"),
        (json!({"card": token_card(&data), "save": 1, "customer_id": customer}), "save"),
        (json!({"card": {}}), "number"),
        (json!({}), "card"),
    ] {
        let body = payment_of(&order, 10_000, how);
        assert_eq!(refused(&caller.post("/v1/payments/create/json", &body))["field"], field);
    }
    assert_eq!(caller.get(&format!("/v1/orders/{order}")).ok()["attempts"], 0);
    // Nothing of that has used the cryptogram up.
    assert_eq!(caller.pay(10_000, json!({"card": token_card(&data)}))["status"], "captured");
}

/// Each field of each request: missing, empty, too long, of another type and charset.
#[test]
fn bad_fields_are_told_in_the_apis_shape_and_change_nothing() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
    let token = caller.tokenise(&customer, CARD);
    let order = caller.order(10_000);
    let data = caller.data(&token, None);
    let mut whole = token_of(&customer, RUPAY);
    whole["card"]["cvv"] = "123".into();
    let paid = json!({"card": card(CARD), "customer_id": customer, "save": "1", "notes": {"k": "v"}});
    let paid_needs: &[&str] = &[
        "/amount",
        "/currency",
        "/order_id",
        "/email",
        "/contact",
        "/method",
        "/card",
        "/card/number",
        "/card/expiry_month",
        "/card/expiry_year",
        "/card/cvv",
        "/customer_id",
    ];
    let given = payment_of(&order, 10_000, json!({"card": token_card(&data)}));
    let given_needs: &[&str] = &[
        "/amount",
        "/currency",
        "/order_id",
        "/email",
        "/contact",
        "/method",
        "/card",
        "/card/number",
        "/card/expiry_month",
        "/card/expiry_year",
        "/card/tokenised",
        "/card/cryptogram_value",
        "/card/token_provider",
    ];
    let by_token = payment_of(&order, 10_000, json!({"token": token["id"], "card": {"cvv": "123"}}));
    let by_token_needs: &[&str] =
        &["/amount", "/currency", "/order_id", "/email", "/contact", "/method", "/token"];
    for (path, body, needed) in [
        (
            "/v1/customers",
            json!({"name": "A", "email": "a@b", "contact": "12345678", "fail_existing": "0",
            "notes": {"k": "v"}}),
            &[][..],
        ),
        (
            "/v1/orders",
            json!({"amount": 10_000, "currency": "INR", "receipt": "r", "notes": {"k": "v"}}),
            &["/amount", "/currency"][..],
        ),
        (
            "/v1/tokens",
            whole,
            &[
                "/method",
                "/card",
                "/card/number",
                "/card/expiry_month",
                "/card/expiry_year",
                "/authentication",
                "/authentication/provider",
                "/authentication/provider_reference_id",
                "/authentication/authentication_reference_number",
            ][..],
        ),
        ("/v1/tokens/fetch", json!({"id": token["id"]}), &["/id"][..]),
        ("/v1/tokens/delete", json!({"id": token["id"]}), &["/id"][..]),
        (
            DATA,
            json!({"id": token["service_provider_tokens"][0]["id"], "amount": 10_000, "currency": "INR"}),
            &["/id", "/amount", "/currency"][..],
        ),
        ("/v1/payments/create/json", payment_of(&order, 10_000, paid), paid_needs),
        ("/v1/payments/create/json", given, given_needs),
        ("/v1/payments/create/json", by_token, by_token_needs),
    ] {
        for pointer in pointers(&body, "") {
            for wrong in wrongs() {
                if takes(path, &pointer, &wrong, needed) {
                    continue;
                }
                let mut broken = body.clone();
                *broken.pointer_mut(&pointer).unwrap() = wrong.clone();
                let reply = caller.post(path, &broken);
                assert!((400..500).contains(&reply.status), "{path} {pointer} {wrong}: {}", reply.body);
                assert_eq!(refused(&reply)["code"], "BAD_REQUEST_ERROR");
            }
        }
        for body in ["{", "[]", "1", "{\"id\":1,\"id\":2}", "\u{0}"] {
            let (id, secret) = shop.credential(0, "razorpay");
            let basic = data_encoding::BASE64.encode(format!("{id}:{secret}").as_bytes());
            let headers = [("authorization", format!("Basic {basic}"))];
            let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
            refused(&shop.ask("POST", path, &headers, body.as_bytes()));
        }
    }
    assert_eq!(caller.get(&format!("/v1/orders/{order}")).ok()["attempts"], 0);
    assert_eq!(caller.tokens(&customer), [token]);
    assert_eq!(crate::cashfree::engine_tokens(&shop), 1);
}

/// Whether a field may be so: nothing, where it is not needed, and notes, which hold what
/// a merchant likes.
fn takes(path: &str, pointer: &str, wrong: &Value, needed: &[&str]) -> bool {
    let is_nothing = wrong.is_null() || wrong == "";
    let is_note = pointer.starts_with("/notes/");
    let is_no_notes = pointer == "/notes" && (*wrong == json!([]) || *wrong == json!({"a": 1}));
    // With a card it is of no use, and without it there is one.
    let is_card = path == "/v1/payments/create/json" && pointer == "/card" && *wrong == json!({"a": 1});
    (is_nothing && !needed.contains(&pointer) && !(is_note && wrong.is_null()))
        || (is_note
            && (wrong.is_string() && wrong.as_str().is_some_and(|text| text.len() < 257)
                || *wrong == json!(-1)))
        || is_no_notes
        || (is_card && !needed.contains(&pointer))
}

#[test]
fn what_is_not_served_is_told_so() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    for path in ["/v1", "/v1/", "/v1/nothing", "/v1/tokens/fetch/more"] {
        let reply = caller.get(path);
        assert_eq!((reply.status, &refused(&reply)["code"]), (404, &json!("BAD_REQUEST_ERROR")), "{path}");
    }
    let reply = caller.keyed("PUT", "/v1/tokens", &json!({}), None);
    assert_eq!((reply.status, &refused(&reply)["code"]), (405, &json!("BAD_REQUEST_ERROR")));
    let large = json!({"id": "x".repeat(100_000)});
    let reply = caller.post("/v1/tokens/fetch", &large);
    assert_eq!((reply.status, &refused(&reply)["code"]), (413, &json!("BAD_REQUEST_ERROR")));
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
    let begun = std::time::Instant::now();
    while caller.get(&path).ok()["status"] != "captured" {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{}", caller.get(&path).body);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(caller.tokens(&customer), [token]);
}
