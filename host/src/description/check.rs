//! Whether a description holds together: what an author would otherwise find out from a tenant who cannot be configured.
//!
//! It checks form and references only. What the words mean is the pack's.

use std::collections::BTreeSet;

use super::{Connection, Description, JobInfo, Kind, Parameter, PropertyInfo, PropertyValue, Scheme, Source};

/// Keys of a connection that are the platform's own.
const RESERVED_SETTINGS: [&str; 4] = ["url", "authentication", "timeout-seconds", "in-flight"];

/// Names under which the history keeps what is no job.
const RESERVED_JOBS: [&str; 2] = ["listener", "look-up"];

/// Everything that is wrong with a description, each fault a sentence that names the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its description is wrong: {}", .0.join("; "))]
pub struct DescriptionError(pub Vec<String>);

impl Description {
    /// Whether names are there and none twice, references lead somewhere, and defaults are values that may be given.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn check(&self) -> Result<(), DescriptionError> {
        let mut faults = Faults(Vec::new());
        faults.texts(&[("title", &self.title), ("version", &self.version)]);
        faults.prefix("code-prefix", &self.code_prefix);
        faults.names("connection", self.connections.iter().map(|known| known.name.as_str()));
        self.connections.iter().for_each(|known| connection(known, &mut faults));
        properties("property", &self.properties, &mut faults);
        faults.names("job", self.jobs.iter().map(|known| known.name.as_str()));
        self.jobs.iter().for_each(|known| job(known, &self.properties, &mut faults));
        faults.names("surface", self.surfaces.iter().map(|known| known.name.as_str()));
        if let Some(listener) = &self.listener {
            faults.texts(&[("the listener's process", &listener.process)]);
            faults.prefix("the listener's code-prefix", &listener.code_prefix);
            faults.names("event field", listener.fields.iter().map(|known| known.name.as_str()));
        }
        faults.names("error", self.errors.iter().map(|known| known.number.as_str()));
        for error in &self.errors {
            let two_digits = error.number.len() == 2 && error.number.bytes().all(|byte| byte.is_ascii_digit());
            faults.unless(two_digits, || format!("the error {:?} has no number of two digits", error.number));
        }
        if let Some(name) = &self.alert_property {
            let text = self.properties.iter().any(|known| known.name == *name && known.kind == Kind::Text);
            faults.unless(text, || format!("alert-property names {name:?}, which is no property of the kind text"));
        }
        if faults.0.is_empty() { Ok(()) } else { Err(DescriptionError(faults.0)) }
    }
}

/// What was found so far.
struct Faults(Vec<String>);

impl Faults {
    fn unless(&mut self, good: bool, fault: impl FnOnce() -> String) {
        if !good {
            self.0.push(fault());
        }
    }

    fn texts(&mut self, texts: &[(&str, &str)]) {
        for (what, text) in texts {
            self.unless(!text.trim().is_empty(), || format!("{what} is empty"));
        }
    }

    /// A code is one word: it is searched for, and stands in tables.
    fn prefix(&mut self, what: &str, prefix: &str) {
        let good = prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        self.texts(&[(what, prefix)]);
        self.unless(good, || format!("{what} {prefix:?} has other signs than letters, digits and `-`"));
    }

    /// Names stand in configurations, commands and addresses.
    fn names<'a>(&mut self, what: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for name in names {
            let good = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            self.unless(good, || format!("the {what} {name:?} has a name with other signs than letters, digits, `-`, `_` and `.`"));
            self.unless(seen.insert(name), || format!("the {what} {name:?} is described twice"));
        }
    }
}

fn connection(info: &Connection, faults: &mut Faults) {
    let within = format!("connection {:?}", info.name);
    faults.names(&format!("setting of {within}"), info.settings.iter().map(|known| known.name.as_str()));
    faults.names(&format!("scheme of {within}"), info.schemes.iter().map(|known| known.name.as_str()));
    for setting in &info.settings {
        let name = &setting.name;
        faults.unless(!RESERVED_SETTINGS.contains(&name.as_str()), || {
            format!("{within} has a setting {name:?}, which is the platform's own")
        });
        if let Some(only) = &setting.scheme {
            let known = info.schemes.iter().any(|scheme| scheme.name == *only);
            faults.unless(known, || format!("the setting {name:?} of {within} is for the scheme {only:?}, which it does not have"));
        }
    }
    sources(info, &info.headers, &format!("a header of {within}"), faults);
    info.schemes.iter().for_each(|known| scheme(info, known, &within, faults));
}

fn scheme(info: &Connection, scheme: &Scheme, within: &str, faults: &mut Faults) {
    let within = format!("the scheme {:?} of {within}", scheme.name);
    match &scheme.token {
        Source::Literal(path) => {
            faults.unless(path.starts_with('/'), || format!("{within} has the token path {path:?}, which begins without /"))
        }
        Source::Setting(name) => setting(info, name, &format!("the token address of {within}"), faults),
    }
    sources(info, &scheme.parameters, &format!("a parameter of {within}"), faults);
    sources(info, &scheme.headers, &format!("a header of {within}"), faults);
    if let Some((name, password)) = &scheme.basic {
        [name, password].iter().for_each(|name| setting(info, name, &format!("the basic login of {within}"), faults));
    }
}

fn sources(info: &Connection, parameters: &[Parameter], what: &str, faults: &mut Faults) {
    for parameter in parameters {
        faults.texts(&[(&format!("the name of {what}"), &parameter.name)]);
        if let Source::Setting(name) = &parameter.value {
            setting(info, name, &format!("{what}, {:?},", parameter.name), faults);
        }
    }
}

fn setting(info: &Connection, name: &str, what: &str, faults: &mut Faults) {
    let known = info.settings.iter().any(|setting| setting.name == name);
    faults.unless(known, || format!("{what} is taken from the setting {name:?}, which is not described"));
}

fn properties(what: &str, infos: &[PropertyInfo], faults: &mut Faults) {
    faults.names(what, infos.iter().map(|known| known.name.as_str()));
    for info in infos {
        let within = format!("the {what} {:?}", info.name);
        match &info.kind {
            Kind::Number(least, most) => faults.unless(least <= most, || format!("{within} has bounds from {least} to {most}")),
            Kind::Choice(choices) => faults.unless(!choices.is_empty(), || format!("{within} has no choices")),
            Kind::Text | Kind::Switch | Kind::Items | Kind::Table => {}
        }
        if let Some(default) = &info.default {
            faults.unless(is_of(&info.kind, default), || format!("{within} has a default that may not be given"));
        }
    }
}

/// Whether a value is of this kind and within its bounds.
fn is_of(kind: &Kind, value: &PropertyValue) -> bool {
    match (kind, value) {
        (Kind::Number(least, most), PropertyValue::Number(number)) => (least..=most).contains(&number),
        (Kind::Choice(choices), PropertyValue::Text(text)) => choices.contains(text),
        (Kind::Text, PropertyValue::Text(_))
        | (Kind::Switch, PropertyValue::Switch(_))
        | (Kind::Items, PropertyValue::Items(_))
        | (Kind::Table, PropertyValue::Table(_)) => true,
        _ => false,
    }
}

fn job(info: &JobInfo, known: &[PropertyInfo], faults: &mut Faults) {
    let within = format!("the job {:?}", info.name);
    faults.unless(!RESERVED_JOBS.contains(&info.name.as_str()), || format!("{within} has a name that is the platform's own"));
    faults.texts(&[(&format!("the process of {within}"), &info.process)]);
    properties(&format!("option of {within},"), &info.options, faults);
    if let Some(name) = &info.interval_property {
        let number = known.iter().any(|known| known.name == *name && matches!(known.kind, Kind::Number(least, _) if least > 0));
        faults.unless(number, || format!("{within} has the interval {name:?}, which is no property of the kind number from 1 on"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::{Encoding, ErrorInfo, EventField, ListenerInfo, Setting, Surface};

    fn number(name: &str, default: i64) -> PropertyInfo {
        PropertyInfo {
            name: name.to_owned(),
            title: String::new(),
            summary: String::new(),
            kind: Kind::Number(1, 60),
            default: Some(PropertyValue::Number(default)),
            required: false,
            what_if: false,
        }
    }

    fn good() -> Description {
        let secret = Setting { name: "key".to_owned(), secret: true, ..Setting::default() };
        let header = Parameter { name: "x-key".to_owned(), value: Source::Setting("key".to_owned()) };
        let scheme = Scheme {
            name: "plain".to_owned(),
            summary: String::new(),
            token: Source::Literal("/token".to_owned()),
            encoding: Encoding::Form,
            parameters: vec![header.clone()],
            headers: Vec::new(),
            basic: Some(("key".to_owned(), "key".to_owned())),
            busy_code: None,
        };
        let feed = Connection {
            name: "feed".to_owned(),
            settings: vec![secret],
            schemes: vec![scheme],
            headers: vec![header],
            ..Connection::default()
        };
        let text = PropertyInfo { kind: Kind::Text, default: None, ..number("mail", 1) };
        let interval_property = Some("minutes".to_owned());
        let read = JobInfo { name: "read".to_owned(), process: "Read".to_owned(), interval_property, ..JobInfo::default() };
        Description {
            title: "Good".to_owned(),
            version: "1".to_owned(),
            connections: vec![feed],
            properties: vec![number("minutes", 5), text],
            jobs: vec![read],
            listener: Some(ListenerInfo { process: "Listen".to_owned(), code_prefix: "G-".to_owned(), ..ListenerInfo::default() }),
            code_prefix: "G-".to_owned(),
            errors: vec![ErrorInfo { number: "30".to_owned(), ..ErrorInfo::default() }],
            alert_property: Some("mail".to_owned()),
            ..Description::default()
        }
    }

    /// Whether breaking a good description in this way is told so, and nothing else is.
    fn told(break_it: impl FnOnce(&mut Description), fault: &str) {
        let mut description = good();
        break_it(&mut description);
        let error = description.check().expect_err(fault);
        assert_eq!(error.0, [fault]);
        assert!(error.to_string().starts_with("its description is wrong: "), "{error}");
    }

    #[test]
    fn a_good_one_passes() {
        assert_eq!(good().check(), Ok(()));
    }

    #[test]
    fn names_are_there_and_none_is_twice() {
        told(|d| d.title.clear(), "title is empty");
        told(|d| d.code_prefix.clear(), "code-prefix is empty");
        told(|d| d.code_prefix = "G 1".to_owned(), "code-prefix \"G 1\" has other signs than letters, digits and `-`");
        told(|d| d.listener.as_mut().unwrap().code_prefix.clear(), "the listener's code-prefix is empty");
        told(|d| d.connections.push(d.connections[0].clone()), "the connection \"feed\" is described twice");
        told(|d| d.properties.push(number("minutes", 5)), "the property \"minutes\" is described twice");
        told(|d| d.jobs.push(d.jobs[0].clone()), "the job \"read\" is described twice");
        told(|d| d.errors.push(d.errors[0].clone()), "the error \"30\" is described twice");
        told(|d| d.errors[0].number = "3".to_owned(), "the error \"3\" has no number of two digits");
        told(|d| d.jobs[0].process.clear(), "the process of the job \"read\" is empty");
        let surface = || Surface { name: "a b".to_owned(), title: String::new() };
        told(|d| d.surfaces.push(surface()), "the surface \"a b\" has a name with other signs than letters, digits, `-`, `_` and `.`");
        let field = || EventField { name: "at".to_owned(), ..EventField::default() };
        told(|d| d.listener.as_mut().unwrap().fields = vec![field(), field()], "the event field \"at\" is described twice");
        told(|d| d.jobs[0].options = vec![number("n", 1), number("n", 1)], "the option of the job \"read\", \"n\" is described twice");
    }

    #[test]
    fn what_is_the_platforms_own_is_not_described() {
        told(|d| d.jobs[0].name = "listener".to_owned(), "the job \"listener\" has a name that is the platform's own");
        let url = Setting { name: "url".to_owned(), ..Setting::default() };
        told(|d| d.connections[0].settings.push(url), "connection \"feed\" has a setting \"url\", which is the platform's own");
    }

    #[test]
    fn defaults_are_values_that_may_be_given() {
        told(|d| d.properties[0] = number("minutes", 61), "the property \"minutes\" has a default that may not be given");
        told(|d| d.properties[1].default = Some(PropertyValue::Number(1)), "the property \"mail\" has a default that may not be given");
        let choice = PropertyInfo { kind: Kind::Choice(Vec::new()), default: None, ..number("choice", 1) };
        told(|d| d.properties.push(choice.clone()), "the property \"choice\" has no choices");
        let backward = PropertyInfo { kind: Kind::Number(9, 1), default: None, ..number("n", 1) };
        told(|d| d.properties.push(backward.clone()), "the property \"n\" has bounds from 9 to 1");
    }

    #[test]
    fn what_is_referred_to_is_described() {
        let missing = || Source::Setting("no".to_owned());
        told(
            |d| d.connections[0].headers[0].value = missing(),
            "a header of connection \"feed\", \"x-key\", is taken from the setting \"no\", which is not described",
        );
        told(
            |d| d.connections[0].schemes[0].token = missing(),
            "the token address of the scheme \"plain\" of connection \"feed\" is taken from the setting \"no\", which is not described",
        );
        told(
            |d| d.connections[0].schemes[0].token = Source::Literal("token".to_owned()),
            "the scheme \"plain\" of connection \"feed\" has the token path \"token\", which begins without /",
        );
        told(
            |d| d.connections[0].schemes[0].basic = Some(("key".to_owned(), "no".to_owned())),
            "the basic login of the scheme \"plain\" of connection \"feed\" is taken from the setting \"no\", which is not described",
        );
        told(
            |d| d.connections[0].settings[0].scheme = Some("no".to_owned()),
            "the setting \"key\" of connection \"feed\" is for the scheme \"no\", which it does not have",
        );
        told(
            |d| d.jobs[0].interval_property = Some("mail".to_owned()),
            "the job \"read\" has the interval \"mail\", which is no property of the kind number from 1 on",
        );
        told(|d| d.alert_property = Some("minutes".to_owned()), "alert-property names \"minutes\", which is no property of the kind text");
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let error = Description::default().check().expect_err("nothing is there");
        assert_eq!(error.to_string(), "its description is wrong: title is empty; version is empty; code-prefix is empty");
    }
}
