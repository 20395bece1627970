//! A session with a token (PKCS #11, version 2.40), and the key in it.

use std::io::Read;
use std::path::Path;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use tallystick::crypto::{Random, SystemRandom};
use zeroize::Zeroizing;

use super::Failure;

/// Bytes of a wrapped key: format 1, nonce 12, ciphertext and tag 48.
pub const WRAPPED: usize = 61;
const FORMAT: u8 = 1;
const NONCE: usize = 12;
const TAG_BITS: u64 = 128;
const ASSOCIATED: &[u8] = b"tallystick/v1/wrapping-key";
/// Most bytes of a PIN's file.
const MAX_PIN: u64 = 1024;

/// A token that was logged in to.
pub struct Token(Session);

impl Token {
    /// Loads the vendor's library and logs in to the token of this label.
    pub fn open(module: &Path, label: &str, pin_file: &Path) -> Result<Self, Failure> {
        let pin = read_pin(pin_file)?;
        let library = Pkcs11::new(module)?;
        library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
        for slot in library.get_slots_with_token()? {
            if library.get_token_info(slot)?.label().trim_end() == label {
                let session = library.open_rw_session(slot)?;
                session.login(UserType::User, Some(&pin))?;
                return Ok(Self(session));
            }
        }
        Err(format!("no token has the label {label}").into())
    }

    /// Makes an AES-256 key that the token does not give away.
    pub fn make_key(&self, label: &str) -> Result<(), Failure> {
        if !self.find(label)?.is_empty() {
            return Err(format!("the token has a key {label} already").into());
        }
        let template = [
            Attribute::Label(label.into()),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::ValueLen(32.into()),
        ];
        self.0.generate_key(&Mechanism::AesKeyGen, &template)?;
        Ok(())
    }

    /// Wraps a key by AES-256-GCM (NIST SP 800-38D) in the token.
    pub fn wrap(&self, label: &str, key: &[u8; 32]) -> Result<Vec<u8>, Failure> {
        let mut nonce = [0; NONCE];
        SystemRandom.fill(&mut nonce)?;
        let mut wrapped = vec![FORMAT];
        wrapped.extend_from_slice(&nonce);
        let mechanism = Mechanism::AesGcm(GcmParams::new(&mut nonce, ASSOCIATED, TAG_BITS.into())?);
        wrapped.extend(self.0.encrypt(&mechanism, self.key(label)?, key)?);
        if wrapped.len() == WRAPPED { Ok(wrapped) } else { Err("the token wrapped to another length".into()) }
    }

    /// Unwraps what [`wrap`](Self::wrap) made.
    pub fn unwrap(&self, label: &str, wrapped: &[u8; WRAPPED]) -> Result<Zeroizing<[u8; 32]>, Failure> {
        let [format, rest @ ..] = wrapped;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or("too short")?;
        if *format != FORMAT {
            return Err("the wrapped key has an unknown format".into());
        }
        let mut nonce = *nonce;
        let mechanism = Mechanism::AesGcm(GcmParams::new(&mut nonce, ASSOCIATED, TAG_BITS.into())?);
        let opened = Zeroizing::new(self.0.decrypt(&mechanism, self.key(label)?, sealed)?);
        let key: &[u8; 32] =
            opened.as_slice().try_into().map_err(|_| "the token unwrapped to another length")?;
        Ok(Zeroizing::new(*key))
    }

    fn key(&self, label: &str) -> Result<ObjectHandle, Failure> {
        match self.find(label)?.as_slice() {
            [key] => Ok(*key),
            [] => Err(format!("the token has no key {label}").into()),
            _ => Err(format!("the token has more than one key {label}").into()),
        }
    }

    fn find(&self, label: &str) -> Result<Vec<ObjectHandle>, Failure> {
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Label(label.into()),
        ];
        Ok(self.0.find_objects(&template)?)
    }
}

/// The first line of a file.
fn read_pin(path: &Path) -> Result<AuthPin, Failure> {
    // Room for all that is read, since growing would leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(MAX_PIN)? + 1));
    let file = std::fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    file.take(MAX_PIN).read_to_string(&mut text)?;
    Ok(AuthPin::new(text.lines().next().unwrap_or_default().into()))
}
