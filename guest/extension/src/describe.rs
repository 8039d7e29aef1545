//! What the extension is and needs, as data: the platform draws its configuration, its consoles and its checks from it.
use crate::bindings::exports::shift_access::plugin::{jobs, pack};
use crate::bindings::shift_access::plugin::http;
use pack::{AddressRule, Connection, ErrorInfo, JobInfo, Kind, ListenerInfo, Parameter, PropertyInfo, Setting, Source, Value};

/// Number, title, what to do. 30 and 62 are numbers that the platform looks for.
const ERRORS: [[&str; 3]; 5] = [
    ["02", "Not offered", "Do without: this extension has no such list or comparison."],
    ["10", "The feed is away", "Look whether it runs at the url of the connection feed, and whether it knows the api-key."],
    ["12", "The feed is not understood", "Check the url of the connection feed and the property path."],
    ["30", "Storage failed", "Run it again. If it fails again, look at the log of the platform."],
    ["62", "Nobody of this name", "Look how the feed writes the name."],
];

/// A failure in the words of the catalogue.
pub fn failure(number: &str, message: impl Into<String>) -> jobs::Failure {
    let [_, title, remedy] = ERRORS.into_iter().find(|[known, ..]| *known == number).unwrap_or_default().map(str::to_owned);
    jobs::Failure { code: format!("FEED-{number}"), title, message: message.into(), remedy, report: report(Vec::new(), Vec::new()) }
}

/// Why there was no answer, in words.
pub fn away(error: http::Error) -> jobs::Failure {
    let said = match error {
        http::Error::Unreachable(said) | http::Error::NotGranted(said) | http::Error::Other(said) => said,
        http::Error::Timeout => "no answer in time".to_owned(),
        http::Error::Throttled(_) => "it asks to come back later".to_owned(),
        error => format!("{error:?}"),
    };
    failure("10", format!("The feed was not read: {said}."))
}

pub fn report(counts: Vec<jobs::Count>, steps: Vec<jobs::Step>) -> jobs::Report {
    jobs::Report { counts, warnings: Vec::new(), steps }
}

fn property(name: &str, summary: &str, kind: Kind, default: Value) -> PropertyInfo {
    let (name, title, summary, default) = (name.into(), name.replace('-', " "), summary.into(), Some(default));
    PropertyInfo { name, title, summary, kind, default, required: false, what_if: false }
}

fn job(name: &str, summary: &str) -> JobInfo {
    let (name, process, summary) = (name.into(), format!("[Punch Feed] Worker Status - {name}"), summary.into());
    JobInfo { name, process, summary, schedulable: true, interval_property: None, options: Vec::new() }
}

/// The key is a header of every call: the platform holds it and sends it, and the extension never sees it.
fn feed() -> Connection {
    let address = AddressRule { strip: None, domain: None, short_endings: Vec::new() };
    let (name, title, summary) = ("api-key".into(), "API key".into(), "From the owner of the feed.".into());
    let settings = vec![Setting { name, title, summary, secret: true, required: true, scheme: None, default: None }];
    let headers = vec![Parameter { name: "x-api-key".into(), value: Source::Setting("api-key".into()) }];
    let (name, title, schemes) = ("feed".into(), "The feed of punches".into(), Vec::new());
    Connection { name, title, address, settings, schemes, headers, request_id_header: None, in_flight: 1 }
}

impl pack::Guest for crate::PunchFeed {
    fn describe() -> pack::Description {
        let (process, summary) = ("[Punch Feed] Worker Status - listener".into(), "Any event is a reason to read the feed.".into());
        let error = |[number, title, remedy]: [String; 3]| ErrorInfo { number, title: title.clone(), message: title + ".", remedy };
        pack::Description {
            title: "Punch feed".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Knows who is clocked in from a JSON feed of punches.".into(),
            connections: vec![feed()],
            properties: vec![
                property("path", "The path of the feed, below the url.", Kind::Text, Value::Text("/punches".into())),
                property("freshness-minutes", "How long a record is good for.", Kind::Number((1, 10_080)), Value::Number(60)),
            ],
            jobs: vec![job("test-connection", "Reads one page of the feed."), job("batch", "Reads the feed and stores it.")],
            listener: Some(ListenerInfo { process, code_prefix: "FEED-".into(), summary, fields: Vec::new() }),
            surfaces: Vec::new(),
            code_prefix: "FEED-".into(),
            errors: ERRORS.map(|row| error(row.map(str::to_owned))).into(),
            alert_property: None,
        }
    }

    /// What the description says of the values, the platform has checked: here is what it cannot know.
    fn check(given: Vec<pack::Property>) -> Vec<pack::Problem> {
        let wrong = given.into_iter().filter(|property| matches!(&property.value, Value::Text(path) if !path.starts_with('/')));
        let (severity, message, remedy) = (pack::Severity::Error, "is no path".to_owned(), "begin it with /".to_owned());
        let problem = |key| pack::Problem { severity, key, code: None, message: message.clone(), remedy: remedy.clone() };
        wrong.map(|property| problem(property.name)).collect()
    }
}
