//! The terminal: one model, one update, pure views.
//!
//! * [`model`]: everything on screen, aggregated as it arrives; [`lane`]: one lane of it;
//!   [`series`]: its bounded history
//! * [`track`]: one run on screen, and its past being played; [`past`]: that past, bounded
//! * [`keys`]: what each key does, from which key bar and help are made
//! * [`update`]: a message changes the model and may ask for something to be done; [`time`]: what
//!   moves in time
//! * [`code`]: the code view: its files, the broken form beside the fixed; [`syntax`]: its words
//! * [`walk`]: the guided walk: where it stands, what was said, what the run has shown
//! * [`view`]: draws the model, one file a region
//! * [`theme`]: colours and symbols
//! * [`terminal`]: raw mode, entered and left
//! * [`event_loop`]: keys, mouse, signals, the run's events and the frame clock, in one `select!`
//! * [`picture`]: the same views, drawn into an SVG

pub mod code;
pub mod event_loop;
pub mod keys;
pub mod lane;
pub mod model;
pub mod past;
pub mod picture;
pub mod series;
pub mod syntax;
pub mod terminal;
pub mod theme;
pub mod time;
pub mod track;
pub mod update;
pub mod view;
pub mod walk;
