//! Which engine and how many threads compute, by a short measurement.

use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{Engine, Plan, WeightType};
use crate::config::Blip2Config;
use crate::error::Error;
use crate::linear::Linear;

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
/// How often each candidate has its turn.
const TURNS: usize = 8;
/// How long a turn takes at each number of rows, and one product at least.
const TURN: Duration = Duration::from_millis(2);

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
    let mut measured = match candidates.len() {
        1 => Vec::new(),
        _ => measure(config, &candidates)?,
    };
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

/// Measures all candidates in turns, so that a moment in which something else runs
/// costs each of them some tries and none of them all.
fn measure(
    config: &Blip2Config,
    candidates: &[(Plan, Arc<ThreadPool>)],
) -> Result<Vec<Measurement>, Error> {
    let mut trials = Vec::new();
    for (plan, pool) in candidates {
        trials.push(pool.install(|| Trial::new(config, *plan))?);
    }
    in_turns(candidates.len(), |index| {
        let (_, pool) = &candidates[index];
        pool.install(|| trials[index].turn())
    })?;
    let pairs = trials.iter().zip(candidates);
    let measured = pairs.map(|(trial, (plan, pool))| Measurement {
        engine: plan.engine,
        threads: pool.current_num_threads(),
        many_rows: trial.rate(&trial.many),
        few_rows: trial.rate(&trial.few),
        cost: trial.many.best + trial.few.best * STEPS,
    });
    Ok(measured.collect())
}

/// Gives each of `candidates` its turns, never two in a row to one where there are more.
fn in_turns(
    candidates: usize,
    mut turn: impl FnMut(usize) -> Result<(), Error>,
) -> Result<(), Error> {
    for _ in 0..TURNS {
        for index in 0..candidates {
            turn(index)?;
        }
    }
    Ok(())
}

/// A layer of the model's size in one way, and how fast it was.
struct Trial {
    layer: Linear,
    /// Operations for a row.
    operations: f64,
    many: Rows,
    few: Rows,
}

/// An input, and the least time that it took.
struct Rows {
    x: Tensor,
    best: Duration,
}

impl Trial {
    fn new(config: &Blip2Config, plan: Plan) -> Result<Self, Error> {
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
        let rows = |rows: usize| -> Result<Rows, Error> {
            let x = Tensor::randn(0f32, 1.0, (rows, inputs), &Device::Cpu)?;
            Ok(Rows {
                x: x.to_dtype(plan.activations())?,
                best: Duration::MAX,
            })
        };
        Ok(Self {
            layer,
            operations: 2.0 * (inputs * outputs) as f64,
            many: rows(MANY_ROWS)?,
            few: rows(FEW_ROWS)?,
        })
    }

    fn turn(&mut self) -> Result<(), Error> {
        for rows in [&mut self.many, &mut self.few] {
            let started = Instant::now();
            let mut runs = 0;
            while runs < 1 || (runs < 10 && started.elapsed() < TURN) {
                let start = Instant::now();
                self.layer.forward(&rows.x)?;
                rows.best = rows.best.min(start.elapsed());
                runs += 1;
            }
        }
        Ok(())
    }

    /// In 10⁹ operations a second.
    fn rate(&self, rows: &Rows) -> f64 {
        let count = rows.x.dims().first().copied().unwrap_or_default() as f64;
        1e-9 * self.operations * count / rows.best.as_secs_f64().max(1e-9)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::*;
    use crate::engine::Quantization;

    #[test]
    fn candidates_take_turns() {
        let mut order = Vec::new();
        let outcome = in_turns(3, |index| {
            order.push(index);
            Ok(())
        });
        outcome.unwrap();
        assert_eq!(order, [0, 1, 2].repeat(TURNS));
        assert_eq!(order.len(), 24);
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
}
