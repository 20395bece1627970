use tallystick::engine::{Engine, Sealed};

fn serve(mut engine: Engine<Sealed>) {
    let _ = engine.take_group();
}

fn main() {
    let _ = serve;
}
