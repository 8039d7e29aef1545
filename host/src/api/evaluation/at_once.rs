//! Questions that come at once are asked at once: a call of the plugin costs more than a question.
//!
//! Nobody waits for company. Whoever is first lets the runtime read what has come over the network already, and then asks for
//! all who wait with the same tenant. What the plugin fails over together is asked one by one, so that nobody's question is
//! another's error.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tracing::Level;

use super::Question;
use crate::answer::Decision;
use crate::host::Host;
use crate::plugin::CallError;
use crate::tenant::Tenant;

/// Questions of one call at most. Their records are few enough to be read on the spot.
const MOST: usize = 30;

/// How often the runtime is let look at the network.
const LOOKS: usize = 2;

/// The questions that wait, by tenant.
#[derive(Default)]
pub(crate) struct Questions {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    rounds: HashMap<Arc<str>, Round>,
}

/// Questions that will be asked together.
struct Round {
    number: u64,
    tenant: Tenant,
    asked: Vec<Asked>,
}

struct Asked {
    question: Question,
    answer: oneshot::Sender<Answered>,
}

/// None: ask alone.
type Answered = Option<Result<Decision, Arc<CallError>>>;

impl Questions {
    /// Asks one question, with those of others if there are any.
    pub(super) async fn ask(&self, host: &Host, tenant: &Tenant, question: Question) -> Result<Decision, Arc<CallError>> {
        // Who traces wants to see each request with its own call.
        if !tracing::enabled!(Level::DEBUG) {
            let (answer, answered) = oneshot::channel();
            if let Some(number) = self.join(host, tenant, Asked { question: question.clone(), answer }) {
                let lead = Lead { questions: self, host, tenant: &tenant.name, number };
                for _ in 0..LOOKS {
                    tokio::task::yield_now().await;
                }
                drop(lead);
            }
            if let Ok(Some(answer)) = answered.await {
                return answer;
            }
        }
        let mut decisions = tenant.pack.decide(host.lend(tenant), vec![question]).await?;
        decisions.pop().ok_or_else(|| Arc::new(CallError::Trap("it made no decision".to_owned())))
    }

    /// Joins the round of the tenant, or begins one: then its number is given, and whoever has it must end it.
    fn join(&self, host: &Host, tenant: &Tenant, asked: Asked) -> Option<u64> {
        let mut waiting = self.lock();
        if let Some(round) = waiting.rounds.get_mut(&tenant.name).filter(|round| round.is_of(tenant)) {
            round.asked.push(asked);
            if round.asked.len() >= MOST
                && let Some(full) = waiting.rounds.remove(&tenant.name)
            {
                full.start(host);
            }
            return None;
        }
        waiting.next += 1;
        let number = waiting.next;
        let round = Round { number, tenant: tenant.clone(), asked: vec![asked] };
        // One that is of the tenant as it was configured before does not wait for its end.
        if let Some(before) = waiting.rounds.insert(tenant.name.clone(), round) {
            before.start(host);
        }
        Some(number)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever was first. The round is asked when this is dropped, also where its request was given up.
struct Lead<'a> {
    questions: &'a Questions,
    host: &'a Host,
    tenant: &'a Arc<str>,
    number: u64,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut waiting = self.questions.lock();
        if waiting.rounds.get(self.tenant).is_some_and(|round| round.number == self.number)
            && let Some(round) = waiting.rounds.remove(self.tenant)
        {
            drop(waiting);
            round.start(self.host);
        }
    }
}

impl Round {
    /// Whether it is of this very tenant, as it is configured now.
    fn is_of(&self, tenant: &Tenant) -> bool {
        self.tenant.pack.is(&tenant.pack) && Arc::ptr_eq(&self.tenant.properties, &tenant.properties)
    }

    /// Asks in a task of its own: none of them may end the others' by giving up. A question that is alone is given back.
    fn start(self, host: &Host) {
        let Self { tenant, mut asked, .. } = self;
        asked.retain(|asked| !asked.answer.is_closed());
        if asked.len() > 1 {
            let lent = host.lend(&tenant);
            tokio::spawn(async move {
                let (questions, answers): (Vec<_>, Vec<_>) = asked.into_iter().map(|Asked { question, answer }| (question, answer)).unzip();
                let decided = tenant.pack.decide(lent, questions).await.map_err(Arc::new);
                spread(decided, answers);
            });
        }
    }
}

/// Gives everybody an answer. Without one, whoever waits asks alone.
fn spread(decided: Result<Vec<Decision>, Arc<CallError>>, answers: Vec<oneshot::Sender<Answered>>) {
    match decided {
        Ok(decisions) if decisions.len() == answers.len() => {
            for (decision, answer) in decisions.into_iter().zip(answers) {
                let _ = answer.send(Some(Ok(decision)));
            }
        }
        // It was not about one of the questions, or would only take as long again.
        Err(error) if matches!(*error, CallError::Failure(_) | CallError::Time(_)) => {
            for answer in answers {
                let _ = answer.send(Some(Err(error.clone())));
            }
        }
        Ok(_) | Err(_) => {}
    }
}
