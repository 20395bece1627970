//! Who may do what: every opcode, for every role alone and for all others together,
//! at both doors, without and with a limit to some TRIDs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::os::unix::net::UnixStream;

use support::house::House;
use support::{PAN, card, everyone, trid};
use tallystick::client::{Client, ClientError};
use tallystick::command::{
    Caller, ChangeStatus, Command, EmvAnswer, EmvArpc, EmvCard, EmvIssue, EmvVerify, EnterCard, HoldCard,
    Issue, IssueShort, LinkPar, List, MakeCardValue, OpenEntry, Renew, Reply, Reseal, Role, Roles, TokenView,
    Verify, VerifyCardValue, VerifyShort,
};
use tallystick::daemon::Door;
use tallystick::types::emv::{Arqc, EmvData, Method, Psn};
use tallystick::types::{
    CardHandle, CardValue, CardValueKind, DateOrder, EntrySeconds, EntrySession, Expiry, HoldSeconds,
    KeyLabel, KeyVersion, Pan, StatusEvent, Transaction, Trid,
};
use tallystick::wire::{Component, Control, ControlReply, Custody, Opcode, Opener, Status, Wanted};

type Connection = Client<UnixStream>;

/// Which doors an operation is served at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Both,
    Admin,
}

/// What a limit to other TRIDs makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// Nothing: it is about no requestor.
    Free,
    /// It is refused, and said so.
    Told,
    /// It is refused, and only an auditor learns why.
    Hidden,
    /// It is refused whatever the limit is, and said so: it is about no requestor's, or
    /// about every one's.
    Any,
}

/// Every operation, the roles of which one is needed (none: anybody may), where
/// it is served and what TRID limits do. HELLO has its own tests.
const TABLE: &[(Opcode, &[Role], At, Limit)] = {
    use At::{Admin, Both};
    use Limit::{Any, Free, Hidden, Told};
    use Role::{Auditor, Detokenizer, Issuer, Provisioner, Verifier};
    &[
        (Opcode::Ping, &[], Both, Free),
        (Opcode::Issue, &[Issuer], Both, Told),
        (Opcode::IssueBatch, &[Issuer], Both, Told),
        (Opcode::IssueShort, &[Issuer], Both, Told),
        (Opcode::Verify, &[Verifier], Both, Hidden),
        (Opcode::VerifyBatch, &[Verifier], Both, Hidden),
        (Opcode::VerifyShort, &[Verifier], Both, Hidden),
        (Opcode::Provision, &[Provisioner], Both, Told),
        (Opcode::Show, &[Provisioner, Auditor], Both, Told),
        (Opcode::List, &[Provisioner, Auditor], Both, Told),
        (Opcode::ChangeStatus, &[Provisioner], Both, Told),
        (Opcode::Renew, &[Provisioner], Both, Told),
        (Opcode::LinkPar, &[Provisioner], Both, Told),
        (Opcode::Detokenize, &[Detokenizer], Both, Told),
        (Opcode::Par, &[Provisioner], Both, Free),
        (Opcode::Fingerprint, &[Provisioner], Both, Free),
        (Opcode::EmvIssue, &[Issuer], Both, Any),
        (Opcode::EmvVerify, &[Verifier], Both, Any),
        (Opcode::EmvArpc, &[Verifier], Both, Any),
        (Opcode::MakeCardValue, &[Issuer], Both, Any),
        (Opcode::VerifyCardValue, &[Verifier], Both, Any),
        (Opcode::HoldCard, &[Provisioner], Both, Free),
        (Opcode::ReleaseCard, &[Provisioner], Both, Free),
        (Opcode::OpenEntry, &[Provisioner], Both, Free),
        (Opcode::EnterCard, &[Provisioner], Both, Free),
        (Opcode::CloseEntry, &[Provisioner], Both, Free),
        (Opcode::ClearShortLock, &[Role::Admin], Admin, Told),
        (Opcode::Reseal, &[Role::Admin], Admin, Told),
        (Opcode::Status, &[Role::Admin], Admin, Free),
        (Opcode::Metrics, &[Role::Admin], Admin, Free),
        (Opcode::Custody, &[Role::Admin], Admin, Free),
        (Opcode::Unseal, &[Role::Admin], Admin, Free),
        (Opcode::Forget, &[Role::Admin], Admin, Free),
        (Opcode::Seal, &[Role::Admin], Admin, Free),
        (Opcode::Propose, &[Role::Admin], Admin, Free),
        (Opcode::Approve, &[Role::Admin], Admin, Free),
        (Opcode::Withdraw, &[Role::Admin], Admin, Free),
        (Opcode::Proposals, &[Role::Admin], Admin, Free),
        (Opcode::DestroyKey, &[Role::Admin], Admin, Free),
        (Opcode::DetokenizeAll, &[Role::Admin], Admin, Free),
        (Opcode::ImportKey, &[Role::Admin], Admin, Free),
        (Opcode::GiveComponent, &[Role::Admin], Admin, Free),
        (Opcode::ExportKey, &[Role::Admin], Admin, Free),
        (Opcode::BackupBegin, &[Role::Admin], Admin, Any),
        (Opcode::BackupNext, &[Role::Admin], Admin, Any),
    ]
};

/// What whoever may do it is told here: our keys are in memory and no others, nothing is proposed
/// when it is asked for, and there is no store to be backed up.
const fn expected(opcode: Opcode) -> Status {
    match opcode {
        Opcode::Unseal => Status::Unsealed,
        Opcode::Approve
        | Opcode::Withdraw
        | Opcode::DestroyKey
        | Opcode::DetokenizeAll
        | Opcode::ImportKey
        | Opcode::GiveComponent
        | Opcode::ExportKey => Status::ProposalUnknown,
        Opcode::EmvIssue
        | Opcode::EmvVerify
        | Opcode::EmvArpc
        | Opcode::MakeCardValue
        | Opcode::VerifyCardValue => Status::UnknownKey,
        Opcode::ReleaseCard => Status::UnknownHold,
        Opcode::EnterCard | Opcode::CloseEntry => Status::UnknownEntry,
        Opcode::BackupBegin => Status::Stopped,
        Opcode::BackupNext => Status::NoBackup,
        _ => Status::Ok,
    }
}

/// A token, and an owner who makes what the others need.
struct Setting {
    house: House,
    owner: Connection,
    token: TokenView,
}

impl Setting {
    fn new() -> Self {
        let house = House::new();
        let mut owner = house.enter(everyone(), Door::Data);
        let token = owner.token(&Command::Provision(Box::new(card(PAN, "2912"))), None).unwrap();
        Self { house, owner, token }
    }

    fn issue(&self) -> Issue<'static> {
        Issue { token: self.token.token, trid: trid(), transaction: Transaction::UNKNOWN }
    }

    /// A fresh cryptogram to be verified.
    fn verify(&mut self) -> Verify<'static> {
        let cryptogram = self.owner.issue(self.issue(), None).unwrap().cryptogram;
        let TokenView { token, expiry, trid, .. } = self.token;
        Verify { token, expiry, trid, transaction: Transaction::UNKNOWN, cryptogram }
    }

    fn verify_short(&mut self) -> Command<'static> {
        let issued = self.owner.call(&Command::IssueShort(IssueShort(self.issue())), None).unwrap();
        let Reply::IssuedShort(issued) = issued else { panic!("{issued:?}") };
        let TokenView { token, expiry, trid, .. } = self.token;
        let transaction = Transaction::UNKNOWN;
        Command::VerifyShort(VerifyShort { token, expiry, trid, transaction, value: issued.value })
    }

    /// A command that succeeds for whoever may do it.
    fn command(&mut self, opcode: Opcode) -> Command<'static> {
        let token = self.token.token;
        let pan = || Pan::parse(PAN).unwrap();
        match opcode {
            Opcode::Issue => Command::Issue(self.issue()),
            Opcode::IssueShort => Command::IssueShort(IssueShort(self.issue())),
            Opcode::Verify => Command::Verify(self.verify()),
            Opcode::VerifyShort => self.verify_short(),
            Opcode::Provision => Command::Provision(Box::new(card(PAN, "2912"))),
            Opcode::Show => Command::Show(token),
            Opcode::List => Command::List(List { trid: trid(), after: None, limit: 1 }),
            Opcode::ChangeStatus => {
                Command::ChangeStatus(ChangeStatus { token, provider: None, event: StatusEvent::Resume })
            }
            Opcode::Renew => Command::Renew(Renew { token, expiry: self.token.expiry }),
            Opcode::LinkPar => Command::LinkPar(LinkPar { pan: pan(), predecessor: token }),
            Opcode::Detokenize => Command::Detokenize(token),
            Opcode::Par => Command::Par(pan()),
            Opcode::Fingerprint => Command::Fingerprint(pan()),
            Opcode::ClearShortLock => Command::ClearShortLock(token),
            Opcode::Reseal => Command::Reseal(Reseal { after: None, limit: 1 }),
            Opcode::EmvIssue => Command::EmvIssue(Box::new(EmvIssue(emv_card(false)))),
            Opcode::EmvVerify => Command::EmvVerify(Box::new(EmvVerify {
                card: emv_card(true),
                arqc: Arqc::from_bytes([7; 8]),
                answer: None,
            })),
            Opcode::EmvArpc => Command::EmvArpc(Box::new(EmvArpc {
                card: emv_card(true),
                arqc: Arqc::from_bytes([7; 8]),
                answer: EmvAnswer::Code(*b"00"),
            })),
            Opcode::MakeCardValue => Command::MakeCardValue(Box::new(card_value())),
            Opcode::VerifyCardValue => Command::VerifyCardValue(Box::new(VerifyCardValue {
                of: card_value(),
                value: CardValue::parse(b"123").unwrap(),
            })),
            Opcode::HoldCard => Command::HoldCard(Box::new(HoldCard {
                pan: pan(),
                expiry: self.token.expiry,
                seconds: HoldSeconds::new(900).unwrap(),
            })),
            Opcode::ReleaseCard => Command::ReleaseCard(CardHandle::from_bytes([7; 16])),
            Opcode::OpenEntry => Command::OpenEntry(OpenEntry { seconds: EntrySeconds::new(900).unwrap() }),
            Opcode::EnterCard => Command::EnterCard(EnterCard {
                session: EntrySession::from_bytes([7; 16]),
                ciphertext: &[7; EnterCard::CIPHERTEXT],
                seconds: HoldSeconds::new(900).unwrap(),
            }),
            Opcode::CloseEntry => Command::CloseEntry(EntrySession::from_bytes([7; 16])),
            other => panic!("{other:?} is no command of its own"),
        }
    }

    /// What the caller is told.
    fn ask(&mut self, opcode: Opcode, caller: Caller, door: Door) -> Status {
        let mut client = self.house.enter(caller, door);
        let told = |error: ClientError| error.status().unwrap_or_else(|| panic!("{error}"));
        let one = |answers: Vec<Result<(), Status>>| answers[0].err().unwrap_or(Status::Ok);
        match opcode {
            Opcode::Ping => client.ping().map_or_else(told, |()| Status::Ok),
            Opcode::Status => client.status().map_or_else(told, |_| Status::Ok),
            Opcode::Metrics => client.metrics().map_or_else(told, |_| Status::Ok),
            Opcode::BackupBegin => client.backup_begin().map_or_else(told, |_| Status::Ok),
            Opcode::BackupNext => client.backup_next().map_or_else(told, |_| Status::Ok),
            _ if opcode.is_custody() => client.custody(&custody(opcode)).map_or_else(told, |_| Status::Ok),
            _ if opcode.is_control() => match client.control(&control(opcode)) {
                Ok(ControlReply::Proposal(report)) => {
                    client.control(&Control::Withdraw(report.digest)).unwrap();
                    Status::Ok
                }
                answered => answered.map_or_else(told, |_| Status::Ok),
            },
            Opcode::IssueBatch => {
                let answers = client.issue_batch(&[(self.issue(), None)]).unwrap();
                one(answers.into_iter().map(|answer| answer.map(drop)).collect())
            }
            Opcode::VerifyBatch => {
                let answers = client.verify_batch(&[(self.verify(), None)]).unwrap();
                one(answers.into_iter().map(|answer| answer.map(drop)).collect())
            }
            _ => client.call(&self.command(opcode), None).map_or_else(told, |_| Status::Ok),
        }
    }
}

fn custody(opcode: Opcode) -> Custody<'static> {
    match opcode {
        Opcode::Custody => Custody::Report,
        Opcode::Unseal => Custody::Unseal(Opener::Passphrase(b"passphrase")),
        Opcode::Forget => Custody::Forget,
        Opcode::Seal => Custody::Seal,
        other => panic!("{other:?} is not of custody"),
    }
}

fn label() -> KeyLabel {
    KeyLabel::parse("imk").unwrap()
}

fn emv_card(with_atc: bool) -> EmvCard {
    let (atc, method) = (if with_atc { "9f36020007" } else { "" }, "visa-cvn10");
    let data = format!(
        "9f02060000000499009f03060000000000009f1a0203569505000000000\
         05f2a0203569a032611219c01009f37041a2b3c4d820219809f100706010a03a00000{atc}"
    );
    EmvCard {
        key: label(),
        pan: Pan::parse(PAN).unwrap(),
        psn: Psn::NONE,
        method: Method::parse(method).unwrap(),
        data: EmvData::parse(&data_encoding::HEXLOWER.decode(data.as_bytes()).unwrap()).unwrap(),
        text: None,
    }
}

fn card_value() -> MakeCardValue {
    let (pan, expiry) = (Pan::parse(PAN).unwrap(), Expiry::parse(b"2912").unwrap());
    MakeCardValue { key: label(), pan, expiry, kind: CardValueKind::Printed, order: DateOrder::YearMonth }
}

fn control(opcode: Opcode) -> Control<'static> {
    let digest = [7; 32];
    match opcode {
        Opcode::Propose => Control::Propose(Wanted::DestroyKey {
            purpose: "pan-sealing".to_owned(),
            version: KeyVersion::new(1).unwrap(),
        }),
        Opcode::Approve => Control::Approve(digest),
        Opcode::Withdraw => Control::Withdraw(digest),
        Opcode::Proposals => Control::Proposals,
        Opcode::DestroyKey => Control::DestroyKey(digest),
        Opcode::DetokenizeAll => Control::DetokenizeAll { digest, after: None, limit: 1 },
        Opcode::ImportKey => Control::ImportKey(digest),
        Opcode::GiveComponent => {
            Control::GiveComponent { digest, component: Component(&[7; 16]), kcv: "08d7b4".to_owned() }
        }
        Opcode::ExportKey => Control::ExportKey(digest),
        other => panic!("{other:?} is not of dual control"),
    }
}

/// Every role alone, none, all, and all but those that are needed.
fn callers(needed: &[Role]) -> Vec<Vec<Role>> {
    let mut sets: Vec<Vec<Role>> = Role::ALL.iter().map(|role| vec![*role]).collect();
    sets.push(Vec::new());
    sets.push(Role::ALL.to_vec());
    sets.push(Role::ALL.into_iter().filter(|role| !needed.contains(role)).collect());
    sets
}

#[test]
fn every_operation_by_role_door_and_requestor() {
    let mut setting = Setting::new();
    let other = Trid::parse(b"40010000002").unwrap();
    let mut count = 0;
    for opcode in Opcode::ALL.iter().filter(|opcode| **opcode != Opcode::Hello) {
        let row = TABLE.iter().find(|(of, ..)| of == opcode);
        let (_, needed, at, limit) = row.unwrap_or_else(|| panic!("{opcode:?}: say here who may do it"));
        for roles in callers(needed) {
            let has = needed.is_empty() || needed.iter().any(|role| roles.contains(role));
            for (trids, allowed) in [(None, true), (Some([trid()]), true), (Some([other]), false)] {
                for door in [Door::Data, Door::Admin] {
                    let caller = Caller::new("one", Roles::of(&roles), trids.as_ref().map(|one| &one[..]));
                    let expected = match limit {
                        _ if *at == At::Admin && door != Door::Admin => Status::AdminSocketOnly,
                        _ if !has => Status::RoleMissing,
                        Limit::Hidden if !allowed && !roles.contains(&Role::Auditor) => Status::Refused,
                        Limit::Any if trids.is_some() => Status::TridNotAllowed,
                        Limit::Told | Limit::Hidden if !allowed => Status::TridNotAllowed,
                        _ => expected(*opcode),
                    };
                    let told = setting.ask(*opcode, caller, door);
                    assert_eq!(told, expected, "{opcode:?}: {roles:?}, {trids:?}, {door:?}");
                    count += 1;
                }
            }
        }
    }
    assert_eq!(TABLE.len(), Opcode::ALL.len() - 1);
    assert_eq!(count, TABLE.len() * 9 * 3 * 2);
}

/// A requestor that is claimed helps nobody: what counts is the token's own.
#[test]
fn a_claimed_trid_does_not_widen_a_limit() {
    let mut setting = Setting::new();
    let other = Trid::parse(b"40010000002").unwrap();
    let caller = || Caller::new("one", Roles::of(&[Role::Issuer, Role::Verifier]), Some(&[other]));
    let good = setting.verify();
    let claimed = Verify { trid: other, ..good };
    let mut client = setting.house.enter(caller(), Door::Data);
    let status = |error: ClientError| error.status().unwrap();
    let refused = client.verify(claimed, None).map(drop).map_err(status);
    assert_eq!(refused, Err(Status::Refused));
    let claimed = Issue { trid: other, ..setting.issue() };
    assert_eq!(client.issue(claimed, None).map(drop).map_err(status), Err(Status::TridNotAllowed));
    // And it was not consumed by the one who may not.
    let verifier = Caller::new("two", Roles::of(&[Role::Verifier]), Some(&[trid()]));
    assert!(setting.house.enter(verifier, Door::Data).verify(good, None).is_ok());
}
