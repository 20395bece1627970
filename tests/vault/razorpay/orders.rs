//! Customers and orders.

use serde_json::json;

use super::caller::{Caller, card, payment_of, refused};
use crate::cashfree::text;
use crate::shop::{CARD, Shop};

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
