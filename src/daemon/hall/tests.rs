//! Racing threads against one hall.

use std::sync::{Arc, Barrier};

use super::*;
use crate::account::{BinController, TokenRange};
use crate::command::{
    Caller, CardSource, Command, Issue, Provision, Refusal, Reply, Request, Role, Roles, TokenView, Verify,
};
use crate::crypto::{PassphraseCost, SystemRandom};
use crate::daemon::anchor::Keeper;
use crate::engine::{Chain, Context, EngineConfig, EngineLimits, Mint, Outcome};
use crate::keys::{Keyring, OpenKeyring};
use crate::secmem::Region;
use crate::store::{Fault, Faults, MemoryDisk, MemoryStore, Operation, Store};
use crate::types::{
    Cryptogram, Domain, Evidence, Expiry, Network, Pan, Reference, Transaction, Trid, UnixTime,
};

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);

fn keyring() -> Arc<Keyring> {
    let cost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
    let passphrase = b"correct horse".to_vec().into();
    let open = OpenKeyring::create(&Region::new(64).unwrap(), &SystemRandom, &passphrase, cost).unwrap();
    Arc::new(open.load().unwrap())
}

/// A hall on a disk, with its committer running.
struct Open {
    hall: Arc<Hall>,
    keyring: Arc<Keyring>,
    committer: std::thread::JoinHandle<Result<(), StoreError>>,
}

fn open(disk: &MemoryDisk, keyring: &Arc<Keyring>) -> Open {
    serve(MemoryStore::open(disk), keyring)
}

fn serve(mut store: MemoryStore, keyring: &Arc<Keyring>) -> Open {
    let config = EngineConfig {
        bin_controller: BinController::parse("TLY1").unwrap(),
        token_ranges: vec![(Network::Visa, TokenRange::parse("489537").unwrap())],
        max_age_slots: 144,
        // So short a journal that pages are written with nearly every group.
        limits: EngineLimits { journal_bytes: 256, ..EngineLimits::default() },
    };
    let (engine, chain): (_, Chain) =
        Engine::new(config).unseal(Arc::clone(keyring), &mut store, &[], NOW).unwrap();
    let hall = Arc::new(Hall::new(engine, store.receipt()));
    let committer = Committer::new(Arc::clone(&hall), Box::new(store), chain, Keeper::none(), || NOW);
    let committer = std::thread::spawn(move || committer.run());
    Open { hall, keyring: Arc::clone(keyring), committer }
}

impl Open {
    fn run(&self, command: Command<'_>) -> Result<Result<Reply, Refusal>, Stopped> {
        let caller = Caller::new("owner", Roles::of(&Role::ALL), None);
        let context = Context { now: NOW, random: &SystemRandom, caller: &caller };
        let request = Request { command, idempotency: None, body: b"" };
        let mut fetched = Fetched::Nothing;
        loop {
            let execute = |engine: &mut Engine<Unsealed>| engine.execute(context, &request, None, &fetched);
            let (outcome, duty) = self.hall.decide_and_commit(execute)?;
            match outcome {
                Outcome::Fetch(need) => fetched = self.hall.fetch(need)?,
                Outcome::Answer(pending) => {
                    // Every other one has a handful only.
                    duty.filter(|_| pending.group().0 % 2 == 0).into_iter().for_each(Duty::commit);
                    let pending = pending.compute(&Mint::new(&self.keyring));
                    let receipt = self.hall.wait_for(pending.group())?;
                    return Ok(pending.open(&receipt).expect("the receipt covers the group"));
                }
            }
        }
    }

    fn provision(&self) -> TokenView {
        let provision = Provision {
            card: CardSource::Clear {
                pan: Pan::parse(b"4111111111111111").unwrap(),
                expiry: Expiry::parse(b"2912").unwrap(),
            },
            trid: Trid::parse(b"40010000001").unwrap(),
            evidence: Evidence {
                provider: Reference::parse("p").unwrap(),
                reference: Reference::parse("r").unwrap(),
                auth_reference: None,
            },
            par: None,
            domain: Domain::default(),
            providers: None,
        };
        match self.run(Command::Provision(Box::new(provision))) {
            Ok(Ok(Reply::Token(view))) => *view,
            other => panic!("{other:?}"),
        }
    }

    fn issue(&self, token: &TokenView) -> Result<Cryptogram, Stopped> {
        let issue = Issue { token: token.token, trid: token.trid, transaction: Transaction::UNKNOWN };
        match self.run(Command::Issue(issue))? {
            Ok(Reply::Issued(issued)) => Ok(issued.cryptogram),
            other => panic!("{other:?}"),
        }
    }

    fn verify(&self, token: &TokenView, cryptogram: Cryptogram) -> Result<Result<Reply, Refusal>, Stopped> {
        self.run(Command::Verify(Verify {
            token: token.token,
            expiry: token.expiry,
            trid: token.trid,
            transaction: Transaction::UNKNOWN,
            cryptogram,
        }))
    }

    fn close(self) -> Result<(), StoreError> {
        self.hall.close();
        self.committer.join().unwrap()
    }
}

#[test]
fn of_racing_verifications_exactly_one_wins() {
    let open = Arc::new(open(&MemoryDisk::new(), &keyring()));
    let token = open.provision();
    for round in 0..50 {
        let cryptogram = open.issue(&token).unwrap();
        let start = Barrier::new(4);
        let accepted = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        open.verify(&token, cryptogram).unwrap()
                    })
                })
                .collect();
            let verdicts = racers.into_iter().map(|racer| racer.join().unwrap());
            verdicts
                .filter(|verdict| match verdict {
                    Ok(_) => true,
                    Err(refusal) => {
                        assert_eq!(*refusal, Refusal::Replayed);
                        false
                    }
                })
                .count()
        });
        assert_eq!(accepted, 1, "round {round}");
    }
}

#[test]
fn counters_of_racing_threads_never_repeat_across_folds_and_starts() {
    let (disk, keyring) = (MemoryDisk::new(), keyring());
    let first = Arc::new(open(&disk, &keyring));
    let token = first.provision();
    let mut seen = std::collections::BTreeSet::new();
    let mut round = |hall: &Arc<Open>| {
        let issued = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..50).map(|_| hall.issue(&token).unwrap()).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        for cryptogram in issued {
            assert!(seen.insert(cryptogram.header().unwrap().atc.get()));
        }
    };
    round(&first);
    Arc::into_inner(first).unwrap().close().unwrap();
    let second = Arc::new(open(&disk, &keyring));
    round(&second);
    assert_eq!(seen.last(), Some(&400));
}

#[test]
fn a_failed_commit_stops_everything_and_answers_nobody() {
    let (disk, keyring) = (MemoryDisk::new(), keyring());
    let open = open(&disk, &keyring);
    let token = open.provision();
    disk.plan(Faults::none().at(Operation::Append, 1, Fault::Lost));
    assert_eq!(open.issue(&token), Err(Stopped));
    assert_eq!(open.issue(&token), Err(Stopped));
    assert_eq!(open.hall.fetch(Need::Row(crate::store::TokenSlot(0))).map(|_| ()), Err(Stopped));
    assert!(open.close().is_err());
}

#[test]
fn closing_commits_what_is_left() {
    let (disk, keyring) = (MemoryDisk::new(), keyring());
    let first = open(&disk, &keyring);
    let token = first.provision();
    let cryptogram = first.issue(&token).unwrap();
    first.close().unwrap();
    let second = open(&disk, &keyring);
    assert!(second.verify(&token, cryptogram).unwrap().is_ok());
    second.close().unwrap();
}

/// Nodes on one disk, each with a hall of its own.
fn nodes(disk: &MemoryDisk, keyring: &Arc<Keyring>, count: u32) -> Vec<Open> {
    (0..count).map(|node| serve(MemoryStore::join(disk, node), keyring)).collect()
}

#[test]
fn of_verifications_racing_at_several_nodes_exactly_one_wins() {
    let (disk, keyring) = (MemoryDisk::new(), keyring());
    let nodes = nodes(&disk, &keyring, 3);
    let token = nodes[0].provision();
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..40 {
        let cryptogram = nodes[round % 3].issue(&token).unwrap();
        assert!(seen.insert(cryptogram.header().unwrap().atc.get()), "a counter was issued twice");
        let start = Barrier::new(nodes.len());
        let race = |node| {
            start.wait();
            Open::verify(node, &token, cryptogram).unwrap()
        };
        let verdicts: Vec<_> = std::thread::scope(|scope| {
            let racers: Vec<_> = nodes.iter().map(|node| scope.spawn(|| race(node))).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        let accepted = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
        let replayed = verdicts.iter().filter(|verdict| matches!(verdict, Err(Refusal::Replayed))).count();
        assert_eq!((accepted, replayed), (1, 2), "round {round}");
    }
    nodes.into_iter().for_each(|node| node.close().unwrap());
}

#[test]
fn counters_of_threads_at_several_nodes_never_repeat() {
    let (disk, keyring) = (MemoryDisk::new(), keyring());
    let nodes = nodes(&disk, &keyring, 3);
    let token = nodes[2].provision();
    let work = |node| (0..50).map(|_| Open::issue(node, &token).unwrap()).collect::<Vec<_>>();
    let issued: Vec<_> = std::thread::scope(|scope| {
        let twice = nodes.iter().flat_map(|node| [node, node]);
        let threads: Vec<_> = twice.map(|node| scope.spawn(|| work(node))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let seen: std::collections::BTreeSet<_> =
        issued.iter().map(|cryptogram| cryptogram.header().unwrap().atc.get()).collect();
    assert_eq!((seen.len(), seen.last()), (300, Some(&300)));
    nodes.into_iter().for_each(|node| node.close().unwrap());
}

#[test]
fn a_node_whose_place_was_taken_stops_and_the_others_go_on() {
    let (disk, keyring) = (MemoryDisk::new(), keyring());
    let [first, other] = nodes(&disk, &keyring, 2).try_into().ok().unwrap();
    let token = first.provision();
    let again = serve(MemoryStore::join(&disk, 0), &keyring);
    assert_eq!(first.issue(&token), Err(Stopped));
    assert_eq!(first.close(), Err(StoreError::Fenced));
    let cryptogram = other.issue(&token).unwrap();
    assert!(again.verify(&token, cryptogram).unwrap().is_ok());
    other.close().unwrap();
    again.close().unwrap();
}
