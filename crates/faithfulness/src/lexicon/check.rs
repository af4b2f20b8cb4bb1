//! What may be wrong with a lexicon.

use super::Lexicon;
use crate::pattern;

/// Why a text is no lexicon.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LexiconError {
    /// Not TOML, or of another form; the parser's message has line and column.
    #[error("the lexicon can't be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// A phrase that stands for nothing, or for too much.
    #[error("the lexicon's phrase {pattern:?} is wrong: {problem}")]
    Pattern {
        /// The phrase.
        pattern: String,
        /// What to mend.
        problem: String,
    },
    /// A name that nothing in the lexicon has.
    #[error("the lexicon's {place} names {name:?}, which it does not have")]
    UnknownName {
        /// Where.
        place: String,
        /// The name.
        name: String,
    },
}

impl Lexicon {
    /// Reads every phrase and looks up every name.
    pub(super) fn check(&self) -> Result<(), LexiconError> {
        let words = self.inflected();
        for pattern in self.patterns() {
            pattern::parts(pattern, &words).map_err(|problem| LexiconError::Pattern {
                pattern: pattern.clone(),
                problem,
            })?;
        }
        self.check_names()
    }

    fn patterns(&self) -> impl Iterator<Item = &String> {
        let structure = &self.structure;
        let nouns = [&structure.parts, &structure.things, &structure.generic];
        let attributes = self.attributes.iter().flat_map(|attribute| {
            let values = attribute
                .values
                .iter()
                .flat_map(|value| [&value.says, &value.weak, &value.hints, &value.denies]);
            let others = attribute
                .others
                .iter()
                .flat_map(|other| [&other.says, &other.weak]);
            values.chain(others)
        });
        let claims = self
            .claims
            .iter()
            .flat_map(|claim| [&claim.says, &claim.names, &claim.never]);
        nouns
            .into_iter()
            .chain([&self.idioms])
            .chain(self.garments.iter().map(|garment| &garment.words))
            .chain(self.scopes.iter().map(|scope| &scope.words))
            .chain(attributes)
            .chain(claims)
            .flatten()
    }

    fn check_names(&self) -> Result<(), LexiconError> {
        let unknown = |place: String, name: &String| LexiconError::UnknownName {
            place,
            name: name.clone(),
        };
        for garment in &self.garments {
            for name in &garment.also {
                if !self.garments.iter().any(|other| other.name == *name) {
                    return Err(unknown(format!("garment {:?}", garment.name), name));
                }
            }
        }
        for attribute in &self.attributes {
            let place = || format!("attribute {:?}", attribute.names);
            if attribute.names.is_empty() {
                return Err(unknown(place(), &String::new()));
            }
            let values = attribute.values.iter();
            let related = values.flat_map(|value| value.general.iter().chain(&value.kin));
            let related = related.chain(attribute.others.iter().flat_map(|other| &other.kin));
            for name in related.chain(attribute.aside.iter().chain(&attribute.sole)) {
                if name != "*" && !attribute.values.iter().any(|value| value.name == *name) {
                    return Err(unknown(place(), name));
                }
            }
        }
        Ok(())
    }
}
