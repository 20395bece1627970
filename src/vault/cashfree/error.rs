//! Errors: `{message, code, type, help}`.

use serde_json::json;

use crate::vault::body::{BodyFault, FieldFault, Why};
use crate::vault::db::DbError;
use crate::vault::engine::EngineError;
use crate::vault::house::Fault;
use crate::vault::http::{Answer, Fail, Shape};
use crate::wire::Status;

/// An error as this API tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    status: u16,
    code: String,
    message: String,
    kind: &'static str,
}

impl Error {
    /// A request that cannot be done as it is.
    pub fn invalid(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), kind: "invalid_request_error" }
    }

    /// Something that is not there, or is another's.
    pub fn not_found(what: &str) -> Self {
        Self::invalid(404, &format!("{what}_not_found"), format!("{what} Not Found"))
    }

    /// The credentials.
    pub fn credentials() -> Self {
        Self {
            status: 401,
            code: "request_failed".to_owned(),
            message: "authentication Failed".to_owned(),
            kind: "authentication_error",
        }
    }

    fn service(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), kind: "api_error" }
    }
}

impl Shape for Error {
    fn fail(fail: Fail) -> Self {
        let kind = if fail.status() < 500 { "invalid_request_error" } else { "api_error" };
        let code = match fail {
            Fail::NoSuchPath => "request_url_not_found",
            Fail::WrongMethod => "request_method_invalid",
            Fail::TooLarge => "request_too_large",
            Fail::TooSlow => "request_timeout",
            Fail::Malformed => "request_invalid",
            Fail::Busy => "service_unavailable",
            Fail::Internal => "internal_error",
        };
        Self { status: fail.status(), code: code.to_owned(), message: fail.says().to_owned(), kind }
    }

    fn answer(self) -> Answer {
        let Self { status, code, message, kind } = self;
        let help = "Check the request against docs/VAULT.md, and try again";
        Answer::json(status, &json!({ "message": message, "code": code, "type": kind, "help": help }))
    }
}

impl From<BodyFault> for Error {
    fn from(fault: BodyFault) -> Self {
        Self::invalid(400, "request_invalid", fault.to_string())
    }
}

impl From<FieldFault> for Error {
    fn from(fault: FieldFault) -> Self {
        let end = if fault.why == Why::Missing { "missing" } else { "invalid" };
        let name = fault.path.rsplit('.').next().unwrap_or_default();
        let message = match fault.why {
            Why::Missing => format!("{} : is missing in the request", fault.path),
            why => format!("{} : {}", fault.path, why.says()),
        };
        Self::invalid(400, &format!("{name}_{end}"), message)
    }
}

impl From<DbError> for Error {
    fn from(_: DbError) -> Self {
        Self::fail(Fail::Internal)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let message = fault.to_string();
        match fault {
            Fault::Engine(EngineError::Away) => {
                Self::service(503, "service_timeout", "vault provider timed out")
            }
            Fault::Engine(EngineError::Refused(Status::TokenRateLimited)) => {
                Self { kind: "rate_limit_error", ..Self::invalid(429, "token_rate_limited", message) }
            }
            Fault::Engine(EngineError::Refused(status)) => Self::invalid(
                400,
                &format!("token_{}", status.name()),
                format!("the token vault refuses: {message}"),
            ),
            Fault::ProviderTimeout => {
                Self::service(503, "service_timeout", "token service provider timed out")
            }
            Fault::Db(_) | Fault::Random(_) => Self::fail(Fail::Internal),
            Fault::Pan(_) => Self::invalid(400, "card_number_invalid", format!("card_number : {message}")),
            Fault::Expiry(_) => Self::invalid(400, "card_expiry_invalid", format!("card_expiry : {message}")),
            Fault::CardExpired => Self::invalid(400, "card_expired", message),
            Fault::Cvv => {
                Self::invalid(400, "card_cvv_invalid", "card_cvv : must have the digits of its network")
            }
            Fault::OrderPaid => Self::invalid(400, "order_already_paid", message),
            Fault::OrderOver => Self::invalid(400, "order_expired", message),
            Fault::Attempts => Self::invalid(400, "order_attempts_exceeded", message),
            Fault::NotFound(what) => Self::not_found(what),
            Fault::Deleted => Self::invalid(400, "instrument_inactive", message),
            Fault::KeyReused => {
                Self { kind: "idempotency_error", ..Self::invalid(422, "idempotency_key_reused", message) }
            }
            Fault::KeyMalformed => {
                Self { kind: "idempotency_error", ..Self::invalid(400, "idempotency_key_invalid", message) }
            }
            Fault::NotAuthenticated => Self::invalid(400, "authentication_failed", message),
            Fault::CardGone => Self::invalid(400, "card_gone", message),
        }
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        Fault::from(error).into()
    }
}
