//! From what the terminal sends to messages.

use crossterm::event::Event as Input;
use tokio::time::Instant;

use super::message::Msg;
use crate::keyboard::{Keyboard, Pressed};
use crate::terminal_size;

/// Meaning of a terminal input.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "most are messages, and none is kept")]
pub enum TerminalInput {
    /// A message to the screen.
    Message(Msg),
    /// Leave the program.
    Leave,
    /// Redraw everything.
    Repaint,
    /// Give the terminal to the shell for now.
    Suspend,
}

/// Reads what the terminal sends.
#[derive(Debug, Default)]
pub struct Inputs(Keyboard);

impl Inputs {
    /// Interprets an input; none: nothing.
    pub fn take(&mut self, input: Input) -> Option<TerminalInput> {
        Some(TerminalInput::Message(match input {
            Input::Key(key) => match self.0.read(key, Instant::now())? {
                Pressed::Key(code) => Msg::Key(code.into()),
                Pressed::Edit(edit) => Msg::Edit(edit),
                Pressed::Leave => return Some(TerminalInput::Leave),
                Pressed::Repaint => return Some(TerminalInput::Repaint),
                Pressed::Suspend => return Some(TerminalInput::Suspend),
            },
            Input::Paste(text) => Msg::Paste(text),
            Input::Mouse(mouse) => Msg::Mouse(mouse),
            Input::Resize(..) => {
                let ((width, height), _) = terminal_size::size();
                Msg::Resize(width, height)
            }
            _ => return None,
        }))
    }
}
