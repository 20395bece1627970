//! The life of a token at its providers, and overall.

use thiserror::Error;

use super::ProviderName;

/// Most providers a token may stand at.
const MAX_PROVIDERS: usize = 8;

/// Why a token was deactivated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeactivationReason {
    /// The card or token expired.
    Expired,
    /// The issuing bank ended it.
    DeactivatedByBank,
    /// The cardholder or requestor asked for it.
    Requested,
}

impl DeactivationReason {
    /// Every reason, in the order of their numbers from 0.
    pub const ALL: [Self; 3] = [Self::Expired, Self::DeactivatedByBank, Self::Requested];

    /// The name on the wire and in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::DeactivatedByBank => "deactivated_by_bank",
            Self::Requested => "requested",
        }
    }

    /// The reason with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// A token's status at one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderStatus {
    /// Usable.
    Active,
    /// Not usable for now.
    Suspended,
    /// Never usable again.
    Deactivated(DeactivationReason),
}

/// A token's status over all its providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenStatus {
    /// No provider has answered yet.
    Initiated,
    /// Active at one provider at least.
    Active,
    /// Active at none, suspended at one at least.
    Suspended,
    /// Neither, and deactivated at one at least.
    Deactivated(DeactivationReason),
}

impl TokenStatus {
    /// The name on the wire and in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deactivated(_) => "deactivated",
        }
    }

    /// The reason of a deactivation.
    #[must_use]
    pub const fn reason(self) -> Option<DeactivationReason> {
        match self {
            Self::Deactivated(reason) => Some(reason),
            _ => None,
        }
    }
}

/// Something that happens to a token at a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusEvent {
    /// Stop for now.
    Suspend,
    /// Go on; also the first activation at a provider.
    Resume,
    /// End for good.
    Deactivate(DeactivationReason),
}

/// A change that the rules do not allow. The token is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StatusError {
    /// Deactivated is final.
    #[error("the token is deactivated, which is final")]
    Deactivated,
    /// The token does not stand at the provider named.
    #[error("the token does not stand at that provider")]
    UnknownProvider,
    /// It stands at as many providers as it may.
    #[error("a token stands at no more than 8 providers")]
    TooManyProviders,
}

/// The providers a token stands at, each with its status, in the order in which
/// they came; at most 8.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProviderStates(Vec<(ProviderName, ProviderStatus)>);

impl ProviderStates {
    /// Takes a list, each provider once.
    ///
    /// # Errors
    /// [`StatusError::TooManyProviders`] above 8 or when one is named twice.
    pub fn from_list(list: Vec<(ProviderName, ProviderStatus)>) -> Result<Self, StatusError> {
        let twice = list
            .iter()
            .enumerate()
            .any(|(at, (name, _))| list.iter().skip(at + 1).any(|(other, _)| other == name));
        if list.len() > MAX_PROVIDERS || twice {
            return Err(StatusError::TooManyProviders);
        }
        Ok(Self(list))
    }

    /// The list.
    #[must_use]
    pub fn as_slice(&self) -> &[(ProviderName, ProviderStatus)] {
        &self.0
    }

    /// The overall status: any active, else any suspended, else any deactivated
    /// (with the reason of the first), else initiated.
    #[must_use]
    pub fn overall(&self) -> TokenStatus {
        let mut overall = TokenStatus::Initiated;
        for (_, status) in &self.0 {
            overall = match (overall, *status) {
                (TokenStatus::Active, _) | (_, ProviderStatus::Active) => TokenStatus::Active,
                (TokenStatus::Suspended, _) | (_, ProviderStatus::Suspended) => TokenStatus::Suspended,
                (TokenStatus::Deactivated(reason), _) | (_, ProviderStatus::Deactivated(reason)) => {
                    TokenStatus::Deactivated(reason)
                }
            };
        }
        overall
    }

    /// Applies an event at one provider, or at all when none is named. Providers
    /// that are deactivated stay so; naming one of them is refused. `Resume` at a
    /// provider not yet listed adds it.
    ///
    /// # Errors
    /// [`StatusError`]; nothing is changed then.
    pub fn apply(&mut self, provider: Option<&ProviderName>, event: StatusEvent) -> Result<(), StatusError> {
        if let TokenStatus::Deactivated(_) = self.overall() {
            return Err(StatusError::Deactivated);
        }
        match provider {
            None => self.apply_to_all(event),
            Some(provider) => self.apply_to_one(provider, event)?,
        }
        Ok(())
    }

    fn apply_to_all(&mut self, event: StatusEvent) {
        for (_, status) in &mut self.0 {
            if !matches!(status, ProviderStatus::Deactivated(_)) {
                *status = event.outcome();
            }
        }
    }

    fn apply_to_one(&mut self, provider: &ProviderName, event: StatusEvent) -> Result<(), StatusError> {
        if let Some((_, status)) = self.0.iter_mut().find(|(name, _)| name == provider) {
            if matches!(status, ProviderStatus::Deactivated(_)) {
                return Err(StatusError::Deactivated);
            }
            *status = event.outcome();
            return Ok(());
        }
        if event != StatusEvent::Resume {
            return Err(StatusError::UnknownProvider);
        }
        if self.0.len() >= MAX_PROVIDERS {
            return Err(StatusError::TooManyProviders);
        }
        self.0.push((provider.clone(), ProviderStatus::Active));
        Ok(())
    }
}

impl StatusEvent {
    const fn outcome(self) -> ProviderStatus {
        match self {
            Self::Suspend => ProviderStatus::Suspended,
            Self::Resume => ProviderStatus::Active,
            Self::Deactivate(reason) => ProviderStatus::Deactivated(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn status() -> impl Strategy<Value = ProviderStatus> {
        prop_oneof![
            Just(ProviderStatus::Active),
            Just(ProviderStatus::Suspended),
            prop::sample::select(DeactivationReason::ALL.to_vec()).prop_map(ProviderStatus::Deactivated),
        ]
    }

    fn name(index: usize) -> ProviderName {
        ProviderName::parse(&format!("p{index}")).unwrap()
    }

    proptest! {
        /// The four sentences of the rule, word for word.
        #[test]
        fn overall_follows_the_order(statuses in prop::collection::vec(status(), 0..8)) {
            let list = statuses.iter().enumerate().map(|(at, status)| (name(at), *status)).collect();
            let overall = ProviderStates::from_list(list).unwrap().overall();
            let active = statuses.contains(&ProviderStatus::Active);
            let suspended = statuses.contains(&ProviderStatus::Suspended);
            match overall {
                TokenStatus::Active => prop_assert!(active),
                TokenStatus::Suspended => prop_assert!(!active && suspended),
                TokenStatus::Deactivated(_) => prop_assert!(!active && !suspended && !statuses.is_empty()),
                TokenStatus::Initiated => prop_assert!(statuses.is_empty()),
            }
        }
    }

    #[test]
    fn deactivated_is_final_and_suspended_resumes() {
        let mut states = ProviderStates::default();
        states.apply(Some(&name(1)), StatusEvent::Resume).unwrap();
        states.apply(None, StatusEvent::Suspend).unwrap();
        assert_eq!(states.overall(), TokenStatus::Suspended);
        states.apply(None, StatusEvent::Resume).unwrap();
        assert_eq!(states.overall(), TokenStatus::Active);
        states.apply(None, StatusEvent::Deactivate(DeactivationReason::Requested)).unwrap();
        assert_eq!(states.apply(None, StatusEvent::Resume), Err(StatusError::Deactivated));
        assert_eq!(states.apply(Some(&name(2)), StatusEvent::Resume), Err(StatusError::Deactivated));
    }

    #[test]
    fn one_provider_ends_and_the_other_goes_on() {
        let mut states = ProviderStates::default();
        states.apply(Some(&name(1)), StatusEvent::Resume).unwrap();
        states.apply(Some(&name(2)), StatusEvent::Resume).unwrap();
        let end = StatusEvent::Deactivate(DeactivationReason::DeactivatedByBank);
        states.apply(Some(&name(1)), end).unwrap();
        assert_eq!(states.overall(), TokenStatus::Active);
        assert_eq!(states.apply(Some(&name(1)), StatusEvent::Resume), Err(StatusError::Deactivated));
        assert_eq!(states.apply(Some(&name(3)), StatusEvent::Suspend), Err(StatusError::UnknownProvider));
    }
}
