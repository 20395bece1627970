//! A merchant that calls Razorpay's API.

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::cashfree::text;
use crate::http::Reply;
use crate::shop::Shop;

/// The header with an idempotency key.
pub const KEY: &str = "X-Razorpay-Idempotency-Key";

/// A merchant of a shop, as it calls this API.
pub struct Caller<'s> {
    pub shop: &'s Shop,
    pub authorization: String,
}

impl<'s> Caller<'s> {
    pub fn of(shop: &'s Shop, merchant: usize) -> Self {
        let (id, secret) = shop.credential(merchant, "razorpay");
        Self::with(shop, id, secret)
    }

    pub fn with(shop: &'s Shop, id: &str, secret: &str) -> Self {
        let authorization = format!("Basic {}", BASE64.encode(format!("{id}:{secret}").as_bytes()));
        Self { shop, authorization }
    }

    pub fn keyed(&self, method: &str, path: &str, body: &Value, key: Option<&str>) -> Reply {
        let mut headers = vec![("authorization", self.authorization.as_str())];
        headers.extend(key.map(|key| (KEY, key)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.shop.ask(method, path, &headers, body.as_bytes())
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.keyed("POST", path, body, None)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.keyed("GET", path, &Value::Null, None)
    }

    /// A customer's id.
    pub fn customer(&self, name: &str) -> String {
        let body = json!({"name": name, "email": format!("{name}@example.com"), "contact": "9876543210",
            "fail_existing": "0"});
        text(&self.post("/v1/customers", &body).ok()["id"])
    }

    /// An order's id.
    pub fn order(&self, amount: u64) -> String {
        text(&self.post("/v1/orders", &json!({"amount": amount, "currency": "INR"})).ok()["id"])
    }

    /// A token of a request of its own.
    pub fn tokenise(&self, customer: &str, number: &str) -> Value {
        self.post("/v1/tokens", &token_of(customer, number)).ok()
    }

    pub fn tokens(&self, customer: &str) -> Vec<Value> {
        let list = self.get(&format!("/v1/customers/{customer}/tokens")).ok();
        assert_eq!(list["entity"], "collection");
        assert_eq!(list["count"], list["items"].as_array().unwrap().len());
        list["items"].as_array().unwrap().clone()
    }

    /// An order of this amount is paid so: the payment as it is at the end.
    pub fn pay(&self, amount: u64, how: Value) -> Value {
        self.pay_with(amount, how, "success")
    }

    pub fn pay_with(&self, amount: u64, how: Value, outcome: &str) -> Value {
        let order = self.order(amount);
        let made = self.post("/v1/payments/create/json", &payment_of(&order, amount, how)).ok();
        let id = text(&made["razorpay_payment_id"]);
        let path = format!("/v1/payments/{id}/authenticate");
        assert_eq!(made["next"][0]["action"], "redirect");
        assert_eq!(made["next"][0]["url"], format!("http://{}{path}", self.shop.address));
        let before = self.get(&format!("/v1/payments/{id}")).ok();
        assert_eq!((&before["status"], &before["captured"]), (&json!("created"), &json!(false)));
        let told = self.shop.ask("GET", &format!("{path}?outcome={outcome}"), &[], b"").ok();
        let payment = self.get(&format!("/v1/payments/{id}")).ok();
        assert_eq!(told, json!({"status": payment["status"]}));
        payment
    }

    /// The transactional data of a token, perhaps for an amount.
    pub fn data(&self, token: &Value, amount: Option<u64>) -> Value {
        let mut body = json!({"id": token["service_provider_tokens"][0]["id"]});
        if let Some(amount) = amount {
            body["amount"] = amount.into();
            body["currency"] = "INR".into();
        }
        self.post(DATA, &body).ok()
    }
}

/// Where transactional data are.
pub const DATA: &str = "/v1/tokens/service_provider_tokens/token_transactional_data";

/// A card to be paid with.
pub fn card(number: &str) -> Value {
    json!({"number": number, "expiry_month": "12", "expiry_year": "2030", "name": "Asha Rao", "cvv": "123"})
}

/// What pays with transactional data.
pub fn token_card(data: &Value) -> Value {
    json!({"number": data["token_number"], "expiry_month": data["card"]["expiry_month"],
        "expiry_year": data["token_expiry_year"], "cryptogram_value": data["cryptogram_value"],
        "tokenised": true, "token_provider": "cashfree"})
}

/// A request for a token.
pub fn token_of(customer: &str, number: &str) -> Value {
    json!({"customer_id": customer, "method": "card",
        "card": {"number": number, "expiry_month": "12", "expiry_year": "30", "name": "Asha Rao"},
        "authentication": {"provider": "razorpay", "provider_reference_id": "pay_123wkejnsakd",
            "authentication_reference_number": "10022202112020000000074275"},
        "notes": {"note_key": "Beam me up"}})
}

/// A request for a payment, paid so.
pub fn payment_of(order: &str, amount: u64, how: Value) -> Value {
    let mut body = json!({"amount": amount, "currency": "INR", "order_id": order, "email": "a@example.com",
        "contact": "9876543210", "method": "card"});
    body.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
    body
}

/// An error's body, which must be whole and hold no card number.
#[track_caller]
pub fn refused(reply: &Reply) -> Value {
    assert!((400..500).contains(&reply.status), "{}: {}", reply.status, reply.body);
    shaped(reply)
}

#[track_caller]
pub fn shaped(reply: &Reply) -> Value {
    let error = reply.json()["error"].clone();
    for name in ["code", "description", "source", "step", "reason"] {
        assert!(error[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {}", reply.body);
    }
    assert_eq!(error["metadata"], json!({}));
    assert!(error.get("field").is_none_or(Value::is_string), "{error}");
    assert!(!reply.body.contains(crate::shop::CARD), "a number in an error");
    error
}

/// What is told of a token service provider that gives no answer.
pub fn timeout() -> Value {
    json!({"code": "TOKEN_SERVICE_PROVIDER_TIMEOUT",
        "description": "There is an issue in connecting with the token service provider",
        "source": "service_provider", "step": "token_creation",
        "reason": "token_service_provider_timed_out", "metadata": {}})
}
