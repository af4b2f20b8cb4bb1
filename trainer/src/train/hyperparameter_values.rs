//! Hyperparameters' values as text, and what they are read as.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::{RangeBounds, RangeInclusive};
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use anyhow::{anyhow, bail};
use serde_json::Value;

/// More of a value is not quoted, in characters.
const QUOTED: usize = 40;

/// A value as a message quotes it.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The error that a value is not what it has to be.
pub(super) fn wrong(name: &str, text: &str, allowed: &str) -> anyhow::Error {
    let given = match text {
        "" => "empty".to_owned(),
        text => format!("`{}`", shortened(text)),
    };
    anyhow!("hyperparameter `{name}` is {given}, it has to be {allowed}")
}

/// A number in few digits, however large or small it is.
pub(super) fn short(number: f64) -> String {
    match number.abs() {
        0.0 | 1e-4..1e7 => number.to_string(),
        _ => format!("{number:e}"),
    }
}

/// A value as text: SageMaker's Python SDK sends strings that are JSON once
/// more.
pub(super) fn plain(name: &str, value: &Value) -> anyhow::Result<String> {
    Ok(match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::String(inner)) => inner,
            Ok(Value::Null) => String::new(),
            _ => text.trim().to_owned(),
        },
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => String::new(),
        Value::Array(_) | Value::Object(_) => {
            bail!("hyperparameter `{name}` has to be a string")
        }
    })
}

/// The values of all names.
pub(super) struct Values(pub(super) BTreeMap<&'static str, String>);

impl Values {
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// A whole number within bounds.
    pub(super) fn whole<T>(&self, name: &str, bounds: RangeInclusive<T>) -> anyhow::Result<T>
    where
        T: FromStr + PartialOrd + Display,
    {
        let allowed = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        self.within(name, &bounds, &allowed)
    }

    /// A number within bounds.
    pub(super) fn number(&self, name: &str, bounds: RangeInclusive<f64>) -> anyhow::Result<f64> {
        let (least, most) = (short(*bounds.start()), short(*bounds.end()));
        self.within(name, &bounds, &format!("a number from {least} to {most}"))
    }

    /// A share that leaves something over, also in f32, in which it is computed with.
    pub(super) fn smoothing(&self, name: &str) -> anyhow::Result<f64> {
        let allowed = "a number of at least 0 and below 1, to the precision of f32";
        let share = self.within(name, &(0.0..1.0), allowed)?;
        match (share as f32) < 1.0 {
            true => Ok(share),
            false => Err(wrong(name, self.text(name), allowed)),
        }
    }

    fn within<T>(
        &self,
        name: &str,
        bounds: &impl RangeBounds<T>,
        allowed: &str,
    ) -> anyhow::Result<T>
    where
        T: FromStr + PartialOrd,
    {
        let text = self.text(name);
        let number = text.parse::<T>().ok();
        let number = number.filter(|number| bounds.contains(number));
        number.ok_or_else(|| wrong(name, text, allowed))
    }

    pub(super) fn flag(&self, name: &str) -> anyhow::Result<bool> {
        match self.text(name).to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            other => Err(wrong(name, other, "true or false")),
        }
    }

    pub(super) fn one_of<T: Clone>(&self, name: &str, choices: &[(&str, T)]) -> anyhow::Result<T> {
        let text = self.text(name);
        let chosen = choices.iter().find(|(choice, _)| *choice == text);
        chosen.map(|(_, value)| value.clone()).ok_or_else(|| {
            let known: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
            wrong(name, text, &format!("one of {}", known.join(", ")))
        })
    }

    /// A folder anywhere, or one within a channel, whose name comes first.
    pub(super) fn adapter_folder(&self, name: &str) -> anyhow::Result<Option<PathBuf>> {
        let Some(text) = self.optional(name) else {
            return Ok(None);
        };
        let path = PathBuf::from(text);
        let goes_down = |part| matches!(part, Component::Normal(_));
        if !path.is_absolute() && !path.components().all(goes_down) {
            let allowed = "a whole path, or a channel's name and a folder in it";
            return Err(wrong(name, text, allowed));
        }
        Ok(Some(path))
    }

    /// The name of a file in a channel, and nothing outside it.
    pub(super) fn file(&self, name: &str) -> anyhow::Result<String> {
        let text = self.text(name);
        let is_plain = Path::new(text)
            .file_name()
            .is_some_and(|plain| plain == text);
        match is_plain {
            true => Ok(text.to_owned()),
            false => Err(wrong(name, text, "a file's name")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_told_in_short() {
        for (number, text) in [
            (0.0, "0"),
            (0.0025, "0.0025"),
            (65_536.0, "65536"),
            (1e38, "1e38"),
            (-1e300, "-1e300"),
            (2.5e-5, "2.5e-5"),
        ] {
            assert_eq!(short(number), text);
        }
        assert_eq!(shortened("é".repeat(QUOTED).as_str()), "é".repeat(QUOTED));
        assert_eq!(shortened(&"é".repeat(90)), "é".repeat(QUOTED) + "…");
    }
}
