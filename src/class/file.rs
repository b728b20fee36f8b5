//! The file of a class: everything that a restart needs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::room::Room;
use crate::files;
use crate::join::message::LearnerId;

/// Version of the format.
const VERSION: u32 = 1;

/// Letters and digits of a join code: none that is easily mistaken for another.
const ALPHABET: &[u8] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789";

/// Letters of a join code.
const CODE_LENGTH: usize = 6;

/// A class as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassFile {
    version: u32,
    /// The join code.
    pub code: String,
    /// The presenter's key.
    pub presenter: String,
    /// Each learner's key.
    pub keys: BTreeMap<String, LearnerId>,
    /// The room.
    pub room: Room,
}

impl ClassFile {
    /// A class that begins.
    ///
    /// # Errors
    ///
    /// When the system gives no random bytes.
    pub fn begin() -> anyhow::Result<Self> {
        let mut bytes = [0; CODE_LENGTH + 3];
        getrandom::fill(&mut bytes)?;
        let (letters, seed) = bytes.split_at(CODE_LENGTH);
        let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]);
        let seed = seed.iter().fold(0, |seed, byte| seed << 8 | u32::from(*byte));
        Ok(Self {
            version: VERSION,
            code: letters.iter().map(letter).collect(),
            presenter: key()?,
            keys: BTreeMap::new(),
            room: Room::new(seed),
        })
    }

    /// Reads a class. A file that cannot be used is moved aside: then the second value names its new place.
    ///
    /// # Errors
    ///
    /// When the file is there and can neither be read nor moved.
    pub fn read(path: &Path) -> anyhow::Result<(Option<Self>, Option<String>)> {
        if !path.exists() {
            return Ok((None, None));
        }
        let text = files::read(path).with_context(|| path.display().to_string())?;
        let why = match serde_json::from_slice::<Self>(&text) {
            Ok(class) if class.version == VERSION => return Ok((Some(class), None)),
            Ok(class) => {
                format!("it has version {}, and this program reads {VERSION}", class.version)
            }
            Err(error) => error.to_string(),
        };
        let aside = files::free_name(path);
        fs::rename(path, &aside).with_context(|| path.display().to_string())?;
        let says = format!(
            "{} is not the file of a class ({why}); it is {} now, and a new class begins",
            path.display(),
            aside.display()
        );
        Ok((None, Some(says)))
    }
}

/// A key that cannot be guessed.
///
/// # Errors
///
/// When the system gives no random bytes.
pub fn key() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("no random bytes for a key")?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_set_aside() {
        let folder = tempfile::tempdir().expect("writable");
        let path = folder.path().join("class.json");
        for damaged in ["", "{", "[1]", "{\"version\":1}"] {
            fs::write(&path, damaged).expect("writable");
            let (class, said) = ClassFile::read(&path).expect("it is moved");
            assert_eq!(class, None);
            assert!(said.expect("it says so").contains("aside"), "{damaged}");
            assert!(!path.exists());
        }
        assert_eq!(ClassFile::read(&path).expect("nothing is there"), (None, None));
    }

    #[test]
    fn what_was_stored_is_read_again() {
        let folder = tempfile::tempdir().expect("writable");
        let path = folder.path().join("class.json");
        let class = ClassFile::begin().expect("random bytes");
        files::write(&path, &serde_json::to_vec(&class).expect("plain data")).expect("writable");
        assert_eq!(ClassFile::read(&path).expect("readable"), (Some(class), None));
    }
}
