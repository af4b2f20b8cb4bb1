use image::{Rgb, RgbImage};

use super::render;
use crate::evaluate::example::evaluation;
use crate::evaluate::wrong::Wrong;

fn wrong(id: &str) -> Wrong {
    Wrong {
        id: id.to_owned(),
        attribute: "Fabric".to_owned(),
        question: "What is \"it\"?".to_owned(),
        truth: "Silk".to_owned(),
        answer: "<img src=x onerror=alert(1)>".to_owned(),
        confidence: 0.875,
        held: Some("Cotton".to_owned()),
        held_confidence: Some(0.5),
    }
}

fn rendered() -> String {
    let images = tempfile::tempdir().unwrap();
    RgbImage::from_pixel(8, 8, Rgb([1, 2, 3]))
        .save(images.path().join("7.png"))
        .unwrap();
    let wrong = [wrong("7"), wrong("gone")];
    render(&evaluation(), &wrong, 40, images.path()).unwrap()
}

#[test]
fn whatever_came_from_outside_is_escaped() {
    let html = rendered();
    for text in ["<script>", "<b>Silk</b>", "<img src=x", "<no photo>"] {
        assert!(!html.contains(text), "{text}");
    }
    assert!(html.contains("&lt;b&gt;Silk&lt;&#x2f;b&gt;"));
}

#[test]
fn the_page_needs_nothing_else_and_shows_what_was_measured() {
    let html = rendered();
    for outside in ["http:", "https:", "@import", "<script", "<link rel=\"style"] {
        assert!(!html.contains(outside), "{outside}");
    }
    for shown in [
        "data:image/jpeg;base64,",
        "The photo can’t be shown.",
        "2 of 40 wrong free answers",
        "constant | answer",
        "Where the truth is NA",
        "prefers-color-scheme: dark",
        "2 of the products are in the training file",
        "ECE",
    ] {
        assert!(html.contains(shown), "{shown}");
    }
    assert!(!html.contains("NaN"));
    // Two of three right, freely and held.
    assert!(html.contains("<td>66.7<span class=\"interval\">"), "{html}");
    // Every table, list and chart that was begun is ended.
    for element in [
        "table", "tr", "svg", "figure", "section", "article", "dl", "ul",
    ] {
        let count = |tag: String| html.matches(&tag).count();
        let begun = count(format!("<{element} ")) + count(format!("<{element}>"));
        assert_eq!(begun, count(format!("</{element}>")), "{element}");
    }
}
