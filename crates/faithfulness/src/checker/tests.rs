//! Whole checks, sentence by sentence, and on arbitrary input.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::ClaimKind;
use crate::findings::Span;

fn checker() -> Checker {
    Checker::new(&AttributeSet::embedded())
}

/// A shirt of which one thing is known.
fn shirt(name: &str, value: &str) -> Known {
    Known::new("shirt").with(name, value)
}

/// The kinds of claims of which nothing is known but that the shirt is of cotton, and blue.
fn claims_of_little(text: &str) -> Vec<ClaimKind> {
    let known = shirt("Fabric", "Cotton")
        .with("Colour", "Blue")
        .without("Neck")
        .without("Sleeve Length")
        .without("Fit")
        .without("Pattern")
        .without("Nothing");
    let findings = checker().check(&known, text);
    findings.claims.iter().map(|claim| claim.kind).collect()
}

#[test]
fn a_value_of_which_nothing_is_known_is_a_claim() {
    for text in [
        "A blue cotton shirt with a V-neck.",
        "A blue cotton shirt with long sleeves.",
        "A slim-fit blue cotton shirt.",
        "A striped blue cotton shirt.",
    ] {
        assert_eq!(claims_of_little(text), [ClaimKind::Attribute], "{text}");
    }
}

#[test]
fn what_is_said_of_others_denied_or_not_listed_is_no_claim() {
    for text in [
        "A blue cotton shirt.",
        "A blue cotton shirt. Wear it under a V-neck sweater.",
        "A blue cotton shirt to pair with slim-fit trousers.",
        "A blue cotton shirt, not striped.",
        // What a picture shows around the garment.
        "A blue cotton shirt on a plain background.",
    ] {
        assert!(claims_of_little(text).is_empty(), "{text}");
    }
    // The collar is known as a collar; that it is one as a neck is nothing more.
    let known = shirt("Collar", "Spread Collar").without("Neck");
    for text in [
        "A shirt with a spread collar.",
        "A shirt with a spread collar. The crisp collar frames the face.",
    ] {
        let findings = checker().check(&known, text);
        assert!(findings.claims.is_empty(), "{text}: {findings:?}");
    }
}

fn assert_stated(known: &Known, texts: &[&str]) {
    let checker = checker();
    for text in texts {
        let findings = checker.check(known, text);
        assert!(findings.unmentioned.is_empty(), "{text}: {findings:?}");
        assert!(findings.contradicted.is_empty(), "{text}: {findings:?}");
    }
}

fn assert_unmentioned(known: &Known, texts: &[&str]) {
    let checker = checker();
    for text in texts {
        let findings = checker.check(known, text);
        assert!(findings.mentioned.is_empty(), "{text}: {findings:?}");
        assert!(findings.contradicted.is_empty(), "{text}: {findings:?}");
    }
}

fn assert_contradicted(known: &Known, texts: &[(&str, &str)]) {
    let checker = checker();
    for (text, said) in texts {
        let findings = checker.check(known, text);
        let found: Vec<&str> = findings
            .contradicted
            .iter()
            .map(|found| found.said.as_str())
            .collect();
        assert_eq!(found, [*said], "{text}: {findings:?}");
        assert!(findings.unmentioned.is_empty(), "{text}: {findings:?}");
    }
}

#[test]
fn a_value_is_stated_in_other_words() {
    assert_stated(
        &shirt("Sleeve Length", "Long Sleeves"),
        &[
            "A long-sleeved shirt.",
            "Longsleeved, for autumn.",
            "Sleeves that reach the wrist.",
            "With full-length sleeves.",
            "The sleeves are long.",
            "Long in the arm.",
            "Long, billowing sleeves.",
        ],
    );
    assert_stated(
        &shirt("Pattern", "Striped"),
        &[
            "Stripes run across it.",
            "A pinstriped shirt.",
            "White with a blue stripe.",
        ],
    );
    assert_stated(
        &Known::new("T-shirt").with("Neck", "Round Neck"),
        &[
            "A crew-neck tee.",
            "With a crewneck.",
            "The neckline is round.",
            "Round at the neck.",
        ],
    );
    assert_stated(
        &shirt("Colour", "Blue"),
        &["A sky-blue shirt.", "Cobalt cotton.", "The shirt is blue."],
    );
}

#[test]
fn what_any_fit_may_leave_is_no_other_fit() {
    for fit in ["Regular Fit", "Slim Fit", "Tailored Fit"] {
        for comfort in [
            "leaves room to move",
            "has enough space for a phone",
            "moves freely",
        ] {
            let text = format!("The {} {comfort}.", fit.to_lowercase());
            assert_stated(&shirt("Fit", fit), &[&text]);
        }
    }
    assert_stated(
        &shirt("Fit", "Loose Fit"),
        &[
            "There is room to move in it.",
            "Plenty of room.",
            "It moves freely.",
        ],
    );
    let roomy = "The regular fit has plenty of room.";
    assert_stated(&shirt("Fit", "Regular Fit"), &[roomy]);
    assert_contradicted(
        &shirt("Fit", "Slim Fit"),
        &[("It has plenty of room.", "plenty of room")],
    );
}

#[test]
fn a_pattern_beside_a_colour_that_is_an_ordinary_word_is_known_by_what_leads_them() {
    for colour in ["Olive", "Rust", "Mustard", "Copper"] {
        let known = shirt("Pattern", "Solid").with("Colour", colour);
        let word = colour.to_lowercase();
        for text in [
            format!("In solid {word}."),
            format!("Solid {word} from placket to hem."),
            format!("It is solid {word}."),
        ] {
            assert_stated(&known, &[&text]);
        }
    }
    assert_contradicted(
        &shirt("Pattern", "Checked"),
        &[("It comes in solid olive.", "solid")],
    );
    assert_unmentioned(&shirt("Pattern", "Solid"), &["A solid choice in olive."]);
}

#[test]
fn words_that_mean_something_else_state_nothing() {
    assert_unmentioned(
        &shirt("Sleeve Length", "Long Sleeves"),
        &[
            "For long days.",
            "Long-lasting.",
            "Full of charm.",
            "It goes a long way.",
        ],
    );
    assert_unmentioned(
        &shirt("Pattern", "Solid"),
        &["Solid craftsmanship.", "In plain sight."],
    );
    assert_unmentioned(&shirt("Fit", "Slim Fit"), &["A slim chance of rain."]);
    assert_unmentioned(
        &shirt("Fit", "Regular Fit"),
        &["Our regular customers love it."],
    );
    assert_unmentioned(
        &Known::new("T-shirt").with("Neck", "Round Neck"),
        &["It will round off your look.", "All year round."],
    );
    assert_unmentioned(
        &shirt("Colour", "Blue"),
        &["Blue skies ahead.", "Out of the blue."],
    );
    assert_unmentioned(&shirt("Fabric", "Cotton"), &["Cotton candy for the eyes."]);
}

#[test]
fn another_value_contradicts() {
    assert_contradicted(
        &shirt("Sleeve Length", "Long Sleeves"),
        &[
            ("A short-sleeved shirt.", "short-sleeved"),
            ("A sleeveless shirt.", "sleeveless"),
        ],
    );
    assert_contradicted(
        &shirt("Pattern", "Striped"),
        &[("A checked shirt.", "checked shirt")],
    );
    assert_contradicted(&shirt("Colour", "Red"), &[("A green shirt.", "green")]);
    assert_contradicted(&shirt("Fabric", "Cotton"), &[("Made of linen.", "linen")]);
}

#[test]
fn what_is_of_one_colour_has_no_pattern_and_no_sleeves_of_another() {
    let known = shirt("Pattern", "Solid").with("Colour", "Blue");
    assert_contradicted(
        &known,
        &[
            (
                "A solid blue shirt with tiny dots all over.",
                "tiny dots all over",
            ),
            ("A solid blue shirt with green sleeves.", "green"),
        ],
    );
    for text in [
        "A solid blue shirt with blue sleeves.",
        "A solid blue shirt; dots of light all over the sea.",
        "Where others shout in stripes and checks, this blue shirt stays plain.",
    ] {
        let findings = checker().check(&known, text);
        assert!(findings.contradicted.is_empty(), "{text}: {findings:?}");
    }
    // A pattern may have sleeves of one colour.
    let known = shirt("Pattern", "Striped").with("Colour", "Blue");
    let findings = checker().check(&known, "A striped blue shirt with green sleeves.");
    assert!(findings.contradicted.is_empty(), "{findings:?}");
}

#[test]
fn a_pronoun_stands_for_the_sleeves_before_it() {
    let known = shirt("Sleeve Length", "Long Sleeves");
    assert_contradicted(
        &known,
        &[
            ("A shirt with long sleeves, not: they are short.", "short"),
            ("A shirt with long sleeves. They are short.", "short"),
        ],
    );
    for text in [
        "A shirt with long sleeves for winter days, for they are short.",
        "A shirt with long sleeves. Cold nights? They are short.",
    ] {
        let findings = checker().check(&known, text);
        assert!(findings.contradicted.is_empty(), "{text}: {findings:?}");
    }
}

#[test]
fn a_value_that_is_spelled_out_behind_an_article_is_contradicted() {
    let known = shirt("Fabric", "Cotton");
    for (text, word) in [
        ("Wear a S I L K shirt.", "S I L K"),
        ("This is an A C R Y L I C shirt.", "A C R Y L I C"),
    ] {
        let findings = checker().check(&known, text);
        let [found] = findings.contradicted.as_slice() else {
            panic!("{text}: {findings:?}");
        };
        assert!(found.said.contains(word), "{text}: {}", found.said);
    }
}

#[test]
fn a_denied_value_is_contradicted() {
    assert_contradicted(
        &shirt("Pattern", "Striped"),
        &[
            ("A shirt without stripes.", "without stripes"),
            ("No stripes here.", "No stripes"),
            ("It is not striped.", "not striped"),
        ],
    );
    assert_contradicted(
        &shirt("Collar", "Spread Collar"),
        &[("No collar to fuss with.", "No collar")],
    );
}

#[test]
fn a_finer_value_states_a_general_one_and_not_the_other_way_round() {
    let checker = checker();
    let navy = checker.check(&shirt("Colour", "Blue"), "A navy shirt.");
    assert_eq!(navy.mentioned, ["Colour"]);
    let blue = checker.check(&shirt("Colour", "Navy Blue"), "A blue shirt.");
    assert_eq!(blue.unmentioned, ["Colour"]);
    assert!(blue.contradicted.is_empty());
}

#[test]
fn colours_of_a_pattern_and_of_parts_contradict_nothing() {
    let checker = checker();
    let red = shirt("Colour", "Red");
    for text in [
        "Red and white stripes.",
        "A red shirt with white buttons.",
        "A red shirt; its collar is white.",
        "Red, with a contrasting white tip.",
    ] {
        let findings = checker.check(&red, text);
        assert_eq!(findings.mentioned, ["Colour"], "{text}");
        assert!(findings.contradicted.is_empty(), "{text}: {findings:?}");
    }
}

#[test]
fn what_is_said_of_another_garment_does_not_count() {
    let checker = checker();
    let known = shirt("Colour", "Blue").with("Pattern", "Solid");
    for text in [
        "A plain blue shirt. Pair it with white trousers.",
        "A plain blue shirt to wear over a striped tee.",
        "A plain blue shirt. Tuck it into black jeans.",
        "A plain blue shirt that goes with grey checked trousers.",
        "A plain blue shirt, unlike striped ones.",
    ] {
        let findings = checker.check(&known, text);
        assert_eq!(findings.mentioned, ["Colour", "Pattern"], "{text}");
        assert!(findings.is_clean(), "{text}: {findings:?}");
    }
    assert_unmentioned(&shirt("Colour", "White"), &["Pair it with white trousers."]);
}

#[test]
fn choices_comparisons_and_questions_say_nothing_of_this_one() {
    let checker = checker();
    let known = shirt("Sleeve Length", "Long Sleeves");
    for text in [
        "Whether you like long or short sleeves.",
        "Softer than short sleeves.",
        "Tired of short sleeves?",
    ] {
        let findings = checker.check(&known, text);
        assert!(findings.contradicted.is_empty(), "{text}: {findings:?}");
    }
}

#[test]
fn shared_words_are_told_apart_by_their_head() {
    let checker = checker();
    let known = Known::new("shirt")
        .with("Fit", "Slim Fit")
        .with("Collar", "Slim Collar");
    assert_eq!(
        checker.check(&known, "A slim collar.").mentioned,
        ["Collar"]
    );
    assert_eq!(checker.check(&known, "A slim fit.").mentioned, ["Fit"]);
    let known = Known::new("kurta").with("Neck", "Mandarin Collar");
    assert_eq!(
        checker.check(&known, "With a mandarin collar.").mentioned,
        ["Neck"]
    );
}

#[test]
fn a_set_of_ones_own_is_known_by_its_words() {
    let set = AttributeSet::parse(
        "[[attribute]]\nname = \"Closure\"\nvalues = [\"Button\", \"Zip\"]\n\
         [[attribute]]\nname = \"Trim\"\nvalues = [\"Pleated\", \"Ruffle\"]",
    );
    let checker = Checker::new(&set.unwrap());
    let known = Known::default()
        .with("Closure", "Button")
        .with("Trim", "Pleated");
    let findings = checker.check(&known, "A skirt with pleats and a button closure.");
    assert_eq!(findings.mentioned, ["Closure", "Trim"]);
    let findings = checker.check(&known, "A ruffled skirt, cute as a button.");
    assert_eq!(findings.unmentioned, ["Closure"]);
    assert_eq!(findings.contradicted_attributes(), ["Trim"]);
}

#[test]
fn a_value_that_the_set_does_not_know_is_sought_as_it_is() {
    let checker = checker();
    let known = shirt("Fabric", "Cupro").with("Occasion", "Garden Party");
    let findings = checker.check(&known, "Cupro, for a garden party.");
    assert!(findings.is_clean(), "{findings:?}");
    let findings = checker.check(&known, "For parties.");
    assert_eq!(findings.unmentioned, ["Fabric", "Occasion"]);
}

#[test]
fn a_fabric_claims_where_none_is_given_and_contradicts_where_another_is() {
    let checker = checker();
    let findings = checker.check(&Known::new("shirt"), "Made of soft cotton.");
    assert_eq!(findings.claims[0].kind, ClaimKind::Material);
    assert_eq!(findings.claims[0].text, "cotton");
    let findings = checker.check(&shirt("Fabric", "Cotton"), "Cotton with a satin lining.");
    assert_eq!(findings.claims[0].text, "satin");
    assert!(findings.contradicted.is_empty());
    assert!(
        checker
            .check(&Known::new("shirt"), "Smooth as silk.")
            .claims
            .is_empty()
    );
}

#[test]
fn findings_are_data() {
    let known = Known {
        banned: vec!["cheap".into()],
        ..shirt("Fabric", "Cotton")
    };
    let text = "A cheap linen shirt.";
    let findings = checker().check(&known, text);
    let json = serde_json::to_value(&findings).unwrap();
    assert_eq!(json["contradicted"][0]["attribute"], "Fabric");
    assert_eq!(
        json["banned"][0]["span"],
        serde_json::json!({"start": 2, "end": 7})
    );
    assert_eq!(
        findings.reasons().len(),
        findings.contradicted.len() + findings.claims.len() + 1
    );
}

fn spans(findings: &Findings) -> Vec<Span> {
    let contradicted = findings.contradicted.iter().map(|found| found.span);
    let claims = findings.claims.iter().map(|found| found.span);
    let banned = findings.banned.iter().map(|found| found.span);
    contradicted.chain(claims).chain(banned).collect()
}

/// Words in which the lexicon is dense, and some that are hard on a tokeniser.
const WORDS: [&str; 40] = [
    "sleeves",
    "long",
    "short-sleeved",
    "collar",
    "no",
    "without",
    "pair it with",
    "white",
    "trousers",
    "shirt",
    ",",
    ".",
    "?",
    "—",
    "in",
    "and",
    "or",
    "cotton",
    "silk",
    "made in",
    "Italy",
    "the best",
    "ever",
    "striped",
    "stripes",
    "slim",
    "fit",
    "İstanbul",
    "ß",
    "e\u{301}",
    "\u{200b}",
    "3/4",
    "100%",
    "$",
    "navy",
    "unlike",
    "it",
    "sleeve",
    "Nike",
    "\n",
];

proptest! {
    #[test]
    fn arbitrary_text_is_checked(
        text in "\\PC{0,200}",
        name in "\\PC{0,20}",
        value in "\\PC{0,20}",
        word in "\\PC{0,10}",
    ) {
        let known = Known { banned: vec![word], title: Some(value.clone()), ..shirt(&name, &value) };
        let findings = checker_once().check(&known, &text);
        for span in spans(&findings) {
            prop_assert!(span.start <= span.end && span.end <= text.len());
            prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
        }
    }

    #[test]
    fn words_in_any_order_are_checked_in_bounded_steps(
        words in vec(proptest::sample::select(&WORDS[..]), 0..120),
    ) {
        let text = words.join(" ");
        let known = shirt("Sleeve Length", "Long Sleeves").with("Colour", "White");
        let steps = Steps::default();
        let findings = checker_once().check_in_steps(&known, &text, &steps);
        prop_assert!(steps.count() <= STEPS_A_WORD * (text.len() as u64 + 1), "{}", steps.count());
        for span in spans(&findings) {
            prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
        }
        let stated = findings.mentioned.len() + findings.unmentioned.len();
        prop_assert!(stated <= known.attributes.len());
    }
}

/// The most steps that a byte of text may take.
const STEPS_A_WORD: u64 = 60;

fn checker_once() -> &'static Checker {
    static CHECKER: std::sync::OnceLock<Checker> = std::sync::OnceLock::new();
    CHECKER.get_or_init(checker)
}

#[test]
fn a_hundred_kilobytes_take_steps_in_proportion() {
    let known = shirt("Sleeve Length", "Long Sleeves").with("Colour", "White");
    for part in [
        "no stripes ",
        "pair with white sleeves ",
        "sleeve ",
        "a ",
        "the best shirt in the ",
        "made in Italy, ",
        "long or ",
        "x",
        "?",
        "\u{301}",
    ] {
        let text = part.repeat(100_000 / part.len());
        let steps = Steps::default();
        let findings = checker_once().check_in_steps(&known, &text, &steps);
        let most = STEPS_A_WORD * text.len() as u64;
        assert!(steps.count() <= most, "{part:?}: {} steps", steps.count());
        assert!(spans(&findings).iter().all(|span| span.end <= text.len()));
    }
}
