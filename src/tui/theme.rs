//! Colours and symbols. The sixteen colours of any terminal, or none under `NO_COLOR`; no meaning
//! hangs on a colour alone.

use std::sync::LazyLock;

use ratatui::style::{Color, Modifier, Style};

use super::syntax::Class;

static COLOURLESS: LazyLock<bool> =
    LazyLock::new(|| std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()));

fn coloured(colour: Color) -> Style {
    if *COLOURLESS { Style::new() } else { Style::new().fg(colour) }
}

/// A colour for shapes in a chart.
pub fn paint(colour: Color) -> Color {
    if *COLOURLESS { Color::Reset } else { colour }
}

/// What does well.
pub fn good() -> Style {
    coloured(Color::LightGreen)
}

/// What goes wrong.
pub fn bad() -> Style {
    coloured(Color::LightRed).add_modifier(Modifier::BOLD)
}

/// What is on its way, or wants attention.
pub fn warn() -> Style {
    coloured(Color::LightYellow)
}

/// What matters most here.
pub fn strong() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// What may be overlooked. Not the terminal's dim attribute, which a projector swallows.
pub fn quiet() -> Style {
    coloured(Color::Gray)
}

/// What stands back, so that something else is seen.
pub fn back() -> Style {
    coloured(Color::DarkGray)
}

/// Keys, and what is selected.
pub fn accent() -> Style {
    coloured(Color::LightCyan).add_modifier(Modifier::BOLD)
}

/// A word of source code.
pub fn word(class: Class) -> Style {
    match class {
        Class::Plain => Style::new(),
        Class::Comment => coloured(Color::Gray),
        Class::Keyword => coloured(Color::LightMagenta),
        Class::Text => coloured(Color::LightYellow),
        Class::Constant => coloured(Color::LightYellow),
        Class::Type => coloured(Color::LightCyan),
        Class::Function | Class::Attribute => coloured(Color::LightBlue),
    }
}

/// A row under the cursor.
pub fn cursor() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}
