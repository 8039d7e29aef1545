//! As much of the pack's description as the adapter goes by: the records of `wit/pack.wit` under their own names, and a variant
//! as an object with the name of its case, as `shift-access describe --json` writes it or as Rust does.

use serde::Deserialize;

#[derive(Deserialize)]
pub struct Description {
    pub connections: Vec<Connection>,
    pub properties: Vec<Property>,
}

#[derive(Deserialize)]
pub struct Connection {
    pub name: String,
    pub settings: Vec<Setting>,
    pub schemes: Vec<Scheme>,
    pub headers: Vec<Parameter>,
    pub request_id_header: Option<String>,
    pub in_flight: u32,
}

#[derive(Deserialize)]
pub struct Setting {
    pub name: String,
    pub secret: bool,
    pub required: bool,
    pub scheme: Option<String>,
    pub default: Option<String>,
}

#[derive(Clone, Deserialize)]
pub struct Scheme {
    pub name: String,
    pub token: Source,
    pub encoding: Encoding,
    pub parameters: Vec<Parameter>,
    pub headers: Vec<Parameter>,
    pub basic: Option<(String, String)>,
    pub busy_code: Option<String>,
}

#[derive(Clone, Deserialize)]
pub enum Source {
    #[serde(alias = "literal")]
    Literal(String),
    #[serde(alias = "setting")]
    Setting(String),
}

#[derive(Clone, Deserialize)]
pub struct Parameter {
    pub name: String,
    pub value: Source,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Encoding {
    #[serde(alias = "form")]
    Form,
    #[serde(alias = "json")]
    Json,
}

#[derive(Deserialize)]
pub struct Property {
    pub name: String,
    pub kind: Kind,
    pub default: Option<Value>,
    pub required: bool,
}

#[derive(Deserialize)]
pub enum Kind {
    #[serde(alias = "text")]
    Text,
    #[serde(alias = "number")]
    Number((i64, i64)),
    #[serde(alias = "switch")]
    Switch,
    #[serde(alias = "items")]
    Items,
    #[serde(alias = "table")]
    Table,
    #[serde(alias = "choice")]
    Choice(Vec<String>),
}

#[derive(Clone, Deserialize)]
pub enum Value {
    #[serde(alias = "text")]
    Text(String),
    #[serde(alias = "number")]
    Number(i64),
    #[serde(alias = "switch")]
    Switch(bool),
    #[serde(alias = "items")]
    Items(Vec<String>),
    #[serde(alias = "table")]
    Table(Vec<(String, String)>),
}
