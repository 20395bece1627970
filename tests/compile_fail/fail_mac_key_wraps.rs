use tallystick::crypto::{LoadedKey, SystemRandom, TokenDerivation};

fn wrap(key: &LoadedKey<TokenDerivation>) {
    let _ = key.seal(&SystemRandom, b"", &mut Vec::new());
}

fn main() {
    let _ = wrap;
}
