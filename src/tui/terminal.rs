//! Raw mode, entered and left: whatever ends the screen, the terminal is as it was.

use std::collections::VecDeque;
use std::io::{self, Stdout, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// Panics beside the screen that wait to be shown; more are counted as one.
const PANICS: usize = 16;

static BESIDE: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// The terminal, in raw mode. Dropping it restores the terminal.
#[derive(Debug)]
pub struct Screen {
    /// What ratatui draws on.
    pub terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Enters raw mode and the alternate screen.
    ///
    /// # Errors
    ///
    /// When the terminal refuses; it is then as it was.
    pub fn enter() -> io::Result<Self> {
        hook_panics();
        // Made first, so that what follows is undone also when it fails half-way.
        let screen = Self { terminal: Terminal::new(CrosstermBackend::new(stdout()))? };
        ENTERED.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        execute!(stdout(), EnterAlternateScreen, EnableMouseCapture)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether there is something to leave.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Leaves everything that [`Screen::enter`] entered, once: leaving twice would put the cursor back
/// over what a panic has told since. A terminal that is gone needs no restoring.
fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    execute!(stdout(), DisableMouseCapture, LeaveAlternateScreen, crossterm::cursor::Show).ok();
    disable_raw_mode().ok();
}

/// A panic of the thread that draws restores the terminal before it is told. One beside it must
/// not touch the screen: it is kept for [`panics`].
fn hook_panics() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let drawing = std::thread::current().id();
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().id() == drawing {
                restore();
                tell(panic);
                return;
            }
            let mut beside = BESIDE.lock().unwrap_or_else(PoisonError::into_inner);
            if beside.len() < PANICS {
                beside.push_back(format!("firedrill itself panicked: {panic}"));
            }
        }));
    });
}

/// The panics beside the screen since the last call.
pub fn panics() -> Vec<String> {
    BESIDE.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
}
