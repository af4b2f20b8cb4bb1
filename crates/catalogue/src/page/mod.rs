//! `catalogue.html`: what is in the catalogue and what became of it, to look at.
//! One file that needs no other.

mod thumbnails;
mod view;

use attributes::AttributeSet;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use crate::error::Error;
use crate::prepare::Prepared;
use crate::progress::Progress;

const STYLE: &str = include_str!("style.css");
const TEMPLATE: &str = include_str!("catalogue.html");

/// The page. Whatever comes from the catalogue is escaped.
///
/// # Errors
/// [`Error::Page`] when the template asks for what there is not.
pub(crate) fn render(
    set: &AttributeSet,
    prepared: &Prepared,
    thumbnails: usize,
    progress: &dyn Progress,
) -> Result<String, Error> {
    let page = view::page(set, prepared, thumbnails, progress);
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_template("catalogue.html", TEMPLATE)?;
    let context = minijinja::context! {
        style => minijinja::Value::from_safe_string(STYLE.to_owned()),
        page => page,
    };
    Ok(environment
        .get_template("catalogue.html")?
        .render(context)?)
}
