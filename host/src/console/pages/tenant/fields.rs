//! The fields of a form that is drawn from a pack's description: what they are, how they look, and what was typed into them.
//!
//! A field is named by the path of its value. What a form does not hold is left as it is. A secret goes in and is never shown.

use maud::{Markup, html};
use secrecy::SecretString;

use super::problem_line;
use crate::config::{Problem as Found, clean_address, split};
use crate::console::form::Posted;
use crate::console::frame::said;
use crate::description::{AddressRule, Connection, Kind, PropertyInfo, PropertyValue, Setting};
use crate::managed::{Document, Edit, Path, SecretAt, Value, View};

/// After the name of a field: the names and the texts of a table, and that a secret is to go.
const NAME: &str = "#name";
const TEXT: &str = "#text";
const FORGET: &str = "#forget";
/// Rows of a table that are there to be filled in.
const EMPTY_ROWS: usize = 3;

/// One field.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) path: Path,
    title: String,
    summary: String,
    required: bool,
    input: Input,
    /// What holds where nothing is filled in, in words.
    default: Option<String>,
}

/// What is filled in.
#[derive(Debug, Clone)]
enum Input {
    Text,
    Address(AddressRule),
    Number(i64, i64),
    /// The values, and what each is called.
    Choice(Vec<(String, String)>),
    Switch,
    Items,
    Table,
    Secret,
}

/// What a form came to.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) edits: Vec<Edit>,
    /// What was done to what was typed, as sentences.
    pub(super) said: Vec<String>,
}

/// The fields of a connection, and those that hardly anybody needs.
pub(super) fn of_connection(info: &Connection) -> (Vec<Field>, Vec<Field>) {
    let path = |name: &str| Path::of(["connections", info.name.as_str(), name]);
    let field = |name: &str, title: &str, summary: &str, input| Field {
        path: path(name),
        title: title.to_owned(),
        summary: summary.to_owned(),
        required: false,
        input,
        default: None,
    };
    let address =
        field("url", "Host URL", "The address of the system, such as https://tenant.example.com.", Input::Address(info.address.clone()));
    let mut fields = vec![Field { required: true, ..address }];
    if info.schemes.len() > 1 {
        let ways = info.schemes.iter().map(|scheme| (scheme.name.clone(), format!("{}: {}", scheme.name, scheme.summary))).collect();
        let way = field("authentication", "Authentication", "How this host logs in there.", Input::Choice(ways));
        fields.push(Field { default: info.schemes.first().map(|scheme| scheme.name.clone()), ..way });
    }
    fields.extend(info.settings.iter().map(|setting| of_setting(setting, path(&setting.name))));
    let more = vec![
        Field {
            default: Some("60".to_owned()),
            ..field("timeout-seconds", "Time limit", "How many seconds one try may take.", Input::Number(1, 600))
        },
        Field {
            default: Some(info.in_flight.to_string()),
            ..field("in-flight", "Calls at once", "How many calls may be under way at the same time.", Input::Number(1, 64))
        },
        Field {
            default: Some("off".to_owned()),
            ..field("private-network", "Private network", "Whether the name may lead to an address in your own network.", Input::Switch)
        },
    ];
    (fields, more)
}

fn of_setting(setting: &Setting, path: Path) -> Field {
    let summary = match &setting.scheme {
        Some(scheme) => format!("{} Used with the authentication {scheme}.", setting.summary),
        None => setting.summary.clone(),
    };
    Field {
        path,
        title: titled(&setting.title, &setting.name),
        summary,
        required: setting.required && setting.default.is_none() && setting.scheme.is_none(),
        input: if setting.secret { Input::Secret } else { Input::Text },
        default: setting.default.clone().filter(|_| !setting.secret),
    }
}

/// The field of a property.
pub(super) fn of_property(info: &PropertyInfo) -> Field {
    let input = match &info.kind {
        Kind::Text => Input::Text,
        Kind::Number(least, most) => Input::Number(*least, *most),
        Kind::Switch => Input::Switch,
        Kind::Items => Input::Items,
        Kind::Table => Input::Table,
        Kind::Choice(choices) => Input::Choice(choices.iter().map(|choice| (choice.clone(), choice.clone())).collect()),
    };
    let default = info.default.as_ref().and_then(|default| match default {
        PropertyValue::Text(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        PropertyValue::Number(number) => Some(number.to_string()),
        PropertyValue::Switch(switch) => Some(if *switch { "on" } else { "off" }.to_owned()),
        PropertyValue::Items(items) => Some(items.join(", ")).filter(|text| !text.is_empty()),
        PropertyValue::Table(_) => None,
    });
    let path = Path::of(["properties", info.name.as_str()]);
    Field { path, title: titled(&info.title, &info.name), summary: info.summary.clone(), required: info.required, input, default }
}

fn titled(title: &str, name: &str) -> String {
    if title.trim().is_empty() { name.to_owned() } else { title.to_owned() }
}

impl Field {
    pub(super) fn name(&self) -> String {
        self.path.pointer()
    }

    fn id(&self) -> String {
        self.path.keys().join("-").replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_")
    }

    /// Whether a posted pair belongs to this field.
    pub(super) fn has(&self, posted: &str) -> bool {
        posted.strip_prefix(&self.name()).is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
    }

    pub(super) fn is_secret(&self) -> bool {
        matches!(self.input, Input::Secret)
    }

    /// Whether a problem is about this very value.
    pub(super) fn is_meant(&self, problem: &Found) -> bool {
        problem.key.strip_prefix(&self.path.to_string()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }

    /// What was typed, as far as it is another value than before.
    pub(super) fn read(&self, posted: &Posted, before: &Document, typed: &mut Typed) {
        let name = self.name();
        let given = |end: &str| -> Vec<&str> {
            posted.iter().filter(|(key, _)| key.strip_prefix(&*name) == Some(end)).map(|(_, text)| text.as_str()).collect()
        };
        let text = given("").first().map(|text| text.replace("\r\n", "\n").trim().to_owned());
        let wanted = match (&self.input, text) {
            (Input::Secret, text) => {
                match text {
                    Some(text) if !text.is_empty() => typed.edits.push(Edit::Secret(self.path.clone(), SecretString::from(text))),
                    _ if !given(FORGET).is_empty() => typed.edits.push(Edit::Remove(self.path.clone())),
                    _ => {}
                }
                return;
            }
            (Input::Table, _) if given(NAME).is_empty() => return,
            (Input::Table, _) => table(&given(NAME), &given(TEXT)),
            (_, None) => return,
            (_, Some(text)) if text.is_empty() => None,
            (Input::Address(rule), Some(text)) => Some(Value::Text(cleaned(&self.title, text, rule, typed))),
            // What is no number is told by the check, in its own words.
            (Input::Number(..), Some(text)) => Some(text.parse().map_or(Value::Text(text), Value::Number)),
            (Input::Switch, Some(text)) => Some(match text.as_str() {
                "on" => Value::Switch(true),
                "off" => Value::Switch(false),
                _ => Value::Text(text),
            }),
            (Input::Items, Some(text)) => Some(Value::List(items(&text).into_iter().map(Value::Text).collect())),
            (Input::Text | Input::Choice(_), Some(text)) => Some(Value::Text(text)),
        };
        let old = before.get(&self.path);
        let same = match (&self.input, old, &wanted) {
            (Input::Items, Some(old), Some(wanted)) => lines(old) == lines(wanted),
            (_, old, wanted) => old == wanted.as_ref(),
        };
        match wanted {
            _ if same => {}
            Some(value) => typed.edits.push(Edit::Set(self.path.clone(), value)),
            None => typed.edits.push(Edit::Remove(self.path.clone())),
        }
    }

    /// The field in a form, with what stands in it and what is wrong with that.
    pub(super) fn draw(&self, view: &View, problems: &[Found]) -> Markup {
        let (id, name) = (self.id(), self.name());
        let wrong: Vec<_> = problems.iter().filter(|problem| self.is_meant(problem)).collect();
        let bad = wrong.iter().any(|problem| problem.is_error()).then_some("true");
        let hint = format!("{id}-hint");
        html! {
            div .field {
                @match self.input {
                    Input::Table => p { strong { (said(&self.title)) } },
                    _ => label for=(id) { (said(&self.title)) @if self.required { " (required)" } }
                }
                @match &self.input {
                    Input::Secret => (self.secret(view, &id, &hint, bad)),
                    Input::Table => (self.rows(view, &id)),
                    Input::Items => textarea #(id) name=(name) rows="4" aria-describedby=(hint) aria-invalid=[bad] { (self.lines(view)) },
                    Input::Switch => (self.choice(view, &["on", "off"].map(|word| (word.to_owned(), word.to_owned())), &hint, bad)),
                    Input::Choice(choices) => (self.choice(view, choices, &hint, bad)),
                    Input::Number(least, most) => {
                        input #(id) name=(name) type="number" min=(least) max=(most) step="1" value=(self.plain(view))
                            placeholder=[self.default.as_deref()] aria-describedby=(hint) aria-invalid=[bad];
                    }
                    Input::Text | Input::Address(_) => {
                        input #(id) name=(name) value=(self.plain(view)) placeholder=[self.default.as_deref()] autocomplete="off"
                            autocapitalize="none" spellcheck="false" aria-describedby=(hint) aria-invalid=[bad];
                    }
                }
                span .hint id=(hint) {
                    (said(&self.summary))
                    @match &self.input {
                        Input::Items => " One a line, or with commas between; a comma within a name is written \\,.",
                        Input::Number(least, most) => { " From " (least) " to " (most) "." }
                        _ => ""
                    }
                    @if let Some(default) = &self.default { " Default: " (said(default)) "." }
                }
                @for problem in wrong { span .wrong { (wrong_line(problem)) } }
            }
        }
    }

    /// The value for who may only look.
    pub(super) fn show(&self, view: &View) -> Markup {
        html! {
            dt { (said(&self.title)) }
            dd {
                @match (view.secrets.get(&self.path), view.get(&self.path)) {
                    (Some(at), _) => (kept_at(at)),
                    (None, Some(Value::List(_) | Value::Table(_))) => { @for line in self.lines(view).lines() { (said(line)) br; } },
                    (None, Some(_)) => (said(&self.plain(view))),
                    (None, None) => @match &self.default { Some(default) => { (said(default)) " (default)" }, None => span .soft { "not set" } },
                }
            }
        }
    }

    fn secret(&self, view: &View, id: &str, hint: &str, bad: Option<&str>) -> Markup {
        let is_set = view.secrets.contains_key(&self.path);
        let name = self.name();
        html! {
            input #(id) name=(name) type="password" value="" autocomplete="new-password" aria-describedby=(hint) aria-invalid=[bad]
                placeholder=(if is_set { "is set: type a new one to replace it" } else { "not set" });
            span .hint { strong { (if is_set { "Is set." } else { "Not set." }) } " A secret is never shown." }
            @if is_set && !self.required {
                p .check { input id={ (id) "-forget" } type="checkbox" name={ (name) (FORGET) } value="yes"; " " label for={ (id) "-forget" } { "Take it away" } }
            }
        }
    }

    fn choice(&self, view: &View, choices: &[(String, String)], hint: &str, bad: Option<&str>) -> Markup {
        let now = self.plain(view);
        html! {
            select id=(self.id()) name=(self.name()) aria-describedby=(hint) aria-invalid=[bad] {
                option value="" selected[now.is_empty()] { "Default" @if let Some(default) = &self.default { ": " (said(default)) } }
                @for (value, title) in choices { option value=(value) selected[*value == now] { (title) } }
                @if !now.is_empty() && !choices.iter().any(|(value, _)| *value == now) { option value=(now) selected { (now) } }
            }
        }
    }

    fn rows(&self, view: &View, id: &str) -> Markup {
        let empty = (0..EMPTY_ROWS).map(|_| (String::new(), String::new()));
        let rows = match view.get(&self.path) {
            Some(Value::Table(entries)) => entries.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
            _ => Vec::new(),
        };
        html! {
            table {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Value" } } }
                tbody {
                    @for (index, (name, text)) in rows.into_iter().chain(empty).enumerate() {
                        tr {
                            td { input id={ (id) "-" (index) } name={ (self.name()) (NAME) } value=(name) aria-label={ (self.title) ", name " (index + 1) }; }
                            td { input name={ (self.name()) (TEXT) } value=(text) aria-label={ (self.title) ", value " (index + 1) }; }
                        }
                    }
                }
            }
            span .hint { "A row without a name goes. Save to get more rows." }
        }
    }

    fn plain(&self, view: &View) -> String {
        view.get(&self.path).map(plain).unwrap_or_default()
    }

    fn lines(&self, view: &View) -> String {
        view.get(&self.path).map(lines).unwrap_or_default()
    }
}

/// What is wrong with a field, in words for who fills it in.
fn wrong_line(problem: &Found) -> Markup {
    if problem.message == "is missing" {
        return html! { "Error: this is needed." };
    }
    problem_line(&Found { key: String::new(), ..problem.clone() })
}

fn kept_at(at: &SecretAt) -> Markup {
    match at {
        SecretAt::Kept => html! { "is set" },
        SecretAt::Variable(name) => html! { "is in the variable " span .code { (said(name)) } },
        SecretAt::File(name) => html! { "is in the file " span .code { (said(name)) } },
        SecretAt::Written => html! { "stands in the configuration file" },
    }
}

/// A value on one line, as it is typed.
fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Switch(switch) => if *switch { "on" } else { "off" }.to_owned(),
        Value::List(_) | Value::Table(_) => value.to_string(),
    }
}

/// The items of a value, one a line, with their commas escaped.
fn lines(value: &Value) -> String {
    let items: Vec<String> = match value {
        Value::List(list) => list.iter().map(plain).collect(),
        Value::Table(entries) => return entries.iter().map(|(name, value)| format!("{name} = {}\n", plain(value))).collect(),
        other => split(&plain(other)),
    };
    items.into_iter().map(|item| item.replace(',', "\\,")).collect::<Vec<_>>().join("\n")
}

fn items(text: &str) -> Vec<String> {
    text.lines().flat_map(split).collect()
}

fn table(names: &[&str], texts: &[&str]) -> Option<Value> {
    let rows = names.iter().zip(texts).filter(|(name, _)| !name.trim().is_empty());
    let rows: std::collections::BTreeMap<_, _> =
        rows.map(|(name, text)| (name.trim().to_owned(), Value::Text(text.trim().to_owned()))).collect();
    (!rows.is_empty()).then_some(Value::Table(rows))
}

/// An address as it is meant, and what was done to it; one that is none stays as it is, and the check tells why.
fn cleaned(title: &str, text: String, rule: &AddressRule, typed: &mut Typed) -> String {
    match clean_address(&text, rule) {
        Ok(url) => {
            let clean = url.as_str().trim_end_matches('/').to_owned();
            if clean != text {
                typed.said.push(format!("{title}: what was typed was cleaned to {clean}."));
            }
            clean
        }
        Err(_) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "\"><script>alert(1)</script>\u{202e}'";

    fn property(kind: Kind) -> Field {
        let (name, title, summary) = ("it".to_owned(), HOSTILE.to_owned(), HOSTILE.to_owned());
        of_property(&PropertyInfo { name, title, summary, kind, default: None, required: true, what_if: false })
    }

    fn read(field: &Field, posted: &[(&str, &str)], before: &Document) -> Typed {
        let posted = posted.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let mut typed = Typed::default();
        field.read(&posted, before, &mut typed);
        typed
    }

    fn set(field: &Field, text: &str) -> Option<Value> {
        match read(field, &[("/properties/it", text)], &Document::default()).edits.pop()? {
            Edit::Set(_, value) => Some(value),
            _ => None,
        }
    }

    #[test]
    fn what_is_typed_becomes_a_value_of_its_type_or_is_kept_as_it_is() {
        assert_eq!(set(&property(Kind::Text), " a "), Some("a".into()));
        assert_eq!(set(&property(Kind::Number(1, 9)), "7"), Some(Value::Number(7)));
        assert_eq!(set(&property(Kind::Number(1, 9)), "seven"), Some("seven".into()), "the check tells what is wrong with it");
        assert_eq!(set(&property(Kind::Switch), "on"), Some(Value::Switch(true)));
        let list = Value::List(vec!["a, b".into(), "c".into(), "d".into()]);
        assert_eq!(set(&property(Kind::Items), "a\\, b\r\nc,d"), Some(list.clone()));
        assert_eq!(lines(&list), "a\\, b\nc\nd", "and is shown as it is typed");
        assert_eq!(set(&property(Kind::Text), "  "), None);
    }

    #[test]
    fn what_is_the_same_or_not_in_the_form_is_left_as_it_is() {
        let field = property(Kind::Items);
        let mut before = Document::default();
        before.set(&field.path, "a, b".into()).unwrap();
        assert!(read(&field, &[("/properties/it", "a\nb")], &before).edits.is_empty());
        assert!(read(&field, &[("/properties/itself", "x")], &before).edits.is_empty());
        assert!(matches!(read(&field, &[("/properties/it", "")], &before).edits.as_slice(), [Edit::Remove(_)]));
    }

    #[test]
    fn a_table_is_read_by_its_rows() {
        let field = property(Kind::Table);
        let posted = [
            ("/properties/it#name", "13411"),
            ("/properties/it#text", " UTC "),
            ("/properties/it#name", " "),
            ("/properties/it#text", "x"),
        ];
        let typed = read(&field, &posted, &Document::default());
        let Some(Edit::Set(_, value)) = typed.edits.first() else { panic!("{typed:?}") };
        assert_eq!(value.to_string(), "{ 13411 = \"UTC\" }");
        let none = [("/properties/it#name", ""), ("/properties/it#text", "")];
        assert!(read(&field, &none, &Document::default()).edits.is_empty());
    }

    #[test]
    fn an_address_is_cleaned_and_it_is_said_so_and_a_secret_goes_in_and_never_comes_out() {
        let settings = vec![Setting { name: "key".to_owned(), secret: true, ..Setting::default() }];
        let (fields, _) = of_connection(&Connection { name: "feed".to_owned(), settings, ..Connection::default() });
        let posted = [("/connections/feed/url", "acme.example/path/"), ("/connections/feed/key", "hush-one")];
        let posted: Posted = posted.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let mut typed = Typed::default();
        fields.iter().for_each(|field| field.read(&posted, &Document::default(), &mut typed));
        assert!(typed.said[0].contains("cleaned to https://acme.example."), "{typed:?}");
        assert!(matches!(&typed.edits[..], [Edit::Set(..), Edit::Secret(..)]) && !format!("{typed:?}").contains("hush"));
        let view = View { secrets: [(fields[1].path.clone(), SecretAt::Kept)].into(), ..View::default() };
        let shown = fields[1].draw(&view, &[]).0;
        assert!(shown.contains("Is set.") && shown.contains("type=\"password\"") && shown.contains("value=\"\""), "{shown}");
    }

    #[test]
    fn hostile_text_stays_text_in_every_kind_of_field() {
        for kind in [Kind::Text, Kind::Number(1, 9), Kind::Switch, Kind::Items, Kind::Table, Kind::Choice(vec![HOSTILE.to_owned()])] {
            let field = property(kind.clone());
            let value = match kind {
                Kind::Table => Value::Table([(HOSTILE.to_owned(), HOSTILE.into())].into()),
                _ => Value::Text(HOSTILE.to_owned()),
            };
            let view =
                View { values: [("properties".to_owned(), Value::Table([("it".to_owned(), value)].into()))].into(), ..View::default() };
            let shown = html! { (field.draw(&view, &[])) (field.show(&view)) }.0;
            assert!(!shown.contains("<script") && shown.contains("&lt;script&gt;"), "{kind:?}: {shown}");
        }
    }
}
