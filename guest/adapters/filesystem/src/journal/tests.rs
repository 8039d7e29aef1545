//! The promises of the folder, on a real one.

use std::thread;

use tempfile::TempDir;

use super::*;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn put(key: &str, value: &str) -> Vec<Change> {
    vec![Change::Put(key.to_owned(), value.as_bytes().to_vec())]
}

fn always(_: &State) -> Result<(), ()> {
    Ok(())
}

fn value(journal: &mut Journal, key: &str) -> Option<String> {
    journal.refresh().unwrap();
    journal.state.entries.get(key).map(|kept| String::from_utf8(kept.value.clone()).unwrap())
}

#[test]
fn a_read_sees_every_commit_before_it_also_one_of_another_instance() {
    let folder = folder();
    let (mut one, mut other) = (Journal::open(folder.path()).unwrap(), Journal::open(folder.path()).unwrap());
    one.commit(put("k", "1"), always).unwrap().unwrap();
    assert_eq!(value(&mut other, "k").as_deref(), Some("1"));
    other.commit(put("k", "2"), always).unwrap().unwrap();
    assert_eq!(value(&mut one, "k").as_deref(), Some("2"));
    assert_eq!(value(&mut Journal::open(folder.path()).unwrap(), "k").as_deref(), Some("2"));
}

#[test]
fn of_many_who_saw_the_same_one_wins_and_generations_pass_unnoticed() {
    const ROUNDS: u64 = 300;
    let folder = folder();
    let path = folder.path();
    // Each adds one to what it reads, on condition that nobody did meanwhile; more than one generation is filled.
    let add = || {
        let mut journal = Journal::open(path).unwrap();
        let mut added = 0;
        while added < ROUNDS {
            journal.refresh().unwrap();
            let seen = journal.state.entries.get("n").cloned();
            let before: u64 = seen.as_ref().map_or(0, |kept| String::from_utf8_lossy(&kept.value).parse().unwrap());
            let same = |state: &State| if state.entries.get("n") == seen.as_ref() { Ok(()) } else { Err(()) };
            added += u64::from(journal.commit(put("n", &(before + 1).to_string()), same).unwrap().is_ok());
        }
    };
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(add))));
    let mut journal = Journal::open(path).unwrap();
    assert_eq!(value(&mut journal, "n").as_deref(), Some("1200"));
    assert!(journal.generation > 1, "generation {}", journal.generation);
    assert!(journal.generations().unwrap().len() <= 2, "those before the last are gone");
    assert_eq!(fs::read_dir(path.join("tmp")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn who_slept_for_generations_finds_what_is_there_and_adds_to_it() {
    let folder = folder();
    let (mut sleeper, mut busy) = (Journal::open(folder.path()).unwrap(), Journal::open(folder.path()).unwrap());
    for n in 0..(COMMITS * 3) {
        busy.commit(put("n", &n.to_string()), always).unwrap().unwrap();
    }
    assert!(!exists(&sleeper.folder(sleeper.generation)).unwrap(), "its generation is gone");
    sleeper.commit(put("late", "x"), always).unwrap().unwrap();
    assert_eq!(value(&mut busy, "late").as_deref(), Some("x"));
    assert_eq!(value(&mut sleeper, "n"), value(&mut busy, "n"));
}

#[test]
fn who_stood_still_at_the_end_of_a_generation_brings_none_back_that_came_and_went() {
    let folder = folder();
    let (mut still, mut busy) = (Journal::open(folder.path()).unwrap(), Journal::open(folder.path()).unwrap());
    for n in 0..(COMMITS * 4) {
        busy.commit(put("n", &n.to_string()), always).unwrap().unwrap();
    }
    assert!(busy.generation > 4 && !exists(&still.folder(2)).unwrap(), "the one after its own is gone as well");
    // It had read the seal, and found no next generation, before it stood still.
    still.advance().unwrap();
    assert!(!exists(&still.folder(2)).unwrap(), "it is back");
    assert_eq!((still.generation, value(&mut still, "n")), (busy.generation, value(&mut busy, "n")));
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0, "nothing is left behind");
}

/// A journal whose generation ended, by somebody who was killed before the next one was there.
fn ended(folder: &Path) -> Journal {
    let mut journal = Journal::open(folder).unwrap();
    journal.commit(put("k", "1"), always).unwrap().unwrap();
    let written = journal.write(&Record::Seal).unwrap();
    assert!(journal.name(&written).unwrap());
    journal
}

#[test]
fn a_generation_that_ended_without_a_next_one_is_gone_on_from() {
    let folder = folder();
    let mut journal = ended(folder.path());
    let mut next = Journal::open(folder.path()).unwrap();
    assert_eq!((next.generation, value(&mut next, "k").as_deref()), (2, Some("1")));
    journal.commit(put("k", "2"), always).unwrap().unwrap();
    assert_eq!(value(&mut next, "k").as_deref(), Some("2"));
}

#[test]
fn nothing_is_added_behind_the_end_of_a_generation_that_has_no_next_one() {
    let folder = folder();
    let mut journal = ended(folder.path());
    // Where nothing can be written, no generation can be begun.
    let (tmp, aside) = (folder.path().join("tmp"), folder.path().join("aside"));
    fs::rename(&tmp, &aside).unwrap();
    for _ in 0..2 {
        assert!(matches!(journal.refresh(), Err(StoreError::Folder(_))));
    }
    fs::rename(&aside, &tmp).unwrap();
    journal.commit(put("k", "2"), always).unwrap().unwrap();
    assert_eq!(value(&mut Journal::open(folder.path()).unwrap(), "k").as_deref(), Some("2"));
}

#[test]
fn a_commit_that_was_cleared_away_before_it_had_its_name_fails() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let written = journal.write(&Record::Commit(put("k", "1"))).unwrap();
    fs::remove_file(&written).unwrap();
    assert!(matches!(journal.name(&written), Err(StoreError::Folder(_))), "to try again would be to try for ever");
}

#[test]
fn a_damaged_file_is_named_and_nothing_is_stored_over_it() {
    let folder = folder();
    let mut journal = Journal::open(folder.path()).unwrap();
    journal.commit(put("k", "1"), always).unwrap().unwrap();
    fs::write(journal.commit_path(2), [99]).unwrap();
    assert!(matches!(journal.commit(put("k", "2"), always), Err(StoreError::Damaged(path)) if path.ends_with("00000000000000000002")));
}
