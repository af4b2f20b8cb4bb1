//! `trainer prepare`: from catalogues to the files that training reads.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use attributes::{AttributeSet, Wording};
use catalogue::{
    Error, LEFT_OUT_FILE, MAX_DISTANCE, Mapping, PrepareOptions, Progress, Report, Shares, Source,
};
use clap::Args;

use crate::catalogue_progress::Shown;

/// What is prepared, and how.
#[derive(Debug, Args)]
pub struct PrepareArgs {
    /// A folder in the layout of the Kaggle data set; several may be given
    #[arg(long = "data", value_name = "DIR", required_unless_present = "table")]
    data: Vec<PathBuf>,
    /// A CSV file of your own: id, category, attributes, image
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// What the columns of the table are (TOML); by default they are known by
    /// their names
    #[arg(long, value_name = "FILE", requires = "table")]
    mapping: Option<PathBuf>,
    /// The folder of the table's photos; by default that of the table
    #[arg(long, value_name = "DIR", requires = "table")]
    images: Option<PathBuf>,
    /// The folder for the files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Attributes, values and categories (TOML); by default those of topwear
    #[arg(long, value_name = "FILE")]
    attribute_set: Option<PathBuf>,
    /// Categories, with commas between; by default all of the attribute set
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    categories: Vec<String>,
    /// Leave out values that fewer products have
    #[arg(long, value_name = "N", default_value_t = 5)]
    min_count: u64,
    /// How questions and answers are worded: "reference" as endpoints of the
    /// published notebook need them, "mixed" in several ways
    #[arg(long, default_value = "default", value_parser = wording)]
    wording: Wording,
    /// Attributes that are asked about in the test file alone, with commas
    /// between (the published notebook holds out the colour)
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    hold_out: Vec<String>,
    /// The share of products for validation; 0 for none
    #[arg(long, value_name = "SHARE", default_value_t = Shares::default().validation)]
    validation: f64,
    /// The share of products for the test; 0 for none
    #[arg(long, value_name = "SHARE", default_value_t = Shares::default().test)]
    test: f64,
    /// Decides which product is in which file
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// In how many of 64 bits the hashes of near-identical photos may differ
    #[arg(long, value_name = "BITS", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_DISTANCE)))]
    photo_distance: u32,
    /// Do not look at photos: damaged and near-identical ones are not found
    #[arg(long)]
    no_photo_hash: bool,
    /// Thumbnails of each value in catalogue.html; 0 for none
    #[arg(long, value_name = "N", default_value_t = 5)]
    thumbnails: usize,
}

impl PrepareArgs {
    /// The folders that are read, by the options that name them.
    #[must_use]
    pub fn folders(&self) -> Vec<(&'static str, &Path)> {
        let data = self.data.iter().map(|folder| ("--data", folder.as_path()));
        let images = self.images.iter();
        let images = images.map(|folder| ("--images", folder.as_path()));
        data.chain(images).collect()
    }

    /// The files that are read, by the options that name them.
    #[must_use]
    pub fn files(&self) -> Vec<(&'static str, &Path)> {
        [
            ("--table", &self.table),
            ("--mapping", &self.mapping),
            ("--attribute-set", &self.attribute_set),
        ]
        .into_iter()
        .filter_map(|(option, path)| Some((option, path.as_deref()?)))
        .collect()
    }
}

fn wording(name: &str) -> Result<Wording, String> {
    Wording::named(name).ok_or_else(|| {
        let known = Wording::all();
        let names: Vec<&str> = known.iter().map(Wording::name).collect();
        format!("there are: {}", names.join(", "))
    })
}

/// Prepares the files, shows how far it is on stderr and says on stdout what was written.
///
/// # Errors
///
/// What could not be read or written, or which option makes no sense.
pub fn run(args: &PrepareArgs) -> Result<()> {
    let progress = Shown::new();
    let report = prepare(args, &progress)?;
    progress.end();
    print!("{}", summary(args, &report));
    Ok(())
}

/// Prepares the files.
///
/// # Errors
///
/// As [`run`].
pub fn prepare(args: &PrepareArgs, progress: &dyn Progress) -> Result<Report> {
    catalogue::prepare(&options(args)?, progress).map_err(|error| {
        // What was prepared before may be gone then, which the error itself says.
        let is_halfway = matches!(error, Error::Unfinished { .. });
        let error = anyhow::Error::from(error);
        match is_halfway {
            true => error,
            false => error.context(format!("nothing is prepared in {}", args.out.display())),
        }
    })
}

fn options(args: &PrepareArgs) -> Result<PrepareOptions> {
    let mut sources: Vec<Source> = args
        .data
        .iter()
        .map(|folder| Source::Kaggle {
            folder: folder.clone(),
        })
        .collect();
    if let Some(file) = &args.table {
        sources.push(table(args, file)?);
    }
    Ok(PrepareOptions {
        sources,
        out: args.out.clone(),
        set: match &args.attribute_set {
            Some(path) => attribute_set(path)?,
            None => AttributeSet::embedded(),
        },
        categories: args.categories.clone(),
        min_count: args.min_count,
        wording: args.wording.clone(),
        hold_out: args.hold_out.clone(),
        shares: Shares {
            validation: args.validation,
            test: args.test,
        },
        seed: args.seed,
        photo_distance: (!args.no_photo_hash).then_some(args.photo_distance),
        thumbnails: args.thumbnails,
    })
}

fn table(args: &PrepareArgs, file: &Path) -> Result<Source> {
    // A bare name has a parent of no name, which is no folder to compare with others.
    let beside = || match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    Ok(Source::Table {
        file: file.to_owned(),
        images: args.images.clone().unwrap_or_else(beside),
        mapping: match &args.mapping {
            Some(path) => Mapping::read(path)?,
            None => Mapping::default(),
        },
    })
}

fn attribute_set(path: &Path) -> Result<AttributeSet> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the attribute set {}", path.display()))?;
    AttributeSet::parse(&text).with_context(|| format!("{} has to be mended", path.display()))
}

/// What was prepared, in some lines for people.
#[must_use]
pub fn summary(args: &PrepareArgs, report: &Report) -> String {
    let mut text = format!(
        "{} products of {} lines ({} broken lines, {} products left out)\n",
        report.products,
        report.lines,
        report.broken_lines.total(),
        report.dropped.total()
    );
    text += &format!(
        "{} of them are in {} groups of one style or photo\n",
        report.groups.products, report.groups.groups
    );
    for split in &report.splits {
        text += &format!(
            "{:>14}: {} products, {} questions\n",
            split.file, split.products, split.pairs
        );
    }
    if report.broken_lines.total() + report.dropped.total() > 0 {
        text += &format!("{LEFT_OUT_FILE:>14}: what was left out, and why\n");
    }
    if report.without_value > 0 {
        text += &format!(
            "{:>14}: {} questions about the test's products whose answer is NA\n",
            catalogue::NA_FILE,
            report.without_value
        );
    }
    let page = args.out.join(catalogue::PAGE_FILE);
    text += &format!("look at {}\n", page.display());
    text
}
