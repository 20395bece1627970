//! To the very second, and in every part.

use super::*;
use tallystick::command::Request;
use tallystick::engine::{Context, Fetched, Mint, Need, Outcome};
use tallystick::store::Store;

/// A moment later the key is free for another request, whatever has swept since.
#[test]
fn a_retry_is_one_to_the_last_second_and_no_longer() {
    let mut rig = Rig::new();
    let provision = |rig: &mut Rig| {
        token_of(rig.run_keyed(b"a", b"body", Command::Provision(Box::new(card(PAN, "2912")))))
    };
    let first = provision(&mut rig).token;
    rig.now += 86_399;
    assert_eq!(provision(&mut rig).token, first);
    rig.now += 1;
    assert_ne!(provision(&mut rig).token, first);
}

/// That it was initiated by the merchant stands in the header that is kept, so the MAC is
/// right for both: the comparison alone tells them apart.
#[test]
fn a_short_value_for_the_merchants_initiative_is_for_no_other() {
    let mut rig = Rig::new();
    let token = rig.provision().token;
    let initiated = Transaction { merchant_initiated: true, ..paying(1) };
    let issue = Issue { token, trid: trid(), transaction: initiated };
    let Ok(Reply::IssuedShort(issued)) = rig.run(Command::IssueShort(IssueShort(issue))) else { panic!() };
    assert_eq!(verify_short(&mut rig, token, issued.value.as_bytes()).unwrap_err(), Refusal::ShortMismatch);
    let as_it_was = VerifyShort {
        token,
        expiry: Expiry::parse(b"2912").unwrap(),
        trid: trid(),
        transaction: initiated,
        value: issued.value,
    };
    assert!(rig.run(Command::VerifyShort(as_it_was)).is_ok());
}

/// Asks once, having fetched this. Nothing is committed.
pub fn ask_for(rig: &mut Rig, command: Command<'static>, fetched: &Fetched) -> Outcome<'static> {
    let context =
        Context { now: UnixTime::from_seconds(rig.now), random: &SystemRandom, caller: &everyone() };
    let request = Request { command, idempotency: None, body: b"" };
    rig.engine.execute(context, &request, None, fetched)
}

fn ask(rig: &mut Rig, token: TokenNumber, fetched: &Fetched) -> Outcome<'static> {
    ask_for(rig, Command::Detokenize(token), fetched)
}

#[test]
fn a_row_of_another_token_is_not_taken_and_one_that_is_missing_not_asked_for_again() {
    let mut rig = Rig::new();
    let [own, other] = [(); 2].map(|()| rig.provision().token);
    rig.restart();
    let [own_slot, other_slot] = [own, other].map(|token| match ask(&mut rig, token, &Fetched::Nothing) {
        Outcome::Fetch(Need::Row(slot)) => slot,
        _ => panic!("a row that nobody has read"),
    });
    let of_other = Fetched::Row(rig.store.token(other_slot).unwrap().unwrap());
    let again = ask(&mut rig, own, &of_other);
    assert!(matches!(again, Outcome::Fetch(Need::Row(slot)) if slot == own_slot));
    let Outcome::Answer(pending) = ask(&mut rig, own, &Fetched::Missing) else { panic!() };
    let answer = pending.compute(&Mint::new(&rig.keyring)).open(&rig.receipt);
    assert!(matches!(answer, Ok(Err(Refusal::Stopped))));
}

#[test]
fn rows_that_are_missing_are_not_asked_for_again() {
    let mut rig = Rig::new();
    rig.provision();
    let list = Command::List(List { trid: trid(), after: None, limit: 3 });
    for command in [list, Command::Reseal(Reseal { after: None, limit: 3 })] {
        let Outcome::Answer(pending) = ask_for(&mut rig, command, &Fetched::Missing) else {
            panic!("they are asked for again");
        };
        let answer = pending.compute(&Mint::new(&rig.keyring)).open(&rig.receipt);
        assert!(matches!(answer, Ok(Err(Refusal::Stopped))));
    }
}

#[test]
fn a_cards_own_par_needs_no_link() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let before = rig.receipt.newest();
    let link = LinkPar { pan: Pan::parse(PAN).unwrap(), predecessor: token.token };
    let Ok(Reply::Par(par)) = rig.run(Command::LinkPar(link)) else { panic!() };
    assert_eq!((&par, rig.receipt.newest()), (&token.par, before), "nothing was written");
    for _ in 0..2 {
        let link = LinkPar { pan: Pan::parse(b"4012888888881881").unwrap(), predecessor: token.token };
        let Ok(Reply::Par(par)) = rig.run(Command::LinkPar(link)) else { panic!("a link made twice") };
        assert_eq!(par, token.par);
    }
    assert_eq!(rig.receipt.newest(), tallystick::store::GroupNumber(before.0 + 1), "written once");
}

/// What one requestor's provisioner says of a card would be shown to all others.
#[test]
fn who_acts_for_some_requestors_changes_no_par_of_the_others() {
    let mut rig = Rig::new();
    let other = Trid::parse(b"40010000002").unwrap();
    let reissued: &[u8] = b"4012888888881881";
    let saving = |pan: &[u8], par: &str, trid: Option<Trid>| {
        let mut saving = card(pan, "2912");
        saving.par = Par::parse(par).ok();
        saving.trid = trid.unwrap_or(saving.trid);
        Command::Provision(Box::new(saving))
    };
    let par = |rig: &mut Rig, pan: &[u8]| match rig.run(Command::Par(Pan::parse(pan).unwrap())) {
        Ok(Reply::Par(par)) => par.to_string(),
        refused => panic!("{refused:?}"),
    };
    let first = token_of(rig.run(saving(PAN, "first", None)));
    let link = LinkPar { pan: Pan::parse(reissued).unwrap(), predecessor: first.token };
    rig.run(Command::LinkPar(link)).unwrap();
    rig.caller = Caller::new("other", Roles::of(&Role::ALL), Some(&[other]));
    let before = (rig.engine.token_count(), rig.receipt.newest());
    for pan in [PAN, reissued] {
        assert_eq!(rig.run(saving(pan, "second", Some(other))).unwrap_err(), Refusal::ParConflict);
    }
    assert_eq!((rig.engine.token_count(), rig.receipt.newest()), before, "a refusal leaves nothing");
    assert_eq!(token_of(rig.run(saving(PAN, "first", Some(other)))).par.as_str(), "first");
    // Of whoever acts for all of them the network's wins.
    rig.caller = everyone();
    assert_eq!(par(&mut rig, reissued), "first");
    assert_eq!(token_of(rig.run(saving(reissued, "second", None))).par.as_str(), "second");
    rig.restart();
    assert_eq!((par(&mut rig, PAN), par(&mut rig, reissued)), ("first".to_owned(), "second".to_owned()));
}

/// Anybody can make up PANs without end; what was linked may be linked again.
#[test]
fn so_many_cards_are_linked_and_no_more() {
    let mut rig = Rig::with_limits(EngineLimits { par_links: 2, ..EngineLimits::default() });
    let predecessor = rig.provision().token;
    let link = |pan: &[u8]| Command::LinkPar(LinkPar { pan: Pan::parse(pan).unwrap(), predecessor });
    let save = |pan: &[u8], par: Option<&str>| {
        let mut saving = card(pan, "2912");
        saving.par = par.map(|par| Par::parse(par).unwrap());
        Command::Provision(Box::new(saving))
    };
    let (one, two, three): (&[u8], &[u8], &[u8]) =
        (b"4012888888881881", b"4222222222222220", b"4000056655665556");
    for again in 0..2 {
        assert!(rig.run(link(one)).is_ok(), "{again}");
        token_of(rig.run(save(two, Some("a-par"))));
        let before = (rig.engine.token_count(), rig.receipt.newest());
        assert_eq!(rig.run(link(three)).unwrap_err(), Refusal::CardLimit);
        assert_eq!(rig.run(save(three, Some("a-par"))).unwrap_err(), Refusal::CardLimit);
        assert_eq!((rig.engine.token_count(), rig.receipt.newest()), before, "a refusal leaves nothing");
        assert_eq!(rig.engine.par_links(), 2);
        rig.restart();
    }
    // Neither the predecessor's own PAN nor a card without a PAR needs a link.
    assert!(rig.run(link(PAN)).is_ok());
    token_of(rig.run(save(three, None)));
}

#[test]
fn what_is_closed_takes_nothing_new_and_still_answers() {
    let mut rig = Rig::new();
    let card = || Command::Provision(Box::new(card(PAN, "2912")));
    let token = token_of(rig.run_keyed(b"a", b"body", card()));
    rig.engine.close(Some(Refusal::Busy));
    assert_eq!(rig.issue(token.token, paying(1)), Err(Refusal::Busy));
    assert_eq!(rig.run_keyed(b"b", b"body", card()).unwrap_err(), Refusal::Busy);
    assert_eq!(token_of(rig.run_keyed(b"a", b"body", card())).token, token.token);
    assert!(rig.run(Command::Detokenize(token.token)).is_ok());
    rig.engine.close(None);
    assert!(rig.issue(token.token, paying(1)).is_ok());
}

#[test]
fn age_is_limited_and_one_slot_of_future_allowed() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let [a, b, c, d] = [0; 4].map(|_| rig.issue(token.token, paying(1)).unwrap());
    rig.now = NOW - 600;
    assert_eq!(rig.verify(&token, paying(1), a), Ok(1));
    rig.now = NOW - 1200;
    assert_eq!(rig.verify(&token, paying(1), b), Err(Refusal::FromFuture));
    rig.now = NOW + 144 * 600;
    assert_eq!(rig.verify(&token, paying(1), c), Ok(3));
    rig.now = NOW + 145 * 600;
    assert_eq!(rig.verify(&token, paying(1), d), Err(Refusal::TooOld));
}

#[test]
fn it_says_how_much_it_holds_and_whether_something_waits() {
    let mut rig = Rig::new();
    let card = || Command::Provision(Box::new(card(PAN, "2912")));
    for (key, (tokens, keys)) in [(&b"a"[..], (1, 1)), (b"b", (2, 2)), (b"a", (2, 2))] {
        token_of(rig.run_keyed(key, b"body", card()));
        assert_eq!((rig.engine.token_count(), rig.engine.idempotency_keys()), (tokens, keys));
    }
    assert!(!rig.engine.has_open_group());
    let before = rig.engine.horizon();
    assert!(matches!(ask_for(&mut rig, card(), &Fetched::Nothing), Outcome::Answer(_)));
    assert!(rig.engine.has_open_group());
    assert!(rig.engine.horizon() > before);
    rig.commit().unwrap();
    assert!(!rig.engine.has_open_group());
    assert_eq!(rig.engine.closed(), None);
    rig.engine.close(Some(Refusal::Busy));
    assert_eq!(rig.engine.closed(), Some(Refusal::Busy));
}

/// What other nodes hear of the keyring, they hear once, and again when it is newer.
#[test]
fn a_keyring_is_told_once() {
    let mut rig = Rig::new();
    let told = |rig: &mut Rig| {
        rig.engine.tell_keyring();
        let told = rig.engine.has_open_group();
        rig.commit().unwrap();
        told
    };
    assert!(told(&mut rig));
    assert!(!told(&mut rig));
    rig.restart();
    assert!(!told(&mut rig));
    let now = UnixTime::from_seconds(rig.now);
    rig.keys.rotate(&SystemRandom, KeyPurpose::TokenDerivation, now).unwrap();
    rig.reload_keys();
    assert!(told(&mut rig));
    assert!(!told(&mut rig));
}
