//! The files that are uploaded.

use std::fs;
use std::path::Path;

use anyhow::Result;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Sizes are between these, in bytes.
pub const SIZES: [usize; 2] = [1 << 10, 16 << 10];

/// How many files a folder has.
const OF_A_FOLDER: usize = 500;

/// Writes `files` files of random bytes below `folder`; gives how many bytes they have.
pub fn write(folder: &Path, files: usize) -> Result<u64> {
    let mut chance = ChaCha8Rng::seed_from_u64(7);
    let mut bytes = 0;
    for number in 0..files {
        let below = folder.join(format!("{:03}", number / OF_A_FOLDER));
        if number % OF_A_FOLDER == 0 {
            fs::create_dir_all(&below)?;
        }
        let mut content = vec![0; chance.random_range(SIZES[0]..=SIZES[1])];
        chance.fill_bytes(&mut content);
        bytes += content.len() as u64;
        fs::write(below.join(format!("{number}.jpg")), content)?;
    }
    Ok(bytes)
}
