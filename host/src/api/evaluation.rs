//! Decisions, as the AuthZEN Authorization API 1.0 of the OpenID Foundation asks for them: one by one, or many at once.
//!
//! The subject's id is the user, the resource's id is the surface. Of the rest of a request nothing decides: the resource's
//! type, the action, properties and the context are the caller's own. Fields that are not known are passed over, as the
//! standard says. A user of whom nothing is known is no error: the rules decide about that too. But a subject that is no
//! person is one: a device or a group that bears the name of a user must not get what the user gets, and a deny would look
//! as if the user were off the clock.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

mod at_once;

use super::App;
use super::caller::Reader;
use super::problem::Problem;
use super::request::Body;
use crate::answer::{self, Decision, Source, Verdict};
use crate::tenant::Tenant;

pub(super) use at_once::Questions;

pub(super) const PATH: &str = "/tenants/{tenant}/access/v1/evaluation";
pub(super) const BATCH_PATH: &str = "/tenants/{tenant}/access/v1/evaluations";

/// Evaluations of one request at most.
const MOST: usize = 1_000;

/// A user and a surface.
type Question = (String, Option<String>);

/// One evaluation: whether a subject may act on a resource.
#[derive(Deserialize, ToSchema)]
#[schema(as = Evaluation, example = json!({
    "subject": { "type": "user", "id": "adiaz" },
    "action": { "name": "open" },
    "resource": { "type": "app", "id": "people" }
}))]
pub(super) struct Request {
    subject: Subject,
    action: Action,
    resource: Entity,
    /// The caller's own; nothing of it decides.
    #[serde(default)]
    #[schema(value_type = Object)]
    context: Ignored,
}

/// One evaluation of many. What it leaves out is as it stands beside the others.
#[derive(Default, Deserialize, ToSchema)]
pub(super) struct PartialEvaluation {
    subject: Option<Subject>,
    action: Option<Action>,
    resource: Option<Entity>,
    #[serde(default)]
    #[schema(value_type = Object)]
    #[expect(dead_code, reason = "it is read only so that it is what the standard says")]
    context: Ignored,
}

/// Who is to act: the user.
#[derive(Deserialize, ToSchema)]
struct Subject {
    /// What kind of subject it is: a person, as `user`, `identity`, `person`, `worker` or `employee`, in small or capital letters.
    #[schema(example = "user")]
    r#type: String,
    /// Which one; not empty.
    #[schema(example = "adiaz")]
    id: String,
    /// The caller's own; nothing of it decides.
    #[serde(default)]
    #[schema(value_type = Object)]
    #[expect(dead_code, reason = "it is read only so that it is what the standard says")]
    properties: Ignored,
}

/// The words for a person, which are compared without regard to case. The standard names no types; its examples, and the
/// gateways and identity providers that speak it, say `user` or `identity`.
const SUBJECT_TYPES: [&str; 5] = ["user", "identity", "person", "worker", "employee"];

/// What is asked for: the surface.
#[derive(Deserialize, ToSchema)]
struct Entity {
    /// What kind of thing it is; not empty.
    #[schema(example = "app")]
    r#type: String,
    /// Which one; not empty.
    #[schema(example = "people")]
    id: String,
    /// The caller's own; nothing of it decides.
    #[serde(default)]
    #[schema(value_type = Object)]
    #[expect(dead_code, reason = "it is read only so that it is what the standard says")]
    properties: Ignored,
}

/// What is to be done.
#[derive(Deserialize, ToSchema)]
struct Action {
    /// Which action; not empty.
    #[schema(example = "open")]
    name: String,
    /// The caller's own; nothing of it decides.
    #[serde(default)]
    #[schema(value_type = Object)]
    #[expect(dead_code, reason = "it is read only so that it is what the standard says")]
    properties: Ignored,
}

/// Many evaluations. What one of them leaves out is as it stands beside them. Without any it is an evaluation itself.
#[derive(Deserialize, ToSchema)]
#[schema(as = Evaluations, example = json!({
    "action": { "name": "open" },
    "resource": { "type": "app", "id": "people" },
    "evaluations": [{ "subject": { "type": "user", "id": "adiaz" } }, { "subject": { "type": "user", "id": "cmoss" } }]
}))]
pub(super) struct Batch {
    subject: Option<Subject>,
    action: Option<Action>,
    resource: Option<Entity>,
    #[serde(default)]
    #[schema(value_type = Object)]
    context: Ignored,
    #[serde(default)]
    #[schema(max_items = 1_000)]
    evaluations: Vec<PartialEvaluation>,
    #[serde(default)]
    options: Options,
}

/// How a batch is to be gone through.
#[derive(Default, Deserialize, ToSchema)]
struct Options {
    #[serde(default)]
    evaluations_semantic: Semantic,
}

/// How far a batch goes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Semantic {
    /// To the end.
    #[default]
    ExecuteAll,
    /// To the first deny.
    DenyOnFirstDeny,
    /// To the first permit.
    PermitOnFirstPermit,
}

/// An object of which nothing is read, though it must be one.
#[derive(Default)]
struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyObject;
        impl<'de> Visitor<'de> for AnyObject {
            type Value = Ignored;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ignored, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Ignored)
            }
        }
        deserializer.deserialize_map(AnyObject)
    }
}

/// The answer to one evaluation.
#[derive(Serialize, ToSchema)]
#[schema(as = Decision, example = json!({
    "decision": true,
    "context": {
        "reason": "clocked-in",
        "status": "on-shift",
        "since": "2026-03-01T05:45:00Z",
        "as_of": "2026-03-01T09:00:00Z",
        "age_seconds": 42,
        "source": { "run": "019526f3-bf60-7000-8000-0123456789ab", "kind": "batch" }
    }
}))]
pub(super) struct Answer {
    decision: bool,
    context: Context,
}

/// The answer to many, or to the one that is asked for without a list.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Decisions)]
pub(super) enum Answers {
    /// In the order asked, as far as the semantic goes.
    Many {
        /// The answers.
        evaluations: Vec<Answer>,
    },
    /// To the only one.
    One(Answer),
}

/// What a decision rests on, or in a batch what was wrong with the evaluation.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Context {
    Known(Box<Known>),
    Error { error: Wrong },
}

/// What a decision rests on.
#[derive(Serialize, ToSchema)]
#[schema(as = DecisionContext)]
struct Known {
    /// Why, in the pack's words.
    reason: String,
    /// The status it rests on, in the pack's words.
    status: String,
    /// Since when the status holds.
    #[serde(serialize_with = "answer::instant")]
    #[schema(required)]
    since: Option<DateTime<Utc>>,
    /// When the evidence was read.
    #[serde(serialize_with = "answer::instant")]
    #[schema(required)]
    as_of: Option<DateTime<Utc>>,
    /// How old the evidence is.
    #[schema(required)]
    age_seconds: Option<u64>,
    /// Where the evidence comes from.
    #[schema(required)]
    source: Option<Source>,
}

/// What is wrong with one evaluation of a batch.
#[derive(Serialize, ToSchema)]
#[schema(as = EvaluationError)]
struct Wrong {
    /// As if it had been asked alone.
    status: u16,
    /// In one sentence.
    message: String,
}

/// Whether a user (subject.id) may open a surface (resource.id) now, and why. AuthZEN 1.0.
#[utoipa::path(post, path = PATH, operation_id = "evaluate", tag = "decisions", request_body = Request,
    params(("X-Request-ID" = Option<String>, Header, description = "The caller's own id of the request; it comes back with the answer.")),
    responses(
        (status = 200, description = "The decision; a deny is an answer.", body = Answer),
        (status = 400), (status = 404), (status = 413), (status = 415), (status = 500), (status = 502), (status = 503), (status = 504),
    )
)]
pub(super) async fn one(State(app): State<App>, Reader(tenant): Reader, Body(asked): Body<Request>) -> Result<Json<Answer>, Problem> {
    let Request { subject, action, resource, context } = asked;
    let asked = PartialEvaluation { subject: Some(subject), action: Some(action), resource: Some(resource), context };
    decide_one(&app, &tenant, &asked).await.map(Json)
}

/// The same for many at once, in order; at most 1000. AuthZEN 1.0.
#[utoipa::path(post, path = BATCH_PATH, operation_id = "evaluateMany", tag = "decisions", request_body = Batch,
    params(("X-Request-ID" = Option<String>, Header, description = "The caller's own id of the request; it comes back with the answer.")),
    responses(
        (status = 200, description = "The decisions; of a request without evaluations, the one decision.", body = Answers),
        (status = 400), (status = 404), (status = 413), (status = 415), (status = 500), (status = 502), (status = 503), (status = 504),
    )
)]
pub(super) async fn batch(State(app): State<App>, Reader(tenant): Reader, Body(asked): Body<Batch>) -> Result<Json<Answers>, Problem> {
    let Batch { subject, action, resource, context, evaluations, options } = asked;
    let defaults = PartialEvaluation { subject, action, resource, context };
    if evaluations.is_empty() {
        // Without a list it is a request for one, says the standard.
        return decide_one(&app, &tenant, &defaults).await.map(|answer| Json(Answers::One(answer)));
    }
    defaults.check().map_err(Problem::bad_request)?;
    if evaluations.len() > MOST {
        return Err(Problem::bad_request(format!("there are {} evaluations; send at most {MOST} at once", evaluations.len())));
    }
    let questions: Vec<_> = evaluations.iter().map(|evaluation| evaluation.question(&defaults)).collect();
    let asked = questions.iter().filter_map(|question| question.as_ref().ok().cloned()).collect();
    let mut decisions = decide(&app, &tenant, asked).await?.into_iter();
    let answers = questions.into_iter().map(|question| match question {
        Ok(_) => decisions.next().map_or_else(|| Answer::error(500, "there is no decision".to_owned()), Answer::from),
        Err(message) => Answer::error(400, message),
    });
    Ok(Json(Answers::Many { evaluations: options.evaluations_semantic.cut(answers) }))
}

async fn decide_one(app: &App, tenant: &Tenant, asked: &PartialEvaluation) -> Result<Answer, Problem> {
    let question = asked.question(&PartialEvaluation::default()).map_err(Problem::bad_request)?;
    let began = Instant::now();
    let decision = app.questions.ask(app.site.host(), tenant, question).await.map_err(|error| app.failed(tenant, &error))?;
    app.metrics().decided(&tenant.name, std::slice::from_ref(&decision), began.elapsed());
    Ok(Answer::from(decision))
}

async fn decide(app: &App, tenant: &Tenant, questions: Vec<Question>) -> Result<Vec<Decision>, Problem> {
    let began = Instant::now();
    let decisions = tenant.pack.decide(app.site.host().lend(tenant), questions).await.map_err(|error| app.failed(tenant, &error))?;
    app.metrics().decided(&tenant.name, &decisions, began.elapsed());
    Ok(decisions)
}

impl PartialEvaluation {
    /// The question behind it, or what is wrong with it.
    fn question(&self, defaults: &Self) -> Result<Question, String> {
        let subject = self.subject.as_ref().or(defaults.subject.as_ref()).ok_or("subject is missing")?;
        self.action.as_ref().or(defaults.action.as_ref()).ok_or("action is missing")?;
        let resource = self.resource.as_ref().or(defaults.resource.as_ref()).ok_or("resource is missing")?;
        self.check()?;
        Ok((subject.id.clone(), Some(resource.id.clone())))
    }

    /// What is there must say something.
    fn check(&self) -> Result<(), String> {
        let of = |texts: Option<[&String; 2]>| texts.map_or([false; 2], |texts| texts.map(|text| empty(text)));
        let [subject_type, subject_id] = of(self.subject.as_ref().map(|subject| [&subject.r#type, &subject.id]));
        let [resource_type, resource_id] = of(self.resource.as_ref().map(|resource| [&resource.r#type, &resource.id]));
        let found = [
            ("subject.type", subject_type),
            ("subject.id", subject_id),
            ("action.name", self.action.as_ref().is_some_and(|action| empty(&action.name))),
            ("resource.type", resource_type),
            ("resource.id", resource_id),
        ];
        if let Some((name, _)) = found.iter().find(|(_, empty)| *empty) {
            return Err(format!("{name} is empty"));
        }
        self.subject.as_ref().map_or(Ok(()), Subject::check)
    }
}

impl Subject {
    /// It must be a person.
    fn check(&self) -> Result<(), String> {
        match SUBJECT_TYPES.iter().any(|known| self.r#type.trim().eq_ignore_ascii_case(known)) {
            true => Ok(()),
            false => Err(format!("subject.type is none that is known here; send one of {}", SUBJECT_TYPES.join(", "))),
        }
    }
}

fn empty(text: &str) -> bool {
    text.trim().is_empty()
}

impl Semantic {
    /// The answers up to the one that ends it. All are decided: that costs less than to ask the plugin one by one.
    fn cut(self, answers: impl Iterator<Item = Answer>) -> Vec<Answer> {
        let last = match self {
            Self::ExecuteAll => None,
            Self::DenyOnFirstDeny => Some(false),
            Self::PermitOnFirstPermit => Some(true),
        };
        let mut kept = Vec::new();
        for answer in answers {
            let ends = last == Some(answer.decision);
            kept.push(answer);
            if ends {
                break;
            }
        }
        kept
    }
}

impl Answer {
    fn error(status: u16, message: String) -> Self {
        Self { decision: false, context: Context::Error { error: Wrong { status, message } } }
    }
}

impl From<Decision> for Answer {
    fn from(decision: Decision) -> Self {
        let Decision { user: _, surface: _, decision, reason, status, since, as_of, age_seconds, source } = decision;
        let known = Known { reason, status, since, as_of, age_seconds, source };
        Self { decision: decision == Verdict::Allow, context: Context::Known(Box::new(known)) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn cut(semantic: Value, decisions: &[bool]) -> usize {
        let semantic: Semantic = serde_json::from_value(semantic).unwrap();
        semantic.cut(decisions.iter().map(|decision| Answer { decision: *decision, ..Answer::error(400, String::new()) })).len()
    }

    #[test]
    fn a_batch_goes_as_far_as_its_semantic_says() {
        let decisions = [true, false, true, false];
        assert_eq!(cut(json!("execute_all"), &decisions), 4);
        assert_eq!(cut(json!("deny_on_first_deny"), &decisions), 2);
        assert_eq!(cut(json!("permit_on_first_permit"), &decisions), 1);
        assert_eq!(cut(json!("deny_on_first_deny"), &[true, true]), 2);
    }

    #[test]
    fn what_an_evaluation_leaves_out_stands_beside_it() {
        let subject = |id: &str| Some(Subject { r#type: "user".to_owned(), id: id.to_owned(), properties: Ignored });
        let entity = |id: &str| Some(Entity { r#type: "app".to_owned(), id: id.to_owned(), properties: Ignored });
        let action = || Some(Action { name: "open".to_owned(), properties: Ignored });
        let defaults = PartialEvaluation { subject: subject("adiaz"), action: action(), ..PartialEvaluation::default() };
        let own = PartialEvaluation { resource: entity("people"), ..PartialEvaluation::default() };
        assert_eq!(own.question(&defaults), Ok(("adiaz".to_owned(), Some("people".to_owned()))));
        let other = PartialEvaluation { subject: subject("bking"), resource: entity("people"), ..PartialEvaluation::default() };
        assert_eq!(other.question(&defaults).unwrap().0, "bking");
        assert_eq!(PartialEvaluation::default().question(&defaults), Err("resource is missing".to_owned()));
        let empty = PartialEvaluation { resource: entity(" "), ..PartialEvaluation::default() };
        assert_eq!(empty.question(&defaults), Err("resource.id is empty".to_owned()));
    }
}
