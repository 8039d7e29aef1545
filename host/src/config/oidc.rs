//! The table `[console.oidc]`: a provider of identities that people may sign in with.

use std::path::Path;

use secrecy::SecretString;

use super::address;
use super::credential::{self, Environment};
use super::document::{Node, Place, Report, Section, Value};
use crate::role::Role;

/// The claim that most providers put groups into.
const ROLE_CLAIM: &str = "groups";
/// What the button says where nobody says it.
const BUTTON: &str = "Sign in with single sign-on";

/// The table `[console.oidc]`: a provider of identities (OpenID Connect).
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// Its address, letter for letter as it says it itself.
    pub issuer: String,
    /// The name of this host at the provider.
    pub client_id: String,
    /// The secret that goes with it, where the provider gave one.
    pub client_secret: Option<SecretString>,
    /// The claim whose values give roles; a dot leads into an object.
    pub role_claim: String,
    /// Which value gives which role.
    pub roles: Vec<(String, Role)>,
    /// What is asked for beside `openid`, `profile` and `email`.
    pub scopes: Vec<String>,
    /// What the button says.
    pub name: String,
}

/// Reads the table.
pub(super) fn read(mut section: Section<'_>, folder: &Path, env: Environment<'_>, report: &mut Report) -> Option<OidcConfig> {
    let issuer = section.required_text("issuer", "https://id.acme.example", report).and_then(|(text, place)| {
        address::whole(&text).map_err(|error| report.error(&place, error.to_string(), error.remedy())).ok().map(|_| text)
    });
    let client_id = section.required_text("client-id", "shift-access", report);
    let client_secret = section.get("client-secret").and_then(|(node, place)| credential::read(node, &place, folder, env, report));
    let role_claim = section.text("role-claim", "groups", report);
    let name = section.text("name", "Sign in with Acme", report);
    let scopes = section.get("scopes").map_or_else(Vec::new, |(node, place)| texts(node, &place, report));
    let roles = roles(&mut section, report);
    section.finish("key", report);
    Some(OidcConfig {
        issuer: issuer?,
        client_id: client_id?.0,
        client_secret,
        role_claim: role_claim.map_or_else(|| ROLE_CLAIM.to_owned(), |(text, _)| text),
        roles: roles?,
        scopes,
        name: name.map_or_else(|| BUTTON.to_owned(), |(text, _)| text),
    })
}

/// Which value gives which role. Without any nobody would be let in.
fn roles(section: &mut Section<'_>, report: &mut Report) -> Option<Vec<(String, Role)>> {
    const REMEDY: &str = "write for example roles = { \"access-admins\" = \"administrator\", \"help-desk\" = \"viewer\" }";
    let Some((node, place)) = section.get("roles") else {
        section.missing("roles", REMEDY, report);
        return None;
    };
    let mut table = Section::open(node, place.clone(), report)?;
    let mut found = Vec::new();
    for (value, node, place) in table.all() {
        match &node.value {
            Value::Text(word) => match word.trim().parse() {
                Ok(role) => found.push((value.to_owned(), role)),
                Err(()) => report.error(&place, format!("`{word}` is no role"), "write \"viewer\", \"operator\" or \"administrator\""),
            },
            _ => report.wrong_type(&place, node, "a role", REMEDY),
        }
    }
    if found.is_empty() {
        report.error(&place, "gives nobody a role, so nobody could sign in", REMEDY);
    }
    Some(found)
}

fn texts(node: &Node, place: &Place, report: &mut Report) -> Vec<String> {
    const REMEDY: &str = "write for example scopes = [\"groups\"]";
    let Value::List(items) = &node.value else {
        report.wrong_type(place, node, "a list", REMEDY);
        return Vec::new();
    };
    let mut found = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match &item.value {
            Value::Text(text) if !text.trim().is_empty() && !text.contains(char::is_whitespace) => found.push(text.clone()),
            _ => report.wrong_type(&place.item(index, item.line), item, "a word", REMEDY),
        }
    }
    found
}
