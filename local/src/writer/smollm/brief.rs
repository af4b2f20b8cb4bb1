//! From a request to small tasks, one a sentence.

use crate::writer::WritingRequest;
use crate::writer::product::{ProductAttribute, folded_words};

/// Garments that a request may be about; the first one that it names counts.
const GARMENTS: [&str; 24] = [
    "T-shirt",
    "shirt",
    "top",
    "kurta",
    "kurti",
    "tunic",
    "dress",
    "sweatshirt",
    "sweater",
    "jacket",
    "blazer",
    "jeans",
    "trousers",
    "track pants",
    "shorts",
    "skirt",
    "leggings",
    "saree",
    "coat",
    "vest",
    "cardigan",
    "jumpsuit",
    "suit",
    "sari",
];

/// Attributes in one sentence: more, and the model leaves some out.
const ATTRIBUTES_PER_SENTENCE: usize = 3;

/// One sentence to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    /// What the model is asked.
    pub(super) question: String,
    /// Beginnings of the answer; a further attempt takes the next one.
    pub(super) openings: Vec<String>,
    /// What the sentence must mention.
    pub(super) attributes: Vec<ProductAttribute>,
    /// A word that the sentence is better without.
    pub(super) unwanted: Option<String>,
}

/// A request for a product description, condensed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Brief {
    /// The opening of the request's system prompt.
    pub(super) system: String,
    /// All attributes of the product.
    pub(super) attributes: Vec<ProductAttribute>,
    garment: String,
    wishes: Wishes,
}

/// What a system prompt may ask for beyond the attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wishes {
    feel: bool,
    occasions: bool,
}

impl Brief {
    /// The brief of a request that names product attributes, `None` for any other.
    pub(super) fn of(request: &WritingRequest) -> Option<Self> {
        let attributes = request.attributes();
        if attributes.is_empty() {
            return None;
        }
        let asked = folded_words(&request.system);
        let asks_for =
            |words: &[&str]| words.iter().any(|word| asked.contains(&(*word).to_owned()));
        let garment = garment_in(&request.system)
            .or_else(|| garment_in(request.question()))
            .unwrap_or("garment");
        Some(Self {
            system: opening_sentences(&request.system, 2),
            attributes,
            garment: garment.to_owned(),
            wishes: Wishes {
                feel: asks_for(&["feel", "move", "inspire", "inspiring"]),
                occasions: asks_for(&["occasion", "season", "wear", "customer"]),
            },
        })
    }

    /// The attributes by sentence: first those that stand before the garment.
    pub(super) fn attribute_groups(&self) -> Vec<Vec<ProductAttribute>> {
        let (before, after): (Vec<_>, Vec<_>) = self
            .attributes
            .iter()
            .cloned()
            .partition(ProductAttribute::is_adjective);
        [before, after]
            .iter()
            .flat_map(|attributes| even_chunks(attributes))
            .map(<[ProductAttribute]>::to_vec)
            .collect()
    }

    /// A sentence about some of the attributes, the first of the text or a later one.
    pub(super) fn attribute_task(&self, is_first: bool, attributes: &[ProductAttribute]) -> Task {
        let garment = &self.garment;
        let openings = if is_first {
            [
                "This".to_owned(),
                format!("This {garment} is"),
                format!("This {garment}"),
            ]
        } else {
            [
                "It has".to_owned(),
                format!("The {garment} has"),
                "It comes with".to_owned(),
            ]
        };
        self.task(attributes, &openings)
    }

    /// A sentence that begins with an attribute, for one that the model left out before.
    pub(super) fn opening_task(&self, attribute: &ProductAttribute) -> Task {
        let alone = std::slice::from_ref(attribute);
        let is_plural = attribute.value.ends_with('s') && !attribute.value.ends_with("ss");
        let (subject, verbs) = if attribute.is_adjective() {
            (described(&self.garment, alone), ["is", "looks", "adds"])
        } else if is_plural {
            (attribute.phrase(), ["are", "look", "add"])
        } else {
            (attribute.phrase(), ["is", "looks", "adds"])
        };
        self.task(alone, &verbs.map(|verb| format!("The {subject} {verb}")))
    }

    fn task(&self, attributes: &[ProductAttribute], openings: &[String]) -> Task {
        let product = with_article(&described(&self.garment, attributes));
        Task {
            question: format!("Write one sentence about {product}."),
            openings: openings.to_vec(),
            attributes: attributes.to_vec(),
            unwanted: None,
        }
    }

    /// The sentences that the system prompt asks for beyond the attributes.
    pub(super) fn closing_tasks(&self) -> Vec<Task> {
        let garment = &self.garment;
        let first = self.attributes.get(..1).unwrap_or_default();
        let product = with_article(&described(garment, first));
        let closing = |question: String, openings: [&str; 3]| Task {
            question,
            openings: openings.map(str::to_owned).to_vec(),
            attributes: Vec::new(),
            unwanted: Some(garment.clone()),
        };
        let mut tasks = Vec::new();
        if self.wishes.feel {
            tasks.push(closing(
                format!("Write one sentence about how comfortable {product} is."),
                ["It feels", "The fabric feels", "It moves"],
            ));
        }
        if self.wishes.occasions {
            tasks.push(closing(
                format!("Write one sentence about when to wear {product}."),
                [
                    "It is perfect for a",
                    "Wear it to",
                    "It is a great choice for",
                ],
            ));
        }
        tasks
    }
}

fn with_article(noun_phrase: &str) -> String {
    let article = if noun_phrase.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun_phrase}")
}

/// "blue striped cotton shirt with regular fit and long sleeves".
fn described(garment: &str, attributes: &[ProductAttribute]) -> String {
    let (before, after): (Vec<_>, Vec<_>) = attributes
        .iter()
        .partition(|attribute| attribute.is_adjective());
    // Attributes are listed by fabric, pattern and colour, a sentence has them the other way.
    let mut words: Vec<String> = before
        .iter()
        .rev()
        .map(|attribute| attribute.value.to_lowercase())
        .collect();
    words.push(garment.to_owned());
    let phrases: Vec<String> = after.iter().map(|attribute| attribute.phrase()).collect();
    if !phrases.is_empty() {
        words.push(format!("with {}", listed(&phrases)));
    }
    words.join(" ")
}

/// Chunks of at most [`ATTRIBUTES_PER_SENTENCE`] that differ in length by as little as can be.
fn even_chunks(attributes: &[ProductAttribute]) -> std::slice::Chunks<'_, ProductAttribute> {
    let sentences = attributes.len().div_ceil(ATTRIBUTES_PER_SENTENCE).max(1);
    attributes.chunks(attributes.len().div_ceil(sentences).max(1))
}

/// "a", "a and b", "a, b and c".
fn listed(phrases: &[String]) -> String {
    match phrases {
        [] => String::new(),
        [only] => only.clone(),
        [firsts @ .., last] => format!("{} and {last}", firsts.join(", ")),
    }
}

/// The garment that a text names first, where a longer name wins over one within it.
fn garment_in(text: &str) -> Option<&'static str> {
    let words = folded_words(text);
    GARMENTS
        .iter()
        .filter_map(|garment| {
            let name = folded_words(garment);
            let at = words
                .windows(name.len())
                .position(|window| window == name)?;
            Some((at, std::cmp::Reverse(name.len()), *garment))
        })
        .min()
        .map(|(_, _, garment)| garment)
}

fn opening_sentences(text: &str, count: usize) -> String {
    let first_paragraph = text.trim().lines().next().unwrap_or_default();
    let mut sentences = first_paragraph.split_inclusive(". ");
    sentences
        .by_ref()
        .take(count)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::{Speaker, Turn};

    fn request(system: &str, attributes: &str) -> WritingRequest {
        WritingRequest {
            system: system.to_owned(),
            turns: vec![Turn {
                speaker: Speaker::User,
                text: format!("<product_attributes>\n{attributes}</product_attributes>"),
            }],
            max_tokens: 400,
            temperature: 0.1,
            top_p: None,
            top_k: None,
            stop_sequences: Vec::new(),
        }
    }

    #[test]
    fn the_system_prompt_gives_the_garment_the_opening_and_the_wishes() {
        let system = "You write for a shop. You write about one T-shirt. Be kind.\n\
                      - Say how the fabric moves.";
        let brief = Brief::of(&request(system, "Fabric: Cotton\n")).unwrap();
        assert_eq!(
            brief.system,
            "You write for a shop. You write about one T-shirt."
        );
        assert_eq!(brief.garment, "T-shirt");
        assert_eq!(
            brief.wishes,
            Wishes {
                feel: true,
                occasions: false
            }
        );
    }

    #[test]
    fn attributes_are_spread_evenly_and_none_is_lost() {
        let attributes = "Fabric: Cotton\nFit: Slim Fit\nCollar: Polo\nNeck: V-Neck\n\
                          Sleeve Length: Long Sleeves\nColour: Red\n";
        let brief = Brief::of(&request("About a shirt.", attributes)).unwrap();
        let questions: Vec<String> = brief
            .attribute_groups()
            .iter()
            .map(|attributes| brief.attribute_task(true, attributes).question)
            .collect();
        assert_eq!(
            questions,
            [
                "Write one sentence about a red cotton shirt.",
                "Write one sentence about a shirt with slim fit and polo collar.",
                "Write one sentence about a shirt with v-neck and long sleeves.",
            ]
        );
    }

    #[test]
    fn a_request_without_attributes_has_no_brief() {
        let mut request = request("x", "Fabric: Cotton\n");
        request.turns[0].text = "Hello".to_owned();
        assert_eq!(Brief::of(&request), None);
    }
}
