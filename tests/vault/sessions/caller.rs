//! A merchant that calls the sessions' API, its front end that encrypts cards, and its
//! customer at the bank's page.

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use data_encoding::BASE64;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::http::Reply;
use crate::shop::Shop;

pub struct Caller<'s> {
    pub shop: &'s Shop,
    basic: String,
}

impl<'s> Caller<'s> {
    pub fn of(shop: &'s Shop, merchant: usize) -> Self {
        let (id, secret) = shop.credential(merchant, "sessions");
        Self { shop, basic: format!("Basic {}", BASE64.encode(format!("{id}:{secret}").as_bytes())) }
    }

    pub fn ask(&self, method: &str, path: &str, body: &Value, key: Option<&str>) -> Reply {
        let mut headers = vec![("authorization", self.basic.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.shop.ask(method, path, &headers, body.as_bytes())
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask("POST", path, body, None)
    }

    #[track_caller]
    pub fn create(&self, body: &Value) -> Value {
        let reply = self.post("/sessions", body);
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.json()
    }

    pub fn confirm(&self, session: &Value, body: &Value) -> Reply {
        self.post(&format!("/sessions/{}/confirm", text(&session["id"])), body)
    }

    #[track_caller]
    pub fn fetch(&self, session: &Value) -> Value {
        self.ask("GET", &format!("/sessions/{}", text(&session["id"])), &Value::Null, None).ok()
    }

    pub fn methods(&self, customer: &str) -> Vec<Value> {
        let path = format!("/sessions/customers/{customer}");
        self.ask("GET", &path, &Value::Null, None).ok()["paymentMethods"].as_array().unwrap().clone()
    }

    /// A session with a key, confirmed with a card and authenticated; how it ended.
    pub fn pay(&self, number: &str, at_create: Option<bool>, at_confirm: Option<bool>, otp: &str) -> Value {
        let mut wanted = wanted();
        wanted["savePaymentMethod"] = json!(at_create);
        let session = self.create(&wanted);
        let mut body = encrypted(&session, &card(number));
        body["savePaymentMethod"] = json!(at_confirm);
        let confirmed = self.confirm(&session, &body).ok();
        assert_eq!(confirmed["status"], "AWAITING_AUTHENTICATION");
        assert!(self.methods("asha").is_empty(), "saved before its payment");
        self.authenticate(&confirmed, otp);
        self.fetch(&session)
    }

    /// Another card is saved.
    pub fn pay_again(&self, number: &str) {
        let mut wanted = wanted();
        wanted["savePaymentMethod"] = json!(true);
        let session = self.create(&wanted);
        let confirmed = self.confirm(&session, &encrypted(&session, &card(number))).ok();
        self.authenticate(&confirmed, "111000");
    }

    /// The customer at the address that the merchant sends it to: where it goes then.
    pub fn authenticate(&self, confirmed: &Value, otp: &str) -> String {
        self.at_bank(confirmed, &format!("action=confirm&otp={otp}"))
    }

    pub fn at_bank(&self, confirmed: &Value, form: &str) -> String {
        let url = text(&confirmed["redirectUrl"]);
        let path = url.strip_prefix(&format!("http://{}", self.shop.address)).unwrap();
        assert_eq!(self.shop.ask("GET", path, &[], b"").status, 200);
        let reply = self.shop.ask("POST", path, &[], form.as_bytes());
        reply.header("location").unwrap_or_default().to_owned()
    }

    pub fn database(&self) -> Connection {
        let db = Connection::open(self.shop.database()).unwrap();
        db.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
        db
    }

    /// The window closes now, as it does in time.
    pub fn expire(&self, session: &Value) {
        let done =
            self.database().execute("UPDATE session SET expires = 1 WHERE id = ?", [text(&session["id"])]);
        assert_eq!(done.unwrap(), 1);
    }
}

/// A session whose card is encrypted on the merchant's page.
pub fn wanted() -> Value {
    json!({
        "mode": "API", "autoConfirm": false, "paymentMethod": {"type": "CARD"},
        "customer": {"id": "asha", "name": "Asha Rao", "email": "asha@example.com", "phone": "9999999999"},
        "orderInformation": {"amount": 100.5, "currency": "INR", "description": "a stick"},
        "redirect": {"successUrl": "https://shop.example/paid", "failureUrl": "https://shop.example/failed",
            "expiredUrl": "https://shop.example/expired"},
        "expiresIn": 900, "savePaymentMethod": false, "showSavedPaymentMethods": false,
    })
}

pub fn card(number: &str) -> Value {
    json!({"number": number, "expiryMonth": "12", "expiryYear": "30", "cvc": "123"})
}

/// A confirmation with a card that is encrypted under the session's key.
pub fn encrypted(session: &Value, card: &Value) -> Value {
    assert_eq!(session["encryptionAlgorithm"], "RSA-OAEP-256");
    let key = BASE64.decode(text(&session["encryptionKey"]).as_bytes()).unwrap();
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&key).unwrap()).unwrap();
    let mut sealed = vec![0; key.ciphertext_size()];
    let sealed =
        key.encrypt(&OAEP_SHA256_MGF1SHA256, card.to_string().as_bytes(), &mut sealed, None).unwrap();
    json!({"paymentMethod": {"type": "CARD", "card": {"encryptedCard": BASE64.encode(sealed)}}})
}

pub fn saved(id: &Value, cvc: &Value) -> Value {
    json!({"paymentMethod": {"type": "CARD", "card": {"paymentMethodId": id}},
        "paymentMethodOptions": {"card": {"cvc": cvc}}})
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// An error in this API's shape: its code.
#[track_caller]
pub fn refused(reply: &Reply, status: u16) -> String {
    assert_eq!(reply.status, status, "{}", reply.body);
    let error = &reply.json()["error"];
    assert!(error["message"].is_string(), "{}", reply.body);
    text(&error["code"])
}
