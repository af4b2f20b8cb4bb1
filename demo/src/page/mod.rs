//! The page: one file that needs nothing else.

mod picture;
mod view;

use anyhow::{Context, Result};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

pub use self::picture::Picture;
use crate::results::Results;

const STYLE: &str = include_str!("style.css");
const TEMPLATES: [(&str, &str); 2] = [
    ("index.html", include_str!("index.html")),
    ("card.html", include_str!("card.html")),
];

/// The page about a run. Whatever came from outside (file names, answers,
/// texts) is escaped.
///
/// # Errors
/// When the template asks for what there is not.
pub fn render(results: &Results) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    for (name, source) in TEMPLATES {
        environment
            .add_template(name, source)
            .with_context(|| format!("{name} is wrong"))?;
    }
    let context = minijinja::context! {
        style => minijinja::Value::from_safe_string(STYLE.to_owned()),
        page => view::page(results),
    };
    environment
        .get_template("index.html")?
        .render(context)
        .context("the page cannot be made")
}

#[cfg(test)]
mod tests;
