//! The features of training products, which the nearest ones are found by.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use catalogue::Progress;

use super::ask::LocalModel;
use super::baselines::Neighbour;
use super::data::read_photo;

/// Photos whose features are computed together.
const PHOTOS_TOGETHER: usize = 16;

/// The features of the products `ids`, and of those that have none the reason.
///
/// # Errors
/// When the model fails.
pub fn encode_neighbours<'a>(
    model: &LocalModel,
    ids: &[&'a str],
    images: &Path,
    progress: &dyn Progress,
) -> Result<(Vec<Neighbour<'a>>, BTreeMap<String, String>)> {
    progress.stage("features of training", ids.len() as u64);
    let mut neighbours = Vec::with_capacity(ids.len());
    let mut unusable = BTreeMap::new();
    for ids in ids.chunks(PHOTOS_TOGETHER) {
        let mut photos = Vec::with_capacity(ids.len());
        for &id in ids {
            match read_photo(images, id) {
                Ok(photo) => photos.push((id, photo)),
                Err(reason) => {
                    unusable.insert(id.to_owned(), reason);
                }
            }
        }
        let bytes: Vec<&[u8]> = photos.iter().map(|(_, photo)| photo.as_slice()).collect();
        for (&(id, _), features) in photos.iter().zip(model.mean_features(&bytes)?) {
            match features {
                Ok(features) => neighbours.push(Neighbour { id, features }),
                Err(reason) => {
                    unusable.insert(id.to_owned(), reason);
                }
            }
        }
        progress.advance(ids.len() as u64);
    }
    Ok((neighbours, unusable))
}
