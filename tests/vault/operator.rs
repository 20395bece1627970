//! The operators' page: what it counts, and who sees it.

use data_encoding::BASE64;
use serde_json::json;

use crate::http::Reply;
use crate::sessions::{Caller, saved, wanted};
use crate::shop::{CARD, Shop, signal};

fn seen(shop: &Shop, user: &str, secret: &str) -> Reply {
    let basic = format!("Basic {}", BASE64.encode(format!("{user}:{secret}").as_bytes()));
    shop.ask("GET", "/operator", &[("authorization", &basic)], b"")
}

/// A table's rows, without what is between.
fn words(page: &Reply) -> String {
    let text: String = page
        .body
        .split('<')
        .filter_map(|piece| piece.split_once('>'))
        .map(|(_, text)| format!("{text} "))
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn operators_see_counts_and_nobody_else_sees_anything() {
    let shop = Shop::open();
    let secret = shop.told["operator"]["secret"].as_str().unwrap();
    let first = seen(&shop, "operator", secret);
    assert_eq!(first.status, 200, "{}", first.body);
    assert!(words(&first).contains("issued 0 verified 0"), "{}", words(&first));

    let merchant = Caller::of(&shop, 0);
    let ended = merchant.pay(CARD, Some(true), None, "111000");
    let id = &ended["payment"]["paymentMethodId"];
    let session = merchant.create(&wanted());
    let begun = merchant.confirm(&session, &saved(id, &json!("123"))).ok();
    merchant.authenticate(&begun, "111000");
    // A cryptogram that is no one's is refused, and counted by the reason.
    let cashfree = crate::cashfree::Caller::of(&shop, 0);
    let path = format!("/pg/customers/asha/instruments/{}", id.as_str().unwrap());
    let fetched = cashfree.get(&format!("{path}/cryptogram?amount=1.00&currency=INR")).ok();
    let (order, number) = cashfree.order("asha");
    let token = json!({"channel": "post", "card_number": fetched["card_number"], "card_holder_name": "Asha Rao",
        "card_expiry_mm": fetched["card_expiry_mm"], "card_expiry_yy": "30", "cryptogram": fetched["cryptogram"],
        "token_requestor_id": fetched["token_requestor_id"], "card_display": fetched["card_display"]});
    let payment = cashfree.pay(&order, token, false);
    cashfree.authenticate(&payment, "111000");
    assert_eq!(cashfree.status(&number, &payment), "FAILED");
    assert_eq!(cashfree.ask("DELETE", &path, &serde_json::Value::Null).status, 200);
    merchant.pay_again(CARD);

    let page = seen(&shop, "operator", secret);
    let words = words(&page);
    for part in [
        "issued 2 verified 1",
        "deactivated 1",
        "active 1",
        "verify: ",
        "Tokens held 2",
        "Audit log Record ",
        "The engine is serving",
        "99 % ≤ ",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(!page.body.contains("1111") && !page.body.contains(fetched["card_number"].as_str().unwrap()));

    let (id, key) = shop.credential(0, "sessions");
    let replies = [("operator", ""), ("operator", key), ("", secret), (id, key), ("operator", &secret[1..])]
        .map(|(user, secret)| seen(&shop, user, secret));
    for reply in replies.iter().chain([&shop.ask("GET", "/operator", &[], b"")]) {
        assert_eq!((reply.status, &reply.body), (401, &replies[0].body));
        assert!(reply.header("www-authenticate").is_some());
    }
    assert_eq!(shop.ask("POST", "/operator", &[], b"").status, 405);
    signal(shop.engine_pid(), "KILL");
    assert_eq!(seen(&shop, "operator", secret).status, 503);
}
