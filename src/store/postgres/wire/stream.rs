//! The bytes below the messages: TCP or a Unix socket, in the open or in TLS.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorFields;
use rustix::net::sockopt;
use rustls::{ClientConnection, StreamOwned};

/// A stream of bytes.
pub(super) enum Stream {
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    Unix(UnixStream),
}

impl Stream {
    /// Connects over TCP. A peer that is gone is noticed after about `wait`, whether
    /// anything was sent to it or not.
    pub(super) fn tcp(address: &SocketAddr, wait: Duration) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(address, wait)?;
        stream.set_nodelay(true)?;
        let third = (wait / 3).max(Duration::from_secs(1));
        sockopt::set_socket_keepalive(&stream, true)?;
        sockopt::set_tcp_keepidle(&stream, third)?;
        sockopt::set_tcp_keepintvl(&stream, third)?;
        sockopt::set_tcp_keepcnt(&stream, 2)?;
        sockopt::set_tcp_user_timeout(&stream, u32::try_from(wait.as_millis()).unwrap_or(u32::MAX))?;
        Ok(stream)
    }

    /// Connects to the Unix socket of a server in a directory.
    pub(super) fn unix(directory: &Path, port: u16) -> io::Result<Self> {
        UnixStream::connect(directory.join(format!(".s.PGSQL.{port}"))).map(Self::Unix)
    }

    /// How long a call of the system may take; more than nothing.
    pub(super) fn set_timeout(&self, wait: Duration) -> io::Result<()> {
        let wait = Some(wait.max(Duration::from_millis(1)));
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(wait).and(stream.set_write_timeout(wait)),
            Self::Tls(stream) => stream.sock.set_read_timeout(wait).and(stream.sock.set_write_timeout(wait)),
            Self::Unix(stream) => stream.set_read_timeout(wait).and(stream.set_write_timeout(wait)),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(room),
            Self::Tls(stream) => stream.read(room),
            Self::Unix(stream) => stream.read(room),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
            Self::Unix(stream) => stream.flush(),
        }
    }
}

/// Whether a notice is a warning: its severity, unlocalised, is field V.
pub(super) fn is_warning(mut fields: ErrorFields<'_>) -> bool {
    while let Ok(Some(field)) = fields.next() {
        if field.type_() == b'V' && field.value_bytes() == b"WARNING" {
            return true;
        }
    }
    false
}
