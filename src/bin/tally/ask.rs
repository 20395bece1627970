//! From arguments to what the client asks.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;
use tallystick::client::{Client, ClientError};
use tallystick::daemon::paths;
use tallystick::keys::Stdin;
use tallystick::types::{
    Amount, CardValue, Channel, Currency, Expiry, IdempotencyKey, Merchant, Pan, TokenNumber, Transaction,
    Trid, UnixTime, UnpredictableNumber,
};
use zeroize::Zeroizing;

use crate::arguments::{ChannelName, Payment, Retry};
use crate::output::Failure;
use crate::secret_text;

/// Connects to the data socket of a state directory.
pub fn connect(dir: &Path) -> Result<Client<UnixStream>, Failure> {
    connect_to(&paths::data_socket(dir))
}

/// Connects to the admin socket of a state directory.
pub fn connect_admin(dir: &Path) -> Result<Client<UnixStream>, Failure> {
    connect_to(&paths::admin_socket(dir))
}

fn connect_to(socket: &Path) -> Result<Client<UnixStream>, Failure> {
    Client::connect(socket, concat!("tally ", env!("CARGO_PKG_VERSION"))).map_err(|error| match error {
        ClientError::Io(error) => Failure::new(format!("{}: {error}; is tallyd running?", socket.display())),
        error => refused(&error),
    })
}

/// A failure that the daemon told.
pub fn refused(error: &ClientError) -> Failure {
    match error.status() {
        Some(status) => Failure::refused(status.name(), format!("refused: {error} [{}]", status.name())),
        None => Failure::new(error.to_string()),
    }
}

/// Reads a PAN: the first line of a file or of standard input; spaces are left out.
pub fn pan(path: &Path) -> Result<Pan, Failure> {
    const MAX: usize = 256;
    let mut text = Zeroizing::new([0u8; MAX]);
    let mut source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(Stdin)
    } else {
        let file = std::fs::File::open(path);
        Box::new(file.map_err(|error| Failure::new(format!("{}: {error}", path.display())))?)
    };
    let mut len = 0;
    while let Some(room) = text.get_mut(len..).filter(|room| !room.is_empty()) {
        match source.read(room) {
            Ok(0) => break,
            Ok(count) => len += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::new(format!("the PAN cannot be read: {error}"))),
        }
    }
    let mut digits = Zeroizing::new(Vec::with_capacity(MAX));
    let line = text.iter().take(len).take_while(|byte| !matches!(byte, b'\n' | b'\r'));
    digits.extend(line.filter(|byte| **byte != b' '));
    Pan::parse(&digits).map_err(|error| Failure::new(error.to_string()))
}

/// Reads a PAN, and a card verification value from the line behind it.
pub fn pan_and_value(path: &Path) -> Result<(Pan, CardValue), Failure> {
    let text = secret_text::read(path)?;
    let mut lines = text.lines();
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    digits.extend(lines.next().unwrap_or_default().bytes().filter(|byte| *byte != b' '));
    let pan = Pan::parse(&digits).map_err(|error| Failure::new(error.to_string()))?;
    let value = CardValue::parse(lines.next().unwrap_or_default().trim().as_bytes());
    Ok((pan, value.map_err(|error| Failure::new(format!("the second line: {error}")))?))
}

/// A token number.
pub fn token(text: &str) -> Result<TokenNumber, Failure> {
    Ok(TokenNumber::parse(text.as_bytes())?)
}

/// A TRID.
pub fn trid(text: &str) -> Result<Trid, Failure> {
    Ok(Trid::parse(text.as_bytes())?)
}

/// An expiry.
pub fn expiry(text: &str) -> Result<Expiry, Failure> {
    Ok(Expiry::parse(text.as_bytes())?)
}

/// December of the year after next: never past while a demo or a bench runs.
pub fn far_expiry() -> Result<Expiry, Failure> {
    let (year, _) = UnixTime::from_system_clock().year_month();
    let yymm = u16::try_from((year + 2) % 100 * 100 + 12).unwrap_or(9912);
    Ok(Expiry::from_value(yymm)?)
}

/// What is known of a payment.
pub fn transaction(payment: &Payment) -> Result<Transaction<'_>, Failure> {
    let amount = match (payment.amount, &payment.currency) {
        (Some(units), Some(currency)) => Some((Amount::from_minor_units(units), Currency::parse(currency)?)),
        _ => None,
    };
    let merchant = payment.merchant.as_deref().map(|name| Merchant::parse(name.as_bytes())).transpose();
    Ok(Transaction {
        amount,
        merchant: merchant.map_err(|error| Failure::new(format!("--merchant: {error}")))?,
        unpredictable: payment.un.as_deref().map(unpredictable).transpose()?,
        merchant_initiated: payment.merchant_initiated,
        channel: channel(payment.channel),
    })
}

/// A channel by its name.
pub const fn channel(name: ChannelName) -> Channel {
    match name {
        ChannelName::Online => Channel::Online,
        ChannelName::InApp => Channel::InApp,
        ChannelName::Contactless => Channel::Contactless,
        ChannelName::Recurring => Channel::Recurring,
    }
}

/// The idempotency key, if one was given.
pub fn key(retry: &Retry) -> Result<Option<IdempotencyKey<'_>>, Failure> {
    Ok(retry.idempotency_key.as_deref().map(|key| IdempotencyKey::parse(key.as_bytes())).transpose()?)
}

fn unpredictable(hex: &str) -> Result<UnpredictableNumber, Failure> {
    let bytes = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(UnpredictableNumber)
        .ok_or_else(|| Failure::new("--un: an unpredictable number has 8 hex digits"))
}
