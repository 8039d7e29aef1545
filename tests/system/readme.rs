//! What the README and the pages beside it print from the code is what the code says.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::{ExpectFile, expect_file};
use shift_access_core::catalogue::markdown_table;
use shift_access_tests::EXTENSION;

use crate::demo;

/// The page has the table between its marks. `UPDATE_EXPECT=1` rewrites it.
fn prints(page: &ExpectFile, text: &str, mark: &str, table: &str) {
    let (start, end) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let (before, rest) = text.split_once(&start).unwrap_or_else(|| panic!("the page has no mark {start}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("the page has no mark {end}"));
    page.assert_eq(&format!("{before}{start}{table}{end}{after}"));
}

#[test]
fn the_error_table_is_the_catalogue() {
    prints(&expect_file!["../../README.md"], include_str!("../../README.md"), "errors", &markdown_table());
}

#[test]
fn the_table_of_numbers_is_what_is_counted() {
    let table = shift_access::metrics::markdown_table();
    prints(&expect_file!["../../docs/serving.md"], include_str!("../../docs/serving.md"), "metrics", &table);
}

#[test]
fn the_table_of_limits_is_what_is_limited() {
    let table = shift_access::limits::markdown_table();
    prints(&expect_file!["../../docs/configuration.md"], include_str!("../../docs/configuration.md"), "limits", &table);
}

#[test]
fn every_key_of_the_pack_is_in_the_pages() {
    let page = include_str!("../../docs/configuration.md");
    for info in shift_access_core::settings::PROPERTIES {
        assert!(page.contains(&format!("`{}`", info.name)), "docs/configuration.md does not name the property {}", info.name);
    }
}

/// The configurations that a page shows.
fn shown(page: &str) -> impl Iterator<Item = &str> {
    page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap())
}

/// The tenants of a configuration in this folder, in which there must be no error.
async fn tenants(folder: &Path, text: &str) -> Vec<String> {
    let file = folder.join("shift-access.toml");
    fs::write(&file, text).unwrap();
    let cache = Some(shift_access_tests::cache());
    let (tenants, problems) = shift_access::Site::check(&file, &|_| Some("a-secret-of-some-length".to_owned()), cache).await;
    let errors: Vec<_> = problems.iter().filter(|problem| problem.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?} in\n{text}");
    tenants
}

/// Who copies them gets a host that starts, once the secrets are there.
#[tokio::test]
async fn the_configurations_shown_are_good() {
    for page in [include_str!("../../README.md"), include_str!("../../docs/configuration.md")] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(tenants(folder.path(), shown(page).next().unwrap()).await, ["acme"]);
    }
}

/// What else is shown is a part of one, for behind that of the README.
#[tokio::test]
async fn every_part_of_a_configuration_that_is_shown_is_good() {
    let stage = demo().await.unwrap();
    let folder = stage.folder().join("shown");
    fs::create_dir(&folder).unwrap();
    fs::copy(EXTENSION, folder.join("punch_feed.wasm")).unwrap();
    let packaged = stage.run(&["package", "--json", "--to", folder.join("released").to_str().unwrap()]).await.unwrap().json().unwrap();
    let digest = packaged["manifest"].as_str().unwrap();
    let base = shown(include_str!("../../README.md")).next().unwrap();
    let mut parts = 0;
    for (page, text) in pages() {
        for part in shown(&text) {
            let part =
                part.replace("sha256:…", digest).parse::<toml::Table>().unwrap_or_else(|error| panic!("{}: {error}", page.display()));
            // That of an extension's crate is cargo's.
            if part.contains_key("package") {
                continue;
            }
            let mut whole = base.parse().unwrap();
            lay_over(&mut whole, part);
            assert!(tenants(&folder, &whole.to_string()).await.contains(&"acme".to_owned()));
            parts += 1;
        }
    }
    assert!(parts > 6, "{parts}");
}

/// Puts what is shown in the place of what is there, table by table.
fn lay_over(whole: &mut toml::Table, part: toml::Table) {
    for (key, value) in part {
        match (whole.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(value)) => lay_over(below, value),
            (_, value) => drop(whole.insert(key, value)),
        }
    }
}

/// The pages for readers, each with where it lies.
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let others = [
        "README.md",
        "guest/core/RULES.md",
        "guest/core/tests/cases/README.md",
        "tests/platforms/PORTING.md",
        "tests/platforms/node-red/README.md",
    ];
    let pages = docs.chain(others.map(|page| root.join(page))).filter(|path| path.extension().is_some_and(|end| end == "md"));
    let pages: Vec<_> = pages.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    assert!(pages.len() > 10, "{pages:?}");
    pages
}

/// A link that leads nowhere is found by the reader, and too late.
#[test]
fn every_link_between_the_pages_leads_somewhere() {
    for (page, text) in pages() {
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let to = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(to.exists(), "{} leads to {link}, which is not there", page.display());
            let there = place.is_empty() || has_place(&fs::read_to_string(&to).unwrap(), place);
            assert!(there, "{} leads to {link}, where there is no such place", page.display());
        }
    }
}

/// Whether a page has a place of this name: one that it names, or a heading as GitHub names it.
fn has_place(page: &str, place: &str) -> bool {
    let headings = page.lines().filter(|line| line.starts_with('#')).map(|line| {
        let letters = line.trim_start_matches('#').trim().to_lowercase();
        letters.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter)).collect::<String>().replace(' ', "-")
    });
    page.contains(&format!("id=\"{place}\"")) || headings.into_iter().any(|heading| heading == place)
}
