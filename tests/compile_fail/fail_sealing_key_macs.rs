use tallystick::crypto::{LoadedKey, PanSealing};

fn mac(key: &LoadedKey<PanSealing>) {
    let _ = key.mac_state();
}

fn main() {
    let _ = mac;
}
