//! A listener that does with an event what the event asks for, and keeps under `handled/ID` how often it was brought.
//!
//! The event says it in its data: `"do": "done"`, `"retry"`, `"later"` (twice again, then done), `"reject"`, `"note"`, `"ask"`
//! (calls another system first), and whatever a platform must survive: `"trap"`, `"loop"`, `"memory"`.

use crate::bindings::exports::shift_access::plugin::{listener, pack};
use crate::bindings::shift_access::plugin::journal::{Level, Note, add};
use crate::bindings::shift_access::plugin::storage::{Condition, Write, commit, get};

pub fn described() -> pack::ListenerInfo {
    let field = |name: &str, words: &[&str]| pack::EventField {
        name: name.to_owned(),
        summary: format!("The event's {name}."),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    };
    pack::ListenerInfo {
        process: "Probe of the listener".to_owned(),
        code_prefix: "PROBE-L".to_owned(),
        summary: "Does with an event what the event asks for.".to_owned(),
        fields: vec![field("do", &["done", "retry", "later", "reject", "note", "ask", "trap", "loop", "memory"])],
    }
}

pub async fn handle(events: &[listener::Event]) -> Vec<listener::Disposition> {
    let asked: Vec<_> = events.iter().map(|event| asked(&String::from_utf8_lossy(&event.body))).collect();
    let mut dispositions = Vec::with_capacity(events.len());
    for (event, asked) in events.iter().zip(&asked) {
        match asked.as_str() {
            "trap" => std::process::abort(),
            "loop" => loop {
                std::hint::spin_loop();
            },
            "memory" => crate::hog(),
            "ask" => crate::http::ask().await,
            _ => {}
        }
        let times = brought(&event.id).await;
        dispositions.push(match asked.as_str() {
            "retry" => listener::Disposition::Retry(10),
            "later" if times < 3 => listener::Disposition::Retry(10),
            "reject" => {
                let message = "the event asks to be rejected".to_owned();
                listener::Disposition::Reject(listener::Problem { code: Some("PROBE-L07".to_owned()), message })
            }
            "note" => {
                let (message, subject) = ("the event asks for a note".to_owned(), Some(event.id.clone()));
                add(&Note { level: Level::Warning, code: None, message, subject });
                listener::Disposition::Done
            }
            _ => listener::Disposition::Done,
        });
    }
    dispositions
}

/// What the event asks for, found without a reader of JSON.
fn asked(body: &str) -> String {
    let value = body.split_once("\"do\"").and_then(|(_, rest)| rest.trim_start_matches([':', ' ']).strip_prefix('"'));
    value.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}

/// Counts that the event was brought, and gives how often.
async fn brought(id: &str) -> u32 {
    let key = format!("handled/{id}");
    let found = get(vec![key.clone()]).await.ok().and_then(|mut found| found.pop().flatten());
    let times = found.and_then(|entry| String::from_utf8(entry.value).ok()?.parse::<u32>().ok()).unwrap_or_default() + 1;
    let write = Write { key, value: Some(times.to_string().into_bytes()), condition: Condition::Any };
    let _ = commit(vec![write]).await;
    times
}
