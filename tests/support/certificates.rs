//! Certificates for a server and its clients, made by OpenSSL.
#![allow(dead_code, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn openssl(dir: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").current_dir(dir).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The certificate of an authority of this name, in a file; `ca` signs the others.
pub fn authority(dir: &Path, name: &str) -> PathBuf {
    let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
    openssl(
        dir,
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "9",
            "-subj",
            &format!("/CN={name}"),
            "-keyout",
            &key,
            "-out",
            &certificate,
        ],
    );
    dir.join(certificate)
}

/// A certificate for these names or addresses, and its key.
pub fn certify(dir: &Path, name: &str, subject: &str) -> (PathBuf, PathBuf) {
    certify_as(dir, name, subject, name)
}

/// The same for somebody of another name than the file's.
pub fn certify_as(dir: &Path, name: &str, subject: &str, common: &str) -> (PathBuf, PathBuf) {
    let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
    openssl(
        dir,
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "9",
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-addext",
            &format!("subjectAltName={subject}"),
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-subj",
            &format!("/CN={common}"),
            "-keyout",
            &key,
            "-out",
            &certificate,
        ],
    );
    (dir.join(certificate), dir.join(key))
}
