//! Products that have to stay together: the same style, or the same photograph.

use std::collections::HashMap;
use std::hash::Hash;

use attributes::{AttributeSet, fold};
use serde::Serialize;

use crate::clean::CleanProduct;
use crate::source::COLOUR_FIELD;

/// A number of an article that is shorter without its colour says too little.
const SHORTEST_ARTICLE: usize = 4;

/// Why products are in one group: how many links of each kind there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Links {
    /// The shop lists one as another colour of the other.
    pub listed_colours: u64,
    /// Equal brand and article number, colours aside.
    pub equal_articles: u64,
    /// Equal in the table's column of styles.
    pub equal_styles: u64,
    /// Near-identical photographs.
    pub similar_photos: u64,
}

/// The groups, and what links their members.
#[derive(Debug)]
pub(crate) struct Groups {
    /// The members of each group by their places, in ascending order; groups in
    /// the order of their first members. Most have one member.
    pub members: Vec<Vec<usize>>,
    pub links: Links,
}

/// Joins products. The colours of `set` are left out of article numbers; `similar`
/// are pairs of places with near-identical photos.
pub(crate) fn join(
    set: &AttributeSet,
    products: &[CleanProduct],
    similar: &[(usize, usize)],
) -> Groups {
    let mut forest = Forest::of(products.len());
    let mut links = Links::default();
    let places: HashMap<&str, usize> = products
        .iter()
        .zip(0..)
        .map(|(product, place)| (product.entry.id.as_str(), place))
        .collect();
    for (place, product) in products.iter().enumerate() {
        for sibling in &product.entry.siblings {
            if let Some(&other) = places.get(sibling.as_str()) {
                links.listed_colours += u64::from(forest.unite(place, other));
            }
        }
    }
    let stems = Stems::of(set);
    links.equal_articles = forest.unite_equal(products, |product| {
        let (brand, article) = product.entry.article.as_ref()?;
        Some((fold(brand), stems.stem(article)?))
    });
    links.equal_styles = forest.unite_equal(products, |product| product.entry.style.clone());
    for &(a, b) in similar {
        links.similar_photos += u64::from(forest.unite(a, b));
    }
    Groups {
        members: forest.trees(),
        links,
    }
}

/// Takes colours out of article numbers ("MM-110 Navy Blue").
struct Stems {
    /// Folded names of colours, long ones first.
    colours: Vec<String>,
}

impl Stems {
    fn of(set: &AttributeSet) -> Stems {
        let values = set.attribute(COLOUR_FIELD).map(|colour| &colour.values);
        let mut colours: Vec<String> = values
            .into_iter()
            .flatten()
            .map(|value| fold(&value.name))
            .filter(|colour| colour.len() >= 3)
            .collect();
        colours.sort_by_key(|colour| std::cmp::Reverse(colour.len()));
        Stems { colours }
    }

    /// Letters and digits without colours; `None` where little or no digit is
    /// left.
    fn stem(&self, article: &str) -> Option<String> {
        let mut stem: String = fold(article)
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect();
        for colour in &self.colours {
            if stem.contains(colour.as_str()) {
                stem = stem.replace(colour.as_str(), "");
            }
        }
        let tells = stem.len() >= SHORTEST_ARTICLE && stem.chars().any(|c| c.is_ascii_digit());
        tells.then_some(stem)
    }
}

/// Disjoint sets (union by the smaller place, with path halving).
struct Forest {
    parents: Vec<usize>,
}

impl Forest {
    fn of(count: usize) -> Forest {
        Forest {
            parents: (0..count).collect(),
        }
    }

    fn root(&mut self, mut place: usize) -> usize {
        while self.parents[place] != place {
            self.parents[place] = self.parents[self.parents[place]];
            place = self.parents[place];
        }
        place
    }

    /// Whether they were apart.
    fn unite(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
        a != b
    }

    /// Unites products with equal keys; returns how many were apart.
    fn unite_equal<K: Hash + Eq>(
        &mut self,
        products: &[CleanProduct],
        key: impl Fn(&CleanProduct) -> Option<K>,
    ) -> u64 {
        let mut firsts: HashMap<K, usize> = HashMap::new();
        let mut united = 0;
        for (place, product) in products.iter().enumerate() {
            if let Some(key) = key(product) {
                let first = *firsts.entry(key).or_insert(place);
                united += u64::from(self.unite(first, place));
            }
        }
        united
    }

    fn trees(mut self) -> Vec<Vec<usize>> {
        let mut trees = vec![Vec::new(); self.parents.len()];
        for place in 0..self.parents.len() {
            let root = self.root(place);
            trees[root].push(place);
        }
        trees.retain(|tree| !tree.is_empty());
        trees
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Entry;

    fn product(id: &str, siblings: &[&str], article: Option<(&str, &str)>) -> CleanProduct {
        CleanProduct {
            without_value: Vec::new(),
            entry: Entry {
                id: id.to_owned(),
                title: String::new(),
                category: String::new(),
                facts: Vec::new(),
                siblings: siblings.iter().map(|&id| id.to_owned()).collect(),
                style: None,
                article: article.map(|(brand, number)| (brand.to_owned(), number.to_owned())),
                photo: id.into(),
            },
            category: "shirt".to_owned(),
            values: Vec::new(),
        }
    }

    #[test]
    fn whatever_links_products_puts_them_into_one_group() {
        let mut products = vec![
            product("1", &["3", "99"], None),
            product("2", &[], Some(("Mango", "MM-110 Navy Blue"))),
            product("3", &[], None),
            product("4", &[], Some(("MANGO", "MM-110  Charcoal"))),
            product("5", &[], Some(("Other", "MM-110"))),
            product("6", &[], Some(("Other", "Blue"))),
            product("7", &[], Some(("Other", "Red"))),
            product("8", &["1"], None),
        ];
        products[6].entry.style = Some("S".to_owned());
        products[7].entry.style = Some("S".to_owned());
        let groups = join(&AttributeSet::embedded(), &products, &[(3, 5)]);
        assert_eq!(groups.members, [vec![0, 2, 6, 7], vec![1, 3, 5], vec![4]]);
        let links = Links {
            listed_colours: 2,
            equal_articles: 1,
            equal_styles: 1,
            similar_photos: 1,
        };
        assert_eq!(groups.links, links);
    }

    #[test]
    fn the_colour_may_have_any_name_in_the_set() {
        let set = AttributeSet::parse(
            "[[attribute]]\nname = \"Shade\"\naliases = [\"baseColour\"]\n\
             values = [{ name = \"Plum\" }, { name = \"Moss\" }]\n",
        )
        .unwrap();
        let products = [
            product("1", &[], Some(("Mango", "MM-110 Plum"))),
            product("2", &[], Some(("Mango", "MM-110 Moss"))),
        ];
        let groups = join(&set, &products, &[]);
        assert_eq!(groups.members, [vec![0, 1]]);
    }
}
