//! What `apply` takes in and refuses, and what becomes of a tenant that is removed.

use serde_json::{Value, json};

use super::{GROUPS, Shelf};

#[tokio::test]
async fn a_tenant_is_set_up_by_apply_runs_and_shows_no_secret_anywhere() {
    let shelf = Shelf::new().await;
    let mut shown = String::new();
    let dry = shelf.run(&["apply", &shelf.path("acme.toml"), "--dry-run"]).await;
    assert!(dry.code == Some(0) && dry.out.starts_with("acme: would be new\n"), "{} {}", dry.out, dry.err);
    assert!(dry.out.contains("  connections.kronos.client-secret: a secret, new\n"), "{}", dry.out);
    assert!(shelf.kept("tenant").await.is_empty(), "nothing was stored");
    for args in [
        &["apply", &shelf.path("acme.toml")][..],
        &["check"],
        &["run", "acme", "test-connection"],
        &["run", "acme", "batch", "--json"],
        &["worker", "acme", "adiaz"],
        &["export", "acme"],
        &["export", "acme", "--secrets", "encrypted"],
        &["tenant", "list"],
        &["key", "rotate"],
    ] {
        let ended = shelf.stage.run_logging(args).await.unwrap();
        assert_eq!(ended.code, Some(0), "{args:?}: {} {}", ended.out, ended.err);
        shown.extend([ended.out, ended.err]);
    }
    assert!(shown.contains("\"status\":\"COMPLETE"), "{shown}");
    shelf.none_in(&shown);

    let same = shelf.run(&["apply", &shelf.path("acme.toml")]).await;
    assert_eq!(same.out, "acme: nothing changed\n", "the same secrets are the same");
    assert_eq!(shelf.kept("tenant-version/acme/").await.len(), 1);
}

#[tokio::test]
async fn a_dry_run_says_that_a_draft_would_be_one_no_more() {
    let shelf = Shelf::new().await;
    let file = shelf.path("acme.toml");
    assert!(shelf.run(&["apply", &file, "--draft"]).await.out.starts_with("acme: new, version 1\n"));
    assert_eq!(shelf.run(&["apply", &file, "--draft", "--dry-run"]).await.out, "acme: nothing changed\n");
    assert_eq!(shelf.run(&["apply", &file, "--dry-run"]).await.out, "acme: would change\n");
    assert_eq!(shelf.run(&["apply", &file]).await.out, "acme: changed, version 2\n");
}

#[tokio::test]
async fn without_a_key_nothing_is_kept_and_it_is_said_what_to_do() {
    let shelf = Shelf::new().await;
    shelf.configure("[console]\n");
    let applied = shelf.run(&["apply", &shelf.path("acme.toml")]).await;
    assert_eq!(applied.code, Some(64));
    for said in ["key new", "[console]", "key = { file"] {
        assert!(applied.err.contains(said), "{}", applied.err);
    }
    assert_eq!(shelf.run(&["key", "rotate"]).await.code, Some(64));
    shelf.configure("");
    let checked = shelf.run(&["check"]).await;
    assert!(checked.code == Some(64) && checked.out.contains("no tenant is configured"), "{}", checked.out);
    shelf.write("short.key", "c2hvcnQ=");
    for (key, said) in [
        ("{ file = \"short.key\" }", "console.key: is no key: it must be 32 bytes in base64\n  `shift-access key new` makes one"),
        ("{ env = \"NOT_THERE\" }", "console.key: the environment variable NOT_THERE is not set"),
    ] {
        shelf.configure(&format!("[console]\nkey = {key}\n"));
        let checked = shelf.run(&["check"]).await;
        assert!(checked.code == Some(64) && checked.out.contains(said), "{}", checked.out);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_told_by_its_line_and_nothing_is_stored() {
    let shelf = Shelf::new().await;
    for (from, to, said) in [
        (
            "environment = \"TEST\"",
            "environment = \"STAGE\"",
            "changed.toml:2: tenant acme (kept in the store), environment: `STAGE` is no environment",
        ),
        (GROUPS, "user-groups = \"\"", "(kept in the store), properties.user-groups: "),
        (GROUPS, "user-groups = \"x\"\nuser-group = \"x\"", "(kept in the store), properties.user-group: unknown property"),
        (
            "{ file = \"secrets/kronos-password\" }",
            "{ file = \"secrets/none\" }",
            "connections.kronos.password: the file secrets/none cannot be read",
        ),
        (
            "{ file = \"secrets/kronos-password\" }",
            "{ keep = true }",
            "connections.kronos.password: is to be kept, and no secret is kept here yet",
        ),
        (
            "{ file = \"secrets/kronos-password\" }",
            "{ sealed = \"x1.a.AAAA.AAAA\" }",
            "connections.kronos.password.sealed: the secret is sealed with the key a",
        ),
        ("[tenants.acme]", "[host]\nlisten = \"0.0.0.0:1\"\n[tenants.acme]", "changed.toml:1: host: unknown key"),
        ("environment = \"TEST\"", "environment = \"TEST\"\ncomponent = \"none.wasm\"", "component: "),
    ] {
        let applied = shelf.apply(from, to).await;
        assert!(applied.code == Some(64) && applied.err.contains(said), "{said}: {} {}", applied.out, applied.err);
        let errors = applied.err.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(errors, 1, "{}", applied.err);
    }
    assert!(shelf.kept("tenant").await.is_empty());
}

#[tokio::test]
async fn what_is_removed_takes_its_configuration_along_and_the_name_is_free_again() {
    let shelf = Shelf::with_acme().await;
    assert_eq!(shelf.run(&["tenant", "remove", "acme"]).await.code, Some(0));
    let applied = shelf.run(&["apply", &shelf.path("acme.toml")]).await;
    assert_eq!(applied.out, "acme: nothing changed\n");
    assert_eq!(shelf.run(&["tenant", "restore", "acme"]).await.code, Some(0));
    assert_eq!(shelf.run(&["run", "acme", "batch"]).await.code, Some(0));
    assert_eq!(shelf.run(&["tenant", "remove", "acme", "--now"]).await.code, Some(0));
    assert!(shelf.kept("tenant/").await.is_empty() && shelf.kept("tenant-version/").await.is_empty());
    let applied = shelf.run(&["apply", &shelf.path("acme.toml")]).await;
    assert!(applied.out.starts_with("acme: new, version 1"), "{} {}", applied.out, applied.err);
    assert_eq!(shelf.run(&["run", "acme", "batch"]).await.code, Some(0));

    // Once it is deleted there is nothing to bring back.
    assert_eq!(shelf.run(&["tenant", "remove", "acme", "--now"]).await.code, Some(0));
    let restored = shelf.run(&["tenant", "restore", "acme"]).await;
    assert!(restored.code == Some(0) && restored.err.contains("the name is free again"), "{}", restored.err);
    assert!(!restored.err.contains("is back"), "{}", restored.err);
}

#[tokio::test]
async fn of_several_tenants_in_a_file_all_are_stored_or_none() {
    let shelf = Shelf::with_acme().await;
    // The name is not free: what is stored for it waits to be deleted.
    assert_eq!(shelf.run(&["tenant", "remove", "acme"]).await.code, Some(0));
    assert_eq!(shelf.run(&["tenant", "forget", "acme"]).await.code, Some(0));
    let (acme, first) = (shelf.read("acme.toml"), shelf.read("acme.toml").replace("[tenants.acme", "[tenants.aaa"));
    shelf.write("both.toml", &format!("{first}\n{acme}"));
    for args in [&["apply", &shelf.path("both.toml"), "--dry-run"][..], &["apply", &shelf.path("both.toml")]] {
        let refused = shelf.run(args).await;
        assert!(refused.code == Some(64) && refused.err.contains("the tenant \"acme\" was removed"), "{} {}", refused.out, refused.err);
        assert!(refused.out.is_empty() && shelf.kept("tenant/").await.is_empty(), "{}", refused.out);
    }
    assert_eq!(shelf.run(&["tenant", "restore", "acme"]).await.code, Some(0));
    let applied = shelf.run(&["apply", &shelf.path("both.toml")]).await;
    assert!(
        applied.out.contains("aaa: new, version 1\n") && applied.out.contains("acme: new, version 1\n"),
        "{} {}",
        applied.out,
        applied.err
    );
}

#[tokio::test]
async fn what_is_changed_on_the_command_line_is_in_the_audit_list_without_a_secret() {
    let shelf = Shelf::new().await;
    let apply = ["apply", &shelf.path("acme.toml")];
    for args in [&apply[..], &apply, &["tenant", "pause", "acme"], &["tenant", "resume", "acme"], &["key", "rotate"]] {
        assert_eq!(shelf.run(args).await.code, Some(0), "{args:?}");
    }
    let made = shelf.run(&["token", "create", "acme", "--scope", "read", "--json"]).await;
    let made: Value = serde_json::from_str(&made.out).unwrap();
    let (token, id) = (made["token"].as_str().unwrap(), made["id"].as_str().unwrap());
    for args in [
        &["token", "revoke", "acme", id][..],
        &["tenant", "remove", "acme"],
        &["tenant", "restore", "acme"],
        &["tenant", "forget", "acme"],
        &apply,
        &["tenant", "remove", "acme", "--now"],
    ] {
        assert_eq!(shelf.run(args).await.code, Some(0), "{args:?}");
    }
    // What changed nothing, or was refused, is not there.
    assert_eq!(shelf.run(&["tenant", "pause", "nobody"]).await.code, Some(64));
    let entries = shelf.kept("audit/").await;
    assert!(entries.iter().all(|(_, entry)| entry["who"] == "(command line)"), "{entries:?}");
    let what: Vec<_> = entries.iter().map(|(_, entry)| entry["what"].as_str().unwrap()).collect();
    let begins = [
        "applied acme, version 1: connections.kronos.app-key, connections.kronos.client-id, ",
        "paused acme",
        "resumed acme",
        "sealed 0 secrets of 0 tenants with the new key",
        &format!("made the token {id} of acme, to read"),
        &format!("revoked the token {id} of acme"),
        "removed acme; everything of it goes on ",
        "restored acme",
        "took acme out of the store",
        "applied acme, version 1: ",
        "removed acme, with everything of it",
    ];
    assert!(what.len() == begins.len() && what.iter().zip(begins).all(|(what, begins)| what.starts_with(begins)), "{what:#?}");
    assert!(entries.iter().all(|(_, entry)| entry["tenant"] == if entry["what"].as_str().unwrap().contains("acme") { json!("acme") } else { json!(null) }));
    let shown = format!("{entries:?}");
    assert!(!shown.contains(token) && !shown.contains("sat_"), "{shown}");
    shelf.none_in(&shown);
}
