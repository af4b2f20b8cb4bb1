//! Inputs: right ones, nearly right ones, and anything.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use crate::router::parameters::PARAMETERS;

const PROMPTS: [&str; 7] = [
    "What is the fabric of the shirt in this picture?",
    "Question: What is the Fit of the top in this picture? Answer: ",
    "What is the sleeve length of the shirt in this picture?",
    "Would you wear it?",
    "Question:",
    "",
    " \u{915}\u{93c} ?",
];

const CHOICES: [&str; 8] = [
    "Cotton",
    "Slim Fit",
    "Fabric: Cotton",
    "Verdict: Yes",
    "60:40",
    "",
    " ",
    ":",
];

const NAMES: [&str; 6] = ["Fabric", "material", "Fit", "Sleeve Length", "Occasion", ""];

/// A question, or any text.
pub(super) fn prompt() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(&PROMPTS[..]).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
    ]
}

/// Any JSON of little depth.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..300).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1.0..2.0).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(&["never", "", "20", "\u{0}"][..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(("[a-z]{0,3}", inner), 0..3).prop_map(object),
        ]
    })
}

fn object(fields: Vec<(String, Value)>) -> Value {
    Value::Object(fields.into_iter().collect::<Map<_, _>>())
}

/// `parameters.choices` in all of its forms.
pub(super) fn choices() -> impl Strategy<Value = Value> {
    let value = || select(&CHOICES[..]).prop_map(str::to_owned);
    let values = move || {
        prop_oneof![
            4 => vec(value(), 0..4).prop_map(Value::from),
            1 => Just(Value::Null),
        ]
    };
    let name = select(&NAMES[..]).prop_map(str::to_owned);
    prop_oneof![
        2 => values(),
        2 => vec(values(), 0..4).prop_map(Value::from),
        2 => vec((name, values()), 0..4).prop_map(object),
        1 => json_value(),
    ]
}

/// A parameter by its name, with a value that is often of the right type.
fn parameter() -> impl Strategy<Value = (String, Value)> {
    let names: Vec<&str> = PARAMETERS.iter().map(|known| known.name).collect();
    let plain = (select(names), json_value()).prop_map(|(name, value)| (name.to_owned(), value));
    prop_oneof![
        4 => (select(&["max_new_tokens", "num_beams", "top_k"][..]), 1u64..9)
            .prop_map(|(name, value)| (name.to_owned(), json!(value))),
        2 => any::<bool>().prop_map(|value| ("details".to_owned(), json!(value))),
        2 => choices().prop_map(|value| ("choices".to_owned(), value)),
        1 => (0.0..1.0).prop_map(|value: f64| ("abstain_below".to_owned(), json!(value))),
        1 => plain,
    ]
}

fn parameters() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => vec(parameter(), 0..4).prop_map(object),
        1 => json_value(),
    ]
}

/// What asks: `prompt` or `prompts`, sometimes both or neither.
fn questions() -> impl Strategy<Value = Vec<(String, Value)>> {
    let one = || prompt().prop_map(|text| ("prompt".to_owned(), json!(text)));
    let several = || vec(prompt(), 0..4).prop_map(|texts| ("prompts".to_owned(), json!(texts)));
    prop_oneof![
        4 => one().prop_map(|field| vec![field]),
        4 => several().prop_map(|field| vec![field]),
        1 => (one(), several()).prop_map(|(one, several)| vec![one, several]),
        1 => json_value().prop_map(|value| vec![("prompts".to_owned(), value)]),
        1 => Just(Vec::new()),
    ]
}

/// The fields of a request but for its image.
pub(super) fn questions_and_parameters() -> impl Strategy<Value = Vec<(String, Value)>> {
    let extra = prop_oneof![
        8 => Just(None),
        1 => ("[a-z]{1,8}", json_value()).prop_map(Some),
        1 => "[a-z./]{0,8}".prop_map(|name| Some(("adapter".to_owned(), json!(name)))),
    ];
    (questions(), proptest::option::of(parameters()), extra).prop_map(
        |(mut fields, parameters, extra)| {
            fields.extend(parameters.map(|value| ("parameters".to_owned(), value)));
            fields.extend(extra);
            fields
        },
    )
}

/// An image as base64 in one of its spellings, or a text that is none.
pub(super) fn image() -> impl Strategy<Value = String> {
    let bytes = || vec(any::<u8>(), 1..24);
    prop_oneof![
        4 => bytes().prop_map(|bytes| BASE64_STANDARD.encode(bytes)),
        1 => bytes().prop_map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes)),
        1 => bytes().prop_map(|bytes| {
            format!(" data:image/png;base64,{}\r\n", BASE64_STANDARD.encode(bytes))
        }),
        1 => "[A-Za-z0-9+/=_ \n-]{0,24}",
        1 => "(data:|https://)?\\PC{0,12}",
    ]
}

/// The bytes of a request: whole, damaged here and there, or any.
pub(super) fn request_body() -> impl Strategy<Value = Vec<u8>> {
    let whole = (image(), questions_and_parameters()).prop_map(|(image, mut fields)| {
        fields.push(("image".to_owned(), json!(image)));
        object(fields).to_string().into_bytes()
    });
    prop_oneof![
        12 => damaged(whole),
        1 => json_value().prop_map(|value| value.to_string().into_bytes()),
        1 => vec(any::<u8>(), 0..40),
    ]
}

/// The custom attributes: the same without the image.
pub(super) fn request_header() -> impl Strategy<Value = Vec<u8>> {
    let whole = questions_and_parameters().prop_map(|fields| ascii(&object(fields)).into_bytes());
    prop_oneof![
        8 => damaged(whole),
        1 => vec(any::<u8>(), 0..40),
        1 => (1_000usize..1_050).prop_map(|length| vec![b' '; length]),
    ]
}

/// JSON in US-ASCII.
pub(super) fn ascii(value: &Value) -> String {
    let mut text = String::new();
    for character in value.to_string().chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text += &format!("\\u{unit:04x}");
            }
        }
    }
    text
}

/// Two thirds of them as they are, the others with up to three bytes changed,
/// put in or taken out, or with their end missing.
fn damaged(whole: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let damage = prop_oneof![
        2 => Just(Vec::new()),
        1 => vec((any::<Index>(), any::<u8>(), 0u8..4), 1..4),
    ];
    (whole, damage).prop_map(|(mut bytes, damage)| {
        for (place, byte, kind) in damage {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        bytes
    })
}

/// A body of lines, the longest line that is allowed, and where it is cut.
pub(super) fn lines() -> impl Strategy<Value = (Vec<u8>, usize, Vec<Index>)> {
    let byte = prop_oneof![
        6 => select(&b"{}a\"1"[..]),
        2 => Just(b'\n'),
        1 => select(&b"\r \t\x0c"[..]),
        1 => any::<u8>(),
    ];
    (vec(byte, 0..80), 0usize..12, vec(any::<Index>(), 0..8))
}
