//! From how many products on one way of running is cheaper than another.

use serde::Serialize;

use super::bill::{Bill, Line, Rates, Way, endpoint};
use super::load::{HOURS_A_MONTH, Load};

/// For which numbers of products a month one line is no dearer than another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "when", content = "products")]
pub enum Cheaper {
    /// For every number.
    Always,
    /// For none.
    Never,
    /// For so many or more.
    From(f64),
    /// For so many or fewer.
    UpTo(f64),
    /// For so many or fewer, and again for so many or more: between them a limit is not reached.
    UpToOrFrom(f64, f64),
}

/// When the lowest of the lines `one` is no dearer than `other`, all of them without limits.
#[must_use]
pub fn cheaper(one: &[Line], other: &Line) -> Cheaper {
    let (up_to, from) = one
        .iter()
        .map(|line| ends(line, other))
        .fold((f64::NEG_INFINITY, f64::INFINITY), |(up_to, from), ends| {
            (up_to.max(ends.0), from.min(ends.1))
        });
    // Of whole products: none is between 3 and 4.
    if from <= up_to + 1.0 {
        return Cheaper::Always;
    }
    match (up_to.is_finite(), from.is_finite()) {
        (false, false) => Cheaper::Never,
        (true, false) => Cheaper::UpTo(up_to),
        (false, true) => Cheaper::From(from),
        (true, true) => Cheaper::UpToOrFrom(up_to, from),
    }
}

/// For how many products at most, and for how many at least, one line is no dearer than another;
/// infinite where that is for none.
fn ends(one: &Line, other: &Line) -> (f64, f64) {
    let dearer = one.fixed - other.fixed;
    let saved = other.per_product - one.per_product;
    match (dearer <= 0.0, saved >= 0.0) {
        (true, true) => (f64::INFINITY, 0.0),
        // Neither is positive.
        (true, false) => ((dearer / saved).abs().floor(), f64::INFINITY),
        (false, true) if saved > 0.0 => (f64::NEG_INFINITY, (dearer / saved).ceil()),
        (false, _) => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BreakEven {
    /// What is compared.
    pub compared: &'static str,
    /// When the first is no dearer.
    #[serde(flatten)]
    pub cheaper: Cheaper,
    /// Whether that is more than the instances can do.
    pub beyond_capacity: bool,
}

/// The break-even points of a load.
#[must_use]
pub fn table(load: &Load, rates: &Rates) -> Vec<BreakEven> {
    let first = |way| Bill::new(way, load, rates).sums();
    // The limit of the second does not matter: where it holds scaling to zero, that costs what
    // always on costs, which is then no dearer either way. The others have none.
    let second = |way| Bill::new(way, load, rates).sum();
    let row = |compared, one: &[Line], other: Line| {
        let cheaper = cheaper(one, &other);
        BreakEven {
            compared,
            cheaper,
            beyond_capacity: match cheaper {
                Cheaper::From(from) | Cheaper::UpToOrFrom(_, from) => from > load.capacity(),
                Cheaper::Always | Cheaper::Never | Cheaper::UpTo(_) => false,
            },
        }
    };
    vec![
        row(
            "always on is no dearer than scaled to zero",
            &first(Way::AlwaysOn),
            second(Way::ScaleToZero),
        ),
        row(
            "always on is no dearer than batch, texts included",
            &first(Way::AlwaysOn),
            second(Way::Batch),
        ),
        row(
            "an endpoint always on is no dearer than Batch Transform",
            &[endpoint(Way::AlwaysOn, load, rates)],
            endpoint(Way::Batch, load, rates),
        ),
        row(
            "scaled to zero is no dearer than batch, texts included",
            &first(Way::ScaleToZero),
            second(Way::Batch),
        ),
    ]
}

/// The most hours with traffic in a month at which scaling to zero still saves something.
#[must_use]
pub fn most_active_hours(load: &Load) -> f64 {
    (HOURS_A_MONTH - load.hours_of_wake_ups()).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::bill::rates_of_tests;
    use super::super::load::of_tests;
    use super::*;

    fn line(fixed: f64, per_product: f64) -> Line {
        Line::new("", fixed, per_product)
    }

    fn two(one: Line, other: Line) -> Cheaper {
        cheaper(&[one], &other)
    }

    #[test]
    fn two_lines_meet_where_their_difference_is_used_up() {
        // $100 more at the start, $0.3 less for each: 333.3 products.
        assert_eq!(two(line(100.0, 0.1), line(0.0, 0.4)), Cheaper::From(334.0));
        assert_eq!(two(line(0.0, 0.4), line(100.0, 0.1)), Cheaper::UpTo(333.0));
        assert_eq!(two(line(1.0, 0.1), line(1.0, 0.1)), Cheaper::Always);
        assert_eq!(two(line(2.0, 0.1), line(1.0, 0.1)), Cheaper::Never);
        assert_eq!(two(line(2.0, 0.2), line(1.0, 0.1)), Cheaper::Never);
        assert_eq!(two(line(0.0, 0.1), line(1.0, 0.1)), Cheaper::Always);
    }

    #[test]
    fn of_several_lines_the_lowest_counts() {
        let steep = line(0.0, 0.5);
        let flat = line(100.0, 0.125);
        let both = |other| cheaper(&[steep, flat], &other);
        // The steep one up to 40 products, for $20, and the flat one from 720 on, for $190.
        assert_eq!(both(line(10.0, 0.25)), Cheaper::UpToOrFrom(40.0, 720.0));
        assert_eq!(both(line(0.0, 0.25)), Cheaper::UpToOrFrom(0.0, 800.0));
        assert_eq!(both(line(80.0, 0.25)), Cheaper::Always);
        assert_eq!(both(line(0.0, 0.125)), Cheaper::UpTo(0.0));
    }

    #[test]
    fn the_table_compares_the_three_ways() {
        let table = table(&of_tests(), &rates_of_tests());
        // Scaled to zero: $15 of wake-ups and $0.015 a product, against $1,095.
        let Cheaper::From(from) = table[0].cheaper else {
            panic!("{:?}", table[0])
        };
        assert!((from - 72_000.0).abs() <= 1.0, "{from}");
        assert!(!table[0].beyond_capacity);
        // A text in batch saves $0.002, more than the $0.0005 of an instance's work.
        assert_eq!(table[1].cheaper, Cheaper::Never);
        // $1,095 against $1 of starts and $0.0005 a product: 2,188,000 of the 2,190,000
        // products that one instance can take.
        let Cheaper::From(from) = table[2].cheaper else {
            panic!("{:?}", table[2])
        };
        assert!((from - 2_188_000.0).abs() <= 1.0, "{from}");
        assert!(!table[2].beyond_capacity);
        assert_eq!(table[3].cheaper, Cheaper::Never);
    }

    #[test]
    fn an_endpoint_that_scales_to_zero_is_up_for_a_whole_month_at_most() {
        let mut rates = rates_of_tests();
        rates.text = 0.0;
        let table_of = |batch_jobs| {
            let load = Load {
                batch_jobs,
                ..of_tests()
            };
            table(&load, &rates)
        };
        // $1,095 against $0.0005 + $0.0000042 - $0.0001002 a product: the same as always on, since
        // it is up all the time by then.
        let few = table_of(4);
        assert_eq!(few[1].cheaper, few[3].cheaper);
        let Cheaper::From(from) = few[3].cheaper else {
            panic!("{:?}", few[3])
        };
        assert!((from - 2_710_397.0).abs() <= 1.0, "{from}");
        assert!(few[3].beyond_capacity);
        // With $9 less than 100 starts cost it begins cheaper: 9 / (0.015 + 0.0001002 - 0.0005042).
        let Cheaper::UpToOrFrom(up_to, from) = table_of(100)[3].cheaper else {
            panic!("{:?}", table_of(100)[3])
        };
        assert!((up_to - 616.0).abs() <= 1.0, "{up_to}");
        assert!((from - 2_650_991.0).abs() <= 1.0, "{from}");
    }

    #[test]
    fn what_the_instances_cannot_do_is_said() {
        let load = Load {
            batch_jobs: 0,
            instances: 2,
            ..of_tests()
        };
        // Two instances for $2,190, against $0.0005 a product: just what they can do.
        let table = table(&load, &rates_of_tests());
        let Cheaper::From(from) = table[2].cheaper else {
            panic!("{:?}", table[2])
        };
        assert!((from - 4_380_000.0).abs() <= 1.0, "{from}");
        let slow = Load {
            batch_jobs: 0,
            ..of_tests()
        };
        let mut rates = rates_of_tests();
        rates.instance_hour = 1.4;
        let cheap_work = two(line(1_095.0, 0.0), endpoint(Way::Batch, &slow, &rates));
        assert!(matches!(cheap_work, Cheaper::From(from) if from > slow.capacity()));
    }

    #[test]
    fn scaling_to_zero_saves_something_until_it_is_always_up() {
        // 730 h less the 10 h of wake-ups.
        assert!((most_active_hours(&of_tests()) - 720.0).abs() < 1e-9);
        let restless = Load {
            wake_ups: 10_000,
            ..of_tests()
        };
        assert!(most_active_hours(&restless).abs() < 1e-9);
    }
}
