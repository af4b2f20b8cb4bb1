//! Questions about one photograph, answered on the command line.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};

use blip2::LoadedAdapter;

use crate::backend::Backend;
use crate::core::{AnswerRequest, Limits, answer_at_once};
use crate::router::{InvocationParameters, detailed};

/// Answers all `questions` about the photograph at `image`, with `adapter` if
/// there is one, and writes the answers to `out`: one line each, or a JSON array
/// where details are wanted.
///
/// # Errors
/// When the photograph cannot be read, a question or parameter is out of the
/// limits, or the model fails.
pub fn ask(
    backend: &dyn Backend,
    adapter: Option<&Arc<LoadedAdapter>>,
    image: &Path,
    questions: &[String],
    parameters: InvocationParameters,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let limits = Limits::default();
    let bytes = std::fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let questions = parameters
        .questions(questions.to_vec())
        .map_err(|error| anyhow!("{}", error.message()))?;
    let request = AnswerRequest::new(bytes.into(), questions, &limits)?;
    let answered = answer_at_once(backend, &request, adapter, &limits)
        .with_context(|| image.display().to_string())?;
    if parameters.details {
        let answers: Vec<_> = answered.answers.iter().map(detailed).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&answers)?)?;
    } else {
        for answer in &answered.answers {
            writeln!(out, "{}", answer.text)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::fake::FakeBackend;

    fn run(details: bool) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.png");
        image::RgbImage::new(3, 5).save(&path).unwrap();
        let backend =
            FakeBackend::answering(|seen, _| format!("Size: {}x{}", seen.width, seen.height));
        let parameters = InvocationParameters {
            details,
            ..Default::default()
        };
        let questions = ["a?".to_owned(), "b?".to_owned()];
        let mut out = Vec::new();
        ask(&*backend, None, &path, &questions, parameters, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn answers_are_lines() {
        assert_eq!(run(false), "Size: 3x5\nSize: 3x5\n");
    }

    #[test]
    fn details_are_json() {
        let answers: serde_json::Value = serde_json::from_str(&run(true)).unwrap();
        assert_eq!(answers[1]["value"], "3x5");
        assert_eq!(answers[1]["generated_tokens"], 9);
    }
}
