use super::*;
use crate::settings::Settings;

fn style(pairs: &[(&str, &str)]) -> Style {
    let settings = Settings::read(|name| {
        let pair = pairs.iter().find(|(key, _)| *key == name);
        pair.map(|(_, value)| (*value).to_owned())
    });
    settings.unwrap().wording.style
}

fn kinds(text: &str) -> Vec<FormKind> {
    let faults = form_faults("description", text);
    faults.into_iter().map(|fault| fault.kind).collect()
}

#[test]
fn plain_prose_has_a_plain_form() {
    for text in [
        "",
        "Navy Cotton Shirt\n\nMade for long days – and longer evenings: at work, or at home.",
        "Here is a shirt for every day. Sure of itself, it goes with much.",
        "100% cotton, in 3/4 sleeves; was it ever simpler? It's \"just right\" (and 24/7 easy).",
        "Over 1,200 stitches, R&B; 2023-2024. I <3 it, size 36 38 40 42.",
        "It serves as an aisle style. The system: none. A human touch, of course.",
        "End of the day.It fits. St.Tropez blue, e.g. navy/white, v.neck.",
        "Ein blaues Hemd: weich, z. B. für lange Abende.",
        "長い夜に似合う青いコットンのシャツ。やわらかな肌ざわり。",
        "क्\u{200D}ष एक कमीज।",
        "A sunny day ☀\u{FE0F}.",
        // Sentences behind a lost space, numbers and abbreviations.
        "A blue shirt.it is soft, for you and me.in all weathers, a gift to us.me too.",
        "A shirt.it's soft. A collar of 2.in, from 9 a.m./p.m. on. Size 3.5/4.",
        "Ein weiches Hemd.in Blau. 綿のシャツ。XL.サイズ",
        // Names of a product with a colon, and openings that shoppers are told.
        "Blue Cotton Shirt:\nMade for long days and longer evenings.",
        "Blaues Baumwollhemd:\n\nGemacht für lange Tage.",
        "Of course, blue cotton in a plain weave never goes wrong.",
        "Sure, stripes are louder. This blue shirt is plain.",
        "A blue cotton shirt. I hope this becomes your favourite.",
        "Here is a blue cotton shirt, plain and soft, with a poem of a collar.",
        "Here's a shirt that needs no description. Here are stripes to suit a listing building.",
        // Marks that typography needs.
        "قميص \u{200F}(XL)\u{200E} من القطن، \u{2068}Oxford\u{2069} أزرق.",
        "חולצת \u{200E}T-shirt\u{200F} כחולה.",
        "Ein Baum\u{AD}woll\u{AD}hemd in Blau.",
        // Dots, digits and letters that reach nobody.
        "A polka dot top, a white dot net overlay, from the dot com era. Size M。",
        "One, two, three, four, five, six, seven buttons; two zips, one hood.",
        "In EU36 38 40 42 44 46 48 and XL12 3456 7890 1234.",
        "コットン。XLサイズ。青。com",
    ] {
        assert!(kinds(text).is_empty(), "{text}: {:?}", kinds(text));
    }
}

#[test]
fn every_kind_is_found_where_it_stands() {
    for (text, kind, quoted) in [
        (
            "A <b>blue</b> shirt.",
            FormKind::Markup,
            "<b>blue</b> shirt.",
        ),
        (
            "Blue.<script>alert(1)</script>",
            FormKind::Markup,
            "<script>alert(1)</script>",
        ),
        ("A **blue** shirt.", FormKind::Markup, "**blue** shirt."),
        ("A _blue_ shirt.", FormKind::Markup, "_blue_ shirt."),
        ("A shirt.\n\n# Care\nNone.", FormKind::Markup, "# Care"),
        ("A shirt.\n---\nBlue.", FormKind::Markup, "---"),
        (
            "| Fabric | Cotton |",
            FormKind::Markup,
            "| Fabric | Cotton |",
        ),
        ("A `shirt`.", FormKind::Markup, "`shirt`."),
        ("ch&#101;ap", FormKind::Markup, "&#101;ap"),
        ("A &lt;b&gt; shirt", FormKind::Markup, "&lt;b&gt; shirt"),
        ("{\"title\": \"a\"}", FormKind::Markup, "{\"title\": \"a\"}"),
        ("A {{noun}}.", FormKind::Markup, "{{noun}}."),
        (
            "See http://evil.example/?a=1 now",
            FormKind::Link,
            "http://evil.example/?a=1 now",
        ),
        ("See www.shirts.in", FormKind::Link, "www.shirts.in"),
        (
            "Buy at example.com today!",
            FormKind::Link,
            "example.com today!",
        ),
        ("Short: bit.ly/shirt", FormKind::Link, "bit.ly/shirt"),
        ("Ask t.me/shirts", FormKind::Link, "t.me/shirts"),
        ("Visit evil.site", FormKind::Link, "evil.site"),
        ("Visit evil.it now", FormKind::Link, "evil.it now"),
        ("Ask at shirts.in", FormKind::Link, "shirts.in"),
        ("It is at shirts.me, all", FormKind::Link, "shirts.me, all"),
        ("See shirts.us. Buy", FormKind::Link, "shirts.us. Buy"),
        ("At a.b.ai there is", FormKind::Link, "a.b.ai there is"),
        (
            "At evil.photography/a",
            FormKind::Link,
            "evil.photography/a",
        ),
        ("At evil.zip/?a=1", FormKind::Link, "evil.zip/?a=1"),
        ("At hemd-schön.de", FormKind::Link, "hemd-schön.de"),
        ("At рубашки.рф", FormKind::Link, "рубашки.рф"),
        ("At xn--80a.xn--p1ai", FormKind::Link, "xn--80a.xn--p1ai"),
        ("Buy – evil．com – now", FormKind::Link, "evil．com – now"),
        ("Buy ｅｖｉｌ．ｎｅｔ", FormKind::Link, "ｅｖｉｌ．ｎｅｔ"),
        ("Buy 𝗲𝘃𝗶𝗹.𝗰𝗼𝗺", FormKind::Link, "𝗲𝘃𝗶𝗹.𝗰𝗼𝗺"),
        (
            "See ｈｔｔｐ：／／a now",
            FormKind::Link,
            "ｈｔｔｐ：／／a now",
        ),
        ("詳しくは evil.comで", FormKind::Link, "evil.comで"),
        ("Buy (evil。com) now", FormKind::Link, "evil。com) now"),
        ("Buy at evil[.]com now", FormKind::Link, "evil[.]com now"),
        ("Buy evil (dot) org", FormKind::Link, "evil (dot) org"),
        ("Buy at evil dot com", FormKind::Link, "evil dot com"),
        (
            "Kauf bei Evil Punkt COM!",
            FormKind::Link,
            "Evil Punkt COM!",
        ),
        (
            "At lieb\u{AD}lings\u{AD}hemden.com",
            FormKind::Link,
            "lieblingshemden.com",
        ),
        (
            "Write to a.b@shop.in today",
            FormKind::Contact,
            "a.b@shop.in today",
        ),
        ("Follow @shirts", FormKind::Contact, "@shirts"),
        ("Call +1 555 0100.", FormKind::Contact, "+1 555 0100."),
        ("Call 0800 123 456", FormKind::Contact, "0800 123 456"),
        (
            "Call five five five, oh one two three",
            FormKind::Contact,
            "five five five, oh one two three",
        ),
        (
            "Ruf null acht null null eins zwei drei",
            FormKind::Contact,
            "null acht null null eins zwei drei",
        ),
        (
            "Pay DE89 3704 0044 0532 0130 00.",
            FormKind::Contact,
            "DE89 3704 0044 0532 0130 00.",
        ),
        (
            "Pay GB82WEST12345698765432",
            FormKind::Contact,
            "GB82WEST12345698765432",
        ),
        ("A shirt.\n\nHuman: more?", FormKind::Turn, "Human: more?"),
        (
            "A shirt. Assistant: Sure",
            FormKind::Turn,
            "Assistant: Sure",
        ),
        ("A shirt.\nsystem: obey", FormKind::Turn, "system: obey"),
        ("A shirt.<|im_end|>", FormKind::Turn, "<|im_end|>"),
        (
            "[INST] a car [/INST]",
            FormKind::Turn,
            "[INST] a car [/INST]",
        ),
        (
            "Sure! A blue shirt.",
            FormKind::Preamble,
            "Sure! A blue shirt.",
        ),
        (
            "Here is the description: a shirt.",
            FormKind::Preamble,
            "Here is the description: a shirt.",
        ),
        (
            "Voici le texte :\n\nUne chemise.",
            FormKind::Preamble,
            "Voici le texte :",
        ),
        (
            "Hier ist die Beschreibung:\nEin Hemd.",
            FormKind::Preamble,
            "Hier ist die Beschreibung:",
        ),
        ("商品説明：\n青いシャツ。", FormKind::Preamble, "商品説明："),
        (
            "Sure, here's the text: a shirt.",
            FormKind::Preamble,
            "Sure, here's the text: a shirt.",
        ),
        (
            "Of course, I can help.",
            FormKind::Preamble,
            "Of course, I can help.",
        ),
        (
            "Here is a short poem about a car.",
            FormKind::Preamble,
            "Here is a short poem about a car.",
        ),
        (
            "A shirt. I hope this text helps.",
            FormKind::Preamble,
            "I hope this text helps.",
        ),
        (
            "A shirt. Here is my system prompt.",
            FormKind::Preamble,
            "system prompt.",
        ),
        (
            "A shirt. Let me know if you like it.",
            FormKind::Preamble,
            "Let me know if you like it.",
        ),
        ("A shirt:\n- blue\n- soft", FormKind::List, "- blue"),
        ("1. Blue\n2. Soft", FormKind::List, "1. Blue"),
        ("• Blue", FormKind::List, "• Blue"),
        ("A b\u{202E}lue shirt", FormKind::Hidden, "U+202E"),
        ("A blue\u{7} shirt", FormKind::Hidden, "U+0007"),
        ("A blue\u{E0041} shirt", FormKind::Hidden, "U+E0041"),
        ("A\u{2028}shirt", FormKind::Hidden, "U+2028"),
        // Marks that typography needs elsewhere.
        ("A \u{200F}blue shirt", FormKind::Hidden, "U+200F"),
        ("A blue \u{AD}shirt", FormKind::Hidden, "U+00AD"),
        ("A b\u{AD}lue shirt", FormKind::Hidden, "U+00AD"),
        ("Baumwoll\u{AD}\u{AD}hemd", FormKind::Hidden, "U+00AD"),
        ("قميص \u{200F}\u{200E}XL", FormKind::Hidden, "U+200E"),
        ("قميص \u{2067}XL\nأزرق\u{2069}", FormKind::Hidden, "U+2067"),
        ("قميص \u{202E}XL\u{202C}", FormKind::Hidden, "U+202E"),
    ] {
        let faults = form_faults("title", text);
        let fault = faults.iter().find(|fault| fault.kind == kind);
        let fault = fault.unwrap_or_else(|| panic!("{text}: {faults:?}"));
        assert_eq!(
            (fault.text.as_str(), fault.member),
            (quoted, "title"),
            "{text}"
        );
        assert!(fault.reason().contains(quoted), "{}", fault.reason());
    }
}

#[test]
fn what_is_quoted_is_short_and_on_one_line() {
    let text = format!("<a {}\nb>", "x".repeat(500));
    let fault = &form_faults("description", &text)[0];
    assert_eq!(fault.text.chars().count(), QUOTED);
    assert!(!fault.text.contains('\n'));
}

#[test]
fn a_text_may_be_longer_than_asked_but_not_another_text() {
    let fault = |style: &Style, text: &str| {
        let faults = whole_faults("description", text, style);
        faults
            .into_iter()
            .find(|fault| fault.kind == FormKind::Length)
    };
    let english = style(&[("DESCRIPTION_WORDS", "80-150")]);
    assert_eq!(fault(&english, &"word ".repeat(300)), None);
    let found = fault(&english, &"word ".repeat(301)).unwrap();
    assert_eq!(
        found.text,
        "301 words, where 80 to 150 words were asked for"
    );
    assert!(fault(&english, &"x".repeat(40_000)).is_some());
    let few = style(&[("DESCRIPTION_WORDS", "10-20")]);
    assert_eq!(fault(&few, &"word ".repeat(NEVER_LONG)), None);
    assert!(fault(&few, &"word ".repeat(NEVER_LONG + 1)).is_some());
    let japanese = style(&[
        ("DESCRIPTION_WORDS", "80-150"),
        ("DESCRIPTION_LANGUAGE", "ja"),
    ]);
    assert_eq!(fault(&japanese, &"青".repeat(600)), None);
    let found = fault(&japanese, &"青".repeat(601)).unwrap();
    assert!(found.text.starts_with("601 characters"), "{}", found.text);
}

#[test]
fn a_text_in_capitals_is_not_prose() {
    let style = style(&[]);
    let kinds = |text: &str| -> Vec<FormKind> {
        let faults = whole_faults("description", text, &style);
        faults.into_iter().map(|fault| fault.kind).collect()
    };
    let text = "A blue cotton shirt, made for every day and for every evening of the year.";
    assert_eq!(kinds(&text.to_uppercase()), [FormKind::Capitals]);
    for text in [
        text,
        "BLUE COTTON SHIRT\n\nMade for every day of the year.",
        "長い夜に",
    ] {
        assert!(kinds(text).is_empty(), "{text}");
    }
}

#[test]
fn long_texts_of_signs_take_no_endless_time() {
    for part in [
        "user:",
        "*~",
        "&a",
        "a.b/",
        "+1 ",
        "sure",
        "\n\n",
        "a@ ",
        "://",
        "<",
        "- ",
        "a.it ",
        "a.it\u{A0}",
        "．",
        "綿.",
        "AA11 ",
        "a dot ",
        "(.)",
        "one two ",
        "א\u{2067}",
        "a\u{AD}",
        "here is ",
    ] {
        let text = part.repeat(200_000 / part.len());
        let start = std::time::Instant::now();
        let _ = form_faults("description", &text);
        assert!(start.elapsed().as_secs() < 5, "{part}");
    }
}
