//! Juspay's API: cards that are kept and tokenised, orders, transactions, and its errors.

mod caller;
mod refusals;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::Connection;
use crate::shop::{CARD, Shop, signal};
pub use caller::{Caller, basic, card};
use caller::{added, order_of};
use refusals::refused;

const OTHER: &str = "4012888888881881";

/// What the engine says of the one token that there is.
fn engine_status(shop: &Shop, provider: bool) -> String {
    let db =
        rusqlite::Connection::open_with_flags(shop.database(), rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY);
    let token: String = db.unwrap().query_row("SELECT token FROM instrument", [], |row| row.get(0)).unwrap();
    let told = std::process::Command::new(env!("CARGO_BIN_EXE_tally"))
        .args(["--json", "token", "show", &token, "--dir"])
        .arg(shop.dir.path().join("state/engine"))
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&told.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&told.stderr)));
    if provider { told["providers"].to_string() } else { told["status"].as_str().unwrap().to_owned() }
}

/// Consent, a payment with its second factor, and only then a token.
#[test]
fn a_kept_card_is_tokenised_by_its_first_payment_with_a_second_factor() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let one = caller.add("asha", CARD);
    let [listed] = &caller.cards("asha")[..] else { panic!() };
    for (name, value) in [
        ("card_number", "XXXX-XXXXXXXX-1111"),
        ("card_isin", "411111"),
        ("card_exp_year", "2030"),
        ("card_exp_month", "12"),
        ("card_type", "DEBIT"),
        ("card_brand", "VISA"),
        ("nickname", "mine"),
        ("name_on_card", "Asha Rao"),
        ("juspay_bank_code", "JP_HDFC"),
        ("card_sub_type", "NA"),
        ("card_issuer_country", "INDIA"),
        ("provider_category", "VAULT"),
        ("provider", "JUSPAY"),
        ("card_token", one["card_token"].as_str().unwrap()),
        ("card_reference", one["card_reference"].as_str().unwrap()),
        ("card_fingerprint", one["card_fingerprint"].as_str().unwrap()),
    ] {
        assert_eq!(listed[name], value, "{name}");
    }
    assert_eq!((&listed["expired"], &listed["tokenize_support"]), (&json!(false), &json!(true)));
    assert!(listed["card_issuer"].is_string());
    assert_eq!(engine_status(&shop, false), "initiated");

    // Neither a failed second factor nor one that is still awaited makes a token.
    let saved = json!({"card_token": one["card_token"]});
    caller.begin(&caller.order("asha"), &saved);
    let failed = caller.pay("asha", &saved, "failure");
    assert_eq!((&failed["status"], &failed["status_id"]), (&json!("AUTHENTICATION_FAILED"), &json!(26)));
    assert!(failed["card"].get("token").is_none());
    assert_eq!((engine_status(&shop, true), engine_status(&shop, false)), ("[]".into(), "initiated".into()));
    assert_eq!(caller.cards("asha")[0]["provider_category"], "VAULT");

    // The first payment is by the card, and makes the token. The next is by the token.
    let first = caller.pay("asha", &saved, "success");
    assert_eq!((&first["status"], &first["status_id"]), (&json!("CHARGED"), &json!(21)));
    assert_eq!(first["card"]["using_token"], false);
    assert_eq!(first["card"]["token"]["tokenization_status"], "SUCCESS");
    assert_eq!(engine_status(&shop, false), "active");
    let [listed] = &caller.cards("asha")[..] else { panic!() };
    assert_eq!(
        (&listed["provider_category"], &listed["provider"]),
        (&json!("NETWORK_TOKEN"), &json!("VISA"))
    );
    assert_eq!(listed["card_number"], "XXXX-XXXXXXXX-1111");
    let next = caller.pay("asha", &saved, "success");
    assert_eq!(next["status"], "CHARGED");
    block_of(&next["card"], &one);
}

/// R004-1 to R004-6: the card's own digits for people, the token's in its block.
fn block_of(card: &Value, one: &Value) {
    assert_eq!((&card["using_token"], &card["using_saved_card"]), (&json!(true), &json!(true)));
    assert_eq!((&card["last_four_digits"], &card["card_isin"]), (&json!("1111"), &json!("411111")));
    assert_eq!((&card["expiry_year"], &card["expiry_month"]), (&json!("2030"), &json!("12")));
    assert_eq!(card["card_sub_type"], Value::Null);
    let token = &card["token"];
    let texts = ["card_reference", "last_four_digits", "card_isin", "expiry_year", "expiry_month", "par"];
    assert!(texts.iter().all(|name| token[*name].is_string()), "{token}");
    assert_eq!(token["card_reference"], one["card_reference"]);
    assert_eq!(token["card_fingerprint"], one["card_fingerprint"]);
    assert_eq!(card["card_fingerprint"], one["card_fingerprint"]);
    assert_eq!(token["par"].as_str().unwrap().len(), 29);
    assert_ne!(
        (&token["last_four_digits"], &token["card_isin"]),
        (&card["last_four_digits"], &card["card_isin"])
    );
    // Nowhere else is anything of the token.
    let mut rest = card.clone();
    rest.as_object_mut().unwrap().remove("token");
    assert!(!rest.to_string().contains(token["last_four_digits"].as_str().unwrap()));
}

/// What the issuer refuses and no provider takes stays as it was.
#[test]
fn a_card_that_is_not_tokenised_stays_kept() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    for (number, status) in [
        ("4000000000000002", "AUTHORIZATION_FAILED"),
        ("4000000000000119", "AUTHORIZATION_FAILED"),
        ("4000000000000259", "CHARGED"),
        ("4000000000000614", "CHARGED"),
    ] {
        let customer = format!("c{number}");
        let saved = json!({"card_token": caller.add(&customer, number)["card_token"]});
        for _ in 0..2 {
            let paid = caller.pay(&customer, &saved, "success");
            assert_eq!(paid["status"], status, "{number}");
            assert!(paid["card"].get("token").is_none() && paid["card"]["using_token"] == false);
            assert_eq!(caller.cards(&customer)[0]["provider_category"], "VAULT", "{number}");
        }
    }
    // These get a token, with which something is the matter.
    for number in ["4000000000000341", "4000000000000523"] {
        let saved = json!({"card_token": caller.add("bela", number)["card_token"]});
        assert_eq!(caller.pay("bela", &saved, "success")["status"], "CHARGED");
        assert_eq!(caller.pay("bela", &saved, "success")["status"], "AUTHORIZATION_FAILED", "{number}");
    }
    let saved = json!({"card_token": caller.add("cara", "4000000000000432")["card_token"]});
    assert_eq!(caller.pay("cara", &saved, "success")["status"], "CHARGED");
    assert_eq!(caller.pay("cara", &saved, "success")["card"]["using_token"], true);
    // RuPay's tokens want the number of an authentication, which a payment has.
    let rupay = "6074820000000009";
    assert_eq!(refused(&caller.post("/card/add", &added("dara", rupay))), (400, "card_not_supported".into()));
    let mut how = card(rupay);
    how["save_to_locker"] = "true".into();
    assert_eq!(caller.pay("dara", &how, "success")["card"]["saved_to_locker"], true);
}

#[test]
fn a_card_is_saved_with_its_payment_if_that_is_wanted_and_charged() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    for (flag, number, outcome) in [
        ("False", CARD, "success"),
        ("false", CARD, "success"),
        ("", CARD, "success"),
        ("True", CARD, "failure"),
        ("true", "4000000000000002", "success"),
    ] {
        let mut how = card(number);
        how["save_to_locker"] = flag.into();
        let paid = caller.pay("asha", &how, outcome);
        assert_eq!(paid["card"]["saved_to_locker"], false);
        assert!(paid["card"].get("token").is_none());
        assert!(caller.cards("asha").is_empty(), "{flag} {outcome}");
    }
    assert_eq!(crate::cashfree::engine_tokens(&shop), 0, "a failed payment provisioned something");
    let mut how = card(CARD);
    how["save_to_locker"] = "True".into();
    let paid = caller.pay("asha", &how, "success");
    assert_eq!(
        (&paid["card"]["saved_to_locker"], &paid["card"]["using_saved_card"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(paid["card"]["token"]["tokenization_status"], "SUCCESS");
    let [listed] = &caller.cards("asha")[..] else { panic!() };
    assert_eq!(
        (&listed["card_exp_month"], &listed["provider_category"]),
        (&json!("10"), &json!("NETWORK_TOKEN"))
    );
    assert_eq!(paid["card"]["token"]["card_reference"], listed["card_reference"]);
    let with =
        json!({"card_token": listed["card_token"], "card_security_code": "999", "save_to_locker": "True"});
    let paid = caller.pay("asha", &with, "success");
    assert_eq!(
        (&paid["card"]["saved_to_locker"], &paid["card"]["using_token"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(caller.cards("asha").len(), 1);
}

/// One merchant has the wide mask, the other has not, for all their cards.
#[test]
fn masks_are_the_merchants_and_fingerprints_are_the_cards() {
    let shop = Shop::open();
    let (narrow, wide) = (Caller::of(&shop, 0), Caller::of(&shop, 1));
    let mut seen = Vec::new();
    for (caller, mask) in [(&narrow, "XXXX-XXXXXXXX-1111"), (&wide, "4111-XXXXXXXX-1111")] {
        for customer in ["asha", "bela"] {
            let one = caller.add(customer, CARD);
            assert_eq!(caller.cards(customer)[0]["card_number"], mask);
            let paid = caller.pay(customer, &json!({"card_token": one["card_token"]}), "success");
            assert_eq!(caller.cards(customer)[0]["card_number"], mask);
            seen.push((one, paid["card"]["token"].clone()));
        }
    }
    let (first, token) = &seen[0];
    for (other, its) in &seen[1..] {
        assert_eq!(first["card_fingerprint"], other["card_fingerprint"]);
        assert_eq!(token["par"], its["par"]);
        assert_ne!(first["card_reference"], other["card_reference"]);
        assert_ne!(first["card_token"], other["card_token"]);
    }
    assert_ne!(first["card_fingerprint"], narrow.add("asha", OTHER)["card_fingerprint"]);
}

#[test]
fn a_card_is_added_once_and_its_reference_is_permanent() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let one = caller.add("asha", CARD);
    assert_eq!(caller.add("asha", "4111 1111 1111 1111"), one);
    let token = one["card_token"].as_str().unwrap();
    let digits = token.strip_prefix("tkn_").unwrap();
    assert!(digits.len() == 32 && digits.bytes().all(|c| c.is_ascii_hexdigit()));
    assert_eq!(one["card_reference"].as_str().unwrap().len(), 32);
    assert_eq!(crate::cashfree::engine_tokens(&shop), 1);

    let deleted = caller.post("/card/delete", &json!({"card_token": token})).ok();
    assert_eq!((&deleted["deleted"], &deleted["card_reference"]), (&json!(true), &one["card_reference"]));
    assert!(caller.cards("asha").is_empty());
    // It was active nowhere, and is ended all the same: the engine forgets the card.
    assert_eq!(engine_status(&shop, false), "deactivated");
    assert_eq!(caller.post("/card/delete", &json!({"card_token": token})).ok(), deleted);
    let how = json!({"order_id": caller.order("asha"), "payment_method_type": "CARD", "card_token": token});
    assert_eq!(refused(&caller.post("/txns", &how)), (404, "card_not_found".into()));

    let again = caller.add("asha", CARD);
    assert_eq!(again["card_reference"], one["card_reference"]);
    assert_ne!(again["card_token"], one["card_token"]);
}

#[test]
fn a_card_deleted_while_its_payment_waits_is_not_paid_with() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let one = caller.add("asha", CARD);
    let order = caller.order("asha");
    let path = caller.begin(&order, &json!({"card_token": one["card_token"]}));
    caller.post("/card/delete", &json!({"card_token": one["card_token"]})).ok();
    shop.ask("GET", &path, &[], b"").ok();
    assert_eq!(caller.status(&order)["status"], "AUTHORIZATION_FAILED");
    assert_eq!(engine_status(&shop, false), "deactivated");
}

#[test]
fn orders_are_made_once_and_paid_once() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let wanted = order_of("order-1", "asha");
    let order = caller.post("/order/create", &wanted).ok();
    assert!(order["id"].as_str().unwrap().starts_with("ordeh_"));
    assert_eq!((&order["amount"], &order["merchant_id"]), (&json!(100.5), &json!(caller.name)));
    assert!(order["payment_links"].is_object() && order.get("refunds").is_none());
    assert!(order.get("card").is_none() && order.get("txn_id").is_none());
    for name in ["customer_email", "customer_phone", "return_url", "description", "product_id", "currency"] {
        assert_eq!(order[name], wanted[name], "{name}");
    }
    assert_eq!(caller.post("/orders", &wanted).ok(), order);
    for (name, other) in
        [("amount", "100.51"), ("currency", "USD"), ("customer_id", "bela"), ("return_url", "")]
    {
        let mut changed = wanted.clone();
        changed[name] = other.into();
        assert_eq!(
            refused(&caller.post("/orders", &changed)),
            (400, "order_already_exists".into()),
            "{name}"
        );
    }
    assert_eq!(caller.status("order-1"), order);
    // Two payments are begun; one pays.
    let (one, two) = (caller.begin("order-1", &card(CARD)), caller.begin("order-1", &card(OTHER)));
    assert_eq!(shop.ask("GET", &one, &[], b"").ok()["status"], "CHARGED");
    assert_eq!(shop.ask("GET", &two, &[], b"").ok()["status"], "AUTHORIZATION_FAILED");
    assert_eq!(caller.status("order-1")["status"], "CHARGED");
    assert_eq!(caller.status("order-1")["card"]["last_four_digits"], "1111");
    let mut more = card(CARD);
    more["order_id"] = "order-1".into();
    more["payment_method_type"] = "CARD".into();
    assert_eq!(refused(&caller.post("/txns", &more)), (400, "order_already_paid".into()));
    // What has ended stays so.
    assert_eq!(shop.ask("GET", &format!("{one}?outcome=failure"), &[], b"").ok()["status"], "CHARGED");
}

#[test]
fn a_browser_goes_to_the_page_and_back_to_the_merchant() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for (at, (url, back)) in [
        ("https://example.com/r", Some("https://example.com/r?")),
        ("https://example.com/r?a=1#f", Some("https://example.com/r?a=1&")),
        ("", None),
        ("https://example.com/unwanted", None),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("order-{at}");
        let mut wanted = order_of(&id, "asha");
        wanted["return_url"] = url.into();
        caller.post("/orders", &wanted).ok();
        let mut how = card(CARD);
        how["redirect_after_payment"] = if url.ends_with("unwanted") { "false" } else { "True" }.into();
        let path = caller.begin(&id, &how);
        let txn = path.rsplit('/').next().unwrap();
        let sent = shop.ask("GET", &path, &browser, b"");
        assert_eq!(sent.status, 303);
        assert_eq!(sent.header("location").unwrap(), format!("http://{}/acs/{txn}", shop.address));
        assert_eq!(caller.status(&id)["status"], "PENDING_VBV");
        assert_eq!(shop.ask("GET", &path, &[("accept", "application/json")], b"").ok()["status"], "CHARGED");
        let sent = shop.ask("GET", &path, &browser, b"");
        match back {
            Some(back) => {
                let end = if url.ends_with("#f") { "#f" } else { "" };
                let wanted = format!("{back}order_id={id}&status=CHARGED&status_id=21{end}");
                assert_eq!(sent.header("location"), Some(wanted.as_str()));
            }
            None => assert_eq!(sent.ok()["status"], "CHARGED"),
        }
    }
    // Who only looks, and who says something else, passes nothing.
    let order = caller.order("asha");
    let path = caller.begin(&order, &card(CARD));
    let mut connection = Connection::to(&shop.address);
    connection
        .raw(format!("HEAD {path} HTTP/1.1\r\nhost: vault\r\nconnection: close\r\n\r\n").as_bytes())
        .unwrap();
    let _ = connection.receive();
    assert_eq!(refused(&shop.ask("GET", &format!("{path}?outcome=maybe"), &[], b"")).0, 400);
    assert_eq!(caller.status(&order)["status"], "PENDING_VBV");
    let wrong = path.replace("/shop/", "/market/");
    for wrong in [wrong.as_str(), "/pay/start/shop/0123456789abcdef0123456789"] {
        assert_eq!(refused(&shop.ask("GET", wrong, &[], b"")), (404, "transaction_not_found".into()));
    }
}

/// A form that comes in chunks, as one library sends it.
#[test]
fn a_form_may_come_in_chunks() {
    let shop = Shop::open();
    let (_, key) = shop.credential(0, "juspay");
    let mut connection = Connection::to(&shop.address);
    let request = format!(
        "POST /orders HTTP/1.1\r\nhost: vault\r\nauthorization: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\n\
         b\r\norder_id=in\r\n16\r\n-parts&amount=1&curren\r\n6\r\ncy=INR\r\n0\r\n\r\n",
        basic(key)
    );
    connection.raw(request.as_bytes()).unwrap();
    assert_eq!(connection.receive().unwrap().ok()["order_id"], "in-parts");
}

/// A kept card gives no cryptogram, and is paid with through other APIs as through this.
#[test]
fn a_kept_card_is_known_to_the_other_apis() {
    let shop = Shop::open();
    let (caller, cashfree) = (Caller::of(&shop, 0), crate::cashfree::Caller::of(&shop, 0));
    caller.add("asha", CARD);
    let [instrument] = &cashfree.list("asha")[..] else { panic!() };
    assert_eq!(instrument["instrument_status"], "INACTIVE");
    let id = instrument["instrument_id"].as_str().unwrap();
    let path = format!("/pg/customers/asha/instruments/{id}/cryptogram");
    assert_eq!(cashfree.get(&path).status, 400);
    let (session, order) = cashfree.order("asha");
    let payment = cashfree.pay(&session, json!({"channel": "post", "instrument_id": id}), false);
    cashfree.authenticate(&payment, "111000");
    assert_eq!(cashfree.status(&order, &payment), "SUCCESS");
    assert_eq!(caller.cards("asha")[0]["provider_category"], "NETWORK_TOKEN");
    cashfree.get(&path).ok();
}

/// An engine that is stopped: the API's own answer for a provider that gives none. What is
/// paid is paid, and the token is made when the engine is back.
#[test]
fn without_its_engine_it_says_so_and_tokenises_when_it_is_back() {
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let saved = json!({"card_token": caller.add("asha", CARD)["card_token"]});
    assert_eq!(caller.pay("asha", &card(OTHER), "success")["status"], "CHARGED");
    let order = caller.order("asha");
    let path = caller.begin(&order, &saved);
    signal(shop.engine_pid(), "STOP");
    assert_eq!(refused(&caller.get("/cards?customer_id=asha")), (503, "service_timeout".into()));
    assert_eq!(refused(&caller.post("/card/add", &added("bela", CARD))), (503, "service_timeout".into()));
    shop.ask("GET", &path, &[], b"").ok();
    assert!(caller.status(&order)["card"].get("token").is_none());
    signal(shop.engine_pid(), "CONT");
    let begun = Instant::now();
    while caller.status(&order)["card"].get("token").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it stays {}", caller.status(&order));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(caller.status(&order)["status"], "CHARGED");
    assert_eq!(caller.cards("asha")[0]["provider_category"], "NETWORK_TOKEN");
}
