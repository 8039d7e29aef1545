//! Every change is a version: two editors, an old one brought back, and drafts.

use std::sync::Arc;

use shift_access::managed::{Change, Edit};
use shift_access::{ChangeError, ManagedState};
use shift_access_tests::serving::Serving;

use super::{Shelf, change, holds, path, set};

#[tokio::test]
async fn two_editors_at_once_lose_nothing() {
    let shelf = Shelf::with_acme().await;
    let site = shelf.site().await;
    let first = change(Some(1), vec![set("/properties/on-break", "deny"), set("/properties/alert-email", "a@acme.example")]);
    let made = site.change("acme", &first).await.unwrap();
    assert_eq!((made.version, made.changes.len()), (2, 2));

    let second = change(Some(1), vec![set("/properties/on-break", "allow"), Edit::Remove(path("/listener"))]);
    let Err(ChangeError::Conflict(conflict)) = site.change("acme", &second).await else { panic!("it was stored") };
    assert_eq!((conflict.version, conflict.by.as_str()), (2, "somebody"));
    assert_eq!(conflict.both, [path("/properties/on-break")]);
    assert_eq!(conflict.theirs.len(), 2);
    assert!(conflict.to_string().contains("both changed properties.on-break"), "{conflict}");
    assert_eq!(site.kept("acme").await.unwrap().unwrap().version, 2, "nothing is lost");

    let third = change(Some(1), vec![Edit::Secret(path("/connections/kronos/password"), "quite-another".into())]);
    let Err(ChangeError::Conflict(conflict)) = site.change("acme", &third).await else { panic!("it was stored") };
    assert!(conflict.both.is_empty() && conflict.to_string().contains("can be made again"), "{conflict}");
    let again = site.change("acme", &Change { base: Some(2), ..third }).await.unwrap();
    assert_eq!((again.version, again.changes[0].to_string().as_str()), (3, "connections.kronos.password: changed"));

    let Err(ChangeError::Conflict(_)) = site.change("acme", &change(None, first.edits)).await else { panic!("it is not new") };
    let Err(ChangeError::Site(_)) = site.change("nobody", &change(Some(1), Vec::new())).await else { panic!("it is not there") };
}

#[tokio::test]
async fn of_many_editors_at_the_same_moment_one_is_first() {
    let shelf = Shelf::with_acme().await;
    let site = Arc::new(shelf.site().await);
    let edits = (0..8).map(|number| {
        let site = site.clone();
        tokio::spawn(async move {
            let edit = Edit::Set(path("/properties/max-shift-hours"), shift_access::managed::Value::Number(number + 1));
            site.change("acme", &change(Some(1), vec![edit])).await
        })
    });
    let ended = futures::future::try_join_all(edits).await.unwrap();
    assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1, "{ended:?}");
    assert!(ended.iter().all(|ended| matches!(ended, Ok(_) | Err(ChangeError::Conflict(_)))), "{ended:?}");
    assert_eq!(site.versions("acme", 10, None).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn an_old_version_comes_back_with_its_secrets_and_the_oldest_go() {
    let shelf = Shelf::with_acme().await;
    let site = shelf.site().await;
    let wrong = Edit::Secret(path("/connections/kronos/password"), "not-the-password".into());
    site.change("acme", &change(Some(1), vec![wrong, set("/environment", "PROD")])).await.unwrap();
    let failed = shelf.run(&["run", "acme", "test-connection"]).await;
    assert_eq!(failed.code, Some(1), "{}", failed.out);
    let restored = site.restore_version("acme", 1, 2, "somebody").await.unwrap();
    assert_eq!(restored.version, 3);
    let told: Vec<_> = restored.changes.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["connections.kronos.password: changed", "environment: \"PROD\" -> \"TEST\""]);
    assert_eq!(shelf.run(&["run", "acme", "test-connection"]).await.code, Some(0));
    let version = site.version("acme", 3).await.unwrap();
    assert_eq!((version.by.as_str(), version.note.as_str()), ("somebody", "version 1 restored"));
    assert!(matches!(site.restore_version("acme", 1, 2, "somebody").await, Err(ChangeError::Conflict(_))));
    assert!(matches!(site.restore_version("acme", 9, 3, "somebody").await, Err(ChangeError::Site(_))));

    for base in 3..203 {
        let mail = format!("ops{base}@acme.example");
        site.change("acme", &change(Some(base), vec![set("/properties/alert-email", &mail)])).await.unwrap();
    }
    let page = site.versions("acme", 150, None).await.unwrap();
    assert_eq!((page.items[0].number, page.items.len()), (203, 150));
    let rest = site.versions("acme", 150, page.next).await.unwrap();
    assert_eq!((rest.items.last().unwrap().number, rest.items.len(), rest.next), (4, 50, None));
    assert!(site.version("acme", 3).await.is_err());
}

#[tokio::test]
async fn a_draft_is_kept_and_not_run_until_it_is_complete() {
    let shelf = Shelf::new().await;
    shelf.write(
        "draft.toml",
        "[tenants.acme]\nenvironment = \"TEST\"\n[tenants.acme.connections.kronos]\nurl = \"acme.prd\"\npassword = \"hush-hush-hush\"\n",
    );
    let refused = shelf.run(&["apply", &shelf.path("draft.toml")]).await;
    assert!(refused.code == Some(64) && refused.err.contains("connections.workspace-one: is missing"), "{}", refused.err);
    let kept = shelf.run(&["apply", &shelf.path("draft.toml"), "--draft"]).await;
    assert!(kept.code == Some(0) && kept.err.contains("connections.workspace-one: is missing"), "{} {}", kept.out, kept.err);
    let run = shelf.run(&["run", "acme", "batch"]).await;
    assert!(run.code == Some(64) && run.err.contains("the tenant \"acme\" is a draft"), "{}", run.err);
    let checked = shelf.run(&["check"]).await;
    assert!(checked.code == Some(0) && !checked.out.contains("workspace-one"), "{}", checked.out);
    let site = shelf.site().await;
    let managed = site.managed();
    assert_eq!((managed[0].state, managed[0].environment.as_deref()), (ManagedState::Draft, Some("TEST")));
    assert!(managed[0].problems.iter().any(|problem| problem.key == "connections.workspace-one"), "{:?}", managed[0].problems);
    assert!(!holds(&shelf.stage.store(), "hush-hush-hush") && !format!("{:?}", site.kept("acme").await).contains("hush-hush-hush"));

    let serving = Serving::start(&shelf.stage).await.unwrap();
    let passed = serving.said().len();
    assert_eq!(shelf.run(&["apply", &shelf.path("acme.toml")]).await.code, Some(0));
    serving.says("tenants kept in the store: added: acme", passed).await.unwrap();
    assert_eq!(shelf.run(&["run", "acme", "batch"]).await.code, Some(0));
    let passed = serving.said().len();
    assert_eq!(shelf.run(&["apply", &shelf.path("draft.toml"), "--draft"]).await.code, Some(0));
    serving.says("tenants kept in the store: removed: acme", passed).await.unwrap();
}
