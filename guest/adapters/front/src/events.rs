//! Events from outside. There is no queue here: whoever sends them is told what became of each, and brings them again where that
//! is asked for.

use serde_json::{Value, json};

use crate::bindings::shift_access::plugin::listener::{Disposition, Event, handle};
use crate::message::{Answer, Problem};
use crate::runs;

/// Events of one request.
const MOST: usize = 2000;

/// Deals with events: 200 where all are dealt with, 503 with `Retry-After` where one is to be brought again.
pub async fn take(body: &[u8]) -> Result<Answer, Problem> {
    let events = read(body).map_err(|why| Problem::new(400, why))?;
    let ids: Vec<_> = events.iter().map(|event| event.id.clone()).collect();
    let dispositions = handle(events).await;
    let seconds = dispositions.iter().filter_map(|disposition| match disposition {
        Disposition::Retry(seconds) => Some(*seconds),
        Disposition::Done | Disposition::Reject(_) => None,
    });
    let later = seconds.max();
    let told = ids.into_iter().zip(&dispositions).map(|(id, disposition)| told(&id, disposition));
    let mut answer = Answer::json(told.collect());
    if let Some(seconds) = later {
        answer.status = 503;
        answer.headers.push(("retry-after", seconds.to_string()));
    }
    Ok(answer)
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
}
