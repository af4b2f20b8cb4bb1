//! The values that answers are held to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use attributes::{Answer, Attribute, AttributeSet, parse_pair};

use super::Row;
use crate::json_members::Members;

/// A text that an answer may be held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The whole answer as the model writes it: "Fabric: Cotton".
    pub text: String,
    /// Its value by its name in the set.
    pub value: String,
}

/// The texts that answers about each attribute may be held to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// By attribute, in the order of the attributes that are evaluated.
    pub choices: Vec<Vec<Choice>>,
    /// Where the values come from, in words.
    pub source: String,
}

impl Vocabulary {
    /// The known values of a file's rows, each as the file writes it most
    /// often: a model that learnt "baseColour: Blue" is held to that. An attribute
    /// without a value among them has none.
    #[must_use]
    pub fn of_rows(
        rows: &[Row],
        attributes: &[String],
        set: &AttributeSet,
        source: String,
    ) -> Vocabulary {
        let mut texts: BTreeMap<(&str, &str), BTreeMap<&str, u64>> = BTreeMap::new();
        for row in rows {
            if let Some(truth) = &row.truth {
                let name = set.attributes()[row.attribute].name.as_str();
                let counts = texts.entry((name, truth)).or_default();
                *counts.entry(&row.answer).or_default() += 1;
            }
        }
        let choices_of = |attribute: &String| {
            texts
                .iter()
                .filter(|((name, _), _)| name == attribute)
                .filter_map(|((_, value), counts)| {
                    // The first of equally frequent ones.
                    let most = counts.values().max()?;
                    let (text, _) = counts.iter().find(|(_, count)| *count == most)?;
                    Some(Choice {
                        text: (*text).to_owned(),
                        value: (*value).to_owned(),
                    })
                })
                .collect()
        };
        Vocabulary {
            choices: attributes.iter().map(choices_of).collect(),
            source,
        }
    }

    /// The values of a JSON file, an array by attribute. An attribute that it lacks
    /// has none.
    ///
    /// # Errors
    /// When it can't be read or names what the set does not know.
    pub fn of_file(path: &Path, attributes: &[String], set: &AttributeSet) -> Result<Vocabulary> {
        let shown = path.display();
        let mut found = ByAttribute::default();
        for (name, values) in &read_values(path)? {
            let Some(attribute) = set.attribute(name) else {
                bail!("{shown}: {name:?} is no attribute of the set");
            };
            for value in values {
                let choice = choice(set, attribute, &attribute.name, value)
                    .with_context(|| format!("{shown}: {name}: {value:?}"))?;
                found.add(attribute, choice);
            }
        }
        Ok(found.vocabulary(path, attributes))
    }

    /// The values of a checkpoint's own file, in the words that it was taught: where
    /// that has "baseColour", answers are held to "baseColour: Blue". Where it has two
    /// names of one attribute, it is the one that answers of `rows` have. The file may
    /// know more than is asked: what the set does not know is left out.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn of_checkpoint(
        path: &Path,
        attributes: &[String],
        set: &AttributeSet,
        rows: &[Row],
    ) -> Result<Vocabulary> {
        let values = read_values(path)?;
        let names = rows.iter().filter_map(|row| parse_pair(&row.answer));
        let asked: BTreeSet<String> = names.map(|(name, _)| name).collect();
        let mut taught: Vec<(&String, &Vec<String>)> = values.iter().collect();
        taught.sort_by_key(|(name, _)| !asked.contains(*name));
        let mut found = ByAttribute::default();
        let mut name_of: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, values) in taught {
            let Some(attribute) = set.attribute(name) else {
                continue;
            };
            let name = *name_of.entry(&attribute.name).or_insert(name);
            let choices = values
                .iter()
                .map(|value| choice(set, attribute, name, value));
            for choice in choices.flatten() {
                found.add(attribute, choice);
            }
        }
        Ok(found.vocabulary(path, attributes))
    }

    /// The same, with the values of `other` for attributes that have none.
    #[must_use]
    pub fn or(mut self, other: Vocabulary, attributes: &[String]) -> Vocabulary {
        let was_empty = self.choices.iter().all(Vec::is_empty);
        let mut taken: Vec<&str> = Vec::new();
        let places = self.choices.iter_mut().zip(other.choices);
        for (name, (choices, of_other)) in attributes.iter().zip(places) {
            if choices.is_empty() && !of_other.is_empty() {
                *choices = of_other;
                taken.push(name);
            }
        }
        if was_empty {
            self.source = other.source;
        } else if !taken.is_empty() {
            let names = taken.join(" and ");
            self.source = format!("{}, and for {names} to {}", self.source, other.source);
        }
        self
    }

    /// Whether every attribute has a value.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.choices.iter().all(|choices| !choices.is_empty())
    }

    /// Whether answers about this attribute can have this value.
    #[must_use]
    pub fn knows(&self, attribute: usize, value: &str) -> bool {
        self.choices[attribute]
            .iter()
            .any(|choice| choice.value == value)
    }

    /// The same, if every attribute has a value.
    ///
    /// # Errors
    /// The first attribute that has none, and what to do about it.
    pub fn complete(self, attributes: &[String]) -> Result<Vocabulary> {
        for (name, choices) in attributes.iter().zip(&self.choices) {
            ensure!(
                !choices.is_empty(),
                "the vocabulary, {}, has no values of {name}: add them, give another with \
                 --vocabulary, or leave {name} out with --attributes",
                self.source
            );
        }
        Ok(self)
    }
}

/// Choices by the name of their attribute in the set, each value once.
#[derive(Default)]
struct ByAttribute<'a>(BTreeMap<&'a str, Vec<Choice>>);

impl<'a> ByAttribute<'a> {
    fn add(&mut self, attribute: &'a Attribute, choice: Choice) {
        let choices = self.0.entry(&attribute.name).or_default();
        if choices.iter().all(|known| known.value != choice.value) {
            choices.push(choice);
        }
    }

    fn vocabulary(mut self, path: &Path, attributes: &[String]) -> Vocabulary {
        let choices_of = |name: &String| self.0.remove(name.as_str()).unwrap_or_default();
        Vocabulary {
            choices: attributes.iter().map(choices_of).collect(),
            source: path.display().to_string(),
        }
    }
}

/// The values of a JSON file, by the names that it gives the attributes.
fn read_values(path: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let shown = path.display();
    let text = std::fs::read(path).with_context(|| format!("{shown} can't be read"))?;
    let Members(members) = serde_json::from_slice(&text)
        .with_context(|| format!("{shown} has to be {{\"Fabric\": [\"Cotton\", …], …}}"))?;
    let mut values = BTreeMap::new();
    for (name, of_attribute) in members {
        ensure!(
            !values.contains_key(&name),
            "{shown} has {name:?} more than once: put its values together"
        );
        values.insert(name, of_attribute);
    }
    Ok(values)
}

/// A value as an answer that gives the attribute this name.
fn choice(set: &AttributeSet, attribute: &Attribute, name: &str, value: &str) -> Result<Choice> {
    let text = format!("{name}: {value}");
    match set.interpret(attribute, &text) {
        Answer::Value(value) => Ok(Choice { text, value }),
        _ => bail!("it is no value of {}", attribute.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(attribute: usize, answer: &str, truth: Option<&str>) -> Row {
        Row {
            id: "1".to_owned(),
            attribute,
            question: "?".to_owned(),
            truth: truth.map(str::to_owned),
            answer: answer.to_owned(),
        }
    }

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    fn texts(vocabulary: &Vocabulary, attribute: usize) -> Vec<(&str, &str)> {
        vocabulary.choices[attribute]
            .iter()
            .map(|choice| (choice.text.as_str(), choice.value.as_str()))
            .collect()
    }

    #[test]
    fn a_value_is_written_as_the_file_writes_it_most_often() {
        let set = AttributeSet::embedded();
        let rows = [
            row(7, "baseColour: Blue", Some("Blue")),
            row(4, "Sleeve Length: Sleeveless", Some("Sleeveless")),
            row(4, "Sleeve Length: No Sleeves", Some("Sleeveless")),
            row(4, "Sleeve Length: No Sleeves", Some("Sleeveless")),
            row(4, "Sleeve Length: NA", None),
        ];
        let wanted = names(&["Sleeve Length", "Colour"]);
        let vocabulary = Vocabulary::of_rows(&rows, &wanted, &set, "train".to_owned());
        assert_eq!(
            texts(&vocabulary, 0),
            [("Sleeve Length: No Sleeves", "Sleeveless")]
        );
        assert_eq!(texts(&vocabulary, 1), [("baseColour: Blue", "Blue")]);
        assert!(vocabulary.knows(1, "Blue") && !vocabulary.knows(1, "Red"));
        let wanted = names(&["Fabric"]);
        let none = Vocabulary::of_rows(&rows, &wanted, &set, "train".to_owned());
        let error = none.complete(&wanted).unwrap_err();
        assert!(error.to_string().contains("no values of Fabric"), "{error}");
    }

    #[test]
    fn each_attribute_takes_its_values_from_the_first_that_has_any() {
        let set = AttributeSet::embedded();
        let wanted = names(&["Sleeve Length", "Colour"]);
        let of = |rows: &[Row], source: &str| {
            Vocabulary::of_rows(rows, &wanted, &set, source.to_owned())
        };
        let train = of(
            &[row(4, "Sleeve Length: Sleeveless", Some("Sleeveless"))],
            "the training",
        );
        let test = of(
            &[
                row(4, "Sleeve Length: Long Sleeves", Some("Long Sleeves")),
                row(7, "Colour: Blue", Some("Blue")),
            ],
            "the test",
        );
        assert!(!train.is_complete());
        let both = train.or(test.clone(), &wanted);
        assert_eq!(
            texts(&both, 0),
            [("Sleeve Length: Sleeveless", "Sleeveless")]
        );
        assert_eq!(texts(&both, 1), [("Colour: Blue", "Blue")]);
        assert_eq!(both.source, "the training, and for Colour to the test");
        let whole = of(&[], "nothing").or(test, &wanted);
        assert_eq!(whole.source, "the test");
        assert_eq!(whole.clone().or(both, &wanted), whole);
    }

    #[test]
    fn a_checkpoints_file_gives_the_words_that_it_was_taught_and_may_know_more() {
        let set = AttributeSet::embedded();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vocabulary.json");
        let wanted = names(&["Colour"]);
        let read = |text: &str, rows: &[Row]| {
            std::fs::write(&path, text).unwrap();
            Vocabulary::of_checkpoint(&path, &wanted, &set, rows).unwrap()
        };
        let asked = |answer: &str| [row(7, answer, Some("Red"))];
        // An attribute that the set lacks, and a value that is none.
        let taught = r#"{"Occasion": ["Casual"], "baseColour": ["Blue", "NA", "Red"]}"#;
        assert_eq!(
            texts(&read(taught, &asked("Colour: Red")), 0),
            [("baseColour: Blue", "Blue"), ("baseColour: Red", "Red")]
        );
        // Two names: that of the answers counts.
        let both = r#"{"Colour": ["Blue", "Pink"], "baseColour": ["Blue", "Red"]}"#;
        assert_eq!(
            texts(&read(both, &asked("Colour: Red")), 0),
            [
                ("Colour: Blue", "Blue"),
                ("Colour: Pink", "Pink"),
                ("Colour: Red", "Red"),
            ]
        );
        assert_eq!(
            texts(&read(both, &asked("baseColour: Red")), 0),
            [
                ("baseColour: Blue", "Blue"),
                ("baseColour: Red", "Red"),
                ("baseColour: Pink", "Pink"),
            ]
        );
    }

    #[test]
    fn a_file_gives_each_value_once() {
        let set = AttributeSet::embedded();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vocabulary.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let wanted = names(&["Sleeve Length"]);
            Vocabulary::of_file(&path, &wanted, &set)?.complete(&wanted)
        };
        let vocabulary =
            read(r#"{"Sleeves": ["No Sleeves", "Sleeveless", "Long Sleeves"], "Fit": []}"#)
                .unwrap();
        assert_eq!(
            texts(&vocabulary, 0),
            [
                ("Sleeve Length: No Sleeves", "Sleeveless"),
                ("Sleeve Length: Long Sleeves", "Long Sleeves"),
            ]
        );
        for (text, says) in [
            ("[]", "has to be"),
            (r#"{"Occasion": ["Casual"]}"#, "Occasion"),
            (r#"{"Sleeves": ["NA"]}"#, "no value"),
            (r#"{"Fit": ["Slim Fit"]}"#, "no values of Sleeve Length"),
            (
                r#"{"Sleeves": ["No Sleeves"], "Fit": [], "Sleeves": ["Long Sleeves"]}"#,
                "\"Sleeves\" more than once",
            ),
        ] {
            let error = format!("{:#}", read(text).unwrap_err());
            assert!(error.contains(says), "{error}");
        }
    }
}
