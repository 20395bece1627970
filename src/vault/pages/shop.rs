//! The demo shop: a merchant that sells two things through payment sessions.

use super::Error;
use super::acs::from_here;
use super::view::{Mark, Message, Product, Shop, page, price};
use crate::types::Amount;
use crate::vault::body::{Fields, Text};
use crate::vault::db::{DbError, Merchant, Mode};
use crate::vault::house::House;
use crate::vault::http::{Answer, Call};
use crate::vault::sessions::{Urls, Wanted, Who, open};
use crate::vault::words::currency;

/// The sample merchant that keeps it.
const MERCHANT: &str = "shop";
/// Id, name, short name, what it is, and paise.
const GOODS: [(&str, &str, &str, &str, u64); 2] = [
    (
        "stick",
        "Split tally stick",
        "stick",
        "Hazel, notched by hand and split in two: one half for you, one for who owes you.",
        49_900,
    ),
    (
        "book",
        "The Exchequer, 1166 to 1826",
        "book",
        "How a kingdom kept its accounts on sticks, and burnt down a parliament with them.",
        129_900,
    ),
];

/// `GET /shop`
pub fn show(_: &House, _: &Call) -> Result<Answer, Error> {
    let inr = currency("INR").ok_or_else(Error::nowhere)?;
    let products = GOODS.map(|(id, name, short, about, paise)| {
        let price = price(Amount::from_minor_units(paise), inr);
        Product { id, name, short, about, price }
    });
    Ok(page(200, &Shop { products: products.into() })?)
}

/// `POST /shop`: as a merchant's server does it.
pub fn buy(house: &House, call: &Call) -> Result<Answer, Error> {
    from_here(call)?;
    let form = call.form()?;
    let product = Fields::of(&form).needed("product", Text::ID)?;
    let (_, name, _, _, paise) =
        GOODS.into_iter().find(|(id, ..)| *id == product).ok_or_else(Error::nowhere)?;
    let merchants = house.db.read::<_, DbError>(Merchant::all)?;
    let merchant = merchants.into_iter().find(|known| known.name == MERCHANT).ok_or_else(Error::nowhere)?;
    let end = |end: &str| Some(format!("{}/shop/{end}", house.public));
    let wanted = Wanted {
        mode: Mode::Redirect,
        auto_confirm: true,
        customer: Some(Who { id: "asha".to_owned(), name: Some("Asha Rao".to_owned()), ..Who::default() }),
        order: None,
        amount: Amount::from_minor_units(paise),
        currency: currency("INR").ok_or_else(Error::nowhere)?,
        description: Some(name.to_owned()),
        urls: Urls { success: end("paid"), failure: end("failed"), expired: end("expired") },
        kind: None,
        save: true,
        show: true,
        window: 900,
    };
    let session = house.db.write(|tx| open(tx, &merchant, &wanted, house.now()))?;
    Ok(Answer::redirect(&format!("{}/pay/{}", house.public, session.id)))
}

/// `GET /shop/{end}`
pub fn end(_: &House, call: &Call) -> Result<Answer, Error> {
    let (title, text, mark) = match call.at("end") {
        "paid" => ("Thank you, Asha", "Your order is paid and on its way.", Mark::Good),
        "failed" => {
            ("Not paid", "The payment failed or was cancelled. You have not been charged.", Mark::Bad)
        }
        "expired" => ("Too late", "The time to pay this order is over.", Mark::Wait),
        _ => return Err(Error::nowhere()),
    };
    Ok(page(200, &Message { title, text, mark, again: false, link: Some(("/shop", "Back to the shop")) })?)
}
