//! Idempotency keys: for a day, the same request gets the same answer.

use tallystick::command::Refusal;

use super::decide::{Outcome, answered, refused};
use super::state::{Effect, Expected, Key};
use super::{Asked, Model};

impl Model {
    pub(super) fn decide_keyed(&mut self, asked: &Asked<'_>, key: &[u8], closed: Option<Refusal>) -> Outcome {
        let request = asked.request;
        let scope = (asked.peer.name.clone(), request.wish.operation().name(), key.to_vec());
        if let Some(known) = self.decided.keys.get(&scope).filter(|known| known.expires > asked.now) {
            return if known.body == request.body {
                answered(Expected::Recalled(known.used, Box::new(known.answer.clone())))
            } else {
                refused(Refusal::IdempotencyConflict)
            };
        }
        if let Some(why) = closed {
            return refused(why);
        }
        if self.decided.keys.len() >= self.limits.keys {
            return refused(Refusal::Busy);
        }
        let (expected, mut effects) = self.dispatch(asked);
        if let Ok(answer) = &expected {
            self.uses += 1;
            let expires = asked.now + self.limits.key_seconds;
            let key = Key {
                request: request.number,
                body: request.body.clone(),
                expires,
                used: self.uses,
                answer: answer.clone(),
            };
            let recalled = Expected::Recalled(self.uses, Box::new(answer.clone()));
            effects.push(Effect::Key(scope, Box::new(key)));
            return (Ok(recalled), effects);
        }
        (expected, effects)
    }
}
