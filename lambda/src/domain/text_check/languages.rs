//! `tests/data/languages.jsonl`: how texts in other languages than English are treated.

use indexmap::IndexMap;
use serde::Deserialize;

use super::tests::told;
use super::*;
use crate::domain::Language;
use crate::settings::Settings;

/// A language's texts.
#[derive(Deserialize)]
struct Fixture {
    code: String,
    /// About one garment.
    one: String,
    /// About several.
    many: String,
    /// The garment, as it stands in the one text and in the other.
    banned_one: String,
    banned_many: String,
    /// A text in a script that is not the language's.
    other_script: String,
}

fn fixtures() -> Vec<Fixture> {
    include_str!("../../../tests/data/languages.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn check(code: &str, banned: &str) -> TextCheck {
    let settings = Settings::read(|name| match name {
        "DESCRIPTION_LANGUAGE" => Some(code.to_owned()),
        "BANNED_WORDS" => Some(banned.to_owned()),
        _ => None,
    })
    .unwrap();
    TextCheck::new(&settings.attribute_set, &settings.wording.style)
}

#[test]
fn there_are_at_least_ten_languages_and_every_script() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 10);
    for language in crate::domain::LANGUAGES {
        let has_its_script = fixtures
            .iter()
            .any(|fixture| Language::of_code(&fixture.code).unwrap().script == language.script);
        assert!(has_its_script, "{language:?}");
    }
}

#[test]
fn a_text_in_the_language_s_script_passes_about_one_and_about_many() {
    let told = told(&[("Fabric", "Cotton")]);
    let subject = Subject {
        noun: "shirt",
        told: &told,
    };
    for fixture in fixtures().iter().filter(|fixture| fixture.code != "en") {
        let check = check(&fixture.code, "");
        for text in [&fixture.one, &fixture.many] {
            assert!(check.is_in_its_script(text), "{}: {text}", fixture.code);
            let findings = check.check(subject, text);
            assert!(findings.is_clean(), "{}: {findings:?}", fixture.code);
        }
    }
}

#[test]
fn an_answer_in_another_script_is_found() {
    for fixture in fixtures() {
        let check = check(&fixture.code, "");
        assert!(
            !check.is_in_its_script(&fixture.other_script),
            "{}",
            fixture.code
        );
        let name = Language::of_code(&fixture.code).unwrap().name;
        assert!(check.script_reason().contains(name), "{}", fixture.code);
    }
}

#[test]
fn a_banned_word_is_found_as_it_is_given_in_the_singular_and_the_plural() {
    let told = told(&[]);
    let subject = Subject {
        noun: "shirt",
        told: &told,
    };
    for fixture in fixtures() {
        for (text, word) in [
            (&fixture.one, &fixture.banned_one),
            (&fixture.many, &fixture.banned_many),
        ] {
            let findings = check(&fixture.code, word).check(subject, text);
            assert!(
                findings.banned.iter().any(|found| found.word == *word),
                "{}: {word}",
                fixture.code
            );
        }
    }
}

#[test]
fn attribute_lines_are_the_same_in_every_language() {
    let attributes: IndexMap<String, String> = [("Fabric".to_owned(), "Cotton".to_owned())].into();
    for fixture in fixtures() {
        let settings =
            Settings::read(|name| (name == "DESCRIPTION_LANGUAGE").then(|| fixture.code.clone()))
                .unwrap();
        let prompt = settings
            .wording
            .prompt("shirt", &attributes, &IndexMap::new());
        assert_eq!(
            prompt.user,
            "<product_attributes>\nFabric: Cotton\n</product_attributes>"
        );
        let language = settings.wording.style.language;
        assert!(prompt.system.contains(language.name), "{}", fixture.code);
        let length = language.length(&settings.wording.style.words);
        assert!(prompt.system.contains(&length), "{}", prompt.system);
    }
}
