//! A folder of bad configurations, one mistake a file: each ends with 64 and tells file, key and remedy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::PROGRAM;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config").join(name)
}

/// Runs `check` on one file of a folder; the name of the file is given as it is, so messages do not depend on the place.
fn check(folder: &Path, file: &str) -> (Option<i32>, String) {
    let output = Command::new(PROGRAM)
        .current_dir(folder)
        .args(["--config", file, "check"])
        .env("XDG_CACHE_HOME", shift_access_tests::cache())
        .env("XDG_STATE_HOME", std::env::temp_dir().join("shift-access-tests-state"))
        .env("KRONOS_CLIENT_SECRET", "a-secret-of-the-environment")
        .env("KRONOS_PASSWORD", "a-secret-of-the-environment")
        .env("WS1_SHARED_SECRET", "a-secret-of-the-environment")
        .env("SMTP_PASSWORD", "a-secret-of-the-environment")
        .env("HOOK_SECRET", "a-secret-of-the-environment")
        .output()
        .unwrap();
    (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".toml"));
    names.sort();
    names
}

#[test]
fn every_mistake_is_refused_in_the_words_beside_it() {
    let folder = folder("invalid");
    let files = files(&folder);
    assert!(files.len() >= 60);
    for file in files {
        let (code, said) = check(&folder, &file);
        assert_eq!(code, Some(64), "{file}: {said}");
        compare(&folder, &file, &said);
        assert!(said.lines().all(|line| line.chars().count() < 400), "{file}: too long to read: {said}");
    }
}

/// Every line beside the file is said, those that begin with `!` are not, and no secret is.
fn compare(folder: &Path, file: &str, said: &str) {
    let wanted = fs::read_to_string(folder.join(file).with_extension("txt")).unwrap();
    for line in wanted.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_prefix('!') {
            Some(unwanted) => assert!(!said.contains(unwanted.trim()), "{file}: `{unwanted}` in\n{said}"),
            None => assert!(said.contains(line), "{file}: no `{line}` in\n{said}"),
        }
    }
    assert!(!said.contains("hush-hush") && !said.contains("a-secret-of"), "{file} shows a secret: {said}");
}

#[test]
fn what_may_not_be_meant_is_warned_of_and_passes() {
    let folder = folder("warned");
    let files = files(&folder);
    assert!(files.len() >= 4);
    for file in files {
        let (code, said) = check(&folder, &file);
        assert_eq!(code, Some(0), "{file}: {said}");
        assert!(said.contains(" 1 warnings"), "{file}: {said}");
        compare(&folder, &file, &said);
    }
}

#[test]
fn good_ones_pass() {
    let folder = folder("valid");
    let files = files(&folder);
    assert!(files.len() >= 2);
    for file in files {
        let (code, said) = check(&folder, &file);
        assert_eq!(code, Some(0), "{file}: {said}");
        assert!(said.contains(" 0 warnings"), "{file}: {said}");
    }
}

#[test]
fn a_missing_file_is_a_mistake_like_any_other() {
    let (code, said) = check(&folder("valid"), "no-such.toml");
    assert_eq!(code, Some(64));
    assert!(said.contains("no-such.toml"), "{said}");
}

#[test]
fn no_command_runs_with_a_bad_configuration() {
    for command in [&["run", "acme", "batch"][..], &["workers", "acme"], &["decide", "acme", "x"], &["history", "acme"]] {
        let output = Command::new(PROGRAM)
            .current_dir(folder("invalid"))
            .args(["--config", "interval-too-short.toml"])
            .args(command)
            .env("XDG_CACHE_HOME", shift_access_tests::cache())
            .env("XDG_STATE_HOME", std::env::temp_dir().join("shift-access-tests-state"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(64), "{command:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("HWBS-WS02"), "{command:?}");
    }
}
