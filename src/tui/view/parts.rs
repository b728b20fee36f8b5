//! Parts that many regions share: a box, cut and wrapped text.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Clear};

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

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

/// A text in lines of at most so many columns. A word that is longer is broken.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let options = Options::new(width.max(1))
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

/// The columns that a text takes: a Chinese character takes two, a combining accent none.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// `text` cut to `width` columns, with a sign that it was.
pub fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| {
        let columns = c.width().unwrap_or(0);
        let fits = columns <= left;
        left = left.saturating_sub(columns);
        fits
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_wrapped_by_columns_not_by_characters() {
        assert_eq!([cut("abcdef", 6), cut("abcdef", 4)], ["abcdef", "abc…"]);
        assert_eq!(
            [cut("日本語", 6), cut("日本語", 5), cut("日本語", 4)],
            ["日本語", "日本…", "日…"]
        );
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 3), "e\u{301}e\u{301}e\u{301}");
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("日本 日本 日本", 9), ["日本 日本", "日本"]);
        assert!(wrapped("日本語日本語", 4).iter().all(|line| columns(line) <= 4));
        assert_eq!(wrapped("", 10), [""]);
    }
}
