//! A checkpoint in S3, as SageMaker fetches it into `/opt/ml/model`.

use std::fmt;
use std::str::FromStr;

use aws_sdk_sagemaker::types::{
    ModelCompressionType, ModelDataSource, S3ModelDataSource, S3ModelDataType,
};
use describe_product::domain::ObjectAddress;

/// The files under a prefix, or one archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelData {
    uri: String,
    is_archive: bool,
}

impl ModelData {
    /// Its address.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// How SageMaker is to fetch it.
    #[must_use]
    pub fn source(&self) -> ModelDataSource {
        let (kind, compression) = match self.is_archive {
            true => (S3ModelDataType::S3Object, ModelCompressionType::Gzip),
            false => (S3ModelDataType::S3Prefix, ModelCompressionType::None),
        };
        let source = S3ModelDataSource::builder()
            .s3_uri(&self.uri)
            .s3_data_type(kind)
            .compression_type(compression)
            .build();
        ModelDataSource::builder().s3_data_source(source).build()
    }
}

impl FromStr for ModelData {
    type Err = String;

    fn from_str(text: &str) -> Result<ModelData, String> {
        let address: ObjectAddress = text.parse().map_err(|_| {
            format!(
                "{text:?} is no address in S3: write s3://bucket/prefix/ or s3://bucket/….tar.gz"
            )
        })?;
        let is_archive = address.key.ends_with(".tar.gz");
        if !is_archive && !address.key.ends_with('/') {
            return Err(format!(
                "{text:?} is neither a folder, which ends with \"/\" (the checkpoint's files), \
                 nor an archive, which ends with \".tar.gz\""
            ));
        }
        Ok(ModelData {
            uri: text.to_owned(),
            is_archive,
        })
    }
}

impl fmt::Display for ModelData {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_an_archive_are_fetched_in_their_ways() {
        for (uri, kind, compression) in [
            (
                "s3://bucket/models/a/",
                S3ModelDataType::S3Prefix,
                ModelCompressionType::None,
            ),
            (
                "s3://bucket/job/output/model.tar.gz",
                S3ModelDataType::S3Object,
                ModelCompressionType::Gzip,
            ),
        ] {
            let source = uri.parse::<ModelData>().unwrap().source();
            let source = source.s3_data_source().unwrap();
            assert_eq!(source.s3_uri(), Some(uri));
            assert_eq!(source.s3_data_type(), Some(&kind));
            assert_eq!(source.compression_type(), Some(&compression));
        }
    }

    #[test]
    fn an_address_that_sagemaker_would_misread_is_refused() {
        for text in [
            "models/a/",
            "s3://bucket",
            "s3://bucket/",
            "s3://bucket/models/a",
            "s3://bucket/model.safetensors",
            "https://bucket.s3.amazonaws.com/a/",
        ] {
            let reason = text.parse::<ModelData>().unwrap_err();
            assert!(reason.contains(text), "{reason}");
        }
    }
}
