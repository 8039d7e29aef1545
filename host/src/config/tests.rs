//! The configuration file, against a made-up pack. The whole folder of bad files is a test of the whole system.

use std::path::PathBuf;

use chrono::{NaiveTime, Weekday};
use secrecy::ExposeSecret;
use tempfile::TempDir;

mod listener;

use super::*;
use crate::description::{
    self, AddressRule, Connection, Description, Encoding, JobInfo, Kind, ListenerInfo, Parameter, PropertyInfo, PropertyValue, Scheme,
    Setting, Source,
};
use crate::limits::Limits;

fn setting(name: &str, secret: bool, required: bool) -> Setting {
    Setting { name: name.to_owned(), secret, required, summary: "Ask for it.".to_owned(), ..Setting::default() }
}

fn scheme(name: &str, token: Source) -> Scheme {
    Scheme {
        name: name.to_owned(),
        summary: String::new(),
        token,
        encoding: Encoding::Form,
        parameters: vec![Parameter { name: "realm".to_owned(), value: Source::Setting("realm".to_owned()) }],
        headers: Vec::new(),
        basic: None,
        busy_code: None,
    }
}

fn property(name: &str, kind: Kind, default: Option<PropertyValue>) -> PropertyInfo {
    PropertyInfo { name: name.to_owned(), title: String::new(), summary: String::new(), kind, default, required: false, what_if: false }
}

fn pack() -> Description {
    let only_modern = |setting: Setting| Setting { scheme: Some("modern".to_owned()), ..setting };
    Description {
        connections: vec![Connection {
            name: "alpha".to_owned(),
            address: AddressRule {
                strip: Some("-sso".to_owned()),
                domain: Some("alpha.example".to_owned()),
                short_endings: vec!["prd".to_owned()],
            },
            settings: vec![
                setting("client-id", false, true),
                setting("password", true, true),
                setting("app-key", true, false),
                only_modern(setting("token-url", false, true)),
                only_modern(Setting { default: Some("all".to_owned()), ..setting("realm", false, false) }),
            ],
            schemes: vec![
                scheme("classic", Source::Literal("/token".to_owned())),
                scheme("modern", Source::Setting("token-url".to_owned())),
            ],
            in_flight: 4,
            ..Connection::default()
        }],
        properties: vec![
            property("names", Kind::Items, None),
            property("minutes", Kind::Number(5, 60), Some(PropertyValue::Number(30))),
            property("open", Kind::Switch, Some(PropertyValue::Switch(false))),
            property("mail", Kind::Text, Some(PropertyValue::Text(String::new()))),
            property("source", Kind::Choice(vec!["a".to_owned(), "b".to_owned()]), None),
            property("rows", Kind::Table, None),
        ],
        jobs: vec![
            JobInfo { name: "sweep".to_owned(), schedulable: true, ..JobInfo::default() },
            JobInfo { name: "probe".to_owned(), ..JobInfo::default() },
        ],
        listener: Some(ListenerInfo::default()),
        ..Description::default()
    }
}

const HEAD: &str = "[tenants.acme]\nenvironment = \"TEST\"\n";
const ALPHA: &str =
    "[tenants.acme.connections.alpha]\nurl = \"https://acme.prd.alpha.example\"\nclient-id = \"me\"\npassword = { env = \"PW\" }\n";

fn env(name: &str) -> Option<String> {
    match name {
        "PW" => Some("hush-hush".to_owned()),
        "BLANK" => Some("  ".to_owned()),
        "LINES" => Some("hush-hush\nhush".to_owned()),
        _ => None,
    }
}

/// A folder with a configuration file in it.
struct File(TempDir, PathBuf);

impl File {
    fn of(bytes: impl AsRef<[u8]>) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("conf.toml");
        fs::write(&path, bytes).unwrap();
        Self(folder, path)
    }

    fn read(&self) -> (RawConfig, Vec<Problem>) {
        Config::read(&self.1, &env)
    }

    /// Both stages for the tenant `acme`.
    fn resolve(&self) -> (Tenant, Vec<Problem>) {
        let (config, mut problems) = self.read();
        let Some(raw) = config.tenants.get("acme") else { return (Tenant::default(), problems) };
        let (tenant, found) = raw.resolve(&pack(), &env);
        problems.extend(found);
        (tenant, problems)
    }
}

/// Each problem on one line: weight, line, key and message.
fn told(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|p| format!("{} {} {}: {}", p.severity, p.line.unwrap_or(0), p.key, p.message)).collect()
}

fn resolved(text: &str) -> (Tenant, Vec<String>) {
    let (tenant, problems) = File::of(text).resolve();
    (tenant, told(&problems))
}

#[test]
fn a_small_file_is_enough() {
    let file = File::of(format!("{HEAD}{ALPHA}"));
    let (config, problems) = file.read();
    assert_eq!(told(&problems), Vec::<String>::new());
    assert_eq!(config.host.listen.to_string(), "127.0.0.1:8480");
    let StorageConfig::Sqlite(path) = &config.host.storage;
    assert_eq!(path.parent(), Some(file.0.path()));
    let (tenant, problems) = file.resolve();
    assert_eq!(told(&problems), Vec::<String>::new());
    let alpha = &tenant.connections["alpha"];
    assert_eq!(alpha.url.as_str(), "https://acme.prd.alpha.example/");
    assert_eq!((alpha.settings["password"].expose(), alpha.scheme.as_ref().unwrap().name.as_str()), ("hush-hush", "classic"));
    assert_eq!((alpha.in_flight, alpha.timeout.as_secs()), (4, 60));
    assert_eq!(tenant.property("minutes"), Some(&PropertyValue::Number(30)));
    assert_eq!(tenant.property("names"), None);
}

#[test]
fn a_full_file_is_read_whole() {
    let text = format!(
        r#"
[host]
listen = "0.0.0.0:80"
storage = "sqlite://data/records.db"
[smtp]
host = "mail.acme.example"
tls = "implicit"
sender = "Access <access@acme.example>"
username = "mailer"
password = {{ file = "pw" }}
{HEAD}component = "other.wasm"
[tenants.acme.connections.alpha]
url = "acme-sso.prd"
authentication = "modern"
token-url = "https://login.example/oauth/token"
client-id = "me"
password = {{ file = "pw" }}
app-key = ""
timeout-seconds = 300
in-flight = 2
[tenants.acme.properties]
names = "a\\, b, c"
minutes = 10
open = true
mail = "ops@acme.example"
source = "b"
rows = {{ "2" = "x", "1" = "y" }}
[[tenants.acme.schedules]]
job = "sweep"
days = ["fri", "MON"]
times = ["13:45", "05:45"]
zone = "America/New_York"
[[tenants.acme.schedules]]
job = "sweep"
every-minutes = 15
[tenants.acme.listener]
signature = {{ header = "X-Signature", algorithm = "hmac-sha256", secret = {{ env = "PW" }} }}
"#
    );
    let file = File::of(text);
    fs::write(file.0.path().join("pw"), "from a file\r\n").unwrap();
    let (config, _) = file.read();
    assert_eq!(config.host.storage, StorageConfig::Sqlite(file.0.path().join("data/records.db")));
    let smtp = config.smtp.as_ref().unwrap();
    assert_eq!((smtp.port, smtp.tls, smtp.login.as_ref().unwrap().1.expose_secret()), (465, SmtpTls::Implicit, "from a file"));

    let (tenant, problems) = file.resolve();
    assert_eq!(told(&problems), ["note 15 tenants.acme.connections.alpha.url: is read as https://acme.prd.alpha.example"]);
    assert_eq!(tenant.component, Some(ComponentSource::File(file.0.path().join("other.wasm"), None)));
    let alpha = &tenant.connections["alpha"];
    assert_eq!((alpha.in_flight, alpha.timeout.as_secs()), (2, 300));
    assert_eq!(alpha.settings.keys().collect::<Vec<_>>(), ["client-id", "password", "realm", "token-url"]);
    let texts = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    assert_eq!(tenant.property("names"), Some(&PropertyValue::Items(texts(&["a, b", "c"]))));
    let rows = vec![("1".to_owned(), "y".to_owned()), ("2".to_owned(), "x".to_owned())];
    assert_eq!(tenant.property("rows"), Some(&PropertyValue::Table(rows)));
    let at = |hour| NaiveTime::from_hms_opt(hour, 45, 0).unwrap();
    assert_eq!(tenant.schedules[0].days, [Weekday::Mon, Weekday::Fri]);
    assert_eq!(tenant.schedules[0].cadence, Cadence::Times(vec![at(5), at(13)]));
    assert_eq!((tenant.schedules[1].days.len(), &tenant.schedules[1].cadence), (7, &Cadence::EveryMinutes(15)));
    let Some(Proof::Signature(signature)) = tenant.listener.map(|listener| listener.proof) else { panic!("no signature") };
    assert_eq!(signature.secrets.iter().map(ExposeSecret::expose_secret).collect::<Vec<_>>(), ["hush-hush"]);
}

#[test]
fn all_problems_come_at_once() {
    let (_, told) = resolved(&format!(
        "[hosts]\n[host]\nlisten = 1\n{HEAD}connection = 1\n[tenants.acme.connections.alpha]\nurl = \"http://x.example\"\nclient-ids = \"a\"\n\
         [tenants.acme.connections.beta]\n[tenants.acme.properties]\nnames = 1\nminute = 5\nopen = \"yes\"\n"
    ));
    assert_eq!(
        told,
        [
            "error 1 hosts: unknown key",
            "error 3 host.listen: is a number, not a text",
            "error 6 tenants.acme.connection: unknown key",
            "error 7 tenants.acme.connections.alpha.client-id: is missing",
            "error 7 tenants.acme.connections.alpha.password: is missing",
            "error 8 tenants.acme.connections.alpha.url: `http://x.example` uses http: to x.example, where everybody on the way can read the credentials",
            "error 9 tenants.acme.connections.alpha.client-ids: unknown setting",
            "error 10 tenants.acme.connections.beta: unknown connection",
            "error 12 tenants.acme.properties.names: is a number, not a text or a list",
            "error 13 tenants.acme.properties.minute: unknown property",
            "error 14 tenants.acme.properties.open: is a text, not true or false",
        ]
    );
}

#[test]
fn a_secret_that_is_not_there_is_named() {
    for (secret, message) in [
        ("{ env = \"NONE\" }", "error 6 tenants.acme.connections.alpha.password: the environment variable NONE is not set"),
        ("{ env = \"BLANK\" }", "error 6 tenants.acme.connections.alpha.password: the environment variable BLANK is empty"),
        ("\"\"", "error 6 tenants.acme.connections.alpha.password: the secret is empty"),
        ("{ env = \"PW\", file = \"x\" }", "error 6 tenants.acme.connections.alpha.password: names both a variable and a file"),
        ("{}", "error 6 tenants.acme.connections.alpha.password: names neither a variable nor a file"),
        ("12", "error 6 tenants.acme.connections.alpha.password: is a number, not a secret"),
        ("\"plain-pw\"", "warning 6 tenants.acme.connections.alpha.password: the secret stands in the configuration in plain text"),
    ] {
        let (_, told) = resolved(&format!("{HEAD}{}", ALPHA.replace("{ env = \"PW\" }", secret)));
        assert_eq!(told, [message]);
    }
    let (_, told) = resolved(&format!("{HEAD}{}", ALPHA.replace("{ env = \"PW\" }", "{ file = \"none\" }")));
    assert!(told[0].contains("the file none cannot be read"), "{told:?}");
}

#[test]
fn a_secret_typed_as_the_name_of_a_variable_is_not_shown() {
    for name in ["hunter2 secret", "hunter2-secret", "7hunter2", "hunter2!", "hunter2ß"] {
        let text = format!("{HEAD}{}", ALPHA.replace("\"PW\"", &format!("{name:?}")));
        let (_, problems) = File::of(text).resolve();
        assert_eq!(
            told(&problems),
            ["error 6 tenants.acme.connections.alpha.password: what stands after env is not the name of a variable"]
        );
        assert!(!problems[0].to_string().contains("hunter2"), "{}", problems[0]);
    }
}

#[test]
fn a_value_of_more_than_one_line_is_refused() {
    let wrong =
        |line: u8, key: &str| format!("error {line} tenants.acme.connections.alpha.{key}: holds a line break or another control character");
    for secret in ["\"\"\"hush-hush\nhush\"\"\"", "\"hush-hush\\n\"", "\"hush\\thush\"", "{ env = \"LINES\" }"] {
        let (tenant, told) = resolved(&format!("{HEAD}{}", ALPHA.replace("{ env = \"PW\" }", secret)));
        assert!(told.contains(&wrong(6, "password")), "{secret}: {told:?}");
        assert!(!tenant.connections["alpha"].settings.contains_key("password"));
    }
    for name in ["\"me\\u0000you\"", "{ env = \"LINES\" }"] {
        let (_, told) = resolved(&format!("{HEAD}{}", ALPHA.replace("\"me\"", name)));
        assert_eq!(told, [wrong(5, "client-id")]);
    }
    for (content, good) in
        [("hush-hush\n", true), ("hush-hush\r\n", true), ("hush-hush", true), ("hush-hush\n\n", false), ("hush\nhush\n", false)]
    {
        let file = File::of(format!("{HEAD}{}", ALPHA.replace("{ env = \"PW\" }", "{ file = \"pw\" }")));
        fs::write(file.0.path().join("pw"), content).unwrap();
        let (tenant, problems) = file.resolve();
        assert_eq!(problems.is_empty(), good, "{content:?}: {:?}", told(&problems));
        assert_eq!(tenant.connections["alpha"].settings.get("password").map(SettingValue::expose), good.then_some("hush-hush"));
    }
}

#[test]
fn a_short_secret_is_warned_of() {
    for (secret, warnings) in [("{ file = \"pw\" }", 1), ("\"1234567\"", 2), ("\"12345678\"", 1)] {
        let file = File::of(format!("{HEAD}{}", ALPHA.replace("{ env = \"PW\" }", secret)));
        fs::write(file.0.path().join("pw"), "2026\n").unwrap();
        let (tenant, problems) = file.resolve();
        assert!(problems.len() == warnings && !problems.iter().any(Problem::is_error), "{secret}: {:?}", told(&problems));
        let short = "warning 6 tenants.acme.connections.alpha.password: the secret has fewer than 8 characters".to_owned();
        assert_eq!(told(&problems).contains(&short), secret != "\"12345678\"", "{secret}");
        assert!(tenant.connections["alpha"].settings.contains_key("password"));
    }
}

#[test]
fn days_and_times_without_a_zone_are_warned_of() {
    for (keys, meant) in [
        ("times = [\"05:45\"]", Some("its times are")),
        ("days = [\"sat\"]\ntimes = [\"05:45\"]", Some("its days and times are")),
        ("days = [\"sat\"]\nevery-minutes = 30", Some("its days begin and end")),
        ("every-minutes = 30", None),
        ("days = [\"sat\"]\nevery-minutes = 30\nzone = \"UTC\"", None),
    ] {
        let (tenant, told) = resolved(&format!("{HEAD}{ALPHA}[[tenants.acme.schedules]]\njob = \"sweep\"\n{keys}\n"));
        let wanted = meant.map(|meant| format!("warning 7 tenants.acme.schedules[1]: names no zone, so {meant} in UTC"));
        assert_eq!(told, Vec::from_iter(wanted), "{keys}");
        assert_eq!(tenant.schedules.len(), 1);
    }
}

#[test]
fn settings_of_another_scheme_are_of_no_use() {
    let (_, told) = resolved(&format!("{HEAD}{ALPHA}realm = \"acme\"\n"));
    assert_eq!(told, ["warning 7 tenants.acme.connections.alpha.realm: is not used with authentication = \"classic\""]);
    let (_, told) = resolved(&format!("{HEAD}{ALPHA}authentication = \"modern\"\n"));
    assert_eq!(told, ["error 3 tenants.acme.connections.alpha.token-url: is missing"]);
    let (_, told) = resolved(&format!("{HEAD}{ALPHA}authentication = \"x\"\nzzz = 1\n"));
    assert_eq!(
        told,
        [
            "error 7 tenants.acme.connections.alpha.authentication: `x` is no way to log in here",
            "error 8 tenants.acme.connections.alpha.zzz: unknown setting"
        ]
    );
    for address in ["http://login.example/t", "https://me:pw@login.example/t", "login"] {
        let (_, told) = resolved(&format!("{HEAD}{ALPHA}authentication = \"modern\"\ntoken-url = \"{address}\"\n"));
        assert_eq!(told.len(), usize::from(address != "login"), "{told:?}");
        assert!(!told.iter().any(|told| told.contains("pw@")), "{told:?}");
    }
}

#[test]
fn what_is_no_text_is_told_with_its_place() {
    let (_, problems) = File::of(b"\xff\xfe[\0h\0").read();
    assert_eq!(told(&problems), ["error 1 : the file is UTF-16"]);
    let (_, problems) = File::of(b"[host]\nlisten = \"\xff\"\n").read();
    assert_eq!((problems[0].line, problems[0].column, problems[0].message.as_str()), (Some(2), Some(11), "the file is not UTF-8"));
    let (_, problems) = File::of(format!("\u{feff}{HEAD}{ALPHA}")).read();
    assert_eq!(told(&problems), Vec::<String>::new());
}

#[test]
fn bad_toml_is_told_line_by_line_and_shows_no_value() {
    let (config, problems) = File::of("[host]\nlisten = 127.0.0.1:8480\n[smtp]\npassword = \"hush-hush\nsender = hush-hush\n").read();
    assert!(config.tenants.is_empty());
    let places: Vec<_> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(places, [Some(2), Some(4), Some(5)]);
    assert!(problems.iter().all(Problem::is_error));
    let text: String = problems.iter().map(ToString::to_string).collect();
    assert!(text.contains("the line begins `password = …`") && !text.contains("hush"), "{text}");
}

#[test]
fn a_missing_file_is_told_as_it_was_named() {
    let (_, problems) = Config::read(Path::new("no/such.toml"), &env);
    assert!(problems[0].to_string().starts_with("error: no/such.toml: the configuration cannot be read: "), "{}", problems[0]);
}

#[test]
fn no_debug_form_shows_a_secret() {
    let text = format!(
        "[host]\nstorage = \"postgres://me:hush-hush@db/x\"\n[smtp]\nhost = \"::1\"\nsender = \"a@b.example\"\nusername = \"u\"\npassword = \"hush-hush\"\n\
         {HEAD}{ALPHA}[tenants.acme.listener]\nsignature = {{ header = \"X\", algorithm = \"hmac-sha256\", secret = {{ env = \"PW\" }} }}\n"
    );
    let file = File::of(text);
    let (config, problems) = file.read();
    let (tenant, more) = file.resolve();
    assert!(!format!("{config:?}{problems:?}{tenant:?}{more:?}").contains("hush"));
    assert!(config.smtp.is_some() && !tenant.connections.is_empty() && tenant.listener.is_some());
}

#[test]
fn a_problem_prints_on_two_lines() {
    let (tenant, _) = File::of(format!("{HEAD}{ALPHA}[tenants.acme.properties]\nopen = true\nminutes = 4\n")).resolve();
    let found = |key: &str| description::Problem {
        severity: description::Severity::Error,
        key: key.to_owned(),
        code: Some("AB-CD02".to_owned()),
        message: "4 is below 5".to_owned(),
        remedy: "write a number from 5 to 60".to_owned(),
    };
    let problem = Problem::from_pack(&tenant, found("minutes"));
    let file = problem.file.clone().unwrap();
    assert_eq!(
        problem.to_string(),
        format!("error AB-CD02: {}:9: tenants.acme.properties.minutes: 4 is below 5\n  write a number from 5 to 60", file.display())
    );
    assert_eq!(Problem::from_pack(&tenant, found("names")).line, Some(7));
    let mut problems = vec![problem];
    Problem::add_from_pack(&mut problems, &tenant, [found("minutes"), found("names")]);
    assert_eq!(problems.len(), 2);
    for (typed, left) in [("names = [1, 2]", 2), ("names = 1", 2), ("rows = { \"a\" = 1 }", 2), ("namess = 1", 3)] {
        let (tenant, mut problems) = File::of(format!("{HEAD}{ALPHA}[tenants.acme.properties]\n{typed}\n")).resolve();
        problems.retain(Problem::is_error);
        let before = problems.len();
        Problem::add_from_pack(&mut problems, &tenant, [found("names"), found("name"), found("rows")]);
        assert_eq!(problems.len() - before, left, "{typed}");
    }
    let (tenant, mut problems) = File::of(format!("{HEAD}properties = 1\n{ALPHA}")).resolve();
    Problem::add_from_pack(&mut problems, &tenant, [found("names")]);
    assert_eq!(told(&problems), ["error 3 tenants.acme.properties: is a number, not a table"]);
    let coded = Tenant { name: "acme".to_owned(), ..Tenant::default() };
    assert!(Problem::from_pack(&coded, found("minutes")).to_string().starts_with("error AB-CD02: tenants.acme.properties.minutes: 4"));
}

#[test]
fn a_pack_without_listener_wants_no_table() {
    let text = format!(
        "{HEAD}{ALPHA}[tenants.acme.listener]\nsignature = {{ header = \"X\", algorithm = \"hmac-sha256\", secret = {{ env = \"PW\" }} }}\n"
    );
    let (config, _) = File::of(text).read();
    let (_, problems) = config.tenants["acme"].resolve(&Description { listener: None, ..pack() }, &env);
    assert_eq!(told(&problems), ["error 7 tenants.acme.listener: the pack has no listener"]);
}

#[test]
fn names_of_tenants_are_checked() {
    for (name, good) in [("acme-2_x", true), ("\"a b\"", false), ("\"a/b\"", false), ("\"\"", false)] {
        let (_, problems) = File::of(format!("[tenants.{name}]\nenvironment = \"TEST\"\n")).read();
        assert_eq!(problems.is_empty(), good, "{name}: {:?}", told(&problems));
    }
}

#[test]
fn limits_of_the_host_hold_unless_the_tenant_or_the_entry_point_says_otherwise() {
    let limits = "[host.limits]\nmemory-mib = 100\nkeys = 7\ncpu-seconds = 5\n[host.limits.jobs]\nmemory-mib = 200\nwall-seconds = 60\n";
    let own = "[tenants.acme.limits]\ncpu-seconds = 6\nanswer-mib = 64\nmail-domains = [\"a.example\"]\n[tenants.acme.limits.questions]\nmemory-mib = 50\n";
    let (config, problems) = File::of(format!("{limits}{HEAD}{ALPHA}{own}[tenants.other]\nenvironment = \"TEST\"\n")).read();
    assert_eq!(told(&problems), Vec::<String>::new());
    let of = |name: &str| config.tenants[name].limits.clone();
    let memory = |limits: &Limits| [limits.jobs.memory_mib, limits.listener.memory_mib, limits.questions.memory_mib];
    assert_eq!([memory(&of("acme")), memory(&of("other"))], [[200, 100, 50], [200, 100, 100]]);
    assert_eq!([of("acme").jobs.cpu_seconds, of("other").jobs.cpu_seconds], [6, 5]);
    assert_eq!([of("acme").keys, of("other").keys], [7, 7]);
    assert_eq!((of("acme").jobs.wall_seconds, of("acme").listener.wall_seconds), (Some(60), None));
    assert_eq!((of("acme").mail_domains, of("other").mail_domains), (Some(vec!["a.example".to_owned()]), None));
    assert_eq!(of("other").questions.requests, Limits::default().questions.requests);
    let (tenant, _) = config.tenants["acme"].resolve(&pack(), &env);
    assert_eq!(tenant.connections["alpha"].max_response_bytes, 64 << 20);
}
