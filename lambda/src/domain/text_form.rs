//! Whether a text has the form that was asked for: plain prose for shoppers, of about the
//! length that was asked.
//!
//! A writer that obeys what it should only write about (an answer of the endpoint that says
//! "ignore the above", a word in the picture) betrays itself here, whatever it says of the
//! product: by links, markup, turns of a conversation, words to the one who asked.

mod contact;
mod links;
mod preamble;
mod signs;
mod typography;

use serde::Serialize;

use super::Style;
use super::hidden::hidden;

/// The most characters that are quoted of a text.
const QUOTED: usize = 60;
/// A text of so many times the most words that were asked for is another text.
const FAR_OVER: usize = 2;
/// Where few words are asked for, a text of so many is still none that floods a page.
const NEVER_LONG: usize = 100;
/// So many capitals are no name any more.
const SHOUTED: usize = 40;

/// What is wrong with the form of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FormKind {
    /// Tags, entities, Markdown, placeholders, JSON.
    Markup,
    /// A link, or a domain's name.
    Link,
    /// An e-mail address, a name on a network, a telephone number.
    Contact,
    /// The beginning of a turn of a conversation.
    Turn,
    /// Words to the one who asked, or about what was asked.
    Preamble,
    /// A line of a list.
    List,
    /// Far more than was asked for.
    Length,
    /// An end in the middle, because the writer was stopped.
    Unfinished,
    /// Nothing but capitals.
    Capitals,
    /// A character that controls, or that nobody sees.
    Hidden,
    /// Nothing of what is given.
    Unrelated,
}

/// A fault of a text's form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FormFault {
    /// Of which text of an answer.
    pub member: &'static str,
    /// What it is.
    pub kind: FormKind,
    /// The text's words, or what there is too much of.
    pub text: String,
}

impl FormFault {
    /// A sentence for the writer. It quotes the text as it is: whoever puts it into a prompt
    /// escapes it as it escapes values.
    pub fn reason(&self) -> String {
        let FormFault { member, kind, text } = self;
        let said = match kind {
            FormKind::Markup => format!("\"{text}\" is markup: write plain text"),
            FormKind::Link => format!("\"{text}\" is a link: leave it out"),
            FormKind::Contact => format!("\"{text}\" is an address or a number: leave it out"),
            FormKind::Turn => {
                format!("\"{text}\" begins a turn of a conversation: write the text alone")
            }
            FormKind::Preamble => {
                format!("\"{text}\" is not said to shoppers: write the text alone")
            }
            FormKind::List => format!("\"{text}\" begins a list: write prose"),
            FormKind::Length => format!("there is far too much: {text}"),
            FormKind::Unfinished => format!(
                "the text breaks off after \"{text}\", because it grew too long: write a shorter \
                 one, to its end"
            ),
            FormKind::Capitals => format!("\"{text}\" is in capitals: write prose"),
            FormKind::Hidden => format!("there is an invisible character, {text}: leave it out"),
            FormKind::Unrelated => {
                format!("\"{text}\" says nothing of what is given: write about the product")
            }
        };
        format!("In {member}, {said}.")
    }
}

/// What is wrong with the form of a text, whatever its length: each kind once.
pub fn form_faults(member: &'static str, text: &str) -> Vec<FormFault> {
    // What a reader sees; it is that which is quoted.
    let text = &*typography::without_marks(text);
    let quoted = [
        (FormKind::Markup, signs::markup(text)),
        (FormKind::Link, links::link(text)),
        (FormKind::Contact, contact::contact(text)),
        (FormKind::Turn, signs::turn(text)),
        (FormKind::Preamble, preamble::preamble(text)),
        (FormKind::List, signs::list_line(text)),
    ];
    let quoted = quoted
        .into_iter()
        .filter_map(|(kind, place)| Some((kind, quoted_from(text, place?))));
    let unseen = unseen(text).map(|c| (FormKind::Hidden, format!("U+{:04X}", u32::from(c))));
    quoted
        .chain(unseen)
        .map(|(kind, text)| FormFault { member, kind, text })
        .collect()
}

/// What is wrong with a description as a whole: that it is far longer than was asked for, or all
/// in capitals.
pub fn whole_faults(member: &'static str, text: &str, style: &Style) -> Vec<FormFault> {
    let capitals = is_in_capitals(text).then(|| FormFault {
        member,
        kind: FormKind::Capitals,
        text: quoted_from(text, 0),
    });
    let length = length_fault(member, text, style);
    length.into_iter().chain(capitals).collect()
}

/// The fault of a description that says nothing of what is given.
pub fn unrelated(member: &'static str, text: &str) -> FormFault {
    FormFault {
        member,
        kind: FormKind::Unrelated,
        text: quoted_from(text, 0),
    }
}

/// The fault of a text whose writer was stopped before its end.
pub fn unfinished(member: &'static str, text: &str) -> FormFault {
    let line = text.lines().last().unwrap_or_default();
    let surplus = line.chars().count().saturating_sub(QUOTED);
    let start = line.char_indices().nth(surplus).map_or(0, |(at, _)| at);
    FormFault {
        member,
        kind: FormKind::Unfinished,
        text: quoted_from(line, start),
    }
}

/// Whether one of the faults is that a text has no end.
pub fn is_unfinished(faults: &[FormFault]) -> bool {
    faults
        .iter()
        .any(|fault| fault.kind == FormKind::Unfinished)
}

/// Whether a text that is longer than a name is written in capitals.
fn is_in_capitals(text: &str) -> bool {
    let capitals = text.chars().filter(|c| c.is_uppercase()).count();
    let small = text.chars().filter(|c| c.is_lowercase()).count();
    capitals >= SHOUTED && small * 4 < capitals
}

fn length_fault(member: &'static str, text: &str, style: &Style) -> Option<FormFault> {
    let unspaced = style.language.script.is_unspaced();
    let asked = style.language.most(&style.words);
    let count = if unspaced {
        text.chars().filter(|c| !c.is_whitespace()).count()
    } else {
        // A word of a hundred letters is no word.
        text.split_whitespace()
            .count()
            .max(text.chars().count() / 100)
    };
    let most = asked.saturating_mul(FAR_OVER).max(NEVER_LONG);
    (count > most).then(|| {
        let unit = if unspaced { "characters" } else { "words" };
        let asked = style.language.length(&style.words);
        FormFault {
            member,
            kind: FormKind::Length,
            text: format!("{count} {unit}, where {asked} were asked for"),
        }
    })
}

/// The first character that controls or is hidden. Line breaks and tabs are for everybody to
/// see.
fn unseen(text: &str) -> Option<char> {
    let controls = |c: &char| {
        let seen = matches!(c, '\n' | '\r' | '\t');
        c.is_control() && !seen || matches!(c, '\u{2028}' | '\u{2029}')
    };
    text.chars().find(controls).or_else(|| hidden(text).next())
}

/// The text from the byte `start`, on one line and not too much of it.
fn quoted_from(text: &str, start: usize) -> String {
    let rest = text.get(start..).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default();
    let shown = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(QUOTED);
    shown.collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests;
