//! Values beside which no other may stand: what is solid has neither dots nor sleeves of another
//! colour.

use super::Judge;
use crate::compiled::{Relation, Strength};
use crate::findings::Findings;
use crate::mention::{About, Mention, Stance};
use crate::token::{Gap, Token};

impl Judge<'_> {
    /// Whether no other value may stand beside a given one.
    pub(super) fn is_sole(&self, given: usize) -> bool {
        let value = self.givens.get(given).and_then(|given| given.value_id);
        let value = value.and_then(|value| self.reading.compiled.values.get(value));
        value.is_some_and(|value| value.sole)
    }

    /// What is given as of one colour throughout has no sleeves of another, while a pattern
    /// may have some: the base counts, and the sleeves say nothing of it.
    pub(super) fn sleeves_of_another_colour(
        &mut self,
        mention: &Mention,
        relations: &[(usize, Relation, Strength)],
        findings: &mut Findings,
    ) {
        let differs = relations.iter().any(|&(_, relation, strength)| {
            relation == Relation::Different && strength == Strength::Strong
        });
        let asserted = mention.stance == Stance::Asserted && mention.about == About::Pattern;
        if !(differs && asserted && self.is_of_part(mention)) {
            return;
        }
        if let Some(sole) = (0..self.givens.len()).find(|&given| self.is_sole(given)) {
            self.contradict(sole, mention.first, mention.last, findings);
        }
    }

    /// Whether a part that has attributes of its own follows: "green sleeves".
    fn is_of_part(&self, mention: &Mention) -> bool {
        let names = |token: &Token| {
            let mut attributes = self.reading.compiled.attributes.iter();
            attributes.any(|attr| {
                attr.is_of_part() && !attr.garment_is_head && attr.heads.contains(&token.key)
            })
        };
        let following =
            (mention.last + 1..=mention.last + 3).filter_map(|at| self.reading.token(at));
        let mut near = following.take_while(|token| token.gap <= Gap::Space && !token.stop);
        near.any(names)
    }
}
