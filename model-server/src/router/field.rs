//! One field of a JSON request, read with errors that name it.

use serde_json::Value;

use super::{ApiError, ErrorCode};

/// A value and the path that leads to it, such as `parameters.num_beams`.
pub(super) struct Field<'a> {
    path: String,
    value: &'a Value,
    code: ErrorCode,
}

impl<'a> Field<'a> {
    pub(super) fn new(path: impl Into<String>, value: &'a Value, code: ErrorCode) -> Field<'a> {
        Field {
            path: path.into(),
            value,
            code,
        }
    }

    pub(super) fn whole_number(&self) -> Result<usize, ApiError> {
        self.unsigned().and_then(|number| {
            usize::try_from(number).map_err(|_| self.wrong("a smaller whole number"))
        })
    }

    /// A whole number; 20.0 is one, since JSON knows only numbers.
    pub(super) fn unsigned(&self) -> Result<u64, ApiError> {
        /// Above, neighbouring whole numbers are no longer told apart.
        const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
        let whole = |number: f64| {
            (number.fract() == 0.0 && (0.0..=LARGEST_EXACT).contains(&number))
                .then_some(number as u64)
        };
        self.value
            .as_u64()
            .or_else(|| self.value.as_f64().and_then(whole))
            .ok_or_else(|| self.wrong("a whole number of 0 or more"))
    }

    pub(super) fn number(&self) -> Result<f64, ApiError> {
        self.value.as_f64().ok_or_else(|| self.wrong("a number"))
    }

    pub(super) fn boolean(&self) -> Result<bool, ApiError> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong("true or false"))
    }

    pub(super) fn text(&self, expected: &str) -> Result<&'a str, ApiError> {
        self.value.as_str().ok_or_else(|| self.wrong(expected))
    }

    pub(super) fn items(&self, expected: &str) -> Result<Vec<Field<'a>>, ApiError> {
        let items = self.value.as_array().ok_or_else(|| self.wrong(expected))?;
        let field = |(index, value)| Field {
            path: format!("{}[{index}]", self.path),
            value,
            code: self.code,
        };
        Ok(items.iter().enumerate().map(field).collect())
    }

    /// The entries of an object; nothing where it is none.
    pub(super) fn entries(&self) -> Option<Vec<(&'a str, Field<'a>)>> {
        let entries = self.value.as_object()?;
        let field = |(name, value): (&'a String, &'a Value)| {
            let path = format!("{}.{name}", self.path);
            (name.as_str(), Field::new(path, value, self.code))
        };
        Some(entries.iter().map(field).collect())
    }

    pub(super) fn is_null(&self) -> bool {
        self.value.is_null()
    }

    pub(super) fn is_array_or_null(&self) -> bool {
        self.value.is_array() || self.value.is_null()
    }

    /// The error that something else was expected here.
    pub(super) fn wrong(&self, expected: &str) -> ApiError {
        let message = format!(
            "`{}` must be {expected}, not {}",
            self.path,
            describe(self.value)
        );
        ApiError::new(self.code, message)
    }
}

/// What a value is; numbers and truth values as they are, strings and what may
/// be long by their kind alone.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(boolean) => boolean.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn unsigned(value: Value) -> Result<u64, String> {
        Field::new("parameters.seed", &value, ErrorCode::InvalidParameter)
            .unsigned()
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn whole_numbers_are_read_exactly() {
        assert_eq!(unsigned(json!(0)), Ok(0));
        assert_eq!(unsigned(json!(20.0)), Ok(20));
        assert_eq!(unsigned(json!(u64::MAX)), Ok(u64::MAX));
    }

    #[test]
    fn anything_else_is_named() {
        for (value, not) in [
            (json!(-1), "-1"),
            (json!(1.5), "1.5"),
            (json!(1e300), "1e+300"),
            (json!(true), "true"),
            (json!(null), "null"),
            (json!("1"), "a string"),
            (json!([1]), "an array"),
            (json!({"a": 1}), "an object"),
        ] {
            let error = unsigned(value).unwrap_err();
            assert!(
                error.contains("`parameters.seed` must be a whole number"),
                "{error}"
            );
            assert!(error.contains(&format!("not {not}")), "{error}");
        }
    }
}
