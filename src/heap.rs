//! The allocator: counts heap bytes, and holds a lane's child to a limit of its own.

use std::alloc::System;

use anyhow::anyhow;
use firedrill_core::child::Heap;

#[global_allocator]
static HEAP: Heap = Heap::new(System, usize::MAX);

/// Heap bytes in use by this process.
pub fn in_use_bytes() -> u64 {
    HEAP.allocated() as u64
}

/// Makes this process abort when its heap would grow beyond `bytes`.
///
/// # Errors
///
/// When more is in use already.
pub fn limit(bytes: u64) -> anyhow::Result<()> {
    let limit = usize::try_from(bytes).unwrap_or(usize::MAX);
    let says = || anyhow!("the heap already holds more than the limit of {bytes} bytes");
    HEAP.set_limit(limit).map_err(|()| says())
}
