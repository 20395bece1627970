//! What is another merchant's, another customer's, another API's.

use serde_json::{Value, json};

use super::caller::{Caller, DATA, card, payment_of, refused, token_of};
use crate::cashfree::{Caller as Cashfree, text};
use crate::shop::{CARD, Shop};

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
    let cashfree = Cashfree::of(&shop, 0);
    let payment = cashfree.pay(&cashfree.order("asha").0, crate::cashfree::card(CARD), false);
    unknown(&shop.ask("GET", &format!("/v1/payments/{payment}/authenticate"), &[], b""));
}

/// A token that was saved through one API pays through the other.
#[test]
fn a_token_pays_through_the_other_api() {
    let shop = Shop::open();
    let (caller, cashfree) = (Caller::of(&shop, 0), Cashfree::of(&shop, 0));
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
