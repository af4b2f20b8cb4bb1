//! Words by their part in a sentence.

use std::collections::{HashMap, HashSet};

use crate::lexicon::{Lexicon, Structure};
use crate::words::Words;

/// Words by their part in a sentence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roles {
    pub joins: HashSet<String>,
    pub choices: HashSet<String>,
    pub links: HashSet<String>,
    pub placed: HashSet<String>,
    pub determiners: HashSet<String>,
    pub predicates: HashSet<String>,
    pub prepositions: HashSet<String>,
    pub definite: HashSet<String>,
    pub own: HashSet<String>,
    pub turns: HashSet<String>,
    pub denial_ends: HashSet<String>,
    pub noes: HashSet<String>,
    pub contrasting: HashSet<String>,
    pub trims: HashSet<String>,
    pub places: HashSet<String>,
    /// What a pattern is made of; words, not keys: "stripes", not "striped".
    pub pattern_words: HashSet<String>,
    /// Keys of words for materials.
    pub materials: HashSet<String>,
    pub groups: HashMap<String, HashSet<String>>,
    /// Keys of names that are ordinary words as well.
    pub uncertain: HashSet<String>,
}

impl Roles {
    /// Those of a lexicon, by their keys.
    pub fn new(lexicon: &Lexicon, words: &Words) -> Roles {
        let structure: &Structure = &lexicon.structure;
        let keys = |list: &[String]| -> HashSet<String> {
            list.iter().map(|word| words.key(word)).collect()
        };
        let groups = lexicon.groups.iter();
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
            turns: keys(&structure.turns),
            denial_ends: keys(&structure.denial_ends),
            noes: keys(&structure.noes),
            contrasting: keys(&structure.contrasting),
            trims: keys(&structure.trims),
            places: keys(&structure.places),
            pattern_words: structure.pattern_words.iter().cloned().collect(),
            materials: HashSet::new(),
            groups: groups
                .map(|(name, list)| (name.clone(), keys(list)))
                .collect(),
        }
    }
}
