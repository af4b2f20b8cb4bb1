//! Answers that take no language model: what a model has to be better than.

use std::collections::BTreeMap;

use super::data::{Row, TestSet};
use super::judged::{Judged, Said};

/// What training says about the attributes of an evaluation.
pub struct Baselines<'a> {
    test: &'a TestSet,
    /// Rows with a known value, each with its attribute among the test's.
    rows: Vec<(usize, &'a Row)>,
}

/// A training product with its features.
pub struct Neighbour<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its mean image features, of length 1.
    pub features: Vec<f32>,
}

impl<'a> Baselines<'a> {
    /// Those of the training rows. `name_of` gives the name of a row's attribute.
    pub fn new(
        test: &'a TestSet,
        rows: &'a [Row],
        name_of: impl Fn(&Row) -> &'a str,
    ) -> Baselines<'a> {
        let place = |row: &'a Row| {
            let name = name_of(row);
            let place = test.attributes.iter().position(|known| known == name)?;
            row.truth.is_some().then_some((place, row))
        };
        Baselines {
            test,
            rows: rows.iter().filter_map(place).collect(),
        }
    }

    /// The most frequent training value of each attribute; its share is the
    /// confidence.
    #[must_use]
    pub fn constant(&self) -> Vec<Option<Judged>> {
        let constants = self.most_frequent(|attribute, _| attribute);
        let answer = |item: &super::data::Item| constants.get(&item.attribute).cloned();
        self.test.items.iter().map(answer).collect()
    }

    /// The most frequent training value among answers to the very same
    /// question, which names the kind of garment; of the attribute where
    /// training does not ask it.
    #[must_use]
    pub fn constant_by_question(&self) -> Vec<Option<Judged>> {
        let by_attribute = self.most_frequent(|attribute, _| attribute);
        let by_question = self.most_frequent(|attribute, row| (attribute, row.question.clone()));
        let answer = |item: &super::data::Item| {
            by_question
                .get(&(item.attribute, item.question.clone()))
                .or_else(|| by_attribute.get(&item.attribute))
                .cloned()
        };
        self.test.items.iter().map(answer).collect()
    }

    /// The value that most of the `k` nearest training products have which
    /// have the attribute, by the cosine of their features; their share is the
    /// confidence, and the nearest one decides between equally frequent values.
    /// `features` are those of the test's products; nothing where there are none.
    #[must_use]
    pub fn nearest_neighbours(
        &self,
        features: &BTreeMap<usize, Vec<f32>>,
        neighbours: &[Neighbour<'_>],
        k: usize,
    ) -> Vec<Option<Judged>> {
        let value_of = self.values_by_product();
        let mut answers = vec![None; self.test.items.len()];
        for (product, items) in self.test.items_by_product().into_iter().enumerate() {
            let Some(features) = features.get(&product) else {
                continue;
            };
            let mut by_distance: Vec<(f32, &str)> = neighbours
                .iter()
                .map(|neighbour| (dot(features, &neighbour.features), neighbour.id))
                .collect();
            by_distance.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
            for item in items {
                let attribute = self.test.items[item].attribute;
                let votes = by_distance
                    .iter()
                    .filter_map(|(_, id)| value_of.get(&(attribute, *id)).copied())
                    .take(k);
                answers[item] = majority(votes);
            }
        }
        answers
    }

    /// The training products that have a value of any of the attributes.
    #[must_use]
    pub fn products(&self) -> Vec<&'a str> {
        let mut ids: Vec<&str> = self.rows.iter().map(|(_, row)| row.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn values_by_product(&self) -> BTreeMap<(usize, &'a str), &'a str> {
        let value = |(attribute, row): &(usize, &'a Row)| {
            Some(((*attribute, row.id.as_str()), row.truth.as_deref()?))
        };
        self.rows.iter().filter_map(value).collect()
    }

    fn most_frequent<K: Ord>(&self, key: impl Fn(usize, &Row) -> K) -> BTreeMap<K, Judged> {
        let mut values: BTreeMap<K, Vec<&str>> = BTreeMap::new();
        for (attribute, row) in &self.rows {
            let of_key = values.entry(key(*attribute, row)).or_default();
            of_key.extend(row.truth.as_deref());
        }
        values
            .into_iter()
            .filter_map(|(key, mut values)| {
                // So that the first in the alphabet wins among equals.
                values.sort_unstable();
                Some((key, majority(values.into_iter())?))
            })
            .collect()
    }
}

/// The most frequent of some values, the one that comes first among equals.
fn majority<'a>(values: impl Iterator<Item = &'a str>) -> Option<Judged> {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut total = 0_u64;
    for value in values {
        let place = *places.entry(value).or_insert_with(|| {
            counts.push((value, 0));
            counts.len() - 1
        });
        counts[place].1 += 1;
        total += 1;
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    let (value, count) = counts.into_iter().find(|(_, count)| *count == most)?;
    Some(Judged {
        said: Said::Value(value.to_owned()),
        confidence: count as f64 / total as f64,
    })
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::super::data::Item;
    use super::*;

    fn row(id: &str, question: &str, truth: Option<&str>) -> Row {
        Row {
            id: id.to_owned(),
            attribute: 0,
            question: question.to_owned(),
            truth: truth.map(str::to_owned),
            answer: String::new(),
        }
    }

    fn test_set(questions: &[(usize, &str)]) -> TestSet {
        TestSet {
            products: vec!["x".to_owned(), "y".to_owned()],
            attributes: vec!["Fabric".to_owned()],
            items: questions
                .iter()
                .map(|&(product, question)| Item {
                    product,
                    attribute: 0,
                    question: question.to_owned(),
                    truth: None,
                })
                .collect(),
        }
    }

    fn answer(judged: &Option<Judged>) -> Option<(&str, f64)> {
        judged
            .as_ref()
            .map(|judged| (judged.said.label(), judged.confidence))
    }

    #[test]
    fn the_constant_is_the_most_frequent_value_of_attribute_or_question() {
        let rows = [
            row("1", "shirt?", Some("Cotton")),
            row("2", "shirt?", Some("Cotton")),
            row("3", "top?", Some("Silk")),
            row("4", "top?", None),
            row("5", "shirt?", Some("Linen")),
        ];
        let test = test_set(&[(0, "top?"), (0, "dress?")]);
        let baselines = Baselines::new(&test, &rows, |_| "Fabric");
        for judged in baselines.constant() {
            assert_eq!(answer(&judged), Some(("Cotton", 0.5)));
        }
        let by_question = baselines.constant_by_question();
        assert_eq!(answer(&by_question[0]), Some(("Silk", 1.0)));
        assert_eq!(answer(&by_question[1]), Some(("Cotton", 0.5)));
        assert_eq!(baselines.products(), ["1", "2", "3", "5"]);
        let other = Baselines::new(&test, &rows, |_| "Neck");
        assert_eq!(other.constant(), [None, None]);
    }

    #[test]
    fn the_nearest_products_vote_and_the_nearest_breaks_ties() {
        let rows = [
            row("1", "?", Some("Cotton")),
            row("2", "?", Some("Silk")),
            row("3", "?", Some("Silk")),
            row("4", "?", None),
            row("5", "?", Some("Linen")),
        ];
        let test = test_set(&[(0, "?"), (1, "?")]);
        let baselines = Baselines::new(&test, &rows, |_| "Fabric");
        let neighbour = |id, x: f32, y: f32| Neighbour {
            id,
            features: vec![x, y],
        };
        let neighbours = [
            neighbour("1", 1.0, 0.0),
            neighbour("2", 0.8, 0.6),
            neighbour("3", 0.6, 0.8),
            neighbour("4", 1.0, 0.0),
            neighbour("5", -1.0, 0.0),
        ];
        let features = BTreeMap::from([(0, vec![1.0, 0.0])]);
        let vote = |k| baselines.nearest_neighbours(&features, &neighbours, k);
        assert_eq!(answer(&vote(1)[0]), Some(("Cotton", 1.0)));
        assert_eq!(answer(&vote(2)[0]), Some(("Cotton", 0.5)));
        assert_eq!(answer(&vote(3)[0]), Some(("Silk", 2.0 / 3.0)));
        assert_eq!(answer(&vote(9)[0]), Some(("Silk", 0.5)));
        // The other product has no features.
        assert_eq!(vote(1)[1], None);
    }
}
