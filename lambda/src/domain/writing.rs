//! Having a description written: checked before it is returned, and mended once.

use std::time::Duration;

use faithfulness::Findings;
use tokio::time::Instant;

use super::listing::{Listing, ListingDraft, ListingReader};
use super::text_form::{is_unfinished, unfinished};
use super::{
    Deadline, Describer, DescriberError, FormFault, Format, Prompt, Subject, TextCheck,
    WrittenDescription,
};

/// In less no model writes a text.
const SHORTEST_TURN: Duration = Duration::from_secs(1);
/// The name of the description among the texts of an answer.
const DESCRIPTION: &str = "description";

/// What becomes of a description that still has faults after it was mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfaithful {
    /// It is returned, with its faults.
    Return,
    /// It is returned for a person to look at, and not as the description.
    Hold,
    /// It is thrown away.
    Drop,
}

/// A text and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedDescription {
    /// The description; its usage is that of all turns.
    pub written: WrittenDescription,
    /// What is wrong with it, and with the texts of the listing.
    pub faults: Findings,
    /// Which texts are in another script than that of their language.
    pub wrong_script: Vec<&'static str>,
    /// What is wrong with the form of the texts.
    pub wrong_form: Vec<FormFault>,
    /// The other texts, where a listing was asked for.
    pub listing: Option<Listing>,
}

impl CheckedDescription {
    /// Whether there is nothing wrong with it.
    pub fn is_clean(&self) -> bool {
        self.faults.is_clean() && self.wrong_script.is_empty() && self.wrong_form.is_empty()
    }
}

/// What a text comes to.
pub(super) trait Draft {
    /// A sentence for each thing to mend; none where nothing is wrong.
    fn reasons(&self) -> Vec<String>;

    /// How much is wrong, what weighs most first: that it has no end.
    fn weight(&self) -> [usize; 4];

    /// Notes that the writer was stopped before the end of `text`. What stands there may end
    /// in the middle of a sentence, so that no shop can use it, whatever it says.
    fn note_cut_short(&mut self, text: &str);
}

/// Makes drafts of texts.
pub(super) trait Reader {
    /// What it makes of them.
    type Draft: Draft;

    /// Reads a text.
    fn read(&self, text: &str) -> Self::Draft;
}

/// Has a description written by the deadline, or a listing, as the prompt says. What has
/// faults goes back to the writer once, with the reasons, if there is time for it; then the
/// better one of both counts.
pub async fn write(
    describer: &dyn Describer,
    check: &TextCheck,
    subject: Subject<'_>,
    prompt: &Prompt,
    deadline: Deadline,
) -> Result<CheckedDescription, DescriberError> {
    let mut checked = match prompt.format {
        Format::Description => {
            let reader = TextReader { check, subject };
            let (written, draft) = in_turns(describer, &reader, prompt, deadline).await?;
            CheckedDescription {
                written,
                wrong_script: draft.script_reason.iter().map(|_| DESCRIPTION).collect(),
                faults: draft.faults,
                wrong_form: draft.wrong_form,
                listing: None,
            }
        }
        Format::Listing => {
            let reader = ListingReader { check, subject };
            let (written, draft) = in_turns(describer, &reader, prompt, deadline).await?;
            listed(written, draft)?
        }
    };
    checked.written.warnings.extend(check.limits());
    Ok(checked)
}

fn listed(
    mut written: WrittenDescription,
    draft: ListingDraft,
) -> Result<CheckedDescription, DescriberError> {
    let read = match draft {
        ListingDraft::Read(read) => *read,
        ListingDraft::Unreadable(reason) => {
            let mut reasons = vec![reason];
            reasons.append(&mut written.warnings);
            return Err(DescriberError::Unreadable {
                model: written.model,
                reason: reasons.join(" "),
                usage: written.usage,
            });
        }
    };
    written.text = read.description;
    written.warnings.extend(read.warnings);
    Ok(CheckedDescription {
        written,
        faults: read.faults,
        wrong_script: read.wrong_script,
        wrong_form: read.wrong_form,
        listing: Some(read.listing),
    })
}

/// Has a text written, and mended once where its draft has faults.
async fn in_turns<R: Reader>(
    describer: &dyn Describer,
    reader: &R,
    prompt: &Prompt,
    deadline: Deadline,
) -> Result<(WrittenDescription, R::Draft), DescriberError> {
    let start = Instant::now();
    let mut first = describer.describe(prompt, deadline).await?;
    let took = start.elapsed();
    let draft = drafted(reader, &first);
    let reasons = draft.reasons();
    if reasons.is_empty() {
        return Ok((first, draft));
    }
    let deadline = deadline.of_mending();
    if deadline.remaining() < took.max(SHORTEST_TURN) {
        let warning = "There was no time to have the description mended.";
        first.warnings.push(warning.to_owned());
        return Ok((first, draft));
    }
    let mending = prompt.mending(&first.text, &reasons);
    let mut second = match describer.describe(&mending, deadline).await {
        Ok(second) => second,
        Err(error) => {
            let warning = format!("The description was not mended: {error}.");
            first.warnings.push(warning);
            if let Some(usage) = error.usage() {
                first.usage = first.usage + usage;
            }
            return Ok((first, draft));
        }
    };
    let usage = first.usage + second.usage;
    let mended = drafted(reader, &second);
    // A writer may make a text worse.
    if mended.weight() <= draft.weight() {
        second.usage = usage;
        Ok((second, mended))
    } else {
        first.usage = usage;
        Ok((first, draft))
    }
}

/// The draft of what was written.
fn drafted<R: Reader>(reader: &R, written: &WrittenDescription) -> R::Draft {
    let mut draft = reader.read(&written.text);
    if written.is_cut_short {
        draft.note_cut_short(&written.text);
    }
    draft
}

/// Reads texts as descriptions.
struct TextReader<'a> {
    check: &'a TextCheck,
    subject: Subject<'a>,
}

/// A description's faults.
struct TextDraft {
    faults: Findings,
    /// What to say of the script, where it is the wrong one.
    script_reason: Option<String>,
    wrong_form: Vec<FormFault>,
}

impl Reader for TextReader<'_> {
    type Draft = TextDraft;

    fn read(&self, text: &str) -> TextDraft {
        let is_wrong = !self.check.is_in_its_script(text);
        let faults = self.check.check(self.subject, text);
        TextDraft {
            script_reason: is_wrong.then(|| self.check.script_reason()),
            wrong_form: self.check.form(DESCRIPTION, self.subject, text, &faults),
            faults,
        }
    }
}

impl Draft for TextDraft {
    fn reasons(&self) -> Vec<String> {
        let mut reasons = self.faults.reasons();
        reasons.extend(self.script_reason.clone());
        reasons.extend(self.wrong_form.iter().map(FormFault::reason));
        reasons
    }

    /// Half a text weighs more than anything else, and what is false or forbidden more than
    /// what is left out, however much that is.
    fn weight(&self) -> [usize; 4] {
        let Findings {
            contradicted,
            claims,
            banned,
            unmentioned,
            ..
        } = &self.faults;
        let wrong = contradicted.len() + claims.len() + banned.len();
        let script = usize::from(self.script_reason.is_some());
        let wrong = wrong + script + self.wrong_form.len();
        let cut = usize::from(is_unfinished(&self.wrong_form));
        [cut, wrong, unmentioned.len(), 0]
    }

    fn note_cut_short(&mut self, text: &str) {
        self.wrong_form.push(unfinished(DESCRIPTION, text));
    }
}

#[cfg(test)]
mod tests;
