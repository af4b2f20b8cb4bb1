//! What a benchmark measured against what this project asks of itself.

use std::fmt::Write;

/// One line of the table.
pub struct Verdict {
    /// What it was measured with, such as the shape of the model.
    pub case: String,
    /// What is compared.
    pub what: &'static str,
    /// What is asked, as it is read.
    pub goal: String,
    /// What was measured, as it is read; `None` where something is missing that it
    /// takes.
    pub measured: Option<String>,
    /// Whether that is enough.
    pub is_reached: bool,
}

/// The table, in Markdown; `cases` is the heading of its first column.
///
/// # Errors
/// None, where `text` takes all that is written to it.
pub fn write_table(
    text: &mut String,
    cases: &str,
    verdicts: impl IntoIterator<Item = Verdict>,
) -> std::fmt::Result {
    writeln!(text, "| {cases} | what | target | measured | reached |")?;
    writeln!(text, "|---|---|---|---|---|")?;
    for verdict in verdicts {
        let reached = match (&verdict.measured, verdict.is_reached) {
            (None, _) => "not measured",
            (_, true) => "yes",
            (_, false) => "**no**",
        };
        writeln!(
            text,
            "| {} | {} | {} | {} | {reached} |",
            verdict.case,
            verdict.what,
            verdict.goal,
            verdict.measured.as_deref().unwrap_or("–")
        )?;
    }
    Ok(())
}
