//! A merchant that calls Juspay's API.

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::http::Reply;
use crate::shop::Shop;

/// A merchant of a shop, as it calls this API.
pub struct Caller<'s> {
    pub shop: &'s Shop,
    pub name: &'s str,
    authorization: String,
}

impl<'s> Caller<'s> {
    pub fn of(shop: &'s Shop, merchant: usize) -> Self {
        let (name, key) = shop.credential(merchant, "juspay");
        Self { shop, name, authorization: basic(&format!("{key}:")) }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.shop.ask(
            "GET",
            path,
            &[("authorization", &self.authorization), ("x-merchantid", self.name)],
            b"",
        )
    }

    /// A form.
    pub fn post(&self, path: &str, form: &Value) -> Reply {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/x-www-form-urlencoded;charset=UTF-8"),
        ];
        self.shop.ask("POST", path, &headers, encoded(form).as_bytes())
    }

    pub fn json(&self, path: &str, body: &Value) -> Reply {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json; charset=utf-8"),
        ];
        self.shop.ask("POST", path, &headers, body.to_string().as_bytes())
    }

    pub fn cards(&self, customer: &str) -> Vec<Value> {
        let list = self.get(&format!("/cards?customer_id={customer}")).ok();
        assert_eq!(self.get(&format!("/card/list?customer_id={customer}")).ok(), list);
        assert_eq!((&list["customer_id"], &list["merchantId"]), (&json!(customer), &json!(self.name)));
        list["cards"].as_array().unwrap().clone()
    }

    pub fn add(&self, customer: &str, number: &str) -> Value {
        self.post("/card/add", &added(customer, number)).ok()
    }

    /// An order's id.
    pub fn order(&self, customer: &str) -> String {
        let id = format!("ord{:016x}", fastrand::u64(..));
        let order = self.post("/orders", &order_of(&id, customer)).ok();
        assert_eq!((&order["status"], &order["status_id"]), (&json!("NEW"), &json!(10)));
        id
    }

    /// Where the second factor is, as a path.
    pub fn begin(&self, order: &str, how: &Value) -> String {
        let mut body = json!({"order_id": order, "payment_method_type": "CARD", "format": "json",
            "redirect_after_payment": "True", "merchant_id": self.name});
        body.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
        let begun = self.post("/txns", &body).ok();
        assert_eq!(
            (&begun["status"], &begun["payment"]["authentication"]["method"]),
            (&json!("PENDING_VBV"), &json!("GET"))
        );
        assert_eq!(self.status(order)["status"], "PENDING_VBV");
        let url = begun["payment"]["authentication"]["url"].as_str().unwrap();
        url.strip_prefix(&format!("http://{}", self.shop.address)).unwrap().to_owned()
    }

    pub fn status(&self, order: &str) -> Value {
        // What is still to be done may be done between the two.
        let (mut status, mut other) = (Value::Null, Value::Null);
        for _ in 0..10 {
            status = self.get(&format!("/orders/{order}")).ok();
            other = self.get(&format!("/order/status?order_id={order}")).ok();
            if status == other {
                return status;
            }
        }
        panic!("{status} is not {other}");
    }

    /// A new order is paid so; what became of it.
    pub fn pay(&self, customer: &str, how: &Value, outcome: &str) -> Value {
        let order = self.order(customer);
        let path = self.begin(&order, how);
        let told = self.shop.ask("GET", &format!("{path}?outcome={outcome}"), &[], b"").ok();
        let status = self.status(&order);
        assert_eq!((&told["status"], &told["status_id"]), (&status["status"], &status["status_id"]));
        status
    }
}

pub fn basic(text: &str) -> String {
    format!("Basic {}", BASE64.encode(text.as_bytes()))
}

pub fn added(customer: &str, number: &str) -> Value {
    json!({"customer_id": customer, "customer_email": "a@example.com", "card_number": number,
        "card_exp_year": "2030", "card_exp_month": "12", "name_on_card": "Asha Rao", "nickname": "mine"})
}

pub fn order_of(id: &str, customer: &str) -> Value {
    json!({"order_id": id, "amount": "100.50", "currency": "INR", "customer_id": customer,
        "customer_email": "a@example.com", "customer_phone": "9999999999",
        "return_url": "https://example.com/r", "description": "two things", "product_id": "p1"})
}

pub fn card(number: &str) -> Value {
    json!({"card_number": number, "card_exp_month": "10", "card_exp_year": "30", "name_on_card": "Asha Rao",
        "card_security_code": "111"})
}

fn encoded(form: &Value) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form.as_object().unwrap() {
        text.append_pair(name, value.as_str().unwrap_or_else(|| panic!("a form has texts: {value}")));
    }
    text.finish()
}
