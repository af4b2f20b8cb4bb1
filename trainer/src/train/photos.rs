//! The photographs of a job.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use blip2::photo;
use catalogue::PHOTO_ENDINGS;
use image::RgbImage;

/// More pixels than any camera's; what has more is refused rather than decoded.
const MAX_PIXELS: u64 = 100_000_000;

/// How many reasons are told.
const TOLD: usize = 10;

/// Photographs by number.
#[derive(Debug)]
pub struct Photos {
    folder: PathBuf,
    ids: Vec<String>,
    numbers: HashMap<String, usize>,
    bad: BTreeMap<usize, String>,
}

impl Photos {
    /// Those in a folder, of which none is known yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            ids: Vec::new(),
            numbers: HashMap::new(),
            bad: BTreeMap::new(),
        }
    }

    /// The number of a product's photograph.
    pub fn number(&mut self, id: &str) -> usize {
        if let Some(&number) = self.numbers.get(id) {
            return number;
        }
        let number = self.ids.len();
        self.ids.push(id.to_owned());
        self.numbers.insert(id.to_owned(), number);
        number
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The product's id.
    #[must_use]
    pub fn id(&self, number: usize) -> &str {
        &self.ids[number]
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// When there is no such file or it cannot be read.
    pub fn bytes(&self, number: usize) -> anyhow::Result<Vec<u8>> {
        let id = &self.ids[number];
        if Path::new(id)
            .file_name()
            .is_none_or(|plain| plain != id.as_str())
        {
            bail!("`{id}` is no file's name");
        }
        let paths = PHOTO_ENDINGS.map(|ending| self.folder.join(format!("{id}.{ending}")));
        let path = paths.iter().find(|path| path.is_file());
        let path = path.ok_or_else(|| anyhow!("there is no {}", paths[0].display()))?;
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Decodes a file's bytes.
    ///
    /// # Errors
    /// When they are no photograph.
    pub fn decode(&self, number: usize, bytes: &[u8]) -> anyhow::Result<RgbImage> {
        photo::decode(bytes, MAX_PIXELS).map_err(|error| anyhow!("{}: {error}", self.ids[number]))
    }

    /// Notes that a photograph cannot be used.
    pub fn mark_bad(&mut self, number: usize, reason: &anyhow::Error) {
        self.bad.insert(number, format!("{reason:#}"));
    }

    /// Whether a photograph can be used, as far as is known.
    #[must_use]
    pub fn is_bad(&self, number: usize) -> bool {
        self.bad.contains_key(&number)
    }

    /// How many cannot be used.
    #[must_use]
    pub fn bad_count(&self) -> usize {
        self.bad.len()
    }

    /// Tells of those that cannot be used, and fails if they are too many. One
    /// always may be.
    ///
    /// # Errors
    /// When more than `share` of them are.
    pub fn judge(&self, share: f64, tell: impl Fn(&str)) -> anyhow::Result<()> {
        if self.bad.is_empty() {
            return Ok(());
        }
        for reason in self.bad.values().take(TOLD) {
            tell(&format!("photograph skipped: {reason}"));
        }
        let (bad, all) = (self.bad.len(), self.ids.len());
        tell(&format!("{bad} of {all} photographs are skipped"));
        let most = (share * all as f64).ceil();
        if bad == all || bad as f64 > most {
            let first = self.bad.values().next().map_or("", String::as_str);
            bail!(
                "{bad} of {all} photographs cannot be used, more than `max-bad-photos` = {share} \
                 allows; the first: {first}"
            );
        }
        Ok(())
    }
}
