//! Words to the one who asked for a text, or about the task. What a shopper may read begins with
//! the same words now and then ("Of course, blue goes with all", "Here is a shirt"), so that they
//! count beside what is said of a text only.

/// How a reply begins that is no text for a page.
const OPENINGS: [&str; 18] = [
    "sure!",
    "sure thing!",
    "certainly!",
    "of course!",
    "absolutely!",
    "okay!",
    "ok!",
    "understood.",
    "understood!",
    "understood,",
    "i'm sorry",
    "i’m sorry",
    "i am sorry",
    "i apologize",
    "i apologise",
    "thank you for your",
    "thanks for your",
    "description:",
];
/// What opens a reply, and an ordinary sentence as well: what follows tells.
const AGREEING: [&str; 9] = [
    "sure,",
    "sure thing,",
    "certainly,",
    "of course,",
    "absolutely,",
    "okay,",
    "ok,",
    "sorry,",
    "sure.",
];
/// How one who was asked goes on behind such an opening.
const ANSWERING: [&str; 10] = [
    "i ",
    "i'",
    "i’",
    "but i ",
    "but i'",
    "but i’",
    "let me",
    "as you asked",
    "as you requested",
    "as you wish",
];
/// What presents something, where the sentence says that it is a text.
const PRESENTING: [&str; 6] = [
    "here is",
    "here's",
    "here’s",
    "here are",
    "here comes",
    "below is",
];
/// What is presented so.
const PRESENTED: [&str; 17] = [
    "description",
    "descriptions",
    "the text",
    "your text",
    "product text",
    "the copy",
    "product copy",
    "listing",
    "prompt",
    "instructions",
    "poem about",
    "poem on",
    "poem for",
    "your poem",
    "the poem",
    "a poem:",
    "json",
];
/// Ends what is presented: behind it stands what it is like.
const DETAILS: [&str; 12] = [
    "with", "whose", "that", "which", "who", "in", "of", "from", "as", "to", "where", "when",
];
/// How the line begins, in the languages of texts, that only introduces what follows.
const INTRODUCING: [&str; 34] = [
    "here",
    "below",
    "following",
    "the following",
    "hier",
    "nachfolgend",
    "folgend",
    "im folgenden",
    "voici",
    "voilà",
    "ci-dessous",
    "aquí",
    "a continuación",
    "este es",
    "aqui",
    "segue",
    "abaixo",
    "ecco",
    "di seguito",
    "oto",
    "poniżej",
    "вот",
    "ниже",
    "här",
    "her er",
    "tässä",
    "işte",
    "aşağıda",
    "இதோ",
    "여기",
    "إليك",
    "فيما يلي",
    "यहाँ",
    "এখানে",
];
/// Words for a text of this sort, in those languages: a name of a product holds none.
const TEXTS: [&str; 29] = [
    "description",
    "descripción",
    "descrição",
    "descrizione",
    "beschreibung",
    "beschrijving",
    "beskrivelse",
    "beskrivning",
    "kuvaus",
    "opis produktu",
    "описание",
    "açıklama",
    "tanım",
    "وصف",
    "विवरण",
    "বিবরণ",
    "விளக்கம்",
    "説明",
    "描述",
    "설명",
    "以下",
    "下面",
    "다음",
    "商品文",
    "紹介文",
    "produkttext",
    "product copy",
    "product text",
    "product listing",
];
/// The last words of a line that introduces.
const ENDING: [&str; 10] = [
    "text",
    "texte",
    "texto",
    "testo",
    "tekst",
    "teksti",
    "opis",
    "текст",
    "metin",
    "النص",
];
/// Words about the task, which no shopper is told.
const TASK: [&str; 35] = [
    "banned words",
    "system prompt",
    "my prompt",
    "my instructions",
    "your instructions",
    "previous instructions",
    "instructions above",
    "the rules i was given",
    "as an ai",
    "ai assistant",
    "language model",
    "you are an expert writer",
    "product_attributes",
    "uncertain_attributes",
    "let me know if",
    "i hope this helps",
    "i hope this is what",
    "i hope this meets your",
    "i hope this fits your",
    "i hope this suits your",
    "i hope this works for",
    "i hope this description",
    "i hope this text",
    "i hope this copy",
    "i hope this version",
    "hope this helps",
    "hope this is what you",
    "would you like me to",
    "as requested",
    "as you requested",
    "per your request",
    "i cannot help",
    "i can't help",
    "ignore the above",
    "ignore all previous",
];
/// The longest line, in characters, that only introduces what follows.
const LONGEST_INTRODUCTION: usize = 120;
/// How far what is presented stands behind the words that present it, in words.
const NEAR: usize = 8;

/// Words to the one who asked for the text, or about the task.
pub(super) fn preamble(text: &str) -> Option<usize> {
    let small = in_small_letters(text);
    let begin = small.trim_start_matches(|c: char| c.is_whitespace() || "\"'“*#_".contains(c));
    let at = small.len() - begin.len();
    let opens = OPENINGS.iter().any(|word| begin.starts_with(word));
    if introduces(begin) || presents(begin) || opens || agrees(begin) {
        return Some(at);
    }
    TASK.iter().filter_map(|words| phrase(&small, words)).min()
}

/// The text in small letters of as many bytes each, so that places stay where they are.
fn in_small_letters(text: &str) -> String {
    let small = |c: char| {
        let mut letters = c.to_lowercase();
        match (letters.next(), letters.next()) {
            (Some(small), None) if small.len_utf8() == c.len_utf8() => small,
            _ => c,
        }
    };
    text.chars().map(small).collect()
}

/// Whether the first line says that a text follows it. A name of the product may have a colon.
fn introduces(text: &str) -> bool {
    let mut rows = text.lines().map(str::trim).filter(|row| !row.is_empty());
    let first = rows.next().unwrap_or_default();
    let Some(line) = first.strip_suffix([':', '：']) else {
        return false;
    };
    if first.chars().count() > LONGEST_INTRODUCTION || rows.next().is_none() {
        return false;
    }
    let line = line.trim_end();
    let last = line.rsplit(char::is_whitespace).next().unwrap_or_default();
    INTRODUCING.iter().any(|words| begins(line, words))
        || TEXTS.iter().any(|word| line.contains(word))
        || ENDING.contains(&last)
        || AGREEING
            .iter()
            .any(|word| line == word.trim_end_matches([',', '.']))
}

/// Whether a sentence presents a text: "here is the description", not "here is a shirt".
fn presents(text: &str) -> bool {
    let rest = PRESENTING.iter().find_map(|word| text.strip_prefix(word));
    let Some(rest) = rest.filter(|rest| !rest.starts_with(char::is_alphanumeric)) else {
        return false;
    };
    let sentence = rest
        .split(['.', '!', '?', '\n', ','])
        .next()
        .unwrap_or_default();
    let words = sentence.split(' ').filter(|word| !word.is_empty());
    let named = words.take_while(|word| !DETAILS.contains(word)).take(NEAR);
    let named: Vec<&str> = named.collect();
    let named = named.join(" ");
    PRESENTED.iter().any(|word| phrase(&named, word).is_some())
}

/// Whether a text begins as a reply that agrees, and goes on as one.
fn agrees(text: &str) -> bool {
    let rest = AGREEING.iter().find_map(|word| text.strip_prefix(word));
    rest.is_some_and(|rest| {
        // A line of its own is said to somebody.
        let alone = rest.starts_with(['\n', '\r']);
        let rest = rest.trim_start();
        alone || presents(rest) || ANSWERING.iter().any(|word| rest.starts_with(word))
    })
}

/// Whether a text begins with these words, and not with a part of others.
fn begins(text: &str, words: &str) -> bool {
    let rest = text.strip_prefix(words);
    rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

/// Where these words stand in a text of small letters, and not as a part of others.
fn phrase(text: &str, words: &str) -> Option<usize> {
    let mut places = text.match_indices(words);
    let found = places.find(|(at, words)| {
        let after = &text[at + words.len()..];
        !text[..*at].ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
    });
    found.map(|(at, _)| at)
}
