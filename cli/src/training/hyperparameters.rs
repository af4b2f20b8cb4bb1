//! Hyperparameters as they are given here and as the trainer reads them.

use std::collections::BTreeMap;

use trainer::train::hyperparameters::Hyperparameters;

use crate::failure::{Failure, Outcome};
use crate::name_value::{NameValue, collected};

/// More than SageMaker takes of them.
const MOST: usize = 100;

/// All that were given, looked at by the trainer's own reader: what it would refuse in the
/// job, minutes and money later, is refused here.
///
/// # Errors
/// Which is wrong, and what is allowed.
pub fn checked(given: &[NameValue]) -> Outcome<BTreeMap<String, String>> {
    let values = collected("-H", given)?;
    if values.len() > MOST {
        return Err(Failure::usage(format!(
            "-H: SageMaker takes {MOST} hyperparameters at most"
        )));
    }
    Hyperparameters::parse(&as_json(&values)?)
        .map_err(|error| Failure::usage(format!("-H: {error:#}")))?;
    Ok(values)
}

/// The file that the trainer reads.
///
/// # Errors
/// None: names and values are texts.
pub fn as_json(values: &BTreeMap<String, String>) -> Outcome<String> {
    serde_json::to_string(values)
        .map_err(|error| Failure::usage(format!("-H: no JSON can be made of it: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(texts: &[&str]) -> Outcome<BTreeMap<String, String>> {
        let values: Vec<NameValue> = texts.iter().map(|text| text.parse().unwrap()).collect();
        checked(&values)
    }

    #[test]
    fn the_trainers_own_reader_says_what_is_wrong() {
        let values = given(&["epochs=3", "lr=0.001", "lora-target-modules=q,v"]).unwrap();
        assert_eq!(values["lora-target-modules"], "q,v");
        for (wrong, names) in [
            (&["epoch=3"][..], "epoch"),
            (&["epochs=many"][..], "epochs"),
            (&["fresh-qformer=true"][..], "train"),
            (&["lr=1", "lr=2"][..], "lr"),
        ] {
            let failure = given(wrong).unwrap_err();
            assert!(failure.what.starts_with("-H: "), "{failure}");
            assert!(failure.what.contains(names), "{failure}");
        }
    }
}
