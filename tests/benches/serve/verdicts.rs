//! What was measured against what this project asks of itself.

use tests::times::Times;
use tests::verdict::Verdict;

use crate::results::{Measured, OurTimes, TheirTimes};
use crate::shape::{Goal, Ours, Shape, Target, Theirs};

pub fn verdicts(shape: &Shape, measured: &Measured) -> Vec<Verdict> {
    let judge = |target| verdict(target, measured);
    shape.targets.iter().map(judge).collect()
}

fn verdict(target: &Target, measured: &Measured) -> Verdict {
    let (goal, value, is_reached) = match target.is {
        Goal::EightCalls(ours, theirs, goal) => {
            let times = times(measured, ours, theirs, |theirs| &theirs.eight_calls);
            at_least(goal, times)
        }
        Goal::OneBatch(ours, theirs, goal) => {
            let times = times(measured, ours, theirs, |theirs| &theirs.one_batch);
            at_least(goal, times)
        }
        Goal::Cached(ours, goal) => {
            let of_all = |ours: &OurTimes| (ours.fresh.median(), ours.repeated.median());
            at_least(goal, known(find_ours(measured, ours), of_all))
        }
        Goal::CachedOneQuestion(ours, goal) => {
            let of_one = |ours: &OurTimes| (ours.one_fresh.median(), ours.one_repeated.median());
            at_least(goal, known(find_ours(measured, ours), of_one))
        }
        Goal::Megabytes(ours, goal) => {
            let ours = find_ours(measured, ours);
            let megabytes = ours.map(|ours| {
                let megabytes = ours.peak_bytes() as f64 / 1e6;
                (megabytes, format!("{megabytes:.0} MB"))
            });
            at_most(goal, format!("≤ {goal} MB"), megabytes)
        }
        Goal::OfF32Weights(ours, goal) => {
            let ours = find_ours(measured, ours);
            let share = ours.map(|ours| {
                let weights = measured.parameters as f64 * 4.0;
                let share = ours.peak_bytes() as f64 / weights;
                let serving = ours.serving_peak_bytes as f64 / weights;
                let text = format!(
                    "{}: {share:.3}, once loaded {serving:.3}",
                    ours.configuration
                );
                (share, text)
            });
            at_most(goal, format!("≤ {goal} of the weights in f32"), share)
        }
    };
    Verdict {
        case: measured.shape.clone(),
        what: target.what,
        goal,
        measured: value,
        is_reached,
    }
}

type Value = Option<(f64, String)>;

fn at_least(goal: f64, value: Value) -> (String, Option<String>, bool) {
    let is_reached = value.as_ref().is_some_and(|(value, _)| *value >= goal);
    (
        format!("≥ {goal}×"),
        value.map(|(_, text)| text),
        is_reached,
    )
}

fn at_most(goal: f64, text: String, value: Value) -> (String, Option<String>, bool) {
    let is_reached = value.as_ref().is_some_and(|(value, _)| *value <= goal);
    (text, value.map(|(_, text)| text), is_reached)
}

/// How many times as fast ours is where the photo is known.
fn known(ours: Option<&OurTimes>, times: impl Fn(&OurTimes) -> (f64, f64)) -> Value {
    ours.map(|ours| {
        let (fresh, repeated) = times(ours);
        let ratio = fresh / repeated;
        (ratio, format!("{}: {ratio:.1}×", ours.configuration))
    })
}

/// How many times as fast ours is.
fn times(
    measured: &Measured,
    ours: Ours,
    theirs: Theirs,
    way: impl Fn(&TheirTimes) -> &Times,
) -> Value {
    let ours = find_ours(measured, ours)?;
    let theirs = find_theirs(measured, theirs, &way)?;
    let ratio = way(theirs).median() / ours.fresh.median();
    Some((
        ratio,
        format!(
            "{} against {}: {ratio:.1}×",
            ours.configuration, theirs.dtype
        ),
    ))
}

fn find_ours(measured: &Measured, which: Ours) -> Option<&OurTimes> {
    let speed = |ours: &&OurTimes| ours.fresh.median();
    let fastest = |one: &&OurTimes, other: &&OurTimes| speed(one).total_cmp(&speed(other));
    let mut all = measured.ours.iter();
    match which {
        Ours::Fastest => all.min_by(fastest),
        Ours::Named(name) => all.find(|ours| ours.configuration == name),
    }
}

/// The number type that is meant; the fastest in this way of asking.
pub fn find_theirs(
    measured: &Measured,
    which: Theirs,
    way: impl Fn(&TheirTimes) -> &Times,
) -> Option<&TheirTimes> {
    let mut all = measured.transformers.iter();
    match which {
        Theirs::Fastest => {
            all.min_by(|one, other| way(one).median().total_cmp(&way(other).median()))
        }
        Theirs::Named(dtype) => all.find(|theirs| theirs.dtype == dtype),
    }
}
