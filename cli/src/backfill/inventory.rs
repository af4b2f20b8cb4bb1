//! An inventory of S3 in the place of a listing: `manifest.json` names the objects that have the
//! list, each a file of CSV in gzip.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html>

mod rows;

use std::fmt;
use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStreamError;
use aws_smithy_types::DateTime;
use describe_product::domain::{ObjectAddress, ObjectAddressError, is_bucket_name};
use serde::Deserialize;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use self::rows::{Columns, Wanted};
use super::products::{Product, Products, Source};
use crate::aws_error;
use crate::checksum::{Algorithm, Checksum, Scheme};
use crate::clock::to_the_second;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::photographs::S3_SCHEME;

/// More than a manifest of hundreds of thousands of files has, in bytes: what is larger is
/// something else.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// The one form of inventories that is read.
const FORMAT: &str = "CSV";

/// Where the manifest is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestPlace {
    /// On this machine, with the files of the inventory.
    File(PathBuf),
    /// In S3, where S3 has written it.
    Object(ObjectAddress),
}

impl FromStr for ManifestPlace {
    type Err = ObjectAddressError;

    fn from_str(text: &str) -> Result<ManifestPlace, ObjectAddressError> {
        if text.starts_with(S3_SCHEME) {
            return text.parse().map(ManifestPlace::Object);
        }
        Ok(ManifestPlace::File(PathBuf::from(text)))
    }
}

impl fmt::Display for ManifestPlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ManifestPlace::File(path) => write!(out, "{}", path.display()),
            ManifestPlace::Object(address) => write!(out, "{address}"),
        }
    }
}

/// What is read of a manifest.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    source_bucket: String,
    file_format: String,
    /// Names of columns with commas between.
    file_schema: String,
    /// Milliseconds since 1970.
    creation_timestamp: Option<String>,
    files: Vec<DataFile>,
}

/// One part of the list.
#[derive(Clone, Debug, Deserialize)]
struct DataFile {
    /// In the bucket in which the manifest lies.
    key: String,
    #[serde(rename = "MD5checksum")]
    md5: Option<String>,
}

/// An inventory whose manifest is read.
#[derive(Clone, Debug)]
pub struct Inventory {
    place: ManifestPlace,
    manifest: Manifest,
    columns: Columns,
}

impl Inventory {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When it can't be read, is no manifest, or one of an inventory in another form than CSV.
    pub async fn read(place: &ManifestPlace, context: &Context) -> Outcome<Inventory> {
        let bytes = match place {
            ManifestPlace::File(path) => manifest_file(path).await?,
            ManifestPlace::Object(address) => {
                manifest_object(&context.s3().await, address, place).await?
            }
        };
        Inventory::of(place, &bytes)
    }

    fn of(place: &ManifestPlace, manifest: &[u8]) -> Outcome<Inventory> {
        let manifest: Manifest = serde_json::from_slice(manifest)
            .map_err(|error| no_manifest(place, &error.to_string()))?;
        let format = &manifest.file_format;
        if !format.eq_ignore_ascii_case(FORMAT) {
            return Err(Failure::usage(format!(
                "{place} is of an inventory in {format}, and only those in {FORMAT} are read"
            ))
            .next(
                "have the bucket's inventory written as CSV, or leave --inventory out and name a \
                 prefix, which is listed",
            ));
        }
        if !is_bucket_name(&manifest.source_bucket) {
            return Err(no_manifest(place, "its sourceBucket is no bucket's name"));
        }
        let columns = Columns::of(&manifest.file_schema)
            .ok_or_else(|| no_manifest(place, "its fileSchema has no column Key"))?;
        Ok(Inventory {
            place: place.clone(),
            manifest,
            columns,
        })
    }

    /// The bucket whose objects it lists.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.manifest.source_bucket
    }

    /// What of it is wanted: what lies at `given`, or below `incoming_prefix` where nothing is.
    ///
    /// # Errors
    /// When it is of another bucket, or a folder is given.
    pub fn source(&self, given: Option<&Source>, incoming_prefix: &str) -> Outcome<Source> {
        let bucket = self.bucket();
        match given {
            None => Ok(Source::Bucket {
                bucket: bucket.to_owned(),
                prefix: incoming_prefix.to_owned(),
            }),
            Some(Source::Bucket { bucket: named, .. }) if named != bucket => Err(Failure::usage(
                format!("{} lists the bucket {bucket}, and not {named}", self.place),
            )
            .next(format!("name {S3_SCHEME}{bucket}/prefix, or no place"))),
            Some(Source::Folder(folder)) => Err(Failure::usage(format!(
                "{} lists the bucket {bucket}, and {} is a folder",
                self.place,
                folder.display()
            ))
            .next(format!("name {S3_SCHEME}{bucket}/prefix, or no place"))),
            Some(source) => Ok(source.clone()),
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let time = self.manifest.creation_timestamp.as_ref();
        let time = time.and_then(|text| text.parse::<i64>().ok());
        let age = match time.map(DateTime::from_millis) {
            Some(time) => format!(" as it was at {} UTC", to_the_second(&time)),
            None => String::new(),
        };
        format!(
            "inventory of {}{age}, in {} files: what came since is not in it",
            self.bucket(),
            self.manifest.files.len()
        )
    }

    /// The photographs under a prefix. A product is named by what stands below `named_below`,
    /// with which the prefix begins. None of them has an entity tag: an object may have been
    /// replaced since the inventory was made.
    ///
    /// # Errors
    /// When a file of the inventory is missing, can't be read or is not what the manifest says.
    pub async fn products(
        &self,
        client: &Client,
        prefix: &str,
        named_below: &str,
    ) -> Outcome<Products> {
        let wanted = Wanted {
            columns: self.columns,
            prefix: prefix.to_owned(),
            named_below: named_below.to_owned(),
        };
        let mut found = Vec::new();
        for file in &self.manifest.files {
            let (name, opened) = self.open(client, &file.key).await?;
            let (wanted, md5) = (wanted.clone(), file.md5.clone());
            let reading =
                tokio::task::spawn_blocking(move || listed(&opened, md5.as_deref(), &wanted));
            let read = reading.await.map_err(io::Error::other).flatten();
            found.extend(read.map_err(|error| broken(&name, &error))?);
        }
        Ok(Products::of(found, Vec::new()))
    }

    /// A file of the inventory, as it is called and to be read.
    async fn open(&self, client: &Client, key: &str) -> Outcome<(String, File)> {
        match &self.place {
            ManifestPlace::Object(manifest) => {
                let address = ObjectAddress {
                    bucket: manifest.bucket.clone(),
                    key: key.to_owned(),
                };
                let file = fetched(client, &address).await?;
                Ok((address.to_string(), file))
            }
            ManifestPlace::File(manifest) => {
                let copies = copies(manifest, key);
                let opened = copies
                    .iter()
                    .find_map(|copy| Some((copy.display().to_string(), File::open(copy).ok()?)));
                opened.ok_or_else(|| {
                    let looked: Vec<String> = copies
                        .iter()
                        .map(|copy| copy.display().to_string())
                        .collect();
                    Failure::new(
                        Exit::NotFound,
                        format!(
                            "{manifest}: its file {key} can't be opened as any of {}",
                            looked.join(", "),
                            manifest = manifest.display()
                        ),
                    )
                    .next("copy it beside the manifest, or name the manifest in S3")
                })
            }
        }
    }
}

fn no_manifest(place: &ManifestPlace, why: &str) -> Failure {
    Failure::usage(format!("{place} is no manifest of an S3 inventory: {why}")).next(
        "name the manifest.json that S3 writes with each inventory, in S3 or a copy with its files",
    )
}

fn broken(file: &str, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("{file}, of the inventory, can't be read: {error}"),
    )
    .next("fetch it anew, or take another day's inventory")
}

async fn manifest_file(path: &Path) -> Outcome<Vec<u8>> {
    let cannot = |error: &io::Error| {
        let exit = match error.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            _ => Exit::Failed,
        };
        Failure::new(exit, format!("cannot read {}: {error}", path.display()))
    };
    let state = tokio::fs::metadata(path)
        .await
        .map_err(|error| cannot(&error))?;
    if state.len() > MAX_MANIFEST_BYTES {
        return Err(no_manifest(
            &ManifestPlace::File(path.to_owned()),
            "it is too large for one",
        ));
    }
    tokio::fs::read(path).await.map_err(|error| cannot(&error))
}

async fn manifest_object(
    client: &Client,
    address: &ObjectAddress,
    place: &ManifestPlace,
) -> Outcome<Vec<u8>> {
    let object = get(client, address).await?;
    let size = object.content_length().unwrap_or_default();
    if u64::try_from(size).unwrap_or_default() > MAX_MANIFEST_BYTES {
        return Err(no_manifest(place, "it is too large for one"));
    }
    let body = object.body.collect().await;
    let body = body.map_err(|error| broke_off(address, &error.to_string()))?;
    Ok(body.to_vec())
}

async fn get(client: &Client, address: &ObjectAddress) -> Outcome<GetObjectOutput> {
    let sent = client
        .get_object()
        .bucket(&address.bucket)
        .key(&address.key)
        .send()
        .await;
    sent.map_err(|error| aws_error::failure(&format!("GetObject {address}"), &error))
}

fn broke_off(address: &ObjectAddress, why: &str) -> Failure {
    Failure::new(Exit::Unavailable, format!("{address} broke off: {why}"))
        .next("run the same command again")
}

/// An object in a file without a name, which goes with the process.
async fn fetched(client: &Client, address: &ObjectAddress) -> Outcome<File> {
    let mut object = get(client, address).await?;
    let no_room = |error: io::Error| {
        Failure::new(
            Exit::Failed,
            format!("no room for {address} in the temporary folder: {error}"),
        )
        .next("TMPDIR names another folder")
    };
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(no_room)?);
    let broken = |error: ByteStreamError| broke_off(address, &error.to_string());
    while let Some(piece) = object.body.try_next().await.map_err(broken)? {
        file.write_all(&piece).await.map_err(no_room)?;
    }
    file.flush().await.map_err(no_room)?;
    file.rewind().await.map_err(no_room)?;
    Ok(file.into_std().await)
}

/// Where a copy of a file of the inventory may lie: beside the manifest, or as in S3, where
/// `data/` is beside the folder of the manifest.
fn copies(manifest: &Path, key: &str) -> [PathBuf; 3] {
    let name = key.rsplit('/').next().unwrap_or(key);
    let folder = manifest.parent().unwrap_or(Path::new(""));
    [
        folder.join(name),
        folder.join("data").join(name),
        folder.join("../data").join(name),
    ]
}

/// The photographs in a file, which is the one that the manifest means.
fn listed(mut file: &File, md5: Option<&str>, wanted: &Wanted) -> io::Result<Vec<Product>> {
    if let Some(expected) = md5 {
        let found = Checksum::of_reader(file, Scheme::whole(Algorithm::Md5))?.hex();
        if !found.eq_ignore_ascii_case(expected) {
            return Err(io::Error::other(format!(
                "its MD5 is {found}, and {expected} by the manifest"
            )));
        }
        file.rewind()?;
    }
    wanted.photographs(file)
}

#[cfg(test)]
mod tests;
