//! The scripts of languages, and whether a text is written in one.

/// The writing of a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// With all its accents.
    Latin,
    /// Russian's, Ukrainian's.
    Cyrillic,
    /// Arabic's, Persian's.
    Arabic,
    /// Hindi's.
    Devanagari,
    /// Bengali's.
    Bengali,
    /// Tamil's.
    Tamil,
    /// Korean's.
    Hangul,
    /// Chinese characters among kana.
    Japanese,
    /// Chinese characters of the mainland.
    SimplifiedHan,
    /// Chinese characters of Taiwan and Hong Kong.
    TraditionalHan,
}

/// In a text with fewer letters there may be names alone.
const FEWEST_LETTERS: usize = 4;
/// A Japanese text with so many letters has kana, which Chinese never has.
const FEWEST_WITH_KANA: usize = 20;

/// Characters that texts about clothes often hold, of which the two ways to write Chinese
/// each have one: simplified, traditional, simplified, …
const PAIRS: &str = "这這们們来來时時会會对對说說学學为為发發过過东東车車长長门門问問见見风風让讓质質\
                     适適领領圆圓条條纹紋裤褲装裝衬襯丝絲绒絨线線织織纯純蓝藍红紅绿綠黄黃轻輕软軟\
                     凉涼宽寬紧緊设設计計简簡约約单單场場办辦选選择擇节節饰飾细細优優业業动動从從\
                     无無样樣换換柜櫃觉覺体體显顯";

impl Script {
    /// Whether words have no space between them, so that a length is one in characters.
    pub fn is_unspaced(self) -> bool {
        matches!(
            self,
            Script::Japanese | Script::SimplifiedHan | Script::TraditionalHan
        )
    }

    /// Whether its characters are twice as wide as Latin ones, so that half as many fit into
    /// the same place.
    pub fn is_wide(self) -> bool {
        self.is_unspaced() || self == Script::Hangul
    }

    /// Whether a text is written in this script, names and words of others among it. It
    /// looks at scripts alone: German is as Latin as English.
    pub fn is_that_of(self, text: &str) -> bool {
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        if letters < FEWEST_LETTERS {
            return true;
        }
        let own = text
            .chars()
            .filter(|c| c.is_alphabetic() && self.has(*c))
            .count();
        if own * 2 < letters {
            return false;
        }
        let kana = text.chars().filter(|c| is_kana(*c)).count();
        match self {
            Script::Japanese => kana > 0 || letters < FEWEST_WITH_KANA,
            Script::SimplifiedHan => kana * 10 <= letters && !is_rather_traditional(text),
            Script::TraditionalHan => kana * 10 <= letters && !is_rather_simplified(text),
            _ => true,
        }
    }

    fn has(self, c: char) -> bool {
        match self {
            Script::Latin => matches!(
                c,
                'a'..='z' | 'A'..='Z' | '\u{AA}' | '\u{BA}' | '\u{C0}'..='\u{24F}'
                    | '\u{1E00}'..='\u{1EFF}'
            ),
            Script::Cyrillic => matches!(c, '\u{400}'..='\u{52F}'),
            Script::Arabic => matches!(
                c,
                '\u{600}'..='\u{6FF}' | '\u{750}'..='\u{77F}' | '\u{8A0}'..='\u{8FF}'
                    | '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
            ),
            Script::Devanagari => matches!(c, '\u{900}'..='\u{97F}'),
            Script::Bengali => matches!(c, '\u{980}'..='\u{9FF}'),
            Script::Tamil => matches!(c, '\u{B80}'..='\u{BFF}'),
            Script::Hangul => matches!(
                c,
                '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}' | '\u{AC00}'..='\u{D7AF}'
            ),
            Script::Japanese => is_kana(c) || is_han(c),
            Script::SimplifiedHan | Script::TraditionalHan => is_han(c),
        }
    }
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{FF66}'..='\u{FF9F}')
}

fn is_han(c: char) -> bool {
    matches!(
        c,
        '\u{3005}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
    )
}

fn is_rather_traditional(text: &str) -> bool {
    let (simplified, traditional) = of_either(text);
    traditional > simplified
}

fn is_rather_simplified(text: &str) -> bool {
    let (simplified, traditional) = of_either(text);
    simplified > traditional
}

/// How many characters are of the one way to write Chinese alone, and of the other.
fn of_either(text: &str) -> (usize, usize) {
    let mut counts = (0, 0);
    for c in text.chars() {
        match PAIRS.chars().position(|known| known == c) {
            Some(place) if place.is_multiple_of(2) => counts.0 += 1,
            Some(_) => counts.1 += 1,
            None => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LANGUAGES;

    #[test]
    fn names_in_another_script_are_no_other_script() {
        let text = "Синяя рубашка Classic Navy из хлопка Supima, размер M.";
        assert!(Script::Cyrillic.is_that_of(text));
        assert!(!Script::Latin.is_that_of(text));
        assert!(Script::Latin.is_that_of("A shirt, クール ビズ, for the office."));
        assert!(Script::Devanagari.is_that_of("XXL"));
        assert!(Script::Arabic.is_that_of(""));
    }

    #[test]
    fn japanese_is_told_from_chinese() {
        let chinese = "适合长夜的蓝色纯棉衬衫，柔软透气，轻松搭配各种裤装，一年四季都能穿。";
        assert!(!Script::Japanese.is_that_of(chinese));
        let japanese = "長い夜に似合う青いコットンのシャツ。やわらかな肌ざわりで、毎日着られます。";
        assert!(Script::Japanese.is_that_of(japanese));
        assert!(!Script::SimplifiedHan.is_that_of(japanese));
        assert!(!Script::TraditionalHan.is_that_of(japanese));
        assert!(Script::Japanese.is_that_of("青色長袖"));
    }

    #[test]
    fn the_pairs_are_pairs_and_each_character_is_there_once() {
        let characters: Vec<char> = PAIRS.chars().collect();
        assert_eq!(characters.len() % 2, 0);
        for (place, c) in characters.iter().enumerate() {
            assert!(Script::SimplifiedHan.has(*c), "{c:?}");
            assert!(!characters[..place].contains(c), "{c}");
        }
    }

    #[test]
    fn a_language_s_own_name_is_no_reason_to_find_fault() {
        for language in LANGUAGES {
            assert!(language.script.is_that_of("1234 – 5"), "{language:?}");
        }
    }
}
