//! A merchant that calls Cashfree's API.

use serde_json::{Value, json};

use crate::http::Reply;
use crate::shop::Shop;

pub const SECRET: &str = "x-client-secret";

/// A merchant of a shop, as it calls this API.
pub struct Caller<'s> {
    pub shop: &'s Shop,
    pub id: &'s str,
    pub secret: &'s str,
    pub version: &'s str,
}

impl<'s> Caller<'s> {
    pub fn of(shop: &'s Shop, merchant: usize) -> Self {
        let (id, secret) = shop.credential(merchant, "cashfree");
        Self { shop, id, secret, version: "2023-08-01" }
    }

    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.keyed(method, path, body, None)
    }

    pub fn keyed(&self, method: &str, path: &str, body: &Value, key: Option<&str>) -> Reply {
        let mut headers =
            vec![("x-client-id", self.id), (SECRET, self.secret), ("x-api-version", self.version)];
        headers.extend(key.map(|key| ("x-idempotency-key", key)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.shop.ask(method, path, &headers, body.as_bytes())
    }

    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &Value::Null)
    }

    /// An order's session, and its id.
    pub fn order(&self, customer: &str) -> (String, String) {
        let order = self.ask("POST", "/pg/orders", &order_of(customer)).ok();
        (text(&order["payment_session_id"]), text(&order["order_id"]))
    }

    /// A payment's id.
    pub fn pay(&self, session: &str, card: Value, save: bool) -> String {
        let body =
            json!({"payment_session_id": session, "payment_method": {"card": card}, "save_instrument": save});
        text(&self.ask("POST", "/pg/orders/sessions", &body).ok()["cf_payment_id"])
    }

    pub fn authenticate(&self, payment: &str, otp: &str) -> Value {
        let path = format!("/pg/orders/pay/authenticate/{payment}");
        self.ask("POST", &path, &json!({"otp": otp, "action": "SUBMIT_OTP"})).ok()
    }

    pub fn status(&self, order: &str, payment: &str) -> String {
        text(&self.get(&format!("/pg/orders/{order}/payments/{payment}")).ok()["payment_status"])
    }

    pub fn list(&self, customer: &str) -> Vec<Value> {
        let list = self.get(&format!("/pg/customers/{customer}/instruments?instrument_type=card")).ok();
        list.as_array().unwrap().clone()
    }

    /// A card is saved by a payment: the instrument's path.
    pub fn save(&self, customer: &str, number: &str) -> String {
        let (session, order) = self.order(customer);
        let before = self.list(customer).len();
        let payment = self.pay(&session, card(number), true);
        self.authenticate(&payment, "111000");
        assert_eq!(self.status(&order, &payment), "SUCCESS");
        let list = self.list(customer);
        assert_eq!(list.len(), before + 1);
        format!("/pg/customers/{customer}/instruments/{}", text(&list.last().unwrap()["instrument_id"]))
    }
}

pub fn order_of(customer: &str) -> Value {
    json!({"order_amount": 100.5, "order_currency": "INR",
        "customer_details": {"customer_id": customer, "customer_phone": "9999999999"}})
}

pub fn card(number: &str) -> Value {
    json!({"channel": "post", "card_number": number, "card_holder_name": "Asha Rao", "card_expiry_mm": "12",
        "card_expiry_yy": "30", "card_cvv": "123"})
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
