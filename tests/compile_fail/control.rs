//! The control: the same calls, in the ways that are allowed.
use tallystick::command::{Refusal, Reply};
use tallystick::crypto::{CryptoError, LoadedKey, Mac, PanSealing, SystemRandom, TokenDerivation};
use tallystick::engine::Pending;
use tallystick::store::CommitReceipt;

fn open(pending: Pending<Result<Reply, Refusal>>, receipt: &CommitReceipt) -> bool {
    pending.open(receipt).is_ok()
}

fn mac(key: &LoadedKey<TokenDerivation>) -> Mac {
    key.mac_state().mac(&[b"text"])
}

fn seal(key: &LoadedKey<PanSealing>) -> Result<[u8; 12], CryptoError> {
    key.seal(&SystemRandom, b"", &mut Vec::new())
}

fn main() {
    let _ = (open, mac, seal);
}
