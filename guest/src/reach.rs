//! Whether the time system answered when it was last asked. Decisions about old records rest on it (design §6).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shift_access_core::catalogue;
use shift_access_core::decide::Reach;

use crate::store::{self, Entry, StoreError};
use crate::trouble::Trouble;

/// Where it is stored.
pub const KEY: &str = "state/reach";

#[derive(Serialize, Deserialize)]
struct Form {
    /// When it was asked, in milliseconds since 1970.
    at: i64,
    /// Whether it answered.
    ok: bool,
}

/// Stores how an attempt ended.
pub async fn note(ok: bool, at: DateTime<Utc>) -> Result<(), StoreError> {
    let form = Form { at: at.timestamp_millis(), ok };
    // A struct of numbers always has a JSON form.
    store::put(vec![store::write(KEY.to_owned(), serde_json::to_vec(&form).unwrap_or_default())]).await
}

/// Stores that the time system was not reached, if that is what made something fail. The failure itself is what gets
/// told, so a store that fails as well is passed over.
pub async fn note_failure(trouble: &Trouble, at: DateTime<Utc>) {
    if means_unreachable(trouble.number) {
        let _ = note(false, at).await;
    }
}

/// How the last attempt ended.
pub async fn now() -> Result<Reach, StoreError> {
    Ok(read(store::get_one(KEY.to_owned()).await?.as_ref()))
}

/// How the last attempt ended, by the note of it. Without a legible note nothing is held against the time system.
pub fn read(entry: Option<&Entry>) -> Reach {
    match entry.and_then(|entry| serde_json::from_slice::<Form>(&entry.value).ok()) {
        Some(Form { ok: false, .. }) => Reach::Failed,
        _ => Reach::Reached,
    }
}

/// No answer, or only "too many requests". A refused login is an answer, and so is a refused question or one that is not
/// understood: none of them may open what `authorize-unreachable` opens.
const fn means_unreachable(number: u8) -> bool {
    matches!(number, catalogue::KRONOS_UNREACHABLE | catalogue::KRONOS_THROTTLED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Answer, System, blame};

    fn entry(value: &str) -> Entry {
        Entry { key: KEY.into(), value: value.into(), revision: "1".into() }
    }

    #[test]
    fn only_a_legible_failure_counts_as_one() {
        assert_eq!(read(None), Reach::Reached);
        assert_eq!(read(Some(&entry(r#"{"at":1,"ok":true}"#))), Reach::Reached);
        assert_eq!(read(Some(&entry(r#"{"at":1,"ok":false}"#))), Reach::Failed);
        assert_eq!(read(Some(&entry("?"))), Reach::Reached);
    }

    #[test]
    fn only_no_answer_and_too_many_requests_mean_unreachable() {
        let numbers: Vec<u8> = (0..100).filter(|number| means_unreachable(*number)).collect();
        assert_eq!(numbers, [catalogue::KRONOS_UNREACHABLE, catalogue::KRONOS_THROTTLED]);
    }

    #[test]
    fn a_refused_question_is_an_answer() {
        let said = |status, body: &str| {
            let answer = Answer { status, body: body.as_bytes().to_vec(), request_id: None };
            means_unreachable(blame::refused(System::Kronos, &answer).number)
        };
        assert!(said(503, "") && said(429, ""));
        assert!(!said(400, r#"{"errorCode":"WFP-90011"}"#) && !said(401, "") && !said(403, ""));
    }
}
