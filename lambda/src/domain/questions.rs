//! Which questions a request comes to.

use attributes::{Attribute, AttributeSet, UNKNOWN_CATEGORY_NOUN, question};

use super::{DescribeRequest, excerpt};

/// One attribute and the question about it.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is asked about.
    pub attribute: Attribute,
    /// The bare question.
    pub text: String,
}

/// The questions of a request, in the order of the attribute set.
#[derive(Clone, Debug)]
pub struct QuestionPlan {
    /// What the garment is called, in questions and in the description.
    pub noun: String,
    /// Never empty.
    pub questions: Vec<Question>,
    /// A sentence for the caller where the category is not known.
    pub warning: Option<String>,
}

/// Why a request comes to no questions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{unknown:?} is no attribute of this function's set, which has: {}", .known.join(", "))]
pub struct UnknownAttribute {
    /// The name in the request.
    pub unknown: String,
    /// The names that the set has.
    pub known: Vec<String>,
}

impl QuestionPlan {
    /// The questions for `request`. Attributes that it names are asked about
    /// whether or not they apply to its category.
    pub fn new(
        set: &AttributeSet,
        default_category: &str,
        request: &DescribeRequest,
    ) -> Result<QuestionPlan, UnknownAttribute> {
        let category = request.category.as_deref().unwrap_or(default_category);
        let (noun, of_category) = set.attributes_of(category);
        let asked: Vec<&Attribute> = match &request.attributes {
            None => of_category,
            Some(names) => {
                let named = names
                    .iter()
                    .map(|name| set.attribute(name).ok_or_else(|| unknown(set, name)))
                    .collect::<Result<Vec<_>, _>>()?;
                set.attributes()
                    .iter()
                    .filter(|attribute| named.iter().any(|named| named.name == attribute.name))
                    .collect()
            }
        };
        let questions = asked
            .into_iter()
            .map(|attribute| Question {
                text: question(attribute, noun),
                attribute: attribute.clone(),
            })
            .collect();
        // A set without categories asks about everything, whatever is named.
        let is_known = set.categories().is_empty()
            || set.category(category).is_some()
            || category == UNKNOWN_CATEGORY_NOUN;
        let is_named = request.category.is_some();
        Ok(QuestionPlan {
            noun: noun.to_owned(),
            questions,
            warning: (!is_known).then(|| unknown_category(set, category, is_named)),
        })
    }

    /// The bare questions.
    pub fn texts(&self) -> Vec<String> {
        self.questions
            .iter()
            .map(|question| question.text.clone())
            .collect()
    }
}

/// What is said of a category that the set does not have: the request's, or where that names
/// none the setting's, which its caller has never seen.
fn unknown_category(set: &AttributeSet, name: &str, is_named: bool) -> String {
    let known: Vec<&str> = set
        .categories()
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    format!(
        "The category {:?}{} is none of the function's set, which has: {}. The product was asked \
         about as {UNKNOWN_CATEGORY_NOUN:?}, with all attributes unless the request names some.",
        excerpt(name),
        if is_named { "" } else { " (DEFAULT_CATEGORY)" },
        known.join(", ")
    )
}

fn unknown(set: &AttributeSet, name: &str) -> UnknownAttribute {
    UnknownAttribute {
        unknown: excerpt(name),
        known: set
            .attributes()
            .iter()
            .map(|attribute| attribute.name.clone())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PhotoSource;
    use bytes::Bytes;

    fn plan(
        category: Option<&str>,
        attributes: Option<&[&str]>,
    ) -> Result<QuestionPlan, UnknownAttribute> {
        plan_of(&AttributeSet::embedded(), category, attributes)
    }

    fn plan_of(
        set: &AttributeSet,
        category: Option<&str>,
        attributes: Option<&[&str]>,
    ) -> Result<QuestionPlan, UnknownAttribute> {
        let request = DescribeRequest {
            product_id: None,
            photo: PhotoSource::Bytes(Bytes::new()),
            category: category.map(str::to_owned),
            attributes: attributes
                .map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            format: None,
        };
        QuestionPlan::new(set, "shirt", &request)
    }

    fn names(plan: &QuestionPlan) -> Vec<&str> {
        plan.questions
            .iter()
            .map(|question| question.attribute.name.as_str())
            .collect()
    }

    #[test]
    fn the_default_category_is_asked_about_everything_that_applies_to_it() {
        let plan = plan(None, None).unwrap();
        assert_eq!(
            names(&plan),
            [
                "Fabric",
                "Fit",
                "Collar",
                "Pattern",
                "Sleeve Length",
                "Neck",
                "Sleeve Styling",
                "Colour"
            ]
        );
        assert_eq!(
            plan.texts()[5],
            "What is the neck type of the shirt in this picture?"
        );
    }

    #[test]
    fn named_attributes_are_asked_once_each_in_the_order_of_the_set() {
        let plan = plan(Some("Kurtas"), Some(&["baseColour", "fabric", "Fabric"])).unwrap();
        assert_eq!(names(&plan), ["Fabric", "Colour"]);
        assert_eq!(
            plan.texts()[0],
            "What is the fabric of the kurta in this picture?"
        );
    }

    #[test]
    fn an_unknown_category_is_clothing() {
        let spacesuit = plan(Some("spacesuit"), None).unwrap();
        assert_eq!(spacesuit.noun, "clothing");
        assert_eq!(spacesuit.questions.len(), 8);
        let warning = spacesuit.warning.unwrap();
        for part in ["\"spacesuit\"", "shirt, T-shirt", "\"clothing\""] {
            assert!(warning.contains(part), "{warning}");
        }
        for known in [None, Some("Tshirts"), Some("clothing")] {
            assert_eq!(plan(known, None).unwrap().warning, None);
        }
    }

    #[test]
    fn an_unknown_category_of_the_setting_is_told_as_such() {
        let coats = "[[attribute]]\nname = 'Hem'\n[[category]]\nname = 'coat'";
        let coats = AttributeSet::parse(coats).unwrap();
        let warning = plan_of(&coats, None, None).unwrap().warning.unwrap();
        assert!(
            warning.contains("\"shirt\" (DEFAULT_CATEGORY)"),
            "{warning}"
        );
        let named = plan_of(&coats, Some("shirt"), None).unwrap();
        let warning = named.warning.unwrap();
        assert!(!warning.contains("DEFAULT_CATEGORY"), "{warning}");
        assert_eq!(plan_of(&coats, Some("coat"), None).unwrap().warning, None);
    }

    #[test]
    fn a_set_without_categories_knows_every_category() {
        let set = AttributeSet::parse("[[attribute]]\nname = 'Hem'").unwrap();
        for category in [None, Some("coat")] {
            let plan = plan_of(&set, category, None).unwrap();
            assert_eq!(plan.warning, None);
            assert_eq!(names(&plan), ["Hem"]);
        }
    }

    #[test]
    fn an_unknown_attribute_is_refused_with_the_known_names() {
        let error = plan(None, Some(&["Fabric", "Zipper"])).unwrap_err();
        assert_eq!(error.unknown, "Zipper");
        assert_eq!(error.known.len(), 8);
        assert!(error.to_string().contains("Sleeve Length, Neck"), "{error}");
    }
}
