//! The console of the running program, over real HTTP.
//!
//! Here is what its tests share; one file a topic.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use shift_access_tests::browser::Browser;
use shift_access_tests::hook;
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;

use crate::demo;

mod chromium;
mod entrance;
mod filled;
mod hostile_text;
mod npm;
mod people;
mod sessions;
mod setting_up;
mod single_sign_on;
mod walk;
mod watch;

/// The password of everybody in these tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The program, serving.
pub(crate) struct Site {
    pub(crate) stage: Stage,
    pub(crate) serving: Serving,
}

impl Site {
    /// With one person of each role: `viewer`, `operator` and `administrator`.
    pub(crate) async fn with_people() -> Self {
        Self::of(demo().await.unwrap()).await
    }

    pub(crate) async fn of(stage: Stage) -> Self {
        for role in ["viewer", "operator", "administrator"] {
            add(&stage, role, role).await;
        }
        let serving = Serving::start(&stage).await.unwrap();
        Self { stage, serving }
    }

    /// A browser that was never there before.
    pub(crate) fn browser(&self) -> Browser {
        Browser::at(self.serving.url()).unwrap()
    }

    /// The browser of somebody who is signed in.
    pub(crate) async fn signed_in(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(name, PASSWORD).await.unwrap();
        browser
    }

    /// Has an event come that nobody understands, and gives the id of its dead letter, once there is one: an event is brought to
    /// the pack before it is given up.
    pub(crate) async fn bad_event(&self, data: &str) -> String {
        let body = json!([{ "data": data }, { "id": "e1", "data": { "user": "adiaz" } }]).to_string();
        let post = self.browser().request(Method::POST, "/hooks/acme").header(hook::SIGNATURE, hook::signature(body.as_bytes()));
        assert_eq!(post.body(body).send().await.unwrap().status(), 202);
        for _ in 0..100 {
            let listed = self.stage.run(&["dead-letters", "acme", "--json"]).await.unwrap().json_lines().unwrap();
            if let Some(letter) = listed.first() {
                return letter["id"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        panic!("no event is given up")
    }
}

/// Adds somebody on the command line.
pub(crate) async fn add(stage: &Stage, name: &str, role: &str) {
    let added = stage.run_told(&["user", "add", name, "--role", role, "--password-stdin"], &format!("{PASSWORD}\n")).await.unwrap();
    assert_eq!(added.code, Some(0), "{}", added.err);
}
