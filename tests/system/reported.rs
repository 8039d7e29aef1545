//! What an event reports while the time system cannot be asked: it counts, says so, and gives way to what the time system says.

use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};
use shift_access_tests::fault::Fault;
use shift_access_tests::hook::{self, Sender};
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::{Stage, TENANT};
use shift_access_tests::world::hours;

use crate::empty;

/// Longer than an event waits until it is brought again.
const AGAIN: Duration = Duration::from_secs(120);

#[tokio::test]
async fn what_an_event_reports_counts_while_kronos_is_down_and_is_confirmed_or_corrected_when_it_is_back() {
    let stage = empty().await.unwrap();
    let people = ["came", "did-not"].map(|name| stage.world.person(name).in_group("Store 12 Hourly"));
    people.iter().zip(["701", "702"]).for_each(|(person, number)| {
        person.clone().number(number).clocked_in(hours(20)).clocked_out(hours(12));
    });
    stage.configure("user-groups = \"Store 12 Hourly\"\ninterval-minutes = 1440").unwrap();
    stage.configure_more(&hook::listener()).unwrap();
    assert_eq!(stage.batch().await.unwrap()["counts"]["off_shift"], 2);

    // What Kronos said counts until somebody punches after it; the moment of an event is one of whole seconds.
    tokio::time::sleep(Duration::from_secs(2)).await;
    stage.ukg.faults().add(Fault::everywhere().status(503));
    let serving = Serving::start(&stage).await.unwrap();
    let punched = Utc::now();
    let events: Vec<Value> = ["701", "702"].iter().map(|number| hook::event(number, number, punched, Some("in"))).collect();
    Sender::new().unwrap().deliver(serving.url(), &json!(events)).await.unwrap();
    for name in ["came", "did-not"] {
        let record = once(&stage, name, "reported-in").await;
        assert_eq!((&record["status"], &record["source"]["kind"]), (&json!("on-shift"), &json!("event")), "{record}");
        let decision = stage.run(&["decide", TENANT, name, "--json"]).await.unwrap().json().unwrap();
        assert_eq!((&decision["decision"], &decision["reason"]), (&json!("allow"), &json!("reported-in")));
    }

    people[0].clone().clocked_in_at(punched);
    stage.ukg.faults().clear();
    assert_eq!(once(&stage, "came", "clocked-in").await["status"], "on-shift");
    assert_eq!(once(&stage, "did-not", "clocked-out").await["status"], "off-shift");
    hook::dealt_with(serving.url(), AGAIN).await.unwrap();
    assert_eq!(stage.run(&["dead-letters", TENANT, "--json"]).await.unwrap().out, "");
}

/// The record of a user, once it is there for this reason.
async fn once(stage: &Stage, user: &str, reason: &str) -> Value {
    let looked = async {
        loop {
            let record = stage.run(&["worker", TENANT, user, "--json"]).await.unwrap().json().unwrap();
            if record["reason"] == reason {
                break record;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    match tokio::time::timeout(AGAIN, looked).await {
        Ok(record) => record,
        Err(_) => {
            let told = async |args: &[&str]| stage.run(args).await.unwrap().out;
            let record = told(&["worker", TENANT, user, "--json"]).await;
            let history = told(&["history", TENANT, "--json"]).await;
            panic!("{user} is never {reason}: {record}{history}");
        }
    }
}
