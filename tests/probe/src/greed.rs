//! Takes more than a platform may give: a job for each thing that a plugin could use up.
//!
//! The options say how much. What the platform answered is counted by its kind, and the first text of each is a line of the
//! report, so that a test can read both.

use std::collections::BTreeMap;

use futures::future::join_all;

use crate::bindings::exports::shift_access::plugin::jobs;
use crate::bindings::exports::shift_access::plugin::pack::{Kind, PropertyInfo};
use crate::bindings::shift_access::plugin::properties::Value;
use crate::bindings::shift_access::plugin::{email, http, journal, storage};

mod wasi {
    #![allow(missing_docs, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated code")]
    wit_bindgen::generate!({
        inline: "
            package probe:greed;
            world greed { import wasi:random/random@0.2.6; }
            package wasi:random@0.2.6 {
                interface random {
                    get-random-bytes: func(len: u64) -> list<u8>;
                    get-random-u64: func() -> u64;
                }
            }
        ",
        generate_all,
    });
}

/// The jobs, each named after what it takes.
pub const JOBS: [&str; 9] = ["deep", "notes", "hand-over", "random", "calls", "requests", "mails", "keys", "values"];

/// What the platform answered.
#[derive(Default)]
struct Answers(BTreeMap<&'static str, (u64, String)>);

impl Answers {
    fn add(&mut self, kind: &'static str, text: impl FnOnce() -> String) {
        self.0.entry(kind).or_insert_with(|| (0, text())).0 += 1;
    }

    fn report(self) -> jobs::Report {
        let count = |(kind, (value, _)): (&&str, &(u64, String))| jobs::Count { name: (*kind).to_owned(), value: *value };
        let counts = self.0.iter().map(count).collect();
        let step =
            |(kind, (_, detail)): (&str, (u64, String))| jobs::Step { title: kind.to_owned(), outcome: jobs::StepOutcome::Passed, detail };
        jobs::Report { counts, warnings: Vec::new(), steps: self.0.into_iter().map(step).collect() }
    }
}

/// How much is to be taken: so many, of so many KiB each, to somebody or from somewhere.
pub fn options() -> Vec<PropertyInfo> {
    let option = |name: &str, kind: Kind| PropertyInfo {
        name: name.to_owned(),
        title: name.to_owned(),
        summary: name.to_owned(),
        kind,
        default: None,
        required: false,
        what_if: false,
    };
    let number = Kind::Number((0, 1_000_000));
    vec![option("count", number.clone()), option("kib", number), option("to", Kind::Text), option("path", Kind::Text)]
}

pub async fn run(job: &str, options: &[jobs::Property]) -> jobs::Report {
    let option = |name: &str| options.iter().find(|option| option.name == name).map(|option| &option.value);
    let number = |name: &str| match option(name) {
        Some(Value::Number(number)) => usize::try_from(*number).unwrap_or(0),
        _ => 1,
    };
    let (count, bytes) = (number("count"), number("kib") << 10);
    let text = |name: &str| match option(name) {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    let mut answers = Answers::default();
    match job {
        "deep" => drop(std::hint::black_box(deep(count))),
        "notes" => (0..count).for_each(|_| note(1)),
        "hand-over" => note(bytes),
        "random" => drop(wasi::wasi::random::random::get_random_bytes(bytes as u64)),
        "calls" => drop(join_all((0..count).map(|_| storage::scan(String::new(), None, 1))).await),
        "requests" => requests(count, bytes, text("path"), &mut answers).await,
        "mails" => mails(count, text("to"), &mut answers).await,
        "keys" => store(count, 1, &mut answers).await,
        _ => store(count, bytes, &mut answers).await,
    }
    answers.report()
}

/// As deep as it is told, on the stack.
fn deep(levels: usize) -> u64 {
    let level = std::hint::black_box([levels as u64; 64]);
    if levels == 0 { 0 } else { deep(levels - 1) + std::hint::black_box(level).iter().sum::<u64>() }
}

fn note(bytes: usize) {
    journal::add(&journal::Note { level: journal::Level::Info, code: None, message: "n".repeat(bytes), subject: None });
}

/// To a page that is there, unless another is named.
async fn requests(count: usize, bytes: usize, path: &str, answers: &mut Answers) {
    let page = crate::http::page();
    let path = if path.is_empty() { page.path.clone() } else { path.to_owned() };
    let request = || http::Request { method: "POST".to_owned(), path: path.clone(), body: vec![b'x'; bytes], ..page.clone() };
    for answer in join_all((0..count).map(|_| http::send(request()))).await {
        match answer {
            Ok(_) => answers.add("ok", String::new),
            Err(http::Error::Throttled(throttle)) => answers.add("throttled", || format!("{:?}", throttle.retry_after_seconds)),
            Err(http::Error::TooLarge(most)) => answers.add("too-large", || most.to_string()),
            Err(http::Error::Other(text)) => answers.add("other", || text),
            Err(other) => answers.add("else", || format!("{other:?}")),
        }
    }
}

async fn mails(count: usize, to: &str, answers: &mut Answers) {
    for number in 0..count {
        let message = email::Message {
            to: vec![to.to_owned()],
            subject: "Greed".to_owned(),
            text: "More.".to_owned(),
            html: None,
            idempotency_key: format!("greed-{number}"),
        };
        match email::send(message).await {
            Ok(_) => answers.add("ok", String::new),
            Err(email::Error::NotGranted(text)) => answers.add("not-granted", || text),
            Err(email::Error::Other(text)) => answers.add("other", || text),
            Err(other) => answers.add("else", || format!("{other:?}")),
        }
    }
}

/// One commit a key, as a plugin does that thinks of nobody.
async fn store(count: usize, bytes: usize, answers: &mut Answers) {
    for number in 0..count {
        let write = storage::Write { key: format!("greed/{number}"), value: Some(vec![b'x'; bytes]), condition: storage::Condition::Any };
        match storage::commit(vec![write]).await {
            Ok(_) => answers.add("ok", String::new),
            Err(storage::Error::QuotaExceeded(text)) => answers.add("quota-exceeded", || text),
            Err(storage::Error::Invalid(text)) => answers.add("invalid", || text),
            Err(other) => answers.add("else", || format!("{other:?}")),
        }
    }
}
