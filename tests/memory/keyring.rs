//! The keys, taken out of the keyring by lines of the test's own.

use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

const HEADER: usize = 40;
const WRAPPED: usize = 60;
const BLOCK: usize = 88;
const ATTRIBUTES: usize = 28;
const TOKEN_DERIVATION: u8 = 1;

pub struct Keys {
    wrapping: [u8; 32],
    root: [u8; 32],
    /// Purpose, version and key.
    keys: Vec<(u8, u8, [u8; 32])>,
}

impl Keys {
    pub fn open(path: &Path, passphrase: &[u8]) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let (header, rest) = bytes.split_at(HEADER);
        let wrapping = from_passphrase(header, passphrase);
        let (wrapped_root, rest) = rest.split_at(WRAPPED);
        let root = unwrap(&wrapping, header, wrapped_root);
        let count = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        let blocks = rest[2..].chunks_exact(BLOCK).take(count);
        let keys = blocks.map(|block| {
            let (attributes, wrapped) = block.split_at(ATTRIBUTES);
            // Format 1, id 16, then purpose, algorithm, version.
            (attributes[17], attributes[19], unwrap(&root, attributes, wrapped))
        });
        Self { wrapping, root, keys: keys.collect() }
    }

    /// Every key, by name.
    pub fn all(&self) -> Vec<(String, [u8; 32])> {
        let named = |(purpose, version, key): &(u8, u8, [u8; 32])| {
            (format!("key of purpose {purpose}, version {version}"), *key)
        };
        let mut all =
            vec![("key of the passphrase".to_owned(), self.wrapping), ("root key".to_owned(), self.root)];
        all.extend(self.keys.iter().map(named));
        all
    }

    /// The token derivation keys and their versions.
    pub fn token_derivation(&self) -> Vec<(u8, [u8; 32])> {
        let of = self.keys.iter().filter(|(purpose, ..)| *purpose == TOKEN_DERIVATION);
        of.map(|(_, version, key)| (*version, *key)).collect()
    }
}

fn from_passphrase(header: &[u8], passphrase: &[u8]) -> [u8; 32] {
    let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap());
    let params = Params::new(number(12), number(16), number(20), Some(32)).unwrap();
    let mut key = [0; 32];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(passphrase, &header[24..40], &mut key).unwrap();
    key
}

/// Opens nonce, ciphertext and tag.
fn unwrap(key: &[u8; 32], associated: &[u8], wrapped: &[u8]) -> [u8; 32] {
    let (nonce, sealed) = wrapped.split_at(12);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let mut text = sealed.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
    let opened = key.open_in_place(nonce, Aad::from(associated), &mut text).unwrap();
    opened.try_into().unwrap()
}
