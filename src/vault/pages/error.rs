//! What goes wrong, as a page.

use super::view::{self, Mark, Message};
use crate::vault::body::{BodyFault, FieldFault};
use crate::vault::db::DbError;
use crate::vault::engine::EngineError;
use crate::vault::house::Fault;
use crate::vault::http::{Answer, Fail, Shape};
use crate::vault::sessions;

/// An error as a page tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    status: u16,
    text: String,
}

impl Error {
    /// A page that is not there, or is another's.
    pub fn nowhere() -> Self {
        Self { status: 404, text: "There is no such page, or it is over.".to_owned() }
    }

    /// A form that another site has sent.
    pub fn elsewhere() -> Self {
        Self { status: 403, text: "This form was sent from another site.".to_owned() }
    }

    /// Who is not known.
    pub fn unknown() -> Self {
        Self { status: 401, text: "This page is for operators.".to_owned() }
    }

    fn away() -> Self {
        Self { status: 503, text: "We cannot reach the bank at the moment. Try again in a while.".to_owned() }
    }
}

impl Shape for Error {
    fn fail(fail: Fail) -> Self {
        let text = match fail {
            Fail::NoSuchPath => return Self::nowhere(),
            Fail::WrongMethod => "This page is not used so.",
            Fail::TooLarge | Fail::TooSlow | Fail::Malformed => {
                "The browser sent something that cannot be read."
            }
            Fail::Busy => "There is too much to do at the moment. Try again in a while.",
            Fail::Internal => "Something failed here. Try again in a while.",
        };
        Self { status: fail.status(), text: text.to_owned() }
    }

    fn answer(self) -> Answer {
        let title = if self.status == 404 { "Not found" } else { "That did not work" };
        let message = Message { title, text: &self.text, mark: Mark::Bad, again: false, link: None };
        view::page(self.status, &message).unwrap_or_else(|_| Answer {
            status: self.status,
            kind: "text/plain",
            body: self.text,
            headers: Vec::new(),
        })
    }
}

impl From<askama::Error> for Error {
    fn from(_: askama::Error) -> Self {
        Self::fail(Fail::Internal)
    }
}

impl From<DbError> for Error {
    fn from(_: DbError) -> Self {
        Self::fail(Fail::Internal)
    }
}

impl From<BodyFault> for Error {
    fn from(_: BodyFault) -> Self {
        Self::fail(Fail::Malformed)
    }
}

impl From<FieldFault> for Error {
    fn from(_: FieldFault) -> Self {
        Self::fail(Fail::Malformed)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Engine(EngineError::Away) => Self::away(),
            Fault::NotFound(_) => Self::nowhere(),
            _ => Self::fail(Fail::Internal),
        }
    }
}

impl From<sessions::Error> for Error {
    fn from(error: sessions::Error) -> Self {
        match error.status() {
            404 => Self::nowhere(),
            503 => Self::away(),
            _ => Self::fail(Fail::Internal),
        }
    }
}
