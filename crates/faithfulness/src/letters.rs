//! Letters that look like others: what a reader takes for a word is that word.

/// The letters of a block of A-Z and a-z, as mathematical ones come in.
const LETTERS: u32 = 52;

/// Whether `c` looks like a Latin letter and belongs to another script.
pub(crate) fn is_foreign(c: char) -> bool {
    latin(c).is_some()
}

/// The letter of a-z that `c`, in lower case, looks like in either case, where it is one of
/// another script. After the confusables of Unicode Technical Standard 39, as far as shapes of
/// Greek, Cyrillic, Armenian and phonetic letters go.
pub(crate) fn latin(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' | 'ɑ' => 'a',
        'в' | 'β' | 'ь' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' | 'ɗ' => 'd',
        'е' | 'ε' | 'ҽ' => 'e',
        'ɡ' | 'ց' => 'g',
        'н' | 'һ' | 'հ' => 'h',
        'і' | 'ι' | 'ı' | 'ɩ' | 'ї' => 'i',
        'ј' | 'ϳ' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' | 'ɭ' => 'l',
        'м' | 'μ' => 'm',
        'η' | 'ո' | 'п' => 'n',
        'о' | 'ο' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' | 'ꜱ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'ζ' => 'z',
        _ => return None,
    })
}

/// The plain letter or digit of a full-width or mathematical one, which is the same letter in
/// another shape.
#[must_use]
pub fn plain_letter(c: char) -> Option<char> {
    let code = u32::from(c);
    let offset = |first: u32, base: u32| char::from_u32(base + (code - first));
    match code {
        0xFF10..=0xFF19 => offset(0xFF10, 0x30),
        0xFF21..=0xFF3A => offset(0xFF21, 0x41),
        0xFF41..=0xFF5A => offset(0xFF41, 0x61),
        0x1D400..=0x1D6A3 => {
            let letter = (code - 0x1D400) % LETTERS;
            let base = if letter < 26 { 0x41 } else { 0x61 - 26 };
            char::from_u32(base + letter)
        }
        0x1D7CE..=0x1D7FF => char::from_u32(0x30 + (code - 0x1D7CE) % 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_look_alike_are_the_latin_ones() {
        let read = |text: &str| -> String { text.chars().filter_map(latin).collect() };
        assert_eq!(read("ѕіо"), "sio");
        assert_eq!(latin('s'), None);
        assert!(!is_foreign('ж'));
    }

    #[test]
    fn other_shapes_of_letters_are_those_letters() {
        let read = |text: &str| -> String { text.chars().filter_map(plain_letter).collect() };
        assert_eq!(read("ｃｈｅａｐ"), "cheap");
        assert_eq!(read("Ｓ１"), "S1");
        assert_eq!(read("𝗶𝗴𝗻𝗼𝗿𝗲"), "ignore");
        assert_eq!(read("𝐒𝟗"), "S9");
        assert_eq!(plain_letter('s'), None);
    }
}
