//! The section of BENCHMARKS.md.

use std::path::Path;

use anyhow::Result;
use tests::benchmarks_page::write_section;
use tests::machine::{Machine, commit, said_by};

/// Writes the section, with the load average of the beginning.
pub fn write(path: &Path, tables: &str, load: f64) -> Result<()> {
    let section = format!(
        "## Faults\n\n\
         The function in several processes, the local cloud with its template writer and the \
         model server with the shipped checkpoint; between them proxies that throttle, fail, \
         reset connections, lose and halve answers and let calls hang. The queue, the \
         asynchronous invocations and the kills are played; `tests/src/chaos/verdict.rs` has the \
         rules in full.\n\n\
         Machine: {}. `make chaos` on {}, commit {}; the load average was {load:.1} when it \
         began.\n\n{tables}",
        Machine::here()?,
        said_by("date", &["-u", "+%F"]),
        commit(),
    );
    write_section(path, "chaos", &section)
}
