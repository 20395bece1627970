//! Razorpay's API: the life of a token, and its rules.

mod caller;
mod killed;
mod once;
mod orders;
mod others;
mod refused;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cashfree::{engine_tokens, text};
use crate::shop::{CARD, Shop};
use caller::{Caller, DATA, card, payment_of, refused, token_card, token_of};

const MASTERCARD: &str = "5555555555554444";
const RUPAY: &str = "6074820000000009";

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
    for (path, body) in [(DATA, &spt), ("/v1/payments/create/json", &pay)] {
        assert_eq!(refused(&caller.post(path, body))["reason"], "token_deactivated");
    }
    let kept = caller.post("/v1/tokens/fetch", &named).ok();
    assert_eq!((&kept["status"], &kept["status_reason"]), (&json!("deactivated"), &json!(null)));
    // To be asked again does no harm, in either way.
    assert_eq!(caller.post("/v1/tokens/delete", &named).ok(), json!([]));
    let path = format!("/v1/customers/{customer}/tokens/{}", text(&token["id"]));
    assert_eq!(caller.keyed("DELETE", &path, &json!({}), None).ok(), json!({"deleted": true}));
    assert_eq!(caller.get(&path).ok(), kept);
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
    assert_eq!(engine_tokens(&shop), 0, "a failed payment provisioned something");
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
    let order = caller.order(10_000);
    let refused = caller.post("/v1/payments/create/json", &payment_of(&order, 10_000, json!({"card": card})));
    assert_eq!(refused.status, 400, "{}", refused.body);
}
