//! What the README and the pages beside it print from the code is what the code says.

use expect_test::{ExpectFile, expect_file};
use shift_access_core::catalogue::markdown_table;

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

/// Who copies them gets a host that starts, once the secrets are there.
#[tokio::test]
async fn the_configurations_shown_are_good() {
    for page in [include_str!("../../README.md"), include_str!("../../docs/configuration.md")] {
        let (_, rest) = page.split_once("```toml\n").unwrap();
        let (shown, _) = rest.split_once("```").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shift-access.toml");
        std::fs::write(&file, shown).unwrap();
        let cache = Some(std::env::temp_dir().join("shift-access-tests-cache"));
        let (tenants, problems) = shift_access::Site::check(&file, &|_| Some("a-secret-of-some-length".to_owned()), cache).await;
        let errors: Vec<_> = problems.iter().filter(|problem| problem.is_error()).collect();
        assert!(errors.is_empty() && tenants == ["acme"], "{tenants:?} {errors:?}");
    }
}

/// A link that leads nowhere is found by the reader, and too late.
#[test]
fn every_link_between_the_pages_leads_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let pages = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages: Vec<_> = pages.chain([root.join("README.md")]).filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    assert!(pages.len() > 5, "{pages:?}");
    for page in &pages {
        let text = std::fs::read_to_string(page).unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let to = page.parent().unwrap().join(link.split('#').next().unwrap());
            assert!(to.exists(), "{} leads to {link}, which is not there", page.display());
        }
    }
}
