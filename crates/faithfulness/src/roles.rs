//! Words by their part in a sentence.

use crate::lexicon::{Lexicon, Structure};
use crate::quick_hash::{QuickMap, QuickSet};
use crate::words::Words;

/// Words by their part in a sentence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roles {
    pub joins: QuickSet<String>,
    pub choices: QuickSet<String>,
    pub links: QuickSet<String>,
    pub placed: QuickSet<String>,
    pub determiners: QuickSet<String>,
    pub predicates: QuickSet<String>,
    pub prepositions: QuickSet<String>,
    pub definite: QuickSet<String>,
    pub own: QuickSet<String>,
    pub pronouns: QuickSet<String>,
    pub turns: QuickSet<String>,
    pub denial_ends: QuickSet<String>,
    pub noes: QuickSet<String>,
    pub contrasting: QuickSet<String>,
    pub trims: QuickSet<String>,
    pub places: QuickSet<String>,
    /// What a pattern is made of; words, not keys: "stripes", not "striped".
    pub pattern_words: QuickSet<String>,
    /// Keys of words for materials.
    pub materials: QuickSet<String>,
    /// The places of the lexicon's groups to which a key belongs.
    pub groups: QuickMap<String, Vec<usize>>,
    /// Keys of names that are ordinary words as well.
    pub uncertain: QuickSet<String>,
}

impl Roles {
    /// Those of a lexicon, by their keys.
    pub fn new(lexicon: &Lexicon, words: &Words) -> Roles {
        let structure: &Structure = &lexicon.structure;
        let keys = |list: &[String]| -> QuickSet<String> {
            list.iter().map(|word| words.key(word)).collect()
        };
        let claims = lexicon.claims.iter();
        Roles {
            uncertain: claims.flat_map(|claim| keys(&claim.uncertain)).collect(),
            joins: keys(&structure.joins),
            choices: keys(&structure.choices),
            links: keys(&structure.links),
            placed: keys(&structure.placed),
            determiners: keys(&structure.determiners),
            predicates: keys(&structure.predicates),
            prepositions: keys(&structure.prepositions),
            definite: keys(&structure.definite),
            own: keys(&structure.own),
            pronouns: keys(&structure.pronouns),
            turns: keys(&structure.turns),
            denial_ends: keys(&structure.denial_ends),
            noes: keys(&structure.noes),
            contrasting: keys(&structure.contrasting),
            trims: keys(&structure.trims),
            places: keys(&structure.places),
            pattern_words: structure.pattern_words.iter().cloned().collect(),
            materials: QuickSet::default(),
            groups: {
                let mut groups: QuickMap<String, Vec<usize>> = QuickMap::default();
                for (place, list) in lexicon.groups.values().enumerate() {
                    for key in keys(list) {
                        groups.entry(key).or_default().push(place);
                    }
                }
                groups
            },
        }
    }
}
