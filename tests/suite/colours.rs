//! The colours of the screen, on terminals with a dark or a light ground, and on those that do not tell.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::person::Person;

/// The colours of the text on the screen, by their index among 256.
fn colours(person: &Person) -> BTreeSet<u8> {
    let screen = person.screen.screen();
    let (rows, columns) = screen.size();
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let colour = |(row, column)| match screen.cell(row, column)?.fgcolor() {
        vt100::Color::Idx(index) => Some(index),
        _ => None,
    };
    cells.filter_map(colour).collect()
}

/// Answers the question for the ground of the terminal with this colour, or not at all.
fn on_a_ground(answer: Option<&str>) -> Person {
    let mut person = Person::opens(&[]);
    let mut asked = Vec::new();
    while !asked.windows(6).any(|bytes| bytes == b"\x1b]11;?") {
        let bytes = person.output.recv_timeout(Duration::from_mins(1)).expect("it asks");
        asked.extend(bytes);
    }
    if let Some(rgb) = answer {
        person.types(&format!("\x1b]11;rgb:{rgb}\x1b\\\x1b[?62;22c"));
    }
    person.sees("tab symptom");
    person
}

#[test]
fn the_colours_are_those_for_the_ground_of_the_terminal() {
    let dark = colours(&on_a_ground(Some("0000/2b2b/3636")));
    let mut on_light = on_a_ground(Some("fdfd/f6f6/e3e3"));
    let light = colours(&on_light);
    let mut silent = on_a_ground(None);
    let unknown = colours(&silent);
    // Greys of text that is secondary, none of them of the palette.
    assert!(dark.contains(&250) && !dark.contains(&240), "{dark:?}");
    assert!(light.contains(&240) && !light.contains(&250), "{light:?}");
    assert!(unknown.contains(&244) && !unknown.contains(&250), "{unknown:?}");
    for colours in [&dark, &light, &unknown] {
        assert!(colours.iter().all(|index| *index >= 16), "{colours:?}");
    }
    // The answer is no key, and its absence does not hold up the keyboard.
    for person in [&mut on_light, &mut silent] {
        person.types("?");
        person.sees("esc close");
        person.types("\x1b");
        // A key right after it would be one with alt.
        person.waits("the help is closed", |text| !text.contains("esc close"));
        assert_eq!(person.quits(), 0);
    }
}
