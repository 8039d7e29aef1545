//! AuthZEN 1.0: may this subject do this to this resource, now, and why.

use serde_json::{Value, json};

use crate::bindings::shift_access::plugin::access::{Decision, Question, decide};
use crate::message::{Answer, Problem};
use crate::wire;

/// Evaluations of one request.
const MOST: usize = 1000;
/// The words for a person.
const SUBJECT_TYPES: [&str; 5] = ["user", "identity", "person", "worker", "employee"];

/// One evaluation.
pub async fn one(body: &[u8]) -> Result<Answer, Problem> {
    let question = question(&read(body)?, &Value::Null).map_err(|why| Problem::new(400, why))?;
    let decisions = asked(vec![question]).await?;
    let decision = decisions.first().ok_or_else(|| Problem::new(502, "the plugin gave no decision"))?;
    Ok(Answer::json(told(decision)))
}

/// Many, each with what stands beside them where it leaves that out. Without a list it is one.
pub async fn many(body: &[u8]) -> Result<Answer, Problem> {
    let given = read(body)?;
    let Some(evaluations) = given.get("evaluations").and_then(Value::as_array).filter(|list| !list.is_empty()) else {
        return one(body).await;
    };
    if evaluations.len() > MOST {
        return Err(Problem::new(400, format!("there are {} evaluations; send at most {MOST} at once", evaluations.len())));
    }
    let last = last(&given).map_err(|why| Problem::new(400, why))?;
    let questions: Vec<_> = evaluations.iter().map(|evaluation| question(evaluation, &given)).collect();
    let mut decisions = asked(questions.iter().filter_map(|question| question.clone().ok()).collect()).await?.into_iter();
    let wrong = |status, message| json!({ "decision": false, "context": { "error": { "status": status, "message": message } } });
    let answers = questions.into_iter().map(|question| match question {
        Ok(_) => decisions.next().as_ref().map_or_else(|| wrong(500, "there is no decision".to_owned()), told),
        Err(message) => wrong(400, message),
    });
    Ok(Answer::json(json!({ "evaluations": cut(last, answers) })))
}

/// The decision that ends a batch, where one does: the option `evaluations_semantic`.
fn last(given: &Value) -> Result<Option<bool>, String> {
    let Some(semantic) = given.pointer("/options/evaluations_semantic") else { return Ok(None) };
    match semantic.as_str() {
        Some("execute_all") => Ok(None),
        Some("deny_on_first_deny") => Ok(Some(false)),
        Some("permit_on_first_permit") => Ok(Some(true)),
        _ => Err("options.evaluations_semantic is none of execute_all, deny_on_first_deny, permit_on_first_permit".to_owned()),
    }
}

/// The answers up to the one that ends the batch. All are decided: that costs less than to ask the plugin one by one.
fn cut(last: Option<bool>, answers: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut kept = Vec::new();
    for answer in answers {
        let ends = last.is_some() && answer.get("decision").and_then(Value::as_bool) == last;
        kept.push(answer);
        if ends {
            break;
        }
    }
    kept
}

async fn asked(questions: Vec<Question>) -> Result<Vec<Decision>, Problem> {
    decide(questions).await.map_err(|failure| wire::failed(&failure))
}

fn told(decision: &Decision) -> Value {
    json!({ "decision": decision.allow, "context": wire::context(decision) })
}

fn read(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::new(400, format!("the body is no JSON: {error}")))
}

/// The question behind an evaluation, or what is wrong with it.
fn question(evaluation: &Value, beside: &Value) -> Result<Question, String> {
    let part = |name: &str| evaluation.get(name).or_else(|| beside.get(name)).ok_or_else(|| format!("{name} is missing"));
    let (subject, action, resource) = (part("subject")?, part("action")?, part("resource")?);
    let kind = text(subject, "subject.type", "type")?;
    if !SUBJECT_TYPES.contains(&kind.to_ascii_lowercase().as_str()) {
        return Err(format!("subject.type is {kind:?}; write user"));
    }
    text(action, "action.name", "name")?;
    text(resource, "resource.type", "type")?;
    Ok(Question { user: text(subject, "subject.id", "id")?, surface: Some(text(resource, "resource.id", "id")?) })
}

fn text(of: &Value, what: &str, name: &str) -> Result<String, String> {
    let text = of.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    text.map(str::to_owned).ok_or_else(|| format!("{what} is missing or empty"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_evaluation_leaves_out_stands_beside_it() {
        let beside = json!({ "action": { "name": "open" }, "resource": { "type": "app", "id": "people" } });
        let one = json!({ "subject": { "type": "User", "id": "adiaz" } });
        assert_eq!(question(&one, &beside), Ok(Question { user: "adiaz".into(), surface: Some("people".into()) }));
        assert_eq!(question(&one, &Value::Null), Err("action is missing".to_owned()));
        let device = json!({ "subject": { "type": "device", "id": "adiaz" } });
        assert!(question(&device, &beside).is_err_and(|why| why.contains("device")));
        let nobody = json!({ "subject": { "type": "user", "id": " " } });
        assert_eq!(question(&nobody, &beside), Err("subject.id is missing or empty".to_owned()));
    }

    #[test]
    fn a_batch_goes_as_far_as_its_semantic_says() {
        let kept = |semantic: &str| {
            let last = last(&json!({ "options": { "evaluations_semantic": semantic } })).unwrap();
            cut(last, [true, false, true].map(|decision| json!({ "decision": decision })).into_iter()).len()
        };
        assert_eq!([kept("execute_all"), kept("deny_on_first_deny"), kept("permit_on_first_permit")], [3, 2, 1]);
        assert_eq!(last(&json!({ "options": {} })), Ok(None));
        assert!(last(&json!({ "options": { "evaluations_semantic": "first" } })).is_err_and(|why| why.contains("permit_on_first_permit")));
    }
}
