//! The terminal, entered and left: whatever ends the screen, the terminal is as it was.
//!
//! Frames are written by a thread of their own, each whole: a terminal that takes no more output (Ctrl-S, a
//! link that is down) holds up nothing but its own picture, and one that is gone is no error on the way
//! out.

use std::collections::VecDeque;
use std::io::{self, Write, stdout};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};
use std::time::Duration;

use crossterm::event::{EnableBracketedPaste, EnableMouseCapture};
use crossterm::queue;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

use crate::guest::farewell;
use crate::terminal_size;

/// Panics beside the screen that wait to be shown; more are counted as one.
const PANICS: usize = 16;

/// Time limit for a blocked terminal at the end.
const FAREWELL: Duration = Duration::from_millis(300);

static BESIDE: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// All that is drawn on, also where the terminal does not tell.
fn all_of_it() -> Rect {
    let ((width, height), _) = terminal_size::size();
    Rect { x: 0, y: 0, width, height }
}

/// The terminal, in raw mode. Dropping it restores the terminal.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Gathered>>,
    /// Buffer of the terminal's backend.
    gathered: Gathered,
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
        let gathered = Gathered::default();
        let backend = CrosstermBackend::new(gathered.clone());
        let viewport = Viewport::Fixed(all_of_it());
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        let mut screen = Self { terminal, gathered };
        ENTERED.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        queue!(screen.terminal.backend_mut(), EnterAlternateScreen, EnableMouseCapture)?;
        // A program that was killed in there has left its screen.
        queue!(screen.terminal.backend_mut(), Clear(ClearType::All))?;
        queue!(screen.terminal.backend_mut(), EnableBracketedPaste)?;
        screen.gathered.send();
        Ok(screen)
    }

    /// Returns true if the terminal has taken the last frame; until then no other is drawn.
    pub fn is_idle(&self) -> bool {
        writer().waiting.load(Ordering::SeqCst) == 0
    }

    /// Returns true if the terminal has failed for good.
    pub fn is_gone(&self) -> bool {
        writer().gone.load(Ordering::SeqCst)
    }

    /// Draws a frame, which the terminal shows at once where it can.
    ///
    /// # Errors
    ///
    /// When the terminal does not tell its size.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let area = all_of_it();
        if self.terminal.get_frame().area() != area {
            self.terminal.resize(area)?;
        }
        self.terminal.draw(draw)?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        self.gathered.send();
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Output for the terminal, gathered to a whole frame. Clones share it.
#[derive(Debug, Clone, Default)]
struct Gathered(Arc<Mutex<Vec<u8>>>);

impl Gathered {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self) {
        writer().send(std::mem::take(&mut *self.lock()));
    }
}

impl Write for Gathered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// A part of a frame is not shown.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread that writes to the terminal.
struct Writer {
    /// Behind a lock: the panic hook writes too.
    to: Mutex<Sender<Vec<u8>>>,
    /// Bytes that are not written yet.
    waiting: AtomicUsize,
    gone: AtomicBool,
}

impl Writer {
    fn send(&self, bytes: Vec<u8>) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        if to.send(bytes).is_err() {
            // The thread could not be started, or has ended.
            self.gone.store(true, Ordering::SeqCst);
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

fn writer() -> &'static Writer {
    static WRITER: OnceLock<Writer> = OnceLock::new();
    static STARTED: Once = Once::new();
    let (to, frames) = channel::<Vec<u8>>();
    let writer = WRITER.get_or_init(|| Writer {
        to: Mutex::new(to),
        waiting: AtomicUsize::new(0),
        gone: AtomicBool::new(false),
    });
    STARTED.call_once(|| {
        let write = move || {
            for frame in frames {
                let mut out = stdout();
                if out.write_all(&frame).and_then(|()| out.flush()).is_err() {
                    writer.gone.store(true, Ordering::SeqCst);
                }
                writer.waiting.fetch_sub(1, Ordering::SeqCst);
            }
        };
        // Without the thread its channel is closed, and the terminal counts as gone.
        std::thread::Builder::new().name("terminal".to_owned()).spawn(write).ok();
    });
    writer
}

/// True if the alternate screen is active.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Leaves everything that [`Screen::enter`] entered, once: leaving twice would put the cursor back
/// over what a panic has told since. A terminal that is gone, or takes no output, needs no restoring.
pub fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    writer().send(farewell());
    let steps = 100;
    for _ in 0..steps {
        if writer().waiting.load(Ordering::SeqCst) == 0 {
            break;
        }
        pause(FAREWELL / steps);
    }
    disable_raw_mode().ok();
}

#[expect(clippy::disallowed_methods, reason = "on the way out, and in a panic, there is no clock")]
fn pause(time: Duration) {
    std::thread::sleep(time);
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
