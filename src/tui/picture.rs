//! The lab of a real run as an SVG picture: the same views, drawn into a buffer.

use std::fmt::Write;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::model::{Lab, Model, Screen};
use super::view;
use crate::run::{Run, Spec};
use firedrill_core::catalogue::Catalogue;
use firedrill_core::session::Input;
use firedrill_core::session::track::RunId;

/// Width and height of a character, in the picture's units.
const CELL: (f64, f64) = (9.0, 18.0);

const BACKGROUND: &str = "#101218";
const FOREGROUND: &str = "#d8d8d8";

/// Runs `spec` to its end, and draws the lab as it was then.
///
/// # Errors
///
/// When the run cannot start, or a lane cannot.
pub async fn take(
    catalogue: &'static Catalogue,
    spec: Spec,
    (width, height): (u16, u16),
) -> anyhow::Result<String> {
    let (mut lab, _) = Lab::new(spec.clone());
    let mut run = Run::start(spec.clone())?;
    let end_ms = spec.case.plan.duration_ms.unwrap_or(u64::MAX);
    while let Some(event) = run.events.recv().await {
        // What happens while the run is being ended is no part of the picture.
        if event.at_ms < end_ms {
            lab.apply(Input::Event(RunId::Main, event));
        }
    }
    run.ended().await?;
    let mut model = Model::new(catalogue, (width, height));
    model.screen = Screen::Lab(Box::new(lab));
    let mut terminal = Terminal::new(TestBackend::new(width, height))?;
    terminal.draw(|frame| {
        view::draw(frame, &model);
    })?;
    Ok(svg(terminal.backend().buffer()))
}

/// A buffer as an SVG document.
pub fn svg(buffer: &Buffer) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let (width, height) = (f64::from(columns) * CELL.0, f64::from(rows) * CELL.1);
    let mut svg = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"15\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"{BACKGROUND}\"/>"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let cell = &buffer[(column, row)];
            let style = (cell.fg, cell.bg, cell.modifier);
            let mut text = String::new();
            let start = column;
            while column < columns {
                let cell = &buffer[(column, row)];
                if (cell.fg, cell.bg, cell.modifier) != style {
                    break;
                }
                text.push_str(cell.symbol());
                column += 1;
            }
            stretch(&mut svg, (start, row), column - start, &text, style);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Draws a stretch of characters of one style.
fn stretch(
    svg: &mut String,
    (column, row): (u16, u16),
    length: u16,
    text: &str,
    (fg, bg, modifier): (Color, Color, Modifier),
) {
    let (x, y) = (f64::from(column) * CELL.0, f64::from(row) * CELL.1);
    let width = f64::from(length) * CELL.0;
    let (mut fill, mut back) = (hex(fg, FOREGROUND), hex(bg, BACKGROUND));
    if modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fill, &mut back);
    }
    if back != BACKGROUND {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{back}\"/>",
            CELL.1
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{}\" fill=\"{fill}\"{weight} textLength=\"{width}\" \
         lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\">{}</text>",
        y + 14.0,
        html_escape::encode_text(text)
    );
}

/// The sixteen colours; others do not occur.
fn hex(colour: Color, otherwise: &'static str) -> &'static str {
    match colour {
        Color::Black => "#000000",
        Color::Red | Color::LightRed => "#ff6b6b",
        Color::Green | Color::LightGreen => "#4be38a",
        Color::Yellow | Color::LightYellow => "#f5e663",
        Color::Blue | Color::LightBlue => "#6cb2ff",
        Color::Magenta | Color::LightMagenta => "#e28cf0",
        Color::Cyan | Color::LightCyan => "#5fdcec",
        Color::Gray | Color::White => "#c8c8c8",
        Color::DarkGray => "#808080",
        _ => otherwise,
    }
}
