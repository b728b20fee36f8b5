//! The layout of the frame that was drawn last: the places that the mouse acts on, and how far the text scrolls.

use crossterm::event::KeyCode;
use ratatui::layout::{Position, Rect};

/// The layout of a frame.
#[derive(Debug, Default)]
pub struct Layout {
    targets: Vec<(Rect, Target)>,
    /// The text that scrolls, if there is one.
    pub scroll: Option<Scroll>,
}

/// A place that a click acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A key of the bar.
    Key(KeyCode),
    /// A lane.
    Lane(usize),
    /// The words of a page.
    Words,
    /// An incident of the list.
    Entry(usize),
}

/// A text that scrolls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scroll {
    /// The first line that is shown.
    pub at: usize,
    /// The furthest that the first line can be.
    pub furthest: usize,
}

impl Scroll {
    /// The first line after scrolling down by lines from `top`, or from the line that was drawn first: several keys
    /// may come between two frames.
    pub fn by(self, top: impl Into<Option<usize>>, lines: isize) -> usize {
        top.into().unwrap_or(self.at).saturating_add_signed(lines).min(self.furthest)
    }
}

impl Layout {
    /// Adds a place that a click acts on, over those before.
    pub fn target(&mut self, area: Rect, target: Target) {
        self.targets.push((area, target));
    }

    /// The target at a place of the terminal.
    pub fn at(&self, column: u16, row: u16) -> Option<Target> {
        let place = Position::new(column, row);
        let mut newest_first = self.targets.iter().rev();
        newest_first.find(|(area, _)| area.contains(place)).map(|(_, target)| *target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_target_lies_on_top() {
        let mut layout = Layout::default();
        layout.target(Rect::new(0, 0, 80, 24), Target::Lane(0));
        layout.target(Rect::new(10, 10, 5, 1), Target::Words);
        assert_eq!(layout.at(12, 10), Some(Target::Words));
        assert_eq!(layout.at(12, 11), Some(Target::Lane(0)));
        assert_eq!(layout.at(80, 0), None);
    }

    #[test]
    fn scrolling_stops_at_both_ends() {
        let scroll = Scroll { at: 3, furthest: 10 };
        assert_eq!([scroll.by(None, -5), scroll.by(None, 2), scroll.by(None, 20)], [0, 5, 10]);
        assert_eq!(scroll.by(7, 1), 8, "a key before has not been drawn yet");
    }
}
