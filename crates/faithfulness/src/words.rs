//! One key for the forms of a word: "sleeves", "sleeved" and "sleeve".

use crate::lexicon::Inflection;
use crate::quick_hash::{QuickMap, QuickSet};

/// The inflection of a language.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// Irregular forms and other spellings, each with its key.
    forms: QuickMap<String, String>,
    /// Endings of plurals and what stands there in the singular, longest first.
    endings: Vec<(String, String)>,
    /// Endings that only look like a plural's.
    keep: Vec<String>,
    /// The least number of characters before an ending.
    shortest: usize,
    /// The ending that makes an adjective of a noun ("pleat", "pleated").
    adjective: Option<String>,
    /// Words whose adjective means something else ("fit", "fitted").
    distinct: QuickSet<String>,
    /// The second parts at which a compound may be split.
    tails: Vec<String>,
    /// Keys that may be a compound's first part.
    vocabulary: QuickSet<String>,
    /// Words that end a noun phrase.
    stops: QuickSet<String>,
    /// The place of each of the lexicon's groups by its name.
    groups: QuickMap<String, usize>,
}

impl Words {
    pub fn new(inflection: &Inflection, stops: &[String]) -> Words {
        let mut endings = inflection.endings.clone();
        endings.sort_by_key(|(ending, _)| std::cmp::Reverse(ending.len()));
        let forms = inflection.forms.iter();
        Words {
            forms: forms
                .flat_map(|(key, forms)| forms.iter().map(|form| (form.clone(), key.clone())))
                .collect(),
            endings,
            keep: inflection.keep.clone(),
            shortest: inflection.shortest,
            adjective: inflection.adjective.clone(),
            distinct: inflection.distinct.iter().cloned().collect(),
            tails: inflection.tails.clone(),
            vocabulary: QuickSet::default(),
            stops: stops.iter().cloned().collect(),
            groups: QuickMap::default(),
        }
    }

    /// The same, with the lexicon's groups of words.
    pub fn with_groups<'a>(mut self, names: impl Iterator<Item = &'a String>) -> Words {
        let places = names.cloned().enumerate();
        self.groups = places.map(|(place, name)| (name, place)).collect();
        self
    }

    /// The place of the lexicon's group of this name, if it has one.
    pub fn group(&self, name: &str) -> Option<usize> {
        self.groups.get(name).copied()
    }

    /// The key of a word in lower case.
    pub fn key(&self, word: &str) -> String {
        if let Some(key) = self.forms.get(word) {
            return key.clone();
        }
        let singular = self.singular(word);
        match self.forms.get(&singular) {
            Some(key) => key.clone(),
            None => singular,
        }
    }

    /// The word without a plural's ending.
    pub fn singular(&self, word: &str) -> String {
        if self.keep.iter().any(|ending| word.ends_with(ending)) {
            return word.to_owned();
        }
        for (ending, instead) in &self.endings {
            if let Some(stem) = word.strip_suffix(ending.as_str())
                && stem.chars().count() >= self.shortest
            {
                return format!("{stem}{instead}");
            }
        }
        word.to_owned()
    }

    /// Keys that mean the same as `key` for a value that the lexicon does not
    /// know: the adjective of a noun and the noun of an adjective.
    pub fn relatives(&self, key: &str) -> Vec<String> {
        let Some(ending) = &self.adjective else {
            return Vec::new();
        };
        let long_enough = |text: &str| text.chars().count() > self.shortest;
        if self.distinct.contains(key) || !long_enough(key) {
            return Vec::new();
        }
        let vowel = ending.chars().next();
        let mut relatives = Vec::new();
        if let Some(stem) = key.strip_suffix(ending.as_str()) {
            if long_enough(stem) {
                relatives.push(stem.to_owned());
                relatives.extend(vowel.map(|vowel| format!("{stem}{vowel}")));
                let mut letters = stem.chars().rev();
                if let (Some(last), Some(before)) = (letters.next(), letters.next())
                    && last == before
                {
                    relatives.push(stem[..stem.len() - last.len_utf8()].to_owned());
                }
            }
        } else if vowel.is_some_and(|vowel| key.ends_with(vowel)) {
            let rest: String = ending.chars().skip(1).collect();
            relatives.push(format!("{key}{rest}"));
        } else {
            relatives.push(format!("{key}{ending}"));
            relatives.extend(
                key.chars()
                    .next_back()
                    .map(|last| format!("{key}{last}{ending}")),
            );
        }
        relatives.retain(|relative| !self.distinct.contains(relative));
        relatives
    }

    /// Makes `key` one that a compound may begin with.
    pub fn learn(&mut self, key: &str) {
        if !self.vocabulary.contains(key) {
            self.vocabulary.insert(key.to_owned());
        }
    }

    /// Whether a phrase of the lexicon or of the set has a word with this key.
    pub fn is_known(&self, key: &str) -> bool {
        self.vocabulary.contains(key)
    }

    /// Where a compound of known words falls apart ("crew|neck"), in bytes.
    pub fn seam(&self, word: &str) -> Option<usize> {
        let seam = self.tails.iter().find_map(|tail| {
            let head = word.strip_suffix(tail.as_str())?;
            self.vocabulary
                .contains(&self.key(head))
                .then_some(head.len())
        })?;
        // Few words get as far as this.
        (!self.vocabulary.contains(&self.key(word))).then_some(seam)
    }

    /// Whether the word ends a noun phrase: an article, a preposition, a verb.
    pub fn is_stop(&self, word: &str) -> bool {
        self.stops.contains(word)
    }
}

#[cfg(test)]
mod tests {
    use crate::lexicon::Lexicon;

    use super::Words;

    fn english() -> Words {
        let lexicon = Lexicon::english();
        Words::new(&lexicon.inflection, &lexicon.structure.stops)
    }

    #[test]
    fn forms_of_a_word_have_one_key() {
        let words = english();
        for forms in [
            &["stripe", "stripes", "striped", "stripy", "stripped"][..],
            &["sleeve", "sleeves", "sleeved"],
            &["collar", "collars", "collared"],
            &["neck", "necks", "necked", "neckline", "necklines"],
            &["colour", "color", "colours", "coloured", "colored"],
            &["grey", "gray"],
            &["dress", "dresses"],
            &["berry", "berries"],
        ] {
            for form in forms {
                assert_eq!(words.key(form), words.key(forms[0]), "{form}");
            }
        }
    }

    #[test]
    fn words_that_differ_stay_apart() {
        let words = english();
        for (one, other) in [
            ("fit", "fitted"),
            ("wash", "washed"),
            ("long", "longer"),
            ("silk", "silky"),
            ("cheap", "cheaply"),
            ("this", "thi"),
        ] {
            assert_ne!(words.key(one), words.key(other));
        }
    }

    #[test]
    fn a_value_that_nobody_knows_is_inflected() {
        let words = english();
        assert!(words.relatives("pleated").contains(&"pleat".to_owned()));
        assert!(words.relatives("pleat").contains(&"pleated".to_owned()));
        assert!(words.relatives("ruffle").contains(&"ruffled".to_owned()));
        assert!(words.relatives("zipped").contains(&"zip".to_owned()));
        assert!(words.relatives("fit").is_empty());
        assert!(words.relatives("ärmel").iter().all(|word| !word.is_empty()));
    }

    #[test]
    fn compounds_fall_apart_at_known_words() {
        let mut words = english();
        words.learn("crew");
        words.learn("v");
        assert_eq!(words.seam("crewneck"), Some(4));
        assert_eq!(words.seam("vneck"), Some(1));
        assert_eq!(words.seam("bottleneck"), None);
        assert_eq!(words.seam("neck"), None);
    }
}
