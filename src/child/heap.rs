//! The allocator: counts heap bytes, and holds a served lane to a limit of its own.

use std::alloc::System;

use cap::Cap;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Heap bytes in use by this process.
pub fn in_use_bytes() -> u64 {
    HEAP.allocated() as u64
}

/// Makes this process abort when its heap would grow beyond `bytes`.
///
/// # Errors
///
/// When more is in use already.
pub fn limit(bytes: u64) -> Result<(), HeapTooLarge> {
    let limit = usize::try_from(bytes).unwrap_or(usize::MAX);
    HEAP.set_limit(limit).map_err(|()| HeapTooLarge { limit_bytes: bytes })
}

/// A heap limit below what is in use.
#[derive(Debug, thiserror::Error)]
#[error("the heap already holds more than the limit of {limit_bytes} bytes")]
pub struct HeapTooLarge {
    limit_bytes: u64,
}
