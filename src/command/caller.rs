//! Who asks, as the configuration names them.

use crate::types::Trid;

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Saves cards and changes tokens.
    Provisioner,
    /// Issues cryptograms.
    Issuer,
    /// Verifies cryptograms.
    Verifier,
    /// Reads a token's PAN.
    Detokenizer,
    /// Sees tokens and learns why a cryptogram was refused.
    Auditor,
    /// Status, metrics and locks.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Provisioner, Self::Issuer, Self::Verifier, Self::Detokenizer, Self::Auditor, Self::Admin];

    /// The name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provisioner => "provisioner",
            Self::Issuer => "issuer",
            Self::Verifier => "verifier",
            Self::Detokenizer => "detokenizer",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// The role with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Provisioner => 1,
            Self::Issuer => 2,
            Self::Verifier => 4,
            Self::Detokenizer => 8,
            Self::Auditor => 16,
            Self::Admin => 32,
        }
    }
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles(u8);

impl Roles {
    /// The set of these roles.
    #[must_use]
    pub fn of(roles: &[Role]) -> Self {
        Self(roles.iter().fold(0, |bits, role| bits | role.bit()))
    }

    /// Whether the role is in the set.
    #[must_use]
    pub const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Whether any of the roles is in the set.
    #[must_use]
    pub fn has_any(self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.has(*role))
    }
}

/// A caller that was identified by the kernel and named by the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    name: String,
    uid: Option<u32>,
    roles: Roles,
    trids: Option<Box<[Trid]>>,
}

impl Caller {
    /// A caller of this name and these roles, limited to `trids` if given.
    #[must_use]
    pub fn new(name: &str, roles: Roles, trids: Option<&[Trid]>) -> Self {
        Self { name: name.to_owned(), uid: None, roles, trids: trids.map(Into::into) }
    }

    /// The same, of this user.
    #[must_use]
    pub fn of_user(self, uid: u32) -> Self {
        Self { uid: Some(uid), ..self }
    }

    /// Whether both may be one person: the same configured name, or the same user, or
    /// one whose user is not known.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        self.name == other.name || self.uid.is_none() || other.uid.is_none() || self.uid == other.uid
    }

    /// The configured name; idempotency keys are scoped to it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the caller may do.
    #[must_use]
    pub const fn roles(&self) -> Roles {
        self.roles
    }

    /// Whether the caller is limited to some requestors.
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        self.trids.is_some()
    }

    /// Whether the caller may act for this requestor.
    #[must_use]
    pub fn may_act_for(&self, trid: Trid) -> bool {
        self.trids.as_ref().is_none_or(|trids| trids.contains(&trid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_apart() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
            let only = Roles::of(&[role]);
            assert_eq!(Role::ALL.into_iter().filter(|other| only.has(*other)).count(), 1);
        }
        assert!(!Roles::default().has_any(&Role::ALL));
    }

    #[test]
    fn two_callers_are_two_by_name_and_by_user() {
        let caller = |name: &str, uid| Caller::new(name, Roles::default(), None).of_user(uid);
        assert!(!caller("anna", 1).may_be(&caller("ben", 2)));
        assert!(caller("anna", 1).may_be(&caller("ben", 1)));
        assert!(caller("anna", 1).may_be(&caller("anna", 2)));
        let unknown = Caller::new("ben", Roles::default(), None);
        assert!(unknown.may_be(&caller("anna", 1)) && caller("anna", 1).may_be(&unknown));
    }

    #[test]
    fn a_limit_is_a_limit() {
        let trid = Trid::parse(b"40010000001").unwrap();
        let other = Trid::parse(b"40010000002").unwrap();
        let free = Caller::new("free", Roles::default(), None);
        let bound = Caller::new("bound", Roles::default(), Some(&[trid]));
        assert!(free.may_act_for(other) && bound.may_act_for(trid) && !bound.may_act_for(other));
    }
}
