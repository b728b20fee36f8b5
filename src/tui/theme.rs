//! Colours and symbols. They are named as in the terminal's palette and drawn as fixed ones that can be read on the
//! ground of this terminal: palettes such as Solarized make greys of bright colours. None under `NO_COLOR`; no meaning
//! hangs on a colour alone.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use firedrill_core::session::lane_words::Mood;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use terminal_colorsaurus::{QueryOptions, background_color};

use super::syntax::Class;
use crate::user_state::Theme;

static COLOURLESS: LazyLock<bool> =
    LazyLock::new(|| std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()));

static GROUND: AtomicU8 = AtomicU8::new(Ground::Palette as u8);

/// Time limit for the terminal's answer about its ground.
const ANSWER: Duration = Duration::from_millis(150);

/// The ground that is drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Ground {
    /// Any, with the sixteen colours of the palette: for pictures, which have their own.
    Palette,
    /// The terminal's own, which is dark.
    Dark,
    /// The terminal's own, which is light.
    Light,
    /// White, which is painted.
    White,
    /// The terminal's own, and it is not known which.
    Unknown,
}

impl Ground {
    const ALL: [Self; 5] = [Self::Palette, Self::Dark, Self::Light, Self::White, Self::Unknown];

    fn now() -> Self {
        let now = GROUND.load(Ordering::Relaxed);
        Self::ALL.into_iter().find(|ground| *ground as u8 == now).unwrap_or(Self::Unknown)
    }

    /// The ground under a theme; the terminal is asked for its own where nobody chose one.
    fn of(theme: Theme) -> Self {
        match theme {
            Theme::Dark => Self::Dark,
            Theme::Light => Self::White,
            Theme::Auto => {
                let mut options = QueryOptions::default();
                options.timeout = ANSWER;
                match background_color(options) {
                    Ok(colour) if colour.perceived_lightness() > 0.5 => Self::Light,
                    Ok(_) => Self::Dark,
                    // It does not tell.
                    Err(_) => Self::Unknown,
                }
            }
        }
    }

    /// The colour that stands for one of the palette; the indices are those of the 240 colours that no palette changes.
    fn shade(self, colour: Color) -> Color {
        let [dark, light, unknown] = match colour {
            Color::LightGreen => [83, 28, 28],
            Color::LightRed => [203, 160, 160],
            Color::LightYellow => [227, 130, 130],
            Color::LightCyan => [87, 25, 31],
            Color::LightMagenta => [213, 127, 133],
            Color::LightBlue => [111, 19, 33],
            Color::Gray => [250, 240, 244],
            Color::DarkGray => [242, 247, 244],
            Color::White => [231, 16, 244],
            Color::Black => [16, 231, 231],
            _ => return colour,
        };
        match self {
            Self::Palette => colour,
            Self::Dark => Color::Indexed(dark),
            Self::Light | Self::White => Color::Indexed(light),
            Self::Unknown => Color::Indexed(unknown),
        }
    }
}

/// Chooses the theme of all that is drawn from now on. The terminal must not be in raw mode yet.
pub fn choose(theme: Theme) {
    GROUND.store(Ground::of(theme) as u8, Ordering::Relaxed);
}

/// Gives what has been drawn its ground: white under the light theme.
pub fn ground(buffer: &mut Buffer) {
    if *COLOURLESS || Ground::now() != Ground::White {
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

fn shade(colour: Color) -> Color {
    Ground::now().shade(colour)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Red, green and blue of one of the 240 colours that no palette changes.
    fn rgb(colour: Color) -> [f64; 3] {
        let Color::Indexed(index) = colour else { panic!("{colour:?} is of the palette") };
        let step = |step: u8| if step == 0 { 0.0 } else { 55.0 + 40.0 * f64::from(step) };
        match index {
            232.. => [8.0 + 10.0 * f64::from(index - 232); 3],
            16.. => {
                let cube = index - 16;
                [step(cube / 36), step(cube / 6 % 6), step(cube % 6)]
            }
            _ => panic!("{index} is of the palette"),
        }
    }

    /// The contrast of two colours, from 1 to 21, as WCAG 2.2 defines it.
    fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
        let linear = |part: f64| {
            let part = part / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let luminance =
            |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn what_is_drawn_can_be_read_on_every_ground() {
        let (black, white) = ([0.0; 3], [255.0; 3]);
        let solarized_dark = [0.0, 43.0, 54.0];
        let solarized_light = [253.0, 246.0, 227.0];
        let text = [
            Color::LightGreen,
            Color::LightRed,
            Color::LightYellow,
            Color::LightCyan,
            Color::LightMagenta,
            Color::LightBlue,
            Color::Gray,
            Color::White,
        ];
        for (ground, behind) in [
            (Ground::Dark, [black, solarized_dark].as_slice()),
            (Ground::Light, &[white, solarized_light]),
            (Ground::White, &[white]),
            (Ground::Unknown, &[black, white, solarized_dark, solarized_light]),
        ] {
            for behind in behind {
                let of = |colour| contrast(rgb(ground.shade(colour)), *behind);
                // Where the ground is not known, no colour has more than 4.6 on both black and white.
                let least = if ground == Ground::Unknown { 2.7 } else { 4.0 };
                for colour in text {
                    let found = of(colour);
                    assert!(found >= least, "{colour:?} on {behind:?} ({ground:?}): {found:.1}");
                }
                // What stands back is seen, too.
                let back = of(Color::DarkGray);
                assert!(back >= 1.9, "{behind:?} ({ground:?}): {back:.1}");
            }
            // A label in a bar of any colour.
            for colour in text {
                let found = contrast(rgb(ground.shade(Color::Black)), rgb(ground.shade(colour)));
                assert!(found >= 3.0, "black on {colour:?} ({ground:?}): {found:.1}");
            }
        }
    }
}
