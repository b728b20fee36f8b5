//! Differences between two texts, by lines.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

/// Lines of the old text, counted from 0, and what stands in their place in the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Lines of the old text.
    pub old: Range<usize>,
    /// Lines of the new text.
    pub new: Range<usize>,
    /// True if they are equal.
    pub same: bool,
}

/// Both texts from start to end, in pieces that are the same or not.
pub fn pieces(old: &str, new: &str) -> Vec<Piece> {
    let mut input = InternedInput::default();
    input.update_before(old.lines());
    input.update_after(new.lines());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let (mut old_at, mut new_at) = (0, 0);
    let mut pieces = Vec::new();
    let same = |old: Range<usize>, new: Range<usize>, pieces: &mut Vec<Piece>| {
        if !old.is_empty() {
            pieces.push(Piece { old, new, same: true });
        }
    };
    for hunk in diff.hunks() {
        let (old, new) = (range(&hunk.before), range(&hunk.after));
        same(old_at..old.start, new_at..new.start, &mut pieces);
        (old_at, new_at) = (old.end, new.end);
        pieces.push(Piece { old, new, same: false });
    }
    same(old_at..input.before.len(), new_at..input.after.len(), &mut pieces);
    pieces
}

fn range(lines: &Range<u32>) -> Range<usize> {
    lines.start as usize..lines.end as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_both_texts() {
        let piece = |old, new, same| Piece { old, new, same };
        assert_eq!(
            pieces("a\nb\nc\nd\n", "a\nx\ny\nc\nd\n"),
            [piece(0..1, 0..1, true), piece(1..2, 1..3, false), piece(2..4, 3..5, true)]
        );
        assert_eq!(pieces("a\n", "a\n"), [piece(0..1, 0..1, true)]);
        assert_eq!(pieces("", "a\n"), [piece(0..0, 0..1, false)]);
        assert_eq!(pieces("", ""), []);
    }
}
