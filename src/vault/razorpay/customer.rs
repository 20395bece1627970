//! Customers.

use serde_json::{Value, json};

use super::contact::{contact, email};
use super::notes::notes;
use super::visit::merchant;
use super::{Error, find};
use crate::types::UnixTime;
use crate::vault::body::{Fields, Text, Why};
use crate::vault::db::{Customer, Merchant};
use crate::vault::house::{Fault, House};
use crate::vault::http::{Answer, Call};
use crate::vault::ids;

/// `POST /v1/customers`
///
/// Who has the same e-mail address and telephone number is the same customer: that is
/// refused, or with `fail_existing` 0 the one there is answered.
pub fn create(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let body = call.json()?;
    let fields = Fields::of(&body);
    let new = wanted(&fields, house.now())?;
    let fails = fields.flag("fail_existing")?.unwrap_or(true);
    let customer = add(house, &merchant, new, fails)?;
    Ok(Answer::json(200, &shown(&customer)))
}

/// `GET /v1/customers/{customer}`
pub fn fetch(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    Ok(Answer::json(200, &shown(&find::customer(house, merchant.pk, call.at("customer"))?)))
}

fn wanted(fields: &Fields<'_>, now: UnixTime) -> Result<Customer, Error> {
    let new = Customer {
        id: format!("cust_{}", ids::tag().map_err(Fault::from)?),
        name: fields.text("name", Text::LINE)?.map(str::to_owned),
        email: email(fields)?.map(str::to_owned),
        contact: contact(fields)?,
        notes: Some(notes(fields)?.to_string()),
        created: now,
    };
    // Of somebody of whom nothing is said there is nothing to keep.
    if new.name.is_none() && new.email.is_none() && new.contact.is_none() {
        return Err(fields.fault("name", Why::Missing).into());
    }
    Ok(new)
}

fn add(house: &House, merchant: &Merchant, new: Customer, fails: bool) -> Result<Customer, Error> {
    house.db.write(|tx| {
        let known = match (&new.email, &new.contact) {
            // By a name alone nobody is known.
            (None, None) => None,
            (email, contact) => Customer::by_contact(tx, merchant.pk, email.as_deref(), contact.as_deref())?,
        };
        match known {
            Some(_) if fails => {
                Err(Error::refused("Customer already exists for the merchant", "customer_already_exists"))
            }
            Some(known) => Ok(known),
            None => {
                new.add(tx, merchant.pk)?;
                Ok(new)
            }
        }
    })
}

fn shown(customer: &Customer) -> Value {
    let notes: Option<Value> = customer.notes.as_deref().and_then(|notes| serde_json::from_str(notes).ok());
    json!({
        "id": customer.id,
        "entity": "customer",
        "name": customer.name,
        "email": customer.email,
        "contact": customer.contact,
        "gstin": null,
        "notes": notes.unwrap_or_else(|| json!([])),
        "created_at": customer.created.seconds(),
    })
}
