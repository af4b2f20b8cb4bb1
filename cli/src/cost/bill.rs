//! A month's bill, in each way of running.

use serde::Serialize;

use super::load::{HOURS_A_MONTH, Load};
use super::prices::AwsPrices;

/// How often S3 is written to for a product: its photograph and its result.
const WRITES: f64 = 2.0;
/// How often S3 is asked otherwise: for the photograph, for the result and the record of a
/// failure before the work, and for the record after it.
const READS: f64 = 4.0;
/// The size of a result, in MB.
const RESULT_MB: f64 = 0.002;
/// How long the function works on a product whose answers and text come from batch jobs, in
/// seconds: it puts the requests together and the results apart.
const BATCH_FUNCTION_SECONDS: f64 = 0.2;
const MB_A_GB: f64 = 1_024.0;

/// What is paid for one unit of everything, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// An hour of an instance.
    pub instance_hour: f64,
    /// A text, on demand.
    pub text: f64,
    /// What a text costs in batch inference, of what it costs on demand.
    pub batch_share: f64,
    /// A second of a gibibyte of the function.
    pub gb_second: f64,
    /// An invocation.
    pub invocation: f64,
    /// A write to S3.
    pub write: f64,
    /// Another request to S3.
    pub read: f64,
    /// A gibibyte kept for a month.
    pub gb_month: f64,
    /// An HTTP call.
    pub http_call: f64,
}

impl Rates {
    /// Those of a file, with the prices of an instance's hour, a text and a second of the
    /// function that depend on more than the file.
    #[must_use]
    pub fn new(
        prices: &AwsPrices,
        instance_hour: f64,
        gb_second: f64,
        text: f64,
        batch_share: f64,
    ) -> Rates {
        Rates {
            instance_hour,
            text,
            batch_share,
            gb_second,
            invocation: prices.lambda.usd_per_million_requests / 1e6,
            write: prices.s3.usd_per_thousand_writes / 1e3,
            read: prices.s3.usd_per_thousand_reads / 1e3,
            gb_month: prices.s3.usd_per_gb_month,
            http_call: prices.http_api_usd_per_million_requests / 1e6,
        }
    }
}

/// A way of running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// An endpoint that is always up, texts on demand.
    AlwaysOn,
    /// An endpoint that is up while products come, texts on demand.
    ScaleToZero,
    /// Batch Transform and batch inference.
    Batch,
}

impl Way {
    /// All of them.
    pub const ALL: [Way; 3] = [Way::AlwaysOn, Way::ScaleToZero, Way::Batch];

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Way::AlwaysOn => "always on",
            Way::ScaleToZero => "scaled to zero",
            Way::Batch => "batch",
        }
    }
}

/// One line of a bill: a straight line over the number of products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// What is paid for.
    pub what: &'static str,
    /// What it costs in a month without products, in US dollars.
    pub fixed: f64,
    /// What each product adds.
    pub per_product: f64,
    /// What it can't cost more than: an endpoint is up for a whole month at most.
    pub at_most: f64,
}

impl Line {
    /// Without a limit.
    #[must_use]
    pub fn new(what: &'static str, fixed: f64, per_product: f64) -> Line {
        Line {
            what,
            fixed,
            per_product,
            at_most: f64::INFINITY,
        }
    }

    /// What it costs with so many products.
    #[must_use]
    pub fn usd(&self, products: f64) -> f64 {
        (self.fixed + self.per_product * products).min(self.at_most)
    }
}

/// A month in one way of running.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// The way.
    pub way: Way,
    /// Its lines.
    pub lines: Vec<Line>,
}

impl Bill {
    /// The bill of a load.
    #[must_use]
    pub fn new(way: Way, load: &Load, rates: &Rates) -> Bill {
        let mut lines = vec![endpoint(way, load, rates), texts(way, rates)];
        lines.extend([function(way, load, rates), storage(load, rates)]);
        // Nobody calls a batch job by HTTP.
        if way != Way::Batch && load.requests > 0 {
            let calls = load.requests as f64 * rates.http_call;
            lines.push(Line::new("HTTP API", calls, 0.0));
        }
        Bill { way, lines }
    }

    /// What it comes to with so many products.
    #[must_use]
    pub fn total(&self, products: f64) -> f64 {
        self.lines.iter().map(|line| line.usd(products)).sum()
    }

    /// The same as two straight lines, of which the lower one counts: without limits, and with the
    /// line that has a limit at it. No bill has more than one such line.
    #[must_use]
    pub fn sums(&self) -> [Line; 2] {
        let at_limit = |line: &Line| match line.at_most.is_finite() {
            true => Line::new(line.what, line.at_most, 0.0),
            false => *line,
        };
        let at_limits = Bill {
            way: self.way,
            lines: self.lines.iter().map(at_limit).collect(),
        };
        [self.sum(), at_limits.sum()]
    }

    /// The same as one straight line, which goes on where a limit would hold it.
    #[must_use]
    pub fn sum(&self) -> Line {
        let sum = |of: fn(&Line) -> f64| -> f64 { self.lines.iter().map(of).sum() };
        Line::new(
            self.way.name(),
            sum(|line| line.fixed),
            sum(|line| line.per_product),
        )
    }
}

/// What answers the questions.
#[must_use]
pub fn endpoint(way: Way, load: &Load, rates: &Rates) -> Line {
    // What an hour of all instances costs.
    let hour = f64::from(load.instances) * rates.instance_hour;
    match way {
        Way::AlwaysOn => Line::new("endpoint", HOURS_A_MONTH * hour, 0.0),
        Way::ScaleToZero => Line {
            at_most: HOURS_A_MONTH * hour,
            ..Line::new(
                "endpoint",
                load.hours_of_wake_ups() * hour,
                load.active_hours_of_a_product() * hour,
            )
        },
        Way::Batch => {
            let starts = f64::from(load.batch_jobs) * load.start_minutes / 60.0;
            let of_a_product = load.busy_hours() * rates.instance_hour;
            Line::new("Batch Transform", starts * hour, of_a_product)
        }
    }
}

fn texts(way: Way, rates: &Rates) -> Line {
    match way {
        Way::AlwaysOn | Way::ScaleToZero => Line::new("Bedrock on demand", 0.0, rates.text),
        Way::Batch => Line::new("Bedrock in batch", 0.0, rates.text * rates.batch_share),
    }
}

fn function(way: Way, load: &Load, rates: &Rates) -> Line {
    let seconds = match way {
        Way::AlwaysOn | Way::ScaleToZero => load.function_seconds,
        Way::Batch => BATCH_FUNCTION_SECONDS,
    };
    let gb = f64::from(load.memory_mib) / 1_024.0;
    let of_a_product = rates.invocation + gb * seconds * rates.gb_second;
    Line::new("Lambda", 0.0, of_a_product)
}

fn storage(load: &Load, rates: &Rates) -> Line {
    let kept = (load.photo_mb + RESULT_MB) / MB_A_GB * rates.gb_month;
    let of_a_product = kept + WRITES * rates.write + READS * rates.read;
    Line::new("S3", 0.0, of_a_product)
}

/// Rates that are easy to work with by hand.
#[cfg(test)]
pub fn rates_of_tests() -> Rates {
    Rates {
        instance_hour: 1.5,
        text: 0.004,
        batch_share: 0.5,
        gb_second: 0.000_02,
        invocation: 0.000_000_2,
        write: 0.000_005,
        read: 0.000_000_4,
        gb_month: 0.02,
        http_call: 0.000_001,
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::of_tests;
    use super::*;

    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-9, "{one} {other}");
    }

    fn bill(way: Way) -> Bill {
        Bill::new(way, &of_tests(), &rates_of_tests())
    }

    fn usd(bill: &Bill, what: &str) -> f64 {
        let line = bill.lines.iter().find(|line| line.what == what);
        line.unwrap_or_else(|| panic!("no {what}")).usd(10_000.0)
    }

    #[test]
    fn an_endpoint_that_is_always_on_costs_the_same_whatever_it_does() {
        let bill = bill(Way::AlwaysOn);
        // 730 h × $1.5
        close(usd(&bill, "endpoint"), 1_095.0);
        // 10,000 × $0.004
        close(usd(&bill, "Bedrock on demand"), 40.0);
        // 10,000 × ($0.0000002 + 1 GB × 5 s × $0.00002)
        close(usd(&bill, "Lambda"), 1.002);
        // 10,000 × (0.502 MB / 1024 × $0.02 + 2 × $0.000005 + 4 × $0.0000004)
        close(usd(&bill, "S3"), 0.098_046_875 + 0.1 + 0.016);
        // A million calls.
        close(usd(&bill, "HTTP API"), 1.0);
        close(
            bill.total(10_000.0),
            1_095.0 + 40.0 + 1.002 + 0.214_046_875 + 1.0,
        );
    }

    #[test]
    fn an_endpoint_that_scales_to_zero_is_paid_while_it_is_up_and_a_month_at_most() {
        let endpoint = |products| {
            let line = endpoint(Way::ScaleToZero, &of_tests(), &rates_of_tests());
            line.usd(products)
        };
        // 100 h of traffic and 20 × 30 min, at $1.5.
        close(endpoint(10_000.0), 165.0);
        // Twice the products, as much spread: twice the traffic's hours.
        close(endpoint(20_000.0), 315.0);
        close(endpoint(1e9), 1_095.0);
    }

    #[test]
    fn a_batch_is_paid_for_its_work_and_its_starts() {
        let bill = bill(Way::Batch);
        // 10,000 × 1.2 s, and 4 starts of 10 min, at $1.5 an hour.
        close(usd(&bill, "Batch Transform"), 5.0 + 1.0);
        close(usd(&bill, "Bedrock in batch"), 20.0);
        // 10,000 × ($0.0000002 + 0.2 s × $0.00002)
        close(usd(&bill, "Lambda"), 0.042);
        assert!(bill.lines.iter().all(|line| line.what != "HTTP API"));
    }

    #[test]
    fn more_instances_cost_more_hours_but_a_batch_no_more_work() {
        let load = Load {
            instances: 2,
            ..of_tests()
        };
        let rates = rates_of_tests();
        close(endpoint(Way::AlwaysOn, &load, &rates).usd(0.0), 2_190.0);
        // The same 3.33 h of work, and 4 starts of two instances.
        close(endpoint(Way::Batch, &load, &rates).usd(10_000.0), 5.0 + 2.0);
    }

    #[test]
    fn a_bill_is_the_sum_of_its_lines() {
        let bill = bill(Way::Batch);
        close(bill.sum().usd(10_000.0), bill.total(10_000.0));
    }

    #[test]
    fn a_limit_is_in_the_lower_one_of_two_sums() {
        for way in Way::ALL {
            let bill = bill(way);
            let [free, limited] = bill.sums();
            for products in [0.0, 10_000.0, 71_999.0, 72_001.0, 1e7] {
                let lower = free.usd(products).min(limited.usd(products));
                assert!((lower - bill.total(products)).abs() < 1e-6, "{way:?}");
            }
        }
    }
}
