//! The bodies of requests to the endpoint.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;

use crate::domain::Photo;

/// One question, in the form that every endpoint of this kind understands: the
/// wrapped question and the image, and nothing else.
#[derive(Serialize)]
struct PerQuestion<'a> {
    prompt: &'a str,
    image: &'a str,
}

/// All questions, in the form of this project's own model server.
#[derive(Serialize)]
struct Batched<'a> {
    prompts: &'a [String],
    parameters: Parameters,
    image: &'a str,
}

#[derive(Serialize)]
struct Parameters {
    details: bool,
}

/// A photo as it goes into a body.
pub fn encode_photo(photo: &Photo) -> String {
    STANDARD.encode(&photo.bytes)
}

/// The body that asks one question.
pub fn per_question(question: &str, image: &str) -> Bytes {
    let prompt = attributes::wrap_question(question);
    json(&PerQuestion {
        prompt: &prompt,
        image,
    })
}

/// The body that asks all questions.
pub fn batched(questions: &[String], image: &str) -> Bytes {
    json(&Batched {
        prompts: questions,
        parameters: Parameters { details: true },
        image,
    })
}

/// The most bytes of a photo whose body, of either form, has at most
/// `max_payload_bytes`.
pub fn max_photo_bytes(questions: &[String], max_payload_bytes: usize) -> usize {
    let overhead = questions
        .iter()
        .map(|question| per_question(question, "").len())
        .fold(batched(questions, "").len(), usize::max);
    max_payload_bytes.saturating_sub(overhead) / 4 * 3
}

// Strings and numbers alone, which always have a JSON form.
fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).unwrap_or_default().into()
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
            batched(&questions()[1..], "AAAA"),
            r#"{"prompts":["Is it \"blue\"?"],"parameters":{"details":true},"image":"AAAA"}"#
        );
    }

    #[test]
    fn a_photo_of_the_greatest_size_just_fits() {
        for limit in 400..420 {
            let photo = |bytes: usize| {
                encode_photo(&Photo {
                    bytes: vec![0; bytes].into(),
                    width: 1,
                    height: 1,
                })
            };
            let most = max_photo_bytes(&questions(), limit);
            assert!(batched(&questions(), &photo(most)).len() <= limit);
            assert!(batched(&questions(), &photo(most + 3)).len() > limit);
            assert!(per_question(&questions()[0], &photo(most)).len() <= limit);
        }
        assert_eq!(max_photo_bytes(&questions(), 10), 0);
    }
}
