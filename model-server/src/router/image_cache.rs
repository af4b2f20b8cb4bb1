//! Whether a photograph was known already, told to the client.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::custom_attributes::CUSTOM_ATTRIBUTES;
use crate::core::ImageCacheUse;

/// `hit`, `miss` or `off`.
pub(super) const IMAGE_CACHE: HeaderName = HeaderName::from_static("x-image-cache");

/// Puts it on a response, in a header of its own and, since SageMaker passes no
/// other on, in the custom attributes: `image_cache=hit`.
pub(super) fn set_image_cache(headers: &mut HeaderMap, cache: ImageCacheUse) {
    let (own, attribute) = match cache {
        ImageCacheUse::Hit => ("hit", "image_cache=hit"),
        ImageCacheUse::Miss => ("miss", "image_cache=miss"),
        ImageCacheUse::Off => ("off", "image_cache=off"),
    };
    headers.insert(IMAGE_CACHE, HeaderValue::from_static(own));
    headers.insert(CUSTOM_ATTRIBUTES, HeaderValue::from_static(attribute));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_in_both_headers() {
        for (cache, text) in [
            (ImageCacheUse::Hit, "hit"),
            (ImageCacheUse::Miss, "miss"),
            (ImageCacheUse::Off, "off"),
        ] {
            let mut headers = HeaderMap::new();
            set_image_cache(&mut headers, cache);
            assert_eq!(headers[IMAGE_CACHE], text);
            assert_eq!(headers[CUSTOM_ATTRIBUTES], format!("image_cache={text}"));
        }
    }
}
