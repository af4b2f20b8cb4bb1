//! The parts of an answer as `ConverseStream` gives them.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>

use aws_sdk_bedrockruntime::operation::converse::builders::ConverseInputBuilder;
use aws_sdk_bedrockruntime::operation::converse_stream::builders::ConverseStreamInputBuilder;
use aws_sdk_bedrockruntime::types::{ContentBlockDelta, ConverseStreamOutput, StopReason};

use super::converse::usage;
use super::growing::Growing;

/// The request of `Converse`, for the answer in parts.
pub fn request(request: &ConverseInputBuilder) -> ConverseStreamInputBuilder {
    ConverseStreamInputBuilder::default()
        .set_model_id(request.get_model_id().clone())
        .set_system(request.get_system().clone())
        .set_messages(request.get_messages().clone())
        .set_inference_config(request.get_inference_config().clone())
}

/// Adds a part to the answer and gives the text that it adds, which may be empty. The
/// thinking of a model is no text.
pub fn add(answer: &mut Growing, part: ConverseStreamOutput) -> String {
    match part {
        ConverseStreamOutput::ContentBlockDelta(block) => {
            if let Some(ContentBlockDelta::Text(text)) = block.delta {
                answer.text.push_str(&text);
                return text;
            }
        }
        ConverseStreamOutput::MessageStop(stop) => {
            answer.intervened = stop.stop_reason == StopReason::GuardrailIntervened;
            answer.stop_reason = Some(stop.stop_reason.as_str().to_owned());
        }
        ConverseStreamOutput::Metadata(metadata) => {
            if let Some(tokens) = &metadata.usage {
                answer.usage = usage(tokens);
            }
        }
        _ => {}
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use aws_sdk_bedrockruntime::types::{
        ContentBlockDeltaEvent, ConverseStreamMetadataEvent, MessageStopEvent,
        ReasoningContentBlockDelta, TokenUsage,
    };

    use super::*;
    use crate::adapters::bedrock::ModelErrorKind;
    use crate::adapters::bedrock::answer::Unwritten;
    use crate::adapters::bedrock::converse;
    use crate::domain::{Format, Prompt, Usage};

    fn delta(delta: ContentBlockDelta) -> ConverseStreamOutput {
        let event = ContentBlockDeltaEvent::builder()
            .delta(delta)
            .content_block_index(0)
            .build()
            .unwrap();
        ConverseStreamOutput::ContentBlockDelta(event)
    }

    fn text(text: &str) -> ConverseStreamOutput {
        delta(ContentBlockDelta::Text(text.to_owned()))
    }

    fn stop(reason: StopReason) -> ConverseStreamOutput {
        let event = MessageStopEvent::builder().stop_reason(reason).build();
        ConverseStreamOutput::MessageStop(event.unwrap())
    }

    #[test]
    fn the_parts_are_the_answer() {
        let tokens = TokenUsage::builder()
            .input_tokens(180)
            .output_tokens(96)
            .total_tokens(276)
            .build()
            .unwrap();
        let metadata = ConverseStreamMetadataEvent::builder().usage(tokens).build();
        let thought = ReasoningContentBlockDelta::Text("hm".to_owned());
        let mut answer = Growing::default();
        let pieces = [
            delta(ContentBlockDelta::ReasoningContent(thought)),
            text("A shirt."),
            text(" Blue.\n"),
            stop(StopReason::MaxTokens),
            ConverseStreamOutput::Metadata(metadata),
        ]
        .map(|part| add(&mut answer, part));
        assert_eq!(pieces, ["", "A shirt.", " Blue.\n", "", ""]);
        let written = answer.finish().unwrap().unwrap();
        assert_eq!(written.text, "A shirt. Blue.");
        assert_eq!(written.usage.input_tokens, 180);
        assert_eq!(written.usage.output_tokens, 96);
        assert!(written.cut_short);
    }

    #[test]
    fn an_answer_may_be_stopped_or_break_off() {
        let mut stopped = Growing::default();
        add(&mut stopped, text("Sorry, no."));
        add(&mut stopped, stop(StopReason::GuardrailIntervened));
        let blocked = Unwritten::Blocked {
            reason: "Sorry, no.".to_owned(),
            usage: Usage::default(),
        };
        assert_eq!(stopped.finish().unwrap(), Err(blocked));

        let mut half = Growing::default();
        add(&mut half, text("A"));
        assert_eq!(half.finish().unwrap_err().kind, ModelErrorKind::Transient);
    }

    #[test]
    fn the_request_is_the_same_as_for_the_whole_answer() {
        let prompt = Prompt {
            system: "Write.".into(),
            user: "About a shirt.".into(),
            format: Format::Description,
            correction: None,
        };
        let whole = converse::request(&prompt, 400, Some(0.5)).model_id("claude");
        let parts = request(&whole).build().unwrap();
        let whole = whole.build().unwrap();
        assert_eq!(parts.model_id(), whole.model_id());
        assert_eq!(parts.system(), whole.system());
        assert_eq!(parts.messages(), whole.messages());
        assert_eq!(parts.inference_config(), whole.inference_config());
        assert_eq!(parts.messages().len(), 1);
    }
}
