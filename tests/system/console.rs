//! The console of the running program, over real HTTP.
//!
//! Here is what its tests share; one file a topic.

use shift_access_tests::browser::Browser;
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::Stage;

use crate::demo;

mod chromium;
mod entrance;
mod filled;
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
}

/// Adds somebody on the command line.
pub(crate) async fn add(stage: &Stage, name: &str, role: &str) {
    let added = stage.run_told(&["user", "add", name, "--role", role, "--password-stdin"], &format!("{PASSWORD}\n")).await.unwrap();
    assert_eq!(added.code, Some(0), "{}", added.err);
}
