//! The client against a daemon that does what it should, and others that do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::Duration;

use tallystick::client::{Answer, Client, ClientError};
use tallystick::command::{Command, Issue, Issued, List, Page, Reply, Verified, Verify};
use tallystick::types::{
    Atc, Cryptogram, Expiry, IdempotencyKey, Pan, TokenNumber, Transaction, Trid, UnpredictableNumber,
};
use tallystick::wire::{
    Arrival, BackupBegun, Fault, Frame, FrameWriter, Hello, Intake, Message, Opcode, Session, Status,
    StatusReport, begin_batch_reply, decode_message, encode_backup_piece, encode_batch_item, encode_metrics,
    encode_reply,
};

const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

fn token() -> TokenNumber {
    TokenNumber::parse(b"4895370012003478").unwrap()
}

fn trid() -> Trid {
    Trid::parse(b"40010030273").unwrap()
}

fn expiry() -> Expiry {
    Expiry::parse(b"2912").unwrap()
}

fn issue(number: u32) -> Issue<'static> {
    let unpredictable = Some(UnpredictableNumber(number.to_be_bytes()));
    Issue { token: token(), trid: trid(), transaction: Transaction { unpredictable, ..Transaction::UNKNOWN } }
}

/// The "cryptogram" of the daemons here: the unpredictable number, five times.
fn cryptogram(issue: &Issue<'_>) -> Cryptogram {
    let UnpredictableNumber(number) = issue.transaction.unpredictable.unwrap();
    Cryptogram::from_slice(&number.repeat(5)).unwrap()
}

fn verify(number: u32) -> Verify<'static> {
    let Issue { token, trid, transaction } = issue(number);
    let cryptogram = cryptogram(&issue(number));
    Verify { token, expiry: expiry(), trid, transaction, cryptogram }
}

/// Answers like an engine would that knows only this.
fn engine(out: &mut Vec<u8>, command: &Command<'_>) -> Status {
    let reply = match command {
        Command::Issue(issue) => Reply::Issued(Issued { cryptogram: cryptogram(issue), expiry: expiry() }),
        Command::Verify(verify) => {
            let UnpredictableNumber(number) = verify.transaction.unpredictable.unwrap();
            match Atc::new(u32::from_be_bytes(number)) {
                Some(atc) => Reply::Verified(Verified { atc }),
                None => return Status::Refused,
            }
        }
        // A large reply to a small request.
        Command::List(_) => {
            out.extend(vec![0; 8000]);
            return Status::Stopped;
        }
        Command::Par(_) => {
            Fault::of_field(Status::PanLuhn, "pan").encode(out);
            return Status::PanLuhn;
        }
        _ => return Status::UnknownOpcode,
    };
    encode_reply(out, &reply);
    Status::Ok
}

fn answer(out: &mut Vec<u8>, opcode: Opcode, body: &[u8]) -> Status {
    if opcode == Opcode::Hello {
        Hello::decode(body).unwrap().agree(65_536, 1024, "test").unwrap().encode(out);
        return Status::Ok;
    }
    match decode_message(opcode, body).unwrap() {
        Message::Ping => Status::Ok,
        Message::Status => {
            StatusReport { tokens: 9, ..StatusReport::default() }.encode(out);
            Status::Ok
        }
        Message::Custody(_) | Message::Control(_) => Status::Sealed,
        Message::Metrics => {
            encode_metrics(out, "tokens 9\n");
            Status::Ok
        }
        Message::BackupBegin => {
            BackupBegun { epoch: 1, group: 2, bytes: 3 }.encode(out);
            Status::Ok
        }
        Message::BackupNext => {
            encode_backup_piece(out, Some(b"rows"));
            Status::Ok
        }
        Message::Engine(request) => engine(out, &request.command),
        Message::Batch(items) => {
            begin_batch_reply(out, items.len());
            for item in items {
                encode_batch_item(out, |out| engine(out, &item.unwrap().command));
            }
            Status::Ok
        }
    }
}

/// One reply to one request, as bytes.
fn reply_to(session: &mut Session, frame: &Frame<'_>) -> Vec<u8> {
    let opcode = session.admit(frame).unwrap();
    if opcode == Opcode::Hello {
        session.greet();
    }
    let mut body = Vec::new();
    let status = answer(&mut body, opcode, frame.body);
    let mut out = Vec::new();
    let writer = FrameWriter::begin(&mut out, frame.opcode, status.code(), frame.id);
    out.extend(body);
    writer.finish(&mut out);
    out
}

/// Reads whatever comes and hands all replies to one read's requests to `send`.
fn serve(mut stream: UnixStream, send: fn(&mut UnixStream, Vec<Vec<u8>>)) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let (mut intake, mut session) = (Intake::new(65_536), Session::default());
        loop {
            let Ok(count @ 1..) = stream.read(intake.space()) else { return };
            intake.filled(count);
            let mut arrivals = Vec::new();
            let parsed = intake.arrivals(usize::MAX, &mut arrivals);
            let replies = arrivals.iter().map(|arrival| match arrival {
                Arrival::Frame(frame) => reply_to(&mut session, frame),
                other => panic!("{other:?}"),
            });
            let replies = replies.collect();
            intake.consume(parsed);
            send(&mut stream, replies);
        }
    })
}

fn at_once(stream: &mut UnixStream, replies: Vec<Vec<u8>>) {
    let _ = stream.write_all(&replies.concat());
}

/// Every reply in a write of its own, the costliest for the socket's buffer.
fn one_by_one(stream: &mut UnixStream, replies: Vec<Vec<u8>>) {
    for reply in replies {
        let _ = stream.write_all(&reply);
    }
}

fn backwards(stream: &mut UnixStream, mut replies: Vec<Vec<u8>>) {
    replies.reverse();
    at_once(stream, replies);
}

/// A byte at a time.
fn trickling(stream: &mut UnixStream, replies: Vec<Vec<u8>>) {
    for byte in replies.concat() {
        let _ = stream.write_all(&[byte]);
    }
}

fn connect(send: fn(&mut UnixStream, Vec<Vec<u8>>)) -> Client<UnixStream> {
    let (ours, theirs) = UnixStream::pair().unwrap();
    serve(theirs, send);
    let client = Client::over(ours, "test").unwrap();
    client.set_timeouts(PATIENCE, PATIENCE).unwrap();
    client
}

#[test]
fn one_at_a_time() {
    for send in [at_once, one_by_one, trickling] {
        let mut client = connect(send);
        assert_eq!((client.agreed().frame, client.agreed().server.as_str()), (65_536, "test"));
        client.ping().unwrap();
        let key = IdempotencyKey::parse(b"k").ok();
        assert_eq!(client.issue(issue(5), key).unwrap().cryptogram, cryptogram(&issue(5)));
        assert_eq!(client.verify(verify(5), None).unwrap().atc.get(), 5);
        assert_eq!(client.verify(verify(0), None).unwrap_err().status(), Some(Status::Refused));
        assert_eq!(client.status().unwrap().tokens, 9);
        assert_eq!(client.metrics().unwrap(), "tokens 9\n");
        let issued = client.issue_batch(&[(issue(1), key), (issue(2), None)]).unwrap();
        assert_eq!(issued.len(), 2);
        assert_eq!(issued[1].unwrap().cryptogram, cryptogram(&issue(2)));
        let verified = client.verify_batch(&[(verify(3), None), (verify(0), None)]).unwrap();
        assert_eq!(verified, [Ok(Verified { atc: Atc::new(3).unwrap() }), Err(Status::Refused)]);
        let pan = Pan::parse(b"4111111111111111").unwrap();
        let refused = client.par(pan).unwrap_err();
        assert_eq!(refused.to_string(), "pan: the PAN fails the Luhn check");
        assert!(matches!(client.show(token()), Err(ClientError::Refused(Status::UnknownOpcode, None))));
        assert_eq!(client.under_way(), 0);
    }
}

/// Submits `count` requests and receives what there is, as a bench would.
fn run(client: &mut Client<UnixStream>, count: u32, flush_each: bool) {
    let mut expected = std::collections::BTreeMap::new();
    let (mut sent, mut done) = (0, 0);
    while done < count {
        while sent < count && client.has_room() {
            sent += 1;
            let id = client.submit_issue(&issue(sent), None).unwrap();
            assert!(expected.insert(id, sent).is_none());
            if flush_each {
                client.flush().unwrap();
            }
        }
        assert!(client.under_way() <= 1024);
        let (id, answer) = client.receive().unwrap();
        let number = expected.remove(&id).unwrap();
        let Ok(Answer::Reply(Reply::Issued(issued))) = answer else { panic!("{answer:?}") };
        assert_eq!(issued.cryptogram, cryptogram(&issue(number)));
        done += 1;
    }
    assert_eq!((client.under_way(), expected.len()), (0, 0));
}

/// A client of one thread never waits for ever, though it writes as much as it
/// may before it reads, and the daemon writes before it reads on.
#[test]
fn depth_without_deadlock() {
    for send in [at_once, one_by_one, backwards] {
        for flush_each in [false, true] {
            run(&mut connect(send), 5000, flush_each);
        }
    }
}

/// Each small request has a large reply: 8 MB wait while the client only writes.
#[test]
fn large_replies_to_small_requests_without_deadlock() {
    for send in [at_once, one_by_one] {
        let mut client = connect(send);
        let list = || Command::List(List { trid: trid(), after: None, limit: 1 });
        let ids: BTreeSet<u64> = (0..1024)
            .map(|_| {
                let id = client.submit(&list(), None).unwrap();
                client.flush().unwrap();
                id
            })
            .collect();
        assert!(matches!(client.submit(&list(), None), Err(ClientError::Full)));
        let answered = (0..1024).map(|_| {
            let (id, answer) = client.receive().unwrap();
            assert_eq!(answer.unwrap_err().status(), Some(Status::Stopped));
            id
        });
        assert_eq!(answered.collect::<BTreeSet<_>>(), ids);
    }
}

/// Large requests among small ones.
#[test]
fn batches_in_flight_without_deadlock() {
    let mut client = connect(one_by_one);
    let items: Vec<_> = (1..=900).map(|number| (issue(number), None)).collect();
    let mut batches = BTreeSet::new();
    for round in 0..200 {
        batches.insert(client.submit_issues(&items).unwrap());
        client.submit_verify(&verify(round), None).unwrap();
        client.submit_ping().unwrap();
    }
    while client.under_way() > 0 {
        match client.receive().unwrap() {
            (id, Ok(Answer::Batch(answers))) => {
                assert!(batches.remove(&id));
                assert!(answers.len() == 900 && answers.iter().all(Result::is_ok));
            }
            (_, answer) => drop(answer),
        }
    }
    assert!(batches.is_empty());
}

#[test]
fn calls_and_pipelines_are_kept_apart() {
    let mut client = connect(at_once);
    client.submit_ping().unwrap();
    assert!(matches!(client.ping(), Err(ClientError::UnderWay)));
    assert!(matches!(client.issue_batch(&[(issue(1), None)]), Err(ClientError::UnderWay)));
    assert!(matches!(client.receive().unwrap().1, Ok(Answer::Pong)));
    assert!(matches!(client.receive(), Err(ClientError::NothingUnderWay)));
    client.ping().unwrap();
}

#[test]
fn what_cannot_be_sent_is_not_submitted() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    serve(theirs, at_once);
    let hello = Hello { frame: 4096, in_flight: 1, ..Hello::ours("test") };
    let mut client = Client::hello(ours, &hello).unwrap();
    let items = vec![(issue(1), None); 200];
    let refused = client.submit_issues(&items);
    assert!(matches!(refused, Err(ClientError::Request(fault)) if fault.status == Status::FrameTooLarge));
    let refused = client.submit_issues(&[]);
    assert!(matches!(refused, Err(ClientError::Request(fault)) if fault.status == Status::BatchSize));
    assert_eq!(client.under_way(), 0);
    client.submit_ping().unwrap();
    assert!(matches!(client.submit_ping(), Err(ClientError::Full)));
    assert!(matches!(client.receive().unwrap().1, Ok(Answer::Pong)));
    client.ping().unwrap();
}

/// A daemon that answers HELLO, and whatever comes next with `bytes`.
fn says(bytes: Vec<u8>) -> Client<UnixStream> {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let server = std::thread::spawn(move || {
        let (mut intake, mut session) = (Intake::new(65_536), Session::default());
        let count = theirs.read(intake.space()).unwrap();
        intake.filled(count);
        let mut arrivals = Vec::new();
        let _ = intake.arrivals(1, &mut arrivals);
        let Arrival::Frame(frame) = arrivals[0] else { panic!() };
        let hello = reply_to(&mut session, &frame);
        theirs.write_all(&hello).unwrap();
        let _ = theirs.read(&mut [0; 4096]).unwrap();
        theirs.write_all(&bytes).unwrap();
        // Takes in what comes, so that the client's writes succeed.
        let _ = theirs.shutdown(std::net::Shutdown::Write);
        let _ = theirs.read_to_end(&mut Vec::new());
    });
    let client = Client::over(ours, "test").unwrap();
    drop(server);
    client
}

fn raw(opcode: u16, status: u16, id: u64, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let writer = FrameWriter::begin(&mut out, opcode, status, id);
    out.extend(body);
    writer.finish(&mut out);
    out
}

/// Whether an error is the one expected.
type Told = fn(&ClientError) -> bool;

#[test]
fn a_daemon_that_breaks_the_protocol_is_told_and_not_talked_to_again() {
    let ping = Opcode::Ping.number();
    let cases: [(Vec<u8>, Told); 7] = [
        (raw(ping, 0, 3, &[]), |error| matches!(error, ClientError::Protocol(_))),
        (raw(ping, 0, 1, &[]), |error| matches!(error, ClientError::Protocol(_))),
        (raw(ping + 1, 0, 2, &[]), |error| matches!(error, ClientError::Protocol(_))),
        (vec![0, 0, 0, 2, 1, 1], |error| matches!(error, ClientError::Protocol(_))),
        (vec![0xff; 100], |error| matches!(error, ClientError::Protocol(_))),
        (Vec::new(), |error| matches!(error, ClientError::Closed)),
        (raw(0, Status::FrameTooShort.code(), 0, &[]), |error| error.status() == Some(Status::FrameTooShort)),
    ];
    for (number, (bytes, told)) in cases.into_iter().enumerate() {
        let mut client = says(bytes);
        let error = client.ping().unwrap_err();
        assert!(told(&error), "case {number}: {error}");
        assert!(
            client.submit_ping().is_err_and(|error| matches!(error, ClientError::Broken)),
            "case {number}"
        );
        assert!(matches!(client.receive(), Err(ClientError::Broken)), "case {number}");
    }
}

#[test]
fn a_reply_that_cannot_be_read_concerns_its_request_only() {
    let (show, ping) = (Opcode::Show.number(), Opcode::Ping.number());
    let replies = [raw(show, 0, 2, &[0xa0]), raw(show, 0x7777, 3, &[]), raw(ping, 0, 4, &[])].concat();
    let mut client = says(replies);
    client.submit(&Command::Show(token()), None).unwrap();
    client.submit(&Command::Show(token()), None).unwrap();
    client.submit_ping().unwrap();
    let (id, answer) = client.receive().unwrap();
    assert!(id == 2 && matches!(answer, Err(ClientError::Body(_))), "{answer:?}");
    let (id, answer) = client.receive().unwrap();
    assert!(id == 3 && matches!(answer, Err(ClientError::UnknownStatus(0x7777))));
    assert!(matches!(client.receive().unwrap(), (4, Ok(Answer::Pong))));
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(&raw(Opcode::Hello.number(), Status::PeerUnknown.code(), 0, &[])).unwrap();
    let error = Client::over(ours, "test").unwrap_err();
    assert_eq!(error.status(), Some(Status::PeerUnknown));
}

#[test]
fn a_welcome_to_more_than_was_asked_for_is_not_believed() {
    for (frame, in_flight, version) in [(8192, 1, 1), (4096, 2, 1), (4096, 0, 1), (4096, 1, 2)] {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut body = Vec::new();
        tallystick::wire::Welcome { version, frame, in_flight, server: String::new() }.encode(&mut body);
        theirs.write_all(&raw(Opcode::Hello.number(), 0, 1, &body)).unwrap();
        let hello = Hello { frame: 4096, in_flight: 1, ..Hello::ours("test") };
        let refused = Client::hello(ours, &hello);
        assert!(matches!(refused, Err(ClientError::Protocol(_))), "{frame} {in_flight} {version}");
    }
}

#[test]
fn a_read_that_timed_out_may_be_tried_again() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut body = Vec::new();
    Hello::ours("test").agree(65_536, 8, "s").unwrap().encode(&mut body);
    theirs.write_all(&raw(Opcode::Hello.number(), 0, 1, &body)).unwrap();
    let mut client = Client::over(ours, "test").unwrap();
    client.set_timeouts(Some(Duration::from_millis(10)), None).unwrap();
    assert!(matches!(client.ping(), Err(ClientError::Io(_))));
    assert!(matches!(client.ping(), Err(ClientError::UnderWay)));
    theirs.write_all(&raw(Opcode::Ping.number(), 0, 2, &[])).unwrap();
    assert!(matches!(client.receive().unwrap(), (2, Ok(Answer::Pong))));
}

/// What the daemon's replies hold is read in place; a page as well.
#[test]
fn pages_are_read() {
    let mut body = Vec::new();
    encode_reply(&mut body, &Reply::Page(Page { tokens: Vec::new(), next: Some(3) }));
    let mut client = says(raw(Opcode::List.number(), 0, 2, &body));
    let page = client.list(List { trid: trid(), after: None, limit: 1 }).unwrap();
    assert_eq!(page, Page { tokens: Vec::new(), next: Some(3) });
}

#[test]
fn a_batch_of_another_size_is_not_believed() {
    let mut body = Vec::new();
    begin_batch_reply(&mut body, 1);
    encode_batch_item(&mut body, |_| Status::Refused);
    let mut client = says(raw(Opcode::IssueBatch.number(), 0, 2, &body));
    let refused = client.issue_batch(&[(issue(1), None), (issue(2), None)]);
    assert!(matches!(refused, Err(ClientError::Protocol(_))));
}
