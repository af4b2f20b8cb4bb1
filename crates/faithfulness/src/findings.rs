//! What a check finds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A part of the text, in bytes. Both ends lie between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// The part itself; empty where the span is not one of `text`.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// From the start of this to the end of `last`.
    pub(crate) fn to(self, last: Span) -> Span {
        Span {
            start: self.start.min(last.start),
            end: self.end.max(last.end),
        }
    }
}

/// What a text says of the attributes that are known, and what beyond them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// The known attributes that the text states, in their order.
    pub mentioned: Vec<String>,
    /// The known attributes that the text neither states nor contradicts.
    pub unmentioned: Vec<String>,
    /// Where the text denies a known value or gives another one; one attribute
    /// may be contradicted in several places.
    pub contradicted: Vec<Contradiction>,
    /// Where the text claims what is not known.
    pub claims: Vec<Claim>,
    /// Where the text holds a word that it must not.
    pub banned: Vec<BannedWord>,
    /// The unmentioned attributes' values, for the reasons.
    #[serde(skip)]
    pub(crate) missing_values: Vec<String>,
}

/// A known attribute that the text gets wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// Its name, as it was given.
    pub attribute: String,
    /// The value that is known.
    pub given: String,
    /// The text's words.
    pub said: String,
    /// Where they stand.
    pub span: Span,
}

/// A claim that nothing known supports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What it is about.
    pub kind: ClaimKind,
    /// The text's words.
    pub text: String,
    /// Where they stand.
    pub span: Span,
}

/// A banned word in the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BannedWord {
    /// The word as it was banned.
    pub word: String,
    /// Where it stands.
    pub span: Span,
}

/// What a claim is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClaimKind {
    /// What the garment is made of.
    Material,
    /// Where, or by whose hands, it was made.
    Origin,
    /// What is attested: organic, vegan, fair trade.
    Certificate,
    /// How it is washed and ironed.
    Care,
    /// What it withstands or does.
    Performance,
    /// What it costs.
    Price,
    /// That nothing is better.
    Superlative,
    /// What it does for the body.
    Health,
    /// How many there are, and when they come.
    Availability,
    /// Whose it is.
    Brand,
    /// Which sizes there are, how they run, which to take, what its photo's model wears.
    Size,
    /// A value of an attribute of which nothing is known, as [`Known::unknown`] lists them.
    ///
    /// [`Known::unknown`]: crate::Known::unknown
    Attribute,
}

impl ClaimKind {
    /// All kinds.
    pub const ALL: [ClaimKind; 12] = [
        ClaimKind::Material,
        ClaimKind::Origin,
        ClaimKind::Certificate,
        ClaimKind::Care,
        ClaimKind::Performance,
        ClaimKind::Price,
        ClaimKind::Superlative,
        ClaimKind::Health,
        ClaimKind::Availability,
        ClaimKind::Brand,
        ClaimKind::Size,
        ClaimKind::Attribute,
    ];

    /// The name in data: "material".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ClaimKind::Material => "material",
            ClaimKind::Origin => "origin",
            ClaimKind::Certificate => "certificate",
            ClaimKind::Care => "care",
            ClaimKind::Performance => "performance",
            ClaimKind::Price => "price",
            ClaimKind::Superlative => "superlative",
            ClaimKind::Health => "health",
            ClaimKind::Availability => "availability",
            ClaimKind::Brand => "brand",
            ClaimKind::Size => "size",
            ClaimKind::Attribute => "attribute",
        }
    }

    /// What it is called in a reason.
    fn words(self) -> &'static str {
        match self {
            ClaimKind::Material => "a material",
            ClaimKind::Origin => "an origin or making",
            ClaimKind::Certificate => "a certificate or standard",
            ClaimKind::Care => "a property in care",
            ClaimKind::Performance => "a technical property",
            ClaimKind::Price => "something about the price",
            ClaimKind::Superlative => "that nothing is better",
            ClaimKind::Health => "an effect on health or skin",
            ClaimKind::Availability => "something about stock or delivery",
            ClaimKind::Brand => "a brand",
            ClaimKind::Size => "something about sizes",
            ClaimKind::Attribute => "a value of an attribute",
        }
    }
}

impl fmt::Display for ClaimKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Findings {
    /// Whether there is nothing to mend.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.unmentioned.is_empty()
            && self.contradicted.is_empty()
            && self.claims.is_empty()
            && self.banned.is_empty()
    }

    /// Takes it back that the text leaves this attribute out: not every text must state
    /// what is known with a doubt.
    pub fn excuse(&mut self, attribute: &str) {
        while let Some(place) = self.unmentioned.iter().position(|name| name == attribute) {
            self.unmentioned.remove(place);
            if place < self.missing_values.len() {
                self.missing_values.remove(place);
            }
        }
    }

    /// The names of the contradicted attributes, each once.
    #[must_use]
    pub fn contradicted_attributes(&self) -> Vec<&str> {
        let names = self.contradicted.iter();
        each_once(names.map(|contradiction| contradiction.attribute.as_str()))
    }

    /// The banned words that the text holds, each once.
    #[must_use]
    pub fn banned_words(&self) -> Vec<&str> {
        each_once(self.banned.iter().map(|banned| banned.word.as_str()))
    }

    /// One sentence for each thing to mend, by which a language model can mend
    /// the text. They quote the text and the known values as they are: whoever
    /// puts them into a prompt escapes them as it escapes the values.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for (place, name) in self.unmentioned.iter().enumerate() {
            reasons.push(match self.missing_values.get(place) {
                Some(value) => {
                    format!("The text does not say that {name} is \"{value}\": work it in.")
                }
                None => format!("The text does not say what {name} is: work it in."),
            });
        }
        for Contradiction {
            attribute,
            given,
            said,
            ..
        } in &self.contradicted
        {
            reasons.push(format!(
                "\"{said}\" contradicts that {attribute} is \"{given}\": say what is known instead."
            ));
        }
        for Claim { kind, text, .. } in &self.claims {
            let about = kind.words();
            reasons.push(format!(
                "\"{text}\" claims {about} that is not known: leave it out."
            ));
        }
        for BannedWord { word, .. } in &self.banned {
            reasons.push(format!(
                "The word \"{word}\" must not be used: say it otherwise."
            ));
        }
        let mut seen = std::collections::HashSet::new();
        reasons.retain(|reason| seen.insert(reason.clone()));
        reasons
    }
}

/// The same without those that were there before.
fn each_once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known = Vec::new();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_written_by_its_name() {
        for kind in ClaimKind::ALL {
            assert_eq!(
                serde_json::to_value(kind).unwrap(),
                serde_json::json!(kind.name())
            );
        }
    }

    #[test]
    fn an_excused_attribute_is_no_reason() {
        let mut findings = Findings {
            unmentioned: vec!["Fit".into(), "Fabric".into()],
            missing_values: vec!["Slim Fit".into(), "Cotton".into()],
            ..Findings::default()
        };
        findings.excuse("Fit");
        findings.excuse("Colour");
        assert_eq!(
            findings.reasons(),
            ["The text does not say that Fabric is \"Cotton\": work it in."]
        );
        findings.excuse("Fabric");
        assert!(findings.is_clean());
    }

    #[test]
    fn reasons_say_what_to_mend_once() {
        let span = Span { start: 0, end: 5 };
        let cheap = BannedWord {
            word: "cheap".into(),
            span,
        };
        let findings = Findings {
            unmentioned: vec!["Fabric".into()],
            missing_values: vec!["Cotton".into()],
            contradicted: vec![Contradiction {
                attribute: "Pattern".into(),
                given: "Striped".into(),
                said: "no stripes".into(),
                span,
            }],
            claims: vec![Claim {
                kind: ClaimKind::Origin,
                text: "made in Italy".into(),
                span,
            }],
            banned: vec![cheap.clone(), cheap],
            ..Findings::default()
        };
        assert_eq!(
            findings.reasons(),
            [
                "The text does not say that Fabric is \"Cotton\": work it in.",
                "\"no stripes\" contradicts that Pattern is \"Striped\": say what is known instead.",
                "\"made in Italy\" claims an origin or making that is not known: leave it out.",
                "The word \"cheap\" must not be used: say it otherwise.",
            ]
        );
        assert_eq!(findings.banned_words(), ["cheap"]);
        assert!(!findings.is_clean());
        assert!(Findings::default().is_clean());
    }
}
