//! What is done in a month, in numbers.

use serde::Serialize;

/// The hours of a month, as AWS counts them.
pub const HOURS_A_MONTH: f64 = 730.0;

/// A month's work and how it is spread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Load {
    /// Products that are described.
    pub products: u64,
    /// Questions about each.
    pub questions: u32,
    /// How long a photograph keeps an instance busy before its questions, in seconds.
    pub photo_seconds: f64,
    /// How long one question does, in seconds.
    pub question_seconds: f64,
    /// The type of the endpoint's instances.
    pub instance_type: String,
    /// How many there are.
    pub instances: u32,
    /// The hours of a month in which products come.
    pub active_hours: f64,
    /// How often a month an endpoint that was scaled to zero is started.
    pub wake_ups: u32,
    /// How long an instance takes to start, paid for, in minutes.
    pub start_minutes: f64,
    /// How long an endpoint stays up after its last product, in minutes.
    pub idle_minutes: f64,
    /// How many batch jobs a month the products are spread over.
    pub batch_jobs: u32,
    /// The model that writes.
    pub model: String,
    /// What it reads of one product.
    pub input_tokens: u64,
    /// What it writes of one product.
    pub output_tokens: u64,
    /// HTTP calls of the API.
    pub requests: u64,
    /// The function's processor.
    pub architecture: String,
    /// The function's memory in MiB.
    pub memory_mib: u32,
    /// How long the function works on a product, mostly waiting, in seconds.
    pub function_seconds: f64,
    /// The size of a photograph, in MB.
    pub photo_mb: f64,
}

impl Load {
    /// How long one product keeps an instance busy, in seconds.
    #[must_use]
    pub fn endpoint_seconds(&self) -> f64 {
        self.photo_seconds + f64::from(self.questions) * self.question_seconds
    }

    /// The hours of one instance that one product takes.
    #[must_use]
    pub fn busy_hours(&self) -> f64 {
        self.endpoint_seconds() / 3_600.0
    }

    /// How many products the instances can take in a month without a pause.
    #[must_use]
    pub fn capacity(&self) -> f64 {
        f64::from(self.instances) * HOURS_A_MONTH / self.busy_hours()
    }

    /// The hours for which an endpoint that scales to zero is up for one product, while its
    /// traffic is spread as it is: more products then mean more hours. It can't be less than
    /// the product's share of the instances.
    #[must_use]
    pub fn active_hours_of_a_product(&self) -> f64 {
        let busy = self.busy_hours() / f64::from(self.instances);
        if self.products == 0 {
            return busy;
        }
        // A number of products is far below what f64 counts exactly.
        busy.max(self.active_hours / self.products as f64)
    }

    /// The hours that all wake-ups of a month add: starting, and staying up after.
    #[must_use]
    pub fn hours_of_wake_ups(&self) -> f64 {
        f64::from(self.wake_ups) * (self.start_minutes + self.idle_minutes) / 60.0
    }
}

/// A load whose numbers are easy to work with by hand.
#[cfg(test)]
pub fn of_tests() -> Load {
    Load {
        products: 10_000,
        questions: 8,
        photo_seconds: 0.4,
        question_seconds: 0.1,
        instance_type: "ml.test".into(),
        instances: 1,
        active_hours: 100.0,
        wake_ups: 20,
        start_minutes: 10.0,
        idle_minutes: 20.0,
        batch_jobs: 4,
        model: "claude".into(),
        input_tokens: 400,
        output_tokens: 200,
        requests: 1_000_000,
        architecture: "x86_64".into(),
        memory_mib: 1_024,
        function_seconds: 5.0,
        photo_mb: 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-9, "{one} {other}");
    }

    #[test]
    fn hours_follow_from_seconds_and_from_how_the_work_is_spread() {
        let load = of_tests();
        // 0.4 + 8 × 0.1
        close(load.endpoint_seconds(), 1.2);
        // 730 × 3600 / 1.2
        close(load.capacity(), 2_190_000.0);
        // 100 h over 10,000 products, more than the 1.2 s that each takes.
        close(load.active_hours_of_a_product(), 0.01);
        // 20 × 30 min
        close(load.hours_of_wake_ups(), 10.0);
    }

    #[test]
    fn an_endpoint_is_up_at_least_as_long_as_it_is_busy() {
        let load = Load {
            active_hours: 1.0,
            instances: 2,
            ..of_tests()
        };
        close(load.active_hours_of_a_product(), 1.2 / 3_600.0 / 2.0);
        let none = Load {
            products: 0,
            ..of_tests()
        };
        close(none.active_hours_of_a_product(), 1.2 / 3_600.0);
    }
}
