//! How much processor time a process has had, as Linux counts it.

use std::time::Duration;

/// In what `/proc` counts: USER_HZ is 100 a second wherever this project is built; see
/// time(7).
const TICK: Duration = Duration::from_millis(10);

/// Of all threads of a process, those that have ended too, in user and in system mode, to
/// the tick. `None` where there is no such process, or the system does not tell.
pub(crate) fn of(process_id: u32) -> Option<Duration> {
    parse(&std::fs::read_to_string(format!("/proc/{process_id}/stat")).ok()?)
}

/// Fields 14 and 15 of proc(5), `utime` and `stime`. The second, the program's name, is in
/// brackets and may have blanks and brackets in it.
fn parse(stat: &str) -> Option<Duration> {
    let (_, from_third) = stat.rsplit_once(')')?;
    let mut fields = from_third.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * user.checked_add(system)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_added_whatever_the_program_is_called() {
        let rest = "S 1 42 42 0 -1 4194304 2512 0 3 0 120 34 7 8 20 0 9 0 1000";
        for name in ["bootstrap", "a b) 1 2 (c"] {
            let stat = format!("42 ({name}) {rest}\n");
            assert_eq!(parse(&stat), Some(Duration::from_millis(1540)), "{name}");
        }
        assert_eq!(parse("42 (bootstrap) S 1 42"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_process_that_computes_has_time() {
        let start = of(std::process::id()).unwrap();
        let mut sum = 0_u64;
        while of(std::process::id()).unwrap() < start + 2 * TICK {
            sum = std::hint::black_box(sum + 1);
        }
        assert_eq!(of(0), None);
    }
}
