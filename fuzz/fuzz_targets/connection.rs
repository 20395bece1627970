//! See `tallystick::fuzzing::connection`. Most changes are made inside a frame, of whole
//! frames, or of opcodes, with lengths that fit: others seldom get beyond the framing.
#![no_main]

mod cbor;

use cbor::Draw;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use tallystick::wire::{HEADER, LENGTH, Opcode};

fuzz_target!(|data: &[u8]| tallystick::fuzzing::connection(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut draw = Draw(seed | 1);
    let Some(mut frames) = frames(&data[..size]).filter(|_| draw.below(8) > 0) else {
        return fuzzer_mutate(data, size, max_size);
    };
    let at = draw.below(frames.len());
    match draw.below(8) {
        0 => frames.swap(0, at),
        1 => drop(frames.remove(at)),
        2 => frames.insert(at, frames[draw.below(frames.len())].clone()),
        3 => {
            let opcode = Opcode::ALL[draw.below(Opcode::ALL.len())].number();
            frames[at][LENGTH..LENGTH + 2].copy_from_slice(&opcode.to_be_bytes());
        }
        _ => change_body(&mut frames[at], &mut draw),
    }
    // Ids grow on a connection.
    let mut id = 0u64;
    let orderly = draw.below(8) > 0;
    for frame in &mut frames {
        id += 1;
        if orderly {
            frame[LENGTH + 4..LENGTH + HEADER].copy_from_slice(&id.to_be_bytes());
        }
        let length = u32::try_from(frame.len() - LENGTH).expect("bounded by max_size");
        frame[..LENGTH].copy_from_slice(&length.to_be_bytes());
    }
    let mut changed = frames.concat();
    changed.truncate(max_size);
    data[..changed.len()].copy_from_slice(&changed);
    changed.len()
});

/// The frames of a stream, each with its length before it; none if it is not whole
/// frames.
fn frames(mut stream: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    while !stream.is_empty() {
        let length = usize::try_from(u32::from_be_bytes(*stream.first_chunk()?)).ok()?;
        let (frame, rest) = stream.split_at_checked(LENGTH.checked_add(length)?)?;
        found.push(frame.to_vec());
        stream = rest;
    }
    let is_whole = !found.is_empty() && found.iter().all(|frame| frame.len() >= LENGTH + HEADER);
    is_whole.then_some(found)
}

fn change_body(frame: &mut Vec<u8>, draw: &mut Draw) {
    let mut body = frame.split_off(LENGTH + HEADER);
    if let Some(changed) = cbor::changed(&body, draw).filter(|_| draw.below(2) == 0) {
        frame.extend_from_slice(&changed);
        return;
    }
    let size = body.len();
    body.resize(size + 64, 0);
    let changed = fuzzer_mutate(&mut body, size, size + 64);
    frame.extend_from_slice(&body[..changed]);
}
