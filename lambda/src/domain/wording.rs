//! How descriptions are asked for.

use std::ops::RangeInclusive;

use indexmap::IndexMap;

use super::listing::limits_told;
use super::prompt::{ATTRIBUTES, UNCERTAIN_ATTRIBUTES, block, escape};
use super::{Format, Language, Prompt, PromptTemplate, Slot};

/// The merchant's wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// How the shop speaks.
    pub voice: Option<String>,
    /// Whom it speaks to.
    pub audience: Option<String>,
    /// How many words a description has.
    pub words: RangeInclusive<u32>,
    /// Its language.
    pub language: Language,
    /// Words and phrases that it must not hold.
    pub banned_words: Vec<String>,
}

/// Templates and what stands in them for every product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The writer's instructions for descriptions.
    pub template: PromptTemplate,
    /// Those for listings, behind which stand the members with their limits.
    pub listing: PromptTemplate,
    /// The merchant's wishes.
    pub style: Style,
}

impl Wording {
    /// The prompt for the description of a garment called `noun` with `attributes`, and with
    /// those of which it is to be said that they are not sure.
    pub fn prompt(
        &self,
        noun: &str,
        attributes: &IndexMap<String, String>,
        uncertain: &IndexMap<String, String>,
    ) -> Prompt {
        Prompt {
            system: self.fill(&self.template, noun, uncertain),
            user: told(attributes, uncertain),
            format: Format::Description,
            correction: None,
        }
    }

    /// The same for its listing.
    pub fn listing_prompt(
        &self,
        noun: &str,
        attributes: &IndexMap<String, String>,
        uncertain: &IndexMap<String, String>,
    ) -> Prompt {
        let system = self.fill(&self.listing, noun, uncertain);
        Prompt {
            system: format!("{system}\n{}", limits_told(&self.style)),
            user: told(attributes, uncertain),
            format: Format::Listing,
            correction: None,
        }
    }

    fn fill(
        &self,
        template: &PromptTemplate,
        noun: &str,
        uncertain: &IndexMap<String, String>,
    ) -> String {
        let style = &self.style;
        template.fill(|slot| match slot {
            Slot::Attributes => Some(between(ATTRIBUTES)),
            Slot::UncertainAttributes => {
                (!uncertain.is_empty()).then(|| between(UNCERTAIN_ATTRIBUTES))
            }
            Slot::Noun => Some(escape(noun)),
            Slot::Voice => style.voice.clone(),
            Slot::Audience => style.audience.clone(),
            Slot::Words => Some(style.language.length(&style.words)),
            Slot::Language => Some(style.language.name.to_owned()),
            Slot::BannedWords => quoted(&style.banned_words),
        })
    }
}

/// The product, whose form no template changes.
fn told(attributes: &IndexMap<String, String>, uncertain: &IndexMap<String, String>) -> String {
    let mut told = block(ATTRIBUTES, attributes);
    if !uncertain.is_empty() {
        told.push('\n');
        told.push_str(&block(UNCERTAIN_ATTRIBUTES, uncertain));
    }
    told
}

fn between(tag: &str) -> String {
    format!("between <{tag}> and </{tag}>")
}

fn quoted(words: &[String]) -> Option<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    (!quoted.is_empty()).then(|| quoted.join(", "))
}

#[cfg(test)]
mod tests;
