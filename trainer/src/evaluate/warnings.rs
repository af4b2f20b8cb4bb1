//! What has to be known beside the numbers.

use super::evaluation::Evaluation;
use super::systems::Kind;

/// What makes an evaluation say less than it seems to, or what it lacks; a sentence
/// each.
#[must_use]
pub fn warnings(evaluation: &Evaluation) -> Vec<String> {
    let data = &evaluation.data;
    let mut warnings = Vec::new();
    if data.products_in_training > 0 {
        warnings.push(format!(
            "{} of the products are in the training file as well: every score is too good.",
            data.products_in_training
        ));
    }
    if let (Some(file), 0) = (&data.na_file, data.questions_without_truth) {
        warnings.push(format!(
            "Whether the model knows what it can’t know is not measured: no question of {file} \
             (--na-data) could be asked about these products."
        ));
    }
    if data.repeated_rows > 0 {
        warnings.push(format!(
            "{} rows of the data repeat another; each question counts once.",
            data.repeated_rows
        ));
    }
    if !data.unusable_photos.is_empty() {
        warnings.push(format!(
            "{} products were left out because their photo can’t be used; they are listed at the \
             end.",
            data.unusable_photos.len()
        ));
    }
    if !data.unusable_training_photos.is_empty() {
        warnings.push(format!(
            "{} training products are not among the neighbours because their photo can’t be used.",
            data.unusable_training_photos.len()
        ));
    }
    let has = |kind| evaluation.systems.iter().any(|system| system.kind == kind);
    if data.training_file.is_none() {
        warnings.push(
            "There are no baselines to compare with: they learn from the file of --train-data."
                .to_owned(),
        );
    } else if !has(Kind::NearestNeighbours) {
        warnings.push(
            "The baseline of nearest neighbours is missing: it compares image features, which a \
             checkpoint (--model-dir or --before-model-dir) gives and an endpoint does not."
                .to_owned(),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::super::example::evaluation;
    use super::*;

    #[test]
    fn what_an_evaluation_lacks_is_said() {
        let mut example = evaluation();
        let said = |example: &Evaluation| warnings(example).join(" ");
        assert!(said(&example).contains("--train-data"));
        assert!(!said(&example).contains("repeat"));
        example.data.repeated_rows = 3;
        assert!(said(&example).contains("3 rows of the data repeat another"));

        example.data.na_file = Some("vqa_na.csv".to_owned());
        assert!(!said(&example).contains("--na-data"));
        example.data.questions_without_truth = 0;
        assert!(said(&example).contains("no question of vqa_na.csv (--na-data)"));

        // An endpoint alone with training data.
        example.data.training_file = Some("vqa_train.csv".to_owned());
        let text = said(&example);
        assert!(text.contains("nearest neighbours is missing") && !text.contains("no baselines"));
        example.systems[1].kind = Kind::NearestNeighbours;
        assert!(!said(&example).contains("nearest neighbours"));
    }
}
