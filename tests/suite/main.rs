//! The program from outside, by capability.

#![allow(clippy::disallowed_methods, reason = "tests watch other processes, by the wall clock")]

#[macro_use]
mod named;

mod agreement;
mod alerts;
mod bad;
mod book;
mod book_in_browser;
mod browser;
mod chain;
mod chaos;
mod child;
mod class;
mod class_in_browser;
mod colours;
mod command_line;
mod common;
mod console;
mod devtools;
mod documents;
mod drill;
mod exercise;
mod exercise_loop;
mod gate;
mod imports;
mod join;
mod keyboard;
mod lab;
mod lab_in_browser;
mod manifests;
mod on_call;
mod orphans;
mod pack;
mod pairs;
mod past;
mod person;
mod recordings;
mod screens;
mod shift_in_browser;
mod signals;
mod supervision;
mod sweep;
mod switching;
mod verdicts;
mod virtual_clock;
mod walk;
mod walks_in_browser;
mod wasm;
