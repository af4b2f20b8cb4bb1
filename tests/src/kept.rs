//! Whether what a benchmark measured is kept: what is the same for all of them.

use std::path::Path;

use crate::machine::MAX_LOAD;

/// Why nothing is kept where one of the programs was not built as it is released.
#[must_use]
pub fn not_released(programs: &[&Path]) -> Option<&'static str> {
    let is_released = |program: &&Path| {
        let mut folders = program.components();
        folders.any(|part| part.as_os_str() == "release")
    };
    match programs.iter().all(is_released) {
        true => None,
        false => Some("not every program is a released one"),
    }
}

/// Why nothing is kept where the load average was `load` when the benchmark began.
#[must_use]
pub fn busy(load: f64) -> Option<&'static str> {
    (load > MAX_LOAD).then_some("the machine was busy with other things when it began")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_has_to_be_a_released_one() {
        let program = |path: &str| not_released(&[Path::new("target/release/a"), Path::new(path)]);
        assert_eq!(program("/x/target/release/examples/b"), None);
        for path in ["target/debug/b", "target/released/b", "b"] {
            assert!(program(path).is_some(), "{path}");
        }
    }

    #[test]
    fn a_busy_machine_is_told_from_one_that_is_not() {
        assert_eq!(busy(MAX_LOAD), None);
        assert!(busy(MAX_LOAD + 0.1).is_some());
    }
}
