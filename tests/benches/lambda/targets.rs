//! What was measured against what this project asks of itself.

use tests::verdict::Verdict;

use crate::side::Who;
use crate::turns::OfSide;

/// The largest release zip, in bytes: under it, that is.
const ZIP_LIMIT: u64 = 8_000_000;

struct Target {
    case: &'static str,
    what: &'static str,
    /// So many times less than the other side.
    least: f64,
    of: fn(&OfSide) -> f64,
}

const TARGETS: [Target; 5] = [
    Target {
        case: "call by HTTP",
        what: "start to first response",
        least: 10.0,
        of: |side| side.first.median(),
    },
    Target {
        case: "call by HTTP",
        what: "CPU time a product",
        least: 10.0,
        of: |side| side.http.cpu.median(),
    },
    Target {
        case: "event of S3",
        what: "CPU time a product",
        least: 10.0,
        of: |side| side.s3.cpu.median(),
    },
    Target {
        case: "call by HTTP",
        what: "time with latency",
        least: 4.0,
        of: |side| side.slow_call.median(),
    },
    Target {
        case: "process",
        what: "peak memory",
        least: 3.0,
        of: |side| side.peak_bytes as f64,
    },
];

/// Ours as it is by default, against the other side; `zip_bytes` is the size of the
/// release, where there is one.
pub fn verdicts(measured: &[OfSide], zip_bytes: Option<u64>) -> Vec<Verdict> {
    let side = |who: Who| measured.iter().find(|side| side.who == who);
    let sides = side(Who::Python).zip(side(Who::Ours));
    let compared = TARGETS.iter().map(|target| {
        let ratio = sides.map(|(python, ours)| (target.of)(python) / (target.of)(ours));
        Verdict {
            case: target.case.to_owned(),
            what: target.what,
            goal: format!("≥ {}× less", target.least),
            measured: ratio.map(|ratio| format!("{ratio:.1}×")),
            is_reached: ratio.is_some_and(|ratio| ratio >= target.least),
        }
    });
    let zip = Verdict {
        case: "release".to_owned(),
        what: "zip",
        goal: format!("< {} MB", ZIP_LIMIT / 1_000_000),
        measured: zip_bytes.map(|bytes| format!("{:.2} MB", bytes as f64 / 1e6)),
        is_reached: zip_bytes.is_some_and(|bytes| bytes < ZIP_LIMIT),
    };
    compared.chain([zip]).collect()
}
