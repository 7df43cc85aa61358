//! Where a server keeps its halves of precomputes: in a store, or in memory for as long as it runs.

use super::agreement::ModelId;
use super::handshake::Ticket;
use super::{NetError, Result};
use crate::error::BackendError;
use crate::party::Prepared;
use crate::random::Seed;
use crate::storage::{Storage, StorageIndex};
use crate::store::{Draft, Held, Label, PrecomputeId, Store, StoreError, Taken};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All precomputes of one server.
pub(super) struct Shelf {
    place: Place,
    most: usize,
    /// Precomputes that are being made.
    making: Mutex<usize>,
}

enum Place {
    Disk(Store),
    Memory { key: Seed, kept: Mutex<HashMap<PrecomputeId, (Label, Prepared)>> },
}

/// A precompute that is being made; it counts as kept.
pub(super) struct Slot<'a> {
    shelf: &'a Shelf,
    label: Label,
    draft: Option<Draft<'a>>,
}

/// A precompute that one client is about to use. Dropped, it is back.
pub(super) struct Lent<'a> {
    prepared: Option<Prepared>,
    back: Back<'a>,
}

enum Back<'a> {
    Disk(Box<Held<'a>>),
    Memory(&'a Mutex<HashMap<PrecomputeId, (Label, Prepared)>>, Label),
    Nowhere,
}

/// Why a client does not get a precompute.
pub(super) enum Unavailable {
    /// It is used, or never was.
    Gone,
    /// Anything else, which the client may know.
    Because(NetError),
}

impl Shelf {
    pub(super) fn new(store: Option<Store>, most: usize) -> Result<Self> {
        let place = match store {
            Some(store) => Place::Disk(store),
            None => Place::Memory { key: Seed::from_system()?, kept: Mutex::default() },
        };
        Ok(Self { place, most, making: Mutex::new(0) })
    }

    /// The key under which the server's weights get their name; with a store, the same after every start.
    pub(super) fn model_key(&self) -> Seed {
        match &self.place {
            Place::Disk(store) => store.secret("model"),
            Place::Memory { key, .. } => key.derive("model", 0),
        }
    }

    /// Begins a precompute; none if there are too many.
    pub(super) fn begin(&self, label: Label) -> Result<Option<Slot<'_>>> {
        let mut making = lock(&self.making);
        let kept = match &self.place {
            Place::Disk(store) => store.count()?,
            Place::Memory { kept, .. } => lock(kept).len(),
        };
        if kept + *making >= self.most {
            return Ok(None);
        }
        let draft = match &self.place {
            Place::Disk(store) => Some(store.begin(label.clone())?),
            Place::Memory { .. } => None,
        };
        *making += 1;
        Ok(Some(Slot { shelf: self, label, draft }))
    }

    /// Lends a precompute to the client that has its claim.
    pub(super) fn lend(
        &self,
        ticket: &Ticket,
        program: [u8; 32],
        model: ModelId,
    ) -> std::result::Result<Lent<'_>, Unavailable> {
        // A wrong claim learns no more than a wrong number.
        let fits = |label: &Label| label.claim == ticket.claim && label.program == program && label.model == model;
        match &self.place {
            Place::Disk(store) => {
                let held = store.hold(ticket.id).map_err(Unavailable::from)?;
                if !fits(held.label()) {
                    return Err(Unavailable::Gone);
                }
                let prepared = load(&held).map_err(Unavailable::Because)?;
                Ok(Lent { prepared: Some(prepared), back: Back::Disk(Box::new(held)) })
            }
            Place::Memory { kept, .. } => {
                let mut precomputes = lock(kept);
                if !precomputes.get(&ticket.id).is_some_and(|(label, _)| fits(label)) {
                    return Err(Unavailable::Gone);
                }
                let (label, prepared) = precomputes.remove(&ticket.id).ok_or(Unavailable::Gone)?;
                Ok(Lent { prepared: Some(prepared), back: Back::Memory(kept, label) })
            }
        }
    }
}

impl From<StoreError> for Unavailable {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Gone { .. } => Self::Gone,
            error => Self::Because(error.into()),
        }
    }
}

impl Slot<'_> {
    /// Where the run keeps its records.
    pub(super) fn storage(&self, memory_bytes: u64) -> Result<Storage> {
        Ok(match &self.draft {
            Some(draft) => Storage::in_file(draft.records()?),
            None => Storage::in_memory(memory_bytes),
        })
    }

    /// Keeps the precompute.
    pub(super) fn publish(mut self, prepared: Prepared) -> Result<()> {
        match (&self.shelf.place, self.draft.take()) {
            (Place::Memory { kept, .. }, _) => {
                lock(kept).insert(self.label.id, (self.label.clone(), prepared));
            }
            (Place::Disk(_), Some(draft)) => {
                draft.finish(&index(prepared)?)?.publish()?;
            }
            (Place::Disk(_), None) => return Err(BackendError::program("the precompute was not begun").into()),
        }
        Ok(())
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *lock(&self.shelf.making) -= 1;
    }
}

impl Lent<'_> {
    /// Uses it up, which is on the disk before this returns.
    pub(super) fn take(mut self) -> Result<(Prepared, Option<Taken>)> {
        let used = || NetError::from(BackendError::program("the precompute is used"));
        let prepared = self.prepared.take().ok_or_else(used)?;
        match std::mem::replace(&mut self.back, Back::Nowhere) {
            Back::Disk(held) => Ok((prepared, Some(held.take()?))),
            Back::Memory(..) | Back::Nowhere => Ok((prepared, None)),
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let (Some(prepared), Back::Memory(kept, label)) = (self.prepared.take(), &self.back) {
            lock(kept).insert(label.id, (label.clone(), prepared));
        }
    }
}

/// What a precompute's index file holds.
pub(super) fn index(prepared: Prepared) -> Result<Vec<u8>> {
    let index = prepared.into_storage().finish()?;
    serde_json::to_vec(&index).map_err(|error| BackendError::program(format!("the index: {error}")).into())
}

/// The state that a verified precompute holds.
pub(super) fn load(held: &Held<'_>) -> Result<Prepared> {
    let damaged = |error: serde_json::Error| BackendError::program(format!("the precompute's index: {error}"));
    let index: StorageIndex = serde_json::from_slice(&held.index()?).map_err(damaged)?;
    Ok(Prepared::new(Storage::open(held.records()?, index)?))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
