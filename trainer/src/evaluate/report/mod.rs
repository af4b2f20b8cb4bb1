//! `evaluation.html`: one file that needs nothing else.

mod chart;
mod format;
mod thumbnail;
mod view;

use std::path::Path;

use anyhow::{Context, Result};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

pub use self::format::{difference, with_interval};
use super::evaluation::Evaluation;
use super::wrong::Wrong;

const STYLE: &str = include_str!("style.css");
const TEMPLATE: &str = include_str!("evaluation.html");

/// The report. Whatever came from outside (names, answers, reasons) is escaped.
/// `wrong` are the wrong answers to show out of `wrong_in_all`, whose photos lie
/// in `images`.
///
/// # Errors
/// When the template asks for what there is not.
pub fn render(
    evaluation: &Evaluation,
    wrong: &[Wrong],
    wrong_in_all: usize,
    images: &Path,
) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment
        .add_template("evaluation.html", TEMPLATE)
        .context("the report's template is wrong")?;
    let context = minijinja::context! {
        style => Value::from_safe_string(STYLE.to_owned()),
        page => view::page(evaluation, wrong, wrong_in_all, images),
    };
    environment
        .get_template("evaluation.html")?
        .render(context)
        .context("the report cannot be made")
}

#[cfg(test)]
mod tests;
