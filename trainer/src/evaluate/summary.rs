//! `summary.json`: what the evaluated model comes to, in a few numbers.
//!
//! `evaluation.json` has every confusion and grows with the vocabulary. A workflow
//! that decides by a score can't read it: Step Functions passes on 256 KiB at most.

use serde::Serialize;

use super::evaluation::{Evaluation, FORMAT};
use super::measure::{Estimate, Results};

/// Its name in the folder of the reports.
pub const FILE: &str = "summary.json";

/// The model that is evaluated, without those that it is compared with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// [`FORMAT`].
    pub format: u32,
    /// What the model is called.
    pub model: String,
    /// Products that everybody could see.
    pub products: u64,
    /// Questions about them whose truth is known.
    pub questions: u64,
    /// Of its free answers.
    pub free: Option<Means>,
    /// Of its answers that are held to the vocabulary.
    pub held: Option<Means>,
}

/// Unweighted means over all attributes, in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Means {
    /// Of their accuracies.
    pub accuracy: Estimate,
    /// Of their macro-F1.
    pub macro_f1: Estimate,
}

impl Summary {
    /// That of an evaluation.
    #[must_use]
    pub fn of(evaluation: &Evaluation) -> Summary {
        let evaluated = evaluation.systems.first();
        Summary {
            format: FORMAT,
            model: evaluation.model.clone(),
            products: evaluation.data.products,
            questions: evaluation.data.questions,
            free: evaluated
                .and_then(|system| system.free.as_ref())
                .and_then(means),
            held: evaluated.and_then(|system| means(&system.held)),
        }
    }
}

/// The first average is that over all attributes.
fn means(results: &Results) -> Option<Means> {
    let over_all = results.averages.first()?;
    Some(Means {
        accuracy: over_all.accuracy,
        macro_f1: over_all.macro_f1,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::evaluate::example::evaluation;

    #[test]
    fn it_is_of_the_evaluated_model_and_over_all_attributes() {
        let evaluation = evaluation();
        let summary = json!(Summary::of(&evaluation));
        let model = &evaluation.systems[0];
        let free = &model.free.as_ref().unwrap().averages[0];
        assert_eq!(
            summary["free"]["accuracy"]["value"],
            json!(free.accuracy.value)
        );
        let held = &model.held.averages[0];
        assert_eq!(
            summary["held"]["macro_f1"]["value"],
            json!(held.macro_f1.value)
        );
        assert_eq!(summary["questions"], 3);
        assert_eq!(summary["model"], evaluation.model.as_str());
    }
}
