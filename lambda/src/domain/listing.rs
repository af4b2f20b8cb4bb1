//! All the texts of a product's entry in a shop.

mod fields;
mod limits;
mod search;
mod settling;

use faithfulness::Findings;
use indexmap::IndexMap;
use serde::Serialize;

use self::fields::Fields;
pub use self::limits::told as limits_told;
use self::search::searched;
use self::settling::{Changes, settle};
use super::writing::{Draft, Reader};
use super::{Subject, TextCheck};

/// The texts of a listing but for its description, under their limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// The product's name in search results and lists.
    pub title: String,
    /// The points beside its picture.
    pub bullets: Vec<String>,
    /// What shoppers type who look for such a product.
    pub search_keywords: Vec<String>,
    /// What the picture shows, for those who can't see it.
    pub alt_text: String,
    /// What stands under the title in search results.
    pub meta_description: String,
    /// By member, the attributes whose words the writer left out and the function added;
    /// absent where there are none.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub completed: IndexMap<&'static str, Vec<String>>,
    /// By member, the attributes for whose words there was no room; absent where there are
    /// none.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub without: IndexMap<&'static str, Vec<String>>,
    /// The members that were over their limit and that the function cut; absent where none
    /// was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<&'static str>,
    /// The members that are under their limit; absent where none is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub short: Vec<&'static str>,
}

/// A reply, read as a listing.
pub(super) enum ListingDraft {
    /// The reply is not the JSON that was asked for, for this reason.
    Unreadable(String),
    /// It is.
    Read(Box<ReadListing>),
}

/// A listing and what is wrong with it.
pub(super) struct ReadListing {
    pub(super) listing: Listing,
    pub(super) description: String,
    pub(super) faults: Findings,
    /// The members that are in another script than that of the language.
    pub(super) wrong_script: Vec<&'static str>,
    /// What was wrong with the lengths before they were put right, a sentence each.
    length_faults: Vec<String>,
    /// What to say about the script.
    script_reason: Option<String>,
}

/// Reads replies as listings.
pub(super) struct ListingReader<'a> {
    pub(super) check: &'a TextCheck,
    pub(super) subject: Subject<'a>,
}

impl Reader for ListingReader<'_> {
    type Draft = ListingDraft;

    fn read(&self, reply: &str) -> ListingDraft {
        let fields = match Fields::read(reply) {
            Ok(fields) => fields,
            Err(reason) => return ListingDraft::Unreadable(reason),
        };
        let length_faults = fields
            .members()
            .into_iter()
            .flat_map(|(limit, texts)| limit.faults(texts))
            .collect();
        // Values are English: in a text of another language they would be foreign words.
        let items = if self.check.knows_words() {
            searched(self.subject)
        } else {
            Vec::new()
        };
        let (title, meta_description) = (fields.title.clone(), fields.meta_description.clone());
        let (fields, changes) = settle(fields, &items);
        let wrong_script = self.wrong_script(&fields);
        let script_reason = (!wrong_script.is_empty()).then(|| self.check.script_reason());
        // True words that were added must not hide false ones: "Red shirt, Blue".
        let faults = self.faults(&Fields {
            title,
            meta_description,
            ..fields.clone()
        });
        let (listing, description) = Listing::new(fields, changes);
        ListingDraft::Read(Box::new(ReadListing {
            listing,
            description,
            faults,
            wrong_script,
            length_faults,
            script_reason,
        }))
    }
}

impl ListingReader<'_> {
    /// What is wrong with the texts: with the description all of it, with the others what is
    /// false or forbidden in them.
    fn faults(&self, fields: &Fields) -> Findings {
        let mut faults = self.check.check(self.subject, &fields.description);
        for (limit, texts) in fields.members() {
            if limit == limits::DESCRIPTION {
                continue;
            }
            for text in texts {
                let part = self.check.check_part(self.subject, text);
                faults.contradicted.extend(part.contradicted);
                faults.claims.extend(part.claims);
                faults.banned.extend(part.banned);
            }
        }
        faults
    }

    /// Keywords may be in any script: so shoppers type.
    fn wrong_script(&self, fields: &Fields) -> Vec<&'static str> {
        let is_wrong = |texts: &[String]| !self.check.is_in_its_script(&texts.join(" "));
        fields
            .members()
            .into_iter()
            .filter(|(limit, texts)| *limit != limits::SEARCH_KEYWORDS && is_wrong(texts))
            .map(|(limit, _)| limit.name)
            .collect()
    }
}

impl Draft for ListingDraft {
    fn reasons(&self) -> Vec<String> {
        match self {
            ListingDraft::Unreadable(reason) => vec![reason.clone()],
            ListingDraft::Read(read) => {
                let mut reasons = read.faults.reasons();
                reasons.extend(read.script_reason.clone());
                reasons.extend(read.length_faults.iter().cloned());
                reasons
            }
        }
    }

    fn weight(&self) -> [usize; 4] {
        match self {
            ListingDraft::Unreadable(_) => [1, 0, 0, 0],
            ListingDraft::Read(read) => {
                let faults = &read.faults;
                let wrong = faults.contradicted.len() + faults.claims.len() + faults.banned.len();
                let form = read.length_faults.len();
                [
                    0,
                    wrong + read.wrong_script.len(),
                    faults.unmentioned.len(),
                    form,
                ]
            }
        }
    }
}

impl Listing {
    /// The listing and its description.
    fn new(fields: Fields, changes: Changes) -> (Listing, String) {
        let listing = Listing {
            title: fields.title,
            bullets: fields.bullets,
            search_keywords: fields.search_keywords,
            alt_text: fields.alt_text,
            meta_description: fields.meta_description,
            completed: changes.completed,
            without: changes.without,
            cut: changes.cut,
            short: changes.short,
        };
        (listing, fields.description)
    }
}

#[cfg(test)]
mod tests;
