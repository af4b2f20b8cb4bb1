//! How descriptions are asked for.

use std::ops::RangeInclusive;

use indexmap::IndexMap;

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

/// A template and what stands in it for every product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The writer's instructions.
    pub template: PromptTemplate,
    /// The merchant's wishes.
    pub style: Style,
}

impl Wording {
    /// The prompt for a garment called `noun` with `attributes`, and with those of which
    /// it is to be said that they are not sure.
    pub fn prompt(
        &self,
        noun: &str,
        attributes: &IndexMap<String, String>,
        uncertain: &IndexMap<String, String>,
    ) -> Prompt {
        let style = &self.style;
        let system = self.template.fill(|slot| match slot {
            Slot::Attributes => Some(between(ATTRIBUTES)),
            Slot::UncertainAttributes => {
                (!uncertain.is_empty()).then(|| between(UNCERTAIN_ATTRIBUTES))
            }
            Slot::Noun => Some(escape(noun)),
            Slot::Voice => style.voice.clone(),
            Slot::Audience => style.audience.clone(),
            Slot::Words => Some(format!("{} to {}", style.words.start(), style.words.end())),
            Slot::Language => Some(style.language.name.to_owned()),
            Slot::BannedWords => quoted(&style.banned_words),
        });
        let mut user = block(ATTRIBUTES, attributes);
        if !uncertain.is_empty() {
            user.push('\n');
            user.push_str(&block(UNCERTAIN_ATTRIBUTES, uncertain));
        }
        Prompt {
            system,
            user,
            format: Format::Description,
            correction: None,
        }
    }
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
