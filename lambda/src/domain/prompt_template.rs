//! The template of the writer's instructions: text with placeholders.

/// The template that holds where no other is set.
const DEFAULT: &str = include_str!("../../../prompts/description.txt");
/// The template for listings.
const LISTING: &str = include_str!("../../../prompts/listing.txt");

/// What can stand in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Where the attributes are.
    Attributes,
    /// Where those are that are not sure.
    UncertainAttributes,
    /// What the garment is called.
    Noun,
    /// How the shop speaks.
    Voice,
    /// Whom it speaks to.
    Audience,
    /// How long the text is.
    Words,
    /// In which language it is.
    Language,
    /// What it must not say.
    BannedWords,
}

impl Slot {
    /// All of them.
    pub const ALL: [Slot; 8] = [
        Slot::Attributes,
        Slot::UncertainAttributes,
        Slot::Noun,
        Slot::Voice,
        Slot::Audience,
        Slot::Words,
        Slot::Language,
        Slot::BannedWords,
    ];

    /// What it is called between the braces.
    pub fn name(self) -> &'static str {
        match self {
            Slot::Attributes => "attributes",
            Slot::UncertainAttributes => "uncertain_attributes",
            Slot::Noun => "noun",
            Slot::Voice => "voice",
            Slot::Audience => "audience",
            Slot::Words => "words",
            Slot::Language => "language",
            Slot::BannedWords => "banned_words",
        }
    }

    /// Whether there may be nothing to stand there: what the merchant need not wish, and what a
    /// product need not have.
    fn may_be_unset(self) -> bool {
        match self {
            Slot::UncertainAttributes | Slot::Voice | Slot::Audience | Slot::BannedWords => true,
            Slot::Attributes | Slot::Noun | Slot::Words | Slot::Language => false,
        }
    }

    /// How it is written in a template.
    pub fn placeholder(self) -> String {
        format!("{{{{{}}}}}", self.name())
    }
}

/// A template, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptTemplate {
    lines: Vec<Vec<Piece>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Slot(Slot),
}

impl Piece {
    fn slot(&self) -> Option<Slot> {
        match self {
            Piece::Slot(slot) => Some(*slot),
            Piece::Text(_) => None,
        }
    }
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptTemplateError {
    /// A placeholder has a name that means nothing.
    #[error("line {line} has {{{{{name}}}}}, which is none of {}", placeholders())]
    Unknown {
        /// The line's number, from 1.
        line: usize,
        /// What stands between the braces.
        name: String,
    },
    /// A placeholder does not end on its line.
    #[error("line {line} has a {{{{ without a }}}}")]
    Unclosed {
        /// The line's number, from 1.
        line: usize,
    },
    /// The writer would not know what the attributes are.
    #[error("it has no {{{{attributes}}}}, by which the writer knows where they are")]
    NoAttributes,
    /// A line that is left out at times would take the attributes along.
    #[error(
        "line {line} has {{{{attributes}}}} and {optional}, and a line is left out where nothing \
         stands at one of its placeholders: put {optional} on a line of its own"
    )]
    AttributesBesideOptional {
        /// The line's number, from 1.
        line: usize,
        /// The placeholder beside them, in its braces.
        optional: String,
    },
}

fn placeholders() -> String {
    Slot::ALL.map(Slot::placeholder).join(", ")
}

impl PromptTemplate {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<PromptTemplate, PromptTemplateError> {
        let lines = text
            .trim()
            .lines()
            .enumerate()
            .map(|(index, line)| pieces(line, index + 1))
            .collect::<Result<Vec<_>, _>>()?;
        let template = PromptTemplate { lines };
        if !template.has(Slot::Attributes) {
            return Err(PromptTemplateError::NoAttributes);
        }
        for (index, line) in template.lines.iter().enumerate() {
            let slots = || line.iter().filter_map(Piece::slot);
            let optional = slots().find(|slot| slot.may_be_unset());
            if let Some(slot) = optional.filter(|_| slots().any(|slot| slot == Slot::Attributes)) {
                return Err(PromptTemplateError::AttributesBesideOptional {
                    line: index + 1,
                    optional: slot.placeholder(),
                });
            }
        }
        Ok(template)
    }

    /// Reads the template that holds where no other is set.
    pub fn embedded() -> Result<PromptTemplate, PromptTemplateError> {
        PromptTemplate::parse(DEFAULT)
    }

    /// Reads the template for listings, behind which their members are told.
    pub fn of_listings() -> Result<PromptTemplate, PromptTemplateError> {
        PromptTemplate::parse(LISTING)
    }

    /// Whether something can stand in it.
    pub fn has(&self, slot: Slot) -> bool {
        let mut slots = self.lines.iter().flatten().filter_map(Piece::slot);
        slots.any(|own| own == slot)
    }

    /// The template with what `value` gives for each placeholder, which is not read as a
    /// template again. Lines with a placeholder for which it gives nothing are left out.
    pub fn fill(&self, value: impl Fn(Slot) -> Option<String>) -> String {
        let line = |pieces: &Vec<Piece>| -> Option<String> {
            pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => Some(text.clone()),
                    Piece::Slot(slot) => value(*slot),
                })
                .collect()
        };
        let lines: Vec<String> = self.lines.iter().filter_map(line).collect();
        lines.join("\n")
    }
}

/// The pieces of line number `number`.
fn pieces(line: &str, number: usize) -> Result<Vec<Piece>, PromptTemplateError> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            return Err(PromptTemplateError::Unclosed { line: number });
        };
        let name = name.trim();
        let slot = Slot::ALL.into_iter().find(|slot| slot.name() == name);
        let slot = slot.ok_or_else(|| PromptTemplateError::Unknown {
            line: number,
            name: name.to_owned(),
        })?;
        pieces.push(Piece::Text(before.to_owned()));
        pieces.push(Piece::Slot(slot));
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> String {
        let template = PromptTemplate::parse(text).unwrap();
        template.fill(|slot| match slot {
            Slot::Attributes => Some("below".to_owned()),
            Slot::Noun => Some("{{voice}} {{".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn the_embedded_template_has_a_place_for_everything() {
        let template = PromptTemplate::embedded().unwrap();
        for slot in Slot::ALL {
            assert!(template.has(slot), "{slot:?}");
        }
    }

    #[test]
    fn listings_have_a_place_for_every_wish_but_the_length_which_is_told_behind_it() {
        let template = PromptTemplate::of_listings().unwrap();
        for slot in Slot::ALL {
            assert_eq!(template.has(slot), slot != Slot::Words, "{slot:?}");
        }
    }

    #[test]
    fn placeholders_are_filled_once_and_lines_without_a_value_left_out() {
        assert_eq!(
            fill("A {{noun}}, {{ attributes }}.\n\nLike {{voice}} {{noun}}.\nEnd }} {.\n"),
            "A {{voice}} {{, below.\n\nEnd }} {."
        );
    }

    #[test]
    fn what_is_no_template_says_what_to_mend() {
        for (text, words) in [
            (
                "{{attributes}}\n{{tone}}",
                "line 2 has {{tone}}, which is none of {{attributes}}",
            ),
            (
                "Hello.\nOf a {{noun}} with {{attributes}} for {{audience}}, like {{voice}}.",
                "line 2 has {{attributes}} and {{audience}}",
            ),
            (
                "{{attributes}}, likely ones {{uncertain_attributes}}",
                "put {{uncertain_attributes}} on a line of its own",
            ),
            ("{{attributes}}\n{{banned_words}} {{attributes}}", "line 2"),
            ("{{attributes}} {{noun", "line 1 has a {{ without a }}"),
            ("Write.", "no {{attributes}}"),
            ("", "no {{attributes}}"),
        ] {
            let error = PromptTemplate::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
