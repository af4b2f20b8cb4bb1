use std::path::Path;

use super::*;
use crate::settings::Settings;

fn read(pairs: &[(&str, &str)]) -> Result<Wording, SettingsError> {
    let settings = Settings::read(|name| {
        let pair = pairs.iter().find(|(key, _)| *key == name);
        pair.map(|(_, value)| (*value).to_owned())
    });
    settings.map(|settings| settings.wording)
}

/// With a template in a file of this name, which is gone afterwards.
fn with_template(name: &str, text: &str, pairs: &[(&str, &str)]) -> Result<Wording, SettingsError> {
    let file = format!("describe-product-{}-{name}.txt", std::process::id());
    let path = std::env::temp_dir().join(file);
    std::fs::write(&path, text).unwrap();
    let mut all = vec![(PROMPT_TEMPLATE.name, path.to_str().unwrap())];
    all.extend(pairs);
    let wording = read(&all);
    remove(&path);
    wording
}

fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap();
}

#[test]
fn wishes_are_read() {
    let style = read(&[
        ("BRAND_VOICE", "Warm\nand  plain."),
        ("DESCRIPTION_WORDS", " 40 - 60 "),
        ("DESCRIPTION_LANGUAGE", "DE"),
        ("BANNED_WORDS", "cheap, must  have,\ncheap,,安い"),
    ])
    .unwrap()
    .style;
    assert_eq!(style.voice.as_deref(), Some("Warm and plain."));
    assert_eq!(style.audience, None);
    assert_eq!(style.words, 40..=60);
    assert_eq!(style.language.name, "German");
    assert_eq!(style.banned_words, ["cheap", "must have", "安い"]);
}

#[test]
fn without_wishes_the_defaults_hold() {
    let wording = read(&[]).unwrap();
    assert_eq!(wording.style.words, 80..=150);
    assert_eq!(wording.style.language.code, "en");
    assert!(wording.style.banned_words.is_empty());
}

#[test]
fn a_wrong_wish_names_its_variable() {
    let long = "word ".repeat(300);
    let many: String = (0..501).map(|number| format!("w{number},")).collect();
    for (name, value) in [
        ("BRAND_VOICE", long.as_str()),
        ("AUDIENCE", long.as_str()),
        ("DESCRIPTION_WORDS", "80"),
        ("DESCRIPTION_WORDS", "150-80"),
        ("DESCRIPTION_WORDS", "1-80"),
        ("DESCRIPTION_WORDS", "80-many"),
        ("DESCRIPTION_LANGUAGE", "tlh"),
        ("BANNED_WORDS", "cheap, !!"),
        ("BANNED_WORDS", "\"cheap\""),
        ("BANNED_WORDS", long.as_str()),
        ("BANNED_WORDS", many.as_str()),
        ("PROMPT_TEMPLATE", "/no/such/file.txt"),
    ] {
        let error = read(&[(name, value)]).unwrap_err();
        assert_eq!(error.variable, name, "{error}");
    }
    let error = read(&[("DESCRIPTION_LANGUAGE", "tlh")]).unwrap_err();
    assert!(error.reason.contains("en, ar,"), "{error}");
}

#[test]
fn a_template_of_one_s_own_is_used() {
    let text = "Write in {{language}} of what is {{attributes}}.\n";
    let wording = with_template("own", text, &[("DESCRIPTION_LANGUAGE", "fr")]).unwrap();
    let prompt = wording.prompt("shirt", &Default::default(), &Default::default());
    assert_eq!(
        prompt.system,
        "Write in French of what is between <product_attributes> and </product_attributes>."
    );
}

#[test]
fn a_template_that_asks_for_no_number_of_words_needs_no_room_for_it() {
    let few = [("MAX_TOKENS", "100")];
    with_template("no-words", "One line of {{attributes}}.", &few).unwrap();
    let asking = "{{words}} words of {{attributes}}.";
    let error = with_template("words", asking, &few).unwrap_err();
    assert_eq!(error.variable, "MAX_TOKENS");
}

#[test]
fn a_file_that_is_no_text_for_a_writer_says_why() {
    let with = |name: &str, text: &str| with_template(name, text, &[]);
    let long = format!("{{{{attributes}}}}\n{}", "word ".repeat(1_000_000));
    for (name, text, words) in [
        ("nul", "{{attributes}}\nWrite\0.", "U+0000 in line 2"),
        ("esc", "\u{1b}[1m{{attributes}}", "U+001B in line 1"),
        ("long", long.as_str(), "more than 65536 bytes"),
    ] {
        let error = with(name, text).unwrap_err();
        assert_eq!(error.variable, "PROMPT_TEMPLATE");
        assert!(error.reason.contains(words), "{error}");
    }
    // What an editor puts before a text is no part of it; a tab and a line's end are.
    let plain = "Write\tof {{attributes}}.\r\n";
    let marked = with("marked", &format!("\u{FEFF}{plain}")).unwrap();
    assert_eq!(marked, with("plain", plain).unwrap());
}

#[test]
fn a_template_that_can_t_be_used_says_why() {
    let error = with_template("unknown", "{{attributes}} {{tone}}", &[]).unwrap_err();
    assert_eq!(error.variable, "PROMPT_TEMPLATE");
    assert!(error.reason.contains("{{tone}}"), "{error}");
    let banned = [("BANNED_WORDS", "cheap")];
    let error = with_template("no-place", "{{attributes}}", &banned).unwrap_err();
    assert_eq!(error.variable, "PROMPT_TEMPLATE");
    for part in ["{{banned_words}}", "BANNED_WORDS"] {
        assert!(error.reason.contains(part), "{error}");
    }
    let hedge = [("LOW_CONFIDENCE", "hedge")];
    let error = with_template("no-hedge", "{{attributes}}", &hedge).unwrap_err();
    assert!(error.reason.contains("{{uncertain_attributes}}"), "{error}");
}
