//! The key that secrets are sealed with: another one, a wrong one, and a seal that was changed.

use std::collections::BTreeSet;

use serde_json::json;
use shift_access::Copy;
use shift_access_tests::serving::Serving;

use super::{Shelf, change, set};

#[tokio::test]
async fn another_key_takes_the_place_of_the_first_also_when_the_rotation_is_killed() {
    let shelf = Shelf::with_acme().await;
    let site = shelf.site().await;
    for number in 0..30 {
        let name = format!("t{number:02}");
        let copy = Copy {
            from: "acme".to_owned(),
            to: name.clone(),
            base: None,
            environment: "TEST".to_owned(),
            paths: None,
            secrets: true,
            by: "somebody".to_owned(),
            note: String::new(),
        };
        assert_eq!(site.copy(&copy).await.unwrap().version, 1);
        for base in 1..20 {
            let mail = format!("ops{base}@acme.example");
            site.change(&name, &change(Some(base), vec![set("/properties/alert-email", &mail)])).await.unwrap();
        }
    }
    drop(site);
    shelf.write("new.key", &shelf.run(&["key", "new"]).await.out);

    // Killed as soon as it has begun, until it was in between: each tenant is sealed with one key or the other, whole, and opens.
    let (mut new, mut old) = ("new.key", "console.key");
    let mut in_between = false;
    for _ in 0..20 {
        shelf.configure(&format!("[console]\nkey = {{ file = \"{new}\" }}\nold-keys = [{{ file = \"{old}\" }}]\n"));
        let before = shelf.kept("tenant/").await;
        let mut child = shelf.stage.spawn(&["key", "rotate"]).unwrap();
        while shelf.kept("tenant/").await == before && child.try_wait().unwrap().is_none() {}
        child.kill().await.unwrap();
        let keys: BTreeSet<_> = shelf.sealed_with().await.into_values().collect();
        in_between = keys.len() == 2;
        assert_eq!(shelf.run(&["check"]).await.code, Some(0), "every secret opens");
        if in_between {
            break;
        }
        std::mem::swap(&mut new, &mut old);
    }
    assert!(in_between, "it was never killed in between");
    let rotated = shelf.run(&["key", "rotate"]).await;
    assert_eq!(rotated.code, Some(0), "{}", rotated.err);

    shelf.configure(&format!("[console]\nkey = {{ file = \"{new}\" }}\n"));
    assert_eq!(shelf.run(&["run", "acme", "test-connection"]).await.code, Some(0), "the old key is of no use any more");
    let versions = shelf.site().await.versions("t00", 100, None).await.unwrap();
    assert!(versions.items.iter().all(|version| version.number == 1 || version.changes.len() == 1));
    let site = shelf.site().await;
    let restored = site.restore_version("t00", 3, 20, "somebody").await.unwrap();
    assert_eq!(restored.changes.len(), 1, "no secret seems to be changed: {:?}", restored.changes);
    let nothing = shelf.run(&["key", "rotate"]).await;
    assert!(nothing.out.starts_with("0 secrets of 0 tenants"), "{}", nothing.out);
}

#[tokio::test]
async fn a_wrong_key_and_a_changed_seal_stop_their_own_tenant_alone() {
    let shelf = Shelf::with_acme().await;
    for name in ["bad", "moved"] {
        shelf.write("more.toml", &shelf.read("acme.toml").replace("[tenants.acme", &format!("[tenants.{name}")));
        assert_eq!(shelf.run(&["apply", &shelf.path("more.toml")]).await.code, Some(0));
    }
    let at = "/connections/kronos/password";
    let acme = shelf.kept("tenant/acme").await[0].1.clone();
    let mut moved = shelf.kept("tenant/moved").await[0].1.clone();
    moved["document"]["secrets"][at] = acme["document"]["secrets"][at].clone();
    shelf.put("tenant/moved", &moved).await;
    let mut bad = shelf.kept("tenant/bad").await[0].1.clone();
    let seal = bad["document"]["secrets"][at].as_str().unwrap().to_owned();
    let letter = if seal.ends_with('A') { "B" } else { "A" };
    bad["document"]["secrets"][at] = json!(format!("{}{letter}{}", &seal[..60], &seal[61..]));
    assert_ne!(bad["document"]["secrets"][at], seal);
    shelf.put("tenant/bad", &bad).await;
    shelf.put("tenant/damaged", &json!("what is this")).await;

    let checked = shelf.run(&["check"]).await;
    assert_eq!(checked.code, Some(64));
    for (tenant, said) in [
        ("bad", "connections.kronos.password: the secret does not open: it was changed, or belongs to another tenant or place"),
        ("moved", "connections.kronos.password: the secret does not open"),
    ] {
        assert!(checked.out.contains(&format!("error: tenant {tenant} (kept in the store), {said}")), "{}", checked.out);
    }
    assert!(checked.out.contains("tenant damaged (kept in the store): cannot be read"), "{}", checked.out);
    assert_eq!(checked.out.lines().filter(|line| line.starts_with("error")).count(), 3, "{}", checked.out);
    assert_eq!(shelf.run(&["run", "acme", "batch"]).await.code, Some(0), "the others run");
    let run = shelf.run(&["run", "bad", "batch"]).await;
    assert!(run.code == Some(64) && run.err.contains("the tenant \"bad\" is left out"), "{}", run.err);
    let serving = Serving::start(&shelf.stage).await.unwrap();
    let ready = reqwest::get(format!("{}/readyz", serving.url())).await.unwrap().text().await.unwrap();
    assert!(ready.contains("\"tenant\":\"acme\"") && !ready.contains("\"tenant\":\"bad\""), "{ready}");
    assert!(serving.said().join("\n").contains("tenant bad (kept in the store), connections.kronos.password"));
    drop(serving);

    let other = shelf.run(&["key", "new"]).await.out;
    shelf.write("console.key", &other);
    let checked = shelf.run(&["check"]).await;
    assert!(
        checked
            .out
            .contains("tenant acme (kept in the store): the secrets at connections.kronos.app-key, connections.kronos.client-secret, "),
        "{}",
        checked.out
    );
    let rotated = shelf.run(&["key", "rotate"]).await;
    assert!(rotated.code == Some(1) && rotated.err.contains("name the key that is missing under old-keys"), "{}", rotated.err);
    shelf.configure("");
    shelf.stage.configure_more("[console]\n").unwrap();
    let checked = shelf.run(&["check"]).await;
    assert!(checked.out.contains("which is not at hand\n  write key = { file"), "{}", checked.out);
}
