//! Having a description written: checked before it is returned, and mended once.

use std::time::Duration;

use faithfulness::Findings;
use tokio::time::Instant;

use super::{Deadline, Describer, DescriberError, Prompt, Subject, TextCheck, WrittenDescription};

/// In less no model writes a text.
const SHORTEST_TURN: Duration = Duration::from_secs(1);

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
    /// The text; its usage is that of all turns.
    pub written: WrittenDescription,
    /// What is wrong with it.
    pub faults: Findings,
}

/// Has a description written by the deadline. One with faults goes back to the writer
/// once, with the reasons, if there is time for it; then the better one of both counts.
pub async fn write(
    describer: &dyn Describer,
    check: &TextCheck,
    subject: Subject<'_>,
    prompt: &Prompt,
    deadline: Deadline,
) -> Result<CheckedDescription, DescriberError> {
    let start = Instant::now();
    let written = describer.describe(prompt, deadline).await?;
    let took = start.elapsed();
    let mut first = CheckedDescription::new(check, subject, written);
    if first.faults.is_clean() {
        return Ok(first);
    }
    let deadline = deadline.of_mending();
    if deadline.remaining() < took.max(SHORTEST_TURN) {
        first.warn("There was no time to have the description mended.".to_owned());
        return Ok(first);
    }
    let mending = prompt.mending(&first.written.text, &first.faults.reasons());
    Ok(match describer.describe(&mending, deadline).await {
        Ok(written) => first.or_better(CheckedDescription::new(check, subject, written)),
        Err(error) => {
            first.warn(format!("The description was not mended: {error}."));
            first
        }
    })
}

impl CheckedDescription {
    fn new(
        check: &TextCheck,
        subject: Subject<'_>,
        mut written: WrittenDescription,
    ) -> CheckedDescription {
        written.warnings.extend(check.limits());
        CheckedDescription {
            faults: check.check(subject, &written.text),
            written,
        }
    }

    fn warn(&mut self, warning: String) {
        self.written.warnings.push(warning);
    }

    /// What came of mending this: a writer may make a text worse.
    fn or_better(self, mended: CheckedDescription) -> CheckedDescription {
        let usage = self.written.usage + mended.written.usage;
        let mut better = if mended.weight() <= self.weight() {
            mended
        } else {
            self
        };
        better.written.usage = usage;
        better
    }

    /// What is false or forbidden weighs more than what is left out, however much that is.
    fn weight(&self) -> (usize, usize) {
        let Findings {
            contradicted,
            claims,
            banned,
            unmentioned,
            ..
        } = &self.faults;
        let wrong = contradicted.len() + claims.len() + banned.len();
        (wrong, unmentioned.len())
    }
}

#[cfg(test)]
mod tests;
