//! What must hold whatever happens to a process or a file.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &TempDir) -> Store {
    Store::open(folder.path(), Party::Client).unwrap()
}

fn label(number: u8) -> Label {
    Label {
        id: PrecomputeId([number; 16]),
        claim: Claim([number ^ 0xff; 32]),
        program: [7; 32],
        model: crate::net::ModelId([9; 32]),
    }
}

/// Makes a precompute with some content.
fn make(store: &Store, number: u8) -> PrecomputeId {
    let draft = store.begin(label(number)).unwrap();
    draft.records().unwrap().write_all(&[number; 300]).unwrap();
    draft.finish(b"the index").unwrap().publish().unwrap()
}

fn names(folder: &TempDir) -> BTreeSet<String> {
    files::names(folder.path()).unwrap().into_iter().collect()
}

#[test]
fn what_was_put_in_comes_out_once() {
    let folder = folder();
    let id = make(&open(&folder), 1);
    let store = open(&folder);
    assert_eq!(store.list().unwrap(), [label(1)]);
    let held = store.hold(id).unwrap();
    assert_eq!((held.label(), &held.index().unwrap()[..]), (&label(1), &b"the index"[..]));
    let mut records = Vec::new();
    let mut file = held.records().unwrap();
    let taken = held.take().unwrap();
    assert!(matches!(store.hold(id), Err(StoreError::Gone { .. })));
    file.read_to_end(&mut records).unwrap();
    assert_eq!(records, [1; 300], "an open file outlives the renaming");
    drop(taken);
    assert_eq!(names(&folder), BTreeSet::from(["key".to_owned(), "lock".to_owned()]));
}

#[test]
fn a_precompute_that_is_held_and_released_is_still_there() {
    let folder = folder();
    let store = open(&folder);
    let id = make(&store, 1);
    let held = store.hold(id).unwrap();
    assert!(matches!(open(&folder).hold(id), Err(StoreError::InUse { .. })));
    drop(held);
    assert!(store.hold(id).is_ok());
}

#[test]
fn of_many_that_want_one_precompute_one_gets_it() {
    let folder = folder();
    let id = make(&open(&folder), 1);
    let attempt = || open(&folder).hold(id).and_then(Held::take).map(std::mem::forget).is_ok();
    let wins = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(attempt)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|won| *won).count()
    });
    assert_eq!(wins, 1);
}

#[test]
fn nothing_appears_before_it_is_finished_and_what_is_dropped_leaves_nothing() {
    let folder = folder();
    let store = open(&folder);
    let before = names(&folder);
    let draft = store.begin(label(1)).unwrap();
    draft.records().unwrap().write_all(b"half").unwrap();
    assert!(store.list().unwrap().is_empty());
    assert!(matches!(store.hold(label(1).id), Err(StoreError::Gone { .. })));
    drop(draft);
    let ready = store.begin(label(1)).unwrap().finish(b"").unwrap();
    assert!(store.list().unwrap().is_empty());
    drop(ready);
    assert_eq!(names(&folder), before);
}

#[test]
fn what_a_crash_left_is_removed_and_what_lives_is_not() {
    let folder = folder();
    let store = open(&folder);
    let kept = make(&store, 1);
    let crashed_while_using = make(&store, 2);
    let used = store.hold(crashed_while_using).unwrap().take().unwrap();
    let writing = store.begin(label(3)).unwrap();
    // Another process opens the store while these two are at work.
    let other = open(&folder);
    assert_eq!(names(&folder).len(), 2 + 3);
    // They crash: their locks go, their files stay.
    for name in [format!("{}.client.part", label(4).id), format!("{}.client.used", label(5).id)] {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("lock"), "").unwrap();
        fs::write(path.join("records"), "secret").unwrap();
    }
    fs::create_dir(folder.path().join(format!("{}.client.part", label(6).id))).unwrap();
    let third = open(&folder);
    assert_eq!(names(&folder).len(), 2 + 3);
    drop((used, writing));
    assert_eq!(third.list().unwrap(), [label(1)]);
    assert!(other.hold(kept).is_ok());
}

#[test]
fn the_two_parties_of_one_folder_do_not_see_each_other() {
    let folder = folder();
    let id = make(&open(&folder), 1);
    let server = Store::open(folder.path(), Party::Server).unwrap();
    assert!(server.list().unwrap().is_empty() && server.hold(id).is_err());
    // Not even if somebody renames the entry.
    let name = |party| folder.path().join(format!("{id}.{party}"));
    fs::rename(name("client"), name("server")).unwrap();
    assert!(matches!(server.hold(id), Err(StoreError::Tampered { .. })));
}

#[test]
fn entries_cannot_be_exchanged_renamed_or_moved_to_another_store() {
    let [folder, other] = [folder(), folder()];
    let store = open(&folder);
    let [first, second] = [make(&store, 1), make(&store, 2)];
    let path = |id: PrecomputeId| folder.path().join(format!("{id}.client"));
    for name in ["seal", "records"] {
        let (original, foreign) =
            (fs::read(path(first).join(name)).unwrap(), fs::read(path(second).join(name)).unwrap());
        fs::write(path(first).join(name), foreign).unwrap();
        assert!(matches!(store.hold(first), Err(StoreError::Tampered { .. })), "{name}");
        fs::write(path(first).join(name), original).unwrap();
        assert!(store.hold(first).is_ok());
    }
    fs::rename(path(first), path(label(8).id)).unwrap();
    assert!(matches!(store.hold(label(8).id), Err(StoreError::Tampered { .. })));
    let elsewhere = open(&other);
    fs::rename(path(second), other.path().join(format!("{second}.client"))).unwrap();
    assert!(matches!(elsewhere.hold(second), Err(StoreError::Tampered { .. })));
}

#[cfg(unix)]
#[test]
fn files_are_their_owners_only_and_a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let id = make(&open(&folder), 1);
    let entry = folder.path().join(format!("{id}.client"));
    for path in
        ["seal", "index", "records", "lock"].map(|name| entry.join(name)).iter().chain([&folder.path().join("key")])
    {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    assert_eq!(fs::metadata(&entry).unwrap().permissions().mode() & 0o777, 0o700);
    let key = folder.path().join("key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(Store::open(folder.path(), Party::Client), Err(StoreError::OpenKey { .. })));
}

#[test]
fn a_store_that_cannot_be_opened_is_an_error() {
    let folder = folder();
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(matches!(Store::open(&folder.path().join("file"), Party::Client), Err(StoreError::Io { .. })));
    open(&folder);
    fs::write(folder.path().join("key"), "short").unwrap();
    assert!(matches!(Store::open(folder.path(), Party::Client), Err(StoreError::Tampered { .. })));
}

#[test]
fn one_number_is_made_once() {
    let folder = folder();
    let store = open(&folder);
    make(&store, 1);
    assert!(matches!(store.begin(label(1)), Err(StoreError::Io { .. })));
    let _draft = store.begin(label(2)).unwrap();
    assert!(matches!(store.begin(label(2)), Err(StoreError::Io { .. })));
    assert_eq!(store.count().unwrap(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_change_of_any_byte_or_length_of_any_file_is_found(
        file in prop::sample::select(vec!["seal", "index", "records"]),
        at in any::<prop::sample::Index>(),
        bit in 0u32..8,
        kind in 0u8..3,
    ) {
        let folder = folder();
        let store = open(&folder);
        let id = make(&store, 1);
        let path = folder.path().join(format!("{id}.client")).join(file);
        let mut bytes = fs::read(&path).unwrap();
        match kind {
            0 => { let at = at.index(bytes.len()); bytes[at] ^= 1 << bit }
            1 => { let at = at.index(bytes.len()); bytes.truncate(at) }
            _ => bytes.push(bit as u8),
        }
        fs::write(&path, bytes).unwrap();
        let tampered = matches!(store.hold(id), Err(StoreError::Tampered { .. }));
        prop_assert!(tampered);
    }
}
