//! Decisions, as the AuthZEN Authorization API 1.0 of the OpenID Foundation asks for them: one by one, or many at once.
//!
//! The subject's id is the user, the resource's id is the surface. Of the rest of a request nothing decides: types, the
//! action, properties and the context are the caller's own. Fields that are not known are passed over, as the standard says.
//! A user of whom nothing is known is no error: the rules decide about that too.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::App;
use super::caller::Reader;
use super::problem::Problem;
use super::request::Body;
use crate::answer::{self, Decision, Source, Verdict};
use crate::tenant::Tenant;

pub(super) const PATH: &str = "/tenants/{tenant}/access/v1/evaluation";
pub(super) const BATCH_PATH: &str = "/tenants/{tenant}/access/v1/evaluations";

/// Evaluations of one request at most.
const MOST: usize = 1_000;

/// A user and a surface.
type Question = (String, Option<String>);

/// One evaluation, as it is asked for.
#[derive(Default, Deserialize)]
pub(super) struct Evaluation {
    subject: Option<Entity>,
    action: Option<Action>,
    resource: Option<Entity>,
}

/// Who asks, or what is asked for.
#[derive(Deserialize)]
struct Entity {
    r#type: String,
    id: String,
}

/// What is to be done.
#[derive(Deserialize)]
struct Action {
    name: String,
}

/// Many evaluations. What one of them leaves out is as it stands beside them.
#[derive(Deserialize)]
pub(super) struct Batch {
    subject: Option<Entity>,
    action: Option<Action>,
    resource: Option<Entity>,
    #[serde(default)]
    evaluations: Vec<Evaluation>,
    #[serde(default)]
    options: Options,
}

#[derive(Default, Deserialize)]
struct Options {
    #[serde(default)]
    evaluations_semantic: Semantic,
}

/// How far a batch goes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
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

/// The answer to one evaluation.
#[derive(Serialize)]
pub(super) struct Answer {
    decision: bool,
    context: Context,
}

/// What a decision rests on, or why there is none.
#[derive(Serialize)]
#[serde(untagged)]
enum Context {
    Known(Box<Known>),
    Error { error: Value },
}

#[derive(Serialize)]
struct Known {
    reason: String,
    status: String,
    #[serde(serialize_with = "answer::instant")]
    since: Option<DateTime<Utc>>,
    #[serde(serialize_with = "answer::instant")]
    as_of: Option<DateTime<Utc>>,
    age_seconds: Option<u64>,
    source: Option<Source>,
}

pub(super) async fn one(State(app): State<App>, Reader(tenant): Reader, Body(asked): Body<Evaluation>) -> Result<Json<Answer>, Problem> {
    decide_one(&app, &tenant, &asked).await.map(Json)
}

pub(super) async fn batch(State(app): State<App>, Reader(tenant): Reader, Body(asked): Body<Batch>) -> Result<Json<Value>, Problem> {
    let Batch { subject, action, resource, evaluations, options } = asked;
    let defaults = Evaluation { subject, action, resource };
    if evaluations.is_empty() {
        // Without a list it is a request for one, says the standard.
        let answer = decide_one(&app, &tenant, &defaults).await?;
        return Ok(Json(json!(answer)));
    }
    if evaluations.len() > MOST {
        return Err(Problem::bad_request(format!("there are {} evaluations; send at most {MOST} at once", evaluations.len())));
    }
    let questions: Vec<_> = evaluations.iter().map(|evaluation| evaluation.question(&defaults)).collect();
    let asked = questions.iter().filter_map(|question| question.as_ref().ok().cloned()).collect();
    let mut decisions = decide(&app, &tenant, asked).await?.into_iter();
    let answers = questions.into_iter().map(|question| match question {
        Ok(_) => decisions.next().map_or_else(|| Answer::error(500, "there is no decision"), Answer::from),
        Err(message) => Answer::error(400, &message),
    });
    Ok(Json(json!({ "evaluations": options.evaluations_semantic.cut(answers) })))
}

async fn decide_one(app: &App, tenant: &Tenant, asked: &Evaluation) -> Result<Answer, Problem> {
    let question = asked.question(&Evaluation::default()).map_err(Problem::bad_request)?;
    let decision = decide(app, tenant, vec![question]).await?.into_iter().next();
    decision.map(Answer::from).ok_or_else(|| Problem::new(axum::http::StatusCode::BAD_GATEWAY, "the plugin made no decision"))
}

async fn decide(app: &App, tenant: &Tenant, questions: Vec<Question>) -> Result<Vec<Decision>, Problem> {
    let decisions = tenant.pack.decide(app.site.host().lend(tenant), questions).await;
    decisions.map_err(|error| Problem::of_call(tenant, &error))
}

impl Evaluation {
    /// The question behind it, or what is wrong with it.
    fn question(&self, defaults: &Self) -> Result<Question, String> {
        let subject = self.subject.as_ref().or(defaults.subject.as_ref()).ok_or("subject is missing")?;
        let action = self.action.as_ref().or(defaults.action.as_ref()).ok_or("action is missing")?;
        let resource = self.resource.as_ref().or(defaults.resource.as_ref()).ok_or("resource is missing")?;
        let texts = [
            ("subject.type", &subject.r#type),
            ("subject.id", &subject.id),
            ("action.name", &action.name),
            ("resource.type", &resource.r#type),
            ("resource.id", &resource.id),
        ];
        match texts.iter().find(|(_, text)| text.trim().is_empty()) {
            Some((name, _)) => Err(format!("{name} is empty")),
            None => Ok((subject.id.clone(), Some(resource.id.clone()))),
        }
    }
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
    fn error(status: u16, message: &str) -> Self {
        Self { decision: false, context: Context::Error { error: json!({ "status": status, "message": message }) } }
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
    use super::*;

    fn cut(semantic: Value, decisions: &[bool]) -> usize {
        let semantic: Semantic = serde_json::from_value(semantic).unwrap();
        semantic.cut(decisions.iter().map(|decision| Answer { decision: *decision, ..Answer::error(400, "") })).len()
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
        let entity = |id: &str| Some(Entity { r#type: "user".to_owned(), id: id.to_owned() });
        let action = || Some(Action { name: "open".to_owned() });
        let defaults = Evaluation { subject: entity("adiaz"), action: action(), resource: None };
        let own = Evaluation { resource: entity("people"), ..Evaluation::default() };
        assert_eq!(own.question(&defaults), Ok(("adiaz".to_owned(), Some("people".to_owned()))));
        let other = Evaluation { subject: entity("bking"), resource: entity("people"), ..Evaluation::default() };
        assert_eq!(other.question(&defaults).unwrap().0, "bking");
        assert_eq!(Evaluation::default().question(&defaults), Err("resource is missing".to_owned()));
        let empty = Evaluation { resource: entity(" "), ..Evaluation::default() };
        assert_eq!(empty.question(&defaults), Err("resource.id is empty".to_owned()));
    }
}
