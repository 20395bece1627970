//! `GET /sessions/customers/{customer}`

use serde_json::{Value, json};

use super::visit::merchant;
use super::{Error, Kind, show, usable};
use crate::vault::db::{Customer, Wallet};
use crate::vault::house::House;
use crate::vault::http::{Answer, Call};

/// Shows a customer with what it saved, through whatever API.
pub fn fetch(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let id = call.at("customer");
    let customer = house.db.read(|db| Customer::by_id(db, merchant.pk, id))?;
    let customer = customer.ok_or_else(|| Error::not_found("customer"))?;
    let mut methods: Vec<Value> = Vec::new();
    for saved in house.instruments_of(&merchant, id)? {
        methods.push(json!({
            "id": saved.instrument.id,
            "type": Kind::Card.name(),
            "card": show::card(&saved.instrument.card),
            "usable": usable(&saved),
            "createdAt": saved.instrument.created.to_rfc3339(),
        }));
    }
    for wallet in house.db.read(|db| Wallet::of_customer(db, merchant.pk, id))? {
        methods.push(json!({
            "id": wallet.id,
            "type": Kind::Wallet.name(),
            "card": null,
            "usable": true,
            "createdAt": wallet.created.to_rfc3339(),
        }));
    }
    let body = json!({
        "id": customer.id,
        "name": customer.name,
        "email": customer.email,
        "phone": customer.contact,
        "paymentMethods": methods,
    });
    Ok(Answer::json(200, &body))
}
