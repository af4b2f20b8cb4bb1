//! What answers of models mean.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use attributes::{Answer, Attribute, AttributeSet, parse_pair};

fn answer_to(asked: &str, text: &str) -> Answer {
    let set = AttributeSet::embedded();
    set.interpret(set.attribute(asked).unwrap(), text)
}

fn value(text: &str) -> Answer {
    Answer::Value(text.to_owned())
}

fn other(attribute: &str, value: &str) -> Answer {
    Answer::OtherAttribute {
        attribute: attribute.to_owned(),
        value: value.to_owned(),
    }
}

#[test]
fn a_pair_gives_its_value() {
    for text in [
        "Sleeve Length: Long Sleeves",
        "sleeve length:long sleeves",
        "  Sleeve-Length :\tLONG   SLEEVES\n",
        "SleeveLength：Long Sleeves.",
        "\"Sleeve Length: Long Sleeves\"",
        "Sleeves: full sleeve",
        "Sleeve Length: Sleeve Length: Long Sleeves",
    ] {
        assert_eq!(
            answer_to("Sleeve Length", text),
            value("Long Sleeves"),
            "{text:?}"
        );
    }
}

#[test]
fn synonyms_become_the_value_of_the_set() {
    for (asked, text, expected) in [
        ("Sleeve Length", "Sleeve Length: No Sleeves", "Sleeveless"),
        ("Sleeve Styling", "Sleeve Styling: no sleeves", "Sleeveless"),
        ("Sleeve Length", "3/4 sleeves", "Three-Quarter Sleeves"),
        ("Fabric", "Fabric: Pure Cotton", "Cotton"),
        ("Neck", "Neck Type: v neck", "V-Neck"),
        ("Colour", "color: gray", "Grey"),
        ("Colour", "baseColour: Navy", "Navy Blue"),
        ("Colour", "Base Colour: blue", "Blue"),
        ("Pattern", "Pattern: checks", "Checked"),
    ] {
        assert_eq!(answer_to(asked, text), value(expected), "{text:?}");
    }
}

#[test]
fn a_bare_value_is_accepted() {
    assert_eq!(answer_to("Fabric", "Cotton"), value("Cotton"));
    assert_eq!(answer_to("Fabric", " pure  cotton! "), value("Cotton"));
    assert_eq!(
        answer_to("Neck", "Mandarin Collar"),
        value("Mandarin Collar")
    );
    assert_eq!(
        answer_to("Collar", "Mandarin Collar"),
        value("Mandarin Collar")
    );
    assert_eq!(answer_to("Fabric", "Seersucker"), value("Seersucker"));
}

#[test]
fn an_unknown_value_is_kept_as_the_model_said_it() {
    assert_eq!(
        answer_to("Fabric", "Fabric:  Brushed Tweed. "),
        value("Brushed Tweed.")
    );
    assert_eq!(answer_to("Fabric", "Fabric: खादी"), value("खादी"));
    assert_eq!(
        answer_to("Pattern", "Pattern: Print: Floral"),
        value("Print: Floral")
    );
    assert_eq!(
        answer_to("Fabric", "Fabric: 60:40 cotton"),
        value("60:40 cotton")
    );
}

#[test]
fn another_attribute_is_no_answer() {
    assert_eq!(answer_to("Fit", "Colour: Green"), other("Colour", "Green"));
    assert_eq!(
        answer_to("Fit", "base colour: gray"),
        other("Colour", "Grey")
    );
    assert_eq!(
        answer_to("Neck", "Collar: Spread"),
        other("Collar", "Spread Collar")
    );
    assert_eq!(
        answer_to("Collar", "Collar: Neck: Round Neck"),
        other("Neck", "Round Neck")
    );
    assert_eq!(
        answer_to("Fit", "Fabric: Brushed Tweed"),
        other("Fabric", "Brushed Tweed")
    );
}

#[test]
fn the_bare_value_of_another_attribute_is_no_answer() {
    assert_eq!(answer_to("Fit", "Cotton"), other("Fabric", "Cotton"));
    assert_eq!(
        answer_to("Sleeve Length", "Cap Sleeves"),
        other("Sleeve Styling", "Cap Sleeves")
    );
    // With its name, the model means it.
    assert_eq!(answer_to("Fit", "Fit: Cotton"), value("Cotton"));
}

#[test]
fn an_attribute_without_known_values_takes_every_bare_value() {
    let set = AttributeSet::parse(
        "[[attribute]]\nname = 'Lining'\n[[attribute]]\nname = 'Fabric'\nvalues = ['Cotton']",
    )
    .unwrap();
    let lining = set.attribute("Lining").unwrap();
    assert_eq!(set.interpret(lining, "cotton"), value("cotton"));
    assert_eq!(
        set.interpret(lining, "Fabric: cotton"),
        other("Fabric", "Cotton")
    );
}

#[test]
fn a_name_that_the_set_lacks_is_another_attribute() {
    assert_eq!(answer_to("Fabric", "Ratio: 3:2"), other("Ratio", "3:2"));
    assert_eq!(
        answer_to("Fit", "Occasion: Casual"),
        other("Occasion", "Casual")
    );
}

#[test]
fn a_colon_after_a_known_value_or_a_number_makes_no_name() {
    assert_eq!(answer_to("Fabric", "Cotton: 60 %"), value("Cotton: 60 %"));
    assert_eq!(answer_to("Fabric", "60:40 cotton"), value("60:40 cotton"));
    assert_eq!(answer_to("Fabric", "Cotton:"), value("Cotton"));
}

#[test]
fn no_value_is_nothing() {
    for text in [
        "",
        " ",
        "\n",
        "NA",
        "n/a",
        "N.A.",
        "Na.",
        "none",
        "None.",
        "NULL",
        "Not Applicable",
        "???",
        "-",
        ":",
        "::::",
        "\"\"",
        "' '",
        "\"NA\"",
        "\u{fffd}\u{fffd}",
        "\u{1F455}",
        "Fabric",
        "fabric:",
        "Fabric :",
        "Fabric: ",
        "Fabric: NA",
        "Fabric: none",
        "Fabric: ?",
        "Fabric: \"\"",
        "Fabric: Fabric",
        "Fabric: Fabric:",
        "Colour",
        "Colour:",
        "Colour: NA",
        "Colour: Fit:",
        "Fabric: Colour",
        "Occasion:",
        "Occasion: NA",
        "Fabric: Other",
        "Material.",
    ] {
        assert_eq!(answer_to("Fabric", text), Answer::Nothing, "{text:?}");
    }
}

#[test]
fn a_known_value_is_one_even_if_its_word_means_nothing() {
    let set =
        AttributeSet::parse("[[attribute]]\nname = 'Collar'\nvalues = ['None', '-*-']").unwrap();
    let collar = set.attribute("Collar").unwrap();
    assert_eq!(set.interpret(collar, "Collar: none"), value("None"));
    assert_eq!(set.interpret(collar, "*"), value("-*-"));
    assert_eq!(set.interpret(collar, "NA"), Answer::Nothing);
}

#[test]
fn the_attribute_asked_about_need_not_be_in_the_set() {
    let set = AttributeSet::embedded();
    let hem = Attribute {
        name: "Hemline".to_owned(),
        words: "hemline".to_owned(),
        aliases: vec!["Hem".to_owned()],
        values: Vec::new(),
    };
    assert_eq!(set.interpret(&hem, "hem: Curved"), value("Curved"));
    assert_eq!(set.interpret(&hem, "Curved"), value("Curved"));
    assert_eq!(set.interpret(&hem, "Hem:"), Answer::Nothing);
    assert_eq!(set.interpret(&hem, "Fit: Slim"), other("Fit", "Slim Fit"));
}

/// Long texts of every shape that could make a loop start over. A quadratic step
/// would take many minutes here; the limit only has to be far below that.
#[test]
fn long_answers_take_linear_time() {
    let length = 400_000;
    let hostile = [
        "a".repeat(length),
        ":".repeat(length),
        " ".repeat(length),
        "- ".repeat(length / 2),
        "\"".repeat(length),
        "“".repeat(length / 2) + &"”".repeat(length / 2),
        "Fabric: ".repeat(length / 8),
        "Fabric: \"".repeat(length / 9),
        "Colour: Fabric: ".repeat(length / 16) + "Cotton",
        "a: ".repeat(length / 3),
        "Fabric: ".to_owned() + &"é".repeat(length / 2),
        "İ".repeat(length / 2),
        "Question: ".repeat(length / 10),
        ".".repeat(length) + "x",
    ];
    let set = AttributeSet::embedded();
    let fabric = set.attribute("Fabric").unwrap();
    let start = std::time::Instant::now();
    for text in &hostile {
        let _ = set.interpret(fabric, text);
        let _ = parse_pair(text);
        let _ = attributes::wrap_question(text);
        let _ = (set.attribute(text), set.category(text), fabric.value(text));
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    assert_eq!(set.interpret(fabric, &hostile[8]), value("Cotton"));
}

/// Random strings from the pieces that matter, the same on every run.
#[test]
fn nothing_panics_and_values_are_sound() {
    const PIECES: [&str; 32] = [
        "Fabric",
        "fabric",
        "Colour",
        "baseColour",
        "Sleeve Length",
        "Cotton",
        "Long Sleeves",
        "NA",
        "none",
        ":",
        "：",
        " ",
        "\t",
        "\n",
        "\u{a0}",
        "\"",
        "'",
        "“",
        "”",
        "«",
        ".",
        ",",
        "-",
        "_",
        "é",
        "ß",
        "İ",
        "ा",
        "\u{1F455}",
        "\u{0}",
        "\u{fffd}",
        "Answer:",
    ];
    let set = AttributeSet::embedded();
    let mut random = SplitMix64(20);
    for _ in 0..8_000 {
        let text: String = (0..random.below(9))
            .map(|_| PIECES[random.below(PIECES.len())])
            .collect();
        let asked = &set.attributes()[random.below(set.attributes().len())];
        match set.interpret(asked, &text) {
            Answer::Nothing => {}
            Answer::Value(value) => {
                assert_eq!(value, value.trim(), "{text:?}");
                assert!(!value.is_empty(), "{text:?}");
                // What was understood once is understood again.
                let said = format!("{}: {value}", asked.name);
                assert_eq!(
                    set.interpret(asked, &said),
                    Answer::Value(value),
                    "{text:?}"
                );
            }
            Answer::OtherAttribute { attribute, value } => {
                assert!(!asked.is_called(&attribute), "{text:?}");
                assert!(!value.is_empty(), "{text:?}");
            }
        }
        if let Some((name, value)) = parse_pair(&text) {
            assert!(text.contains(&name) && text.contains(&value), "{text:?}");
            assert!(name.trim() == name && value.trim() == value, "{text:?}");
        }
        let wrapped = attributes::wrap_question(&text);
        assert_eq!(
            attributes::wrap_question(&wrapped).trim(),
            wrapped.trim(),
            "{text:?}"
        );
        let _ = (
            set.attribute(&text),
            set.category(&text),
            set.attributes_of(&text),
        );
        let _ = AttributeSet::parse(&text);
    }
}

/// Steele and others, "Fast splittable pseudorandom number generators", 2014.
struct SplitMix64(u64);

impl SplitMix64 {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap() % limit
    }
}
