//! Values of attributes of which nothing is known.

use super::Judge;
use crate::compiled::Strength;
use crate::findings::{Claim, ClaimKind, Findings};
use crate::mention::{About, Mention, Said, Stance};

impl Judge<'_> {
    /// A value of an attribute of which nothing is known is a claim, where it would contradict
    /// another value if one were given, and where its words say nothing of what is given.
    pub(super) fn claim_of_untold(&self, place: usize, mention: &Mention, findings: &mut Findings) {
        if self.untold.is_empty()
            || mention.stance != Stance::Asserted
            || mention.about != About::This
            || !mention
                .said
                .iter()
                .any(|said| self.is_untold(mention, *said))
        {
            return;
        }
        let mut others = self
            .around(place)
            .filter(|other| other.first <= mention.last && mention.first <= other.last);
        if self.speaks_of_given(mention) || others.any(|other| self.speaks_of_given(other)) {
            return;
        }
        let span = self.reading.tokens.span(mention.first, mention.last);
        findings.claims.push(Claim {
            kind: ClaimKind::Attribute,
            text: span.of(self.text).to_owned(),
            span,
        });
    }

    fn is_untold(&self, mention: &Mention, said: Said) -> bool {
        let compiled = self.reading.compiled;
        let Said::Value(value, Strength::Strong) = said else {
            return false;
        };
        let Some(value) = compiled.values.get(value) else {
            return false;
        };
        let attribute = value.attribute;
        self.untold.contains(&attribute)
            && compiled.attributes.get(attribute).is_some_and(|attr| {
                // A material that is not known is a claim of its own kind.
                attr.claim.is_none() && !value.aside && !(attr.careful && mention.loose)
            })
            && !self.is_of_given_part(mention, attribute)
    }

    fn speaks_of_given(&self, mention: &Mention) -> bool {
        (0..self.givens.len()).any(|given| self.relation(mention, given).is_some())
    }

    /// Whether words about a part, which name it, may be about a given attribute of the same
    /// part: a "crisp collar" where the collar is known as a collar and not as a neck. Two
    /// attributes are of one part where they share values.
    fn is_of_given_part(&self, mention: &Mention, attribute: usize) -> bool {
        let compiled = self.reading.compiled;
        let names_part = |given: usize| {
            compiled.attributes.get(given).is_some_and(|attr| {
                let mut tokens = mention.first..=mention.last;
                tokens.any(|at| {
                    let token = self.reading.token(at);
                    token.is_some_and(|token| attr.heads.contains(&token.key))
                })
            })
        };
        let shares_values = |given: usize| {
            let mut own = compiled
                .values
                .iter()
                .filter(|value| value.attribute == attribute);
            own.any(|own| {
                let mut others = compiled.values.iter();
                others.any(|other| other.attribute == given && other.name == own.name)
            })
        };
        self.givens
            .iter()
            .filter_map(|given| given.attribute)
            .any(|given| given != attribute && names_part(given) && shares_values(given))
    }
}
