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
use self::search::{Searched, searched};
use self::settling::{Changes, settle};
use super::text_form::{form_faults, is_unfinished, unfinished};
use super::writing::{Draft, Reader};
use super::{FormFault, Subject, TextCheck};

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
    /// What is wrong with the texts' form.
    pub(super) wrong_form: Vec<FormFault>,
    /// Sentences about attributes whose values are in none of the texts that were completed.
    pub(super) warnings: Vec<String>,
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
        let (items, warnings) = self.items();
        let written = fields.clone();
        let (fields, changes) = settle(fields, &items);
        let wrong_script = self.wrong_script(&fields);
        let script_reason = (!wrong_script.is_empty()).then(|| self.check.script_reason());
        let faults = self.faults(&written, &fields);
        let wrong_form = self.wrong_form(&fields, &faults);
        let (listing, description) = Listing::new(fields, changes);
        ListingDraft::Read(Box::new(ReadListing {
            listing,
            description,
            faults,
            wrong_script,
            wrong_form,
            warnings,
            length_faults,
            script_reason,
        }))
    }
}

impl ListingReader<'_> {
    /// What the texts are completed with: the garment and the sure attributes, and a sentence
    /// about each that may not be. Values are English: in a text of another language they would
    /// be foreign words.
    fn items(&self) -> (Vec<Searched>, Vec<String>) {
        if !self.check.knows_words() {
            return (Vec::new(), Vec::new());
        }
        let sure = &self.subject.told.sure;
        let barred: Vec<&String> = sure
            .iter()
            .filter(|(name, value)| !self.check.may_be_added(name, value))
            .map(|(name, _)| name)
            .collect();
        let mut items = searched(self.subject);
        items.retain(|item| !barred.contains(&&item.name));
        let warnings = barred.iter().map(|name| {
            format!(
                "The listing is not completed with the value of {name}: the attribute set does \
                 not have it, and it is no plain value."
            )
        });
        (items, warnings.collect())
    }

    /// What is wrong with the texts: with the description all of it, with the others what is
    /// false or forbidden in them. Title and meta description are read as they were `written`
    /// as well, since true words that were added must not hide false ones ("Red shirt, Blue"),
    /// and as they are returned but for contradictions: what was added there is what is given.
    fn faults(&self, written: &Fields, returned: &Fields) -> Findings {
        let mut faults = self.check.check(self.subject, &returned.description);
        for (limit, texts) in returned.members() {
            if limit == limits::DESCRIPTION {
                continue;
            }
            for text in texts {
                let part = self.check.check_part(self.subject, text);
                let before = match limit {
                    limits::TITLE => Some(&written.title),
                    limits::META_DESCRIPTION => Some(&written.meta_description),
                    _ => None,
                };
                match before.filter(|before| *before != text) {
                    Some(before) => {
                        let first = self.check.check_part(self.subject, before);
                        add_new(&mut faults, part, &first);
                        add(&mut faults, first);
                    }
                    None => add(&mut faults, part),
                }
            }
        }
        faults
    }

    /// What is wrong with the form of the texts as they are returned, in which `faults` were
    /// found.
    fn wrong_form(&self, fields: &Fields, faults: &Findings) -> Vec<FormFault> {
        let members = fields.members();
        let texts = members
            .into_iter()
            .flat_map(|(limit, texts)| texts.iter().map(move |text| (limit, text)));
        texts
            .flat_map(|(limit, text)| match limit {
                limits::DESCRIPTION => self.check.form(limit.name, self.subject, text, faults),
                _ => form_faults(limit.name, text),
            })
            .collect()
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
                reasons.extend(read.wrong_form.iter().map(FormFault::reason));
                reasons.extend(read.length_faults.iter().cloned());
                reasons
            }
        }
    }

    fn weight(&self) -> [usize; 4] {
        match self {
            ListingDraft::Unreadable(_) => [2, 0, 0, 0],
            ListingDraft::Read(read) => {
                let faults = &read.faults;
                let wrong = faults.contradicted.len() + faults.claims.len() + faults.banned.len();
                let wrong = wrong + read.wrong_script.len() + read.wrong_form.len();
                let cut = usize::from(is_unfinished(&read.wrong_form));
                let unmentioned = faults.unmentioned.len();
                [cut, wrong, unmentioned, read.length_faults.len()]
            }
        }
    }

    fn note_cut_short(&mut self, _: &str) {
        match self {
            ListingDraft::Unreadable(reason) => {
                reason.push_str(" It breaks off, because it grew too long: write shorter texts.");
            }
            ListingDraft::Read(read) => {
                let fault = unfinished(limits::DESCRIPTION.name, &read.description);
                read.wrong_form.push(fault);
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

/// Adds what is false or forbidden in one text more.
fn add(faults: &mut Findings, part: Findings) {
    faults.contradicted.extend(part.contradicted);
    faults.claims.extend(part.claims);
    faults.banned.extend(part.banned);
}

/// Adds what a text claims, and holds of banned words, that it did not when it was `written`.
fn add_new(faults: &mut Findings, part: Findings, written: &Findings) {
    let claims = part.claims.into_iter().filter(|claim| {
        let mut before = written.claims.iter();
        !before.any(|old| (old.kind, &old.text) == (claim.kind, &claim.text))
    });
    faults.claims.extend(claims);
    let banned = part.banned.into_iter().filter(|banned| {
        let mut before = written.banned.iter();
        !before.any(|old| old.word == banned.word)
    });
    faults.banned.extend(banned);
}

#[cfg(test)]
mod tests;
