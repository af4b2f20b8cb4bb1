//! What the processor can do.

/// How much of AVX-512 there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// F, BW, DQ and VL: products in f32.
    Base,
    /// VNNI as well: products of 8-bit integers.
    Vnni,
    /// BF16 as well: products in bf16.
    Bf16,
}

/// Proof that the processor has AVX-512; the only way to the kernels.
#[derive(Debug, Clone, Copy)]
pub struct Avx512 {
    level: Level,
}

impl Avx512 {
    /// Looks at the processor; `None` where the kernels cannot run.
    #[must_use]
    pub fn detect() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        {
            let base = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            let vnni = is_x86_feature_detected!("avx512vnni");
            let bf16 = is_x86_feature_detected!("avx512bf16");
            base.then_some(Self {
                level: match (vnni, bf16) {
                    (true, true) => Level::Bf16,
                    (true, false) => Level::Vnni,
                    _ => Level::Base,
                },
            })
        }
        #[cfg(not(target_arch = "x86_64"))]
        None
    }

    /// How much of it there is.
    #[must_use]
    pub fn level(self) -> Level {
        self.level
    }
}
