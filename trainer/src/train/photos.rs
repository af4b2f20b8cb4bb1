//! The photographs of a job.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use blip2::photo;
use catalogue::PHOTO_ENDINGS;
use image::RgbImage;

use super::feature_store::Key;

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
    /// What the files that can be used hold.
    keys: HashMap<usize, Key>,
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
            keys: HashMap::new(),
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

    fn path(&self, number: usize) -> anyhow::Result<PathBuf> {
        let id = &self.ids[number];
        if Path::new(id)
            .file_name()
            .is_none_or(|plain| plain != id.as_str())
        {
            bail!("`{id}` is no file's name");
        }
        let paths = PHOTO_ENDINGS.map(|ending| self.folder.join(format!("{id}.{ending}")));
        match paths.iter().find(|path| path.is_file()) {
            Some(path) => Ok(path.clone()),
            None => bail!("there is no {}", paths[0].display()),
        }
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// When there is no such file or it cannot be read.
    pub fn bytes(&self, number: usize) -> anyhow::Result<Vec<u8>> {
        let path = self.path(number)?;
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Looks which files there are, as long as nothing was read of them, and
    /// fails if too many are missing.
    ///
    /// # Errors
    /// As [`Self::judge`].
    pub fn look_for_files(&mut self, share: f64) -> anyhow::Result<()> {
        for number in 0..self.ids.len() {
            if let Err(reason) = self.path(number) {
                self.mark_bad(number, &reason);
            }
        }
        self.check(share)
    }

    /// Decodes a file's bytes.
    ///
    /// # Errors
    /// When they are no photograph.
    pub fn decode(&self, number: usize, bytes: &[u8]) -> anyhow::Result<RgbImage> {
        photo::decode(bytes, MAX_PIXELS).map_err(|error| anyhow!("{}: {error}", self.ids[number]))
    }

    /// Notes what a photograph that can be used holds.
    pub fn mark_good(&mut self, number: usize, key: Key) {
        self.keys.insert(number, key);
    }

    /// What a photograph holds, if it can be used.
    #[must_use]
    pub fn key(&self, number: usize) -> Option<&Key> {
        self.keys.get(&number)
    }

    /// All ids with what is known of their photographs, one after the other.
    #[must_use]
    pub fn inventory(&self) -> String {
        let each = self.ids.iter().enumerate();
        each.map(|(number, id)| match self.keys.get(&number) {
            Some(key) => format!("{id} {key}\n"),
            None => format!("{id} -\n"),
        })
        .collect()
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
    /// may be, however few there are, unless `share` is 0.
    ///
    /// # Errors
    /// When more than `share` of them are, or all.
    pub fn judge(&self, share: f64, tell: impl Fn(&str)) -> anyhow::Result<()> {
        if self.bad.is_empty() {
            return Ok(());
        }
        for reason in self.bad.values().take(TOLD) {
            tell(&format!("photograph skipped: {reason}"));
        }
        let (bad, all) = (self.bad.len(), self.ids.len());
        tell(&format!("{bad} of {all} photographs are skipped"));
        self.check(share)
    }

    fn check(&self, share: f64) -> anyhow::Result<()> {
        let Some(first) = self.bad.values().next() else {
            return Ok(());
        };
        let (bad, all) = (self.bad.len(), self.ids.len());
        if bad > most_bad(share, all) {
            bail!(
                "{bad} of {all} photographs cannot be used, more than `max-bad-photos` = {share} \
                 allows; the first: {first}"
            );
        }
        if bad == all {
            bail!("none of the {all} photographs can be used; the first: {first}");
        }
        Ok(())
    }
}

/// How many of `all` may be bad.
fn most_bad(share: f64, all: usize) -> usize {
    // A product that is a whole number may come out a little below it.
    const ROUNDING: f64 = 1e-9;
    match share {
        0.0 => 0,
        share => ((share * all as f64 + ROUNDING) as usize).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_may_be_bad_and_one_unless_it_is_0() {
        for (share, all, most) in [
            (0.0, 1_000, 0),
            (0.01, 6, 1),
            (0.01, 150, 1),
            (0.01, 200, 2),
            (0.29, 100, 29),
            (1.0, 7, 7),
        ] {
            assert_eq!(most_bad(share, all), most, "{share} of {all}");
        }
    }

    #[test]
    fn too_many_are_an_error_that_says_which() {
        let folder = tempfile::tempdir().unwrap();
        let mut photos = Photos::new(folder.path());
        for id in ["a", "b", "c"] {
            photos.number(id);
        }
        for id in ["a", "c"] {
            std::fs::write(folder.path().join(id).with_extension("png"), "").unwrap();
        }
        photos.look_for_files(0.01).unwrap();
        assert!(photos.is_bad(1) && photos.bad_count() == 1);
        let error = photos.look_for_files(0.0).unwrap_err().to_string();
        assert!(
            error.contains("1 of 3") && error.contains("b.jpg"),
            "{error}"
        );
        photos.mark_bad(0, &anyhow!("cut off"));
        photos.mark_bad(2, &anyhow!("cut off"));
        let error = photos.judge(1.0, |_| ()).unwrap_err().to_string();
        assert!(error.contains("none of the 3"), "{error}");
    }
}
