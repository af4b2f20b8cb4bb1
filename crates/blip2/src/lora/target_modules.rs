//! `target_modules`: which linear layers an adapter is for.
//!
//! As in peft it is an array of names, of which each stands for all modules that are
//! called so or whose path ends so after a dot, or a text, which is a regular expression
//! for the whole path of a module. Regular expressions are those of the crate `regex`:
//! what Python's have beyond them (looking around, references back) is refused.
//! peft's `"all-linear"` stands for nothing here: peft writes an adapter with names in its
//! place.

use std::collections::BTreeSet;
use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::adapter::{CONFIG, WEIGHTS};
use crate::error::Error;

/// How many modules an error lists.
const LISTED: usize = 3;

/// Linear layers by their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "target_modules has to be an array of names of layers, or a regular expression \
                 for whole names"
)]
pub enum TargetModules {
    /// A regular expression for the whole name, such as
    /// `.*\.SelfAttention\.(q|v)`.
    Pattern(String),
    /// Names, or what they end with after a dot.
    Names(Vec<String>),
}

impl TargetModules {
    /// Whether a layer is one of them.
    ///
    /// # Errors
    /// [`Error::Adapter`] when the pattern is no regular expression.
    pub fn matcher(&self) -> Result<impl Fn(&str) -> bool + use<>, Error> {
        let (names, pattern) = match self {
            Self::Names(names) => (names.clone(), None),
            Self::Pattern(pattern) => {
                let whole = Regex::new(&format!("^(?:{pattern})$"))
                    .map_err(|error| Error::Adapter(format!("target_modules: {error}")))?;
                (Vec::new(), Some(whole))
            }
        };
        Ok(move |module: &str| match &pattern {
            Some(pattern) => pattern.is_match(module),
            None => names.iter().any(|name| is_named(module, name)),
        })
    }

    /// What of it is none of these layers: names that none has, or the pattern.
    ///
    /// # Errors
    /// As [`Self::matcher`].
    pub(crate) fn unmatched(&self, layers: &[String]) -> Result<Vec<&str>, Error> {
        match self {
            Self::Names(names) => {
                let is_layer = |name: &str| layers.iter().any(|layer| is_named(layer, name));
                let names = names.iter().map(String::as_str);
                Ok(names.filter(|name| !is_layer(name)).collect())
            }
            Self::Pattern(pattern) => {
                let is_target = self.matcher()?;
                let is_matched = layers.iter().any(|layer| is_target(layer.as_str()));
                Ok(match is_matched {
                    true => Vec::new(),
                    false => vec![pattern.as_str()],
                })
            }
        }
    }

    /// Looks whether it stands for the layers that have matrices, `adapted`, and among
    /// those of the model, `layers`, for no others. With peft the matrices of a layer that
    /// is not named do nothing, and a layer that is named without having some stays as it
    /// began: an adapter like that isn't what was trained. A name that no layer has is
    /// passed over, as by peft.
    ///
    /// # Errors
    /// [`Error::Adapter`] with the target modules and the layers that do not go together;
    /// as [`Self::matcher`].
    pub(super) fn check(&self, layers: &[String], adapted: &BTreeSet<&str>) -> Result<(), Error> {
        let is_target = self.matcher()?;
        let fail = |reason: String| {
            Err(Error::Adapter(format!(
                "{CONFIG} has the target_modules {self}, {reason}: the two files are not of one \
                 adapter, or one was changed"
            )))
        };
        let not_named: Vec<&str> = adapted
            .iter()
            .copied()
            .filter(|&layer| !is_target(layer))
            .collect();
        if !not_named.is_empty() {
            return fail(format!(
                "which do not name {}, and {WEIGHTS} has matrices there",
                list(&not_named)
            ));
        }
        let without: Vec<&str> = layers
            .iter()
            .map(String::as_str)
            .filter(|&layer| is_target(layer) && !adapted.contains(layer))
            .collect();
        if !without.is_empty() {
            return fail(format!(
                "which name {}, and {WEIGHTS} has no matrices there",
                list(&without)
            ));
        }
        Ok(())
    }
}

/// As `adapter_config.json` has it.
impl fmt::Display for TargetModules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(pattern) => write!(f, "{pattern:?}"),
            Self::Names(names) => write!(f, "{names:?}"),
        }
    }
}

/// Whether this is the module's name, or what that ends with after a dot.
fn is_named(module: &str, name: &str) -> bool {
    module
        .strip_suffix(name)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// The first of some layers, and how many more there are.
fn list(layers: &[&str]) -> String {
    match layers.len().checked_sub(LISTED) {
        None | Some(0) => layers.join(", "),
        Some(more) => format!("{} and {more} more", layers[..LISTED].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> TargetModules {
        TargetModules::Names(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn modules_are_chosen_as_peft_chooses_them() {
        let q = "language_model.encoder.block.0.layer.0.SelfAttention.q";
        for (targets, fits) in [
            (names(&["q", "v"]), true),
            (names(&["SelfAttention.q"]), true),
            (names(&[q]), true),
            (names(&["Attention.q", "o"]), false),
            (
                TargetModules::Pattern(r".*\.SelfAttention\.(q|v)".into()),
                true,
            ),
            (TargetModules::Pattern("SelfAttention.q".into()), false),
        ] {
            assert_eq!(targets.matcher().unwrap()(q), fits, "{targets:?}");
        }
        assert!(TargetModules::Pattern("(".into()).matcher().is_err());
    }

    #[test]
    fn what_is_no_layer_is_found_beside_what_is_one() {
        let layers = ["x.SelfAttention.q", "x.SelfAttention.v", "lm_head"].map(str::to_owned);
        let names =
            TargetModules::Names(["q", "lm_head", "c_attn", "n.q"].map(str::to_owned).into());
        assert_eq!(names.unmatched(&layers).unwrap(), ["c_attn", "n.q"]);
        for (pattern, unmatched) in [(r".*\.(q|v)", &[][..]), ("q", &["q"])] {
            let targets = TargetModules::Pattern(pattern.to_owned());
            assert_eq!(targets.unmatched(&layers).unwrap(), unmatched);
        }
    }

    #[test]
    fn the_layers_that_are_named_are_those_that_have_matrices() {
        let layers = ["0.q", "0.v", "1.q", "1.v", "2.q", "2.v", "lm_head"].map(str::to_owned);
        let some = |end: &str| -> BTreeSet<&str> {
            let layers = layers.iter().map(String::as_str);
            layers.filter(|layer| layer.ends_with(end)).collect()
        };
        let pattern = |text: &str| TargetModules::Pattern(text.to_owned());
        for targets in [
            names(&["q"]),
            // A model of another kind has it.
            names(&["q", "q_proj"]),
            names(&["0.q", "1.q", "2.q"]),
            pattern(r"\d\.q"),
        ] {
            targets.check(&layers, &some("q")).unwrap();
        }
        for (targets, adapted, said) in [
            (
                names(&["v"]),
                some("q"),
                r#"target_modules ["v"], which do not name 0.q, 1.q, 2.q, and adapter_model"#,
            ),
            (
                names(&[]),
                some(""),
                r"target_modules [], which do not name 0.q, 0.v, 1.q and 4 more, and adapter_model",
            ),
            (
                names(&["0.q", "2.q"]),
                some("q"),
                r#"["0.q", "2.q"], which do not name 1.q, and adapter_model"#,
            ),
            (
                pattern("q"),
                some("q"),
                r#"target_modules "q", which do not name 0.q, 1.q, 2.q, and adapter_model"#,
            ),
            (
                names(&["q", "v"]),
                some("q"),
                r#"["q", "v"], which name 0.v, 1.v, 2.v, and adapter_model.safetensors has no"#,
            ),
            (
                pattern(".*"),
                some("q"),
                r#"".*", which name 0.v, 1.v, 2.v and 1 more, and adapter_model.safetensors has"#,
            ),
        ] {
            let error = targets.check(&layers, &adapted).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
