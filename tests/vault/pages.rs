//! The customers' pages: what they let in, and what they send. With a browser: `customer`.

mod customer;
mod memory;

use serde_json::{Value, json};

use crate::cashfree;
use crate::http::Reply;
use crate::sessions::{Caller, card, encrypted, text, wanted};
use crate::shop::{CARD, Shop};

fn hosted() -> Value {
    let mut wanted = wanted();
    (wanted["mode"], wanted["autoConfirm"], wanted["paymentMethod"]) =
        (json!("REDIRECT"), json!(true), Value::Null);
    wanted
}

/// A session's page.
fn place(shop: &Shop, session: &Value) -> String {
    text(&session["redirectUrl"]).strip_prefix(&format!("http://{}", shop.address)).unwrap().to_owned()
}

/// A page that keeps to its policy: nothing within it runs or is styled.
#[track_caller]
fn is_page(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{}", reply.body);
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = reply.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "script-src 'self';",
        "style-src 'self';",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    assert!(reply.header("set-cookie").is_none());
    assert!(!reply.body.contains("style=") && !reply.body.contains(" onclick"), "{}", reply.body);
    let scripts = reply.body.matches("<script").count();
    assert_eq!(scripts, reply.body.matches("<script src=\"/assets/").count());
}

#[test]
fn what_a_merchant_writes_stays_text() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let mut wanted = hosted();
    wanted["orderInformation"]["description"] = json!("<script>alert(1)</script>\"'&");
    let page = shop.ask("GET", &place(&shop, &merchant.create(&wanted)), &[], b"");
    is_page(&page, 200);
    assert!(page.body.contains("&#60;script&#62;alert(1)"), "{}", page.body);
}

#[test]
fn a_page_asks_for_consent_only_where_it_was_wanted_and_takes_none_beyond() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    for wanted_save in [false, true] {
        let mut wanted = hosted();
        wanted["savePaymentMethod"] = json!(wanted_save);
        let session = merchant.create(&wanted);
        let path = place(&shop, &session);
        let page = shop.ask("GET", &path, &[], b"");
        is_page(&page, 200);
        assert_eq!(page.body.contains("Save for future use"), wanted_save);
        assert!(!page.body.contains("checked"), "consent is the customer's to give");
        let sealed = seal(&page.body);
        let form = format!("method=card&save=true&encryptedCard={sealed}");
        let paid = shop.ask("POST", &path, &[], form.as_bytes());
        assert_eq!(paid.status, 303, "{}", paid.body);
        let bank =
            paid.header("location").unwrap().strip_prefix(&format!("http://{}", shop.address)).unwrap();
        is_page(&shop.ask("GET", bank, &[], b""), 200);
        let end = shop.ask("POST", bank, &[], b"action=confirm&otp=111000");
        assert_eq!(end.header("location"), Some("https://shop.example/paid"));
        assert_eq!(merchant.methods("asha").len(), usize::from(wanted_save));
        // The way back leads on, and nothing is paid twice.
        for (method, path) in [("GET", path.as_str()), ("GET", bank), ("POST", bank), ("POST", path.as_str())]
        {
            let again =
                shop.ask(method, path, &[], if path == bank { b"action=cancel" } else { b"method=wallet" });
            assert_eq!(again.header("location"), Some("https://shop.example/paid"), "{method} {path}");
        }
    }
}

/// A card under the key that stands in a page.
fn seal(page: &str) -> String {
    let key = page.split_once("data-key=\"").unwrap().1.split_once('"').unwrap().0;
    let key = key.replace("&#43;", "+").replace("&#61;", "=");
    let body = encrypted(&json!({"encryptionAlgorithm": "RSA-OAEP-256", "encryptionKey": key}), &card(CARD));
    text(&body["paymentMethod"]["card"]["encryptedCard"]).replace('+', "%2B").replace('=', "%3D")
}

#[test]
fn a_form_of_another_site_or_with_anything_in_it_changes_nothing() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let session = merchant.create(&hosted());
    let path = place(&shop, &session);
    for site in ["cross-site", "same-site", "nonsense"] {
        for (to, form) in
            [(path.as_str(), "method=wallet"), ("/shop", "product=stick"), ("/acs/x", "action=cancel")]
        {
            is_page(&shop.ask("POST", to, &[("sec-fetch-site", site)], form.as_bytes()), 403);
        }
    }
    let long = "9".repeat(5000);
    for form in [
        "",
        "method=",
        "method=%00",
        "method=card",
        "method=card&encryptedCard=",
        "method=card&encryptedCard=QUJD",
        "method=card&encryptedCard=%ff",
        "method=saved",
        "method=saved&id=x&cvc=",
        "method=saved&id=x&cvc=123",
        "method=saved&id=%00&cvc=123",
        "method=wallet&id=x",
        "method=wallet&method=wallet",
        "method=wallet&save=perhaps",
        &format!("method=saved&id={long}"),
        &format!("method=saved&id=x&cvc={long}"),
        &long,
    ] {
        let reply = shop.ask("POST", &path, &[], form.as_bytes());
        assert!((400..500).contains(&reply.status), "{form}: {}", reply.status);
        is_page(&reply, reply.status);
        assert!(!reply.body.contains("99999"), "{form}");
    }
    assert_eq!(merchant.fetch(&session)["status"], "OPEN");
    let wallet = shop.ask("POST", &path, &[("sec-fetch-site", "same-origin")], b"method=wallet");
    assert_eq!(wallet.status, 303);
}

#[test]
fn a_bank_that_hears_nonsense_asks_again() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let session = merchant.create(&wanted());
    let confirmed = merchant.confirm(&session, &encrypted(&session, &card(CARD))).ok();
    let path = place(&shop, &confirmed);
    for form in [
        "",
        "action=confirm",
        "action=confirm&otp=",
        "action=confirm&otp=11100x",
        "action=approve",
        "action=x",
        "otp=111000",
    ] {
        is_page(&shop.ask("POST", &path, &[], form.as_bytes()), 422);
    }
    assert_eq!(merchant.fetch(&session)["status"], "AWAITING_AUTHENTICATION");
    let page = shop.ask("GET", &path, &[], b"").body;
    assert!(page.contains("₹100.50") && page.contains("Visa •••• 1111") && !page.contains(CARD));
    let end = shop.ask("POST", &path, &[], b"action=cancel");
    assert_eq!(end.header("location"), Some("https://shop.example/failed"));
    assert_eq!(merchant.fetch(&session)["status"], "FAILED");
}

#[test]
fn a_page_of_a_session_that_is_over_leads_on() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let session = merchant.create(&hosted());
    let path = place(&shop, &session);
    let key = seal(&shop.ask("GET", &path, &[], b"").body);
    merchant.expire(&session);
    let form = format!("method=card&encryptedCard={key}");
    for (method, form) in
        [("GET", ""), ("POST", form.as_str()), ("POST", "method=wallet"), ("POST", "method=cancel")]
    {
        let reply = shop.ask(method, &path, &[], form.as_bytes());
        assert_eq!(reply.header("location"), Some("https://shop.example/expired"), "{method} {form}");
    }
    let session = merchant.create(&hosted());
    let cancelled = shop.ask("POST", &place(&shop, &session), &[], b"method=cancel");
    assert_eq!(cancelled.header("location"), Some("https://shop.example/failed"));
    // A session of the merchant's own page has none of ours.
    let own = merchant.create(&wanted());
    for path in [
        format!("/pay/{}", text(&own["id"])),
        "/pay/ses_0".to_owned(),
        "/acs/0".to_owned(),
        "/assets/x".to_owned(),
        "/shop/x".to_owned(),
    ] {
        is_page(&shop.ask("GET", &path, &[], b""), 404);
    }
    is_page(&shop.ask("DELETE", "/shop", &[], b""), 405);
}

#[test]
fn other_apis_customers_come_to_the_bank_and_go_back() {
    let shop = Shop::open();
    let merchant = cashfree::Caller::of(&shop, 0);
    let mut order = cashfree::order_of("asha");
    order["order_meta"] = json!({"return_url": "javascript:alert(1)"});
    assert_eq!(merchant.ask("POST", "/pg/orders", &order).status, 400);
    for (url, place) in [
        (Value::Null, None),
        (
            json!("https://shop.example/back?order={order_id}"),
            Some("https://shop.example/back?order=order-5"),
        ),
    ] {
        let mut order = cashfree::order_of("asha");
        order["order_meta"] = json!({"return_url": url});
        order["order_id"] = if place.is_some() { json!("order-5") } else { Value::Null };
        let order = merchant.ask("POST", "/pg/orders", &order).ok();
        let session = cashfree::text(&order["payment_session_id"]);
        let payment = merchant.pay(&session, cashfree::card(CARD), false);
        let path = format!("/acs/{payment}");
        is_page(&shop.ask("GET", &path, &[], b""), 200);
        let end = shop.ask("POST", &path, &[], b"action=confirm&otp=111000");
        assert_eq!(end.header("location"), place);
        if place.is_none() {
            is_page(&end, 200);
        }
        assert_eq!(merchant.status(&cashfree::text(&order["order_id"]), &payment), "SUCCESS");
    }
}
