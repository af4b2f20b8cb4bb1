//! What the server counts and measures, as Prometheus reads it.

use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::backend::Description;

type Labels = [(&'static str, &'static str); 1];
type StatusLabels = [(&'static str, u16); 1];
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// A part of the work whose duration is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The bytes of a photograph to pixels.
    Decode,
    /// Pixels to what the vision encoder takes.
    Preprocess,
    /// Photographs, as many as are encoded together, to image features.
    Vision,
    /// A question that could be answered, until its batch begins.
    Queue,
    /// The questions of a batch through the language model's encoder.
    Encode,
    /// One question: the decoder's steps of its batch up to its last token. The
    /// turns of other batches in between are not part of it.
    Generate,
}

impl Stage {
    const ALL: [Stage; 6] = [
        Stage::Decode,
        Stage::Preprocess,
        Stage::Vision,
        Stage::Queue,
        Stage::Encode,
        Stage::Generate,
    ];

    fn label(self) -> Labels {
        let name = match self {
            Stage::Decode => "decode",
            Stage::Preprocess => "preprocess",
            Stage::Vision => "vision",
            Stage::Queue => "queue",
            Stage::Encode => "encode",
            Stage::Generate => "generate",
        };
        [("stage", name)]
    }
}

/// Counters, gauges and histograms of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    stages: Histograms<Labels>,
    pub(super) questions_waiting: Gauge,
    pub(super) photos_waiting: Gauge,
    pub(super) batches_running: Gauge,
    pub(super) questions_per_batch: Histogram,
    pub(super) photos_per_batch: Histogram,
    pub(super) image_cache_hits: Counter,
    pub(super) image_cache_misses: Counter,
    pub(super) image_cache_bytes: Gauge,
    pub(super) image_cache_entries: Gauge,
    pub(super) adapters_loaded: Gauge,
    pub(super) adapter_bytes: Gauge,
    pub(super) adapter_loads: Counter,
    pub(super) adapter_load_failures: Counter,
    pub(super) adapter_questions: Counter,
    pub(super) prompt_tokens: Counter,
    pub(super) generated_tokens: Counter,
    requests: Family<StatusLabels, Counter>,
    request_seconds: Histogram,
    requests_in_flight: Gauge,
}

/// One request while it is being answered.
#[derive(Debug)]
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// What [`encode`](Metrics::encode) writes, as a content type.
    pub const CONTENT_TYPE: &'static str =
        "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// All at zero.
    #[must_use]
    pub fn new(description: &Description) -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::default(),
            stages: Family::new_with_constructor(durations),
            questions_waiting: Gauge::default(),
            photos_waiting: Gauge::default(),
            batches_running: Gauge::default(),
            questions_per_batch: counts(),
            photos_per_batch: counts(),
            image_cache_hits: Counter::default(),
            image_cache_misses: Counter::default(),
            image_cache_bytes: Gauge::default(),
            image_cache_entries: Gauge::default(),
            adapters_loaded: Gauge::default(),
            adapter_bytes: Gauge::default(),
            adapter_loads: Counter::default(),
            adapter_load_failures: Counter::default(),
            adapter_questions: Counter::default(),
            prompt_tokens: Counter::default(),
            generated_tokens: Counter::default(),
            requests: Family::default(),
            request_seconds: durations(),
            requests_in_flight: Gauge::default(),
        };
        // A series that is there from the beginning has a rate from its first
        // event on.
        for stage in Stage::ALL {
            drop(metrics.stages.get_or_create(&stage.label()));
        }
        metrics.register_model(description);
        metrics.register_work();
        metrics.register_requests();
        metrics
    }

    fn register_model(&mut self, description: &Description) {
        let labels = vec![
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("device", description.device.clone()),
            ("number_type", description.number_type.clone()),
            ("computation", description.computation.clone()),
            ("threads", description.threads.to_string()),
        ];
        self.registry.register(
            "model_server",
            "The program, and how its model computes",
            Info::new(labels),
        );
    }

    fn register_work(&mut self) {
        let registry = &mut self.registry;
        registry.register_with_unit(
            "stage_duration",
            "Time that a part of the work took: decode and preprocess of a photo; vision of the \
             photos encoded together; queue, from when a question could be answered to its \
             batch; encode of a batch of questions; generate, the decoder's steps that a \
             question took",
            Unit::Seconds,
            self.stages.clone(),
        );
        for (name, help, gauge) in [
            (
                "questions_waiting",
                "Questions of accepted requests that are not in a batch yet",
                &self.questions_waiting,
            ),
            (
                "photos_waiting",
                "Photos that are prepared and not yet encoded",
                &self.photos_waiting,
            ),
            (
                "batches_running",
                "Batches of questions that are being answered",
                &self.batches_running,
            ),
            (
                "image_cache_bytes",
                "Size of the image features that are kept",
                &self.image_cache_bytes,
            ),
            (
                "image_cache_entries",
                "Photos whose features are kept",
                &self.image_cache_entries,
            ),
            (
                "adapters_loaded",
                "Adapters that are kept in memory",
                &self.adapters_loaded,
            ),
            (
                "adapter_bytes",
                "Size of the adapters that are kept in memory",
                &self.adapter_bytes,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
        for (name, help, histogram) in [
            (
                "batch_questions",
                "Questions that were answered together",
                &self.questions_per_batch,
            ),
            (
                "batch_photos",
                "Photos that were encoded together",
                &self.photos_per_batch,
            ),
        ] {
            registry.register(name, help, histogram.clone());
        }
        for (name, help, counter) in [
            (
                "image_cache_hits",
                "Requests whose photo was known, or on its way for another",
                &self.image_cache_hits,
            ),
            (
                "image_cache_misses",
                "Requests whose photo was not known: it is encoded for them, if it is one",
                &self.image_cache_misses,
            ),
            (
                "adapter_loads",
                "Times that an adapter was read: new, changed or dropped before",
                &self.adapter_loads,
            ),
            (
                "adapter_load_failures",
                "Times that an adapter was read and could not be used",
                &self.adapter_load_failures,
            ),
            (
                "adapter_questions",
                "Questions that were asked with an adapter",
                &self.adapter_questions,
            ),
            (
                "prompt_tokens",
                "Tokens of the questions that were asked",
                &self.prompt_tokens,
            ),
            (
                "generated_tokens",
                "Tokens of the answers that were given",
                &self.generated_tokens,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
    }

    fn register_requests(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "http_requests",
            "Requests for answers that were read, and lines of bodies, by status",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time from the head of a request to its answer",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests that are being answered",
            self.requests_in_flight.clone(),
        );
    }

    /// All of them in the text format of OpenMetrics.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// Counts one request that was answered with `status` after `seconds`.
    pub fn observe_request(&self, status: u16, seconds: f64) {
        self.requests.get_or_create(&[("status", status)]).inc();
        self.request_seconds.observe(seconds);
    }

    /// Counts a request as being answered until the guard is dropped.
    #[must_use]
    pub fn request_in_flight(&self) -> InFlight {
        self.requests_in_flight.inc();
        InFlight(self.requests_in_flight.clone())
    }

    pub(super) fn observe_stage(&self, stage: Stage, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.stages.get_or_create(&stage.label()).observe(seconds);
    }
}

/// Seconds: from a millisecond on a GPU to minutes of waiting.
fn durations() -> Histogram {
    Histogram::new([
        0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0,
    ])
}

fn counts() -> Histogram {
    Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics::new(&Description {
            device: "cpu".to_owned(),
            number_type: "f32".to_owned(),
            computation: "the \"fast\" one".to_owned(),
            threads: 2,
        })
    }

    #[test]
    fn a_server_that_has_done_nothing_already_shows_its_series() {
        let text = metrics().encode();
        for line in [
            "image_cache_hits_total 0",
            "image_cache_misses_total 0",
            "questions_waiting 0",
            "generated_tokens_total 0",
            r#"stage_duration_seconds_count{stage="decode"} 0"#,
            r#"stage_duration_seconds_count{stage="generate"} 0"#,
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(
            text.contains(
                r#"device="cpu",number_type="f32",computation="the \"fast\" one",threads="2""#
            ),
            "{text}"
        );
    }

    #[test]
    fn what_happens_is_counted() {
        let metrics = metrics();
        metrics.observe_stage(Stage::Vision, Duration::from_millis(2));
        metrics.observe_request(200, 0.5);
        metrics.observe_request(429, 0.1);
        metrics.questions_per_batch.observe(8.0);
        let in_flight = metrics.request_in_flight();
        let text = metrics.encode();
        for line in [
            r#"stage_duration_seconds_sum{stage="vision"} 0.002"#,
            r#"stage_duration_seconds_bucket{le="0.001",stage="vision"} 0"#,
            r#"http_requests_total{status="200"} 1"#,
            r#"http_requests_total{status="429"} 1"#,
            "http_request_duration_seconds_sum 0.6",
            "batch_questions_count 1",
            "http_requests_in_flight 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        drop(in_flight);
        assert!(metrics.encode().contains("http_requests_in_flight 0"));
    }
}
