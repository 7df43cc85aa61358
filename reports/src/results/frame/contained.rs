//! The decoder of Parquet panics on some damaged files. Here such a panic becomes an error.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether this thread is inside [`contained`], where a panic is a fault of the file and not to be printed.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Does `work`; what it panics with is the error, and nothing is printed. Panics elsewhere are printed as ever.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let printing = take_hook();
        set_hook(Box::new(move |info| {
            if !INSIDE.get() {
                printing(info);
            }
        }));
    });
    let outer = INSIDE.replace(true);
    // Everything that `work` had in its hands is dropped or abandoned by the caller after a panic.
    let result = catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(outer);
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        format!("it is damaged ({})", text.unwrap_or("the decoder gave up"))
    })
}
