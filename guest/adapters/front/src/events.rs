//! Events from outside. There is no queue here: whoever sends them is told what became of each, and brings them again where that
//! is asked for.

use std::iter;

use serde_json::{Value, json};

use crate::bindings::shift_access::plugin::listener::{Disposition, Event, handle};
use crate::message::{Answer, Problem};
use crate::runs;

/// Events of one request.
const MOST: usize = 2000;
/// When an event is brought again of which the plugin said nothing, in seconds.
const AGAIN: u32 = 60;

/// Deals with events: 200 where all are dealt with, 503 with `Retry-After` where one is to be brought again.
pub async fn take(body: &[u8]) -> Result<Answer, Problem> {
    let events = read(body).map_err(|why| Problem::new(400, why))?;
    let ids = events.iter().map(|event| event.id.clone()).collect();
    Ok(answer(ids, handle(events).await))
}

/// What is told of each. Of whom the plugin says nothing it is not known whether it was dealt with: it is brought again.
fn answer(ids: Vec<String>, dispositions: Vec<Disposition>) -> Answer {
    let dispositions = dispositions.into_iter().chain(iter::repeat(Disposition::Retry(AGAIN)));
    let all: Vec<_> = ids.into_iter().zip(dispositions).collect();
    let seconds = all.iter().filter_map(|(_, disposition)| match disposition {
        Disposition::Retry(seconds) => Some(*seconds),
        Disposition::Done | Disposition::Reject(_) => None,
    });
    let later = seconds.max();
    let mut answer = Answer::json(all.iter().map(|(id, disposition)| told(id, disposition)).collect());
    if let Some(seconds) = later {
        answer.status = 503;
        answer.headers.push(("retry-after", seconds.to_string()));
    }
    answer
}

fn read(body: &[u8]) -> Result<Vec<Event>, String> {
    let json: Value = serde_json::from_slice(body).map_err(|error| format!("the body is no JSON: {error}"))?;
    let all = match json {
        Value::Array(all) => all,
        one => vec![one],
    };
    if all.len() > MOST {
        return Err(format!("there are {} events; send at most {MOST} at once", all.len()));
    }
    let run = runs::id();
    let event = |event: Value| {
        let id = event.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).ok_or("an event has no id")?;
        Ok(Event { id: id.to_owned(), run: run.clone(), body: event.to_string().into_bytes() })
    };
    all.into_iter().map(event).collect()
}

fn told(id: &str, disposition: &Disposition) -> Value {
    match disposition {
        Disposition::Done => json!({ "id": id, "disposition": "done" }),
        Disposition::Retry(seconds) => json!({ "id": id, "disposition": "retry", "after_seconds": seconds }),
        Disposition::Reject(problem) => json!({ "id": id, "disposition": "reject", "code": problem.code, "message": problem.message }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_or_a_list_is_read_and_each_has_an_id() {
        let one = read(br#"{"id":"a","data":{}}"#).unwrap();
        assert_eq!((one.len(), one[0].id.as_str()), (1, "a"));
        assert_eq!(read(br#"[{"id":"a"},{"id":"b"}]"#).unwrap().len(), 2);
        for body in ["", "{}", r#"{"id":""}"#, r#"[{"id":1}]"#, "3"] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn an_event_of_which_the_plugin_says_nothing_is_brought_again() {
        let ids = || vec!["a".to_owned(), "b".to_owned()];
        let whole = answer(ids(), vec![Disposition::Done, Disposition::Done]);
        assert_eq!((whole.status, whole.body[1]["disposition"].as_str()), (200, Some("done")));
        let short = answer(ids(), vec![Disposition::Done]);
        assert_eq!((short.status, &short.body[0]["disposition"]), (503, &json!("done")));
        assert_eq!(short.body[1], json!({ "id": "b", "disposition": "retry", "after_seconds": 60 }));
        assert!(short.headers.contains(&("retry-after", "60".to_owned())), "{:?}", short.headers);
    }
}
