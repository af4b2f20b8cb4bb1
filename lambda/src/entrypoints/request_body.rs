//! The JSON of a request: the body of the HTTP API, and a direct invocation's
//! event.

use std::collections::HashMap;

use bytes::Bytes;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{base64_text, json_error};
use crate::domain::{DescribeRequest, Format, FormatError, PhotoSource};
use crate::problem::{Problem, ProblemKind};

/// The longest name of a product, in bytes. It also names an object of S3.
const LONGEST_PRODUCT_ID: usize = 512;

/// `{"product_id"?, "image": {"base64"} | {"s3_uri"}, "category"?, "attributes"?, "format"?}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestBody {
    product_id: Option<String>,
    #[serde(deserialize_with = "image")]
    image: Image,
    category: Option<String>,
    attributes: Option<Vec<String>>,
    format: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    base64: Option<String>,
    s3_uri: Option<String>,
}

/// Serde's own error would quote a photo that stands here by mistake.
fn image<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Image, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if !value.is_object() {
        return Err(Error::custom("image is no object"));
    }
    Image::deserialize(value).map_err(|error| Error::custom(json_error::words(&error)))
}

impl TryFrom<RequestBody> for DescribeRequest {
    type Error = Problem;

    fn try_from(body: RequestBody) -> Result<DescribeRequest, Problem> {
        let photo = match (body.image.base64, body.image.s3_uri) {
            (Some(text), None) => {
                let bytes = base64_text::decode(&text)
                    .map_err(|error| invalid(format!("image.base64 is no base64: {error}")))?;
                PhotoSource::Bytes(bytes)
            }
            (None, Some(uri)) => {
                let address = uri
                    .parse()
                    .map_err(|error| invalid(format!("image.s3_uri: {error}")))?;
                PhotoSource::Object(address)
            }
            _ => return Err(invalid("image must have either base64 or s3_uri")),
        };
        checked(DescribeRequest {
            product_id: body.product_id,
            photo,
            category: body.category,
            attributes: body.attributes,
            format: body.format.as_deref().map(format).transpose()?,
        })
    }
}

/// A request whose photo is the body; the rest comes as `product_id`,
/// `category`, `attributes` (comma-separated) and `format` from the query.
pub fn from_photo(
    photo: Bytes,
    query: &HashMap<String, String>,
) -> Result<DescribeRequest, Problem> {
    checked(DescribeRequest {
        product_id: query.get("product_id").cloned(),
        photo: PhotoSource::Bytes(photo),
        category: query.get("category").cloned(),
        attributes: query.get("attributes").map(|names| {
            names
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect()
        }),
        format: query.get("format").map(|text| format(text)).transpose()?,
    })
}

fn format(text: &str) -> Result<Format, Problem> {
    text.parse::<Format>()
        .map_err(|error: FormatError| invalid(format!("format: {error}")))
}

/// The name of the product in the JSON of a request, where it can be one, also of a request
/// that is wrong otherwise.
pub fn product_id_of(body: &Value) -> Option<&str> {
    body.get("product_id")
        .and_then(Value::as_str)
        .filter(|id| is_product_id(id))
}

fn is_product_id(id: &str) -> bool {
    (1..=LONGEST_PRODUCT_ID).contains(&id.len())
        && !id.contains(char::is_control)
        && is_below_a_prefix(id)
}

/// Whether a key that a prefix and this make stays below the prefix: clients of S3 and S3
/// itself take some keys for paths.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>
pub fn is_below_a_prefix(name: &str) -> bool {
    !name.starts_with('/') && name.split('/').all(|part| !matches!(part, "." | ".."))
}

fn checked(request: DescribeRequest) -> Result<DescribeRequest, Problem> {
    if !request.product_id.as_deref().is_none_or(is_product_id) {
        return Err(invalid(format!(
            "product_id must have 1 to {LONGEST_PRODUCT_ID} bytes and no control characters, and \
             can't begin with a slash or have a part \".\" or \"..\" between slashes, because it \
             also names objects of S3; leave it out if there is none"
        )));
    }
    if request.attributes.as_ref().is_some_and(Vec::is_empty) {
        return Err(invalid(
            "attributes must name at least one; leave it out to ask about all",
        ));
    }
    Ok(request)
}

/// The problem of a body that is no request.
pub fn unreadable(error: &serde_json::Error) -> Problem {
    let words = json_error::words(error);
    invalid(format!(
        "the request can't be read: {words}; it is {{\"product_id\"?, \"image\": {{\"base64\": …}} \
         or {{\"s3_uri\": …}}, \"category\"?, \"attributes\"?, \"format\"?}}"
    ))
}

/// A problem of kind [`ProblemKind::InvalidRequest`].
pub fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::InvalidRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: Value) -> Result<DescribeRequest, Problem> {
        serde_json::from_value::<RequestBody>(body)
            .map_err(|error| unreadable(&error))?
            .try_into()
    }

    #[test]
    fn a_whole_request_is_read() {
        let request = read(json!({
            "product_id": "38642",
            "image": {"base64": "cGhvdG8="},
            "category": "kurta",
            "attributes": ["Fabric", "Fit"],
            "format": "listing"
        }))
        .unwrap();
        assert_eq!(request.product_id.as_deref(), Some("38642"));
        assert_eq!(
            request.photo,
            PhotoSource::Bytes(Bytes::from_static(b"photo"))
        );
        assert_eq!(request.category.as_deref(), Some("kurta"));
        assert_eq!(request.attributes.unwrap(), ["Fabric", "Fit"]);
        assert_eq!(request.format, Some(Format::Listing));
    }

    #[test]
    fn the_photo_may_be_in_s3_and_the_rest_absent() {
        let request = read(json!({"image": {"s3_uri": "s3://bucket/a b.jpg"}})).unwrap();
        let address = "s3://bucket/a b.jpg".parse().unwrap();
        assert_eq!(request.photo, PhotoSource::Object(address));
        assert_eq!(
            (request.product_id, request.category, request.attributes),
            (None, None, None)
        );
        assert_eq!(request.format, None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let image = json!({"base64": "cGhvdG8="});
        for (body, word) in [
            (json!({}), "image"),
            (json!([]), "can't be read"),
            (json!({"image": "cGhvdG8="}), "can't be read"),
            (json!({"image": {}}), "either base64 or s3_uri"),
            (
                json!({"image": {"base64": "a", "s3_uri": "b"}}),
                "either base64 or s3_uri",
            ),
            (json!({"image": {"base64": "!"}}), "no base64"),
            (
                json!({"image": {"s3_uri": "https://x/y"}}),
                "s3://bucket/key",
            ),
            (json!({"image": {"url": "x"}}), "url"),
            (json!({"image": image, "catgory": "shirt"}), "catgory"),
            (json!({"image": image, "product_id": 38642}), "string"),
            (json!({"image": image, "product_id": ""}), "product_id"),
            (json!({"image": image, "product_id": "a\nb"}), "product_id"),
            (json!({"image": image, "product_id": "../x"}), "product_id"),
            (json!({"image": image, "attributes": "Fabric"}), "sequence"),
            (json!({"image": image, "attributes": []}), "at least one"),
            (
                json!({"image": image, "format": "html"}),
                "\"html\" is no format",
            ),
            (json!({"image": image, "format": ["listing"]}), "string"),
        ] {
            let problem = read(body.clone()).unwrap_err();
            assert_eq!(problem.kind, ProblemKind::InvalidRequest);
            assert!(problem.detail.contains(word), "{body}: {}", problem.detail);
        }
    }

    #[test]
    fn a_misplaced_photo_is_not_echoed() {
        let photo = "A".repeat(100_000);
        let image = json!({"base64": "cGhvdG8="});
        for (body, most) in [
            (json!({"image": photo}), 0),
            (json!({"image": [photo]}), 0),
            (json!({"image": {"base64": [photo]}}), 0),
            (json!({"image": {"base64": format!("{photo}!")}}), 0),
            (json!({"image": {(photo.clone()): 1}}), 40),
            (json!({"image": {"s3_uri": photo}}), 40),
            (json!({"image": image, "attributes": photo}), 40),
            (json!({"image": image, (photo.clone()): 1}), 40),
            (json!({"image": image, "product_id": photo}), 0),
            (json!({"image": image, "format": photo}), 40),
            (json!(photo), 40),
        ] {
            let detail = read(body).unwrap_err().detail;
            let beyond = "A".repeat(most + 2);
            assert!(!detail.contains(&beyond), "{detail}");
        }
    }

    #[test]
    fn only_what_can_be_a_name_is_one() {
        assert_eq!(product_id_of(&json!({"product_id": "7"})), Some("7"));
        let long = "A".repeat(LONGEST_PRODUCT_ID + 1);
        for good in ["a/b", "..a", "a..", "...", "a.b/.c", "a//b"] {
            assert_eq!(product_id_of(&json!({"product_id": good})), Some(good));
        }
        let paths = ["../x", "..", ".", "/x", "x/..", "x/./y"].map(|path| json!(path));
        let others = [json!(7), json!(""), json!("a\nb"), json!(long), json!(null)];
        for other in others.into_iter().chain(paths) {
            assert_eq!(
                product_id_of(&json!({"product_id": other})),
                None,
                "{other}"
            );
        }
        assert_eq!(product_id_of(&json!("7")), None);
    }

    #[test]
    fn a_photo_alone_takes_the_rest_from_the_query() {
        let query: HashMap<String, String> = [
            ("product_id", "7"),
            ("attributes", "Fabric, Sleeve Length"),
            ("format", "listing"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let request = from_photo(Bytes::from_static(b"p"), &query).unwrap();
        assert_eq!(request.format, Some(Format::Listing));
        assert_eq!(request.product_id.as_deref(), Some("7"));
        assert_eq!(request.category, None);
        assert_eq!(request.attributes.unwrap(), ["Fabric", "Sleeve Length"]);
    }
}
