//! `docs/WIRE.md` is the contract: its examples are read and written again byte
//! by byte, and its tables are those of the code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "wire/codec.rs"]
mod codec;
#[path = "wire/doc.rs"]
mod doc;

use codec::{reply_again, request_again};
use doc::{Example, examples, table};
use tallystick::command::Operation;
use tallystick::wire::{Arrival, Frame, Intake, LEAST_FRAME, LENGTH, Opcode, Status};

fn opcode(example: &Example) -> Opcode {
    *Opcode::ALL.iter().find(|opcode| opcode.name() == example.opcode).unwrap()
}

fn parse(example: &Example) -> Frame<'_> {
    let length = u32::from_be_bytes(*example.bytes.first_chunk().unwrap());
    assert_eq!(usize::try_from(length).unwrap(), example.bytes.len() - LENGTH, "{}", example.opcode);
    Frame::parse(&example.bytes[LENGTH..]).unwrap()
}

/// The body written again, or why it cannot be read.
fn again(example: &Example, body: &[u8]) -> Result<Vec<u8>, Status> {
    let frame = parse(example);
    let again = if example.is_request {
        request_again(opcode(example), body)
    } else {
        reply_again(opcode(example), Status::from_code(frame.status).unwrap(), body)
    };
    again.map_err(|fault| fault.status)
}

#[test]
fn every_example_is_read_and_written_again() {
    for example in examples() {
        let frame = parse(&example);
        assert_eq!(frame.opcode, opcode(&example).number(), "{}", example.opcode);
        assert!(!example.is_request || frame.status == 0, "{}", example.opcode);
        assert_eq!(again(&example, frame.body).as_deref(), Ok(frame.body), "{}", example.opcode);
    }
}

#[test]
fn every_opcode_has_an_example_of_both_directions() {
    let examples = examples();
    for opcode in Opcode::ALL {
        for is_request in [true, false] {
            let there =
                |example: &&Example| example.opcode == opcode.name() && example.is_request == is_request;
            assert!(examples.iter().any(|example| there(&example)), "{} {is_request}", opcode.name());
        }
    }
}

#[test]
fn every_truncation_of_a_body_is_refused_as_such() {
    for example in examples() {
        let frame = parse(&example);
        // A refusal's text is for people, metrics are any text.
        if !example.is_request && (frame.status != 0 || opcode(&example) == Opcode::Metrics) {
            continue;
        }
        for len in 0..frame.body.len() {
            let refused = again(&example, &frame.body[..len]);
            assert_eq!(refused, Err(Status::BodyTruncated), "{} {len}", example.opcode);
        }
        let longer = [frame.body, &[0]].concat();
        assert_eq!(again(&example, &longer), Err(Status::BodyTrailing), "{}", example.opcode);
    }
}

#[test]
fn no_truncation_of_a_frame_arrives() {
    for example in examples() {
        for len in 1..=example.bytes.len() {
            let mut intake = Intake::new(LEAST_FRAME);
            intake.space()[..len].copy_from_slice(&example.bytes[..len]);
            intake.filled(len);
            let mut arrivals = Vec::new();
            let parsed = intake.arrivals(usize::MAX, &mut arrivals);
            let whole = len == example.bytes.len();
            assert_eq!(arrivals, if whole { vec![Arrival::Frame(parse(&example))] } else { vec![] });
            drop(arrivals);
            intake.consume(parsed);
            assert_eq!(intake.is_midway(), !whole);
        }
    }
}

/// A flipped bit gives another message or a refusal, never a panic. What has a
/// fixed layout has one form only: whatever is accepted is written the same.
#[test]
fn every_flipped_bit_is_survived() {
    for example in examples() {
        let frame = parse(&example);
        let fixed = [
            Opcode::Issue,
            Opcode::Verify,
            Opcode::IssueShort,
            Opcode::VerifyShort,
            Opcode::IssueBatch,
            Opcode::VerifyBatch,
        ];
        let is_fixed = fixed.contains(&opcode(&example));
        if frame.status != 0 {
            continue;
        }
        for bit in 0..frame.body.len() * 8 {
            let mut flipped = frame.body.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(again) = again(&example, &flipped)
                && is_fixed
            {
                assert_eq!(again, flipped, "{} bit {bit}", example.opcode);
            }
        }
    }
}

#[test]
fn the_table_of_statuses_is_the_enum() {
    let rows = table("| code | name | meaning |");
    let code = |status: &Status| format!("`{:#06x}`", status.code());
    let expected: Vec<_> = Status::ALL
        .iter()
        .map(|status| vec![code(status), format!("`{}`", status.name()), status.says().to_owned()])
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_table_of_opcodes_is_the_enum() {
    let rows = table("| opcode | name | roles, any of | idempotency key | body |");
    assert_eq!(rows.len(), Opcode::ALL.len());
    for (row, opcode) in rows.iter().zip(Opcode::ALL) {
        assert_eq!(row[0], format!("`{:#06x}`", opcode.number()));
        assert_eq!(row[1], format!("`{}`", opcode.name()));
        let operation = Operation::ALL.into_iter().find(|operation| Opcode::of(*operation) == *opcode);
        if let Some(operation) = operation {
            let roles: Vec<_> = operation.roles().iter().map(|role| format!("`{}`", role.name())).collect();
            assert_eq!(row[2].trim_end_matches(", admin socket"), roles.join(", "), "{}", row[1]);
            assert_eq!(row[3], if operation.is_changing() { "yes" } else { "" }, "{}", row[1]);
        }
    }
}
