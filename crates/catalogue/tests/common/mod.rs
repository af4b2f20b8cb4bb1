//! Small catalogues for tests.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};

use attributes::{AttributeSet, Wording};
use catalogue::{PrepareOptions, Shares, Source};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// Everything of a source, without a look at its photos.
pub fn options(source: Source, out: &Path) -> PrepareOptions {
    PrepareOptions {
        sources: vec![source],
        out: out.to_owned(),
        set: AttributeSet::embedded(),
        categories: Vec::new(),
        min_count: 1,
        wording: Wording::named("default").unwrap(),
        hold_out: Vec::new(),
        shares: Shares::default(),
        seed: 42,
        photo_distance: None,
        thumbnails: 0,
    }
}

pub fn kaggle(folder: &Path) -> Source {
    Source::Kaggle {
        folder: folder.to_owned(),
    }
}

/// A shop's products in the layout of the Kaggle data set, with photos that are
/// none.
#[derive(Clone, Debug, Default)]
pub struct Shop {
    products: Vec<(usize, String, Value)>,
}

impl Shop {
    pub fn new() -> Shop {
        Shop::default()
    }

    pub fn add(
        &mut self,
        id: usize,
        kind: &str,
        colour: &str,
        facts: &[(&str, &str)],
        siblings: &[usize],
    ) {
        let facts: Map<String, Value> = facts
            .iter()
            .map(|&(name, value)| (name.to_owned(), Value::from(value)))
            .collect();
        let others: Map<String, Value> = siblings
            .iter()
            .map(|id| (id.to_string(), json!({})))
            .collect();
        let record = json!({"data": {
            "id": id,
            "articleAttributes": facts,
            "colours": {"colors": others},
        }});
        let line = format!("{id},{kind},{colour},Product {id}\n");
        self.products.push((id, line, record));
    }

    /// Which product is another colour of which.
    pub fn siblings(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (id, _, record) in &self.products {
            let others = record["data"]["colours"]["colors"].as_object().unwrap();
            pairs.extend(others.keys().map(|other| (id.to_string(), other.clone())));
        }
        pairs
    }

    /// The same products in another order.
    pub fn reversed(&self) -> Shop {
        let mut products = self.products.clone();
        products.reverse();
        Shop { products }
    }

    pub fn write(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("styles")).unwrap();
        fs::create_dir(at("images")).unwrap();
        let mut table = String::from("id,articleType,baseColour,productDisplayName\n");
        for (id, line, record) in &self.products {
            table += line;
            fs::write(at(&format!("styles/{id}.json")), record.to_string()).unwrap();
            fs::write(at(&format!("images/{id}.jpg")), "no photo").unwrap();
        }
        fs::write(at("styles.csv"), table).unwrap();
        folder
    }
}

/// The data set beside the repository; says on stderr where it is not there.
pub fn kaggle_data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/kaggle");
    if folder.join("styles.csv").is_file() {
        return Some(folder);
    }
    eprintln!("skipped: no data set in {}", folder.display());
    None
}
