//! Which files a model has.

use serde::Deserialize;

use crate::checksum::{Algorithm, Checksum, Hasher, Scheme};
use crate::failure::{Exit, Failure, Outcome};
use crate::hub::http::Hub;
use crate::hub::model_id::ModelId;

/// A model at one commit.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its name.
    pub id: ModelId,
    /// What was asked for: a branch, a tag or a commit.
    pub revision: String,
    /// The commit that this was.
    pub commit: String,
    /// All its files.
    pub files: Vec<HubFile>,
}

/// A file of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubFile {
    /// Its path, with slashes.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Of a large file the SHA-256 of its content; of others what git calls it, which is the
    /// SHA-1 of a header and the content.
    pub checksum: Checksum,
}

impl HubFile {
    /// Computes this file's checksum of a content.
    #[must_use]
    pub fn hasher(&self) -> Hasher {
        let algorithm = self.checksum.scheme.algorithm;
        let mut hasher = Hasher::new(Scheme::whole(algorithm));
        if algorithm == Algorithm::Sha1 {
            hasher.update(format!("blob {}\0", self.bytes).as_bytes());
        }
        hasher
    }
}

/// What the hub answers.
#[derive(Deserialize)]
struct Told {
    sha: Option<String>,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: Option<String>,
    size: Option<u64>,
}

/// Asks for a model's files.
///
/// # Errors
/// When the hub refuses, or says less of a file than is needed to check it.
pub async fn list(hub: &Hub, id: &ModelId, revision: &str) -> Outcome<Model> {
    let mut parts = vec!["api", "models"];
    parts.extend(id.as_str().split('/'));
    parts.extend(["revision", revision]);
    let mut url = hub.url(&parts);
    url.set_query(Some("blobs=true"));
    let doing = format!("model {id} at revision {revision}");
    let answer = hub.get(&url, 0).await;
    let text = match answer {
        Ok(answer) => answer.text().await,
        Err(refusal) => Err(refusal),
    };
    let text = text.map_err(|refusal| refusal.failure(&doing, hub))?;
    let told: Told = serde_json::from_slice(&text).map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("{doing}: {url} is no listing of a hub: {error}"),
        )
        .next("look at --hub-url")
    })?;
    let files: Result<Vec<HubFile>, String> = told.siblings.into_iter().map(file).collect();
    let (Some(commit), Ok(files)) = (told.sha.as_ref().filter(|sha| is_commit(sha)), &files) else {
        let why = files
            .err()
            .unwrap_or_else(|| "it names no commit".to_owned());
        return Err(Failure::new(
            Exit::Failed,
            format!("{doing}: the hub's listing can't be used: {why}"),
        ));
    };
    Ok(Model {
        id: id.clone(),
        revision: revision.to_owned(),
        commit: commit.clone(),
        files: files.clone(),
    })
}

/// Goes into addresses and names of folders.
fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn file(told: Sibling) -> Result<HubFile, String> {
    let name = told.rfilename;
    // It becomes a path here, and must not lead out of the folder.
    let is_path = name.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !name.contains(['\\', '\0']);
    if !is_path {
        return Err(format!("{name:?} is no name of a file"));
    }
    let of_large = told.lfs.as_ref();
    let sha256 = of_large.and_then(|lfs| lfs.sha256.as_deref());
    let checksum = match (sha256, &told.blob_id) {
        (Some(sha256), _) => Checksum::of_hex(Algorithm::Sha256, sha256),
        (None, Some(blob)) if of_large.is_none() => Checksum::of_hex(Algorithm::Sha1, blob),
        _ => None,
    };
    let bytes = of_large.and_then(|lfs| lfs.size).or(told.size);
    match (checksum, bytes) {
        (Some(checksum), Some(bytes)) => Ok(HubFile {
            name,
            bytes,
            checksum,
        }),
        _ => Err(format!("it does not say size and checksum of {name}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(sibling: serde_json::Value) -> Result<HubFile, String> {
        file(serde_json::from_value(sibling).unwrap())
    }

    #[test]
    fn a_large_file_has_the_checksum_of_its_content_and_a_small_one_that_of_git() {
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let large = json!({
            "rfilename": "model.safetensors", "size": 3,
            "blobId": "0123456789012345678901234567890123456789",
            "lfs": {"sha256": sha256, "size": 3, "pointerSize": 134}
        });
        let large = read(large).unwrap();
        let mut hasher = large.hasher();
        hasher.update(b"abc");
        assert_eq!(hasher.finish(), large.checksum);

        // `printf abc | git hash-object --stdin`
        let small = json!({
            "rfilename": "a/config.json", "size": 3,
            "blobId": "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"
        });
        let small = read(small).unwrap();
        let mut hasher = small.hasher();
        hasher.update(b"abc");
        assert_eq!(hasher.finish(), small.checksum);
    }

    #[test]
    fn what_cannot_be_checked_or_leads_out_of_the_folder_is_refused() {
        let blob = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f";
        for (sibling, part) in [
            (
                json!({"rfilename": "../x", "size": 1, "blobId": blob}),
                "no name",
            ),
            (
                json!({"rfilename": "/etc/x", "size": 1, "blobId": blob}),
                "no name",
            ),
            (
                json!({"rfilename": "a//b", "size": 1, "blobId": blob}),
                "no name",
            ),
            (
                json!({"rfilename": "x", "blobId": blob}),
                "size and checksum of x",
            ),
            (
                json!({"rfilename": "x", "size": 1, "blobId": "12"}),
                "checksum of x",
            ),
            (
                json!({"rfilename": "x", "size": 1, "blobId": blob, "lfs": {"size": 1}}),
                "checksum of x",
            ),
        ] {
            let error = read(sibling).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
