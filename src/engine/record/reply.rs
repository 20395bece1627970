//! The stored form of a remembered reply.

use minicbor::{Decode, Encode};

use super::token::ViewBody;
use super::{DAMAGED, decode, encode};
use crate::command::{EmvIssued, EmvVerified, Issued, IssuedShort, Reply, Resealed, Verified};
use crate::store::StoreError;
use crate::types::emv::{Arpc, Arqc};
use crate::types::{Atc, Cryptogram, Expiry, KeyVersion, Par, ShortValue};

#[derive(Encode, Decode)]
enum ReplyBody<'a> {
    #[n(0)]
    Token(#[b(0)] ViewBody<'a>),
    #[n(1)]
    Par(#[b(0)] &'a str),
    #[n(2)]
    Issued(#[b(0)] &'a minicbor::bytes::ByteSlice, #[n(1)] u16),
    #[n(3)]
    Verified(#[n(0)] u32),
    #[n(4)]
    IssuedShort(#[b(0)] &'a minicbor::bytes::ByteSlice, #[n(1)] u16, #[n(2)] u32),
    #[n(5)]
    Resealed(#[n(0)] u8, #[n(1)] [u32; 4], #[n(2)] Option<u32>),
    #[n(6)]
    EmvIssued(#[n(0)] u32, #[b(1)] &'a minicbor::bytes::ByteSlice),
    #[n(7)]
    EmvVerified(#[n(0)] u32, #[b(1)] Option<&'a minicbor::bytes::ByteSlice>),
    #[n(8)]
    CardValueVerified,
}

/// The stored form of the reply to a changing command; none for replies of
/// commands that change nothing, which are never remembered.
pub fn encode_reply(reply: &Reply) -> Option<Vec<u8>> {
    Some(encode(&match reply {
        Reply::Token(view) => ReplyBody::Token(ViewBody::of(view)),
        Reply::Par(par) => ReplyBody::Par(par.as_str()),
        Reply::Issued(Issued { cryptogram, expiry }) => {
            ReplyBody::Issued(cryptogram.as_bytes().as_slice().into(), expiry.value())
        }
        Reply::Verified(Verified { atc }) => ReplyBody::Verified(atc.get()),
        Reply::IssuedShort(IssuedShort { value, expiry, atc }) => {
            ReplyBody::IssuedShort(value.as_bytes().into(), expiry.value(), atc.get())
        }
        Reply::Resealed(Resealed { version, looked_at, resealed, unopened, tokens, next }) => {
            ReplyBody::Resealed(version.get(), [*looked_at, *resealed, *unopened, *tokens], *next)
        }
        Reply::EmvIssued(EmvIssued { atc, arqc }) => {
            ReplyBody::EmvIssued(atc.get(), arqc.as_bytes().as_slice().into())
        }
        Reply::EmvVerified(EmvVerified { atc, arpc }) => {
            ReplyBody::EmvVerified(atc.get(), arpc.as_ref().map(|arpc| arpc.as_bytes().into()))
        }
        Reply::CardValueVerified => ReplyBody::CardValueVerified,
        Reply::Page(_)
        | Reply::Detokenized(_)
        | Reply::Fingerprint(_)
        | Reply::Arpc(_)
        | Reply::CardValue(_)
        | Reply::CardHeld(_)
        | Reply::CardReleased
        | Reply::EntryOpened(_)
        | Reply::CardEntered(_)
        | Reply::EntryClosed => return None,
    }))
}

/// Reads [`encode_reply`] back.
///
/// # Errors
/// [`StoreError::Corrupt`] if it breaks a rule.
pub fn decode_reply(bytes: &[u8]) -> Result<Reply, StoreError> {
    into_reply(decode(bytes)?).ok_or(DAMAGED)
}

fn into_reply(body: ReplyBody<'_>) -> Option<Reply> {
    Some(match body {
        ReplyBody::Token(view) => Reply::Token(Box::new(view.into_view()?)),
        ReplyBody::Par(par) => Reply::Par(Par::parse(par).ok()?),
        ReplyBody::Issued(cryptogram, expiry) => Reply::Issued(Issued {
            cryptogram: Cryptogram::from_slice(cryptogram).ok()?,
            expiry: Expiry::from_value(expiry).ok()?,
        }),
        ReplyBody::Verified(atc) => Reply::Verified(Verified { atc: Atc::new(atc)? }),
        ReplyBody::IssuedShort(value, expiry, atc) => Reply::IssuedShort(IssuedShort {
            value: ShortValue::parse(value).ok()?,
            expiry: Expiry::from_value(expiry).ok()?,
            atc: Atc::new(atc)?,
        }),
        ReplyBody::Resealed(version, [looked_at, resealed, unopened, tokens], next) => {
            let version = KeyVersion::new(version).ok()?;
            Reply::Resealed(Resealed { version, looked_at, resealed, unopened, tokens, next })
        }
        ReplyBody::EmvIssued(atc, arqc) => {
            let arqc = Arqc::from_bytes(<[u8; 8]>::try_from(&**arqc).ok()?);
            Reply::EmvIssued(EmvIssued { atc: Atc::new(atc)?, arqc })
        }
        ReplyBody::EmvVerified(atc, arpc) => {
            let arpc = match arpc {
                Some(arpc) => Some(Arpc::from_slice(arpc)?),
                None => None,
            };
            Reply::EmvVerified(EmvVerified { atc: Atc::new(atc)?, arpc })
        }
        ReplyBody::CardValueVerified => Reply::CardValueVerified,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::record::token::tests::view;

    #[test]
    fn every_changing_reply_comes_back() {
        let expiry = Expiry::parse(b"2912").unwrap();
        let atc = Atc::new(9).unwrap();
        for reply in [
            Reply::Token(Box::new(view())),
            Reply::Par(Par::parse("PAR").unwrap()),
            Reply::Issued(Issued { cryptogram: Cryptogram::from_slice(&[1; 20]).unwrap(), expiry }),
            Reply::Verified(Verified { atc }),
            Reply::IssuedShort(IssuedShort { value: ShortValue::parse(b"0123").unwrap(), expiry, atc }),
            Reply::Resealed(Resealed {
                version: KeyVersion::FIRST,
                looked_at: 100,
                resealed: 7,
                unopened: 1,
                tokens: 100_000,
                next: Some(99),
            }),
            Reply::EmvIssued(EmvIssued { atc, arqc: Arqc::from_bytes([3; 8]) }),
            Reply::EmvVerified(EmvVerified { atc, arpc: None }),
            Reply::EmvVerified(EmvVerified { atc, arpc: Some(Arpc::from_slice(&[4; 8]).unwrap()) }),
            Reply::CardValueVerified,
        ] {
            let bytes = encode_reply(&reply).unwrap();
            assert_eq!(encode_reply(&decode_reply(&bytes).unwrap()).unwrap(), bytes);
            assert!(decode_reply(&bytes[..bytes.len() - 1]).is_err());
        }
    }
}
