//! Held cards and payment sessions' keys.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tallystick::command::{
    Command, EnterCard, EnteredCard, HeldCard, HoldCard, OpenEntry, OpenedEntry, Reply,
};
use tallystick::types::{
    CardHandle, EntrySeconds, EntrySession, Fingerprint, HoldSeconds, Network, UnixTime,
};

use crate::strategies::{expiry, pan, par};

pub fn handle() -> impl Strategy<Value = CardHandle> {
    any::<[u8; 16]>().prop_map(CardHandle::from_bytes)
}

fn session() -> impl Strategy<Value = EntrySession> {
    any::<[u8; 16]>().prop_map(EntrySession::from_bytes)
}

fn hold_seconds() -> impl Strategy<Value = HoldSeconds> {
    (1..=3_600u32).prop_map(|seconds| HoldSeconds::new(seconds).unwrap())
}

pub fn command() -> impl Strategy<Value = Command<'static>> {
    prop_oneof![
        (pan(), expiry(), hold_seconds()).prop_map(|(pan, expiry, seconds)| Command::HoldCard(Box::new(
            HoldCard { pan, expiry, seconds }
        ))),
        handle().prop_map(Command::ReleaseCard),
        (1..=86_400u32).prop_map(|seconds| Command::OpenEntry(OpenEntry {
            seconds: EntrySeconds::new(seconds).unwrap()
        })),
        (session(), vec(any::<u8>(), 256), hold_seconds()).prop_map(|(session, ciphertext, seconds)| {
            Command::EnterCard(EnterCard { session, ciphertext: ciphertext.leak(), seconds })
        }),
        session().prop_map(Command::CloseEntry),
    ]
}

fn held() -> impl Strategy<Value = HeldCard> {
    let shown = ("[0-9]{6}", "[0-9]{4}", 12..=19u8, select(Network::ALL.to_vec()));
    (handle(), shown, expiry(), any::<[u8; 32]>(), par(), any::<u64>()).prop_map(
        |(handle, (iin, last_four, pan_length, network), expiry, fingerprint, par, until)| HeldCard {
            handle,
            iin: iin.as_bytes().try_into().unwrap(),
            last_four: last_four.as_bytes().try_into().unwrap(),
            pan_length,
            network,
            expiry,
            fingerprint: Fingerprint::from_bytes(fingerprint),
            par,
            until: UnixTime::from_seconds(until),
        },
    )
}

pub fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        held().prop_map(|held| Reply::CardHeld(Box::new(held))),
        (held(), any::<bool>())
            .prop_map(|(card, cvc_given)| Reply::CardEntered(Box::new(EnteredCard { card, cvc_given }))),
        (session(), vec(any::<u8>(), 0..400), any::<u64>()).prop_map(|(session, public_key, until)| {
            let until = UnixTime::from_seconds(until);
            Reply::EntryOpened(Box::new(OpenedEntry { session, public_key, until }))
        }),
        Just(()).prop_map(|()| Reply::CardReleased),
        Just(()).prop_map(|()| Reply::EntryClosed),
    ]
}
