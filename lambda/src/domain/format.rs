//! What is written about a product.

use std::str::FromStr;

use super::excerpt;

/// What is written about a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One text for its page.
    #[default]
    Description,
    /// All the texts of its entry in a shop.
    Listing,
}

impl Format {
    /// What it is called in requests and settings.
    pub fn name(self) -> &'static str {
        match self {
            Format::Description => "description",
            Format::Listing => "listing",
        }
    }
}

/// A text that is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no format: it must be \"description\" or \"listing\"")]
pub struct FormatError(String);

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Format, FormatError> {
        [Format::Description, Format::Listing]
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| FormatError(excerpt(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_read_by_its_name() {
        assert_eq!("description".parse::<Format>(), Ok(Format::Description));
        assert_eq!("listing".parse::<Format>(), Ok(Format::Listing));
        let error = "JSON".parse::<Format>().unwrap_err().to_string();
        assert!(
            error.contains("\"JSON\"") && error.contains("listing"),
            "{error}"
        );
        assert_eq!(Format::default(), Format::Description);
    }
}
