//! Items that the thread pool makes at any time and that one thread takes in order.

use crate::error::{BackendError, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

/// Makes `count` items on the thread pool and hands each to `take`, in order, on the calling thread, while later ones are
/// made. Only a few more items than the pool has threads exist at once.
///
/// # Errors
/// The first error of `take`; later items are dropped.
pub(super) fn in_order<T: Send>(
    count: usize,
    make: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(usize, T) -> Result<()>,
) -> Result<()> {
    let window = 2 * rayon::current_num_threads() + 2;
    if rayon::current_thread_index().is_some() {
        // A thread of the pool must not wait for the pool's other tasks: it works on each window itself.
        for first in (0..count).step_by(window) {
            let last = (first + window).min(count);
            let items: Vec<T> = (first..last).into_par_iter().map(&make).collect();
            (first..last).zip(items).try_for_each(|(index, item)| take(index, item))?;
        }
        return Ok(());
    }
    let (sender, receiver) = mpsc::channel();
    rayon::in_place_scope(|scope| {
        let make = &make;
        let start = |index| {
            let sender = sender.clone();
            scope.spawn(move |_| {
                // A panic must reach the thread that waits for the item. It has gone if `take` failed.
                let item = catch_unwind(AssertUnwindSafe(|| make(index))).ok();
                let _ = sender.send((index, item));
            });
        };
        (0..window.min(count)).for_each(start);
        let mut early = BTreeMap::new();
        for index in 0..count {
            let item = loop {
                if let Some(item) = early.remove(&index) {
                    break item;
                }
                let lost = || BackendError::program("a thread failed");
                let (made, item) = receiver.recv().map_err(|_| lost())?;
                early.insert(made, item.ok_or_else(lost)?);
            };
            take(index, item)?;
            if index + window < count {
                start(index + window);
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn check(count: usize) {
        let (alive, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let make = |index: usize| {
            most.fetch_max(alive.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            index * index
        };
        let mut taken = Vec::new();
        let take = |index, item| {
            assert_eq!(item, index * index);
            taken.push(index);
            alive.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        };
        in_order(count, make, take).unwrap();
        assert_eq!(taken, (0..count).collect::<Vec<_>>());
        assert!(most.into_inner() <= 2 * rayon::current_num_threads() + 2);
    }

    #[test]
    fn items_come_in_order_and_few_at_once_inside_and_outside_of_the_pool() {
        for count in [0, 1, 2, 1000] {
            check(count);
            for threads in [1, 3] {
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| check(count));
            }
        }
    }

    #[test]
    fn an_error_ends_it_and_a_panic_becomes_an_error() {
        let mut taken = 0;
        let failed = in_order(
            100,
            |index| index,
            |index, _| {
                taken += 1;
                if index == 10 { Err(BackendError::program("full")) } else { Ok(()) }
            },
        );
        assert!(failed.is_err() && taken == 11);
        assert!(in_order(100, |index| assert!(index != 50), |_, ()| Ok(())).is_err());
    }
}
