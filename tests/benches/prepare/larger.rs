//! A larger catalogue, made of a data set's records under new ids.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Writes `products` products into `folder`: the records of `data` over and over,
/// each with an id of its own, and one photograph for all.
pub fn write(data: &Path, folder: &Path, products: usize) -> Result<()> {
    let table = fs::read_to_string(data.join("styles.csv"))?;
    let mut lines = table.lines();
    let header = lines.next().context("styles.csv is empty")?;
    let lines: Vec<&str> = lines.collect();
    fs::create_dir_all(folder.join("styles"))?;
    fs::create_dir_all(folder.join("images"))?;
    let photo = folder.join("photo");
    fs::write(&photo, "not looked at")?;
    let mut styles = format!("{header}\n");
    for number in 0..products {
        let line = lines[number % lines.len()];
        let (id, rest) = line.split_once(',').context("a line without a comma")?;
        let record = fs::read_to_string(data.join(format!("styles/{id}.json")))?;
        let new = 1_000_000 + number;
        let record = record.replacen(&format!("\"id\": {id}"), &format!("\"id\": {new}"), 1);
        let record = record.replacen(&format!("\"id\":{id}"), &format!("\"id\":{new}"), 1);
        fs::write(folder.join(format!("styles/{new}.json")), record)?;
        fs::hard_link(&photo, folder.join(format!("images/{new}.jpg")))?;
        styles.push_str(&format!("{new},{rest}\n"));
    }
    fs::write(folder.join("styles.csv"), styles)?;
    Ok(())
}
