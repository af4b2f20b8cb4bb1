//! The product in a request: what stands between the `<product_attributes>` tags.

const OPEN: &str = "<product_attributes>";
const CLOSE: &str = "</product_attributes>";

/// One attribute of the product, for example Fabric: Cotton.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductAttribute {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The attributes in a text, in their order: one `Name: value` a line, or several on a line
/// with commas between them. Empty where the text has no such tags.
pub fn attributes_in(text: &str) -> Vec<ProductAttribute> {
    let Some((_, rest)) = text.split_once(OPEN) else {
        return Vec::new();
    };
    let inside = rest.split_once(CLOSE).map_or(rest, |(inside, _)| inside);
    let mut attributes: Vec<ProductAttribute> = Vec::new();
    for line in inside.lines() {
        let mut first_of_line = true;
        for piece in line.split(',') {
            match piece.split_once(':') {
                Some((name, value)) => attributes.push(ProductAttribute {
                    name: unescape(name.trim()),
                    value: unescape(value.trim()),
                }),
                // A comma within a value.
                None if !first_of_line => {
                    if let Some(last) = attributes.last_mut() {
                        last.value = format!("{}, {}", last.value, unescape(piece.trim()));
                    }
                }
                None => {}
            }
            first_of_line = false;
        }
    }
    attributes.retain(|attribute| !attribute.name.is_empty() && !attribute.value.is_empty());
    attributes
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

impl ProductAttribute {
    /// The attribute as it stands in a sentence: "regular fit", "cotton fabric". The name is
    /// left out where the value says it already.
    pub fn phrase(&self) -> String {
        let value = self.value.to_lowercase();
        let name = self.name.to_lowercase();
        let value_words = folded_words(&value);
        let says_name = |word: &String| value_words.iter().any(|value| value.starts_with(word));
        if folded_words(&name).iter().any(says_name) {
            value
        } else {
            format!("{value} {name}")
        }
    }

    /// Whether the value stands before the garment ("a striped shirt") rather than after it
    /// ("a shirt with a spread collar").
    pub fn is_adjective(&self) -> bool {
        const ADJECTIVES: [&str; 6] = ["fabric", "material", "pattern", "print", "colour", "color"];
        let is_sleeveless = self.value.ends_with("less") && !self.value.contains(' ');
        is_sleeveless
            || folded_words(&self.name)
                .iter()
                .any(|word| ADJECTIVES.contains(&word.as_str()))
    }

    /// Whether a text mentions the value, in whatever case and number: "long sleeve" and
    /// "long-sleeved" mention Long Sleeves.
    pub fn is_mentioned_in(&self, text: &str) -> bool {
        let wanted = folded_words(&self.value);
        !wanted.is_empty()
            && folded_words(text)
                .windows(wanted.len())
                .any(|words| words == wanted)
    }
}

/// The words of a text in lower case, without plural and participle endings.
pub(crate) fn folded_words(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            let word = word.to_lowercase();
            let stem = match word.len() {
                0..=3 => return word,
                _ => word.strip_suffix('s').unwrap_or(&word),
            };
            stem.strip_suffix("ed")
                .map_or_else(|| stem.to_owned(), |stem| format!("{stem}e"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, value: &str) -> ProductAttribute {
        ProductAttribute {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    #[test]
    fn attributes_are_read_from_lines_and_from_one_line() {
        let expected = vec![
            attribute("Fabric", "Cotton"),
            attribute("Fit", "Regular Fit"),
        ];
        let lines =
            "Hi <product_attributes>\nFabric: Cotton\nFit: Regular Fit\n</product_attributes>";
        assert_eq!(attributes_in(lines), expected);
        let one_line = "<product_attributes>Fabric: Cotton, Fit: Regular Fit</product_attributes>";
        assert_eq!(attributes_in(one_line), expected);
    }

    #[test]
    fn values_keep_commas_colons_and_escaped_characters() {
        let text = "<product_attributes>Colour: Red, White\nFabric: Cotton &amp; Silk: mixed\n\
                    </product_attributes>";
        assert_eq!(
            attributes_in(text),
            vec![
                attribute("Colour", "Red, White"),
                attribute("Fabric", "Cotton & Silk: mixed")
            ]
        );
        assert!(attributes_in("no tags").is_empty());
        assert!(attributes_in("<product_attributes></product_attributes>").is_empty());
    }

    #[test]
    fn a_phrase_names_the_attribute_once() {
        assert_eq!(attribute("Fabric", "Cotton").phrase(), "cotton fabric");
        assert_eq!(attribute("Fit", "Regular Fit").phrase(), "regular fit");
        assert_eq!(
            attribute("Sleeve Length", "Long Sleeves").phrase(),
            "long sleeves"
        );
        assert_eq!(
            attribute("Sleeve Length", "Sleeveless").phrase(),
            "sleeveless"
        );
    }

    #[test]
    fn mentions_are_found_in_other_forms_of_the_words() {
        let sleeves = attribute("Sleeve Length", "Long Sleeves");
        assert!(sleeves.is_mentioned_in("A long-sleeved shirt."));
        assert!(sleeves.is_mentioned_in("Its LONG SLEEVE is warm"));
        assert!(!sleeves.is_mentioned_in("The sleeves are long."));
        assert!(attribute("Pattern", "Striped").is_mentioned_in("with blue stripes"));
    }
}
