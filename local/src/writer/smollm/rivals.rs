//! Words that exclude each other.

use crate::writer::product::{ProductAttribute, folded_words};

/// Words of which a product has one, so that another is a contradiction. Where a head is given
/// a word counts only before it ("short sleeves", not "short walks").
struct Rivals {
    head: Option<&'static [&'static str]>,
    words: &'static [&'static str],
    /// Whether a word of the group is wrong even where no attribute is of the group: a product
    /// of unknown fabric is not to be called woollen.
    always: bool,
}

const RIVALS: [Rivals; 6] = [
    Rivals {
        head: None,
        words: &[
            "cotton",
            "polyester",
            "silk",
            "wool",
            "woollen",
            "linen",
            "denim",
            "viscose",
            "rayon",
            "nylon",
            "leather",
            "satin",
            "velvet",
            "chiffon",
            "georgette",
            "lace",
            "cashmere",
        ],
        always: true,
    },
    Rivals {
        head: None,
        words: &[
            "black", "white", "blue", "red", "green", "yellow", "pink", "purple", "orange",
            "brown", "grey", "gray", "beige", "maroon", "navy", "gold", "golden", "silver", "teal",
            "olive", "cream", "crimson", "indigo",
        ],
        always: true,
    },
    Rivals {
        head: None,
        words: &[
            "solid",
            "striped",
            "stripes",
            "checked",
            "plaid",
            "printed",
            "floral",
            "embroidered",
            "paisley",
            "polka",
        ],
        always: true,
    },
    Rivals {
        head: Some(&["sleeve", "sleevee"]),
        words: &[
            "short", "long", "half", "quarter", "puff", "roll", "rolled", "cap",
        ],
        always: true,
    },
    Rivals {
        head: Some(&["fit"]),
        words: &[
            "regular", "slim", "loose", "relaxed", "boxy", "tailored", "snug", "tight",
        ],
        always: true,
    },
    Rivals {
        head: Some(&["neck", "collar", "neckline"]),
        words: &[
            "round", "v", "crew", "polo", "mandarin", "spread", "high", "boat", "scoop", "square",
            "button", "hooded", "cutaway", "band",
        ],
        always: false,
    },
];

/// Words of a sentence that contradict the attributes of the product or claim unknown ones.
pub(super) fn contradictions(words: &[String], all: &[ProductAttribute]) -> Vec<String> {
    let known: Vec<String> = all
        .iter()
        .flat_map(|attribute| folded_words(&attribute.value))
        .collect();
    let mut found = Vec::new();
    for rivals in &RIVALS {
        let group: Vec<String> = rivals
            .words
            .iter()
            .flat_map(|word| folded_words(word))
            .collect();
        if !rivals.always && !known.iter().any(|word| group.contains(word)) {
            continue;
        }
        for (index, word) in words.iter().enumerate() {
            let counts = rivals.head.is_none_or(|heads| {
                words
                    .get(index + 1)
                    .is_some_and(|next| heads.contains(&next.as_str()))
            });
            if counts && group.contains(word) && !known.contains(word) {
                found.push(word.clone());
            }
        }
    }
    found
}
