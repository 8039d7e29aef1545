//! The links to the platform itself: storage and the mail server.

use shift_access_core::catalogue;
use shift_access_core::settings::Settings;

use super::lines::Lines;
use crate::bindings::shift_access::plugin::email;
use crate::store::{self, StoreError};
use crate::trouble::Trouble;

const STORAGE: &str = "Storage";
const MAIL: &str = "Mail server";

/// What is written, read back and removed.
const KEY: &str = "state/test";

/// Tries storage, and the mail server if failures are to be mailed.
pub async fn attempt(settings: &Settings, lines: &mut Lines) {
    lines.tried(STORAGE, storage().await.map(|()| "written, read back and removed".to_owned()).map_err(Trouble::from));
    if settings.alert_email.is_none() {
        lines.skipped(MAIL, "alert-email is not set, so failures are mailed to nobody");
        return;
    }
    match email::reach().await {
        Ok(()) => lines.passed(MAIL, "reached and logged in; no mail was sent"),
        Err(error) => lines.failed(MAIL, &Trouble::new(catalogue::MAIL_FAILED, words(error))),
    }
}

fn words(error: email::Error) -> String {
    match error {
        email::Error::NotGranted(text) => format!("the platform sends no mail for this tenant: {text}"),
        email::Error::Invalid(text) => format!("the mail settings are not well formed: {text}"),
        email::Error::Refused(text) => format!("the mail server refused the login: {text}"),
        email::Error::Unreachable(text) => format!("the mail server was not reached: {text}"),
        email::Error::Other(text) => format!("the mail server: {text}"),
    }
}

async fn storage() -> Result<(), StoreError> {
    let value = b"a test of the connection".to_vec();
    store::put(vec![store::write(KEY.to_owned(), value.clone())]).await?;
    let read = store::get_one(KEY.to_owned()).await?;
    store::put(vec![store::removal(KEY.to_owned())]).await?;
    if read.is_some_and(|entry| entry.value == value) {
        Ok(())
    } else {
        Err(StoreError::Unreadable("what was written did not come back as it was".to_owned()))
    }
}
