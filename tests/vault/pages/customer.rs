//! Customers in a real browser.

use serde_json::{Value, json};

use super::memory;
use crate::browser::drive;
use crate::sessions::{Caller, text, wanted};
use crate::shop::Shop;

/// Not one of those that the sandbox knows by heart, so that it is nowhere in the vault.
const NUMBER: &str = "4012 8888 8888 1881";

fn enter_card() -> Vec<Value> {
    vec![
        json!(["text", "#pay", "^Pay ₹499.00$"]),
        json!(["fill", "#number", NUMBER]),
        json!(["value", "#number", "^4012 8888 8888 1881$"]),
        json!(["fill", "#expiry", "12/30"]),
        json!(["fill", "#cvc", "123"]),
    ]
}

fn at_bank(otp: &str, end: &str) -> Vec<Value> {
    vec![
        json!(["url", "/acs/"]),
        json!(["text", "dl", "Visa •••• 1881"]),
        json!(["fill", "#otp", otp]),
        json!(["click", "#otp-form button"]),
        json!(["url", format!("/shop/{end}$")]),
    ]
}

fn steps(parts: Vec<Vec<Value>>) -> Value {
    parts.concat().into()
}

#[test]
fn a_customer_pays_with_a_card_that_never_leaves_the_browser_in_clear() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let url = format!("http://{}/shop", shop.address);
    let buy = || vec![json!(["click", "#buy-stick button"]), json!(["absent", "#saved"])];
    let pay = || vec![json!(["click", "#pay"])];
    // What is no card is told by the page, and paid without consent it is not saved.
    let first = steps(vec![
        buy(),
        pay(),
        vec![json!(["text", "#card-error", "card number"])],
        enter_card(),
        vec![json!(["absent", "#card-error"]), json!(["checked", "#save", false])],
        pay(),
        at_bank("111000", "paid"),
    ]);
    if !drive(&url, &first) {
        return;
    }
    assert!(merchant.methods("asha").is_empty());
    // With consent, but not authenticated.
    let consent = || vec![json!(["click", "#save"]), json!(["checked", "#save", true])];
    drive(&url, &steps(vec![buy(), enter_card(), consent(), pay(), at_bank("111001", "failed")]));
    assert!(merchant.methods("asha").is_empty());
    drive(&url, &steps(vec![buy(), enter_card(), consent(), pay(), at_bank("111000", "paid")]));
    let methods = merchant.methods("asha");
    assert_eq!((methods.len(), &methods[0]["card"]["lastFour"]), (1, &json!("1881")));
    // Saved: shown by its mask, paid with its verification value only.
    let saved = vec![
        json!(["click", "#buy-book button"]),
        json!(["text", "#saved", "Visa •••• 1881"]),
        json!(["absent", "#number"]),
        json!(["click", "#saved button"]),
        json!(["url", "/pay/"]),
        json!(["fill", "#saved-cvc", "123"]),
        json!(["click", "#saved button"]),
    ];
    drive(&url, &steps(vec![saved, at_bank("111000", "paid")]));
    let cancelled = vec![
        json!(["click", "#buy-stick button"]),
        json!(["click", "#cancel button"]),
        json!(["url", "/shop/failed$"]),
    ];
    drive(&url, &steps(vec![cancelled]));

    let digits = NUMBER.replace(' ', "");
    let kept =
        ["vault.db", "vault.db-wal"].map(|name| std::fs::read(shop.database().with_file_name(name)).unwrap());
    assert!(kept.iter().any(|file| memory::has(file, b"1881")));
    assert!(!kept.iter().any(|file| memory::has(file, digits.as_bytes())));
    // The search finds what is there, and no number is.
    let id = text(&methods[0]["id"]);
    let process = memory::of(shop.vault_pid());
    assert!(process.iter().any(|piece| memory::has(piece, id.as_bytes())));
    for number in [digits.as_str(), NUMBER] {
        assert!(!process.iter().any(|piece| memory::has(piece, number.as_bytes())));
    }
}

#[test]
fn a_customer_approves_and_declines_at_the_wallet() {
    let shop = Shop::open();
    let url = format!("http://{}/shop", shop.address);
    for (save, press, end) in [(true, "#decline", "failed"), (true, "#approve", "paid")] {
        let mut steps = vec![json!(["click", "#buy-stick button"])];
        if save {
            steps.push(json!(["checked", "#save-wallet", false]));
            steps.push(json!(["click", "#save-wallet"]));
        }
        steps.push(json!(["click", "#wallet button"]));
        steps.push(json!(["text", "dl", "₹499.00"]));
        steps.push(json!(["click", format!("{press} button")]));
        steps.push(json!(["url", format!("/shop/{end}$")]));
        if !drive(&url, &steps.into()) {
            return;
        }
    }
    assert_eq!(Caller::of(&shop, 0).methods("asha").len(), 1);
    let again = json!([
        ["click", "#buy-stick button"],
        ["text", "#wallet button", "saved e-wallet"],
        ["click", "#wallet button"],
        ["click", "#approve button"],
        ["url", "/shop/paid$"],
    ]);
    drive(&url, &again);
    assert_eq!(Caller::of(&shop, 0).methods("asha").len(), 1);
}

#[test]
fn a_page_that_is_open_when_the_window_closes_sends_the_customer_on() {
    let shop = Shop::open();
    let merchant = Caller::of(&shop, 0);
    let mut wanted = wanted();
    (wanted["mode"], wanted["autoConfirm"], wanted["paymentMethod"]) =
        (json!("REDIRECT"), json!(true), Value::Null);
    wanted["redirect"]["expiredUrl"] = json!(format!("http://{}/shop/expired", shop.address));
    let session = merchant.create(&wanted);
    // Eight seconds are left; a browser that is slower finds it closed.
    let sooner = "UPDATE session SET expires = unixepoch() + 8 WHERE id = ?";
    merchant.database().execute(sooner, [text(&session["id"])]).unwrap();
    drive(&text(&session["redirectUrl"]), &json!([["url", "/shop/expired$"], ["text", "h1", "Too late"]]));
    assert_eq!(merchant.fetch(&session)["status"], "EXPIRED");
}

#[test]
fn pages_fit_a_narrow_window() {
    let shop = Shop::open();
    let narrow = json!([
        ["size", 320, 640],
        ["fits"],
        ["click", "#buy-book button"],
        ["text", "#pay", "₹1,299.00"],
        ["fits"],
        ["click", "#wallet button"],
        ["text", "dl", "shop"],
        ["fits"],
    ]);
    drive(&format!("http://{}/shop", shop.address), &narrow);
}
