//! Reading attribute sets from text.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use attributes::{AttributeSet, AttributeSetError, Value, question};

fn error(toml_text: &str) -> AttributeSetError {
    AttributeSet::parse(toml_text).unwrap_err()
}

#[test]
fn defaults_are_filled_in() {
    let set = AttributeSet::parse(
        "[[attribute]]\nname = ' Hem Line '\n[[attribute]]\nname = 'Fit'\n[[category]]\nname = 'coat'",
    )
    .unwrap();
    let hem = &set.attributes()[0];
    assert_eq!(
        (hem.name.as_str(), hem.words.as_str()),
        ("Hem Line", "hem line")
    );
    assert!(hem.aliases.is_empty() && hem.values.is_empty());
    let (noun, asked) = set.attributes_of("COAT");
    assert_eq!(noun, "coat");
    assert_eq!(asked, set.attributes().iter().collect::<Vec<_>>());
}

#[test]
fn values_with_and_without_synonyms() {
    let set = AttributeSet::parse(
        "[[attribute]]\nname = 'Hem'\nvalues = ['Curved', { name = 'Straight', synonyms = ['Level'] }]",
    )
    .unwrap();
    let hem = set.attribute("hem").unwrap();
    let expected = [
        Value {
            name: "Curved".to_owned(),
            synonyms: vec![],
        },
        Value {
            name: "Straight".to_owned(),
            synonyms: vec!["Level".to_owned()],
        },
    ];
    assert_eq!(hem.values, expected);
    assert_eq!(hem.value("LEVEL").unwrap().name, "Straight");
    assert_eq!(hem.value("wavy"), None);
}

#[test]
fn the_order_of_the_set_holds_in_every_category() {
    let set = AttributeSet::parse(
        "[[attribute]]\nname = 'B'\n[[attribute]]\nname = 'A'\naliases = ['First']\n\
         [[category]]\nname = 'coat'\nnoun = 'overcoat'\nattributes = ['first', 'b']",
    )
    .unwrap();
    let (noun, asked) = set.attributes_of("overcoat");
    let names: Vec<&str> = asked
        .iter()
        .map(|attribute| attribute.name.as_str())
        .collect();
    assert_eq!(
        (noun, names.as_slice()),
        ("overcoat", ["B", "A"].as_slice())
    );
    assert_eq!(set.categories()[0].attributes, ["B", "A"]);
    assert_eq!(
        question(asked[0], noun),
        "What is the b of the overcoat in this picture?"
    );
}

#[test]
fn an_empty_set_is_refused() {
    assert_eq!(error(""), AttributeSetError::NoAttributes);
    assert_eq!(
        error("# nothing\n[[category]]\nname = 'shirt'"),
        AttributeSetError::NoAttributes
    );
}

#[test]
fn toml_errors_say_where() {
    for (text, expected) in [
        ("[[attribute]\nname = 'Fit'", "line 1"),
        ("[[attribute]]\nwords = 'fit'", "missing field `name`"),
        (
            "[[attribute]]\nname = 'Fit'\nsynonyms = []",
            "unknown field `synonyms`",
        ),
        ("[[attributes]]\nname = 'Fit'", "unknown field `attributes`"),
        (
            "[[attribute]]\nname = 7",
            "invalid type: integer `7`, expected a string",
        ),
        (
            "[[attribute]]\nname = 'Fit'\nvalues = [7]",
            "a value is a text, or a table",
        ),
        (
            "[[attribute]]\nname = 'Fit'\nvalues = [{ nam = 'Slim' }]",
            "a value is a text, or a table",
        ),
        ("[[attribute]]\nname = 'Fit'\nname = 'Cut'", "duplicate key"),
    ] {
        let message = error(text).to_string();
        assert!(message.contains(expected), "{text:?}: {message}");
        assert!(message.contains("line "), "{text:?}: {message}");
    }
}

#[test]
fn empty_texts_name_entry_and_field() {
    for (text, expected) in [
        ("[[attribute]]\nname = ' '", "attribute number 1: `name`"),
        (
            "[[attribute]]\nname = 'A'\n[[attribute]]\nname = '--'",
            "attribute \"--\": `name`",
        ),
        (
            "[[attribute]]\nname = 'A'\nwords = ''",
            "attribute \"A\": `words`",
        ),
        (
            "[[attribute]]\nname = 'A'\naliases = ['B', '']",
            "attribute \"A\": `aliases`",
        ),
        (
            "[[attribute]]\nname = 'A'\nvalues = ['x', '\t']",
            "attribute \"A\": `values`",
        ),
        (
            "[[attribute]]\nname = 'A'\nvalues = [{name = 'x', synonyms = ['']}]",
            "\"A\": `synonyms`",
        ),
        (
            "[[attribute]]\nname = 'A'\n[[category]]\nname = ''",
            "category number 1: `name`",
        ),
        (
            "[[attribute]]\nname = 'A'\n[[category]]\nname = 'c'\nnoun = ''",
            "category \"c\": `noun`",
        ),
        (
            "[[attribute]]\nname = 'A'\n[[category]]\nname = 'c'\naliases = ['']",
            "\"c\": `aliases`",
        ),
    ] {
        let found = error(text);
        assert!(
            matches!(found, AttributeSetError::EmptyText { .. }),
            "{text:?}: {found:?}"
        );
        assert!(found.to_string().contains(expected), "{text:?}: {found}");
    }
}

#[test]
fn one_word_stands_for_one_thing() {
    for (text, expected) in [
        (
            "[[attribute]]\nname = 'Fit'\n[[attribute]]\nname = 'f-i-t'",
            "\"f-i-t\" in attribute \"f-i-t\" already stands for attribute \"Fit\"",
        ),
        (
            "[[attribute]]\nname = 'Colour'\naliases = ['Hue']\n[[attribute]]\nname = 'Hue'",
            "\"Hue\" in attribute \"Hue\" already stands for attribute \"Colour\"",
        ),
        (
            "[[attribute]]\nname = 'A'\n[[category]]\nname = 'top'\n[[category]]\nname = 'blouse'\nnoun = 'Top'",
            "\"Top\" in category \"blouse\" already stands for category \"top\"",
        ),
    ] {
        let found = error(text);
        assert!(
            matches!(found, AttributeSetError::DuplicateName { .. }),
            "{found:?}"
        );
        assert!(found.to_string().contains(expected), "{found}");
    }

    let found = error(
        "[[attribute]]\nname = 'Fit'\nvalues = ['Slim', {name = 'Tight', synonyms = ['SLIM']}]",
    );
    assert!(
        matches!(found, AttributeSetError::DuplicateValue { .. }),
        "{found:?}"
    );
    let expected = "attribute \"Fit\": \"SLIM\" stands for both \"Slim\" and \"Tight\" in `values`";
    assert_eq!(found.to_string(), expected);
}

#[test]
fn a_word_may_repeat_itself_within_its_owner() {
    let set = AttributeSet::parse(
        "[[attribute]]\nname = 'Fit'\naliases = ['fit']\nvalues = [{name = 'A', synonyms = ['a']}]",
    );
    assert!(set.is_ok(), "{set:?}");
}

#[test]
fn two_attributes_may_share_a_value() {
    let text =
        "[[attribute]]\nname = 'A'\nvalues = ['x']\n[[attribute]]\nname = 'B'\nvalues = ['x']";
    assert!(AttributeSet::parse(text).is_ok());
}

#[test]
fn a_name_with_a_colon_could_never_be_answered() {
    for name in ["A: B", "A：B"] {
        let found = error(&format!(
            "[[attribute]]\nname = 'Fit'\naliases = ['{name}']"
        ));
        assert!(
            matches!(found, AttributeSetError::ColonInName { .. }),
            "{found:?}"
        );
        assert!(found.to_string().contains("`aliases`"), "{found}");
    }
}

#[test]
fn categories_list_attributes_of_the_set_once() {
    let category = "[[attribute]]\nname = 'Fit'\naliases = ['Cut']\n[[category]]\nname = 'coat'\n";
    for (attributes, expected) in [
        (
            "['Collar']",
            "category \"coat\": `attributes` names \"Collar\", which is no [[attribute]]",
        ),
        (
            "['Fit', 'cut']",
            "category \"coat\": `attributes` lists \"Fit\" more than once",
        ),
        ("[]", "category \"coat\": `attributes` is empty"),
    ] {
        let found = error(&format!("{category}attributes = {attributes}"));
        assert!(found.to_string().starts_with(expected), "{found}");
    }
}
