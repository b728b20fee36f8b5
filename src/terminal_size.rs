//! Columns and rows of the terminal.

/// Size if neither the terminal nor the environment reports one.
const USUAL: (u16, u16) = (80, 24);

/// Columns and rows; and whether they are assumed, since the terminal does not tell: one of a recorder or of a job that
/// nobody watches has none.
pub fn size() -> ((u16, u16), bool) {
    let told = crossterm::terminal::size().ok().filter(|(columns, rows)| *columns > 0 && *rows > 0);
    told.map_or_else(|| (assumed(|name| std::env::var(name).ok()), true), |told| (told, false))
}

fn assumed(of: impl Fn(&str) -> Option<String>) -> (u16, u16) {
    let number = |name: &str| of(name)?.trim().parse().ok().filter(|number| *number > 0);
    (number("COLUMNS").unwrap_or(USUAL.0), number("LINES").unwrap_or(USUAL.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_stands_for_a_terminal_that_does_not_tell() {
        let of = |set: &'static [(&str, &str)]| {
            assumed(move |name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[]), (80, 24));
        assert_eq!(of(&[("COLUMNS", "100"), ("LINES", "30")]), (100, 30));
        assert_eq!(of(&[("COLUMNS", "0"), ("LINES", "many")]), (80, 24));
    }
}
