//! What a language says of garments, as data.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::findings::ClaimKind;
use crate::words::Words;

mod check;

pub use check::LexiconError;

const ENGLISH: &str = include_str!("../lexicon/en.toml");

/// The words of a language: how it inflects, what negates, by which phrases it
/// speaks of an attribute's values, what else such words mean, and how it
/// claims. `lexicon/en.toml` has the form, with comments.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lexicon {
    language: String,
    pub(crate) inflection: Inflection,
    pub(crate) structure: Structure,
    /// Phrases in which the words of values mean something else.
    #[serde(default)]
    pub(crate) idioms: Vec<String>,
    /// Words that a pattern may name together: `{best}`.
    #[serde(default)]
    pub(crate) groups: BTreeMap<String, Vec<String>>,
    #[serde(default, rename = "garment")]
    pub(crate) garments: Vec<Garment>,
    #[serde(default, rename = "scope")]
    pub(crate) scopes: Vec<Scope>,
    #[serde(default, rename = "attribute")]
    pub(crate) attributes: Vec<AttributeWords>,
    #[serde(default, rename = "claim")]
    pub(crate) claims: Vec<ClaimWords>,
}

/// How words change their form.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inflection {
    pub endings: Vec<(String, String)>,
    pub keep: Vec<String>,
    pub shortest: usize,
    pub adjective: Option<String>,
    #[serde(default)]
    pub distinct: Vec<String>,
    #[serde(default)]
    pub tails: Vec<String>,
    pub forms: BTreeMap<String, Vec<String>>,
}

/// Words by the part that they have in a sentence.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Structure {
    /// End a noun phrase.
    pub stops: Vec<String>,
    /// Join two words of a kind.
    pub joins: Vec<String>,
    /// Of these, those that leave a choice.
    pub choices: Vec<String>,
    /// Stand between a thing and what it is.
    pub links: Vec<String>,
    /// Of these, those after which a thing may only be where this garment is.
    pub placed: Vec<String>,
    /// Begin a noun phrase.
    pub determiners: Vec<String>,
    /// Stand between a garment and what it is ("is", "cut").
    pub predicates: Vec<String>,
    /// Stand between a value and the part that is so: "long in the arm".
    pub prepositions: Vec<String>,
    /// Say before a part that it is this garment's.
    pub definite: Vec<String>,
    /// Stand for the garment itself.
    pub own: Vec<String>,
    /// Stand for parts that were named before: "sleeves … they are short".
    pub pronouns: Vec<String>,
    /// Begin another thought: a negation reaches no further.
    pub turns: Vec<String>,
    /// End the reach of a negation beside those.
    pub denial_ends: Vec<String>,
    /// Begin an answer that says no.
    pub noes: Vec<String>,
    /// Say that a part differs from the rest.
    pub contrasting: Vec<String>,
    /// Words that are values only beside a head, whatever the attribute.
    pub common: Vec<String>,
    /// Say that what follows "with" or "in" is on an edge or inside.
    pub trims: Vec<String>,
    /// Parts of a garment.
    pub parts: Vec<String>,
    /// What a pattern is made of, in each form that is a noun.
    pub pattern_words: Vec<String>,
    /// What has a colour and is no garment.
    pub things: Vec<String>,
    /// What the garment may be called beside its noun.
    pub generic: Vec<String>,
    /// Places, as they are written in claims.
    pub places: Vec<String>,
}

/// A kind of garment, or of what is worn with one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Garment {
    /// The name of the category, or any name.
    pub name: String,
    pub words: Vec<String>,
    /// Kinds whose words a text may use for this one.
    #[serde(default)]
    pub also: Vec<String>,
}

/// Words after which something is meant otherwise.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scope {
    pub kind: ScopeKind,
    pub words: Vec<String>,
    /// How many words it reaches.
    #[serde(default)]
    pub reach: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ScopeKind {
    /// What follows is denied.
    Denial,
    /// What stands before is denied.
    DenialBefore,
    /// The same, for a word that is joined to it ("stripe-free").
    DenialSuffix,
    /// What follows is neither said nor denied.
    Open,
    /// The same for what stands before.
    OpenBefore,
    /// What follows is about another garment.
    Partner,
    /// Looks like one of the others and is none.
    None,
}

/// How the values of an attribute are said.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttributeWords {
    /// Names by which an attribute set may have it.
    pub names: Vec<String>,
    /// Words beside which a weak word is a value.
    #[serde(default)]
    pub heads: Vec<String>,
    /// Words by which a weak word is a value after a preposition: "long in the arm".
    #[serde(default)]
    pub places: Vec<String>,
    /// Words somewhat before a weak word that make it a value: "in a deep rust".
    #[serde(default)]
    pub leads: Vec<String>,
    /// Words right before it that do: "burnished copper".
    #[serde(default)]
    pub tones: Vec<String>,
    /// The garment's noun is a head.
    #[serde(default)]
    pub garment_is_head: bool,
    /// Values may stand beside each other ("red and white stripes").
    #[serde(default)]
    pub combines: bool,
    /// What its values say may be said of a stripe or flower.
    #[serde(default)]
    pub of_pattern: bool,
    /// A value before an unknown noun contradicts nothing ("blue lagoons").
    #[serde(default)]
    pub careful: bool,
    /// A more general value says the given one.
    #[serde(default)]
    pub general_counts: bool,
    /// What a value claims where the attribute is not given.
    #[serde(default)]
    pub claim: Option<ClaimKind>,
    /// Values that contradict no other.
    #[serde(default)]
    pub aside: Vec<String>,
    /// Values beside which no other may stand, though values combine: what is solid has no dots.
    #[serde(default)]
    pub sole: Vec<String>,
    #[serde(default, rename = "value")]
    pub values: Vec<ValueWords>,
    /// Values that no set has: they contradict, but for their kin.
    #[serde(default, rename = "other")]
    pub others: Vec<OtherWords>,
}

/// How one value is said.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValueWords {
    pub name: String,
    /// Phrases that say it.
    #[serde(default)]
    pub says: Vec<String>,
    /// Words that say it beside a head.
    #[serde(default)]
    pub weak: Vec<String>,
    /// Phrases that say it where it is given, and contradict nothing. They are
    /// sought beside all others.
    #[serde(default)]
    pub hints: Vec<String>,
    /// Phrases that deny it.
    #[serde(default)]
    pub denies: Vec<String>,
    /// More general values: who says this says them too.
    #[serde(default)]
    pub general: Vec<String>,
    /// Values that go together with it; "*" for all.
    #[serde(default)]
    pub kin: Vec<String>,
}

/// A value that no set has.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtherWords {
    pub says: Vec<String>,
    #[serde(default)]
    pub weak: Vec<String>,
    #[serde(default)]
    pub kin: Vec<String>,
}

/// How a kind of claim is made.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimWords {
    pub kind: ClaimKind,
    /// Attributes that may support it, by names that a set may have.
    #[serde(default)]
    pub given_by: Vec<String>,
    pub says: Vec<String>,
    /// The same, where each word has a capital.
    #[serde(default)]
    pub names: Vec<String>,
    /// Names that are ordinary words: at the start of a sentence they are those.
    #[serde(default)]
    pub uncertain: Vec<String>,
    /// What looks like the claim and is none; like the names where there are
    /// such.
    #[serde(default)]
    pub never: Vec<String>,
}

impl Lexicon {
    /// The words of English.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, and a test parses and checks it"
    )]
    pub fn english() -> Lexicon {
        // Not checked once more: to expand its phrases takes as long as all the rest.
        toml::from_str(ENGLISH).expect("the embedded lexicon is valid")
    }

    /// Reads a lexicon from TOML in the form of `lexicon/en.toml`.
    ///
    /// # Errors
    ///
    /// [`LexiconError`] names the phrase or the place that has to be mended.
    pub fn parse(toml_text: &str) -> Result<Lexicon, LexiconError> {
        let lexicon: Lexicon = toml::from_str(toml_text)?;
        lexicon.check()?;
        Ok(lexicon)
    }

    /// The language's code: "en".
    #[must_use]
    pub fn language(&self) -> &str {
        &self.language
    }

    /// Its inflection.
    pub(crate) fn inflected(&self) -> Words {
        Words::new(&self.inflection, &self.structure.stops).with_groups(self.groups.keys())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attributes::AttributeSet;

    const LEAST: &str = r#"
        language = "xx"
        [inflection]
        endings = [["s", ""]]
        keep = []
        shortest = 3
        [inflection.forms]
        [structure]
    "#;

    #[test]
    fn the_embedded_lexicon_passes_the_check_of_any_other() {
        assert_eq!(Lexicon::parse(ENGLISH), Ok(Lexicon::english()));
    }

    #[test]
    fn english_has_every_value_of_the_default_set() {
        let lexicon = Lexicon::english();
        assert_eq!(lexicon.language(), "en");
        for attribute in AttributeSet::embedded().attributes() {
            let words = lexicon
                .attributes
                .iter()
                .find(|words| words.names.contains(&attribute.name))
                .unwrap();
            for value in &words.values {
                assert!(attribute.value(&value.name).is_some(), "{}", value.name);
            }
            for value in &attribute.values {
                let has = words.values.iter().any(|words| words.name == value.name);
                assert!(has, "{}: {}", attribute.name, value.name);
            }
        }
        for category in AttributeSet::embedded().categories() {
            let has = lexicon
                .garments
                .iter()
                .any(|garment| garment.name == category.name);
            assert!(has, "{}", category.name);
        }
        // Values of any attribute claim something of it, where nothing is known of it.
        let by_words = |kind: &ClaimKind| *kind != ClaimKind::Attribute;
        for kind in ClaimKind::ALL.into_iter().filter(by_words) {
            let claimed = lexicon.claims.iter().any(|claim| claim.kind == kind)
                || lexicon
                    .attributes
                    .iter()
                    .any(|words| words.claim == Some(kind));
            assert!(claimed, "{kind}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(Lexicon::parse(LEAST).is_ok());
        let error = |more: &str| {
            Lexicon::parse(&format!("{LEAST}{more}"))
                .unwrap_err()
                .to_string()
        };
        assert!(error("colours = []").contains("colours"));
        let scope = "[[scope]]\nkind = \"denial\"\nwords = [\"* no\"]";
        assert!(error(scope).contains("\"* no\""));
        let garment = "[[garment]]\nname = \"a\"\nwords = [\"a\"]\nalso = [\"b\"]";
        assert!(error(garment).contains("\"b\""));
        let kin = "[[attribute]]\nnames = [\"A\"]\naside = [\"C\"]";
        assert!(error(kin).contains("\"C\""));
    }
}
