//! No block of memory that held a PAN is given back without having been wiped:
//! the allocator of this test looks into every block that is freed. It also
//! counts, since issuing and verifying allocate nothing.
#![allow(unsafe_code, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tallystick::client::Client;
use tallystick::command::{Command, Detokenized, Issue, Issued, LinkPar, Reply, Verified, Verify};
use tallystick::types::{
    Amount, Atc, Cryptogram, Currency, Expiry, IdempotencyKey, Merchant, Pan, Par, TokenNumber, Transaction,
    Trid,
};
use tallystick::wire::{
    Arrival, Frame, FrameWriter, Hello, Intake, LENGTH, Message, Opcode, Status, cut, decode_message,
    decode_reply, encode_command, encode_reply, wipe,
};

static PAN: &[u8] = b"5105105105105100";
/// What is looked for: most of the PAN.
static NEEDLE: &[u8] = b"5105105105";
static LEAKED: AtomicUsize = AtomicUsize::new(0);
/// The count is of the whole process, so one test at a time.
static TURN: Mutex<()> = Mutex::new(());

thread_local! {
    /// Blocks that this thread has asked for.
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

struct Watching;

// SAFETY: every call is handed on to the system's allocator with the same layout.
// Blocks are zeroed when they are handed out, so all of a block may be read.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATED.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`, which is that of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is of this layout, live, and initialised since `alloc`.
        let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
        if bytes.windows(NEEDLE.len()).any(|window| window == NEEDLE) {
            LEAKED.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// How many blocks with the PAN were freed meanwhile.
fn leaked(work: impl FnOnce()) -> usize {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = LEAKED.load(Ordering::Relaxed);
    work();
    LEAKED.load(Ordering::Relaxed) - before
}

fn pan() -> Pan {
    Pan::parse(PAN).unwrap()
}

fn card() -> Reply {
    Reply::Detokenized(Detokenized { pan: pan(), expiry: Expiry::parse(b"2912").unwrap() })
}

fn link() -> Command<'static> {
    Command::LinkPar(LinkPar { pan: pan(), predecessor: TokenNumber::parse(b"4895370012003478").unwrap() })
}

#[test]
fn the_allocator_sees_a_leak() {
    assert_eq!(leaked(|| drop(PAN.to_vec())), 1);
    assert_eq!(
        leaked(|| {
            // Plain growth leaves the old block behind.
            let mut bytes = PAN.to_vec();
            bytes.reserve_exact(100);
            wipe(&mut bytes);
        }),
        1
    );
}

#[test]
fn writing_many_frames_leaves_nothing_as_the_buffer_grows() {
    let count = leaked(|| {
        let mut out = Vec::new();
        for id in 1..100 {
            let frame = FrameWriter::begin(&mut out, Opcode::LinkPar.number(), 0, id);
            encode_command(&mut out, &link(), None);
            frame.finish(&mut out);
            let frame = FrameWriter::begin(&mut out, Opcode::Detokenize.number(), 0, id);
            encode_reply(&mut out, &card());
            assert_eq!(frame.finish_within(&mut out, if id == 7 { 20 } else { 4096 }), id != 7);
            let frame = FrameWriter::begin(&mut out, Opcode::Par.number(), 0, id);
            encode_command(&mut out, &Command::Par(pan()), None);
            frame.abandon(&mut out);
        }
        cut(&mut out, 0);
    });
    assert_eq!(count, 0);
}

#[test]
fn reading_leaves_nothing() {
    let count = leaked(|| {
        let mut out = Vec::with_capacity(256);
        let frame = FrameWriter::begin(&mut out, Opcode::LinkPar.number(), 0, 1);
        encode_command(&mut out, &link(), None);
        frame.finish(&mut out);
        for take in [true, false] {
            let mut intake = Intake::new(4096);
            for _ in 0..3 {
                intake.space()[..out.len()].copy_from_slice(&out);
                intake.filled(out.len());
                let mut arrivals = Vec::new();
                let parsed = intake.arrivals(1, &mut arrivals);
                let Arrival::Frame(frame) = arrivals[0] else { panic!() };
                let message = decode_message(Opcode::LinkPar, frame.body).unwrap();
                assert!(matches!(message, Message::Engine(_)));
                // Too long, and refused midway: the parts already read are dropped.
                assert!(decode_message(Opcode::Par, frame.body).is_err());
                drop((message, arrivals));
                if take {
                    intake.consume(parsed);
                }
            }
        }
        cut(&mut out, 0);
        encode_reply(&mut out, &card());
        drop(decode_reply(Opcode::Detokenize, &out).unwrap());
        cut(&mut out, 0);
    });
    assert_eq!(count, 0);
}

/// Answers HELLO, DETOKENIZE with the card, and everything else with a PAR.
fn serve(mut stream: UnixStream) {
    let mut intake = Intake::new(65_536);
    let mut out = Vec::new();
    loop {
        let Ok(count @ 1..) = stream.read(intake.space()) else { return };
        intake.filled(count);
        let mut arrivals = Vec::new();
        let parsed = intake.arrivals(usize::MAX, &mut arrivals);
        for arrival in arrivals {
            let Arrival::Frame(request) = arrival else { panic!() };
            let frame = FrameWriter::begin(&mut out, request.opcode, Status::Ok.code(), request.id);
            if request.opcode == Opcode::Hello.number() {
                Hello::decode(request.body).unwrap().agree(65_536, 64, "s").unwrap().encode(&mut out);
            } else if request.opcode == Opcode::Detokenize.number() {
                encode_reply(&mut out, &card());
            } else {
                encode_reply(&mut out, &Reply::Par(Par::parse("500199").unwrap()));
            }
            frame.finish(&mut out);
        }
        intake.consume(parsed);
        stream.write_all(&out).unwrap();
        cut(&mut out, 0);
    }
}

#[test]
fn a_client_leaves_nothing() {
    let count = leaked(|| {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let server = std::thread::spawn(move || serve(theirs));
        let mut client = Client::over(ours, "test").unwrap();
        let token = TokenNumber::parse(b"4895370012003478").unwrap();
        for round in 0..20 {
            for _ in 0..3 {
                client.submit(&Command::Par(pan()), None).unwrap();
                client.submit(&Command::Detokenize(token), None).unwrap();
            }
            assert!(round != 5 || !format!("{client:?}").contains("5105"));
            while client.under_way() > 0 {
                let (_, answer) = client.receive().unwrap();
                assert!(!format!("{answer:?}").contains("5105"));
            }
        }
        assert_eq!(client.detokenize(token).unwrap().pan.expose_digits(), PAN);
        // Dropped with a request that was never written.
        client.submit(&Command::Par(pan()), None).unwrap();
        drop(client);
        server.join().unwrap();
    });
    assert_eq!(count, 0);
}

/// A request there and its reply back, in buffers that are used again.
fn there_and_back(command: &Command<'_>, reply: &Reply, out: &mut Vec<u8>) {
    let opcode = Opcode::of(command.operation());
    for half in 0..2 {
        cut(out, 0);
        let frame = FrameWriter::begin(out, opcode.number(), 0, 1);
        match half {
            0 => encode_command(out, command, IdempotencyKey::parse(b"order-1").ok()),
            _ => encode_reply(out, reply),
        }
        frame.finish(out);
        let frame = Frame::parse(&out[LENGTH..]).unwrap();
        match half {
            0 => assert!(matches!(decode_message(opcode, frame.body), Ok(Message::Engine(_)))),
            _ => assert!(decode_reply(opcode, frame.body).is_ok()),
        }
    }
}

#[test]
fn issuing_and_verifying_allocate_nothing() {
    let amount = (Amount::from_minor_units(1), Currency::from_code(356).unwrap());
    let merchant = Merchant::parse(b"shop-17").ok();
    let transaction = Transaction { amount: Some(amount), merchant, ..Transaction::UNKNOWN };
    let token = TokenNumber::parse(b"4895370012003478").unwrap();
    let (trid, expiry) = (Trid::parse(b"40010030273").unwrap(), Expiry::parse(b"2912").unwrap());
    let cryptogram = Cryptogram::from_slice(&[0x13; 20]).unwrap();
    let issue = Command::Issue(Issue { token, trid, transaction });
    let verify = Command::Verify(Verify { token, expiry, trid, transaction, cryptogram });
    let issued = Reply::Issued(Issued { cryptogram, expiry });
    let verified = Reply::Verified(Verified { atc: Atc::new(7).unwrap() });
    let mut out = Vec::with_capacity(256);
    let before = ALLOCATED.get();
    there_and_back(&issue, &issued, &mut out);
    there_and_back(&verify, &verified, &mut out);
    assert_eq!(ALLOCATED.get() - before, 0);
    drop(vec![1]);
    assert_eq!(ALLOCATED.get() - before, 1, "the count works");
}
