//! How an HTTP call is answered.

use super::{Environment, RESPONSE_MODE, SettingsError};

/// When the caller of a function URL gets the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// When all of it is there, as the URL's invoke mode `BUFFERED` takes it.
    Buffered,
    /// As it comes to be, as the URL's invoke mode `RESPONSE_STREAM` takes it.
    Stream,
}

/// Reads it.
pub(super) fn response_mode<L>(environment: &Environment<L>) -> Result<ResponseMode, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    match environment.text(&RESPONSE_MODE).as_str() {
        "buffered" => Ok(ResponseMode::Buffered),
        "stream" => Ok(ResponseMode::Stream),
        other => {
            Err(RESPONSE_MODE.wrong(format!("is {other:?}, must be \"buffered\" or \"stream\"")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn read(mode: Option<&str>) -> Result<ResponseMode, SettingsError> {
        let lookup = |name: &str| mode.filter(|_| name == "RESPONSE_MODE").map(str::to_owned);
        Settings::read(lookup).map(|settings| settings.response_mode)
    }

    #[test]
    fn answers_are_buffered_unless_told_otherwise() {
        for mode in [None, Some("buffered")] {
            assert_eq!(read(mode), Ok(ResponseMode::Buffered), "{mode:?}");
        }
        assert_eq!(read(Some("stream")), Ok(ResponseMode::Stream));
    }

    #[test]
    fn another_mode_is_an_error_that_names_those_there_are() {
        for mode in ["Stream", "RESPONSE_STREAM", "none"] {
            let error = read(Some(mode)).unwrap_err();
            assert_eq!(error.variable, "RESPONSE_MODE");
            for part in [mode, "buffered", "stream"] {
                assert!(error.reason.contains(part), "{error}");
            }
        }
    }
}
