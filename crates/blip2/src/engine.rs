//! How a CPU multiplies: which kernels, on how many threads, and how that is
//! chosen.

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Tensor};
use kernels::{Avx512, WeightFormat};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::config::Blip2Config;
use crate::error::Error;
use crate::linear::Linear;

/// The kernels that linear layers are computed by. In f32 they give the same
/// results but for the order of sums. In bf16 and in blocks they also round
/// what goes into a layer differently; `tests/engines.rs` says how far each is
/// from f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// candle's own: on every processor, and on a GPU.
    Candle,
    /// The project's kernels for AVX-512, over weights that are packed at load.
    Packed,
    /// oneDNN, over weights in the order it likes best; needs the feature
    /// `onednn`.
    OneDnn,
}

impl Engine {
    const ALL: [Self; 3] = [Self::Packed, Self::OneDnn, Self::Candle];
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Candle => "candle",
            Self::Packed => "packed",
            Self::OneDnn => "onednn",
        })
    }
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|engine| engine.to_string() == text)
            .ok_or_else(|| format!("no engine `{text}`: candle, packed or onednn"))
    }
}

/// A block format in which linear layers take less memory and, on a CPU, less
/// time; ggml's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantization {
    /// 8.5 bits a weight.
    Q8_0,
    /// 4.5 bits a weight.
    Q4K,
}

impl Quantization {
    pub(crate) fn ggml(self) -> GgmlDType {
        match self {
            Self::Q8_0 => GgmlDType::Q8_0,
            Self::Q4K => GgmlDType::Q4K,
        }
    }

    pub(crate) fn from_ggml(dtype: GgmlDType) -> Option<Self> {
        [Self::Q8_0, Self::Q4K]
            .into_iter()
            .find(|quantization| quantization.ggml() == dtype)
    }

    pub(crate) fn format(self) -> WeightFormat {
        match self {
            Self::Q8_0 => WeightFormat::Q8_0,
            Self::Q4K => WeightFormat::Q4K,
        }
    }
}

impl std::fmt::Display for Quantization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Q8_0 => "q8_0",
            Self::Q4K => "q4k",
        })
    }
}

impl FromStr for Quantization {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "q8_0" => Ok(Self::Q8_0),
            "q4k" => Ok(Self::Q4K),
            _ => Err(format!("no quantization `{text}`: q8_0 or q4k")),
        }
    }
}

/// What a linear layer's weights are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WeightType {
    Plain(DType),
    Quantised(Quantization),
}

impl std::fmt::Display for WeightType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(dtype) => f.write_str(dtype.as_str()),
            Self::Quantised(quantization) => quantization.fmt(f),
        }
    }
}

/// How linear layers hold and multiply their weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) engine: Engine,
    pub(crate) weights: WeightType,
}

impl Plan {
    /// Why this machine and this build cannot follow the plan, if so.
    fn obstacle(self) -> Option<&'static str> {
        match self.engine {
            Engine::Candle => None,
            Engine::Packed => {
                let format = match self.weights {
                    WeightType::Plain(DType::F32) => WeightFormat::F32,
                    WeightType::Plain(DType::BF16) => WeightFormat::Bf16,
                    WeightType::Plain(_) => return Some("it has no f16"),
                    WeightType::Quantised(quantization) => quantization.format(),
                };
                let fits = Avx512::detect().is_some_and(|proof| proof.level() >= format.level());
                (!fits).then_some("the processor lacks the AVX-512 instructions it needs")
            }
            #[cfg(not(feature = "onednn"))]
            Engine::OneDnn => Some("this program was built without the feature `onednn`"),
            #[cfg(feature = "onednn")]
            Engine::OneDnn => crate::onednn::obstacle(self.weights),
        }
    }

    /// The kernels for attention, norms and activations.
    pub(crate) fn kernels(self) -> Option<Avx512> {
        match self.engine {
            Engine::Candle => None,
            Engine::Packed | Engine::OneDnn => Avx512::detect(),
        }
    }

    /// The number type between linear layers on a CPU.
    pub(crate) fn activations(self) -> DType {
        match (self.engine, self.weights) {
            (Engine::Candle, WeightType::Plain(dtype)) => dtype,
            _ => DType::F32,
        }
    }
}

/// What was chosen, and what it was chosen from.
#[derive(Debug, Clone)]
pub struct EngineReport {
    /// The number type or block format of the linear layers.
    pub weights: String,
    /// The kernels.
    pub engine: Engine,
    /// How many threads.
    pub threads: usize,
    /// What was measured, fastest first; empty where nothing was left to choose.
    /// Fewer threads than there are processors are chosen only where they are
    /// faster by a quarter.
    pub measured: Vec<Measurement>,
}

/// How fast one way is.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// The kernels.
    pub engine: Engine,
    /// How many threads.
    pub threads: usize,
    /// 10⁹ operations a second at as many rows as a photograph or a batch of
    /// prompts has.
    pub many_rows: f64,
    /// The same at as many rows as a decoder step has.
    pub few_rows: f64,
    /// Time for a typical mix of both.
    cost: Duration,
}

impl std::fmt::Display for EngineReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            weights,
            engine,
            threads,
            measured,
        } = self;
        write!(f, "{weights} by {engine} on {threads} threads")?;
        for (index, one) in measured.iter().enumerate() {
            let before = if index == 0 {
                " (GFLOP/s at many and few rows: "
            } else {
                ", "
            };
            let Measurement {
                engine,
                threads,
                many_rows,
                few_rows,
                ..
            } = one;
            write!(
                f,
                "{before}{engine} on {threads} {many_rows:.0} and {few_rows:.0}"
            )?;
        }
        if !measured.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// The threads that work is spread over; by default those of the caller.
#[derive(Debug, Clone, Default)]
pub(crate) struct Threads(Option<Arc<ThreadPool>>);

impl Threads {
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.0 {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

/// An engine on threads of its own.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) plan: Plan,
    pub(crate) threads: Threads,
    pub(crate) report: EngineReport,
}

const MANY_ROWS: usize = 256;
const FEW_ROWS: usize = 8;
/// Decoder steps of a short answer.
const STEPS: u32 = 6;

/// Of the engines that there are those that may be the best. By candle a product of
/// blocks may be as fast, but it keeps them twice, brings none of the kernels between
/// products, and rounds otherwise: answers would depend on a moment's measurement.
fn worth_measuring(mut engines: Vec<Engine>, weights: WeightType) -> Vec<Engine> {
    if matches!(weights, WeightType::Quantised(_)) && engines.len() > 1 {
        engines.retain(|&engine| engine != Engine::Candle);
    }
    engines
}

/// Takes what is forced and measures the rest, on a layer of the size that the
/// language model has but small enough to take milliseconds.
///
/// # Errors
/// When what is forced cannot be had.
pub(crate) fn choose(
    config: &Blip2Config,
    weights: WeightType,
    engine: Option<Engine>,
    threads: Option<usize>,
) -> Result<Chosen, Error> {
    let engines: Vec<Engine> = match engine {
        Some(engine) => {
            if let Some(reason) = (Plan { engine, weights }).obstacle() {
                return Err(Error::Engine { engine, reason });
            }
            vec![engine]
        }
        None => Engine::ALL
            .into_iter()
            .filter(|&engine| (Plan { engine, weights }).obstacle().is_none())
            .collect(),
    };
    let engines = worth_measuring(engines, weights);
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    let thread_counts = match threads {
        Some(threads) => vec![threads.max(1)],
        // Two threads of one core may be slower than one.
        None if available > 1 => vec![available, available / 2],
        None => vec![1],
    };
    let mut candidates = Vec::new();
    for &threads in &thread_counts {
        let pool = Arc::new(pool(threads)?);
        for &engine in &engines {
            // candle multiplies blocks on threads of its own, of which the
            // process has one number for its life: CANDLE_NUM_THREADS.
            let is_own = engine == Engine::Candle && matches!(weights, WeightType::Quantised(_));
            if is_own && threads != thread_counts[0] {
                continue;
            }
            candidates.push((Plan { engine, weights }, Arc::clone(&pool)));
        }
    }
    let mut measured = Vec::new();
    if candidates.len() > 1 {
        for (plan, pool) in &candidates {
            measured.push(pool.install(|| measure(config, *plan, pool.current_num_threads()))?);
        }
    }
    // Fewer threads must be clearly better: a moment in which something else
    // runs must not leave a processor idle for the life of the server.
    let cost = |index: usize| {
        let penalty = if measured[index].threads < thread_counts[0] {
            5
        } else {
            4
        };
        measured[index].cost * penalty
    };
    let best = (0..measured.len())
        .min_by_key(|&index| cost(index))
        .unwrap_or(0);
    let (plan, pool) = candidates.swap_remove(best);
    measured.sort_by_key(|one| one.cost);
    let report = EngineReport {
        weights: weights.to_string(),
        engine: plan.engine,
        threads: pool.current_num_threads(),
        measured,
    };
    Ok(Chosen {
        plan,
        threads: Threads(Some(pool)),
        report,
    })
}

fn pool(threads: usize) -> Result<ThreadPool, Error> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("compute-{index}"))
        .build()
        .map_err(|error| Error::Threads(error.to_string()))
}

fn measure(config: &Blip2Config, plan: Plan, threads: usize) -> Result<Measurement, Error> {
    let inputs = config.text_config.d_model.clamp(64, 1024);
    let outputs = config.text_config.d_ff.clamp(64, 1024);
    let weight = Tensor::randn(0f32, 0.02, (outputs, inputs), &Device::Cpu)?;
    let layer = match plan.weights {
        WeightType::Plain(dtype) => Linear::from_tensors(weight.to_dtype(dtype)?, None, plan)?,
        WeightType::Quantised(quantization) => {
            let blocks = crate::quantize::quantize_rows(&weight, quantization)?;
            Linear::from_blocks(blocks, (outputs, inputs), None, plan)?
        }
    };
    let time = |rows: usize| -> Result<Duration, Error> {
        let x =
            Tensor::randn(0f32, 1.0, (rows, inputs), &Device::Cpu)?.to_dtype(plan.activations())?;
        let mut best = Duration::MAX;
        // At least three runs, and enough that a busy moment does not decide.
        let started = Instant::now();
        let mut runs = 0;
        while runs < 3 || (runs < 20 && started.elapsed() < Duration::from_millis(10)) {
            let start = Instant::now();
            layer.forward(&x)?;
            best = best.min(start.elapsed());
            runs += 1;
        }
        Ok(best)
    };
    let (many, few) = (time(MANY_ROWS)?, time(FEW_ROWS)?);
    let rate = |rows: usize, time: Duration| {
        2e-9 * (rows * inputs * outputs) as f64 / time.as_secs_f64().max(1e-9)
    };
    Ok(Measurement {
        engine: plan.engine,
        threads,
        many_rows: rate(MANY_ROWS, many),
        few_rows: rate(FEW_ROWS, few),
        cost: many + few * STEPS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelt_as_they_are_read() {
        for engine in Engine::ALL {
            assert_eq!(engine.to_string().parse(), Ok(engine));
        }
        for quantization in [Quantization::Q8_0, Quantization::Q4K] {
            assert_eq!(quantization.to_string().parse(), Ok(quantization));
            assert_eq!(
                Quantization::from_ggml(quantization.ggml()),
                Some(quantization)
            );
        }
        assert!("cublas".parse::<Engine>().is_err() && "q2".parse::<Quantization>().is_err());
    }

    #[test]
    fn blocks_go_to_candle_only_where_nothing_else_takes_them() {
        let both = || vec![Engine::Packed, Engine::Candle];
        let plain = WeightType::Plain(DType::F32);
        assert_eq!(worth_measuring(both(), plain), both());
        for quantization in [Quantization::Q8_0, Quantization::Q4K] {
            let blocks = WeightType::Quantised(quantization);
            assert_eq!(worth_measuring(both(), blocks), [Engine::Packed]);
            let alone = vec![Engine::Candle];
            assert_eq!(worth_measuring(alone.clone(), blocks), alone);
        }
    }

    #[test]
    fn the_packed_engine_has_no_f16() {
        let plan = Plan {
            engine: Engine::Packed,
            weights: WeightType::Plain(DType::F16),
        };
        assert!(plan.obstacle().is_some());
    }

    #[cfg(not(feature = "onednn"))]
    #[test]
    fn an_engine_that_was_not_built_in_says_so() {
        let plan = Plan {
            engine: Engine::OneDnn,
            weights: WeightType::Plain(DType::F32),
        };
        assert!(
            plan.obstacle()
                .is_some_and(|reason| reason.contains("onednn"))
        );
    }
}
