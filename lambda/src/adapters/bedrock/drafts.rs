//! Telling a text while it is written.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{Audience, Restart};

/// Tells an audience what a model writes. Space around the text is left out, as it is from a
/// text that is read whole, so that the pieces are the text to the letter.
pub struct Drafts<'a> {
    audience: &'a dyn Audience,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether some of the text is told.
    has_begun: bool,
    /// Space that is part of the text if something follows it.
    held: String,
}

impl<'a> Drafts<'a> {
    /// Nothing is told yet.
    pub fn new(audience: &'a dyn Audience) -> Drafts<'a> {
        Drafts {
            audience,
            state: Mutex::default(),
        }
    }

    /// Begins a text. One that was begun before broke off, and the audience hears of that.
    pub fn begin(&self) {
        let before = std::mem::take(&mut *self.state());
        if before.has_begun {
            self.audience.restart(Restart::BrokenOff);
        }
    }

    /// Tells the next piece, which may be empty.
    pub fn tell(&self, piece: &str) {
        let mut state = self.state();
        let State { has_begun, held } = &mut *state;
        held.push_str(piece);
        if !*has_begun {
            let space = held.len() - held.trim_start().len();
            held.drain(..space);
        }
        let end = held.trim_end().len();
        if end == 0 {
            return;
        }
        let space = held.split_off(end);
        let told = std::mem::replace(held, space);
        *has_begun = true;
        self.audience.draft(&told);
    }

    /// A panic while something was told leaves nothing half-done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::FakeAudience;

    #[test]
    fn the_pieces_are_the_text_without_space_around_it() {
        let audience = FakeAudience::default();
        let drafts = Drafts::new(&audience);
        drafts.begin();
        for piece in ["", " \n", " A", " blue ", "", " \n", "shirt.", "\n", " "] {
            drafts.tell(piece);
        }
        let told = audience.take_words();
        assert_eq!(told, ["A", " blue", "  \nshirt."]);
        assert_eq!(told.concat(), "A blue  \nshirt.");
    }

    #[test]
    fn a_text_that_broke_off_is_void_if_any_of_it_was_told() {
        let audience = FakeAudience::default();
        let drafts = Drafts::new(&audience);
        drafts.begin();
        drafts.tell(" ");
        drafts.begin();
        drafts.tell("A");
        drafts.tell(" ");
        drafts.begin();
        drafts.tell(" B");
        assert_eq!(audience.take_words(), ["A", "BrokenOff", "B"]);
    }
}
