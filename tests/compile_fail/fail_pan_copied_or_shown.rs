use tallystick::types::Pan;

fn copy(pan: &Pan) -> Pan {
    pan.clone()
}

fn show(pan: &Pan) -> String {
    format!("{pan}")
}

fn main() {
    let _ = (copy, show);
}
