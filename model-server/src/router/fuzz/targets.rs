//! What is fuzzed, and what must hold there.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use blip2::{EarlyStopping, GenerationParameters};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Target, check, inputs};
use crate::core::{AnswerRequest, Limits, TaskForm};
use crate::router::accept::response_kind;
use crate::router::content_type::{BodyKind, body_kind};
use crate::router::custom_attributes::{CUSTOM_ATTRIBUTES, custom_attributes};
use crate::router::field::Field;
use crate::router::image_field::decode_image;
use crate::router::invocation::Invocation;
use crate::router::lines::splitter::{Line, LineSplitter};
use crate::router::request_id::request_id;
use crate::router::trace_context::{self, TraceContext, amazon_trace_id};
use crate::router::{ApiError, ChoicesForm, ErrorCode, InvocationParameters};

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "request body",
        percent: 35,
        run: request_body,
    },
    Target {
        name: "custom attributes",
        percent: 20,
        run: request_header,
    },
    Target {
        name: "lines",
        percent: 20,
        run: lines,
    },
    Target {
        name: "choices",
        percent: 10,
        run: choices,
    },
    Target {
        name: "base64 image",
        percent: 5,
        run: image,
    },
    Target {
        name: "accept, content type",
        percent: 5,
        run: negotiation,
    },
    Target {
        name: "trace and request ids",
        percent: 5,
        run: ids,
    },
];

fn request_body(count: u32) -> u32 {
    let defaults = GenerationParameters::default();
    check(count, inputs::request_body(), |body| {
        accept(Invocation::parse(&body, &defaults), |invocation| {
            let text = to_json(invocation, true).to_string();
            Invocation::parse(text.as_bytes(), &defaults)
        })
    })
}

fn request_header(count: u32) -> u32 {
    let defaults = GenerationParameters::default();
    let image = Bytes::from_static(b"\xff\xd8");
    let read = |bytes: &[u8]| {
        let Ok(value) = HeaderValue::from_bytes(bytes) else {
            let message = "no header can have this value";
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        };
        let headers = HeaderMap::from_iter([(CUSTOM_ATTRIBUTES, value)]);
        Invocation::with_image(image.clone(), custom_attributes(&headers)?, &defaults)
    };
    check(count, inputs::request_header(), |bytes| {
        accept(read(&bytes), |invocation| {
            let text = inputs::ascii(&to_json(invocation, false));
            Invocation::with_image(image.clone(), &text, &defaults)
        })
    })
}

/// What is refused says why in few words; what is accepted is the same request
/// when it is written down again.
fn accept(
    result: Result<Invocation, ApiError>,
    again: impl Fn(&Invocation) -> Result<Invocation, ApiError>,
) -> bool {
    let invocation = match result {
        Ok(invocation) => invocation,
        Err(error) => return refuse(&error),
    };
    let mut second = again(&invocation).unwrap();
    settle(&mut second.parameters, &invocation.parameters);
    assert_eq!(second, invocation);
    let prompts = invocation.prompts.len();
    let questions = match invocation.parameters.questions(invocation.prompts) {
        Ok(questions) => questions,
        Err(error) => return refuse(&error),
    };
    assert_eq!(questions.len(), prompts);
    match AnswerRequest::new(invocation.image, questions, &Limits::default()) {
        Ok(_) => true,
        Err(error) => refuse(&error.into()),
    }
}

/// A number may come back with another last digit: serde_json reads it fast
/// rather than to the nearest.
fn settle(to: &mut InvocationParameters, from: &InvocationParameters) {
    for (to, from) in numbers(to).into_iter().zip(numbers(&mut from.clone())) {
        if let (Some(to), Some(from)) = (to, from)
            && (*to - *from).abs() <= 1e-15 * from.abs()
        {
            *to = *from;
        }
    }
}

fn numbers(of: &mut InvocationParameters) -> [Option<&mut f64>; 5] {
    let generation = &mut of.generation;
    [
        Some(&mut generation.length_penalty),
        Some(&mut generation.repetition_penalty),
        Some(&mut generation.temperature),
        Some(&mut generation.top_p),
        of.abstain_below.as_mut(),
    ]
}

fn refuse(error: &ApiError) -> bool {
    let is_the_clients = matches!(
        error.code(),
        ErrorCode::InvalidJson
            | ErrorCode::InvalidRequest
            | ErrorCode::InvalidParameter
            | ErrorCode::InvalidImage
    );
    let message = error.message();
    assert!(is_the_clients && !message.is_empty(), "{error:?}");
    assert!(
        message.chars().count() < 700 && !message.contains('\n'),
        "{error:?}"
    );
    false
}

/// The request that an invocation was read from, up to spelling.
fn to_json(invocation: &Invocation, with_image: bool) -> Value {
    let mut request = json!({"parameters": parameters(&invocation.parameters)});
    match invocation.prompts.as_slice() {
        [prompt] if !invocation.wants_array => request["prompt"] = json!(prompt),
        prompts => request["prompts"] = json!(prompts),
    }
    if let Some(adapter) = &invocation.adapter {
        request["adapter"] = json!(adapter);
    }
    if with_image {
        request["image"] = json!(BASE64_STANDARD.encode(&invocation.image));
    }
    request
}

fn parameters(parameters: &InvocationParameters) -> Value {
    let generation = &parameters.generation;
    let choices = parameters.choices.as_ref().map(|choices| match choices {
        ChoicesForm::OfOne(values) => json!(values),
        ChoicesForm::ByPrompt(entries) => json!(entries),
        ChoicesForm::ByAttribute(entries) => entries
            .iter()
            .map(|(name, values)| (name.clone(), json!(values)))
            .collect(),
    });
    json!({
        "max_new_tokens": generation.max_new_tokens,
        "min_new_tokens": generation.min_new_tokens,
        "num_beams": generation.num_beams,
        "length_penalty": generation.length_penalty,
        "early_stopping": match generation.early_stopping {
            EarlyStopping::True => json!(true),
            EarlyStopping::False => json!(false),
            EarlyStopping::Never => json!("never"),
        },
        "repetition_penalty": generation.repetition_penalty,
        "do_sample": generation.do_sample,
        "temperature": generation.temperature,
        "top_k": generation.top_k,
        "top_p": generation.top_p,
        "seed": generation.seed,
        "details": parameters.details,
        "choices": choices,
        "abstain_below": parameters.abstain_below,
    })
}

/// Cut in any way, a body has the lines that a plain split gives.
fn lines(count: u32) -> u32 {
    check(count, inputs::lines(), |(body, limit, cuts)| {
        let expected: Vec<Line> = body
            .split(|&byte| byte == b'\n')
            .filter_map(|line| {
                let is_blank = line.iter().all(u8::is_ascii_whitespace);
                match line.len() > limit {
                    true => Some(Line::TooLong),
                    false => (!is_blank).then(|| Line::Whole(Bytes::copy_from_slice(line))),
                }
            })
            .collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let mut splitter = LineSplitter::new(limit);
        let mut lines = Vec::new();
        for cut in cuts.windows(2) {
            let mut piece = Bytes::copy_from_slice(&body[cut[0]..cut[1]]);
            lines.extend(std::iter::from_fn(|| splitter.next(&mut piece)));
        }
        lines.extend(splitter.finish());
        assert_eq!(lines, expected);
        !lines.contains(&Line::TooLong)
    })
}

/// Every question gets its entry, and in it different texts that are answers.
fn choices(count: u32) -> u32 {
    let input = (inputs::choices(), vec(inputs::prompt(), 1..4));
    check(count, input, |(value, prompts)| {
        let field = Field::new("parameters.choices", &value, ErrorCode::InvalidParameter);
        let choices =
            ChoicesForm::read(&field).and_then(|form| form.of_questions(&prompts, Some(0.5)));
        let choices = match choices {
            Ok(choices) => choices,
            Err(error) => return refuse(&error),
        };
        assert_eq!(choices.len(), prompts.len());
        for choices in choices.iter().flatten() {
            assert_eq!(choices.values.len(), choices.texts.len());
            for (index, text) in choices.texts.iter().enumerate() {
                assert!(!choices.texts[..index].contains(text), "{text}");
                assert!(text.contains([':', '\u{ff1a}']), "{text}");
            }
        }
        true
    })
}

/// What is decoded is what any spelling of its own base64 is decoded to.
fn image(count: u32) -> u32 {
    check(count, inputs::image(), |text| match decode_image(&text) {
        Ok(bytes) => {
            let encoded = BASE64_STANDARD.encode(&bytes);
            let spelled = encoded
                .trim_end_matches('=')
                .replace('+', "-")
                .replace('/', "_");
            let broken: Vec<&str> = encoded
                .as_bytes()
                .chunks(5)
                .map(|part| std::str::from_utf8(part).unwrap())
                .collect();
            for text in [&encoded, &spelled, &broken.join("\r\n")] {
                assert_eq!(decode_image(text).unwrap(), bytes);
            }
            true
        }
        Err(error) => refuse(&error),
    })
}

fn negotiation(count: u32) -> u32 {
    let part = prop_oneof![
        4 => "(application/(json|jsonlines|\\*)|image/png|\\*/\\*|\\*)",
        2 => "; ?(q=(0|1|0\\.[0-9]{1,4}|x|-1)|charset=\"?(utf-8|latin1)\"?)",
        2 => ", ?",
        1 => "[ -~]{0,4}",
    ];
    let text = || vec(part.clone(), 0..6).prop_map(|parts| parts.concat());
    check(count, (text(), text()), |(content_type, accept)| {
        let mut headers = HeaderMap::new();
        for (name, text) in [
            (header::CONTENT_TYPE, content_type),
            (header::ACCEPT, accept),
        ] {
            headers.insert(name, HeaderValue::from_str(&text).unwrap());
        }
        let kind = body_kind(&headers);
        if let Err(error) = &kind {
            assert_eq!(error.code(), ErrorCode::UnsupportedMediaType);
        }
        let response = response_kind(&headers, kind.unwrap_or(BodyKind::Json));
        if let Err(error) = &response {
            assert_eq!(error.code(), ErrorCode::NotAcceptable);
        }
        response.is_ok()
    })
}

fn ids(count: u32) -> u32 {
    let traceparent = prop_oneof![
        4 => "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[ -~]{0,4})?",
        2 => "(00|01|ff)-0{31}[01]-0{15}[01]-(0|00|01)-?",
        1 => "[ -~]{0,60}",
    ];
    let other = || vec(32u8.., 0..20);
    check(
        count,
        (traceparent, other(), other()),
        |(traceparent, id, amazon)| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::from_str(&traceparent).unwrap());
            for (name, value) in [("x-request-id", id), ("x-amzn-trace-id", amazon)] {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.insert(HeaderName::from_static(name), value);
                }
            }
            let id = request_id(&headers);
            assert!(HeaderValue::from_str(&id).is_ok() && (1..=128).contains(&id.len()));
            if let Some(id) = amazon_trace_id(&headers) {
                assert!(id.bytes().all(|byte| byte.is_ascii_graphic()));
            }
            let Some(TraceContext {
                trace_id,
                parent_id,
            }) = trace_context::parse(&traceparent)
            else {
                return false;
            };
            assert_eq!((trace_id.len(), parent_id.len()), (32, 16));
            assert!(u128::from_str_radix(trace_id, 16).unwrap() > 0);
            assert!(u64::from_str_radix(parent_id, 16).unwrap() > 0);
            true
        },
    )
}

#[test]
fn the_parameters_of_a_question_survive_being_written_down() {
    let all = parameters(&InvocationParameters::default());
    for known in &crate::router::parameters::PARAMETERS {
        assert!(all.get(known.name).is_some(), "{}", known.name);
    }
    assert!(matches!(
        InvocationParameters::default()
            .questions(vec![String::new()])
            .unwrap()[0]
            .task,
        TaskForm::Generate(_)
    ));
}
