//! Frames and fixed layouts, written and read.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tallystick::command::{Command, Issue, Verify};
use tallystick::types::{
    Amount, Cryptogram, Currency, Expiry, Merchant, TokenNumber, Transaction, Trid, UnpredictableNumber,
};
use tallystick::wire::{Arrival, FrameWriter, Intake, Opcode, decode_message, encode_command};

fn transaction() -> Transaction<'static> {
    let amount = (Amount::from_minor_units(100), Currency::from_code(356).unwrap());
    Transaction {
        amount: Some(amount),
        merchant: Merchant::parse(b"m_8ae2c0570ee4").ok(),
        unpredictable: Some(UnpredictableNumber([1, 2, 3, 4])),
        ..Transaction::UNKNOWN
    }
}

fn commands() -> [(Opcode, Command<'static>); 2] {
    let token = TokenNumber::parse(b"4895370012345671").unwrap();
    let trid = Trid::parse(b"40010000001").unwrap();
    let issue = Issue { token, trid, transaction: transaction() };
    let verify = Verify {
        token,
        trid,
        expiry: Expiry::parse(b"4912").unwrap(),
        transaction: transaction(),
        cryptogram: Cryptogram::from_slice(&[7; 20]).unwrap(),
    };
    [(Opcode::Issue, Command::Issue(issue)), (Opcode::Verify, Command::Verify(verify))]
}

fn codec(criterion: &mut Criterion) {
    for (opcode, command) in commands() {
        let mut body = Vec::with_capacity(256);
        criterion.bench_function(&format!("encode {}", opcode.name()), |bench| {
            bench.iter(|| {
                body.clear();
                encode_command(&mut body, black_box(&command), None);
            });
        });
        criterion.bench_function(&format!("decode {}", opcode.name()), |bench| {
            bench.iter(|| drop(black_box(decode_message(opcode, black_box(&body)))));
        });
    }
}

fn frames(criterion: &mut Criterion) {
    let mut stream = Vec::new();
    let [(opcode, command), _] = commands();
    for id in 0..256 {
        let frame = FrameWriter::begin(&mut stream, opcode.number(), 0, id);
        encode_command(&mut stream, &command, None);
        frame.finish(&mut stream);
    }
    let mut group = criterion.benchmark_group("intake");
    group.throughput(Throughput::Elements(256));
    let mut intake = Intake::new(65_536);
    group.bench_function("256 issue frames taken in and decoded", |bench| {
        bench.iter(|| {
            intake.space().get_mut(..stream.len()).unwrap().copy_from_slice(&stream);
            intake.filled(stream.len());
            let mut arrivals = Vec::with_capacity(256);
            let parsed = intake.arrivals(256, &mut arrivals);
            for arrival in &arrivals {
                if let Arrival::Frame(frame) = arrival {
                    drop(black_box(decode_message(opcode, frame.body)));
                }
            }
            drop(arrivals);
            intake.consume(parsed);
        });
    });
    group.finish();
}

criterion_group!(benches, codec, frames);
criterion_main!(benches);
