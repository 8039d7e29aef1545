//! What the README prints from the code is what the code says.

use expect_test::expect_file;
use shift_access_core::catalogue::markdown_table;

#[test]
fn the_error_table_is_the_catalogue() {
    let readme = include_str!("../../README.md");
    let (start, end) = ("<!-- errors -->\n", "<!-- /errors -->");
    let (before, rest) = readme.split_once(start).expect("README.md has the mark <!-- errors -->");
    let (_, after) = rest.split_once(end).expect("README.md has the mark <!-- /errors -->");
    // UPDATE_EXPECT=1 rewrites it.
    expect_file!["../../README.md"].assert_eq(&format!("{before}{start}{}{end}{after}", markdown_table()));
}

#[test]
fn the_table_of_numbers_is_what_is_counted() {
    let readme = include_str!("../../README.md");
    let (start, end) = ("<!-- metrics -->\n", "<!-- /metrics -->");
    let (before, rest) = readme.split_once(start).expect("README.md has the mark <!-- metrics -->");
    let (_, after) = rest.split_once(end).expect("README.md has the mark <!-- /metrics -->");
    // UPDATE_EXPECT=1 rewrites it.
    expect_file!["../../README.md"].assert_eq(&format!("{before}{start}{}{end}{after}", shift_access::metrics::markdown_table()));
}

#[test]
fn the_table_of_limits_is_what_is_limited() {
    let readme = include_str!("../../README.md");
    let (start, end) = ("<!-- limits -->\n", "<!-- /limits -->");
    let (before, rest) = readme.split_once(start).expect("README.md has the mark <!-- limits -->");
    let (_, after) = rest.split_once(end).expect("README.md has the mark <!-- /limits -->");
    // UPDATE_EXPECT=1 rewrites it.
    expect_file!["../../README.md"].assert_eq(&format!("{before}{start}{}{end}{after}", shift_access::limits::markdown_table()));
}

#[test]
fn every_key_of_the_pack_is_in_the_readme() {
    let readme = include_str!("../../README.md");
    for info in shift_access_core::settings::PROPERTIES {
        assert!(readme.contains(&format!("`{}`", info.name)), "the README does not name the property {}", info.name);
    }
}
