//! Parts that many regions share: a box, cut and wrapped text.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Clear};

use crate::tui::theme;

/// Columns or rows beside a box that are too few to show anything: the box takes them, too.
const TOO_FEW: u16 = 12;

/// A box of about this size in the middle of `area`, cleared; returns its inside.
pub fn boxed(frame: &mut Frame, area: Rect, (width, height): (u16, u16), title: &str) -> Rect {
    let or_all = |size: u16, all: u16| if size + TOO_FEW > all { all } else { size };
    let (width, height) = (or_all(width, area.width), or_all(height, area.height));
    let outer = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let block = Block::bordered().title(format!(" {title} ")).border_style(theme::accent());
    let inner = block.inner(outer);
    frame.render_widget(Clear, outer);
    frame.render_widget(block, outer);
    inner
}

/// A text in lines of at most this width.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// `text` cut to `width` columns, with a sign that it was.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}
