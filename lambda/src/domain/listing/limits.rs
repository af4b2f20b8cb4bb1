//! How long the texts of a listing are, and how many there are: the one table, which the
//! writer is told and the answer keeps.

use crate::domain::Style;

/// The bounds of a member of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The member's name, in the writer's JSON and in the answer.
    pub name: &'static str,
    /// The fewest texts; one where the member is no list.
    pub fewest_texts: usize,
    /// The most texts.
    pub most_texts: usize,
    /// The fewest characters of a text, by [`length`].
    pub shortest: usize,
    /// The most characters of a text, by [`length`].
    pub longest: usize,
}

const fn one_text(name: &'static str, shortest: usize, longest: usize) -> Limit {
    Limit {
        name,
        fewest_texts: 1,
        most_texts: 1,
        shortest,
        longest,
    }
}

/// What search results and shops show of a title.
pub const TITLE: Limit = one_text("title", 60, 80);
/// The points beside the picture.
pub const BULLETS: Limit = Limit {
    name: "bullets",
    fewest_texts: 5,
    most_texts: 5,
    shortest: 10,
    longest: 150,
};
/// The text of the page, whose length in words is the merchant's wish.
pub const DESCRIPTION: Limit = one_text("description", 1, 8_000);
/// What a shopper types.
pub const SEARCH_KEYWORDS: Limit = Limit {
    name: "search_keywords",
    fewest_texts: 5,
    most_texts: 15,
    shortest: 3,
    longest: 50,
};
/// What screen readers read in one go.
pub const ALT_TEXT: Limit = one_text("alt_text", 20, 125);
/// What search results show below the title.
pub const META_DESCRIPTION: Limit = one_text("meta_description", 70, 155);

/// All members, in their order.
pub const LIMITS: [Limit; 6] = [
    TITLE,
    BULLETS,
    DESCRIPTION,
    SEARCH_KEYWORDS,
    ALT_TEXT,
    META_DESCRIPTION,
];

impl Limit {
    /// What is wrong with the member, a sentence each.
    pub fn faults(self, texts: &[String]) -> Vec<String> {
        let name = self.name;
        let mut faults = Vec::new();
        let count = texts.len();
        if !(self.fewest_texts..=self.most_texts).contains(&count) {
            let must = range(self.fewest_texts, self.most_texts);
            faults.push(format!("{name} has {count} texts: it must have {must}."));
        }
        for text in texts {
            let length = length(text);
            if !(self.shortest..=self.longest).contains(&length) {
                let must = range(self.shortest, self.longest);
                faults.push(format!(
                    "A text of {name} has {length} characters, \"{text}\": it must have {must}."
                ));
            }
        }
        faults
    }

    /// Whether there is less of it than there should be.
    pub fn is_short(self, texts: &[String]) -> bool {
        texts.len() < self.fewest_texts || texts.iter().any(|text| length(text) < self.shortest)
    }

    /// The member, as the writer is told of it.
    fn told(self, style: &Style) -> String {
        let language = style.language;
        let size = if self == DESCRIPTION {
            language.length(&style.words)
        } else {
            let columns = if language.script.is_wide() { 2 } else { 1 };
            let characters = range(self.shortest.div_ceil(columns), self.longest / columns);
            format!("{characters} characters")
        };
        let name = self.name;
        if self.most_texts == 1 {
            return format!("\"{name}\": a text of {size}");
        }
        let count = range(self.fewest_texts, self.most_texts);
        format!("\"{name}\": a list of {count} texts of {size} each")
    }
}

/// All members, as the writer is told of them, one a line.
pub fn told(style: &Style) -> String {
    let lines: Vec<String> = LIMITS
        .iter()
        .map(|limit| format!("- {}", limit.told(style)))
        .collect();
    lines.join("\n")
}

fn range(from: usize, to: usize) -> String {
    if from == to {
        from.to_string()
    } else {
        format!("{from} to {to}")
    }
}

/// The length of a text in characters, of which those count twice that are twice as wide:
/// the limits come from places that are so wide and no wider.
pub fn length(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// What a character adds to a length.
pub fn width(c: char) -> usize {
    1 + usize::from(is_wide(c))
}

/// Characters of East Asian width, <https://www.unicode.org/reports/tr11/>.
fn is_wide(c: char) -> bool {
    matches!(
        c,
        '\u{1100}'..='\u{115F}'
            | '\u{2E80}'..='\u{303E}'
            | '\u{3041}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{A4CF}'
            | '\u{AC00}'..='\u{D7A3}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{FE30}'..='\u{FE4F}'
            | '\u{FF00}'..='\u{FF60}'
            | '\u{FFE0}'..='\u{FFE6}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn told_in(code: &str) -> String {
        let settings =
            Settings::read(|name| (name == "DESCRIPTION_LANGUAGE").then(|| code.to_owned()));
        told(&settings.unwrap().wording.style)
    }

    #[test]
    fn the_writer_is_told_every_limit() {
        let english = told_in("en");
        assert_eq!(english.lines().count(), LIMITS.len());
        for line in [
            "- \"title\": a text of 60 to 80 characters\n",
            "- \"bullets\": a list of 5 texts of 10 to 150 characters each\n",
            "- \"description\": a text of 80 to 150 words\n",
            "- \"search_keywords\": a list of 5 to 15 texts of 3 to 50 characters each\n",
            "- \"alt_text\": a text of 20 to 125 characters\n",
        ] {
            assert!(english.contains(line), "{english}");
        }
        let japanese = told_in("ja");
        for line in [
            "- \"title\": a text of 30 to 40 characters\n",
            "- \"description\": a text of 160 to 300 characters\n",
        ] {
            assert!(japanese.contains(line), "{japanese}");
        }
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(length("Hemd für Ä"), 10);
        assert_eq!(length("綿 シャツ"), 9);
        assert_eq!(length("셔츠"), 4);
    }

    #[test]
    fn what_is_too_short_too_long_or_too_many_is_said() {
        let texts = |count: usize, length: usize| vec!["a".repeat(length); count];
        assert!(TITLE.faults(&texts(1, 60)).is_empty());
        assert!(TITLE.faults(&texts(1, 80)).is_empty());
        let faults = TITLE.faults(&texts(1, 81));
        assert!(faults[0].contains("81 characters"), "{faults:?}");
        assert!(faults[0].contains("60 to 80"), "{faults:?}");
        let faults = BULLETS.faults(&texts(4, 20));
        assert_eq!(faults, ["bullets has 4 texts: it must have 5."]);
        assert!(BULLETS.is_short(&texts(4, 20)));
        assert!(BULLETS.is_short(&texts(5, 9)));
        assert!(!BULLETS.is_short(&texts(6, 200)));
    }
}
