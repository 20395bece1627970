//! From the first byte to a session that is ready: start-up, SCRAM, settings.

use std::time::Duration;

use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use secrecy::{ExposeSecret, SecretSlice};

use super::super::fault::Fault;
use super::Wire;

const OUT_OF_PLACE: Fault = Fault::Protocol("a message is out of place in the login");
const UNSAFE: Fault = Fault::Refused("the database asks for a password in a form that gives it away");

/// What a login needs to know.
pub(super) struct Login<'a> {
    pub(super) user: &'a str,
    pub(super) database: &'a str,
    pub(super) password: Option<&'a SecretSlice<u8>>,
    pub(super) turn_timeout: Duration,
    /// Whether the server may let us in without a password: by who runs this process,
    /// or by this node's certificate.
    pub(super) known_otherwise: bool,
}

/// Logs in.
pub(super) fn login(wire: &mut Wire, login: &Login<'_>) -> Result<(), Fault> {
    start(wire, login)?;
    match wire.receive()? {
        Message::AuthenticationOk if login.known_otherwise => {}
        Message::AuthenticationOk => {
            return Err(Fault::Refused("the database lets in who has no password, so it may be anyone"));
        }
        Message::AuthenticationSasl(body) => scram(wire, login, &body)?,
        Message::AuthenticationCleartextPassword | Message::AuthenticationMd5Password(_) => {
            return Err(UNSAFE);
        }
        _ => return Err(OUT_OF_PLACE),
    }
    loop {
        match wire.receive()? {
            Message::BackendKeyData(_) => {}
            Message::ReadyForQuery(_) => return Ok(()),
            _ => return Err(OUT_OF_PLACE),
        }
    }
}

/// A turn in which this node stalls is ended by the server, and so is one whose node is out
/// of reach. Waiting for a turn is ended by this node, which knows how long.
fn start(wire: &mut Wire, login: &Login<'_>) -> Result<(), Fault> {
    let stall = login.turn_timeout.as_millis().to_string();
    let half = (login.turn_timeout / 2).as_secs().max(1).to_string();
    let settings = [
        ("user", login.user),
        ("database", login.database),
        ("application_name", "tallystick"),
        ("client_encoding", "UTF8"),
        ("idle_in_transaction_session_timeout", &stall),
        ("tcp_keepalives_idle", &half),
        ("tcp_keepalives_interval", &half),
        ("tcp_keepalives_count", "1"),
        ("tcp_user_timeout", &stall),
        ("lock_timeout", "0"),
        ("statement_timeout", "0"),
    ];
    frontend::startup_message(settings, wire.out()).map_err(|_| TEXT)?;
    wire.send()
}

/// SCRAM-SHA-256 (RFC 7677): no password is sent, and the server proves that it knows it.
fn scram(wire: &mut Wire, login: &Login<'_>, offered: &AuthenticationSaslBody) -> Result<(), Fault> {
    let mut mechanisms = offered.mechanisms();
    let mut found = false;
    while let Some(name) = mechanisms.next().map_err(|_| OUT_OF_PLACE)? {
        found |= name == SCRAM_SHA_256;
    }
    let password = login.password.filter(|_| found);
    let password = password.ok_or(Fault::Refused("the database asks for a password, and none is given"))?;
    let mut scram = ScramSha256::new(password.expose_secret(), ChannelBinding::unsupported());
    frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), wire.out()).map_err(|_| TEXT)?;
    wire.send()?;
    let Message::AuthenticationSaslContinue(body) = wire.receive()? else { return Err(OUT_OF_PLACE) };
    scram.update(body.data()).map_err(|_| UNPROVED)?;
    frontend::sasl_response(scram.message(), wire.out()).map_err(|_| TEXT)?;
    wire.send()?;
    let Message::AuthenticationSaslFinal(body) = wire.receive()? else { return Err(OUT_OF_PLACE) };
    scram.finish(body.data()).map_err(|_| UNPROVED)?;
    match wire.receive()? {
        Message::AuthenticationOk => Ok(()),
        _ => Err(OUT_OF_PLACE),
    }
}

const UNPROVED: Fault = Fault::Refused("the database does not prove that it knows the password");
const TEXT: Fault = Fault::Refused("a name given for the database holds a zero byte");
