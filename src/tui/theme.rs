//! Colours and symbols. On a dark ground the sixteen colours of any terminal, on a light one ours, or none
//! under `NO_COLOR`; no meaning hangs on a colour alone.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use firedrill_core::session::lane_words::Mood;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use super::syntax::Class;
use crate::user_state::Theme;

static COLOURLESS: LazyLock<bool> =
    LazyLock::new(|| std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()));

static LIGHT: AtomicBool = AtomicBool::new(false);

/// Chooses the theme of all that is drawn from now on.
pub fn choose(theme: Theme) {
    LIGHT.store(theme == Theme::Light, Ordering::Relaxed);
}

fn is_light() -> bool {
    LIGHT.load(Ordering::Relaxed)
}

/// Gives what has been drawn its ground: white under the light theme.
pub fn ground(buffer: &mut Buffer) {
    if *COLOURLESS || !is_light() {
        return;
    }
    for cell in &mut buffer.content {
        if cell.bg == Color::Reset {
            cell.bg = Color::Indexed(231);
        }
        if cell.fg == Color::Reset {
            cell.fg = Color::Indexed(16);
        }
    }
}

/// A colour of the dark theme, or what stands for it on white: each dark enough to be read there.
fn shade(colour: Color) -> Color {
    if !is_light() {
        return colour;
    }
    match colour {
        Color::LightGreen => Color::Indexed(28),
        Color::LightRed => Color::Indexed(160),
        Color::LightYellow => Color::Indexed(130),
        Color::LightCyan => Color::Indexed(25),
        Color::LightMagenta => Color::Indexed(127),
        Color::LightBlue => Color::Indexed(19),
        Color::Gray => Color::Indexed(240),
        Color::DarkGray => Color::Indexed(249),
        Color::White => Color::Indexed(16),
        Color::Black => Color::Indexed(231),
        other => other,
    }
}

fn coloured(colour: Color) -> Style {
    if *COLOURLESS { Style::new() } else { Style::new().fg(shade(colour)) }
}

/// A colour for shapes in a chart.
pub fn paint(colour: Color) -> Color {
    if *COLOURLESS { Color::Reset } else { shade(colour) }
}

/// Style of healthy values.
pub fn good() -> Style {
    coloured(Color::LightGreen)
}

/// Style of a lane's state.
pub fn of(mood: Mood) -> Style {
    match mood {
        Mood::Good => good(),
        Mood::Warn => warn(),
        Mood::Bad => bad(),
        Mood::Quiet => quiet(),
    }
}

/// Style of failures.
pub fn bad() -> Style {
    coloured(Color::LightRed).add_modifier(Modifier::BOLD)
}

/// Style of warnings and transitions.
pub fn warn() -> Style {
    coloured(Color::LightYellow)
}

/// Style of important text.
pub fn strong() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// Style of secondary text. Not the terminal's dim attribute, which is invisible on a projector.
pub fn quiet() -> Style {
    coloured(Color::Gray)
}

/// Style of dimmed regions.
pub fn back() -> Style {
    coloured(Color::DarkGray)
}

/// Keys, and what is selected.
pub fn accent() -> Style {
    coloured(Color::LightCyan).add_modifier(Modifier::BOLD)
}

/// A word that the glossary explains.
pub fn term() -> Style {
    Style::new().add_modifier(Modifier::UNDERLINED)
}

/// A word of source code.
pub fn word(class: Class) -> Style {
    match class {
        Class::Plain => Style::new(),
        Class::Comment => coloured(Color::Gray),
        Class::Keyword => coloured(Color::LightMagenta),
        Class::Text | Class::Constant => coloured(Color::LightYellow),
        Class::Type => coloured(Color::LightCyan),
        Class::Function | Class::Attribute => coloured(Color::LightBlue),
    }
}

/// A row under the cursor.
pub fn cursor() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}
