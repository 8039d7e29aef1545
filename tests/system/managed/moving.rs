//! A tenant moves between file and store, and is copied to another.

use shift_access::{Copy, ManagedState};
use shift_access_tests::serving::Serving;

use super::{Shelf, change, path, set};

#[tokio::test]
async fn of_a_name_in_both_the_file_wins_and_a_tenant_moves_from_one_to_the_other() {
    let shelf = Shelf::new().await;
    shelf.configure(&format!("[console]\nkey = {{ file = \"console.key\" }}\n{}", shelf.read("acme.toml")));
    let exported = shelf.run(&["export", "acme"]).await;
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    shelf.write("exported.toml", &exported.out);
    shelf.none_in(&exported.out);
    let serving = Serving::start(&shelf.stage).await.unwrap();
    let applied = shelf.run(&["apply", &shelf.path("exported.toml")]).await;
    assert!(applied.code == Some(0) && applied.err.contains("the configuration file has a tenant of this name too"), "{}", applied.err);
    assert!(applied.err.contains("tenant forget acme"), "{}", applied.err);
    serving.says("the configuration file has a tenant of this name too", 0).await.unwrap();
    assert_eq!(shelf.site().await.managed()[0].state, ManagedState::InFile);

    // The file lets go of it, and it goes on out of the store as the same tenant.
    let passed = serving.said().len();
    shelf.configure("[console]\nkey = { file = \"console.key\" }\n");
    serving.signal("HUP").await.unwrap();
    let said = serving.says("the configuration was read again", passed).await.unwrap();
    assert!(said.ends_with("changed: acme"), "{said}");
    assert_eq!(shelf.run(&["run", "acme", "batch"]).await.code, Some(0));
    assert_eq!(shelf.site().await.managed()[0].state, ManagedState::InForce);
    let again = shelf.run(&["export", "acme"]).await;
    shelf.write("again.toml", &again.out);
    let same = shelf.run(&["apply", &shelf.path("again.toml")]).await;
    assert_eq!(same.out, "acme: nothing changed\n", "{}", same.err);
    let sealed = shelf.run(&["export", "acme", "--secrets", "encrypted"]).await;
    assert!(sealed.out.contains("password = { sealed = \"x1."), "{}", sealed.out);
    let noted = shelf.kept("audit/").await;
    let noted: Vec<_> = noted.iter().filter_map(|(_, entry)| entry["what"].as_str()).filter(|what| what.contains("exported")).collect();
    assert_eq!(noted, ["exported acme, its secrets encrypted"], "what holds no secret is not noted");
    shelf.none_in(&sealed.out);

    // And another store with the same key takes what was sealed, for that tenant only.
    shelf.write("sealed.toml", &sealed.out);
    assert_eq!(shelf.run(&["tenant", "forget", "acme"]).await.code, Some(0));
    assert_eq!(shelf.run(&["apply", &shelf.path("sealed.toml")]).await.code, Some(0));
    assert_eq!(shelf.run(&["run", "acme", "test-connection"]).await.code, Some(0));
    shelf.write("sealed.toml", &sealed.out.replace("[tenants.acme", "[tenants.other"));
    let refused = shelf.run(&["apply", &shelf.path("sealed.toml")]).await;
    assert!(refused.code == Some(64) && refused.err.contains("belongs to another tenant or place"), "{}", refused.err);
}

#[tokio::test]
async fn a_copy_takes_everything_but_the_secrets_and_tells_what_differs() {
    let shelf = Shelf::with_acme().await;
    let site = shelf.site().await;
    let mut copy = Copy {
        from: "acme".to_owned(),
        to: "acme-prod".to_owned(),
        base: None,
        environment: "PROD".to_owned(),
        paths: None,
        secrets: false,
        by: "somebody".to_owned(),
        note: "as tried".to_owned(),
    };
    let made = site.copy(&copy).await.unwrap();
    assert!(
        made.version == 1 && made.problems.iter().any(|problem| problem.is_error() && problem.key == "connections.kronos.password"),
        "{made:?}"
    );
    let kept = site.kept("acme-prod").await.unwrap().unwrap();
    assert!(kept.draft && kept.document.secrets().count() == 0);
    assert_eq!(kept.document.text(&path("/environment")), Some("PROD"));
    let differing: Vec<_> = site.differences("acme", "acme-prod").await.unwrap().iter().map(|one| one.path.pointer()).collect();
    assert_eq!(differing.len(), 6, "{differing:?}");
    assert!(differing.contains(&"/environment".to_owned()) && differing.contains(&"/listener/signature/secret".to_owned()));

    // Asked for, they come along, and are known to be the same.
    (copy.base, copy.secrets) = (Some(1), true);
    let made = site.copy(&copy).await.unwrap();
    assert_eq!((made.version, made.changes.len()), (2, 5));
    let differing: Vec<_> = site.differences("acme", "acme-prod").await.unwrap().iter().map(|one| one.path.pointer()).collect();
    assert_eq!(differing, ["/environment"]);
    assert_eq!(shelf.run(&["run", "acme-prod", "batch"]).await.code, Some(0));

    // One path alone.
    site.change("acme", &change(Some(1), vec![set("/properties/on-break", "deny"), set("/properties/alert-email", "x@acme.example")]))
        .await
        .unwrap();
    (copy.base, copy.paths) = (Some(2), Some(vec![path("/properties/on-break")]));
    let made = site.copy(&copy).await.unwrap();
    assert_eq!(made.changes.iter().map(|change| change.path.pointer()).collect::<Vec<_>>(), ["/properties/on-break"]);
}
