//! Makes a [`Compiled`] of an attribute set and a lexicon.

use attributes::{Attribute, AttributeSet, Value, fold, folds_to};

use crate::compiled::{Attr, ClaimSense, Compiled, NounSense, ScopeSense, Sense, Strength, Val};
use crate::lexicon::{AttributeWords, Lexicon, ValueWords};
use crate::pattern::{self, Piece};
use crate::quick_hash::QuickSet;
use crate::roles::Roles;
use crate::trie::Trie;
use crate::words::Words;

impl Compiled {
    /// The form in which texts are read.
    pub fn new(set: &AttributeSet, lexicon: &Lexicon) -> Compiled {
        let words = lexicon.inflected();
        let mut compiled = Compiled {
            roles: Roles::new(lexicon, &words),
            words,
            ..Compiled::default()
        };
        let mut used = vec![false; lexicon.attributes.len()];
        for attribute in set.attributes() {
            let place = lexicon.attributes.iter().position(|words| {
                let mut names = words.names.iter();
                names.any(|name| attribute.is_called(name))
            });
            if let Some(used) = place.and_then(|place| used.get_mut(place)) {
                *used = true;
            }
            let words = place.and_then(|place| lexicon.attributes.get(place));
            compiled.add_attribute(Some(attribute), words, &lexicon.structure.common);
        }
        for (words, used) in lexicon.attributes.iter().zip(used) {
            if !used {
                compiled.add_attribute(None, Some(words), &lexicon.structure.common);
            }
        }
        for pattern in &lexicon.idioms {
            add(&mut compiled.senses, pattern, &compiled.words, Sense::Idiom);
        }
        compiled.add_nouns(lexicon);
        compiled.add_scopes_and_claims(lexicon);
        compiled
    }

    fn add_attribute(
        &mut self,
        attribute: Option<&Attribute>,
        words: Option<&AttributeWords>,
        common: &[String],
    ) {
        let place = self.attributes.len();
        let own_name = attribute.map(|attribute| attribute.name.clone());
        let first_name = words.and_then(|words| words.names.first().cloned());
        let name = own_name.or(first_name).unwrap_or_default();
        let attr = match (words, attribute) {
            (Some(words), _) => Attr {
                name,
                heads: self.keys(&words.heads),
                places: self.keys(&words.places),
                leads: self.keys(&words.leads),
                tones: self.keys(&words.tones),
                garment_is_head: words.garment_is_head,
                combines: words.combines,
                of_pattern: words.of_pattern,
                careful: words.careful,
                general_counts: words.general_counts,
                claim: words.claim,
            },
            (None, Some(attribute)) => Attr {
                name,
                heads: own_heads(attribute, &self.words),
                ..Attr::default()
            },
            (None, None) => return,
        };
        self.attributes.push(attr);

        let first_value = self.values.len();
        // The lexicon's values, each with the set's.
        let both: Vec<(&ValueWords, Option<&Value>)> = words
            .iter()
            .flat_map(|words| &words.values)
            .map(|known| {
                let own = attribute.and_then(|attribute| attribute.value(&known.name));
                (known, own)
            })
            .collect();
        for value in attribute.iter().flat_map(|attribute| &attribute.values) {
            let same = both.iter().find(|(_, own)| *own == Some(value));
            let known = same.map(|&(known, _)| known);
            let said = std::iter::once(&value.name).chain(&value.synonyms);
            self.add_set_value(place, said, known, common);
        }
        let Some(words) = words else { return };
        for (known, own) in both {
            if own.is_none() {
                self.add_set_value(place, std::iter::once(&known.name), Some(known), common);
            }
        }
        for known in &words.values {
            self.add_lexicon_value(place, attribute, known);
        }
        for other in &words.others {
            let id = self.values.len();
            let name = other.says.first().cloned().unwrap_or_default();
            self.values.push(Val {
                attribute: place,
                name,
                ..Val::default()
            });
            self.add_phrases(&other.says, id, Strength::Strong);
            self.add_phrases(&other.weak, id, Strength::Weak);
            self.relate(id, place, attribute, &[], &other.kin);
        }
        for name in &words.aside {
            let id = self.value_called(place, attribute, name);
            if let Some(value) = id.and_then(|id| self.values.get_mut(id)) {
                value.aside = true;
            }
        }
        for name in &words.sole {
            let id = self.value_called(place, attribute, name);
            if let Some(value) = id.and_then(|id| self.values.get_mut(id)) {
                value.sole = true;
            }
        }
        if words.claim.is_some() {
            self.learn_materials(words, first_value);
        }
    }

    fn keys(&self, list: &[String]) -> QuickSet<String> {
        list.iter().map(|word| self.words.key(word)).collect()
    }

    /// Adds a value by its name and synonyms; the first is its name.
    fn add_set_value<'a>(
        &mut self,
        attribute: usize,
        said: impl Iterator<Item = &'a String>,
        known: Option<&ValueWords>,
        common: &[String],
    ) {
        let id = self.values.len();
        let has = |list: &[String], word: &str| {
            let key = fold(word);
            list.iter().any(|own| folds_to(own, &key))
        };
        for (place, word) in said.enumerate() {
            if place == 0 {
                self.values.push(Val {
                    attribute,
                    name: word.clone(),
                    ..Val::default()
                });
            }
            if known.is_some_and(|known| has(&known.hints, word)) {
                continue;
            }
            let strength = match known {
                Some(known) if has(&known.weak, word) => Strength::Weak,
                None if has(common, word) => Strength::Weak,
                _ => Strength::Strong,
            };
            let pieces = pattern::phrase(word, &self.words);
            if known.is_none() {
                for relative in self.relatives(&pieces) {
                    self.add_phrase(&relative, Sense::Value(id, strength));
                }
            }
            self.add_phrase(&pieces, Sense::Value(id, strength));
        }
    }

    /// The phrase with its last word in other forms.
    fn relatives(&self, pieces: &[Piece]) -> Vec<Vec<Piece>> {
        let Some((Piece::Word(last), before)) = pieces.split_last() else {
            return Vec::new();
        };
        let relatives = self.words.relatives(last).into_iter();
        relatives
            .map(|word| {
                let mut phrase = before.to_vec();
                phrase.push(Piece::Word(word));
                phrase
            })
            .collect()
    }

    fn add_lexicon_value(
        &mut self,
        place: usize,
        attribute: Option<&Attribute>,
        known: &ValueWords,
    ) {
        let Some(id) = self.value_called(place, attribute, &known.name) else {
            return;
        };
        self.add_phrases(&known.says, id, Strength::Strong);
        self.add_phrases(&known.weak, id, Strength::Weak);
        for pattern in &known.hints {
            add(&mut self.hints, pattern, &self.words, id);
        }
        for pattern in &known.denies {
            add(&mut self.denials, pattern, &self.words, id);
        }
        self.relate(id, place, attribute, &known.general, &known.kin);
    }

    fn relate(
        &mut self,
        id: usize,
        place: usize,
        attribute: Option<&Attribute>,
        general: &[String],
        kin: &[String],
    ) {
        let ids = |names: &[String]| -> Vec<usize> {
            names
                .iter()
                .filter_map(|name| self.value_called(place, attribute, name))
                .collect()
        };
        let (general, kin_ids) = (ids(general), ids(kin));
        if let Some(value) = self.values.get_mut(id) {
            value.general = general;
            value.kin = kin_ids;
            value.kin_to_all = kin.iter().any(|name| name == "*");
        }
    }

    /// The value that the lexicon calls `name`; the set may call it otherwise.
    fn value_called(
        &self,
        place: usize,
        attribute: Option<&Attribute>,
        name: &str,
    ) -> Option<usize> {
        let own = attribute.and_then(|attribute| attribute.value(name));
        self.value_named(place, &fold(own.map_or(name, |value| &value.name)))
    }

    fn add_phrases(&mut self, patterns: &[String], value: usize, strength: Strength) {
        for pattern in patterns {
            // A lexicon's patterns were checked when it was read.
            let Ok(parts) = pattern::parts(pattern, &self.words) else {
                continue;
            };
            for piece in parts.iter().flatten().flatten() {
                self.learn(piece);
            }
            let sense = Sense::Value(value, strength);
            self.senses.add_pattern(&parts, &sense);
        }
    }

    fn add_phrase(&mut self, pieces: &[Piece], sense: Sense) {
        for piece in pieces {
            self.learn(piece);
        }
        self.senses.add(pieces, sense);
    }

    fn learn(&mut self, piece: &Piece) {
        if let Piece::Word(key) = piece {
            self.words.learn(key);
        }
    }

    /// The last words of materials' names are words for materials.
    fn learn_materials(&mut self, words: &AttributeWords, first_value: usize) {
        let names = self
            .values
            .iter()
            .skip(first_value)
            .map(|value| &value.name);
        let says = words.values.iter().flat_map(|value| value.says.iter());
        let others = words.others.iter().flat_map(|other| other.says.iter());
        let all = names.chain(says).chain(others);
        let keys: Vec<String> = all
            .filter(|text| !text.contains(' '))
            .flat_map(|text| text.split('|'))
            .filter_map(|text| pattern::phrase(text, &self.words).pop())
            .filter_map(word_of)
            .collect();
        self.roles.materials.extend(keys);
    }

    fn add_nouns(&mut self, lexicon: &Lexicon) {
        let structure = &lexicon.structure;
        let lists = [
            (&structure.parts, NounSense::Part),
            (&structure.things, NounSense::Thing),
            (&structure.generic, NounSense::Generic),
        ];
        for (patterns, sense) in lists {
            for pattern in patterns {
                add(&mut self.nouns, pattern, &self.words, sense);
            }
        }
        for (place, garment) in lexicon.garments.iter().enumerate() {
            for pattern in &garment.words {
                add(
                    &mut self.nouns,
                    pattern,
                    &self.words,
                    NounSense::Garment(place),
                );
            }
            let also = garment.also.iter().filter_map(|name| {
                lexicon
                    .garments
                    .iter()
                    .position(|other| other.name == *name)
            });
            self.garments
                .push(std::iter::once(place).chain(also).collect());
            self.garment_names.push(garment.name.clone());
        }
    }

    fn add_scopes_and_claims(&mut self, lexicon: &Lexicon) {
        for scope in &lexicon.scopes {
            for pattern in &scope.words {
                let sense = ScopeSense {
                    kind: scope.kind,
                    reach: scope.reach,
                };
                add(&mut self.scopes, pattern, &self.words, sense);
            }
        }
        for claim in &lexicon.claims {
            let says = ClaimSense::Claims(claim.kind);
            for pattern in &claim.says {
                add(&mut self.claims, pattern, &self.words, says);
            }
            for pattern in &claim.names {
                add(&mut self.names, pattern, &self.words, says);
            }
            let named = !claim.names.is_empty();
            let trie = if named {
                &mut self.names
            } else {
                &mut self.claims
            };
            for pattern in &claim.never {
                add(trie, pattern, &self.words, ClaimSense::Never);
            }
            let given_by = claim.given_by.iter().map(|name| fold(name)).collect();
            self.supports.push((claim.kind, given_by));
        }
    }
}

fn add<T: Clone + PartialEq>(trie: &mut Trie<T>, pattern: &str, words: &Words, sense: T) {
    // A lexicon's patterns were checked when it was read.
    if let Ok(parts) = pattern::parts(pattern, words) {
        trie.add_pattern(&parts, &sense);
    }
}

fn word_of(piece: Piece) -> Option<String> {
    match piece {
        Piece::Word(key) => Some(key),
        _ => None,
    }
}

/// The words of an attribute's names: "button" and "closure".
fn own_heads(attribute: &Attribute, words: &Words) -> QuickSet<String> {
    std::iter::once(&attribute.name)
        .chain(std::iter::once(&attribute.words))
        .chain(&attribute.aliases)
        .flat_map(|name| pattern::phrase(name, words))
        .filter_map(word_of)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiled::Relation;

    #[test]
    fn kinship_goes_from_fine_to_general() {
        let compiled = Compiled::new(&AttributeSet::embedded(), &Lexicon::english());
        let colour = compiled.attribute_named("colour").unwrap();
        let value = |name: &str| compiled.value_named(colour, &fold(name)).unwrap();
        let relation = |given, said| compiled.relation(value(given), value(said));
        assert_eq!(relation("Blue", "Blue"), Relation::Same);
        assert_eq!(relation("Blue", "Navy Blue"), Relation::Finer);
        assert_eq!(relation("Navy Blue", "Blue"), Relation::General);
        assert_eq!(relation("Multi", "Red"), Relation::Kin);
        assert_eq!(relation("Red", "Green"), Relation::Different);
    }

    #[test]
    fn a_set_that_lacks_fabric_still_knows_materials() {
        let set = AttributeSet::parse("[[attribute]]\nname = \"Closure\"\nvalues = [\"Zip\"]");
        let compiled = Compiled::new(&set.unwrap(), &Lexicon::english());
        assert!(compiled.attribute_named("fabric").is_some());
        assert!(compiled.roles.materials.contains("cotton"));
        let closure = compiled.attribute_named("closure").unwrap();
        assert!(compiled.attributes[closure].heads.contains("closure"));
    }
}
