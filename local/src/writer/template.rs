//! Text without a model, for load tests.

use super::{Stop, Writing, WritingRequest, cut_at_stop, listing};

/// Composes a text that mentions every attribute of the request, each by the same words every
/// time, or a listing around it where that is asked for. For load tests, where the time of a
/// language model would hide what is measured.
///
/// Its tokens are words: a word of the text counts as one.
#[derive(Clone, Copy, Debug, Default)]
pub struct TemplateWriter;

impl TemplateWriter {
    /// Answers at once.
    pub fn write(self, request: &WritingRequest) -> Writing {
        let words_of = |text: &str| text.split_whitespace().count();
        let input_tokens = words_of(&request.system)
            + request
                .turns
                .iter()
                .map(|turn| words_of(&turn.text))
                .sum::<usize>();
        let mut composed = compose(request);
        if listing::is_asked_for(request) {
            composed = listing::around(&composed, request);
        }
        let kept: Vec<&str> = composed
            .split_whitespace()
            .take(request.max_tokens)
            .collect();
        let mut stop = if kept.len() < words_of(&composed) {
            Stop::MaxTokens
        } else {
            Stop::EndOfTurn
        };
        let mut text = kept.join(" ");
        if let Some((before, sequence)) = cut_at_stop(&text, &request.stop_sequences) {
            stop = Stop::Sequence(sequence.to_owned());
            text = before.to_owned();
        }
        Writing {
            output_tokens: words_of(&text),
            text,
            stop,
            input_tokens,
        }
    }
}

fn compose(request: &WritingRequest) -> String {
    let attributes = request.attributes();
    if attributes.is_empty() {
        return "This text comes from a template, and the request names no product attributes."
            .to_owned();
    }
    let sentences: Vec<String> = attributes
        .iter()
        .map(|attribute| {
            format!(
                "Its {} is {}.",
                attribute.name.to_lowercase(),
                attribute.value
            )
        })
        .collect();
    format!("This text comes from a template. {}", sentences.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::{Speaker, Turn};

    fn request(attributes: &str) -> WritingRequest {
        let text = format!("<product_attributes>{attributes}</product_attributes>");
        WritingRequest {
            system: "Write a text.".to_owned(),
            turns: vec![Turn {
                speaker: Speaker::User,
                text,
            }],
            max_tokens: 400,
            temperature: 0.1,
            top_p: None,
            top_k: None,
            stop_sequences: Vec::new(),
        }
    }

    #[test]
    fn every_attribute_is_mentioned() {
        let request = request("Fabric: Cotton, Sleeve Length: Long Sleeves, Colour: Navy Blue");
        let writing = TemplateWriter.write(&request);
        for attribute in request.attributes() {
            assert!(
                attribute.is_mentioned_in(&writing.text),
                "{attribute:?}: {}",
                writing.text
            );
        }
        assert_eq!(writing.stop, Stop::EndOfTurn);
    }

    #[test]
    fn a_listing_is_written_around_the_same_text() {
        let mut asked = request("Fabric: Cotton, Sleeve Length: Long Sleeves");
        let description = TemplateWriter.write(&asked).text;
        asked.system.push_str(" It has \"meta_description\".");
        let writing = TemplateWriter.write(&asked);
        let listing: serde_json::Value = serde_json::from_str(&writing.text).unwrap();
        assert_eq!(listing["description"], description);
        assert_eq!(writing.stop, Stop::EndOfTurn);
    }

    #[test]
    fn a_text_that_is_to_be_mended_is_about_the_same_product() {
        let mut mending = request("Fabric: Cotton");
        let first = TemplateWriter.write(&mending);
        for (speaker, text) in [
            (Speaker::Assistant, first.text.as_str()),
            (Speaker::User, "Write the text anew."),
        ] {
            mending.turns.push(Turn {
                speaker,
                text: text.to_owned(),
            });
        }
        assert_eq!(TemplateWriter.write(&mending).text, first.text);
    }

    #[test]
    fn max_tokens_and_stop_sequences_end_the_text() {
        let mut short = request("Fabric: Cotton");
        short.max_tokens = 3;
        let writing = TemplateWriter.write(&short);
        assert_eq!(
            (writing.text.as_str(), &writing.stop),
            ("This text comes", &Stop::MaxTokens)
        );
        assert_eq!(writing.output_tokens, 3);

        let mut stopped = request("Fabric: Cotton");
        stopped.stop_sequences = vec!["template".to_owned()];
        let writing = TemplateWriter.write(&stopped);
        assert_eq!(writing.text, "This text comes from a");
        assert_eq!(writing.stop, Stop::Sequence("template".to_owned()));
    }
}
