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
}

/// When `one` is no dearer than `other`, both without limits.
#[must_use]
pub fn cheaper(one: &Line, other: &Line) -> Cheaper {
    let dearer = one.fixed - other.fixed;
    let saved = other.per_product - one.per_product;
    match (dearer <= 0.0, saved >= 0.0) {
        (true, true) => Cheaper::Always,
        // Both are negative.
        (true, false) => Cheaper::UpTo((dearer / saved).floor()),
        (false, true) if saved > 0.0 => Cheaper::From((dearer / saved).ceil()),
        (false, _) => Cheaper::Never,
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
    let whole = |way| Bill::new(way, load, rates).sum();
    let part = |way| endpoint(way, load, rates);
    let row = |compared, one: Line, other: Line| {
        let cheaper = cheaper(&one, &other);
        BreakEven {
            compared,
            cheaper,
            beyond_capacity: matches!(cheaper, Cheaper::From(from) if from > load.capacity()),
        }
    };
    vec![
        row(
            "always on is no dearer than scaled to zero",
            whole(Way::AlwaysOn),
            whole(Way::ScaleToZero),
        ),
        row(
            "always on is no dearer than batch, texts included",
            whole(Way::AlwaysOn),
            whole(Way::Batch),
        ),
        row(
            "an endpoint always on is no dearer than Batch Transform",
            part(Way::AlwaysOn),
            part(Way::Batch),
        ),
        row(
            "scaled to zero is no dearer than batch, texts included",
            whole(Way::ScaleToZero),
            whole(Way::Batch),
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

    #[test]
    fn two_lines_meet_where_their_difference_is_used_up() {
        // $100 more at the start, $0.3 less for each: 333.3 products.
        assert_eq!(
            cheaper(&line(100.0, 0.1), &line(0.0, 0.4)),
            Cheaper::From(334.0)
        );
        assert_eq!(
            cheaper(&line(0.0, 0.4), &line(100.0, 0.1)),
            Cheaper::UpTo(333.0)
        );
        assert_eq!(cheaper(&line(1.0, 0.1), &line(1.0, 0.1)), Cheaper::Always);
        assert_eq!(cheaper(&line(2.0, 0.1), &line(1.0, 0.1)), Cheaper::Never);
        assert_eq!(cheaper(&line(2.0, 0.2), &line(1.0, 0.1)), Cheaper::Never);
        assert_eq!(cheaper(&line(0.0, 0.1), &line(1.0, 0.1)), Cheaper::Always);
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
        let cheap_work = cheaper(&line(1_095.0, 0.0), &endpoint(Way::Batch, &slow, &rates));
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
