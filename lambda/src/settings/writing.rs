//! The settings of what the writer is told, and what it is not told.

use std::ops::RangeInclusive;

use super::{
    AUDIENCE, BANNED_WORDS, BRAND_VOICE, CONFIDENCE_FLOOR, DESCRIPTION_LANGUAGE, DESCRIPTION_WORDS,
    Environment, LOW_CONFIDENCE, MAX_TOKENS, PROMPT_TEMPLATE, SettingsError, Variable,
    template_file,
};
use crate::domain::{
    Certainty, LANGUAGES, Language, LowConfidence, PromptTemplate, Slot, Style, Wording,
};

/// The most characters of a wish: it is read with every product.
const LONGEST_WISH: usize = 1_000;
/// The most banned words, and the most characters of one.
const MOST_BANNED_WORDS: usize = 500;
const LONGEST_BANNED_WORD: usize = 100;
/// The bounds of a description's length in words.
const WORDS: RangeInclusive<u32> = 10..=2_000;

/// Reads when an attribute is sure enough.
pub(super) fn certainty<L>(environment: &Environment<L>) -> Result<Certainty, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let text = environment.text(&CONFIDENCE_FLOOR);
    let floor = match text.parse::<f64>() {
        Ok(floor) if (0.0..=1.0).contains(&floor) => floor,
        _ => return Err(CONFIDENCE_FLOOR.wrong(format!("is {text:?}, must be from 0 to 1"))),
    };
    let low = match environment.text(&LOW_CONFIDENCE).as_str() {
        "leave-out" => LowConfidence::LeaveOut,
        "hedge" => LowConfidence::Hedge,
        other => {
            return Err(
                LOW_CONFIDENCE.wrong(format!("is {other:?}, must be \"leave-out\" or \"hedge\""))
            );
        }
    };
    Ok(Certainty { floor, low })
}

/// Reads how descriptions are asked for, and the file of `PROMPT_TEMPLATE` if set.
pub(super) fn wording<L>(
    environment: &Environment<L>,
    low: LowConfidence,
) -> Result<Wording, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let style = Style {
        voice: wish(environment, &BRAND_VOICE)?,
        audience: wish(environment, &AUDIENCE)?,
        words: words(environment)?,
        language: language(environment)?,
        banned_words: banned_words(environment)?,
    };
    let listing = PromptTemplate::of_listings()
        .map_err(|error| PROMPT_TEMPLATE.wrong(format!("the built-in one of listings: {error}")))?;
    let Some(path) = environment.optional(&PROMPT_TEMPLATE) else {
        let template = PromptTemplate::embedded()
            .map_err(|error| PROMPT_TEMPLATE.wrong(format!("the built-in one: {error}")))?;
        return Ok(Wording {
            template,
            listing,
            style,
        });
    };
    let template = template_file::read(&path)?;
    let is_set = |variable: &Variable| environment.get(variable.name).is_some();
    let hedges = low == LowConfidence::Hedge;
    for (variable, slot, needed) in [
        (&BRAND_VOICE, Slot::Voice, is_set(&BRAND_VOICE)),
        (&AUDIENCE, Slot::Audience, is_set(&AUDIENCE)),
        (&DESCRIPTION_WORDS, Slot::Words, is_set(&DESCRIPTION_WORDS)),
        (
            &DESCRIPTION_LANGUAGE,
            Slot::Language,
            is_set(&DESCRIPTION_LANGUAGE),
        ),
        (&BANNED_WORDS, Slot::BannedWords, is_set(&BANNED_WORDS)),
        (&LOW_CONFIDENCE, Slot::UncertainAttributes, hedges),
    ] {
        if needed && !template.has(slot) {
            return Err(PROMPT_TEMPLATE.wrong(format!(
                "{path:?} has no {}, which {} needs",
                slot.placeholder(),
                variable.name
            )));
        }
    }
    Ok(Wording {
        template,
        listing,
        style,
    })
}

/// Checks that the most words that are asked for have room in `max_tokens`. A word is a token
/// at the least, in whatever language; as a rule it is more. A template of one's own may ask for
/// no number of words.
pub(super) fn check_room(wording: &Wording, max_tokens: u32) -> Result<(), SettingsError> {
    let most = *wording.style.words.end();
    if wording.template.has(Slot::Words) && max_tokens < most {
        return Err(MAX_TOKENS.wrong(format!(
            "is {max_tokens}, which has no room for the {most} words of DESCRIPTION_WORDS: a word \
             takes one token or more, in English four for three words; raise it, or ask for fewer \
             words"
        )));
    }
    Ok(())
}

/// A wish on one line.
fn wish<L>(
    environment: &Environment<L>,
    variable: &Variable,
) -> Result<Option<String>, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let Some(text) = environment.optional(variable) else {
        return Ok(None);
    };
    let characters = text.chars().count();
    if characters > LONGEST_WISH {
        return Err(variable.wrong(format!(
            "has {characters} characters, must have at most {LONGEST_WISH}"
        )));
    }
    Ok(Some(text.split_whitespace().collect::<Vec<_>>().join(" ")))
}

fn words<L>(environment: &Environment<L>) -> Result<RangeInclusive<u32>, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let text = environment.text(&DESCRIPTION_WORDS);
    let number = |text: &str| {
        let number: Option<u32> = text.trim().parse().ok();
        number.filter(|number| WORDS.contains(number))
    };
    text.split_once('-')
        .and_then(|(from, to)| Some(number(from)?..=number(to)?))
        .filter(|words| !words.is_empty())
        .ok_or_else(|| {
            DESCRIPTION_WORDS.wrong(format!(
                "is {text:?}, must be the fewest and the most words, as in \"80-150\", from {} \
                 to {}",
                WORDS.start(),
                WORDS.end()
            ))
        })
}

fn language<L>(environment: &Environment<L>) -> Result<Language, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let code = environment.text(&DESCRIPTION_LANGUAGE);
    Language::of_code(&code).ok_or_else(|| {
        let codes: Vec<&str> = LANGUAGES.iter().map(|language| language.code).collect();
        DESCRIPTION_LANGUAGE.wrong(format!("is {code:?}, must be one of {}", codes.join(", ")))
    })
}

fn banned_words<L>(environment: &Environment<L>) -> Result<Vec<String>, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let text = environment.text(&BANNED_WORDS);
    let mut words: Vec<String> = Vec::new();
    for word in text.split([',', '\n']) {
        let word = word.split_whitespace().collect::<Vec<_>>().join(" ");
        if word.is_empty() || words.contains(&word) {
            continue;
        }
        if !word.chars().any(char::is_alphanumeric) || word.contains('"') {
            return Err(BANNED_WORDS.wrong(format!(
                "holds {word:?}, must be words or phrases with commas between them, without \
                 quotation marks"
            )));
        }
        if word.chars().count() > LONGEST_BANNED_WORD {
            return Err(BANNED_WORDS.wrong(format!(
                "holds a word of more than {LONGEST_BANNED_WORD} characters: separate words by \
                 commas"
            )));
        }
        words.push(word);
    }
    if words.len() > MOST_BANNED_WORDS {
        return Err(BANNED_WORDS.wrong(format!(
            "has {} words, must have at most {MOST_BANNED_WORDS}",
            words.len()
        )));
    }
    Ok(words)
}

#[cfg(test)]
mod tests;
