//! Errors: `{"error": {"code", "message", "field"}}`. The shape is ours; the document
//! shows none.

use serde_json::json;

use crate::vault::body::{BodyFault, FieldFault, Why};
use crate::vault::db::DbError;
use crate::vault::engine::EngineError;
use crate::vault::house::Fault;
use crate::vault::http::{Answer, Fail, Shape};
use crate::vault::ids::NoRandom;
use crate::wire::Status;

/// An error as this API tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    status: u16,
    code: &'static str,
    message: String,
    field: Option<String>,
}

impl Error {
    /// Something that cannot be done.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: None }
    }

    /// Something that is not there, or is another's.
    pub fn not_found(what: &str) -> Self {
        Self::new(404, "not_found", format!("there is no such {what}"))
    }

    /// The credentials.
    pub fn credentials() -> Self {
        Self::new(401, "unauthorized", "the credentials are missing or wrong")
    }

    /// The session's window is closed.
    pub fn expired() -> Self {
        Self::new(409, "session_expired", "the session has expired")
    }

    /// The session was confirmed before.
    pub fn confirmed() -> Self {
        Self::new(409, "session_confirmed", "the session was confirmed already")
    }

    /// The session was given up.
    pub fn cancelled() -> Self {
        Self::new(409, "session_cancelled", "the session was cancelled")
    }

    /// What was entered is no card.
    pub fn card() -> Self {
        Self {
            field: Some("paymentMethod.card.encryptedCard".to_owned()),
            ..Self::new(
                422,
                "card_refused",
                "what was entered is no card that was encrypted for this session",
            )
        }
    }

    /// The key is used up, or the engine has lost it.
    pub fn key() -> Self {
        Self::new(
            409,
            "key_gone",
            "the session's key is gone: fetch the session, which has a new one, and encrypt again",
        )
    }

    /// The verification value did not come with the card.
    pub fn cvc(field: &str) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(422, "cvc_invalid", "the card's verification value is missing or has other digits")
        }
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The words for it.
    pub fn says(&self) -> &str {
        &self.message
    }
}

impl Shape for Error {
    fn fail(fail: Fail) -> Self {
        let code = match fail {
            Fail::NoSuchPath => "not_found",
            Fail::WrongMethod => "method_not_allowed",
            Fail::TooLarge => "body_too_large",
            Fail::TooSlow => "body_too_slow",
            Fail::Malformed => "request_malformed",
            Fail::Busy => "busy",
            Fail::Internal => "internal_error",
        };
        Self::new(fail.status(), code, fail.says())
    }

    fn answer(self) -> Answer {
        let Self { status, code, message, field } = self;
        let mut answer =
            Answer::json(status, &json!({ "error": { "code": code, "message": message, "field": field } }));
        if status == 401 {
            // RFC 7235, 4.1.
            answer.headers.push(("www-authenticate", "Basic realm=\"sessions\"".to_owned()));
        }
        answer
    }
}

impl From<BodyFault> for Error {
    fn from(fault: BodyFault) -> Self {
        Self::new(400, "request_malformed", fault.to_string())
    }
}

impl From<FieldFault> for Error {
    fn from(fault: FieldFault) -> Self {
        let code = if fault.why == Why::Missing { "field_missing" } else { "field_invalid" };
        Self { field: Some(fault.path.clone()), ..Self::new(400, code, fault.to_string()) }
    }
}

impl From<DbError> for Error {
    fn from(_: DbError) -> Self {
        Self::fail(Fail::Internal)
    }
}

impl From<NoRandom> for Error {
    fn from(_: NoRandom) -> Self {
        Self::fail(Fail::Internal)
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        Fault::from(error).into()
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let message = fault.to_string();
        match fault {
            Fault::Engine(EngineError::Away) => {
                Self::new(503, "engine_timeout", "the vault did not answer in time, try again")
            }
            Fault::Engine(EngineError::Refused(Status::EntryRefused)) => Self::card(),
            Fault::Engine(EngineError::Refused(Status::UnknownEntry)) => Self::key(),
            Fault::Engine(EngineError::Refused(_)) => Self::new(422, "refused", message),
            Fault::ProviderTimeout => Self::new(503, "provider_timeout", message),
            Fault::Db(_) | Fault::Random(_) => Self::fail(Fail::Internal),
            Fault::Pan(_) | Fault::Expiry(_) => Self::card(),
            Fault::CardExpired => Self::new(422, "card_expired", message),
            Fault::Cvv => Self::cvc("paymentMethodOptions.card.cvc"),
            Fault::OrderPaid => Self::new(409, "order_paid", message),
            Fault::OrderOver => Self::expired(),
            Fault::Attempts => Self::new(409, "order_attempts", message),
            Fault::NotFound(what) => Self::not_found(what),
            Fault::Deleted => Self::new(409, "payment_method_deleted", message),
            Fault::KeyReused => Self::new(409, "idempotency_key_reused", message),
            Fault::KeyMalformed => Self::new(400, "idempotency_key_invalid", message),
            Fault::NotAuthenticated => Self::new(400, "not_authenticated", message),
            Fault::CardGone => Self::new(409, "card_gone", message),
        }
    }
}
