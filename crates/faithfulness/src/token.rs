//! The words of a text, with where they stand and what separates them.

use crate::findings::Span;
use crate::letters::{is_foreign, latin, plain_letter};
use crate::spelled::spelled_out;
use crate::unseen::is_unseen;
use crate::words::Words;

/// Signs of emphasis stand in rows of no more.
const MOST_SIGNS: usize = 3;

/// A word, number or sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// In lower case, without accents and apostrophes.
    pub word: String,
    /// The key of its forms.
    pub key: String,
    pub span: Span,
    /// What stands before it.
    pub gap: Gap,
    /// Which sentence it is in.
    pub sentence: usize,
    /// Whether it begins with a capital letter.
    pub capital: bool,
    /// Whether it ends a noun phrase.
    pub stop: bool,
}

/// What separates two words, from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    /// A hyphen, or nothing.
    Joined,
    Space,
    Comma,
    /// A dash, colon, semicolon or bracket.
    Break,
    /// The end of a sentence or line.
    End,
}

/// A text in tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    pub list: Vec<Token>,
    /// Which sentences are questions.
    pub questions: Vec<bool>,
}

impl Tokens {
    /// Whether `token` stands in a question.
    pub fn is_question(&self, token: usize) -> bool {
        self.list
            .get(token)
            .and_then(|token| self.questions.get(token.sentence))
            .copied()
            .unwrap_or_default()
    }

    /// The span from one token to another.
    pub fn span(&self, first: usize, last: usize) -> Span {
        match (self.list.get(first), self.list.get(last)) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => Span { start: 0, end: 0 },
        }
    }
}

/// The keys of the words of a phrase.
pub(crate) fn keys(phrase: &str, words: &Words) -> Vec<String> {
    // Nearly all words of a lexicon are such, and there are thousands.
    if !phrase.is_empty() && phrase.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return match words.seam(phrase) {
            Some(seam) => {
                let (head, tail) = phrase.split_at(seam);
                vec![words.key(head), words.key(tail)]
            }
            None => vec![words.key(phrase)],
        };
    }
    let tokens = tokenise(phrase, words).list;
    tokens.into_iter().map(|token| token.key).collect()
}

/// Takes a text apart. Linear in its length.
pub(crate) fn tokenise(text: &str, words: &Words) -> Tokens {
    let mut reader = Reader {
        chars: text.char_indices().collect(),
        at: 0,
        length: text.len(),
    };
    let mut tokens = Tokens {
        list: Vec::new(),
        questions: vec![false],
    };
    let mut gap = Gap::End;
    while let Some(&(start, c)) = reader.chars.get(reader.at) {
        if is_word(c) {
            let (word, capital) = reader.word();
            let span = Span {
                start,
                end: reader.offset(),
            };
            push(&mut tokens, words, word, span, gap, capital);
            gap = Gap::Joined;
        } else if let Some(word) = sign(c) {
            reader.at += 1;
            let span = Span {
                start,
                end: reader.offset(),
            };
            push(&mut tokens, words, word.to_owned(), span, gap, false);
            gap = Gap::Joined;
        } else {
            let said_no = tokens.list.last().is_some_and(|last| last.word == "no");
            gap = gap.max(reader.separator(said_no));
            let sentence = tokens.questions.len() - 1;
            if matches!(c, '?' | '？' | '؟') {
                tokens.questions[sentence] = true;
            }
            let begun = tokens
                .list
                .last()
                .is_some_and(|last| last.sentence == sentence);
            if gap == Gap::End && begun {
                tokens.questions.push(false);
            }
        }
    }
    spelled_out(tokens, words)
}

fn push(tokens: &mut Tokens, words: &Words, word: String, span: Span, gap: Gap, capital: bool) {
    let sentence = tokens.questions.len() - 1;
    let token = |word: &str, span, gap, capital| Token {
        key: words.key(word),
        stop: words.is_stop(word),
        word: word.to_owned(),
        span,
        gap,
        sentence,
        capital,
    };
    // Only where no letter has changed its length are the word's bytes the text's.
    let whole = word.is_ascii() && word.len() == span.end - span.start;
    match words.seam(&word).filter(|_| whole) {
        Some(seam) => {
            let (head, tail) = word.split_at(seam);
            let middle = span.start + seam;
            let head_span = Span {
                end: middle,
                ..span
            };
            let tail_span = Span {
                start: middle,
                ..span
            };
            tokens.list.push(token(head, head_span, gap, capital));
            tokens
                .list
                .push(token(tail, tail_span, Gap::Joined, capital));
        }
        None => tokens.list.push(token(&word, span, gap, capital)),
    }
}

struct Reader {
    chars: Vec<(usize, char)>,
    at: usize,
    length: usize,
}

impl Reader {
    fn char(&self, at: usize) -> Option<char> {
        self.chars.get(at).map(|&(_, c)| c)
    }

    /// The byte of the next character.
    fn offset(&self) -> usize {
        self.chars
            .get(self.at)
            .map_or(self.length, |&(byte, _)| byte)
    }

    /// Reads a word: letters, digits and marks; "3/4", "1,299.50" and "20%" are
    /// one, and so is a word with an apostrophe.
    fn word(&mut self) -> (String, bool) {
        let mut word = String::new();
        let capital = self.char(self.at).is_some_and(char::is_uppercase);
        while let Some(c) = self.char(self.at) {
            let before = self.at.checked_sub(1).and_then(|at| self.char(at));
            let next = self.char(self.at + 1);
            let between = |test: fn(char) -> bool| {
                !word.is_empty() && before.is_some_and(test) && next.is_some_and(test)
            };
            if is_word(c) {
                push_folded(&mut word, plain_letter(c).unwrap_or(c));
            } else if is_mark(c) && !is_unseen(c) {
                word.push(c);
            } else if c == '%' && before.is_some_and(|c| c.is_ascii_digit()) {
                word.push(c);
                self.at += 1;
                break;
            } else if matches!(c, '/' | '.' | ',') && between(|c| c.is_ascii_digit()) {
                word.push(c);
            } else if !(is_unseen(c) && !is_blank(c)
                || is_apostrophe(c) && between(char::is_alphabetic)
                || self.is_emphasis_within())
            {
                break;
            }
            self.at += 1;
        }
        if word.chars().any(is_foreign) && word.chars().any(|c| c.is_ascii_alphabetic()) {
            word = word.chars().map(|c| latin(c).unwrap_or(c)).collect();
        }
        (word, capital)
    }

    /// Whether a sign of emphasis stands here within a word: "si**lk**" is silk.
    fn is_emphasis_within(&self) -> bool {
        let is_sign = |c: char| matches!(c, '*' | '~');
        let mut behind = (self.at..=self.at + MOST_SIGNS).map_while(|at| self.char(at));
        behind.next().is_some_and(is_sign)
            && behind
                .find(|c| !is_sign(*c))
                .is_some_and(char::is_alphabetic)
    }

    /// Steps over a character that is no word's, and says how far it separates.
    fn separator(&mut self, said_no: bool) -> Gap {
        let c = self.char(self.at).unwrap_or(' ');
        let near = |at: Option<usize>| at.and_then(|at| self.char(at)).is_some_and(is_word);
        let after_word = near(self.at.checked_sub(1));
        let before_word = near(self.at.checked_add(1));
        let before_number = [1, 2].iter().any(|step| {
            self.char(self.at + step)
                .is_some_and(|c| c.is_ascii_digit())
        });
        self.at += 1;
        match c {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => Gap::End,
            '.' if said_no && before_number => Gap::Space,
            '.' if after_word && before_word => Gap::Break,
            '.' | '!' | '?' | '。' | '！' | '？' | '।' | '؟' => Gap::End,
            '-' | '_' | '\u{2010}' | '\u{2011}' | '\u{2212}' if after_word && before_word => {
                Gap::Joined
            }
            '\u{2012}' | '\u{2013}' if after_word && before_word => Gap::Joined,
            '-' | '_' | '\u{2010}' | '\u{2011}' if after_word => Gap::Space,
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' => Gap::Break,
            ',' | '/' | '、' | '，' | '،' => Gap::Comma,
            ';' | ':' | '：' | '；' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '|' | '•'
            | '·' | '*' | '…' | '»' | '«' | '→' | '~' | '=' | '✓' => Gap::Break,
            _ => Gap::Space,
        }
    }
}

/// Some blanks are letters by their class alone.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() && !is_unseen(c)
}

/// What is not seen and yet as wide as a letter parts words as a space does.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{115F}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}'
    )
}

/// Marks that belong to the letter before them: accents, and the vowel signs of
/// Indic scripts, of which not all count as letters.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{900}'..='\u{963}' | '\u{966}'..='\u{DFF}')
        || matches!(c, '\u{E31}' | '\u{E34}'..='\u{E4E}' | '\u{64B}'..='\u{65F}')
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '\u{2BC}')
}

/// Signs that are words.
fn sign(c: char) -> Option<&'static str> {
    Some(match c {
        '&' | '+' => "and",
        '%' => "percent",
        '#' => "#",
        '$' => "$",
        '€' => "€",
        '£' => "£",
        '₹' => "₹",
        '¥' => "¥",
        '®' | '™' => "™",
        _ => return None,
    })
}

/// Adds `c` in lower case without its accent.
fn push_folded(word: &mut String, c: char) {
    for c in c.to_lowercase() {
        match c {
            'à'..='å' | 'ā' | 'ă' => word.push('a'),
            'ç' | 'ć' | 'č' => word.push('c'),
            'è'..='ë' | 'ē' | 'ę' | 'ě' => word.push('e'),
            'ì'..='ï' | 'ī' => word.push('i'),
            'ñ' | 'ń' | 'ň' => word.push('n'),
            'ò'..='ö' | 'ō' | 'ø' => word.push('o'),
            'ù'..='ü' | 'ū' => word.push('u'),
            'ý' | 'ÿ' => word.push('y'),
            'š' | 'ś' => word.push('s'),
            'ž' | 'ź' | 'ż' => word.push('z'),
            'ß' => word.push_str("ss"),
            // What is left of a letter that was an accent apart.
            '\u{300}'..='\u{36F}' => {}
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::Lexicon;

    fn english() -> Words {
        let lexicon = Lexicon::english();
        let mut words = Words::new(&lexicon.inflection, &lexicon.structure.stops);
        words.learn("crew");
        words
    }

    fn words_of(text: &str) -> Vec<String> {
        let tokens = tokenise(text, &english()).list;
        tokens.into_iter().map(|token| token.word).collect()
    }

    #[test]
    fn words_numbers_and_signs() {
        assert_eq!(
            words_of("Long-sleeved V-neck"),
            ["long", "sleeved", "v", "neck"]
        );
        assert_eq!(
            words_of("3/4th sleeves, 100% cotton"),
            ["3/4th", "sleeves", "100%", "cotton"]
        );
        assert_eq!(
            words_of("it isn't the wearer's"),
            ["it", "isnt", "the", "wearers"]
        );
        assert_eq!(
            words_of("₹1,299.50 & more"),
            ["₹", "1,299.50", "and", "more"]
        );
        assert_eq!(words_of("décolleté"), ["decollete"]);
        assert_eq!(words_of("co\u{200b}tt\u{ad}on"), ["cotton"]);
        assert_eq!(words_of("crewneck"), ["crew", "neck"]);
        assert_eq!(words_of("सूती कपड़ा।"), ["सूती", "कपड़ा"]);
        assert!(words_of(" …!? ").is_empty());
    }

    #[test]
    fn what_looks_like_a_word_is_that_word() {
        for text in [
            "\u{455}ilk",
            "S I L K",
            "s-i-l-k",
            "si**lk**",
            "ｓｉｌｋ",
            "𝘀𝗶𝗹𝗸",
            "si\u{E0100}l\u{34F}k\u{2800}",
        ] {
            assert_eq!(words_of(text), ["silk"], "{text}");
        }
        let text = "the S I L K feels";
        let tokens = tokenise(text, &english()).list;
        assert_eq!(tokens[1].span.of(text), "S I L K");
        // An article before the letters may be one of them.
        let text = "in a S I L K shirt";
        let tokens = tokenise(text, &english()).list;
        let read: Vec<&str> = tokens.iter().map(|token| token.span.of(text)).collect();
        assert_eq!(read, ["in", "a S I L K", "S I L K", "shirt"]);
        assert_eq!(
            words_of("a S I L K shirt, I L O V E it"),
            ["asilk", "silk", "shirt", "ilove", "love", "it"]
        );
        let mut words = english();
        words.learn("acrylic");
        let tokens = tokenise("A C R Y L I C", &words).list;
        assert_eq!(tokens.len(), 1);
        assert_eq!(words_of("a X L"), ["axl"]);
        // Words of another script, lists and a letter's shape stay what they are.
        assert_eq!(words_of("рост"), ["рост"]);
        assert_eq!(words_of("silk\u{3164}shirt"), ["silk", "shirt"]);
        assert_eq!(words_of("S, M, L"), ["s", "m", "l"]);
        assert_eq!(words_of("in a V"), ["in", "a", "v"]);
        assert_eq!(words_of("2*3 cotton * silk"), ["2", "3", "cotton", "silk"]);
    }

    #[test]
    fn the_keys_of_a_plain_word_are_those_of_its_tokens() {
        let words = english();
        for word in ["stripes", "crewneck", "neck", "xyz", "s"] {
            let tokens = tokenise(word, &words).list.into_iter();
            let expected: Vec<String> = tokens.map(|token| token.key).collect();
            assert_eq!(keys(word, &words), expected, "{word}");
        }
    }

    #[test]
    fn spans_are_those_of_the_text() {
        let text = "Ünder “Crewneck”, çà 50 %!";
        for token in tokenise(text, &english()).list {
            assert!(text.is_char_boundary(token.span.start), "{token:?}");
            assert!(!token.span.of(text).is_empty(), "{token:?}");
        }
        let tokens = tokenise(text, &english()).list;
        assert_eq!(tokens[1].span.of(text), "Crew");
        assert_eq!(tokens[2].span.of(text), "neck");
    }

    #[test]
    fn gaps_are_as_strong_as_what_stands_there() {
        let gaps = |text: &str| -> Vec<Gap> {
            let tokens = tokenise(text, &english()).list;
            tokens.into_iter().skip(1).map(|token| token.gap).collect()
        };
        assert_eq!(
            gaps("red-hot tea, cold; end"),
            [Gap::Joined, Gap::Space, Gap::Comma, Gap::Break]
        );
        assert_eq!(gaps("a. b — c\nd"), [Gap::End, Gap::Break, Gap::End]);
        assert_eq!(gaps("short- or long"), [Gap::Space, Gap::Space]);
        assert_eq!(gaps("no. 1"), [Gap::Space]);
        assert_eq!(gaps("red/white"), [Gap::Comma]);
    }

    #[test]
    fn questions_are_known() {
        let tokens = tokenise("Tired of stripes? Not here. Ok", &english());
        assert!(tokens.is_question(2));
        assert!(!tokens.is_question(3));
        assert!(!tokens.is_question(9));
        assert_eq!(tokens.questions, [true, false, false]);
    }
}
