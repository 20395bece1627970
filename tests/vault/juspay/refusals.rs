//! What Juspay's API refuses: bad fields, wrong keys, and what is another's.

use serde_json::{Value, json};

use super::OTHER;
use super::caller::{Caller, added, basic, card, order_of};
use crate::cashfree::{pointers, wrongs};
use crate::http::Reply;
use crate::shop::{CARD, Shop};

/// The status and the code of an error, which has the one shape.
#[track_caller]
pub fn refused(reply: &Reply) -> (u16, String) {
    let body = reply.json();
    assert_eq!(body["status"], "error", "{}", reply.body);
    assert!(body["error_message"].is_string() && body["error_info"].is_object(), "{body}");
    assert!(!reply.body.contains(CARD) && !reply.body.contains(OTHER), "a card number in an error");
    (reply.status, body["error_code"].as_str().unwrap().to_owned())
}

#[test]
fn nobody_sees_what_is_anothers() {
    let shop = Shop::open();
    let (caller, other) = (Caller::of(&shop, 0), Caller::of(&shop, 1));
    let one = caller.add("asha", CARD);
    let order = caller.order("asha");
    let unknown = json!({"card_token": format!("tkn_{}", "0".repeat(32))});
    let known = json!({"card_token": one["card_token"]});
    assert!(other.cards("asha").is_empty());
    let (missing, foreign) = (other.post("/card/delete", &unknown), other.post("/card/delete", &known));
    assert_eq!((foreign.status, foreign.body), (missing.status, missing.body));
    for path in [format!("/orders/{order}"), format!("/order/status?order_id={order}")] {
        assert_eq!(refused(&other.get(&path)), (404, "order_not_found".into()));
    }
    let pay = |who: &Caller<'_>, order: &str, token: &Value| {
        let body = json!({"order_id": order, "payment_method_type": "CARD", "card_token": token});
        refused(&who.post("/txns", &body))
    };
    let (theirs, belas) = (other.order("asha"), caller.order("bela"));
    let nobodys = caller.post("/orders", &json!({"order_id": "nobody", "amount": "1"})).ok();
    assert_eq!(nobodys["customer_id"], "");
    assert_eq!(pay(&other, &theirs, &one["card_token"]), (404, "card_not_found".into()));
    assert_eq!(pay(&caller, &belas, &one["card_token"]), (404, "card_not_found".into()));
    assert_eq!(pay(&caller, "nobody", &one["card_token"]), (404, "card_not_found".into()));
    assert_eq!(pay(&caller, &theirs, &one["card_token"]), (404, "order_not_found".into()));
    assert_eq!(pay(&caller, &order, &unknown["card_token"]), (404, "card_not_found".into()));
    // To be saved a card needs somebody whose it is.
    let mut how = card(CARD);
    how.as_object_mut().unwrap().extend(
        json!({"order_id": "nobody", "payment_method_type": "CARD", "save_to_locker": "true"})
            .as_object()
            .unwrap()
            .clone(),
    );
    assert_eq!(refused(&caller.post("/txns", &how)), (400, "customer_missing".into()));
    assert_eq!(caller.cards("asha").len(), 1);
}

#[test]
fn the_key_says_who_asks_and_no_other_name_goes_with_it() {
    let shop = Shop::open();
    let (name, key) = shop.credential(0, "juspay");
    let path = "/cards?customer_id=asha";
    let ask = |headers: &[(&str, &str)]| shop.ask("GET", path, headers, b"");
    let right = basic(&format!("{key}:"));
    // With a colon and without, and whether or not the header names the merchant.
    for authorization in [&right, &basic(key)] {
        ask(&[("authorization", authorization)]).ok();
        ask(&[("authorization", authorization), ("x-merchantid", name)]).ok();
    }
    let other = basic(&format!("{}:", shop.credential(1, "juspay").1));
    let denied = (401, "access_denied".to_owned());
    for headers in [
        &[][..],
        &[("authorization", basic("wrong:").as_str())],
        &[("authorization", basic(":").as_str())],
        &[("authorization", basic(&format!("{key}:x")).as_str())],
        &[("authorization", basic(&format!("{name}:{key}")).as_str())],
        &[("authorization", format!("Bearer {key}").as_str())],
        &[("authorization", &right), ("x-merchantid", "market")],
        &[("authorization", &right), ("x-merchantid", name), ("x-merchantid", "market")],
        &[("authorization", &other), ("x-merchantid", name)],
    ] {
        assert_eq!(refused(&ask(headers)), denied, "{headers:?}");
    }
    let caller = Caller::of(&shop, 0);
    assert_eq!(refused(&caller.get("/cards?customer_id=asha&merchant_id=market")), denied);
    caller.get("/cards?customer_id=asha&merchant_id=shop").ok();
    let mut body = added("asha", CARD);
    body["merchant_id"] = "market".into();
    assert_eq!(refused(&caller.post("/card/add", &body)), denied);
    assert!(caller.cards("asha").is_empty());
}

/// Each field of each request: missing, empty, too long, of another type and charset.
#[test]
fn bad_fields_are_told_in_the_apis_shape_and_change_nothing() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let one = caller.add("bela", CARD);
    let (order, belas) = (caller.order("asha"), caller.order("bela"));
    let mut by_card = card(CARD);
    let rest = json!({"order_id": order, "payment_method_type": "CARD", "format": "json",
        "merchant_id": caller.name, "redirect_after_payment": "true", "save_to_locker": "true"});
    by_card.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    let by_token = json!({"order_id": belas, "payment_method_type": "CARD", "card_token": one["card_token"],
        "card_security_code": "111"});
    let mut new_order = order_of("never-made", "asha");
    new_order["merchant_id"] = caller.name.into();
    for (path, body, needed) in [
        (
            "/card/add",
            added("asha", CARD),
            &["customer_id", "card_number", "card_exp_year", "card_exp_month"][..],
        ),
        ("/card/delete", json!({"card_token": one["card_token"]}), &["card_token"]),
        ("/orders", new_order, &["order_id", "amount"]),
        (
            "/txns",
            by_card,
            &[
                "order_id",
                "payment_method_type",
                "card_number",
                "card_exp_year",
                "card_exp_month",
                "card_security_code",
            ],
        ),
        ("/txns", by_token, &["order_id", "payment_method_type", "card_token"]),
    ] {
        for pointer in pointers(&body, "") {
            let name = pointer.trim_start_matches('/');
            for wrong in wrongs() {
                let is_nothing = wrong.is_null() || wrong == "";
                if is_nothing && !needed.contains(&name) {
                    continue;
                }
                let mut broken = body.clone();
                broken[name] = wrong.clone();
                let mut replies = vec![caller.json(path, &broken)];
                if wrong.is_null() {
                    broken.as_object_mut().unwrap().remove(name);
                }
                if wrong.is_null() || wrong.is_string() {
                    replies.push(caller.post(path, &broken));
                }
                for reply in replies {
                    let (status, code) = refused(&reply);
                    assert!((400..500).contains(&status), "{path} {name} {wrong}: {status}");
                    assert!(!is_nothing || code == "missing_parameter", "{path} {name} {wrong}: {code}");
                }
            }
        }
    }
    assert_eq!(refused(&caller.get("/orders/never-made")).0, 404);
    assert!(caller.cards("asha").is_empty());
    assert_eq!(caller.cards("bela").len(), 1);
    for order in [order, belas] {
        assert_eq!(caller.status(&order)["status"], "NEW");
    }
}

/// Values that are of the right type, and wrong.
#[test]
fn wrong_values_are_told_and_change_nothing() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let one = caller.add("bela", CARD);
    let belas = caller.order("bela");
    for (path, name, value) in [
        ("/orders", "amount", "0"),
        ("/orders", "amount", "-1"),
        ("/orders", "amount", "1.234"),
        ("/orders", "currency", "XXX"),
        ("/orders", "order_id", "a/b"),
        ("/orders", "return_url", "javascript:alert(1)"),
        ("/orders", "return_url", "https://example.com/\u{e9}"),
        ("/card/add", "card_number", "4111111111111112"),
        ("/card/add", "card_exp_month", "13"),
        ("/card/add", "card_exp_year", "2020"),
        ("/card/add", "card_security_code", "12"),
    ] {
        let mut body = if path == "/orders" { order_of("never-made", "asha") } else { added("asha", CARD) };
        body[name] = value.into();
        assert_eq!(refused(&caller.post(path, &body)).0, 400, "{name} {value}");
    }
    for cvv in ["12", "1234", "12345", "abc"] {
        let body = json!({"order_id": belas, "payment_method_type": "CARD", "card_token": one["card_token"],
            "card_security_code": cvv});
        assert_eq!(refused(&caller.post("/txns", &body)).0, 400, "{cvv}");
    }
    let both = json!({"order_id": belas, "payment_method_type": "CARD", "card_token": one["card_token"],
        "card_number": CARD});
    assert_eq!(refused(&caller.post("/txns", &both)).0, 400);
    for (name, value) in [("format", "xml"), ("payment_method_type", "NB"), ("save_to_locker", "maybe")] {
        let mut body =
            json!({"order_id": belas, "payment_method_type": "CARD", "card_token": one["card_token"]});
        body[name] = value.into();
        assert_eq!(refused(&caller.post("/txns", &body)).0, 400, "{name}");
    }
    for path in
        ["/cards", "/card/list", "/order/status", "/cards?customer_id=", "/order/status?order_id=a%2Fb"]
    {
        assert_eq!(refused(&caller.get(path)).0, 400, "{path}");
    }
    assert!(caller.cards("asha").is_empty());
    assert_eq!(caller.status(&belas)["status"], "NEW");
}

#[test]
fn what_is_no_request_is_told_so() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    assert_eq!(refused(&caller.get("/nothing")), (404, "not_found".into()));
    assert_eq!(refused(&caller.get("/orders")), (405, "method_not_allowed".into()));
    assert_eq!(refused(&caller.get("/card/add")), (405, "method_not_allowed".into()));
    let (_, key) = shop.credential(0, "juspay");
    let authorization = basic(key);
    for (kind, body) in [
        ("application/json", &b"{"[..]),
        ("application/json", b"[]"),
        ("application/json", b"{\"order_id\":\"a\",\"order_id\":\"a\"}"),
        ("application/x-www-form-urlencoded", b"order_id=a&order_id=b"),
        ("application/x-www-form-urlencoded", b"order_id=%ff"),
        ("application/x-www-form-urlencoded", b"\xff\xfe=1"),
    ] {
        let headers = [("authorization", authorization.as_str()), ("content-type", kind)];
        assert_eq!(refused(&shop.ask("POST", "/orders", &headers, body)), (400, "bad_request".into()));
    }
    let headers = [("authorization", authorization.as_str())];
    let reply = shop.ask("POST", "/orders", &headers, &[b'a'; 100_000]);
    assert_eq!(refused(&reply), (413, "request_too_large".into()));
}
