//! A batch of requests: proofs first, then decisions under the lock, then
//! cryptograms beside the commit, then the answers in order.

use std::cell::RefCell;

use super::Lobby;
use super::answers::Answers;
use super::tally::Tally;
use crate::command::{Caller, CardSource, Command, HoldCard, Operation, Refusal, Reply, Request, Role};
use crate::daemon::audit::{Kept, Notes, Unrecorded, kept};
use crate::daemon::backup::Pieces;
use crate::daemon::{Bucket, Door, Duty, Hall, Opened, Stopped};
use crate::engine::{Answer, Context, Engine, Fetched, Mint, Need, Outcome, Pending, Proof, Unsealed};
use crate::entry::{EnteredPlain, Entry};
use crate::store::{CommitReceipt, GroupNumber};
use crate::wire::{Fault, FrameWriter, Message, Opcode, Status, decode_message};
use std::sync::Arc;
use std::time::Instant;

/// How often in a row the store is read for one request. What is stale was written
/// since it was read; that often it is not, and the store holds something else than
/// was written.
const FETCHES: u32 = 16;

/// Requests that are committed on the connection's own thread: to compute their
/// cryptograms takes less than to wake another.
const HANDFUL: usize = 16;

/// Most answers of up to a frame each in a batch: all of it is in memory together, with
/// the pages that they are made of.
const LARGE: usize = 4;

/// Requests that arrived together.
pub(super) struct Batch<'b> {
    lobby: &'b Lobby,
    caller: &'b Caller,
    door: Door,
    bucket: Option<&'b Bucket>,
    /// The backup that this connection takes.
    backup: &'b RefCell<Option<Pieces>>,
    /// None while sealed.
    opened: Option<Arc<Opened>>,
    items: Vec<Item>,
    /// Engine requests in the order of their frames; batch frames have many.
    asked: Vec<Asked<'b>>,
    /// How many of them may have answers of a whole frame.
    large: usize,
    /// A backup is to begin: its pieces come when that is recorded.
    begins_backup: bool,
}

/// A frame and what it is answered with.
struct Item {
    opcode: u16,
    id: u64,
    kind: Kind,
}

/// What a frame is answered with.
pub(super) enum Kind {
    Refused(Fault),
    Ping,
    Status,
    Metrics,
    BackupBegin,
    BackupNext,
    /// The next asked request.
    One,
    /// The next asked requests, as far as they could be read.
    Many(Vec<Option<Fault>>),
}

/// An engine request on its way to its answer.
pub(super) struct Asked<'b> {
    pub request: Request<'b>,
    proof: Option<Proof>,
    /// Of a card that came in encrypted: whether a verification value came with it.
    pub cvc_given: Option<bool>,
    pub state: State<'b>,
}

/// How far a request has come.
pub(super) enum State<'b> {
    Waiting,
    /// Without the engine.
    Answered(Result<Reply, Refusal>),
    Decided(Pending<Answer<'b>>),
    Computed(Pending<Result<Reply, Refusal>>),
    Lost,
    /// The caller may make no more requests for now.
    Limited,
}

impl<'b> Batch<'b> {
    /// A batch of a caller who may make as many requests as `bucket` has, if there
    /// is a limit.
    pub fn new(
        lobby: &'b Lobby,
        caller: &'b Caller,
        door: Door,
        bucket: Option<&'b Bucket>,
        backup: &'b RefCell<Option<Pieces>>,
    ) -> Self {
        let opened = lobby.house.enter();
        let (items, asked) = (Vec::new(), Vec::new());
        Self { lobby, caller, door, bucket, backup, opened, items, asked, large: 0, begins_backup: false }
    }

    /// Adds a frame that is refused as it stands.
    pub fn refuse(&mut self, opcode: u16, id: u64, fault: Fault) {
        self.items.push(Item { opcode, id, kind: Kind::Refused(fault) });
    }

    /// Whether it is to be finished before anything is added to it.
    pub const fn is_full(&self) -> bool {
        self.large >= LARGE || self.begins_backup
    }

    /// Adds a request.
    pub fn push(&mut self, opcode: Opcode, id: u64, body: &'b [u8]) {
        self.large += usize::from(matches!(opcode, Opcode::List | Opcode::Metrics | Opcode::BackupNext));
        self.begins_backup |= opcode == Opcode::BackupBegin;
        let kind = match decode_message(opcode, body) {
            // What cannot be recorded is not begun.
            Ok(_) if kept(opcode) == Kept::Record && self.lobby.audit.is_blocked() => {
                Kind::Refused(Status::AuditUnwritable.into())
            }
            Err(fault) => Kind::Refused(fault),
            Ok(Message::Ping) => Kind::Ping,
            Ok(Message::Status) => self.administrative(Kind::Status),
            Ok(Message::Metrics) => self.administrative(Kind::Metrics),
            Ok(Message::BackupBegin | Message::BackupNext) if self.opened.is_none() => {
                Kind::Refused(Status::Sealed.into())
            }
            Ok(Message::BackupBegin) => self.of_all_requestors(Kind::BackupBegin),
            Ok(Message::BackupNext) => self.of_all_requestors(Kind::BackupNext),
            Ok(Message::Engine(request)) if self.is_at_wrong_door(&request) => {
                Kind::Refused(Status::AdminSocketOnly.into())
            }
            // Custody is answered before it comes to a batch.
            Ok(Message::Custody(_) | Message::Control(_)) => Kind::Refused(Status::UnknownOpcode.into()),
            Ok(Message::Engine(_) | Message::Batch(_)) if self.opened.is_none() => {
                Kind::Refused(Status::Sealed.into())
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
        let opened = self.opened.take();
        let mut receipt = None;
        if let Some(opened) = opened.as_deref().filter(|_| !self.asked.is_empty()) {
            let mint = Mint::new(&opened.keyring);
            let granted = self.granted();
            self.resolve(&opened.entry, granted);
            let duty = self.decide(&opened.hall, &mint, granted);
            self.compute(&mint);
            receipt = self.receipt(&opened.hall, duty);
        }
        let (mut tally, mut notes, mut recorded) = (Tally::default(), Notes::default(), Vec::new());
        let mut asked = self.asked.into_iter();
        for Item { opcode, id, kind } in self.items {
            let opcode_known = Opcode::from_number(opcode);
            let name = opcode_known.map_or("unknown", Opcode::name);
            let kept = opcode_known.map_or(Kept::Group, kept);
            let Self { lobby, caller, backup, .. } = self;
            let answers = Answers { lobby, caller, backup, opened: opened.as_deref(), receipt, name, kept };
            let start = out.len();
            let frame = FrameWriter::begin(out, opcode, 0, id);
            let status = answers.write(out, kind, &mut asked, &mut tally, &mut notes);
            set_status(out, start, status);
            let fits = frame.finish_within(out, largest);
            let status = if fits { status } else { Status::ReplyTooLarge };
            match opcode_known.filter(|_| kept == Kept::Record && status == Status::Ok) {
                Some(opcode) => recorded.push((start, opcode)),
                None => tally.count(name, status),
            }
        }
        // Nothing leaves before what must be recorded of it is.
        let noted = self.lobby.audit.note((self.lobby.clock)(), self.caller.name(), &notes);
        settle(noted, recorded, out, self.backup, &mut tally);
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

    /// A backup has the rows of every requestor.
    fn of_all_requestors(&self, kind: Kind) -> Kind {
        match self.administrative(kind) {
            Kind::Refused(fault) => Kind::Refused(fault),
            _ if self.caller.is_limited() => Kind::Refused(Status::TridNotAllowed.into()),
            kind => kind,
        }
    }

    fn is_at_wrong_door(&self, request: &Request<'_>) -> bool {
        let of_admin = matches!(request.command.operation(), Operation::ClearShortLock | Operation::Reseal);
        of_admin && self.door != Door::Admin
    }

    fn ask(&mut self, request: Request<'b>) {
        self.asked.push(Asked { request, proof: None, cvc_given: None, state: State::Waiting });
    }

    /// How many of the requests the caller may make now; the last ones may not be.
    fn granted(&mut self) -> usize {
        let asked = self.asked.len();
        let granted = self.bucket.map_or(asked, |bucket| bucket.take(asked, self.lobby.started.elapsed()));
        self.asked.iter_mut().skip(granted).for_each(|asked| asked.state = State::Limited);
        granted
    }

    /// Answers what is about held cards and sessions, and puts cards in the place of their
    /// handles and ciphertexts, for the engine. A handle that holds nothing stays: the
    /// engine may have answered that very request before.
    fn resolve(&mut self, entry: &Entry, granted: usize) {
        let (owner, roles, now) = (self.caller.name(), self.caller.roles(), Instant::now());
        for asked in self.asked.iter_mut().take(granted) {
            let command = &mut asked.request.command;
            if !roles.has_any(command.operation().roles()) {
                continue;
            }
            match command {
                Command::Provision(provision) => {
                    if let CardSource::Held(handle) = provision.card
                        && let Some((pan, expiry)) = entry.card(owner, handle, now)
                    {
                        provision.card = CardSource::Clear { pan, expiry };
                    }
                }
                Command::ReleaseCard(handle) => {
                    let released = entry.release(owner, *handle, now);
                    asked.state = State::Answered(released.map(|()| Reply::CardReleased));
                }
                Command::CloseEntry(session) => {
                    let ended = entry.end(owner, *session, now);
                    asked.state = State::Answered(ended.map(|()| Reply::EntryClosed));
                }
                Command::EnterCard(enter) => match entry.enter(owner, enter, now) {
                    Ok(EnteredPlain { pan, expiry, cvc_given }) => {
                        let seconds = enter.seconds;
                        *command = Command::HoldCard(Box::new(HoldCard { pan, expiry, seconds }));
                        asked.cvc_given = Some(cvc_given);
                    }
                    Err(refusal) => asked.state = State::Answered(Err(refusal)),
                },
                _ => {}
            }
        }
    }

    /// Proofs outside the lock, then every decision under it, of the first
    /// `granted`. Where the store must be read first, the lock is let go and the
    /// order kept. The duty is to commit what was decided, if that is a handful.
    fn decide<'h>(&mut self, hall: &'h Hall, mint: &Mint<'_>, granted: usize) -> Option<Duty<'h>> {
        for asked in self.asked.iter_mut().take(granted) {
            asked.proof = match &asked.request.command {
                Command::Verify(verify) => Some(mint.prove(verify)),
                command => mint.prove_field(command).map(Proof::Field),
            };
        }
        let context = Context { now: (self.lobby.clock)(), random: &*self.lobby.random, caller: self.caller };
        let (mut at, mut tries, mut fetched, mut mine) = (0, 0, Fetched::Nothing, None);
        while at < granted {
            let rest = self.asked.get_mut(at..granted).unwrap_or_default();
            let decided = hall.decide_and_commit(|engine| decide_all(engine, context, rest, &mut fetched));
            let fetch = decided.and_then(|((done, need), duty)| {
                at += done;
                mine = duty.filter(|_| at <= HANDFUL && need.is_none());
                tries = if done == 0 { tries + 1 } else { 0 };
                if tries > FETCHES {
                    return Ok(Fetched::Missing);
                }
                need.map_or(Ok(Fetched::Nothing), |need| hall.fetch(need))
            });
            match fetch {
                Ok(rows) => fetched = rows,
                Err(Stopped) => break,
            }
        }
        mine
    }

    fn compute(&mut self, mint: &Mint<'_>) {
        for asked in &mut self.asked {
            asked.state = match std::mem::replace(&mut asked.state, State::Lost) {
                State::Decided(pending) => State::Computed(pending.compute(mint)),
                State::Answered(answer) => State::Answered(answer),
                State::Limited => State::Limited,
                _ => State::Lost,
            };
        }
    }

    /// The receipt of the newest group that any answer waits for.
    fn receipt(&self, hall: &Hall, duty: Option<Duty<'_>>) -> Option<CommitReceipt> {
        let group = |asked: &Asked<'_>| match &asked.state {
            State::Computed(pending) => Some(pending.group()),
            _ => None,
        };
        duty.into_iter().for_each(Duty::commit);
        let newest: GroupNumber = self.asked.iter().filter_map(group).max()?;
        hall.wait_for(newest).ok()
    }
}

/// Decides one request after the other until one needs the store.
fn decide_all(
    engine: &mut Engine<Unsealed>,
    context: Context<'_>,
    asked: &mut [Asked<'_>],
    fetched: &mut Fetched,
) -> (usize, Option<Need>) {
    engine.fetch_ahead(asked.iter().filter_map(|one| match &one.request.command {
        Command::Issue(issue) => Some(issue.token),
        Command::Verify(verify) => Some(verify.token),
        _ => None,
    }));
    let mut done = 0;
    for one in asked {
        if matches!(one.state, State::Answered(_)) {
            done += 1;
            continue;
        }
        match engine.execute(context, &one.request, one.proof, fetched) {
            Outcome::Answer(pending) => one.state = State::Decided(pending),
            Outcome::Fetch(need) => return (done, Some(need)),
        }
        *fetched = Fetched::Nothing;
        done += 1;
    }
    (done, None)
}

/// Withholds the answers of what was to be recorded, each by where it begins, if it could
/// not be. A backup whose beginning is withheld has no pieces: they are not recorded.
pub(super) fn settle(
    noted: Result<(), Unrecorded>,
    recorded: Vec<(usize, Opcode)>,
    out: &mut Vec<u8>,
    backup: &RefCell<Option<Pieces>>,
    tally: &mut Tally,
) {
    for (start, opcode) in recorded.into_iter().rev() {
        let Err(Unrecorded) = noted else {
            tally.count(opcode.name(), Status::Ok);
            continue;
        };
        if opcode == Opcode::BackupBegin {
            backup.replace(None);
        }
        FrameWriter::withhold(out, start, Status::Unrecorded);
        tally.count(opcode.name(), Status::Unrecorded);
    }
}

/// Puts the status into a frame whose header starts at `start`.
fn set_status(out: &mut [u8], start: usize, status: Status) {
    const AT: usize = 6;
    if let Some(field) = out.get_mut(start + AT..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        *field = status.code().to_be_bytes();
    }
}
