mod aloud;

use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use aws_sdk_bedrockruntime::operation::converse::ConverseOutput;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, ConverseOutput as Output, ConverseStreamOutput, Message,
    StopReason,
};

use super::*;
use crate::adapters::bedrock::Parts;
use crate::domain::Usage;

type Reply = Box<dyn Fn(&str, usize) -> Result<&'static str, ModelErrorKind> + Send + Sync>;

/// Models that answer by a function of the id and the number of the call.
struct FakeModels {
    reply: Reply,
    delay_ms: u64,
    asked: Mutex<Vec<String>>,
    /// Of the last call by InvokeModel.
    max_tokens: Mutex<Option<u64>>,
}

impl FakeModels {
    async fn reply(&self, model_id: &str) -> Result<&'static str, ModelError> {
        let call = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(model_id.to_owned());
            asked.len()
        };
        tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
        (self.reply)(model_id, call).map_err(|kind| ModelError {
            kind,
            message: format!("{kind:?}"),
        })
    }
}

/// The text "BLOCKED" is a guardrail's.
#[async_trait]
impl InvokeModel for FakeModels {
    async fn invoke(&self, model_id: &str, body: Bytes) -> Result<Bytes, ModelError> {
        let request: serde_json::Value = serde_json::from_slice(&body).unwrap();
        *self.max_tokens.lock().unwrap() = request["max_tokens"].as_u64();
        let text = self.reply(model_id).await?;
        let action = if text == "BLOCKED" {
            "INTERVENED"
        } else {
            "NONE"
        };
        let answer = json!({
            "content": [{"type": "text", "text": text}],
            "stop_reason": if text.ends_with('.') { "end_turn" } else { "max_tokens" },
            "usage": {"input_tokens": 3, "output_tokens": 2},
            "amazon-bedrock-guardrailAction": action,
        });
        Ok(serde_json::to_vec(&answer).unwrap().into())
    }

    async fn converse(&self, request: ConverseInputBuilder) -> Result<ConverseOutput, ModelError> {
        let request = request.build().unwrap();
        let text = self.reply(request.model_id().unwrap()).await?;
        let message = Message::builder()
            .role(ConversationRole::Assistant)
            .content(ContentBlock::Text(text.into()))
            .build()
            .unwrap();
        let stop_reason = match text {
            "BLOCKED" => StopReason::GuardrailIntervened,
            text if text.ends_with('.') => StopReason::EndTurn,
            _ => StopReason::MaxTokens,
        };
        let output = ConverseOutput::builder()
            .output(Output::Message(message))
            .stop_reason(stop_reason);
        Ok(output.build().unwrap())
    }

    async fn invoke_in_parts(
        &self,
        model_id: &str,
        body: Bytes,
    ) -> Result<Parts<Bytes>, ModelError> {
        let whole = self.invoke(model_id, body).await?;
        Ok(aloud::parts_of_invoke(&whole))
    }

    async fn converse_in_parts(
        &self,
        request: ConverseInputBuilder,
    ) -> Result<Parts<ConverseStreamOutput>, ModelError> {
        let whole = self.converse(request).await?;
        Ok(aloud::parts_of_converse(&whole))
    }
}

fn describer(
    delay_ms: u64,
    reply: impl Fn(&str, usize) -> Result<&'static str, ModelErrorKind> + Send + Sync + 'static,
) -> BedrockDescriber<FakeModels> {
    describer_with(&[], delay_ms, reply)
}

fn describer_with(
    pairs: &[(&str, &str)],
    delay_ms: u64,
    reply: impl Fn(&str, usize) -> Result<&'static str, ModelErrorKind> + Send + Sync + 'static,
) -> BedrockDescriber<FakeModels> {
    let settings = Settings::read(|name| {
        if name == "BEDROCK_MODEL_IDS" {
            return Some("old,forbidden,good".to_owned());
        }
        let pair = pairs.iter().find(|(key, _)| *key == name);
        pair.map(|(_, value)| (*value).to_owned())
    })
    .unwrap();
    let models = FakeModels {
        reply: Box::new(reply),
        delay_ms,
        asked: Mutex::default(),
        max_tokens: Mutex::default(),
    };
    BedrockDescriber::new(models, &settings)
}

async fn describe(
    describer: &BedrockDescriber<FakeModels>,
) -> Result<WrittenDescription, DescriberError> {
    write(describer, Format::Description).await
}

async fn write(
    describer: &BedrockDescriber<FakeModels>,
    format: Format,
) -> Result<WrittenDescription, DescriberError> {
    let prompt = Prompt {
        system: "s".into(),
        user: "u".into(),
        format,
        correction: None,
    };
    describer
        .describe(&prompt, Deadline::after(Duration::from_secs(10)))
        .await
}

fn asked(describer: &BedrockDescriber<FakeModels>) -> Vec<String> {
    std::mem::take(&mut describer.models.asked.lock().unwrap())
}

#[tokio::test(start_paused = true)]
async fn the_first_model_that_is_available_writes() {
    let describer = describer(0, |_, _| Ok("A shirt."));
    let written = describe(&describer).await.unwrap();
    assert_eq!(written.text, "A shirt.");
    assert_eq!(written.model, "old");
    assert_eq!(
        written.usage,
        Usage {
            input_tokens: 3,
            output_tokens: 2,
            cost: None,
        }
    );
    assert!(written.warnings.is_empty());
    assert_eq!(asked(&describer), ["old"]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_gone_is_asked_once_and_one_without_access_each_time() {
    let describer = describer(0, |id, _| match id {
        "old" => Err(ModelErrorKind::Gone),
        "forbidden" => Err(ModelErrorKind::AccessDenied),
        _ => Ok("A shirt."),
    });
    let written = describe(&describer).await.unwrap();
    assert_eq!(written.model, "good");
    assert_eq!(asked(&describer), ["old", "forbidden", "good"]);
    assert_eq!(written.warnings.len(), 1);
    assert!(
        written.warnings[0].contains("forbidden"),
        "{:?}",
        written.warnings
    );
    assert!(
        written.warnings[0].contains("bedrock:InvokeModel"),
        "{:?}",
        written.warnings
    );

    describe(&describer).await.unwrap();
    assert_eq!(asked(&describer), ["forbidden", "good"]);
}

#[tokio::test(start_paused = true)]
async fn without_any_model_the_error_names_each_with_its_reason() {
    let describer = describer(0, |id, _| match id {
        "forbidden" => Err(ModelErrorKind::AccessDenied),
        _ => Err(ModelErrorKind::Gone),
    });
    for _ in 0..2 {
        let error = describe(&describer).await.unwrap_err().to_string();
        for part in [
            "BEDROCK_MODEL_IDS",
            "old: Gone",
            "forbidden: no access",
            "good: Gone",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
    assert_eq!(asked(&describer), ["old", "forbidden", "good", "forbidden"]);
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out() {
    let describer = describer(0, |_, call| match call {
        1..=3 => Err(ModelErrorKind::Throttled),
        _ => Ok("A shirt."),
    });
    assert_eq!(describe(&describer).await.unwrap().model, "old");
    assert_eq!(asked(&describer), ["old"; 4]);
}

#[tokio::test(start_paused = true)]
async fn throttling_without_end_is_an_error_inside_the_time() {
    let describer = describer(0, |_, _| Err(ModelErrorKind::Throttled));
    let start = tokio::time::Instant::now();
    let error = describe(&describer).await.unwrap_err();
    assert!(
        matches!(&error, DescriberError::Throttled { model, .. } if model == "old"),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_keeps_failing_is_passed_over() {
    let describer = describer(0, |id, _| match id {
        "old" => Err(ModelErrorKind::Transient),
        _ => Ok("A shirt."),
    });
    let written = describe(&describer).await.unwrap();
    assert_eq!(asked(&describer), ["old", "old", "old", "forbidden"]);
    assert!(
        written.warnings[0].contains("old"),
        "{:?}",
        written.warnings
    );
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_on_and_on_is_left_alone_for_a_while() {
    let describer = describer(0, |id, _| match id {
        "old" => Err(ModelErrorKind::Transient),
        _ => Ok("A shirt."),
    });
    for _ in 0..3 {
        describe(&describer).await.unwrap();
    }
    asked(&describer);
    let written = describe(&describer).await.unwrap();
    assert_eq!(asked(&describer), ["forbidden"]);
    assert!(
        written.warnings[0].contains("not asked for now"),
        "{:?}",
        written.warnings
    );
    // One try finds out that it still fails.
    tokio::time::sleep(Duration::from_secs(3)).await;
    describe(&describer).await.unwrap();
    assert_eq!(asked(&describer), ["old", "forbidden"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final() {
    let describer = describer(0, |_, _| Err(ModelErrorKind::Refused));
    let error = describe(&describer).await.unwrap_err();
    assert!(matches!(error, DescriberError::Refused { .. }), "{error}");
    assert_eq!(asked(&describer), ["old"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_model_times_out() {
    let describer = describer(60_000, |_, _| Ok("A shirt."));
    let error = describe(&describer).await.unwrap_err();
    assert_eq!(
        error,
        DescriberError::TimedOut {
            model: "old".into()
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_text_that_was_cut_short_carries_a_warning() {
    let written = describe(&describer(0, |_, _| Ok("A shirt that")))
        .await
        .unwrap();
    assert!(
        written.warnings[0].contains("MAX_TOKENS"),
        "{:?}",
        written.warnings
    );
}

#[tokio::test(start_paused = true)]
async fn a_text_that_was_cut_short_says_so_by_either_api() {
    for api in ["invoke", "converse"] {
        for (text, is_cut_short) in [("A shirt that", true), ("A shirt.", false)] {
            let describer = describer_with(&[("BEDROCK_API", api)], 0, move |_, _| Ok(text));
            let written = describe(&describer).await.unwrap();
            assert_eq!(written.is_cut_short, is_cut_short, "{api}: {text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn by_converse_the_same_models_are_asked_in_the_same_order() {
    let converse = [("BEDROCK_API", "converse")];
    let describer = describer_with(&converse, 0, |id, _| match id {
        "old" => Err(ModelErrorKind::Gone),
        "forbidden" => Err(ModelErrorKind::AccessDenied),
        _ => Ok("A shirt."),
    });
    let written = describe(&describer).await.unwrap();
    assert_eq!(
        (written.text.as_str(), written.model.as_str()),
        ("A shirt.", "good")
    );
    assert_eq!(asked(&describer), ["old", "forbidden", "good"]);
    assert_eq!(written.warnings.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_guardrail_stops_is_an_outcome_of_its_own_by_either_api() {
    for api in ["invoke", "converse"] {
        let describer = describer_with(&[("BEDROCK_API", api)], 0, |_, _| Ok("BLOCKED"));
        let error = describe(&describer).await.unwrap_err();
        assert!(
            matches!(
                &error,
                DescriberError::Blocked { model, reason, .. }
                    if model == "old" && reason == "BLOCKED"
            ),
            "{error:?}"
        );
        // Another model would be behind the same guardrail.
        assert_eq!(asked(&describer), ["old"], "{api}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_costs_what_the_model_costs_that_wrote_it() {
    let prices = [("MODEL_PRICES", "good=1/10")];
    let describer = describer_with(&prices, 0, |id, _| match id {
        "good" => Ok("A shirt."),
        _ => Err(ModelErrorKind::Gone),
    });
    let usage = describe(&describer).await.unwrap().usage;
    // Three tokens at a dollar a million, two at ten.
    assert_eq!(usage.cost.unwrap().usd(), 0.000_023);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_text_costs_as_much() {
    for text in ["BLOCKED", " "] {
        let prices = [("MODEL_PRICES", "old=1/10")];
        let describer = describer_with(&prices, 0, move |_, _| Ok(text));
        let usage = describe(&describer).await.unwrap_err().usage().unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (3, 2), "{text}");
        assert_eq!(usage.cost.unwrap().usd(), 0.000_023);
    }
    // Nothing was answered.
    let refusing = describer(0, |_, _| Err(ModelErrorKind::Refused));
    assert_eq!(describe(&refusing).await.unwrap_err().usage(), None);
}

#[tokio::test(start_paused = true)]
async fn a_listing_has_a_limit_of_its_own() {
    let describer = describer(0, |_, _| Ok("{"));
    for (format, most, variable) in [
        (Format::Description, 400, "reached MAX_TOKENS, 400"),
        (Format::Listing, 1_200, "reached LISTING_MAX_TOKENS, 1200"),
    ] {
        let written = write(&describer, format).await.unwrap();
        assert_eq!(*describer.models.max_tokens.lock().unwrap(), Some(most));
        assert!(
            written.warnings[0].contains(variable),
            "{:?}",
            written.warnings
        );
    }
}
