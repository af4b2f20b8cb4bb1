//! `training.html`: curves and sample answers, in one file that needs nothing
//! else.

mod curve;

use std::collections::BTreeMap;

use anyhow::Context;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use super::container::{Container, write_file};
use super::metrics::Event;
use curve::{Curve, svg};

/// Steps whose losses are averaged to one point, at most so many points.
const POINTS: usize = 300;

/// Writes the report beside the metrics.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    container: &Container,
    hyperparameters: &BTreeMap<String, String>,
    events: &[Event],
) -> anyhow::Result<()> {
    let page = render(hyperparameters, events)?;
    write_file(
        &container.output_data().join("training.html"),
        page.as_bytes(),
    )
}

/// The page. Whatever came from outside is escaped.
///
/// # Errors
/// When the template asks for what there is not.
fn render(hyperparameters: &BTreeMap<String, String>, events: &[Event]) -> anyhow::Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment
        .add_template("training.html", include_str!("training.html"))
        .context("the template is wrong")?;
    let (mut losses, mut rates, mut epochs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut validation, mut macro_f1) = (Vec::new(), Vec::new());
    let (mut samples, mut skipped) = (Vec::new(), Vec::new());
    let mut last_step = 0;
    for event in events {
        match event {
            Event::Step {
                step,
                loss,
                learning_rate,
                ..
            } => {
                last_step = *step;
                losses.push((*step as f64, *loss));
                rates.push((*step as f64, *learning_rate));
            }
            Event::SkippedStep { step, reason } => {
                skipped.push(context! { step => step, reason => reason });
            }
            Event::Epoch(summary) => {
                let at = last_step as f64;
                validation.extend(summary.validation_loss.map(|loss| (at, loss)));
                macro_f1.extend(summary.macro_f1.map(|score| (at, score)));
                let number =
                    |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.4}"));
                epochs.push(context! {
                    epoch => summary.epoch,
                    loss => number(summary.loss),
                    validation_loss => number(summary.validation_loss),
                    macro_f1 => number(summary.macro_f1),
                    seconds => format!("{:.1}", summary.seconds),
                    peak_memory_mib => format!("{:.0}", summary.peak_memory_mib),
                });
            }
            Event::Sample(sample) => samples.push(sample),
            Event::Photographs { .. } => {}
        }
    }
    let last = samples.iter().map(|sample| sample.epoch).max();
    samples.retain(|sample| Some(sample.epoch) == last);
    let safe = Value::from_safe_string;
    let losses = svg(
        "Loss",
        &[
            Curve::new("training", thinned(&losses)),
            Curve::new("validation", validation),
        ],
    );
    let page = context! {
        losses => safe(losses),
        scores => safe(svg("Macro-F1", &[Curve::new("validation", macro_f1)])),
        rates => safe(svg("Learning rate", &[Curve::new("learning rate", thinned(&rates))])),
        epochs => epochs,
        samples => samples,
        skipped => skipped,
        settings => hyperparameters,
        steps => last_step,
    };
    environment
        .get_template("training.html")?
        .render(page)
        .context("the report cannot be made")
}

/// Means of neighbouring points, few enough to be drawn.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let together = points.len().div_ceil(POINTS).max(1);
    let mean = |points: &[(f64, f64)]| {
        let count = points.len() as f64;
        let sum = points
            .iter()
            .fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sum.0 / count, sum.1 / count)
    };
    points.chunks(together).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::super::metrics::{EpochSummary, Sample};
    use super::*;

    #[test]
    fn the_page_shows_curves_and_answers_and_escapes_them() {
        let mut events: Vec<Event> = (1..=1000)
            .map(|step| Event::Step {
                step,
                epoch: 1,
                loss: 1.0 / step as f64,
                learning_rate: 0.1,
                gradient_norm: 1.0,
                questions: 16,
                seconds: 0.1,
            })
            .collect();
        events.push(Event::Epoch(EpochSummary {
            epoch: 1,
            loss: Some(0.5),
            validation_loss: Some(0.25),
            macro_f1: None,
            seconds: 100.0,
            validation_seconds: 1.0,
            peak_memory_mib: 64.0,
        }));
        events.push(Event::Sample(Sample {
            epoch: 1,
            id: "7".to_owned(),
            question: "<script>alert(1)</script>".to_owned(),
            expected: "a".to_owned(),
            answer: "b".to_owned(),
        }));
        let settings = BTreeMap::from([("lr", "0.1")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        let page = render(&settings, &events).unwrap();
        assert!(page.contains("<polyline") && page.contains("0.2500"));
        assert!(page.contains("<td>lr</td><td>0.1</td>"), "{page}");
        assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;"));
        assert!(!page.contains("http://") && !page.contains("https://"));
        assert!(render(&settings, &[]).is_ok());
        assert!(thinned(&vec![(0.0, 1.0); 1000]).len() <= POINTS);
    }
}
