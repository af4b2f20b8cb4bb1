//! A small picture of a photograph, for terminals that can show one.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageFormat};

/// How high pictures are, in lines of the terminal.
const LINES: u32 = 12;
/// How large they are at most, in pixels: enough for lines of 40 pixels.
const SIDE: u16 = 480;
/// The most pixels of a photograph that is decoded for it.
const MAX_PIXELS: u64 = 100_000_000;
/// The most characters of a picture in one sequence of kitty's protocol.
/// <https://sw.kovidgoyal.net/kitty/graphics-protocol/#remote-client>
const CHUNK: usize = 4096;

/// How a terminal is given a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// kitty's, which Ghostty speaks as well:
    /// <https://sw.kovidgoyal.net/kitty/graphics-protocol/>.
    Kitty,
    /// iTerm2's, which WezTerm speaks as well: <https://iterm2.com/documentation-images.html>.
    Iterm,
}

impl Protocol {
    /// What the terminal of this environment can show; nothing where it says of itself
    /// nothing, and inside tmux and screen, which pass no pictures on.
    pub fn of_environment(lookup: impl Fn(&str) -> Option<String>) -> Option<Protocol> {
        let is = |name: &str, value: &str| lookup(name).is_some_and(|found| found == value);
        let is_set = |name: &str| lookup(name).is_some_and(|found| !found.is_empty());
        let term = lookup("TERM").unwrap_or_default();
        let inside = ["screen", "tmux"].iter().any(|name| term.starts_with(name));
        if inside || is_set("TMUX") || is_set("STY") {
            return None;
        }
        if is_set("KITTY_WINDOW_ID")
            || ["xterm-kitty", "xterm-ghostty"].contains(&term.as_str())
            || is("TERM_PROGRAM", "ghostty")
        {
            return Some(Protocol::Kitty);
        }
        // The second one comes through ssh, which passes LC_ variables on.
        let is_iterm = is("TERM_PROGRAM", "iTerm.app") || is("LC_TERMINAL", "iTerm2");
        (is_iterm || is("TERM_PROGRAM", "WezTerm")).then_some(Protocol::Iterm)
    }

    /// The photograph, small, as what the terminal is written; nothing where it can't be
    /// decoded, which others say better.
    #[must_use]
    pub fn show(self, photograph: &[u8]) -> Option<String> {
        let png = small(photograph)?;
        Some(match self {
            Protocol::Kitty => kitty(&png),
            Protocol::Iterm => iterm(&png),
        })
    }
}

/// The photograph scaled down, as PNG.
fn small(photograph: &[u8]) -> Option<Vec<u8>> {
    let picture = photo::decode_small(photograph, SIDE, MAX_PIXELS).ok()?;
    let side = u32::from(SIDE);
    let mut png = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture)
        .thumbnail(side, side)
        .write_to(&mut png, ImageFormat::Png)
        .ok()?;
    Some(png.into_inner())
}

/// `q=2` keeps the terminal from answering, which the shell would take for input.
fn kitty(png: &[u8]) -> String {
    let data = STANDARD.encode(png);
    let mut control = format!("a=T,f=100,r={LINES},q=2,");
    let mut out = String::new();
    let mut chunks = data.as_bytes().chunks(CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        let more = u8::from(chunks.peek().is_some());
        let chunk = String::from_utf8_lossy(chunk);
        out.push_str(&format!("\x1b_G{control}m={more};{chunk}\x1b\\"));
        control.clear();
    }
    out.push('\n');
    out
}

fn iterm(png: &[u8]) -> String {
    format!(
        "\x1b]1337;File=inline=1;size={};height={LINES};preserveAspectRatio=1:{}\x07\n",
        png.len(),
        STANDARD.encode(png)
    )
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    fn protocol(variables: &[(&str, &str)]) -> Option<Protocol> {
        Protocol::of_environment(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn terminals_are_told_by_their_environment() {
        let kitty = Some(Protocol::Kitty);
        let iterm = Some(Protocol::Iterm);
        type Variables<'a> = &'a [(&'a str, &'a str)];
        let cases: [(Variables, Option<Protocol>); 10] = [
            (&[("TERM", "xterm-kitty")], kitty),
            (
                &[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")],
                kitty,
            ),
            (&[("TERM_PROGRAM", "ghostty")], kitty),
            (&[("TERM_PROGRAM", "iTerm.app")], iterm),
            (&[("LC_TERMINAL", "iTerm2")], iterm),
            (&[("TERM_PROGRAM", "WezTerm")], iterm),
            (&[("TERM", "xterm-256color")], None),
            (&[("TERM", "tmux-256color"), ("KITTY_WINDOW_ID", "1")], None),
            (&[("TMUX", "/tmp/x"), ("LC_TERMINAL", "iTerm2")], None),
            (&[], None),
        ];
        for (variables, expected) in cases {
            assert_eq!(protocol(variables), expected, "{variables:?}");
        }
    }

    /// A picture that compresses badly, so that it is sent in several pieces.
    fn photograph() -> Vec<u8> {
        let picture = RgbImage::from_fn(700, 350, |x, y| {
            let noise = (x * 7919 + y * 104_729) % 251;
            image::Rgb([noise as u8, (noise * 3 % 256) as u8, (x % 256) as u8])
        });
        let mut png = Cursor::new(Vec::new());
        picture.write_to(&mut png, ImageFormat::Png).unwrap();
        png.into_inner()
    }

    fn size(png: &[u8]) -> (u32, u32) {
        let picture = image::load_from_memory(png).unwrap();
        (picture.width(), picture.height())
    }

    #[test]
    fn kitty_gets_a_small_png_in_pieces() {
        let shown = Protocol::Kitty.show(&photograph()).unwrap();
        let pieces: Vec<&str> = shown
            .trim_end()
            .split_terminator("\x1b\\")
            .map(|piece| piece.strip_prefix("\x1b_G").unwrap())
            .collect();
        assert!(pieces.len() > 1);
        assert!(pieces[0].starts_with("a=T,f=100,r=12,q=2,m=1;"));
        let mut data = String::new();
        for (index, piece) in pieces.iter().enumerate() {
            let (control, chunk) = piece.split_once(';').unwrap();
            let more = if index + 1 < pieces.len() {
                "m=1"
            } else {
                "m=0"
            };
            assert!(control.ends_with(more), "{control}");
            assert!(chunk.len() <= CHUNK);
            data.push_str(chunk);
        }
        assert_eq!(size(&STANDARD.decode(data).unwrap()), (480, 240));
    }

    #[test]
    fn iterm_gets_a_small_png_with_its_size() {
        let shown = Protocol::Iterm.show(&photograph()).unwrap();
        let (control, data) = shown.split_once(':').unwrap();
        let png = STANDARD
            .decode(data.trim_end_matches(['\x07', '\n']))
            .unwrap();
        assert_eq!(size(&png), (480, 240));
        assert!(
            control.contains(&format!(";size={};", png.len())),
            "{control}"
        );
    }

    #[test]
    fn what_is_no_photograph_is_not_shown() {
        assert_eq!(Protocol::Kitty.show(b"no photograph"), None);
    }
}
