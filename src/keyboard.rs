//! Maps key events to keys, whatever the terminal reports: the only place that knows modifiers.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::time::Instant;

/// Something that is pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pressed {
    /// A key, by itself.
    Key(KeyCode),
    /// Ctrl-C: leave, from wherever.
    Leave,
    /// Ctrl-L: redraw everything.
    Repaint,
    /// Ctrl-Z: back to the shell for now.
    Suspend,
    /// A change of what has been typed.
    Edit(Edit),
}

/// A change of what has been typed into a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Ctrl-U: take all of it away.
    Clear,
    /// Ctrl-W: take the last word away.
    Word,
}

impl Edit {
    /// Changes a field.
    pub fn change(self, field: &mut String) {
        let kept = match self {
            Self::Clear => 0,
            Self::Word => field.trim_end().rfind(char::is_whitespace).map_or(0, |space| space + 1),
        };
        field.truncate(kept);
    }
}

/// Time limit for the rest of a terminal's answer.
const ANSWERS_WITHIN: Duration = Duration::from_millis(200);

/// A keyboard, and what else a terminal sends as if it were one.
#[derive(Debug, Default)]
pub struct Keyboard {
    /// Since when the terminal answers something that nobody asked: its text would be taken for keys.
    answers: Option<Instant>,
}

impl Keyboard {
    /// Interprets a key event; none: nothing.
    pub fn read(&mut self, key: KeyEvent, now: Instant) -> Option<Pressed> {
        use KeyCode::Char;
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let [control, alt] =
            [KeyModifiers::CONTROL, KeyModifiers::ALT].map(|held| key.modifiers.contains(held));
        if self.answers.is_some_and(|since| now.duration_since(since) < ANSWERS_WITHIN) {
            // It ends with BEL, or with ESC and a backslash.
            let ends =
                matches!((key.code, control, alt), (Char('g'), true, _) | (Char('\\'), _, true));
            if ends {
                self.answers = None;
            }
            return None;
        }
        self.answers = None;
        match (key.code, control, alt) {
            // ESC and one of these begin such an answer.
            (Char(']' | 'P' | '_' | '^' | 'X'), false, true) => {
                self.answers = Some(now);
                None
            }
            // AltGr of some keyboards: what it writes is no letter that stands on a key.
            (Char(c), true, true) if !c.is_ascii_alphanumeric() => Some(Pressed::Key(key.code)),
            (_, _, true) => None,
            (Char('c'), true, _) => Some(Pressed::Leave),
            (Char('l'), true, _) => Some(Pressed::Repaint),
            (Char('z'), true, _) => Some(Pressed::Suspend),
            (Char('u'), true, _) => Some(Pressed::Edit(Edit::Clear)),
            (Char('w'), true, _) => Some(Pressed::Edit(Edit::Word)),
            (Char('h'), true, _) => Some(Pressed::Key(KeyCode::Backspace)),
            (_, true, _) => None,
            (code, false, false) => Some(Pressed::Key(code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(code: KeyCode, modifiers: KeyModifiers) -> Option<Pressed> {
        Keyboard::default().read(KeyEvent::new(code, modifiers), Instant::now())
    }

    #[test]
    fn a_letter_with_a_modifier_is_not_the_letter() {
        use KeyCode::Char;
        let (control, alt) = (KeyModifiers::CONTROL, KeyModifiers::ALT);
        assert_eq!(read(Char('q'), KeyModifiers::NONE), Some(Pressed::Key(Char('q'))));
        assert_eq!(read(Char('Q'), KeyModifiers::SHIFT), Some(Pressed::Key(Char('Q'))));
        assert_eq!(read(Char('c'), control), Some(Pressed::Leave));
        assert_eq!(read(Char('h'), control), Some(Pressed::Key(KeyCode::Backspace)));
        for c in ['r', 'q', 'a', ' '] {
            assert_eq!(read(Char(c), control), None, "Ctrl-{c}");
            assert_eq!(read(Char(c), alt), None, "Alt-{c}");
        }
        // AltGr and 9 on a German keyboard.
        assert_eq!(read(Char(']'), control | alt), Some(Pressed::Key(Char(']'))));
        assert_eq!(read(Char('q'), control | alt), None);
        assert_eq!(read(KeyCode::Right, control), None);
    }

    #[test]
    fn what_a_terminal_answers_is_no_key() {
        let (mut keyboard, now) = (Keyboard::default(), Instant::now());
        let mut read = |c, modifiers, after_ms| {
            let at = now + Duration::from_millis(after_ms);
            keyboard.read(KeyEvent::new(KeyCode::Char(c), modifiers), at)
        };
        assert_eq!(read(']', KeyModifiers::ALT, 0), None);
        for c in "0;x".chars() {
            assert_eq!(read(c, KeyModifiers::NONE, 1), None, "{c}");
        }
        assert_eq!(read('g', KeyModifiers::CONTROL, 2), None);
        assert_eq!(read('x', KeyModifiers::NONE, 3), Some(Pressed::Key(KeyCode::Char('x'))));
        // One that never ends does not make the keyboard deaf.
        assert_eq!(read('P', KeyModifiers::ALT, 10), None);
        assert_eq!(read('+', KeyModifiers::NONE, 11), None);
        assert_eq!(read('q', KeyModifiers::NONE, 500), Some(Pressed::Key(KeyCode::Char('q'))));
    }

    #[test]
    fn a_field_is_edited_by_word_or_as_a_whole() {
        let mut field = "pool leak  ".to_owned();
        Edit::Word.change(&mut field);
        assert_eq!(field, "pool ");
        Edit::Clear.change(&mut field);
        assert_eq!(field, "");
        Edit::Word.change(&mut field);
        assert_eq!(field, "");
    }
}
