//! The file of a template of one's own.

use std::fs::File;
use std::io::Read;

use super::{PROMPT_TEMPLATE, SettingsError};
use crate::domain::PromptTemplate;

/// The longest file, in bytes. All of it is read by the model with every product; the built-in
/// one has less than two thousand.
const LONGEST: u64 = 65_536;
/// What some editors put before a text.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// Reads the template in the file at `path`.
pub(super) fn read(path: &str) -> Result<PromptTemplate, SettingsError> {
    let wrong = |why: String| PROMPT_TEMPLATE.wrong(format!("{path:?} {why}"));
    let text = text(path).map_err(wrong)?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
    for (index, line) in text.lines().enumerate() {
        if let Some(control) = line.chars().find(|c| c.is_control() && *c != '\t') {
            return Err(wrong(format!(
                "has the control character U+{:04X} in line {}: take it out",
                u32::from(control),
                index + 1
            )));
        }
    }
    PromptTemplate::parse(text).map_err(|error| wrong(format!("is no template: {error}")))
}

/// The file's text; the error goes on with a sentence that begins with its name.
fn text(path: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("can't be read: {error}"))?;
    // A size in bytes fits into 64 bits.
    if bytes.len() as u64 > LONGEST {
        return Err(format!(
            "has more than {LONGEST} bytes: it is read with every product, make it shorter"
        ));
    }
    String::from_utf8(bytes).map_err(|_| "is no text in UTF-8: save it as such".to_owned())
}
