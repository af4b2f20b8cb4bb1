//! An attribute set and a lexicon, in the form in which texts are read.

use attributes::folds_to;

use crate::findings::ClaimKind;
use crate::lexicon::ScopeKind;
use crate::quick_hash::QuickSet;
use crate::roles::Roles;
use crate::trie::Trie;
use crate::words::Words;

/// Everything that does not depend on the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compiled {
    pub words: Words,
    pub attributes: Vec<Attr>,
    pub values: Vec<Val>,
    pub senses: Trie<Sense>,
    /// Phrases that deny a value.
    pub denials: Trie<usize>,
    /// Phrases that say a value where it is given.
    pub hints: Trie<usize>,
    pub nouns: Trie<NounSense>,
    pub scopes: Trie<ScopeSense>,
    pub claims: Trie<ClaimSense>,
    /// Names, which claim where each word has a capital.
    pub names: Trie<ClaimSense>,
    /// For each garment those whose words stand for it, itself among them.
    pub garments: Vec<Vec<usize>>,
    pub garment_names: Vec<String>,
    pub roles: Roles,
    /// For each kind of claim the attributes that may support it, folded.
    pub supports: Vec<(ClaimKind, Vec<String>)>,
}

/// An attribute of the set, or one of the lexicon that the set lacks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attr {
    /// The set's name; the lexicon's first where the set lacks it.
    pub name: String,
    pub heads: QuickSet<String>,
    pub places: QuickSet<String>,
    pub leads: QuickSet<String>,
    pub tones: QuickSet<String>,
    pub garment_is_head: bool,
    pub combines: bool,
    pub of_pattern: bool,
    pub careful: bool,
    pub general_counts: bool,
    pub claim: Option<ClaimKind>,
}

/// A value of an attribute.
#[derive(Clone, Debug, Default)]
pub(crate) struct Val {
    pub attribute: usize,
    pub name: String,
    pub general: Vec<usize>,
    pub kin: Vec<usize>,
    /// Goes together with every value.
    pub kin_to_all: bool,
    /// Contradicts no other.
    pub aside: bool,
    /// No other may stand beside it.
    pub sole: bool,
}

/// What a phrase says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    Value(usize, Strength),
    /// A given value that the set does not know, by its place among those given.
    Given(usize),
    /// Nothing about the garment.
    Idiom,
}

/// How sure it is that a phrase speaks of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    Strong,
    /// Beside a head only.
    Weak,
    /// Where it is given only, as others have its words.
    Hint,
}

/// What a noun is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NounSense {
    Garment(usize),
    Part,
    Thing,
    Generic,
}

/// What a phrase does to its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScopeSense {
    pub kind: ScopeKind,
    pub reach: usize,
}

/// What a phrase claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimSense {
    Claims(ClaimKind),
    Never,
}

/// How what is said stands to what is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Same,
    /// A finer value than the given one.
    Finer,
    /// A more general one.
    General,
    /// Another that goes together with it.
    Kin,
    Different,
}

impl Attr {
    /// Whether its values are said of a part by themselves, as those of sleeves
    /// and necks are.
    pub fn is_of_part(&self) -> bool {
        !self.heads.is_empty() && !self.careful && self.claim.is_none()
    }
}

impl Compiled {
    /// How the value `said` stands to the value `given` of the same attribute.
    pub fn relation(&self, given: usize, said: usize) -> Relation {
        let (Some(given_value), Some(said_value)) = (self.values.get(given), self.values.get(said))
        else {
            return Relation::Different;
        };
        let related = given_value.kin.contains(&said) || said_value.kin.contains(&given);
        if given == said {
            Relation::Same
        } else if said_value.general.contains(&given) {
            Relation::Finer
        } else if given_value.general.contains(&said) {
            Relation::General
        } else if related || given_value.kin_to_all || said_value.kin_to_all {
            Relation::Kin
        } else {
            Relation::Different
        }
    }

    /// The attribute of this folded name.
    pub fn attribute_named(&self, key: &str) -> Option<usize> {
        self.attributes
            .iter()
            .position(|attribute| folds_to(&attribute.name, key))
    }

    /// The value of this folded name.
    pub fn value_named(&self, attribute: usize, key: &str) -> Option<usize> {
        self.values
            .iter()
            .position(|value| value.attribute == attribute && folds_to(&value.name, key))
    }
}
