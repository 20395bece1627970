//! Style and script of the pages.

use super::Error;
use crate::vault::house::House;
use crate::vault::http::{Answer, Call, Fail, Shape};

const CSS: &str = include_str!("vault.css");
const CARD: &str = include_str!("card.js");
const ICON: &str = include_str!("icon.svg");

/// `GET /assets/{asset}`
pub fn asset(_: &House, call: &Call) -> Result<Answer, Error> {
    let (kind, body) = match call.at("asset") {
        "vault.css" => ("text/css; charset=utf-8", CSS),
        "card.js" => ("text/javascript; charset=utf-8", CARD),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return Err(Error::fail(Fail::NoSuchPath)),
    };
    Ok(Answer { status: 200, kind, body: body.to_owned(), headers: Vec::new() })
}
