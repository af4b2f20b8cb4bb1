//! What was measured against what this project asks of itself.

use tests::times::Times;
use tests::verdict::Verdict;

use crate::shape::EXACT;
use crate::side::{Measured, Who};
use crate::turns::OfShape;

struct Target {
    shape: &'static str,
    what: &'static str,
    compared: Compared,
    asked: Asked,
}

/// Which number types are set against each other.
#[derive(Clone, Copy)]
enum Compared {
    Exact,
    Best,
}

enum Asked {
    /// So many times as fast where photographs are encoded.
    FirstEpoch(f64),
    /// So many times as fast where what can be known is.
    LaterEpochs(f64),
    /// At most such a share of its memory.
    Memory(f64),
}

const TARGETS: [Target; 7] = [
    Target {
        shape: "mini",
        what: "f32, first epoch",
        compared: Compared::Exact,
        asked: Asked::FirstEpoch(2.0),
    },
    Target {
        shape: "mini",
        what: "f32, from the second epoch on",
        compared: Compared::Exact,
        asked: Asked::LaterEpochs(2.0),
    },
    Target {
        shape: "base",
        what: "f32 against f32, first epoch",
        compared: Compared::Exact,
        asked: Asked::FirstEpoch(1.8),
    },
    Target {
        shape: "base",
        what: "f32 against f32, from the second epoch on",
        compared: Compared::Exact,
        asked: Asked::LaterEpochs(3.0),
    },
    Target {
        shape: "base",
        what: "our best against its best, from the second epoch on",
        compared: Compared::Best,
        asked: Asked::LaterEpochs(2.0),
    },
    Target {
        shape: "base",
        what: "peak memory, f32 against f32",
        compared: Compared::Exact,
        asked: Asked::Memory(0.7),
    },
    Target {
        shape: "base",
        what: "peak memory, our best against its best",
        compared: Compared::Best,
        asked: Asked::Memory(0.7),
    },
];

pub fn verdicts(measured: &[OfShape]) -> Vec<Verdict> {
    TARGETS
        .iter()
        .map(|target| {
            let of_shape = measured.iter().find(|one| one.shape.name == target.shape);
            verdict(target, of_shape)
        })
        .collect()
}

fn verdict(target: &Target, measured: Option<&OfShape>) -> Verdict {
    let side = |who| {
        measured.and_then(|measured| match target.compared {
            Compared::Exact => measured.side(who, EXACT),
            Compared::Best => measured.best(who),
        })
    };
    let sides = side(Who::Ours).zip(side(Who::Peft));
    let times_as_fast = |times: fn(&Measured) -> &Times| {
        sides.map(|(ours, peft)| times(peft).median() / times(ours).median())
    };
    let (goal, value, is_reached) = match target.asked {
        Asked::FirstEpoch(least) => at_least(least, times_as_fast(|side| &side.first_epoch)),
        Asked::LaterEpochs(least) => at_least(least, times_as_fast(|side| &side.later_epochs)),
        Asked::Memory(most) => {
            let share = sides.map(|(ours, peft)| ours.peak_bytes as f64 / peft.peak_bytes as f64);
            (
                format!("≤ {most}"),
                share.map(|share| format!("{share:.2}")),
                share.is_some_and(|share| share <= most),
            )
        }
    };
    let types = sides.map(|(ours, peft)| format!("{} against {}", ours.dtype, peft.dtype));
    Verdict {
        case: target.shape.to_owned(),
        what: target.what,
        goal,
        measured: types
            .zip(value)
            .map(|(types, value)| format!("{types}: {value}")),
        is_reached,
    }
}

fn at_least(least: f64, ratio: Option<f64>) -> (String, Option<String>, bool) {
    (
        format!("≥ {least}×"),
        ratio.map(|ratio| format!("{ratio:.2}×")),
        ratio.is_some_and(|ratio| ratio >= least),
    )
}
