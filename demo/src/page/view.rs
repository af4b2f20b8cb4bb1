//! What the template shows, ready to be shown: it only places things.

use catalogue::samples::Record;
use local_stack::FUNCTION;
use minijinja::Value;
use serde::Serialize;

use crate::product::{Description, Outcome, Product, Way};
use crate::results::{Pictures, Results};
use crate::ways::direct;

/// Under this confidence an answer is marked as unsure: another answer is then
/// likelier than the one that was given.
const UNSURE_BELOW: f64 = 0.5;

/// The whole page.
#[derive(Serialize)]
pub struct Page {
    drawn: bool,
    folder: Option<String>,
    uploaded: usize,
    unsure_below_percent: u32,
    facts: Vec<Fact>,
    sections: Vec<Section>,
    skipped: Vec<String>,
    over_limit: usize,
}

#[derive(Serialize)]
struct Fact {
    name: &'static str,
    value: String,
    note: String,
}

#[derive(Serialize)]
struct Section {
    id: &'static str,
    heading: &'static str,
    text: String,
    cards: Vec<Card>,
}

#[derive(Serialize)]
struct Card {
    id: String,
    heading: String,
    file: String,
    way: String,
    drawn: bool,
    picture: Option<EmbeddedPicture>,
    alt: String,
    asked_as: String,
    drawn_as: Option<String>,
    time: String,
    failure: Option<String>,
    answer: Option<Answer>,
}

#[derive(Serialize)]
struct EmbeddedPicture {
    url: Value,
    width: u32,
    height: u32,
}

#[derive(Serialize)]
struct Answer {
    rows: Vec<Row>,
    missing: Vec<String>,
    text: String,
    notes: Vec<String>,
    attribute_model: String,
    description_model: String,
    input_tokens: u64,
    output_tokens: u64,
    steps: Option<StepTimes>,
}

#[derive(Serialize)]
struct StepTimes {
    attributes: String,
    description: String,
}

#[derive(Serialize)]
struct Row {
    name: String,
    value: String,
    percent: Option<u32>,
    unsure: bool,
    truth: Option<Truth>,
}

#[derive(Serialize)]
struct Truth {
    agrees: bool,
    value: String,
}

/// The page of a run.
pub fn page(results: &Results) -> Page {
    let folder = match &results.pictures {
        Pictures::Drawn => None,
        Pictures::Photographs { folder } => Some(folder.clone()),
    };
    let sections: Vec<Section> = [Way::S3Event, Way::Http, Way::Direct]
        .into_iter()
        .map(|way| section(way, results))
        .filter(|section| !section.cards.is_empty())
        .collect();
    Page {
        drawn: results.pictures == Pictures::Drawn,
        folder,
        uploaded: results
            .products
            .iter()
            .filter(|p| p.way == Way::S3Event)
            .count(),
        unsure_below_percent: percent(UNSURE_BELOW),
        facts: facts(results, &sections),
        sections,
        skipped: results.skipped.clone(),
        over_limit: results.over_limit,
    }
}

fn facts(results: &Results, sections: &[Section]) -> Vec<Fact> {
    let failed = results.failed().count();
    let mut facts = vec![Fact {
        name: "Descriptions",
        value: results.described().count().to_string(),
        note: match failed {
            0 => format!("of {} pictures sent", results.products.len()),
            _ => format!(
                "of {} pictures sent; {failed} failed",
                results.products.len()
            ),
        },
    }];
    if let Some(median) = results.median_seconds {
        facts.push(Fact {
            name: "Median time",
            value: seconds(median),
            note: "from sending a picture to having its description".to_owned(),
        });
    }
    if let Some(bytes) = results.model_server_peak_bytes {
        facts.push(Fact {
            name: "Peak memory",
            value: format!("{} MiB", bytes >> 20),
            note: "of the model server".to_owned(),
        });
    }
    let truths: Vec<bool> = sections
        .iter()
        .flat_map(|section| &section.cards)
        .filter_map(|card| card.answer.as_ref())
        .flat_map(|answer| &answer.rows)
        .filter_map(|row| row.truth.as_ref().map(|truth| truth.agrees))
        .collect();
    // The one drawing among photographs would be no measure.
    if results.pictures == Pictures::Drawn && !truths.is_empty() {
        let agreeing = truths.iter().filter(|agrees| **agrees).count();
        facts.push(Fact {
            name: "Answers as drawn",
            value: format!("{agreeing} of {}", truths.len()),
            note: "where the drawing shows the attribute".to_owned(),
        });
    }
    facts
}

fn section(way: Way, results: &Results) -> Section {
    let (id, heading, text) = match way {
        Way::S3Event => (
            "s3",
            "Put into S3",
            "Each picture was stored under incoming/. The bucket’s event called the function, \
             which left its result under descriptions/."
                .to_owned(),
        ),
        Way::Http => (
            "http",
            "Sent by HTTP",
            "The picture’s bytes went to POST /descriptions, and the answer came back in the \
             same call."
                .to_owned(),
        ),
        Way::Direct => (
            "direct",
            "Invoked directly",
            format!(
                "cargo lambda invoke {FUNCTION} --data-file events/{}, whose picture is one of \
                 the project’s drawings.",
                direct::EVENT
            ),
        ),
    };
    let cards = results
        .products
        .iter()
        .filter(|product| product.way == way)
        .map(card)
        .collect();
    Section {
        id,
        heading,
        text,
        cards,
    }
}

fn card(product: &Product) -> Card {
    let drawn = product.drawn.as_ref();
    let heading = drawn.map_or(&product.id, |record| &record.title).clone();
    let (failure, answer) = match &product.outcome {
        Outcome::Failed { reason } => (Some(reason.clone()), None),
        Outcome::Described { result, steps } => {
            let mut answer = answer(result, drawn);
            answer.steps = steps.map(|steps| StepTimes {
                attributes: seconds(steps.attributes_ms as f64 / 1e3),
                description: seconds(steps.description_ms as f64 / 1e3),
            });
            (None, Some(answer))
        }
    };
    Card {
        alt: match drawn {
            Some(record) => format!("Drawing: {}", record.title),
            None => format!("Photograph of product {}", product.id),
        },
        id: product.id.clone(),
        heading,
        file: product.file.clone(),
        way: product.way.to_string(),
        drawn: drawn.is_some(),
        picture: product.picture.as_ref().map(|picture| EmbeddedPicture {
            // Base64 of our own making; escaping would blow up every slash.
            url: Value::from_safe_string(picture.data_uri.clone()),
            width: picture.width,
            height: picture.height,
        }),
        asked_as: product.asked_as.clone(),
        drawn_as: drawn
            .map(|record| record.category.clone())
            .filter(|category| *category != product.asked_as),
        time: seconds(product.seconds),
        failure,
        answer,
    }
}

fn answer(result: &Description, drawn: Option<&Record>) -> Answer {
    let rows = result
        .attributes
        .iter()
        .map(|(name, value)| {
            let confidence = result.confidence.get(name).copied();
            Row {
                name: name.clone(),
                value: value.clone(),
                percent: confidence.map(percent),
                unsure: confidence.is_some_and(|confidence| confidence < UNSURE_BELOW),
                truth: drawn.and_then(|record| truth(record, name, value)),
            }
        })
        .collect();
    let mut notes = Vec::new();
    if !result.unmentioned.is_empty() {
        notes.push(format!(
            "The text does not mention: {}.",
            result.unmentioned.join(", ")
        ));
    }
    if !result.contradicted.is_empty() {
        notes.push(format!(
            "The text contradicts: {}.",
            result.contradicted.join(", ")
        ));
    }
    notes.extend(result.warnings.iter().cloned());
    Answer {
        rows,
        missing: result.missing.clone(),
        text: result.description.trim().to_owned(),
        notes,
        attribute_model: result.models.attributes.clone(),
        description_model: result.models.description.clone(),
        input_tokens: result.usage.input_tokens,
        output_tokens: result.usage.output_tokens,
        steps: None,
    }
}

/// Nothing where the record says nothing about the attribute.
fn truth(record: &Record, name: &str, answer: &str) -> Option<Truth> {
    let value = record.attributes.get(name)?.as_str()?.to_owned();
    Some(Truth {
        agrees: value == answer,
        value,
    })
}

fn seconds(seconds: f64) -> String {
    if seconds < 0.95 {
        format!("{seconds:.2} s")
    } else {
        format!("{seconds:.1} s")
    }
}

fn percent(confidence: f64) -> u32 {
    (confidence.clamp(0.0, 1.0) * 100.0).round() as u32
}
