//! The name of a job, and the idempotency keys of its cards.

use std::os::unix::net::UnixStream;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use tallystick::cards::Template;
use tallystick::client::Client;
use tallystick::types::{Fingerprint, Pan, luhn_check_digit};

use crate::ask::refused;
use crate::output::Failure;

const LABEL: &[u8] = b"tallystick/v1/bulk";
const NAME: usize = 16;

/// A file of cards with the options it is saved with. The same file and options
/// are the same job, at the same daemon.
pub struct Job([u8; NAME]);

impl Job {
    /// The job of a file with this SHA-256.
    ///
    /// A digest of cards alone would give a short file away to whoever can try
    /// out its PANs, and both the keys and the record of a job are kept. So a
    /// secret goes in that only the daemon has: the fingerprint, which is a MAC, of
    /// a number made from the digest.
    pub fn new(
        client: &mut Client<UnixStream>,
        file: &[u8; 32],
        template: &Template,
    ) -> Result<Self, Failure> {
        let blind = client.fingerprint(number_of(file)?).map_err(|error| refused(&error))?;
        Ok(Self::of(&blind, file, &template.canonical()))
    }

    fn of(blind: &Fingerprint, file: &[u8; 32], template: &str) -> Self {
        let digest = Sha256::new().chain_update(LABEL).chain_update(blind.as_bytes()).chain_update(file);
        let digest: [u8; 32] = digest.chain_update(template).finalize().into();
        Self(digest.first_chunk().copied().unwrap_or_default())
    }

    /// The name of the job, 32 hex digits.
    pub fn name(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// The idempotency key of the card in a line.
    pub fn key(&self, line: u64) -> [u8; NAME + 8] {
        let mut key = [0; NAME + 8];
        for (slot, byte) in key.iter_mut().zip(self.0.into_iter().chain(line.to_be_bytes())) {
            *slot = byte;
        }
        key
    }
}

/// A digest as a number that has the form of a PAN, 19 digits.
fn number_of(digest: &[u8; 32]) -> Result<Pan, Failure> {
    let front = u64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default());
    let mut digits = format!("{:018}", front % 1_000_000_000_000_000_000).into_bytes();
    digits.push(luhn_check_digit(&digits));
    Ok(Pan::parse(&digits)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_options_daemon_and_line_all_count() {
        let blind = |byte| Fingerprint::from_bytes([byte; 32]);
        let jobs = [
            Job::of(&blind(1), &[1; 32], "a"),
            Job::of(&blind(2), &[1; 32], "a"),
            Job::of(&blind(1), &[2; 32], "a"),
            Job::of(&blind(1), &[1; 32], "b"),
        ];
        let keys: std::collections::BTreeSet<_> =
            jobs.iter().flat_map(|job| [1, 2, u64::MAX].map(|line| job.key(line))).collect();
        assert_eq!(keys.len(), 12);
        assert_eq!(Job::of(&blind(1), &[1; 32], "a").key(7), jobs[0].key(7));
        assert!(number_of(&[0; 32]).is_ok() && number_of(&[0xff; 32]).is_ok());
    }
}
