//! Who talks to the engine, and what they tell each other behind its back.

mod act;
mod market;
mod wishes;

pub use market::{Coin, Held, Market};

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use tallystick::command::{Caller, Reply, Role, Roles};
use tallystick::types::Trid;
use tallystick::wire::decode_reply;

use crate::model::Peer;
use crate::server::{Answer, Sent};
use crate::trace::fail;
use crate::wish::{Request, Wish};
use crate::world::{Event, World};

/// Requestors.
const TRIDS: u64 = 6;
/// Milliseconds that a client waits for an answer, and how often it tries.
const WAIT: u64 = 1500;
const TRIES: u32 = 12;

/// A client on one connection.
pub struct Client {
    pub peer: Peer,
    pub caller: Caller,
    /// Requests without an answer so far, and how often each was sent.
    open: BTreeMap<u64, u32>,
    /// Keyed requests that may be sent again much later.
    past: VecDeque<Rc<Request>>,
    keys: u64,
}

pub fn trid(nth: u64) -> Trid {
    Trid::from_value(40_010_000_000 + nth).unwrap()
}

/// Everybody whom the configuration names.
pub fn peers() -> Vec<Peer> {
    let peer =
        |name: String, roles: &[Role], trids: Option<Vec<Trid>>| Peer { name, roles: roles.to_vec(), trids };
    let mut all = Vec::new();
    for nth in 1..=TRIDS {
        let own = || Some(vec![trid(nth)]);
        all.push(peer(format!("vault-{nth}"), &[Role::Provisioner, Role::Detokenizer], own()));
        all.push(peer(format!("shop-{nth}"), &[Role::Issuer], own()));
        all.push(peer(format!("app-{nth}"), &[Role::Issuer], own()));
        all.push(peer(format!("bank-{nth}"), &[Role::Verifier], own()));
        all.push(peer(format!("checkout-{nth}"), &[Role::Issuer, Role::Verifier], own()));
    }
    for nth in 1..=4 {
        all.push(peer(format!("acquirer-{nth}"), &[Role::Verifier], None));
    }
    let two = Some(vec![trid(1), trid(2)]);
    all.push(peer("group".to_owned(), &[Role::Provisioner, Role::Issuer, Role::Verifier], two));
    all.push(peer("auditor".to_owned(), &[Role::Auditor, Role::Verifier], None));
    all.push(peer("admin".to_owned(), &[Role::Admin, Role::Auditor], None));
    all.push(peer("owner".to_owned(), &Role::ALL, None));
    for nth in 1..=3 {
        all.push(peer(format!("issuer-{nth}"), &[Role::Issuer, Role::Verifier], None));
    }
    all.push(peer("stranger".to_owned(), &[], None));
    all.push(peer("lost".to_owned(), &Role::ALL, Some(vec![trid(99)])));
    all
}

impl Client {
    pub fn new(peer: Peer) -> Self {
        let caller = Caller::new(&peer.name, Roles::of(&peer.roles), peer.trids.as_deref());
        Self { peer, caller, open: BTreeMap::new(), past: VecDeque::new(), keys: 0 }
    }

    fn has(&self, role: Role) -> bool {
        self.peer.roles.contains(&role)
    }

    /// Whether it may ask about cards of the field.
    pub fn is_of_field(&self) -> bool {
        self.peer.trids.is_none()
    }

    pub fn verifies_all(&self) -> bool {
        self.has(Role::Verifier) && self.peer.trids.is_none()
    }

    pub fn does_all(&self) -> bool {
        self.peer.roles.len() == Role::ALL.len() && self.peer.trids.is_none()
    }

    /// Requests that it still hopes for.
    pub fn owed(&self) -> usize {
        self.open.len()
    }
}

impl World {
    /// Writes a request down.
    pub fn request(&mut self, client: usize, wish: Wish, key: Option<Vec<u8>>) -> Rc<Request> {
        self.requests += 1;
        let request = Request::new(self.requests, client, wish, key);
        if request.key.is_some() {
            self.market.keyed.insert(request.number, Rc::clone(&request));
        }
        request
    }

    /// Sends a request and waits for its answer.
    pub fn send(&mut self, request: Rc<Request>) {
        let tries = self.clients[request.client].open.entry(request.number).or_default();
        *tries += 1;
        let tries = *tries;
        if tries > 1 {
            self.trace.count("requests sent again");
        }
        let wait = WAIT * u64::from(tries.min(3));
        self.agenda.after(wait, Event::Timeout(Rc::clone(&request), tries));
        if !self.is_lost() {
            let delay = self.travel();
            self.agenda.after(delay, Event::Arrive(request));
        }
    }

    /// An answer goes on its way back.
    pub fn send_back(&mut self, sent: &Rc<Sent>, answer: Answer) {
        if !self.is_lost() {
            let delay = self.travel();
            self.agenda.after(delay, Event::Hear(Rc::clone(&sent.request), Rc::new(answer)));
        }
    }

    fn is_lost(&mut self) -> bool {
        let is_lost = self.network.chance(self.trouble.loss);
        if is_lost {
            self.trace.count("messages lost");
        }
        is_lost
    }

    fn travel(&mut self) -> u64 {
        if self.network.chance(15) { self.network.between(50, 900) } else { self.network.between(0, 5) }
    }

    /// A client hears an answer.
    pub fn hear(&mut self, request: &Rc<Request>, answer: &Answer) {
        let client = &mut self.clients[request.client];
        client.open.remove(&request.number);
        if request.key.is_some() {
            client.past.push_back(Rc::clone(request));
            if client.past.len() > 40 {
                client.past.pop_front();
            }
        }
        if let Ok(bytes) = answer {
            let Ok(reply) = decode_reply(request.opcode, bytes) else {
                fail(None, format!("the answer to {} cannot be read", request.about()));
            };
            self.learn(request, reply);
        }
    }

    /// A client has waited long enough: it tries again, or gives up.
    pub fn time_out(&mut self, request: &Rc<Request>, tries: u32) {
        let client = &mut self.clients[request.client];
        if client.open.get(&request.number) != Some(&tries) {
            return;
        }
        // Without a key, what became of it is not known, so it is best left.
        let may_try = request.key.is_some() || matches!(request.wish, Wish::Verify(..) | Wish::Show(_));
        if may_try && tries < TRIES {
            return self.send(Rc::clone(request));
        }
        client.open.remove(&request.number);
        if request.key.is_some() {
            client.past.push_back(Rc::clone(request));
        }
        self.trace.count("requests given up");
    }

    /// What a client knows from an answer, it tells the others.
    fn learn(&mut self, request: &Request, reply: Reply) {
        match (&request.wish, reply) {
            (Wish::Provision(card), Reply::Token(view)) => self.market.add(Held {
                token: view.token,
                trid: card.trid,
                expiry: view.expiry.value(),
                rules: card.rules,
            }),
            (_, Reply::Token(view)) => self.market.update(&view),
            (Wish::Issue(payer, payment), Reply::Issued(issued)) => {
                let (cryptogram, expiry) = (*issued.cryptogram.as_bytes(), issued.expiry.value());
                let whim = self.whim.below(4096);
                self.market.earn(Coin { token: payer.token, payment: *payment, expiry, cryptogram }, whim);
            }
            (Wish::Verify(_, _, cryptogram), Reply::Verified(_)) => {
                let whim = self.whim.below(4096);
                self.market.spend(cryptogram, whim);
            }
            (Wish::IssueShort(payer, _), Reply::IssuedShort(issued)) => {
                let value = String::from_utf8(issued.value.as_bytes().to_vec()).unwrap();
                self.market.shorts.push((payer.token, issued.expiry.value(), value));
            }
            (Wish::EmvIssue(chip), Reply::EmvIssued(issued)) => {
                self.market.arqcs.push((*chip, issued.atc.get() as u16, *issued.arqc.as_bytes()));
            }
            (_, Reply::Page(page)) => page.tokens.iter().for_each(|view| self.market.update(view)),
            _ => {}
        }
    }
}
