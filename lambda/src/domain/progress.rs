//! How far the work on a product has come, for those who look on from outside: it is known
//! also where the work fails half-way, and it counts what happens behind the ports.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{CheckedDescription, Findings, Told, Unfaithful, Usage};

tokio::task_local! {
    static CURRENT: Arc<Mutex<Progress>>;
}

/// What is known of one product's way so far. It has no value of an attribute and no text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The product's name, where it has one.
    pub product_id: Option<String>,
    /// How long the photo took to be read, in ms.
    pub photo_ms: Option<u64>,
    /// How long the questions took, in ms.
    pub attributes_ms: Option<u64>,
    /// How long the text took, its check and its mending included, in ms.
    pub description_ms: Option<u64>,
    /// The answers, once there are any.
    pub answers: Option<Answers>,
    /// The text, once it is written.
    pub text: Option<Text>,
    /// What was paid for in its place, where answers came and no text of them.
    pub spent: Option<Spent>,
    /// How often the endpoint or a model was called.
    pub attempts: u64,
    /// How many of these calls repeated one that had failed.
    pub retries: u64,
    /// How many of them were turned away because of load.
    pub throttled: u64,
}

/// What was paid for without a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The model that answered.
    pub model: String,
    /// What its answers took.
    pub usage: Usage,
}

/// The attributes that were asked about, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Those with an answer to the point.
    pub answered: usize,
    /// Those without.
    pub missing: usize,
    /// Of the answered ones those that the writer was told as not sure.
    pub hedged: usize,
    /// Of the answered ones those that the writer was not told.
    pub left_out: usize,
}

/// A text, by what is wrong with it and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The model that wrote it.
    pub model: String,
    /// What it took.
    pub usage: Usage,
    /// The attributes that it leaves out.
    pub unmentioned: usize,
    /// The attributes that it contradicts.
    pub contradicted: usize,
    /// What it claims beyond the attributes.
    pub claims: usize,
    /// The banned words that it has, each once.
    pub banned_words: usize,
    /// The texts of a listing, or the one, that are in another script than that of their
    /// language.
    pub wrong_script: usize,
    /// What is wrong with the form of its texts.
    pub wrong_form: usize,
    /// What becomes of it.
    pub fate: Unfaithful,
}

impl Answers {
    /// Counts what was found and what is told of it.
    pub fn of(findings: &Findings, told: &Told) -> Answers {
        Answers {
            answered: findings.attributes.len(),
            missing: findings.missing.len(),
            hedged: told.hedged.len(),
            left_out: told.left_out.len(),
        }
    }
}

impl Text {
    /// Counts the faults of a text. What becomes of one that has some is `unfaithful`.
    pub fn of(checked: &CheckedDescription, unfaithful: Unfaithful) -> Text {
        let CheckedDescription {
            written,
            faults,
            wrong_script,
            wrong_form,
            ..
        } = checked;
        Text {
            model: written.model.clone(),
            usage: written.usage,
            unmentioned: faults.unmentioned.len(),
            contradicted: faults.contradicted_attributes().len(),
            claims: faults.claims.len(),
            banned_words: faults.banned_words().len(),
            wrong_script: wrong_script.len(),
            wrong_form: wrong_form.len(),
            fate: if checked.is_clean() {
                Unfaithful::Return
            } else {
                unfaithful
            },
        }
    }
}

impl Progress {
    /// What writing took, whether or not there is a text; nothing where nothing was answered.
    pub fn usage(&self) -> Option<Usage> {
        let of_text = self.text.as_ref().map(|text| text.usage);
        of_text.or(self.spent.as_ref().map(|spent| spent.usage))
    }

    /// The model that took it.
    pub fn model(&self) -> Option<&str> {
        let of_text = self.text.as_ref().map(|text| text.model.as_str());
        of_text.or(self.spent.as_ref().map(|spent| spent.model.as_str()))
    }

    /// Does the work on one product; what is noted meanwhile is its progress.
    pub async fn of<F: Future>(work: F) -> (F::Output, Progress) {
        let progress = Arc::new(Mutex::new(Progress::default()));
        let outcome = CURRENT.scope(Arc::clone(&progress), work).await;
        let progress = locked(&progress).clone();
        (outcome, progress)
    }

    /// Notes something about the product that is worked on. Where nobody looks on, and in a
    /// task that was spawned by the work, it is not noted.
    pub fn note(change: impl FnOnce(&mut Progress)) {
        // Not within the scope of any work: there is nobody to tell.
        let _ = CURRENT.try_with(|progress| change(&mut locked(progress)));
    }
}

/// A panic while something was noted leaves numbers behind that are still true.
fn locked(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn retried(times: u64) {
        for _ in 0..times {
            Progress::note(|progress| progress.retries += 1);
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn products_side_by_side_have_a_progress_each() {
        let (one, three) = tokio::join!(Progress::of(retried(1)), Progress::of(retried(3)));
        assert_eq!((one.1.retries, three.1.retries), (1, 3));
    }

    #[tokio::test]
    async fn where_nobody_looks_on_nothing_happens() {
        retried(1).await;
        let ((), progress) = Progress::of(async {}).await;
        assert_eq!(progress, Progress::default());
    }
}
