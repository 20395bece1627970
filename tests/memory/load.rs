//! Work for the daemon: every operation that meets a PAN or a key, from several
//! connections, and everything that is refused half way.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use tallystick::client::Client;
use tallystick::command::{
    CardSource, ChangeStatus, Command, EnterCard, HoldCard, Issue, IssueShort, LinkPar, List, OpenEntry,
    Provision, Renew, Reply, Reseal, TokenView, Verify, VerifyShort,
};
use tallystick::types::{
    Amount, Currency, Domain, EntrySeconds, Evidence, Expiry, HoldSeconds, IdempotencyKey, Pan, Reference,
    StatusEvent, Transaction, Trid, luhn_check_digit,
};
use tallystick::wire::{FrameWriter, Hello, Opcode, encode_command};

use crate::daemon::Daemon;

const CARDS: usize = 48;
const CONNECTIONS: usize = 4;
/// PANs that are refused, and those that are held or come in encrypted.
const REFUSED: usize = 8;
const HELD: usize = 4;
/// More than a frame may have.
const TOO_LARGE: usize = 100_000;

#[derive(Default)]
pub struct Load {
    pans: Vec<String>,
    saved: Vec<(String, TokenView)>,
    /// Public keys of entry sessions.
    pub sessions: Vec<Vec<u8>>,
}

pub fn random_pan(random: &mut fastrand::Rng) -> String {
    let (head, length) = [("4", 16), ("4", 19), ("37", 15)][random.usize(..3)];
    let mut digits = head.as_bytes().to_vec();
    digits.resize_with(length - 1, || random.u8(b'0'..=b'9'));
    digits.push(luhn_check_digit(&digits));
    String::from_utf8(digits).unwrap()
}

impl Load {
    pub fn new() -> Self {
        let mut random = fastrand::Rng::new();
        Self {
            pans: std::iter::repeat_with(|| random_pan(&mut random)).take(CARDS + REFUSED + HELD).collect(),
            saved: Vec::new(),
            sessions: Vec::new(),
        }
    }

    /// Every PAN that the daemon ever saw.
    pub fn pans(&self) -> impl Iterator<Item = &str> {
        self.pans.iter().map(String::as_str)
    }

    pub fn tokens(&self) -> Vec<String> {
        self.saved.iter().map(|(_, view)| view.token.to_string()).collect()
    }

    /// Saves the first half of the cards.
    pub fn save_cards(&mut self, daemon: &Daemon) {
        let mut client = daemon.client();
        for pan in &self.pans[..CARDS / 2] {
            let view = client.provision(card(pan), None).unwrap();
            self.saved.push((pan.clone(), view));
        }
    }

    /// Does everything, and gives back the connections that are still open.
    pub fn work(&mut self, daemon: &Daemon) -> Vec<Client<UnixStream>> {
        let mut client = daemon.client();
        for (at, pan) in self.pans[CARDS / 2..CARDS].iter().enumerate() {
            let name = format!("key {at}");
            let key = IdempotencyKey::parse(name.as_bytes()).unwrap();
            let view = client.provision(card(pan), Some(key)).unwrap();
            assert_eq!(client.provision(card(pan), Some(key)).unwrap().token, view.token, "a retry");
            self.saved.push((pan.clone(), view));
        }
        let saved = &self.saved;
        let mut open: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..CONNECTIONS).map(|_| scope.spawn(|| pay(&mut daemon.client(), saved))).collect();
            let staying = scope.spawn(|| {
                let mut client = daemon.client();
                pay(&mut client, saved);
                client
            });
            workers.into_iter().for_each(|worker| worker.join().unwrap());
            vec![client, staying.join().unwrap()]
        });
        self.be_refused(daemon);
        self.enter_cards(daemon);
        open.push(administer(daemon, &self.saved));
        // An answer to this says that what came before is over.
        open.iter_mut().for_each(|client| client.ping().unwrap());
        open
    }

    /// Cards that are held, and cards that come in encrypted; one of each stays, and a
    /// session that is not used up.
    fn enter_cards(&mut self, daemon: &Daemon) {
        let mut client = daemon.client();
        let [held, released, entered, refused] = &self.pans[CARDS + REFUSED..] else { panic!() };
        for (pan, stays) in [(held, true), (released, false)] {
            let (expiry, seconds) = (Expiry::parse(b"4912").unwrap(), HoldSeconds::new(3600).unwrap());
            let handle = client.hold_card(HoldCard { pan: parsed(pan), expiry, seconds }).unwrap().handle;
            client.provision(Provision { card: CardSource::Held(handle), ..card(pan) }, None).unwrap();
            if !stays {
                client.release_card(handle).unwrap();
            }
        }
        for (pan, behind, good) in [(entered, "", true), (refused, "x", false)] {
            let opened = client.open_entry(OpenEntry { seconds: EntrySeconds::new(3600).unwrap() }).unwrap();
            let plain = format!(
                r#"{{"number":"{pan}","expiryMonth":"12","expiryYear":"2049","holderName":"Someone"}}{behind}"#
            );
            let ciphertext = encrypted(&opened.public_key, plain.as_bytes());
            let seconds = HoldSeconds::new(3600).unwrap();
            let enter = EnterCard { session: opened.session, ciphertext: &ciphertext, seconds };
            match client.enter_card(enter) {
                Ok(entered) => {
                    let card = Provision { card: CardSource::Held(entered.card.handle), ..card(pan) };
                    client.provision(card, None).unwrap();
                    assert!(good);
                }
                Err(_) => assert!(!good),
            }
            self.sessions.push(opened.public_key);
        }
        let closed = client.open_entry(OpenEntry { seconds: EntrySeconds::new(3600).unwrap() }).unwrap();
        client.close_entry(closed.session).unwrap();
        self.sessions.push(closed.public_key);
    }

    /// PANs in what is not executed.
    fn be_refused(&self, daemon: &Daemon) {
        let [before, broken, unlucky, large, unknown, cut, split, http] = &self.pans[CARDS..CARDS + REFUSED]
        else {
            panic!()
        };
        let socket = daemon.path("tallyd.sock");
        // Without HELLO.
        raw(&socket, false).exchange(&frame(Opcode::Provision.number(), 1, &body(before)));
        let mut stream = raw(&socket, true);
        // CBOR that breaks off, a PAN that fails the Luhn check, an opcode that does not exist.
        let whole = body(broken);
        stream.exchange(&frame(Opcode::Provision.number(), 2, &whole[..whole.len() - 3]));
        let mut wrong = body(unlucky);
        let at = wrong.windows(unlucky.len()).position(|window| window == unlucky.as_bytes()).unwrap();
        let last = &mut wrong[at + unlucky.len() - 1];
        *last = b'0' + (*last - b'0' + 1) % 10;
        stream.exchange(&frame(Opcode::Provision.number(), 3, &wrong));
        stream.exchange(&frame(0x7777, 4, unknown.as_bytes()));
        stream.exchange(&frame(Opcode::Par.number(), 5, &large.repeat(TOO_LARGE / large.len()).into_bytes()));
        // In two parts, then half of one; the connection goes.
        let whole = frame(Opcode::Provision.number(), 6, &body(split));
        stream.0.write_all(&whole[..whole.len() / 2]).unwrap();
        stream.exchange(&whole[whole.len() / 2..]);
        let half = frame(Opcode::Provision.number(), 7, &body(cut));
        stream.0.write_all(&half[..half.len() - 5]).unwrap();
        drop(stream);
        let mut stream = raw(&daemon.path("admin.sock"), false);
        stream.0.write_all(format!("GET /{http} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
        stream.0.read_to_end(&mut Vec::new()).unwrap();
    }
}

fn encrypted(public_key: &[u8], plain: &[u8]) -> Vec<u8> {
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(public_key).unwrap()).unwrap();
    let mut ciphertext = vec![0; key.ciphertext_size()];
    key.encrypt(&OAEP_SHA256_MGF1SHA256, plain, &mut ciphertext, None).unwrap();
    ciphertext
}

/// Every operation on every card.
fn pay(client: &mut Client<UnixStream>, saved: &[(String, TokenView)]) {
    for (pan, view) in saved {
        let trid = view.trid;
        let issue = Issue { token: view.token, trid, transaction: paying() };
        let Reply::Issued(issued) = client.call(&Command::Issue(issue), None).unwrap() else { panic!() };
        let verify = Verify {
            token: view.token,
            expiry: view.expiry,
            trid,
            transaction: paying(),
            cryptogram: issued.cryptogram,
        };
        client.verify(verify, None).unwrap();
        client.verify(verify, None).unwrap_err();
        // Others issue short values too, and only a few may be outstanding.
        if let Ok(Reply::IssuedShort(short)) = client.call(&Command::IssueShort(IssueShort(issue)), None) {
            let verify = VerifyShort {
                token: view.token,
                expiry: view.expiry,
                trid,
                transaction: paying(),
                value: short.value,
            };
            let _ = client.verify_short(verify, None);
        }
        assert_eq!(client.detokenize(view.token).unwrap().pan.expose_digits(), pan.as_bytes());
        client.par(parsed(pan)).unwrap();
        client.fingerprint(parsed(pan)).unwrap();
        client.show(view.token).unwrap();
    }
    let (_, view) = &saved[0];
    let issues = vec![(Issue { token: view.token, trid: view.trid, transaction: paying() }, None); 256];
    assert_eq!(client.issue_batch(&issues).unwrap().len(), 256);
    client.list(List { trid: trid(), after: None, limit: 100 }).unwrap();
}

fn administer(daemon: &Daemon, saved: &[(String, TokenView)]) -> Client<UnixStream> {
    let mut admin = daemon.admin();
    let resealed = admin.reseal(Reseal { after: None, limit: 100 }, None).unwrap();
    assert_eq!(resealed.resealed as usize, CARDS / 2);
    let [(pan, one), (_, two), ..] = saved else { panic!() };
    admin.link_par(LinkPar { pan: parsed(pan), predecessor: two.token }, None).unwrap();
    admin.renew(Renew { token: one.token, expiry: Expiry::parse(b"4911").unwrap() }, None).unwrap();
    let gone = ChangeStatus { token: two.token, provider: None, event: StatusEvent::Suspend };
    admin.change_status(gone, None).unwrap();
    admin.clear_short_lock(one.token, None).unwrap();
    admin.status().unwrap();
    admin.metrics().unwrap();
    admin
}

/// A connection for frames written by hand.
pub struct Raw(pub UnixStream);

pub fn raw(socket: &std::path::Path, greeted: bool) -> Raw {
    let mut raw = Raw(UnixStream::connect(socket).unwrap());
    if greeted {
        let mut hello = Vec::new();
        Hello::ours("raw").encode(&mut hello);
        raw.exchange(&frame(Opcode::Hello.number(), 1, &hello));
    }
    raw
}

impl Raw {
    /// Writes, and reads one answer.
    pub fn exchange(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
        self.answer();
    }

    /// Reads one answer.
    pub fn answer(&mut self) {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        self.0.read_exact(&mut vec![0; u32::from_be_bytes(length) as usize]).unwrap();
    }
}

pub fn frame(opcode: u16, id: u64, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let frame = FrameWriter::begin(&mut bytes, opcode, 0, id);
    bytes.extend_from_slice(body);
    frame.finish(&mut bytes);
    bytes
}

fn body(pan: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_command(&mut bytes, &Command::Provision(Box::new(card(pan))), None);
    bytes
}

fn parsed(pan: &str) -> Pan {
    Pan::parse(pan.as_bytes()).unwrap()
}

fn trid() -> Trid {
    Trid::parse(b"40010000001").unwrap()
}

pub fn card(pan: &str) -> Provision {
    Provision {
        card: CardSource::Clear { pan: parsed(pan), expiry: Expiry::parse(b"4912").unwrap() },
        trid: trid(),
        evidence: Evidence {
            provider: Reference::parse("p").unwrap(),
            reference: Reference::parse("r").unwrap(),
            auth_reference: None,
        },
        par: None,
        domain: Domain::default(),
        providers: None,
    }
}

fn paying() -> Transaction<'static> {
    let amount = (Amount::from_minor_units(100), Currency::from_code(356).unwrap());
    Transaction { amount: Some(amount), ..Transaction::UNKNOWN }
}
