//! The form of `Converse`, which is one for the models of all makers.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>

use aws_sdk_bedrockruntime::operation::converse::ConverseOutput;
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseInputBuilder;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, InferenceConfiguration, Message, StopReason,
    SystemContentBlock, TokenUsage,
};

use super::answer::{Answer, Unwritten, Written};
use crate::domain::{Correction, Prompt, Usage};

/// A request, but for the model.
pub fn request(prompt: &Prompt, max_tokens: u32, temperature: Option<f64>) -> ConverseInputBuilder {
    let mut turns = vec![(ConversationRole::User, &prompt.user)];
    if let Some(Correction { written, request }) = &prompt.correction {
        turns.push((ConversationRole::Assistant, written));
        turns.push((ConversationRole::User, request));
    }
    // A message is built wherever it has a role and a content.
    let messages = turns.into_iter().filter_map(|(role, text)| {
        let content = ContentBlock::Text(text.clone());
        Message::builder().role(role).content(content).build().ok()
    });
    let inference = InferenceConfiguration::builder()
        .max_tokens(i32::try_from(max_tokens).unwrap_or(i32::MAX))
        .set_temperature(temperature.map(|temperature| temperature as f32))
        .build();
    ConverseInputBuilder::default()
        .system(SystemContentBlock::Text(prompt.system.clone()))
        .set_messages(Some(messages.collect()))
        .inference_config(inference)
}

/// Reads an answer. Blocks other than text (a model's thinking) are passed over.
pub fn read(output: &ConverseOutput) -> Result<Written, Unwritten> {
    let message = output.output().and_then(|output| output.as_message().ok());
    let blocks = message.map(Message::content).unwrap_or_default();
    let text: String = blocks
        .iter()
        .filter_map(|block| block.as_text().ok())
        .map(String::as_str)
        .collect();
    let stop_reason = output.stop_reason();
    Answer {
        text: &text,
        stop_reason: stop_reason.as_str(),
        intervened: *stop_reason == StopReason::GuardrailIntervened,
        usage: output.usage().map(usage).unwrap_or_default(),
    }
    .read()
}

/// The tokens that an answer took; their cost is not known here.
pub fn usage(tokens: &TokenUsage) -> Usage {
    Usage {
        input_tokens: u64::try_from(tokens.input_tokens()).unwrap_or_default(),
        output_tokens: u64::try_from(tokens.output_tokens()).unwrap_or_default(),
        cost: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Format;
    use aws_sdk_bedrockruntime::types::ConverseOutput as Output;

    fn prompt() -> Prompt {
        Prompt {
            system: "Write.".into(),
            user: "About a shirt.".into(),
            format: Format::Description,
            correction: None,
        }
    }

    fn output(texts: &[&str], stop_reason: StopReason) -> ConverseOutput {
        let blocks = texts.iter().map(|text| ContentBlock::Text((*text).into()));
        let message = Message::builder()
            .role(ConversationRole::Assistant)
            .set_content(Some(blocks.collect()))
            .build()
            .unwrap();
        let usage = TokenUsage::builder()
            .input_tokens(180)
            .output_tokens(96)
            .total_tokens(276)
            .build()
            .unwrap();
        ConverseOutput::builder()
            .output(Output::Message(message))
            .stop_reason(stop_reason)
            .usage(usage)
            .build()
            .unwrap()
    }

    #[test]
    fn a_request_has_the_prompt_and_the_parameters() {
        let input = request(&prompt(), 400, Some(0.5)).build().unwrap();
        assert_eq!(input.system()[0].as_text().unwrap(), "Write.");
        assert_eq!(input.messages().len(), 1);
        assert_eq!(input.messages()[0].role(), &ConversationRole::User);
        let text = input.messages()[0].content()[0].as_text().unwrap();
        assert_eq!(text, "About a shirt.");
        let inference = input.inference_config().unwrap();
        assert_eq!(inference.max_tokens(), Some(400));
        assert_eq!(inference.temperature(), Some(0.5));
        let input = request(&prompt(), 400, None).build().unwrap();
        assert_eq!(input.inference_config().unwrap().temperature(), None);
    }

    #[test]
    fn a_correction_goes_on_with_the_conversation() {
        let mending = prompt().mending("A text.", &["Too short.".into()]);
        let input = request(&mending, 400, None).build().unwrap();
        let roles: Vec<&ConversationRole> = input.messages().iter().map(Message::role).collect();
        assert_eq!(
            roles,
            [
                &ConversationRole::User,
                &ConversationRole::Assistant,
                &ConversationRole::User
            ]
        );
        assert_eq!(
            input.messages()[1].content()[0].as_text().unwrap(),
            "A text."
        );
    }

    #[test]
    fn the_text_and_its_tokens_are_read() {
        let written = read(&output(&[" A shirt.", " Blue.\n"], StopReason::EndTurn)).unwrap();
        assert_eq!(written.text, "A shirt. Blue.");
        assert_eq!(
            (written.usage.input_tokens, written.usage.output_tokens),
            (180, 96)
        );
        assert!(!written.cut_short);
        assert!(
            read(&output(&["A"], StopReason::MaxTokens))
                .unwrap()
                .cut_short
        );
    }

    #[test]
    fn what_the_guardrail_stopped_is_no_text() {
        let blocked = output(&["Sorry, no."], StopReason::GuardrailIntervened);
        let usage = Usage {
            input_tokens: 180,
            output_tokens: 96,
            cost: None,
        };
        let reason = "Sorry, no.".into();
        assert_eq!(read(&blocked), Err(Unwritten::Blocked { reason, usage }));
        for answer in [
            output(&[" "], StopReason::EndTurn),
            output(&["No."], StopReason::ContentFiltered),
        ] {
            let unwritten = read(&answer).unwrap_err();
            assert!(
                matches!(unwritten, Unwritten::NoText { usage: Some(used), .. } if used == usage),
                "{unwritten:?}"
            );
        }
    }
}
