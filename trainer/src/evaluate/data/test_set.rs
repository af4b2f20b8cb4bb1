//! The questions of an evaluation, product by product.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Result, ensure};
use attributes::AttributeSet;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use super::Row;

/// A question of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The place of its product.
    pub product: usize,
    /// The place of its attribute among those that are evaluated.
    pub attribute: usize,
    /// The bare question.
    pub question: String,
    /// The true value; none where the data say that there is none.
    pub truth: Option<String>,
}

/// The rows about the attributes `wanted` (all where none is named), of at most
/// `limit` products, which `seed` draws.
#[must_use]
pub fn chosen(
    mut rows: Vec<Row>,
    set: &AttributeSet,
    wanted: &[String],
    limit: Option<u64>,
    seed: u64,
) -> Vec<Row> {
    let name_of = |row: &Row| &set.attributes()[row.attribute].name;
    rows.retain(|row| wanted.is_empty() || wanted.contains(name_of(row)));
    if let Some(limit) = limit {
        let kept = draw(&rows, limit, seed);
        rows.retain(|row| kept.contains(row.id.as_str()));
    }
    rows
}

/// All questions of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestSet {
    /// The ids of the products, in the order of the files.
    pub products: Vec<String>,
    /// The names of the attributes that occur, in the order of the set.
    pub attributes: Vec<String>,
    /// The questions, all of a product together.
    pub items: Vec<Item>,
}

impl TestSet {
    /// The questions of `rows`, which are about the attributes `wanted` (about any
    /// where none is named).
    ///
    /// # Errors
    /// When there is none whose truth is known.
    pub fn new(rows: Vec<Row>, set: &AttributeSet, wanted: &[String]) -> Result<TestSet> {
        ensure!(
            rows.iter().any(|row| row.truth.is_some()),
            "there is no question with a known answer{}",
            if wanted.is_empty() {
                String::new()
            } else {
                format!(" about {}", wanted.join(", "))
            }
        );
        let places: BTreeSet<usize> = rows.iter().map(|row| row.attribute).collect();
        let attributes = places
            .iter()
            .map(|&place| set.attributes()[place].name.clone())
            .collect();
        let attribute_of: HashMap<usize, usize> = places.into_iter().zip(0..).collect();
        let mut products = Vec::new();
        let mut product_of: HashMap<String, usize> = HashMap::new();
        let mut items: Vec<Item> = rows
            .into_iter()
            .map(|row| Item {
                product: *product_of.entry(row.id).or_insert_with_key(|id| {
                    products.push(id.clone());
                    products.len() - 1
                }),
                attribute: attribute_of[&row.attribute],
                question: row.question,
                truth: row.truth,
            })
            .collect();
        items.sort_by_key(|item| item.product);
        Ok(TestSet {
            products,
            attributes,
            items,
        })
    }

    /// The places of the items of each product, in order.
    #[must_use]
    pub fn items_by_product(&self) -> Vec<Vec<usize>> {
        let mut places = vec![Vec::new(); self.products.len()];
        for (place, item) in self.items.iter().enumerate() {
            places[item.product].push(place);
        }
        places
    }
}

/// Some of the products, whatever their order in the file.
fn draw(rows: &[Row], limit: u64, seed: u64) -> BTreeSet<String> {
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let amount = usize::try_from(limit).unwrap_or(usize::MAX).min(ids.len());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    index::sample(&mut random, ids.len(), amount)
        .into_iter()
        .map(|place| ids[place].to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, attribute: usize, truth: Option<&str>) -> Row {
        Row {
            id: id.to_owned(),
            attribute,
            question: format!("{attribute}?"),
            truth: truth.map(str::to_owned),
            answer: String::new(),
        }
    }

    fn assemble(rows: Vec<Row>, wanted: &[&str], limit: Option<u64>) -> Result<TestSet> {
        let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
        let set = AttributeSet::embedded();
        TestSet::new(chosen(rows, &set, &wanted, limit, 1), &set, &wanted)
    }

    #[test]
    fn questions_are_gathered_by_product() {
        let rows = vec![
            row("b", 3, Some("Solid")),
            row("a", 0, None),
            row("b", 0, Some("Cotton")),
        ];
        let test = assemble(rows, &[], None).unwrap();
        assert_eq!(test.products, ["b", "a"]);
        assert_eq!(test.attributes, ["Fabric", "Pattern"]);
        assert_eq!(test.items_by_product(), [vec![0, 1], vec![2]]);
        assert_eq!(test.items[1].truth.as_deref(), Some("Cotton"));
        assert_eq!(test.items[2].truth, None);
    }

    #[test]
    fn attributes_and_products_can_be_chosen() {
        let rows: Vec<Row> = (0..20)
            .flat_map(|id| [0, 3].map(|place| row(&id.to_string(), place, Some("x"))))
            .collect();
        let test = assemble(rows.clone(), &["Pattern"], Some(5)).unwrap();
        assert_eq!((test.products.len(), test.items.len()), (5, 5));
        assert_eq!(test.attributes, ["Pattern"]);
        let mut reversed = rows.clone();
        reversed.reverse();
        let again = assemble(reversed, &["Pattern"], Some(5)).unwrap();
        let sorted = |test: &TestSet| test.products.iter().cloned().collect::<BTreeSet<_>>();
        assert_eq!(sorted(&again), sorted(&test));
        let error = assemble(rows, &["Neck"], None).unwrap_err().to_string();
        assert!(error.contains("Neck"), "{error}");
        assert!(assemble(vec![row("a", 0, None)], &[], None).is_err());
    }
}
