//! The shapes of the model, how the server is run with each, and what this
//! project asks of itself there.

/// A shape of the model.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    /// What it is, for the report.
    pub what: &'static str,
    /// How often each side is measured.
    pub runs: usize,
    /// Ways to run our server, the likely best first.
    pub configurations: &'static [Configuration],
    /// Whether many clients are measured with it as well.
    pub many_clients: bool,
    pub targets: &'static [Target],
}

/// A way to run our server.
#[derive(Debug)]
pub struct Configuration {
    pub name: &'static str,
    /// What is added to `model-server serve`; a configuration with a flag that
    /// the server does not know is left out, visibly.
    pub flags: &'static [&'static str],
    /// A command of `model-server` that writes, once, what is served instead of
    /// the checkpoint; `{from}` and `{to}` stand for the two folders. Its name
    /// must be a command that the server knows.
    pub prepare: Option<&'static [&'static str]>,
    /// Bytes that a weight takes in memory, to see what fits beside what.
    pub bytes_per_weight: f64,
}

/// The configurations that are measured. One more is one more line here, and
/// its name in the shapes that it is for.
const F32: Configuration = Configuration {
    name: "f32",
    flags: &["--dtype", "f32"],
    prepare: None,
    bytes_per_weight: 4.0,
};
const BF16: Configuration = Configuration {
    name: "bf16",
    flags: &["--dtype", "bf16"],
    prepare: None,
    bytes_per_weight: 2.0,
};
const Q8_0: Configuration = Configuration {
    name: "q8_0",
    flags: &["--quantize", "q8_0"],
    prepare: None,
    bytes_per_weight: 1.1,
};
const Q4K: Configuration = Configuration {
    name: "q4k",
    flags: &["--quantize", "q4k"],
    prepare: None,
    bytes_per_weight: 0.65,
};

/// Of the largest shape, served from a file: quantising anew at every start
/// takes a minute. The flag then says what the file must be.
const Q8_0_FILE: Configuration = Configuration {
    flags: Q8_0.flags,
    prepare: Some(&[
        "quantize",
        "--model-dir",
        "{from}",
        "--quantize",
        "q8_0",
        "--out",
        "{to}",
    ]),
    ..Q8_0
};
const Q4K_FILE: Configuration = Configuration {
    flags: Q4K.flags,
    prepare: Some(&[
        "quantize",
        "--model-dir",
        "{from}",
        "--quantize",
        "q4k",
        "--out",
        "{to}",
    ]),
    ..Q4K
};

/// What is asked of a number that is measured.
#[derive(Debug)]
pub struct Target {
    pub what: &'static str,
    pub is: Goal,
}

#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// So many times as fast as eight `generate` calls.
    EightCalls(Ours, Theirs, f64),
    /// So many times as fast as one batched `generate` call.
    OneBatch(Ours, Theirs, f64),
    /// So many times as fast where the photo is known to the cache.
    Cached(Ours, f64),
    /// The same for a request with one question.
    CachedOneQuestion(Ours, f64),
    /// At most so many MB at once.
    Megabytes(Ours, f64),
    /// At most so much of what the weights take in f32.
    OfF32Weights(Ours, f64),
}

/// Which of our configurations.
#[derive(Clone, Copy, Debug)]
pub enum Ours {
    Fastest,
    Named(&'static str),
}

/// Which of transformers' number types.
#[derive(Clone, Copy, Debug)]
pub enum Theirs {
    Fastest,
    Named(&'static str),
}

pub const SHAPES: [Shape; 3] = [
    Shape {
        name: "mini",
        what: "the checkpoint that ships, 3 million parameters",
        runs: 15,
        configurations: &[F32],
        many_clients: false,
        targets: &[
            Target {
                what: "f32 against eight calls",
                is: Goal::EightCalls(Ours::Named("f32"), Theirs::Fastest, 12.0),
            },
            Target {
                what: "f32 against one batch",
                is: Goal::OneBatch(Ours::Named("f32"), Theirs::Fastest, 2.0),
            },
            Target {
                what: "memory in f32, all of it",
                is: Goal::Megabytes(Ours::Named("f32"), 100.0),
            },
        ],
    },
    Shape {
        name: "base",
        what: "ViT of 12 layers of 768, Q-Former of 12 of 768, T5-base; random weights",
        runs: 7,
        configurations: &[Q8_0, Q4K, BF16, F32],
        many_clients: true,
        targets: &[
            Target {
                what: "f32 against eight calls in f32",
                is: Goal::EightCalls(Ours::Named("f32"), Theirs::Named("f32"), 6.0),
            },
            Target {
                what: "f32 against one batch in f32",
                is: Goal::OneBatch(Ours::Named("f32"), Theirs::Named("f32"), 3.0),
            },
            Target {
                what: "memory in f32",
                is: Goal::OfF32Weights(Ours::Named("f32"), 1.15),
            },
            Target {
                what: "our best against its best, eight calls",
                is: Goal::EightCalls(Ours::Fastest, Theirs::Fastest, 8.0),
            },
            Target {
                what: "our best against its best, one batch",
                is: Goal::OneBatch(Ours::Fastest, Theirs::Fastest, 2.5),
            },
            Target {
                what: "memory, quantised",
                is: Goal::OfF32Weights(Ours::Named("q8_0"), 0.35),
            },
            Target {
                what: "memory, quantised",
                is: Goal::OfF32Weights(Ours::Named("q4k"), 0.35),
            },
            Target {
                what: "photo known to the cache, our best, eight questions",
                is: Goal::Cached(Ours::Fastest, 3.0),
            },
            Target {
                what: "photo known to the cache, our best, one question",
                is: Goal::CachedOneQuestion(Ours::Fastest, 3.0),
            },
        ],
    },
    Shape {
        name: "xl",
        what: "the configuration of Salesforce/blip2-flan-t5-xl; random weights",
        runs: 3,
        configurations: &[Q8_0_FILE, Q4K_FILE, BF16],
        many_clients: false,
        targets: &[
            Target {
                what: "our best against its best, eight calls",
                is: Goal::EightCalls(Ours::Fastest, Theirs::Fastest, 6.0),
            },
            Target {
                what: "our best against its best, one batch",
                is: Goal::OneBatch(Ours::Fastest, Theirs::Fastest, 2.0),
            },
            Target {
                what: "memory in q4k",
                is: Goal::OfF32Weights(Ours::Named("q4k"), 0.20),
            },
        ],
    },
];
