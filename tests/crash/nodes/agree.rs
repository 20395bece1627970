//! All nodes tell the same, and of nodes that race exactly one wins.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use tallystick::client::{Client, ClientError};
use tallystick::command::{Issue, Issued, LinkPar, Provision};
use tallystick::types::{IdempotencyKey, Pan};
use tallystick::wire::Status;

use super::cluster::Cluster;
use super::node::Node;
use crate::ask::verify;
use crate::wallet::{Card, Token};

type Connected = Client<std::os::unix::net::UnixStream>;

/// How long nodes may take to be there and agree.
const PATIENCE: Duration = Duration::from_secs(120);
/// Cryptograms that are presented at once, each at every node.
const AT_ONCE: usize = 200;
/// Cards that race; their numbers are above those of the load.
const FIRST_CARD: u32 = 50_000_000;
/// Cards that are saved and linked at once, one after the other, in each race.
const CARDS: u32 = 20;

/// Every node shows the same of every token, and holds the same number of them.
pub fn agree(cluster: &Cluster, tokens: &[Token]) -> Result<(), String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let told: Vec<_> = cluster.nodes.iter().map(|node| all(node, tokens)).collect();
        if told.iter().all(Result::is_ok) {
            let differs = told.iter().position(|one| one.as_ref().ok() != told[0].as_ref().ok());
            return differs.map_or(Ok(()), |node| Err(format!("nodes 0 and {node} do not tell the same")));
        }
        if Instant::now() > until {
            return Err(format!("a node cannot be asked: {:?}", told.iter().find(|one| one.is_err())));
        }
        sleep(Duration::from_millis(50));
    }
}

fn all(node: &Node, tokens: &[Token]) -> Result<(Vec<String>, u64), ClientError> {
    let mut client = Client::connect(&node.admin_socket(), "crash")?;
    let shown: Result<Vec<_>, _> =
        tokens.iter().map(|token| client.show(token.number).map(|view| format!("{view:?}"))).collect();
    Ok((shown?, client.status()?.tokens))
}

/// What raced.
#[derive(Debug, Default)]
pub struct Raced {
    pub verified: usize,
    pub issued: usize,
    pub saved: usize,
    pub linked: usize,
}

/// Races between all nodes, so often. Nothing else may be under way.
pub fn race(cluster: &Cluster, tokens: &[Token], times: usize) -> Result<Raced, String> {
    let mut raced = Raced::default();
    let mut clients = cluster
        .nodes
        .iter()
        .map(|node| Client::connect(&node.data_socket(), "crash"))
        .collect::<Result<Vec<_>, _>>()
        .map_err(text)?;
    for time in 0..times {
        let issued = issue(&mut clients, tokens)?;
        raced.issued += issued.len();
        for some in issued.chunks(AT_ONCE) {
            present(&mut clients, some)?;
            raced.verified += some.len();
        }
        for nth in 0..CARDS {
            let card = FIRST_CARD + 2 * (u32::try_from(time).unwrap() * CARDS + nth);
            save(&mut clients, card)?;
            link(&mut clients, tokens, card + 1)?;
            raced.saved += 1;
            raced.linked += 1;
        }
    }
    Ok(raced)
}

/// Has all clients do something at once.
fn at_once<T: Send>(
    clients: &mut [Connected],
    act: impl Fn(&mut Connected) -> Result<T, ClientError> + Sync,
) -> Result<Vec<T>, String> {
    let (barrier, act) = (&Barrier::new(clients.len()), &act);
    scope(|scope| {
        let threads: Vec<_> = clients
            .iter_mut()
            .map(|client| {
                scope.spawn(move || {
                    barrier.wait();
                    act(client)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap().map_err(text)).collect()
    })
}

/// Counters of the same tokens, issued at all nodes at once: none comes twice.
fn issue(clients: &mut [Connected], tokens: &[Token]) -> Result<Vec<(Token, Issued)>, String> {
    let asked: Vec<_> = tokens.iter().cycle().take(AT_ONCE).copied().collect();
    let frame: Vec<_> = asked.iter().map(|token| (payment(*token), None)).collect();
    let told = at_once(clients, |client| client.issue_batch(&frame))?;
    let (mut seen, mut issued) = (BTreeSet::new(), Vec::new());
    for answers in told {
        for (token, answer) in asked.iter().zip(answers) {
            let answer = answer.map_err(|status| format!("not issued: {}", status.name()))?;
            let atc = answer.cryptogram.header().map_err(|error| format!("{error:?}"))?.atc.get();
            if !seen.insert((token.number, atc)) {
                return Err(format!("counter {atc} of {} was issued at two nodes", token.number));
            }
            issued.push((*token, answer));
        }
    }
    // From the oldest on, so that the window lets all of them in.
    issued.sort_by_key(|(_, issued)| issued.cryptogram.header().map_or(0, |header| header.atc.get()));
    Ok(issued)
}

/// The same cryptograms, at all nodes at once: exactly one node accepts each.
fn present(clients: &mut [Connected], issued: &[(Token, Issued)]) -> Result<(), String> {
    let frame: Vec<_> =
        issued.iter().map(|(token, issued)| (verify(*token, UNITS, issued.cryptogram), None)).collect();
    let told = at_once(clients, |client| client.verify_batch(&frame))?;
    for (nth, (token, _)) in issued.iter().enumerate() {
        let accepted = told.iter().filter(|answers| answers[nth].is_ok()).count();
        let others = told.iter().filter_map(|answers| answers[nth].as_ref().err());
        let is_clear = others.clone().all(|status| *status == Status::Replayed);
        if accepted != 1 || !is_clear {
            let others: Vec<_> = others.map(|status| status.name()).collect();
            return Err(format!("{} of {}: {accepted} nodes accepted, {others:?}", nth, token.number));
        }
    }
    Ok(())
}

/// The same card, with one key and without, at all nodes at once: one PAR, and one token
/// for a key.
fn save(clients: &mut [Connected], card: u32) -> Result<(), String> {
    let name = format!("race-{card}");
    let keyed = at_once(clients, |client| {
        client.provision(provision(card), IdempotencyKey::parse(name.as_bytes()).ok())
    })?;
    let free = at_once(clients, |client| client.provision(provision(card), None))?;
    if keyed.iter().any(|view| *view != keyed[0]) {
        return Err(format!("card {card} was saved twice under one key"));
    }
    match free.iter().find(|view| view.par != keyed[0].par) {
        Some(_) => Err(format!("card {card} has two PARs")),
        None => Ok(()),
    }
}

/// One card linked to another predecessor at each node: exactly one node wins, and the card
/// has that one's PAR from then on.
fn link(clients: &mut [Connected], tokens: &[Token], card: u32) -> Result<(), String> {
    let next = AtomicUsize::new(0);
    let pars = at_once(clients, |client| {
        let predecessor = tokens[next.fetch_add(1, Ordering::SeqCst)].number;
        let pan = Pan::parse(&Card(card).digits()).unwrap();
        match client.link_par(LinkPar { pan, predecessor }, None) {
            Ok(par) => Ok(Some(par)),
            Err(ClientError::Refused(Status::ParConflict, _)) => Ok(None),
            Err(error) => Err(error),
        }
    })?;
    let mut won = pars.into_iter().flatten();
    let (Some(par), None) = (won.next(), won.next()) else {
        return Err(format!("card {card} was not linked to exactly one predecessor"));
    };
    let views = at_once(clients, |client| client.provision(provision(card), None))?;
    if views.iter().all(|view| view.par == par) {
        Ok(())
    } else {
        Err(format!("card {card} has another PAR than it was linked to"))
    }
}

const UNITS: u64 = 900;

fn payment(token: Token) -> Issue<'static> {
    Issue { token: token.number, trid: token.trid, transaction: token.card.payment(UNITS) }
}

fn provision(card: u32) -> Provision {
    Card(card).provision(0)
}

fn text(error: ClientError) -> String {
    format!("in a race: {error}")
}
