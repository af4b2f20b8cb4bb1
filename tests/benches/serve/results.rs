//! What was measured, kept as JSON between runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tests::files::write_whole;
use tests::machine::Machine;
use tests::stages::Stages;
use tests::times::Times;

use crate::shape::SHAPES;

/// One shape on one machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    pub shape: String,
    pub machine: Machine,
    pub date: String,
    pub commit: String,
    pub command: String,
    /// Of the last minute before, as Linux counts it: how busy the machine was
    /// with other things.
    pub load_average: f64,
    pub versions: BTreeMap<String, String>,
    pub parameters: u64,
    /// Of the checkpoint's files.
    pub weights_bytes: u64,
    pub photo_bytes: usize,
    pub prompts: Vec<String>,
    pub transformers: Vec<TheirTimes>,
    pub ours: Vec<OurTimes>,
    /// GFLOP/s of PyTorch's matrix multiplication, by number type.
    pub peak_gflops: BTreeMap<String, f64>,
    /// Work of one request, in GFLOP.
    pub request_gflop: f64,
    /// The same where the photo is known to the cache.
    pub cached_request_gflop: f64,
    /// What was not measured, and why.
    pub left_out: Vec<String>,
    pub throughput: Option<Throughput>,
}

/// Transformers in one number type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TheirTimes {
    pub dtype: String,
    /// Those that were measured in turns have the same number.
    pub group: usize,
    pub threads: usize,
    pub eight_calls: Times,
    pub one_batch: Times,
    pub peak_bytes: u64,
    pub answers: Vec<String>,
}

/// Our server in one configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OurTimes {
    pub configuration: String,
    pub flags: String,
    pub group: usize,
    /// The photo not known.
    pub fresh: Times,
    /// The photo known.
    pub repeated: Times,
    /// One question instead of all, the photo not known.
    pub one_fresh: Times,
    /// The same, the photo known.
    pub one_repeated: Times,
    /// How it computes, by its own log.
    pub computation: String,
    pub ready_after_s: f64,
    pub loaded_bytes: u64,
    pub loading_peak_bytes: u64,
    pub serving_peak_bytes: u64,
    /// What its metrics observed in the requests about photos not known.
    pub stages: Stages,
    pub answers: Vec<String>,
    /// What the server said of its image cache for the two, where it did.
    pub image_cache: Option<(String, String)>,
}

impl OurTimes {
    /// The most memory at once in the whole life of the process.
    pub fn peak_bytes(&self) -> u64 {
        self.loading_peak_bytes.max(self.serving_peak_bytes)
    }
}

/// Many clients at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Throughput {
    pub configuration: String,
    pub flags: String,
    pub clients: usize,
    pub photos: usize,
    pub questions_per_photo: usize,
    pub answered: usize,
    pub seconds: f64,
    /// Of single requests.
    pub times: Times,
    pub retries: usize,
    pub serving_peak_bytes: u64,
}

/// All shapes.
#[derive(Debug)]
pub struct Results {
    folder: PathBuf,
    pub shapes: Vec<Measured>,
}

impl Results {
    /// What earlier runs on this machine kept.
    pub fn kept(folder: &Path, machine: &Machine) -> Result<Results> {
        let mut results = Results {
            folder: folder.join("results"),
            shapes: Vec::new(),
        };
        std::fs::create_dir_all(&results.folder)
            .with_context(|| format!("cannot make {}", results.folder.display()))?;
        for shape in &SHAPES {
            let path = results.path(shape.name);
            let Ok(text) = std::fs::read(&path) else {
                continue;
            };
            match serde_json::from_slice::<Measured>(&text) {
                Ok(measured) if measured.machine == *machine => results.shapes.push(measured),
                Ok(_) => println!("{} is of another machine: not used", path.display()),
                Err(error) => println!("{} is of another form: {error}", path.display()),
            }
        }
        Ok(results)
    }

    /// Takes a new measurement in place of an old one.
    pub fn put(&mut self, measured: Measured) -> Result<()> {
        let path = self.path(&measured.shape);
        let text = serde_json::to_vec_pretty(&measured)?;
        write_whole(&path, &text)?;
        println!("raw numbers: {}", path.display());
        self.shapes.retain(|known| known.shape != measured.shape);
        self.shapes.push(measured);
        let place = |measured: &Measured| SHAPES.iter().position(|s| s.name == measured.shape);
        self.shapes.sort_by_key(place);
        Ok(())
    }

    fn path(&self, shape: &str) -> PathBuf {
        self.folder.join(format!("{shape}.json"))
    }
}
