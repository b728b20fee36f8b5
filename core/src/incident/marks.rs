//! Marks in the source of an incident: the line at fault, and the line that fixes it. Where tasks wait
//! is the symptom; that is measured.

/// Kinds of marked lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The line at fault: `// cause: …` above it.
    Cause,
    /// The line that fixes it: `// fix: …` above it.
    Fix,
}

impl Mark {
    /// As a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cause => "cause",
            Self::Fix => "fix",
        }
    }
}

/// A marked line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The line, counted from 1: the first one of code below the mark.
    pub line: usize,
    /// The kind.
    pub mark: Mark,
}

/// The marked lines of a source file, in order.
pub fn marks(text: &str) -> Vec<Marked> {
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let mark = |line: &str| {
        let comment = line.strip_prefix("// ")?;
        match comment.split_once(':')?.0 {
            "cause" => Some(Mark::Cause),
            "fix" => Some(Mark::Fix),
            _ => None,
        }
    };
    let marked = |(at, line): (usize, &&str)| {
        let mark = mark(line)?;
        let code = lines[at..].iter().position(|line| !line.starts_with("//") && !line.is_empty());
        Some(Marked { line: at + code? + 1, mark })
    };
    lines.iter().enumerate().filter_map(marked).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_for_the_code_below_its_comment() {
        let text =
            "fn a() {\n    // cause: this\n    // and more.\n    b();\n    // fix: x\n    c();\n}";
        let expected = [Marked { line: 4, mark: Mark::Cause }, Marked { line: 6, mark: Mark::Fix }];
        assert_eq!(marks(text), expected);
        assert_eq!(marks("// cause: nothing below"), []);
    }
}
