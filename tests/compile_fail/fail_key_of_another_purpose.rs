use tallystick::account::fingerprint;
use tallystick::crypto::{LoadedKey, ParDerivation};
use tallystick::types::Pan;

fn confuse(key: &LoadedKey<ParDerivation>, pan: &Pan) {
    let _ = fingerprint(key, pan);
}

fn main() {
    let _ = confuse;
}
