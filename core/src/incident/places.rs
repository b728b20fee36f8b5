//! Locations in a manifest: lines, found in the parsed tree of its text.

use toml::de::{DeArray, DeTable, DeValue};

use super::manifest::ManifestError;

/// A step on the way to a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum FieldStep<'a> {
    /// Into the table, or to the field, of this name.
    Key(&'a str),
    /// To one of several tables of one name, counted from 0.
    Nth(usize),
}

/// Finds the lines of fields for errors.
pub(super) struct Places<'a> {
    file: &'a str,
    text: &'a str,
    root: Option<DeTable<'a>>,
}

impl<'a> Places<'a> {
    /// The places of a text, which may be no TOML: then only offsets have lines.
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        let root = DeTable::parse(text).ok().map(toml::Spanned::into_inner);
        Self { file, text, root }
    }

    /// Fails with the line of the field `key` of `table` unless `holds`.
    pub(super) fn check(
        &self,
        table: &[FieldStep],
        key: &str,
        holds: bool,
        message: impl FnOnce() -> String,
    ) -> Result<(), ManifestError> {
        if holds {
            return Ok(());
        }
        Err(self.error(self.offset(table, key), key, message()))
    }

    /// Returns the start of a field, or of the innermost existing table if the field is missing.
    fn offset(&self, table: &[FieldStep], key: &str) -> usize {
        let mut found = 0;
        let (mut inside, mut tables) = (self.root.as_ref(), None);
        for step in table.iter().copied().chain([FieldStep::Key(key)]) {
            let next = match step {
                FieldStep::Key(name) => inside.and_then(|table| {
                    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
                    Some((key.span().start, value))
                }),
                FieldStep::Nth(i) => tables
                    .and_then(|tables: &DeArray<'a>| tables.get(i))
                    .map(|table| (table.span().start, table)),
            };
            let Some((start, value)) = next else { break };
            found = start;
            (inside, tables) = match value.get_ref() {
                DeValue::Table(table) => (Some(table), None),
                DeValue::Array(tables) => (None, Some(tables)),
                _ => (None, None),
            };
        }
        found
    }

    /// An error at a place of the text.
    pub(super) fn error(&self, offset: usize, key: &str, message: String) -> ManifestError {
        let line = self.text[..offset.min(self.text.len())].matches('\n').count() + 1;
        let message = if key.is_empty() { message } else { format!("field `{key}`: {message}") };
        ManifestError { file: self.file.to_owned(), line, message }
    }
}

#[cfg(test)]
mod tests {
    use super::FieldStep::{Key, Nth};
    use super::*;

    #[test]
    fn a_field_is_found_in_its_own_table_whatever_stands_around_it() {
        let text = "# [[expect]]\nid = \"a\"\nload = { rate = 5 }\n\n[[expect]]\nmetric = \"x\"\n\n\
                    [[expect]]\n# metric\nmetric = \"y\"\n\n[[off.expect]]\nmetric = \"z\"\n";
        let places = Places::new("incident.toml", text);
        let line = |table: &[FieldStep], key: &str| {
            let failed = places.check(table, key, false, || "wrong".to_owned());
            failed.expect_err("it does not hold").line
        };
        assert_eq!(line(&[], "id"), 2);
        assert_eq!(line(&[Key("load")], "rate"), 3);
        assert_eq!(line(&[Key("expect"), Nth(0)], "metric"), 6);
        assert_eq!(line(&[Key("expect"), Nth(1)], "metric"), 10);
        assert_eq!(line(&[Key("expect"), Nth(1)], "missing"), 8);
        assert_eq!(line(&[Key("off"), Key("expect"), Nth(0)], "metric"), 13);
        assert_eq!(line(&[Key("nowhere")], "metric"), 1);
    }
}
