//! Texts in Markdown.

/// A text that stays on its line and in its cell.
pub(super) fn line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
        .replace('|', "\\|")
        .replace('<', "&lt;")
}

pub(super) fn code(text: &str) -> String {
    format!("`{}`", line(&text.replace('`', "'")))
}
