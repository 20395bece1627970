//! What is refused: bad fields, in every way in which they can be bad.

use serde_json::{Value, json};

use super::RUPAY;
use super::caller::{Caller, DATA, card, payment_of, refused, shaped, timeout, token_card, token_of};
use crate::cashfree::{engine_tokens, pointers, text, wrongs};
use crate::shop::{CARD, Shop};

const REFERENCE: &str = "/authentication/authentication_reference_number";
const NUMBER: &str = "10022202112020000000074275";

/// So many notes, with so many characters each.
fn notes(pairs: usize, length: usize) -> Value {
    let pairs = (0..pairs).map(|n| (format!("k{n}"), json!("v".repeat(length))));
    pairs.collect::<serde_json::Map<_, _>>().into()
}

/// What a token demands.
#[test]
fn tokens_that_cannot_be_made_are_refused() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
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
        (CARD, REFERENCE, json!("1".repeat(65)), "authentication_reference_number"),
        (RUPAY, REFERENCE, json!(""), "authentication_reference_number"),
        (RUPAY, REFERENCE, json!(null), "authentication_reference_number"),
        (RUPAY, REFERENCE, json!(format!("{NUMBER}7")), "authentication_reference_number"),
        (CARD, "/notes", notes(16, 1), "notes"),
        (CARD, "/notes", notes(1, 257), "notes"),
    ] {
        let mut body = token_of(&customer, card);
        *body.pointer_mut(pointer).unwrap() = value;
        let error = refused(&caller.post("/v1/tokens", &body));
        assert_eq!((&error["field"], &error["step"]), (&json!(field), &json!("token_initiation")));
        assert_eq!(error["reason"], "input_validation_failed");
    }
    assert!(caller.tokens(&customer).is_empty());
    assert_eq!(engine_tokens(&shop), 0);
}

/// The API's own words where it has them.
#[test]
fn three_refusals_have_the_apis_own_words() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
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
    assert_eq!(engine_tokens(&shop), 0);
}

#[test]
fn what_is_right_at_the_edge_is_taken() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let customer = caller.customer("asha");
    for (card, pointer, value) in [
        (CARD, "/notes", notes(15, 256)),
        (RUPAY, REFERENCE, json!(NUMBER)),
        // As the API's own sample has it, with a card that needs none.
        (CARD, REFERENCE, json!("100222021120200000000742753928")),
        (CARD, REFERENCE, json!(null)),
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
    for (path, body, needed) in requests(&customer, &token, &order, &data) {
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
    assert_eq!(engine_tokens(&shop), 1);
}

/// A request of each kind, and which of its fields must be there.
fn requests(
    customer: &str,
    token: &Value,
    order: &str,
    data: &Value,
) -> Vec<(&'static str, Value, &'static [&'static str])> {
    let mut whole = token_of(customer, RUPAY);
    whole["card"]["cvv"] = "123".into();
    let paid = json!({"card": card(CARD), "customer_id": customer, "save": "1", "notes": {"k": "v"}});
    let paid_needs: &'static [&'static str] = &[
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
    let given = payment_of(order, 10_000, json!({"card": token_card(data)}));
    let given_needs: &'static [&'static str] = &[
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
    let by_token = payment_of(order, 10_000, json!({"token": token["id"], "card": {"cvv": "123"}}));
    let by_token_needs: &'static [&'static str] =
        &["/amount", "/currency", "/order_id", "/email", "/contact", "/method", "/token"];
    vec![
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
        ("/v1/payments/create/json", payment_of(order, 10_000, paid), paid_needs),
        ("/v1/payments/create/json", given, given_needs),
        ("/v1/payments/create/json", by_token, by_token_needs),
    ]
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
