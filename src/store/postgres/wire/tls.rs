//! TLS to the server: its certificate must be for its host and signed by one that is
//! trusted for it. There is no weaker setting.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::super::config::PostgresTls;
use super::super::fault::Fault;
use super::stream::Stream;

const FILES: Fault = Fault::Refused("a certificate or key for the database cannot be read");

/// Reads what TLS needs from its files.
pub(super) fn client(files: &PostgresTls) -> Result<Arc<ClientConfig>, Fault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&files.ca)? {
        roots.add(certificate).map_err(|_| FILES)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| FILES)?
        .with_root_certificates(roots);
    let config = match &files.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::from_pem_file(key).map_err(|_| FILES)?;
            builder.with_client_auth_cert(certificates(certificate)?, key).map_err(|_| FILES)?
        }
    };
    Ok(Arc::new(config))
}

fn certificates(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let all: Vec<_> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|_| FILES)?;
    if all.is_empty() { Err(FILES) } else { Ok(all) }
}

/// Asks the server for TLS and shakes hands (PostgreSQL, 55.2.10).
pub(super) fn wrap(
    mut stream: TcpStream,
    config: &Arc<ClientConfig>,
    host: &str,
    wait: Duration,
) -> Result<Stream, Fault> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Fault::Refused("the database's host is no name that a certificate can be for"))?;
    stream.set_read_timeout(Some(wait))?;
    stream.set_write_timeout(Some(wait))?;
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request)?;
    // One byte and no more, so that nothing sent in the open is taken for what is inside.
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    if answer != *b"S" {
        return Err(Fault::Refused("the database offers no TLS"));
    }
    let connection = ClientConnection::new(Arc::clone(config), name).map_err(|_| FILES)?;
    let mut stream = StreamOwned::new(connection, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).map_err(handshake)?;
    }
    Ok(Stream::Tls(Box::new(stream)))
}

/// What rustls itself objects to is final; what the network does may pass.
fn handshake(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::InvalidData => {
            Fault::Refused("the database's certificate, or its TLS, is not accepted")
        }
        kind => Fault::Lost(kind),
    }
}
