//! The bodies of requests to the endpoint.

use base64::Engine;
use base64::engine::Simd;
use base64::engine::general_purpose::PAD;
use bytes::Bytes;
use serde::Serialize;

use crate::domain::Photo;

/// One question, in the form that every endpoint of this kind understands: the
/// wrapped question, the image, and nothing else.
#[derive(Serialize)]
struct PerQuestion<'a> {
    prompt: &'a str,
}

/// All questions, in the form of this project's own model server, before the image.
#[derive(Serialize)]
struct Batched<'a> {
    prompts: &'a [String],
    parameters: Parameters,
}

#[derive(Serialize)]
struct Parameters {
    details: bool,
}

/// A photo in base64.
pub fn encode_photo(photo: &Photo) -> String {
    Simd::standard(PAD).encode(&photo.bytes)
}

/// The body that asks one question about an image in base64.
pub fn per_question(question: &str, image: &str) -> Bytes {
    let prompt = attributes::wrap_question(question);
    with_image(&PerQuestion { prompt: &prompt }, image.len(), |body| {
        body.push_str(image);
    })
}

/// The body that asks all questions about a photo's file, which it encodes.
pub fn batched(questions: &[String], photo: &[u8]) -> Bytes {
    let members = Batched {
        prompts: questions,
        parameters: Parameters { details: true },
    };
    with_image(&members, photo.len().div_ceil(3) * 4, |body| {
        Simd::standard(PAD).encode_string(photo, body);
    })
}

/// An object of these members, of which there is one at least, and the image, which
/// `append` adds in base64. Its letters need no escape, and there are too many of them to
/// look for one that does or to move them once more.
fn with_image(
    members: &impl Serialize,
    image_bytes: usize,
    append: impl FnOnce(&mut String),
) -> Bytes {
    const BEGIN: &str = ",\"image\":\"";
    const END: &str = "\"}";
    // Texts and flags alone, which always have a JSON form.
    let mut body = serde_json::to_string(members).unwrap_or_default();
    // The end of the object.
    body.pop();
    body.reserve_exact(BEGIN.len() + image_bytes + END.len());
    body.push_str(BEGIN);
    append(&mut body);
    body.push_str(END);
    body.into()
}

/// The most bytes of a photo whose body, of either form, has at most
/// `max_payload_bytes`.
pub fn max_photo_bytes(questions: &[String], max_payload_bytes: usize) -> usize {
    let overhead = questions
        .iter()
        .map(|question| per_question(question, "").len())
        .fold(batched(questions, &[]).len(), usize::max);
    max_payload_bytes.saturating_sub(overhead) / 4 * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn questions() -> Vec<String> {
        vec![
            "What is the fabric of the shirt in this picture?".into(),
            "Is it \"blue\"?".into(),
        ]
    }

    #[test]
    fn a_question_alone_is_wrapped_and_has_two_members() {
        assert_eq!(
            per_question(&questions()[0], "AAAA"),
            r#"{"prompt":"Question: What is the fabric of the shirt in this picture? Answer: ","image":"AAAA"}"#
        );
    }

    #[test]
    fn a_batch_has_the_bare_questions_and_asks_for_details() {
        assert_eq!(
            batched(&questions()[1..], &[0, 0, 0]),
            r#"{"prompts":["Is it \"blue\"?"],"parameters":{"details":true},"image":"AAAA"}"#
        );
    }

    #[test]
    fn a_photo_of_the_greatest_size_just_fits() {
        for limit in 400..420 {
            let photo = |bytes: usize| Photo {
                bytes: vec![0; bytes].into(),
                width: 1,
                height: 1,
            };
            let most = max_photo_bytes(&questions(), limit);
            assert!(batched(&questions(), &photo(most).bytes).len() <= limit);
            assert!(batched(&questions(), &photo(most + 3).bytes).len() > limit);
            let image = encode_photo(&photo(most));
            assert!(per_question(&questions()[0], &image).len() <= limit);
        }
        assert_eq!(max_photo_bytes(&questions(), 10), 0);
    }
}
