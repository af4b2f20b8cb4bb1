use catalogue::samples::Record;
use serde_json::json;

use super::*;
use crate::product::{Outcome, Product, Steps, Way};
use crate::results::Pictures;

const HOSTILE: &str = "<script>alert('x')</script>\" onload=\"y\" & {{ 7 * 7 }}";

fn product(id: &str, way: Way, outcome: Outcome) -> Product {
    Product {
        id: id.to_owned(),
        file: format!("{id}.jpg"),
        way,
        asked_as: "shirt".to_owned(),
        drawn: None,
        picture: None,
        seconds: 3.21,
        outcome,
    }
}

fn described(text: &str) -> Outcome {
    let answer = json!({
        "product_id": "a",
        "attributes": {"Fabric": text, "Sleeve Length": "Long Sleeves", "Colour": "Blue"},
        "confidence": {"Fabric": 0.31, "Sleeve Length": 0.97},
        "description": text,
        "unmentioned": ["Colour"],
        "contradicted": [],
        "missing": ["Neck"],
        "warnings": [text],
        "models": {"attributes": text, "description": text},
        "usage": {"input_tokens": 180, "output_tokens": 96}
    });
    let steps = Some(Steps {
        attributes_ms: 210,
        description_ms: 2900,
    });
    Outcome::of_answer(answer.to_string().as_bytes(), steps)
}

fn results(products: Vec<Product>) -> Results {
    Results {
        pictures: Pictures::Photographs {
            folder: "holiday".to_owned(),
        },
        model_server_peak_bytes: Some(150 << 20),
        median_seconds: crate::results::median_seconds(&products),
        skipped: vec!["notes.txt".to_owned()],
        over_limit: 3,
        products,
    }
}

fn record(colour: &str) -> Record {
    serde_json::from_value(json!({
        "id": "drawn-01", "file": "drawn-01.jpg", "title": "Blue Shirt", "category": "kurta",
        "drawn": true, "attributes": {"Colour": colour, "Sleeve Length": "Short Sleeves"}
    }))
    .unwrap()
}

#[test]
fn hostile_text_is_shown_as_text_wherever_it_comes_from() {
    let failed = Outcome::Failed {
        reason: HOSTILE.to_owned(),
    };
    let mut products = vec![
        product(HOSTILE, Way::S3Event, described(HOSTILE)),
        product(HOSTILE, Way::Http, failed),
    ];
    products[0].asked_as = HOSTILE.to_owned();
    let mut results = results(products);
    results.pictures = Pictures::Photographs {
        folder: HOSTILE.to_owned(),
    };
    results.skipped = vec![HOSTILE.to_owned()];
    let page = render(&results).unwrap();
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains("\" onload"), "{page}");
    assert!(
        page.contains("{{ 7 * 7 }}"),
        "templates in texts are not run"
    );
    assert!(page.matches("&lt;script&gt;").count() >= 10);
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = render(&results(vec![product(
        "a",
        Way::S3Event,
        described("Cotton"),
    )]))
    .unwrap();
    assert!(page.contains("name=\"viewport\""));
    for outside in ["http:", "https:", "src=\"/", "url(", "@import", "<script"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn answers_times_and_what_is_missing_are_shown() {
    let page = render(&results(vec![product(
        "a",
        Way::Direct,
        described("Cotton"),
    )]))
    .unwrap();
    for shown in [
        "Cotton",
        "31 %",
        "97 %",
        "not given",
        "no answer to the point",
        "3.2 s",
        "0.21 s",
        "180 read, 96 written",
        "150 MiB",
        "does not mention: Colour",
        "notes.txt",
        "3 more",
    ] {
        assert!(page.contains(shown), "{shown} is missing in {page}");
    }
    assert_eq!(
        page.matches("<tr class=\"unsure\">").count(),
        1,
        "only the fabric is unsure"
    );
}

#[test]
fn drawn_pictures_are_called_so_and_compared_with_what_is_true() {
    let mut drawn = product("drawn-01", Way::S3Event, described("Cotton"));
    drawn.drawn = Some(record("Blue"));
    let data_uri = "data:image/jpeg;base64,/9j/".to_owned();
    drawn.picture = Some(Picture {
        data_uri,
        width: 3,
        height: 4,
    });
    let mut results = results(vec![drawn]);
    results.pictures = Pictures::Drawn;
    let page = render(&results).unwrap();
    for shown in [
        "drawings, not photographs",
        "1 of 2",
        "drawn: Short Sleeves",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(page.contains("alt=\"Drawing: Blue Shirt\""));
    assert!(
        page.contains("src=\"data:image/jpeg;base64,/9j/\""),
        "not escaped"
    );
    assert!(page.contains("drawn as a kurta"));
    assert_eq!(
        page.matches("title=\"as drawn\"").count(),
        1,
        "the colour agrees"
    );
}

#[test]
fn a_failed_photo_shows_its_reason_beside_the_others() {
    let reason = "the photo is damaged: send it again".to_owned();
    let products = vec![
        product("a", Way::S3Event, described("Cotton")),
        product("b", Way::S3Event, Outcome::Failed { reason }),
    ];
    let page = render(&results(products)).unwrap();
    assert!(page.contains("the photo is damaged: send it again"));
    assert!(page.contains("of 2 pictures sent; 1 failed"));
    assert!(page.contains("cannot be shown as a picture"));
}

#[test]
fn an_answer_of_another_shape_is_a_failure_and_no_panic() {
    let outcome = Outcome::of_answer(b"{\"attributes\": 3}", None);
    assert!(matches!(outcome, Outcome::Failed { reason } if reason.contains("cannot be read")));
}
