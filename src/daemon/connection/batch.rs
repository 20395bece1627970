//! A batch of requests: proofs first, then decisions under the lock, then
//! cryptograms beside the commit, then the answers in order.

use super::tally::Tally;
use super::{Lobby, SERVER};
use crate::command::{Caller, Command, Operation, Refusal, Reply, Request, Role};
use crate::daemon::{Door, Stopped};
use crate::engine::{Answer, Context, Engine, Fetched, Mint, Need, Outcome, Pending, Proof, Unsealed};
use crate::secmem::Hardening;
use crate::store::{CommitReceipt, GroupNumber};
use crate::wire::{
    Fault, FrameWriter, KeyReport, Message, Opcode, Status, StatusReport, begin_batch_reply, decode_message,
    encode_batch_item, encode_metrics, encode_reply,
};

/// Requests that arrived together.
pub(super) struct Batch<'b> {
    lobby: &'b Lobby,
    caller: &'b Caller,
    door: Door,
    items: Vec<Item>,
    /// Engine requests in the order of their frames; batch frames have many.
    asked: Vec<Asked<'b>>,
}

/// A frame and what it is answered with.
struct Item {
    opcode: u16,
    id: u64,
    kind: Kind,
}

enum Kind {
    Refused(Fault),
    Ping,
    Status,
    Metrics,
    /// The next asked request.
    One,
    /// The next asked requests, as far as they could be read.
    Many(Vec<Option<Fault>>),
}

struct Asked<'b> {
    request: Request<'b>,
    proof: Option<Proof>,
    state: State<'b>,
}

enum State<'b> {
    Waiting,
    Decided(Pending<Answer<'b>>),
    Computed(Pending<Result<Reply, Refusal>>),
    Lost,
}

impl<'b> Batch<'b> {
    pub fn new(lobby: &'b Lobby, caller: &'b Caller, door: Door) -> Self {
        Self { lobby, caller, door, items: Vec::new(), asked: Vec::new() }
    }

    /// Adds a frame that is refused as it stands.
    pub fn refuse(&mut self, opcode: u16, id: u64, fault: Fault) {
        self.items.push(Item { opcode, id, kind: Kind::Refused(fault) });
    }

    /// Adds a request.
    pub fn push(&mut self, opcode: Opcode, id: u64, body: &'b [u8]) {
        let kind = match decode_message(opcode, body) {
            Err(fault) => Kind::Refused(fault),
            Ok(Message::Ping) => Kind::Ping,
            Ok(Message::Status) => self.administrative(Kind::Status),
            Ok(Message::Metrics) => self.administrative(Kind::Metrics),
            Ok(Message::Engine(request)) if self.is_at_wrong_door(&request) => {
                Kind::Refused(Status::AdminSocketOnly.into())
            }
            Ok(Message::Engine(request)) => {
                self.ask(request);
                Kind::One
            }
            Ok(Message::Batch(requests)) => Kind::Many(
                requests.into_iter().map(|item| item.map(|request| self.ask(request)).err()).collect(),
            ),
        };
        self.items.push(Item { opcode: opcode.number(), id, kind });
    }

    /// Decides, computes, waits for the commit and appends every answer, none in
    /// a frame of more than `largest` bytes.
    pub fn finish(mut self, out: &mut Vec<u8>, largest: u32) {
        if !self.asked.is_empty() {
            self.decide();
            self.compute();
        }
        let receipt = self.receipt();
        let mut tally = Tally::default();
        let mut asked = self.asked.into_iter();
        for Item { opcode, id, kind } in self.items {
            let name = Opcode::from_number(opcode).map_or("unknown", Opcode::name);
            let answers = Answers { lobby: self.lobby, caller: self.caller, receipt };
            let start = out.len();
            let frame = FrameWriter::begin(out, opcode, 0, id);
            let status = answers.write(out, kind, &mut asked, &mut tally, name);
            set_status(out, start, status);
            let fits = frame.finish_within(out, largest);
            tally.count(name, if fits { status } else { Status::ReplyTooLarge });
        }
        tally.add_to(&self.lobby.metrics);
    }

    fn administrative(&self, kind: Kind) -> Kind {
        if self.door != Door::Admin {
            Kind::Refused(Status::AdminSocketOnly.into())
        } else if self.caller.roles().has(Role::Admin) {
            kind
        } else {
            Kind::Refused(Status::RoleMissing.into())
        }
    }

    fn is_at_wrong_door(&self, request: &Request<'_>) -> bool {
        request.command.operation() == Operation::ClearShortLock && self.door != Door::Admin
    }

    fn ask(&mut self, request: Request<'b>) {
        self.asked.push(Asked { request, proof: None, state: State::Waiting });
    }

    /// Proofs outside the lock, then every decision under it. Where the store
    /// must be read first, the lock is let go and the order kept.
    fn decide(&mut self) {
        let mint = Mint::new(&self.lobby.keyring);
        for asked in &mut self.asked {
            if let Command::Verify(verify) = &asked.request.command {
                asked.proof = Some(mint.prove(verify));
            }
        }
        let context = Context { now: (self.lobby.clock)(), random: &*self.lobby.random, caller: self.caller };
        let (mut at, mut fetched) = (0, Fetched::Nothing);
        while at < self.asked.len() {
            let rest = self.asked.get_mut(at..).unwrap_or_default();
            let decided = self.lobby.hall.decide(|engine| decide_all(engine, context, rest, &mut fetched));
            let fetch = decided.and_then(|(done, need)| {
                at += done;
                need.map_or(Ok(Fetched::Nothing), |need| self.lobby.hall.fetch(need))
            });
            match fetch {
                Ok(rows) => fetched = rows,
                Err(Stopped) => return,
            }
        }
    }

    fn compute(&mut self) {
        let mint = Mint::new(&self.lobby.keyring);
        for asked in &mut self.asked {
            asked.state = match std::mem::replace(&mut asked.state, State::Lost) {
                State::Decided(pending) => State::Computed(pending.compute(&mint)),
                _ => State::Lost,
            };
        }
    }

    /// The receipt of the newest group that any answer waits for.
    fn receipt(&self) -> Option<CommitReceipt> {
        let group = |asked: &Asked<'_>| match &asked.state {
            State::Computed(pending) => Some(pending.group()),
            _ => None,
        };
        let newest: GroupNumber = self.asked.iter().filter_map(group).max()?;
        self.lobby.hall.wait_for(newest).ok()
    }
}

/// Decides one request after the other until one needs the store.
fn decide_all(
    engine: &mut Engine<Unsealed>,
    context: Context<'_>,
    asked: &mut [Asked<'_>],
    fetched: &mut Fetched,
) -> (usize, Option<Need>) {
    let mut done = 0;
    for one in asked {
        match engine.execute(context, &one.request, one.proof, fetched) {
            Outcome::Answer(pending) => one.state = State::Decided(pending),
            Outcome::Fetch(need) => return (done, Some(need)),
        }
        *fetched = Fetched::Nothing;
        done += 1;
    }
    (done, None)
}

/// Writes answers.
struct Answers<'b> {
    lobby: &'b Lobby,
    caller: &'b Caller,
    receipt: Option<CommitReceipt>,
}

impl Answers<'_> {
    /// Writes the body of a frame's answer and returns its status.
    fn write<'b>(
        &self,
        out: &mut Vec<u8>,
        kind: Kind,
        asked: &mut impl Iterator<Item = Asked<'b>>,
        tally: &mut Tally,
        name: &'static str,
    ) -> Status {
        match kind {
            Kind::Refused(fault) => {
                fault.encode(out);
                fault.status
            }
            Kind::Ping => Status::Ok,
            Kind::Status => {
                self.report().encode(out);
                Status::Ok
            }
            Kind::Metrics => {
                self.lobby.refresh_metrics();
                encode_metrics(out, &self.lobby.metrics.encode());
                Status::Ok
            }
            Kind::One => self.write_one(out, asked.next()),
            Kind::Many(items) => {
                begin_batch_reply(out, items.len());
                for fault in items {
                    encode_batch_item(out, |out| {
                        let status = match fault {
                            Some(fault) => fault.status,
                            None => self.write_one(out, asked.next()),
                        };
                        tally.count(name, status);
                        status
                    });
                }
                Status::Ok
            }
        }
    }

    fn write_one(&self, out: &mut Vec<u8>, asked: Option<Asked<'_>>) -> Status {
        let Some(Asked { request, state: State::Computed(pending), .. }) = asked else {
            return Status::Stopped;
        };
        let Some(answer) = self.receipt.and_then(|receipt| pending.open(&receipt).ok()) else {
            return Status::Stopped;
        };
        match answer {
            Ok(reply) => {
                encode_reply(out, &reply);
                Status::Ok
            }
            Err(refusal) => self.status_of(&request, refusal),
        }
    }

    /// Only an auditor learns why a cryptogram was refused.
    fn status_of(&self, request: &Request<'_>, refusal: Refusal) -> Status {
        let verifies = matches!(request.command, Command::Verify(_) | Command::VerifyShort(_));
        if verifies && !self.caller.roles().has(Role::Auditor) {
            Status::for_non_auditor(refusal)
        } else {
            refusal.into()
        }
    }

    fn report(&self) -> StatusReport {
        let lobby = self.lobby;
        let hardening = Hardening::read().ok();
        let keys = lobby.keyring.infos().iter().map(|key| KeyReport {
            purpose: key.purpose.name().to_owned(),
            version: key.version.get().into(),
            state: key.state.name().to_owned(),
            kcv: key.kcv.to_string(),
        });
        let tokens = lobby.hall.decide(|engine| engine.token_count()).unwrap_or(0);
        let health = if lobby.hall.is_stopped() { "stopped" } else { "serving" };
        StatusReport {
            health: health.to_owned(),
            server: SERVER.to_owned(),
            protection: lobby.keyring.protection().to_string(),
            dumpable: hardening.is_none_or(|hardening| hardening.dumpable),
            no_new_privs: hardening.is_some_and(|hardening| hardening.no_new_privs),
            core_limit: hardening.and_then(|hardening| hardening.core_limit),
            epoch: lobby.epoch,
            durable_group: lobby.hall.durable().map_or(0, |group| group.0),
            tokens: u64::try_from(tokens).unwrap_or(u64::MAX),
            connections: u64::try_from(lobby.metrics.connections.get()).unwrap_or(0),
            uptime_seconds: lobby.started.elapsed().as_secs(),
            keys: keys.collect(),
        }
    }
}

impl Lobby {
    /// Brings the gauges that nothing else sets up to date.
    pub(in crate::daemon) fn refresh_metrics(&self) {
        let tokens = self.hall.decide(|engine| engine.token_count()).unwrap_or(0);
        self.metrics.tokens.set(i64::try_from(tokens).unwrap_or(i64::MAX));
        self.metrics.healthy.set(i64::from(!self.hall.is_stopped()));
    }
}

/// Puts the status into a frame whose header starts at `start`.
fn set_status(out: &mut [u8], start: usize, status: Status) {
    const AT: usize = 6;
    if let Some(field) = out.get_mut(start + AT..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        *field = status.code().to_be_bytes();
    }
}
