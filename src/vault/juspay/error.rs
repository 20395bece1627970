//! Errors: `{status, error_code, error_message, error_info}`, all of them alike.

use serde_json::json;

use crate::vault::body::{BodyFault, FieldFault, Why};
use crate::vault::db::DbError;
use crate::vault::engine::EngineError;
use crate::vault::house::Fault;
use crate::vault::http::{Answer, Fail, Shape};
use crate::vault::ids::NoRandom;

/// An error as this API tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    status: u16,
    code: &'static str,
    message: String,
    field: Option<String>,
}

impl Error {
    /// A request that cannot be done as it is.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into(), field: None }
    }

    /// Something that is not there, or is another's.
    pub fn not_found(what: &'static str) -> Self {
        let code = match what {
            "card" | "instrument" => "card_not_found",
            "order" => "order_not_found",
            "transaction" | "payment" => "transaction_not_found",
            _ => "not_found",
        };
        Self { status: 404, ..Self::invalid(code, Fault::NotFound(what).to_string()) }
    }

    /// The credentials.
    pub fn credentials() -> Self {
        let message = "the API key is not valid, or is another merchant's";
        Self { status: 401, ..Self::invalid("access_denied", message) }
    }

    /// The same in other words.
    #[must_use]
    pub fn saying(self, message: &str) -> Self {
        Self { message: message.to_owned(), ..self }
    }

    fn of_field(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::invalid(code, message) }
    }

    fn service(code: &'static str, message: &str) -> Self {
        Self { status: 503, ..Self::invalid(code, message) }
    }

    const fn category(&self) -> &'static str {
        match self.status {
            401 => "AUTHENTICATION",
            404 => "NOT_FOUND",
            503 => "PROVIDER",
            500.. => "INTERNAL",
            _ => "INVALID_REQUEST",
        }
    }
}

impl Shape for Error {
    fn fail(fail: Fail) -> Self {
        let code = match fail {
            Fail::NoSuchPath => "not_found",
            Fail::WrongMethod => "method_not_allowed",
            Fail::TooLarge => "request_too_large",
            Fail::TooSlow => "request_timeout",
            Fail::Malformed => "bad_request",
            Fail::Busy => "service_unavailable",
            Fail::Internal => "internal_error",
        };
        Self { status: fail.status(), ..Self::invalid(code, fail.says()) }
    }

    fn answer(self) -> Answer {
        let info = json!({
            "category": self.category(),
            "field": self.field,
            "user_message": if self.status < 500 { "The request could not be processed." }
                else { "Something went wrong. Try again." },
            "developer_message": self.message,
        });
        let body = json!({
            "status": "error",
            "error_code": self.code,
            "error_message": self.message,
            "error_info": info,
        });
        Answer::json(self.status, &body)
    }
}

impl From<BodyFault> for Error {
    fn from(fault: BodyFault) -> Self {
        let message = match fault {
            // A form is no JSON either.
            BodyFault::Malformed => "the body or query cannot be read".to_owned(),
            other => other.to_string(),
        };
        Self::invalid("bad_request", message)
    }
}

impl From<FieldFault> for Error {
    fn from(fault: FieldFault) -> Self {
        let code = match fault.why {
            Why::Missing | Why::Empty => "missing_parameter",
            _ => "invalid_parameter",
        };
        Self::of_field(&fault.path, code, fault.to_string())
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

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let message = fault.to_string();
        match fault {
            Fault::Engine(EngineError::Away) => {
                Self::service("service_timeout", "the vault provider timed out, try again")
            }
            Fault::ProviderTimeout => {
                Self::service("service_timeout", "the token service provider timed out, try again")
            }
            Fault::Engine(EngineError::Refused(_)) => {
                Self::invalid("token_refused", "the token vault refuses this")
            }
            Fault::Db(_) | Fault::Random(_) => Self::fail(Fail::Internal),
            Fault::Pan(_) => Self::of_field("card_number", "invalid_parameter", message),
            Fault::Expiry(_) => Self::of_field("card_exp_month", "invalid_parameter", message),
            Fault::CardExpired => Self::of_field("card_exp_year", "card_expired", message),
            Fault::Cvv => Self::of_field(
                "card_security_code",
                "invalid_parameter",
                "card_security_code must have the digits of its network",
            ),
            Fault::OrderPaid => Self::invalid("order_already_paid", message),
            Fault::Attempts => Self::invalid("order_attempts_exceeded", message),
            Fault::OrderOver => Self::invalid("order_expired", message),
            Fault::NotFound(what) => Self::not_found(what),
            // What was deleted is gone for its users.
            Fault::Deleted => Self::not_found("card"),
            Fault::KeyReused | Fault::KeyMalformed => Self::invalid("bad_request", message),
            Fault::NotAuthenticated => Self::of_field(
                "card_number",
                "card_not_supported",
                "cards of this network are saved with a payment only",
            ),
            Fault::CardGone => Self::invalid("card_gone", message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_the_one_shape() {
        for (error, status) in [
            (Error::credentials(), 401),
            (Error::not_found("order"), 404),
            (Fault::Deleted.into(), 404),
            (Fault::Engine(EngineError::Away).into(), 503),
            (Error::fail(Fail::Internal), 500),
            (Fault::OrderPaid.into(), 400),
        ] {
            let answer = error.answer();
            assert_eq!(answer.status, status);
            let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            let names: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(names, ["error_code", "error_info", "error_message", "status"]);
        }
    }
}
