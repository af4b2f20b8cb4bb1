//! How a CPU multiplies: which kernels, on how many threads, and how that is
//! chosen.

use std::str::FromStr;

use candle_core::DType;
use candle_core::quantized::GgmlDType;
use kernels::{Avx512, WeightFormat};

mod choice;

pub(crate) use choice::{Chosen, Threads, choose};
pub use choice::{EngineReport, Measurement};

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
