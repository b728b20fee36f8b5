//! The terminal: a front end of [`firedrill_core::session`]. One model, one update, pure views.
//!
//! * [`message`]: messages to the screen and its commands; [`action`]: the actions of keys
//! * [`model`]: which part of the session is on screen; [`layout`]: the places of the frame that was drawn last
//! * [`keys`]: what each key does, from which key bar and help are made
//! * [`update`]: a message changes the model and may ask for something to be done
//! * [`code`]: the code view: its files, the broken variant beside the fixed; [`syntax`]: its words
//! * [`chaos`]: faults as switches; [`shift`]: the menus of an on-call shift
//! * [`room`]: the class that the terminal takes part in
//! * [`view`]: draws the model, one file a region; [`theme`]: colours and symbols
//! * [`terminal`]: raw mode, entered and left
//! * [`event_loop`]: keys, mouse, signals, the run's events and the frame clock, in one `select!`
//! * [`programs`]: programs that the terminal is handed to
//! * [`picture`]: the same views, drawn into an SVG

pub mod action;
pub mod chaos;
pub mod code;
pub mod event_loop;
pub mod inputs;
pub mod keys;
pub mod layout;
pub mod message;
pub mod model;
pub mod picture;
pub mod programs;
pub mod reached_speed;
pub mod room;
pub mod shift;
pub mod syntax;
pub mod terminal;
pub mod theme;
pub mod update;
mod user_state;
pub mod view;
