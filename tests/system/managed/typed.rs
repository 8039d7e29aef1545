//! Whatever is typed is a text, and no file of the host is read for it.

use serde_json::json;
use shift_access::ChangeError;
use shift_access::managed::Edit;

use super::{Shelf, change, path, set};

#[tokio::test]
async fn whatever_is_typed_is_a_text_and_no_file_of_the_host_is_read() {
    let shelf = Shelf::with_acme().await;
    let site = shelf.site().await;
    let hostile = [
        "<script>alert(1)</script>",
        "\u{202e}gnp.exe",
        "'; drop table entries; --",
        "\"\"\"\n[tenants.evil]\n",
        "{ env = \"HOME\" }",
        "\\",
    ];
    let mut base = 1;
    for text in hostile.iter().map(|text| (*text).to_owned()).chain(["x".repeat(10_000)]) {
        let made = site.change("acme", &change(Some(base), vec![set("/properties/user-groups", &text)])).await.unwrap();
        base = made.version;
        assert_eq!(site.kept("acme").await.unwrap().unwrap().document.text(&path("/properties/user-groups")), Some(&*text));
        let exported = shelf.run(&["export", "acme"]).await.out;
        shelf.write("hostile.toml", &exported);
        let same = shelf.run(&["apply", &shelf.path("hostile.toml")]).await;
        assert_eq!(same.out, "acme: nothing changed\n", "{text:?}: {} {exported}", same.err);
        assert!(!exported.contains('\u{202e}'), "what turns the writing round is written as an escape");
    }
    let table = |key: &str, value: &str| shift_access::managed::Value::Table([(key.to_owned(), value.into())].into());
    for edit in [
        Edit::Set(path("/connections/kronos/password"), table("file", "/dev/zero")),
        Edit::Set(path("/connections/kronos/client-id"), table("env", "HOME")),
        Edit::Set(path("/listener/signature/secret"), table("file", "/etc/passwd")),
        set("/connections/kronos/url", "https://me:pw@acme.example"),
        set("/connections/kronos/url", "http://acme.example"),
        Edit::Secret(path("/properties/user-groups"), "hush-hush-hush".into()),
        Edit::Secret(path("/connections/kronos/password"), "two\nlines".into()),
        set("/properties/user-groups/a", "x"),
        set("/nothing", "x"),
        set("/properties/\u{0}", "x"),
    ] {
        let refused = site.change("acme", &change(Some(base), vec![edit.clone()])).await;
        assert!(matches!(&refused, Err(ChangeError::Invalid(problems)) if !problems.is_empty()), "{edit:?}: {refused:?}");
    }
    for name in ["", "a/b", "a b", "../x", "\u{202e}", &"x".repeat(65)] {
        assert!(matches!(site.change(name, &change(None, Vec::new())).await, Err(ChangeError::Name(_))), "{name}");
    }
    // A table that only looks like a reference: nothing is read to see whether it changed.
    let zones = change(Some(base), vec![Edit::Set(path("/properties/zones"), table("file", "/dev/zero"))]);
    let tried = tokio::time::timeout(std::time::Duration::from_secs(60), site.try_change("acme", &zones)).await;
    assert!(tried.is_ok(), "it was read");

    // Written behind the program's back it is refused, too.
    let mut kept = shelf.kept("tenant/acme").await[0].1.clone();
    kept["document"]["values"]["connections"]["kronos"]["client-id"] = json!({ "file": "secrets/kronos-password" });
    shelf.put("tenant/acme", &kept).await;
    let checked = shelf.run(&["check"]).await;
    assert!(
        checked.out.contains("tenant acme (kept in the store), connections.kronos.client-id: is a table, and is kept as a text"),
        "{}",
        checked.out
    );
}
