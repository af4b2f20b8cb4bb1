//! What is wrong with a sentence.

use super::brief::Task;
use super::rivals::contradictions;
use crate::writer::product::{ProductAttribute, folded_words};

/// Words that a description has no use for: the model speaks of itself or of the text, of
/// prices, sizes and brands, claims what nobody knows, or takes back what it said.
const OUT_OF_PLACE: [&str; 68] = [
    "i",
    "my",
    "me",
    "we",
    "our",
    "she",
    "he",
    "her",
    "his",
    "price",
    "size",
    "brand",
    "sentence",
    "description",
    "product",
    "waist",
    "pocket",
    "zipper",
    "wash",
    "washe",
    "machine",
    "dollar",
    "logo",
    "organic",
    "handmade",
    "hat",
    "shoe",
    "but",
    "not",
    "instead",
    "however",
    "unfortunately",
    "without",
    "website",
    "magazine",
    "decor",
    "eco",
    "recycle",
    "century",
    "decade",
    "designer",
    "famous",
    "customer",
    "hair",
    "face",
    "brim",
    "back",
    "front",
    "japanese",
    "skirt",
    "jean",
    "custom",
    "dot",
    "upper",
    "girlfriend",
    "heel",
    "foot",
    "feet",
    "worn",
    "vintage",
    "second",
    "don",
    "centurie",
    "history",
    "generation",
    "dye",
    "seam",
    "metal",
];

/// Longer sentences go astray, shorter ones say nothing.
const WORDS: std::ops::RangeInclusive<usize> = 6..=32;

/// What is wrong with a sentence; nothing, ideally.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// Attributes that it was to mention and does not.
    pub(super) missing: Vec<ProductAttribute>,
    /// Words that contradict an attribute or claim one that is not known.
    pub(super) contradictions: Vec<String>,
    /// Words, numbers and repetitions that are out of place.
    pub(super) blemishes: usize,
    /// It does not end.
    pub(super) unfinished: bool,
}

impl Faults {
    /// The faults of a sentence for `task`, in a text about a product with the attributes
    /// `all` that has the sentences `before` already.
    pub(super) fn of(
        sentence: &str,
        task: &Task,
        all: &[ProductAttribute],
        before: &[String],
    ) -> Self {
        let words = folded_words(sentence);
        let missing = task
            .attributes
            .iter()
            .filter(|attribute| !attribute.is_mentioned_in(sentence))
            .cloned()
            .collect();
        let unwanted: Vec<String> = task
            .unwanted
            .as_deref()
            .map(folded_words)
            .unwrap_or_default();
        let wrong_word = |word: &&String| {
            OUT_OF_PLACE.contains(&word.as_str())
                || word.contains(|c: char| c.is_ascii_digit())
                || unwanted.contains(word)
        };
        let strange = |c: char| !c.is_ascii() || "\"*#:;()[]<>$%".contains(c);
        Self {
            missing,
            contradictions: contradictions(&words, all),
            blemishes: words.iter().filter(wrong_word).count()
                + sentence.matches(strange).count()
                + sentence.matches("...").count()
                + names(sentence)
                + overused(&words)
                + usize::from(!WORDS.contains(&words.len()))
                + repetitions(&words, before),
            unfinished: !sentence.ends_with(['.', '!', '?']),
        }
    }

    /// Nothing is wrong.
    pub(super) fn none(&self) -> bool {
        self.badness() == 0
    }

    /// The sentence is not fit for the text, whatever it mentions.
    pub(super) fn disqualify(&self) -> bool {
        self.unfinished || !self.contradictions.is_empty() || self.blemishes > 0
    }

    /// The smaller the better.
    pub(super) fn badness(&self) -> usize {
        self.missing.len()
            + 4 * self.contradictions.len()
            + 4 * self.blemishes
            + 8 * usize::from(self.unfinished)
    }
}

/// Words with a capital within the sentence: names of people, places and houses of fashion,
/// all of them made up.
fn names(sentence: &str) -> usize {
    let capital = |word: &&str| word.starts_with(|c: char| c.is_uppercase()) && !word.contains('-');
    sentence.split_whitespace().skip(1).filter(capital).count()
}

/// Words of some length that the sentence uses three times.
fn overused(words: &[String]) -> usize {
    let times = |word: &String| words.iter().filter(|other| *other == word).count();
    words
        .iter()
        .filter(|word| word.len() > 3 && times(word) > 2)
        .count()
}

/// Six words in a row that the sentence says twice or that stand in the text already.
fn repetitions(words: &[String], before: &[String]) -> usize {
    const RUN: usize = 6;
    let earlier: Vec<Vec<String>> = before
        .iter()
        .map(|sentence| folded_words(sentence))
        .collect();
    words
        .windows(RUN)
        .enumerate()
        .filter(|(index, run)| {
            let again = words[index + 1..].windows(RUN).any(|other| other == *run);
            again
                || earlier
                    .iter()
                    .any(|said| said.windows(RUN).any(|other| other == *run))
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product() -> Vec<ProductAttribute> {
        [
            ("Fabric", "Cotton"),
            ("Sleeve Length", "Long Sleeves"),
            ("Colour", "Navy Blue"),
        ]
        .map(|(name, value)| ProductAttribute {
            name: name.to_owned(),
            value: value.to_owned(),
        })
        .to_vec()
    }

    fn task(attributes: &[ProductAttribute]) -> Task {
        Task {
            question: String::new(),
            openings: Vec::new(),
            attributes: attributes.to_vec(),
            unwanted: None,
        }
    }

    #[test]
    fn a_sentence_that_mentions_what_it_should_has_no_faults() {
        let sentence = "This navy blue shirt of cotton has long sleeves that keep you warm.";
        let faults = Faults::of(sentence, &task(&product()), &product(), &[]);
        assert!(faults.none(), "{faults:?}");
    }

    #[test]
    fn other_values_and_unknown_ones_are_contradictions() {
        let sentence = "This red shirt has short sleeves and a slim fit.";
        let faults = Faults::of(sentence, &task(&product()), &product(), &[]);
        assert_eq!(faults.contradictions, ["red", "short", "slim"]);
        assert_eq!(faults.missing.len(), 3);
        let harmless = "It is perfect for short walks on long days.";
        assert!(Faults::of(harmless, &task(&[]), &product(), &[]).none());
    }

    #[test]
    fn first_person_numbers_names_repetitions_and_open_ends_are_faults() {
        let faults =
            |sentence: &str, before: &[String]| Faults::of(sentence, &task(&[]), &[], before);
        assert!(faults("It is what I love to wear.", &[]).disqualify());
        assert!(faults("It is at least 18 inches long.", &[]).disqualify());
        assert!(faults("It was made by the House of Kent.", &[]).disqualify());
        assert!(faults("It is made with the softest", &[]).unfinished);
        let before = ["It is a classic piece of clothing for all.".to_owned()];
        assert!(faults("This is a classic piece of clothing.", &before).disqualify());
        assert!(faults("It is blue cloth, blue thread and blue yarn.", &[]).disqualify());
        assert!(faults("It feels light and soft all day.", &before).none());
    }

    #[test]
    fn a_word_that_a_task_does_not_want_is_a_fault() {
        let task = Task {
            unwanted: Some("shirt".to_owned()),
            ..task(&[])
        };
        assert!(Faults::of("It is perfect for a cotton shirt.", &task, &[], &[]).disqualify());
    }
}
