//! The card's tables and sentences about the evaluation.

use std::fmt::Write;

use super::text::{code, line};
use super::{dataset, modes};
use crate::evaluate::evaluation::{Evaluation, SystemResults};
use crate::evaluate::report::{difference, with_interval};

pub(super) fn body(evaluation: &Evaluation) -> String {
    let data = &evaluation.data;
    let intervals = match evaluation.method.resamples {
        0 => String::new(),
        resamples => format!(
            ", with {:.0} % intervals ({resamples} bootstrap resamples of the products)",
            evaluation.method.interval_level * 100.0
        ),
    };
    let mut body = format!(
        "# {}\n\nA BLIP-2 model with a Flan-T5 language model that answers questions about \
         photographs of fashion products, one question an attribute: \"Question: What is the \
         pattern of the shirt in this picture? Answer: \" is answered by \"Pattern: Striped\".\n\n\
         ## Evaluation\n\n{} products and {} questions of {}, in percent{intervals}. Macro-F1 is \
         the mean F1 over the values that are true or answered; the means are over the \
         attributes.\n\n",
        line(&evaluation.model),
        data.products,
        data.questions,
        code(dataset(evaluation)),
    );
    comparison(&mut body, evaluation);
    if let Some(model) = evaluation.systems.first() {
        by_attribute(&mut body, model);
        abstaining(&mut body, model);
        missing_truth(&mut body, model);
    }
    limits(&mut body, evaluation);
    body
}

fn comparison(body: &mut String, evaluation: &Evaluation) {
    body.push_str(
        "| answers | mean accuracy | mean macro-F1 | model ahead in macro-F1 |\n\
         |---|---|---|---|\n",
    );
    for system in &evaluation.systems {
        for (mode, results) in modes(system) {
            let Some(average) = results.averages.first() else {
                continue;
            };
            let ahead = average.model_ahead_macro_f1.as_ref();
            let _ = writeln!(
                body,
                "| {}, {mode} | {} | {} | {} |",
                line(&system.name),
                with_interval(&average.accuracy),
                with_interval(&average.macro_f1),
                ahead.map(difference).unwrap_or_default()
            );
        }
    }
}

fn by_attribute(body: &mut String, model: &SystemResults) {
    for (mode, results) in modes(model) {
        let _ = write!(
            body,
            "\nBy attribute, {mode}:\n\n| attribute | questions | accuracy | macro-F1 | ECE |\n\
             |---|---|---|---|---|\n"
        );
        for attribute in &results.attributes {
            let error = attribute
                .calibration
                .as_ref()
                .map_or(0.0, |calibration| calibration.expected_calibration_error);
            let _ = writeln!(
                body,
                "| {} | {} | {} | {} | {:.1} |",
                line(&attribute.attribute),
                attribute.questions,
                with_interval(&attribute.accuracy),
                with_interval(&attribute.macro_f1),
                error * 100.0
            );
        }
    }
}

fn abstaining(body: &mut String, model: &SystemResults) {
    let mut rows = String::new();
    for (mode, results) in modes(model) {
        for point in &results.selective {
            let accuracy = point.accuracy.map(|share| format!("{:.1}", share * 100.0));
            let _ = writeln!(
                rows,
                "| {mode} | {} | {:.1} | {} |",
                point.threshold,
                point.coverage * 100.0,
                accuracy.unwrap_or_else(|| "–".to_owned())
            );
        }
    }
    if !rows.is_empty() {
        let _ = write!(
            body,
            "\nWhere answers under a confidence are withheld:\n\n| answers | confidence from | \
             answered | right of these |\n|---|---|---|---|\n{rows}"
        );
    }
}

fn missing_truth(body: &mut String, model: &SystemResults) {
    for (mode, results) in modes(model) {
        let Some(missing) = &results.missing_truth else {
            continue;
        };
        let known = missing.known_mean_confidence.unwrap_or_default();
        let auroc = missing.auroc.map(|auroc| format!("{auroc:.2}"));
        let _ = write!(
            body,
            "\nWhere the data have no value (NA; {} questions), {mode} have a mean confidence of \
             {:.1} %, against {:.1} % where they have one; the confidence tells both apart with \
             an AUROC of {} (0.5 is chance).\n",
            missing.questions,
            missing.mean_confidence * 100.0,
            known * 100.0,
            auroc.unwrap_or_else(|| "–".to_owned())
        );
    }
}

fn limits(body: &mut String, evaluation: &Evaluation) {
    let data = &evaluation.data;
    body.push_str("\n## Limits\n\n");
    body.push_str(
        "- Values in the data are lopsided and some are wrong; a constant answer reaches a high \
         accuracy, so compare macro-F1 with the baselines above.\n\
         - Asked about an attribute that a garment does not have, the model may answer all the \
         same.\n",
    );
    if data.products_in_training > 0 {
        let _ = writeln!(
            body,
            "- {} of the products were in the training file as well, so that these numbers are \
             too good.",
            data.products_in_training
        );
    }
    if !data.unusable_photos.is_empty() {
        let _ = writeln!(
            body,
            "- {} products were left out because their photo could not be used.",
            data.unusable_photos.len()
        );
    }
}
