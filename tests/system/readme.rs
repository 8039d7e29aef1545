//! What the README prints from the code is what the code says.

use std::fs;
use std::path::Path;

use shift_access_core::catalogue::markdown_table;

/// Set to rewrite the README instead of comparing it.
const UPDATE: &str = "UPDATE_SNAPSHOTS";

#[test]
fn the_error_table_is_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (start, end) = ("<!-- errors -->\n", "<!-- /errors -->");
    let (before, rest) = readme.split_once(start).expect("README.md has the mark <!-- errors -->");
    let (found, after) = rest.split_once(end).expect("README.md has the mark <!-- /errors -->");
    let wanted = markdown_table();
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, format!("{before}{start}{wanted}{end}{after}")).unwrap();
    } else {
        assert_eq!(found, wanted, "run the tests once with {UPDATE}=1");
    }
}

#[test]
fn every_key_of_the_pack_is_in_the_readme() {
    let readme = include_str!("../../README.md");
    for info in shift_access_core::settings::PROPERTIES {
        assert!(readme.contains(&format!("`{}`", info.name)), "the README does not name the property {}", info.name);
    }
}
