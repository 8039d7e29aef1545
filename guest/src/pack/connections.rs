//! The two connections as data: the platform logs in with them, and no credential ever enters the plugin.
//!
//! The login of UKG is in facts/ukg-pro-wfm.md §1.1 and §1.2, the forms of its host in §1.3, that of Access in
//! facts/workspace-one.md §3.1.

use crate::bindings::exports::shift_access::plugin::pack::{AddressRule, Connection, Encoding, Parameter, Scheme, Setting, Source};

/// The connection to UKG.
pub const KRONOS: &str = "kronos";

/// The connection to Workspace ONE Access.
pub const WORKSPACE_ONE: &str = "workspace-one";

/// Calls in flight towards either system: what UKG advises (facts/ukg-pro-wfm.md §4).
const IN_FLIGHT: u32 = 4;

/// UKG Pro Workforce Management.
pub fn kronos() -> Connection {
    Connection {
        name: KRONOS.into(),
        title: "UKG Pro Workforce Management (Kronos)".into(),
        address: AddressRule {
            strip: Some("-sso".into()),
            domain: Some("mykronos.com".into()),
            short_endings: ["prd", "npr", "dev"].map(Into::into).to_vec(),
        },
        settings: kronos_settings(),
        schemes: vec![classic(), ukg()],
        headers: vec![setting("appkey", "app-key")],
        request_id_header: Some("kronos-tid".into()),
        in_flight: IN_FLIGHT,
    }
}

/// Workspace ONE Access.
pub fn workspace_one() -> Connection {
    Connection {
        name: WORKSPACE_ONE.into(),
        title: "Workspace ONE Access".into(),
        address: AddressRule { strip: None, domain: None, short_endings: Vec::new() },
        settings: vec![
            required("client-id", "Remote app client id", "The id of the OAuth client (service client) made in the Access console."),
            secret(required("client-secret", "Remote app shared secret", "The shared secret of that client.")),
        ],
        schemes: vec![client_credentials()],
        headers: Vec::new(),
        request_id_header: None,
        in_flight: IN_FLIGHT,
    }
}

fn kronos_settings() -> Vec<Setting> {
    vec![
        required("client-id", "Client id", "The OAuth client id of your company, from UKG Support or from Client Management."),
        secret(required("client-secret", "Client secret", "The secret that belongs to the client id.")),
        required("username", "User name", "The API access account: an API-only user whose function access profile allows the calls."),
        secret(required("password", "Password", "The password of the API access account.")),
        secret(optional("app-key", "App key", "From Application Setup > Common Setup > My Apps; tenants since 2024 need none.")),
        only_ukg(required("token-url", "Token address", "The whole address of the token endpoint, as Client Management shows it.")),
        only_ukg(required("realm", "Realm", "The tenant's name at the login, as Client Management shows it.")),
        Setting {
            default: Some("https://wfm.ukg.net/api".into()),
            ..only_ukg(optional("audience", "Audience", "What the token is for, as Client Management shows it."))
        },
    ]
}

fn classic() -> Scheme {
    Scheme {
        name: "classic".into(),
        summary: "Logs in at the tenant's own address: right for every tenant without the page Client Management.".into(),
        token: Source::Literal("/api/authentication/access_token".into()),
        encoding: Encoding::Form,
        parameters: vec![
            setting("username", "username"),
            setting("password", "password"),
            setting("client_id", "client-id"),
            setting("client_secret", "client-secret"),
            literal("grant_type", "password"),
            literal("auth_chain", "OAuthLdapService"),
        ],
        headers: vec![setting("appkey", "app-key")],
        basic: None,
        busy_code: Some("GTW-ERROR-012".into()),
    }
}

fn ukg() -> Scheme {
    Scheme {
        name: "ukg".into(),
        summary: "Logs in with UKG Authentication: for tenants with Administration > Application Setup > Client Management.".into(),
        token: Source::Setting("token-url".into()),
        encoding: Encoding::Json,
        parameters: vec![
            literal("grant_type", "http://auth0.com/oauth/grant-type/password-realm"),
            setting("audience", "audience"),
            setting("realm", "realm"),
            setting("client_id", "client-id"),
            setting("client_secret", "client-secret"),
            setting("username", "username"),
            setting("password", "password"),
        ],
        headers: Vec::new(),
        basic: None,
        busy_code: None,
    }
}

fn client_credentials() -> Scheme {
    Scheme {
        name: "client-credentials".into(),
        summary: "Logs in as a service client of the tenant.".into(),
        token: Source::Literal("/SAAS/auth/oauthtoken".into()),
        encoding: Encoding::Form,
        parameters: vec![literal("grant_type", "client_credentials")],
        headers: Vec::new(),
        basic: Some(("client-id".into(), "client-secret".into())),
        busy_code: None,
    }
}

fn optional(name: &str, title: &str, summary: &str) -> Setting {
    Setting { name: name.into(), title: title.into(), summary: summary.into(), secret: false, required: false, scheme: None, default: None }
}

fn required(name: &str, title: &str, summary: &str) -> Setting {
    Setting { required: true, ..optional(name, title, summary) }
}

fn secret(setting: Setting) -> Setting {
    Setting { secret: true, ..setting }
}

fn only_ukg(setting: Setting) -> Setting {
    Setting { scheme: Some("ukg".into()), ..setting }
}

fn setting(name: &str, setting: &str) -> Parameter {
    Parameter { name: name.into(), value: Source::Setting(setting.into()) }
}

fn literal(name: &str, text: &str) -> Parameter {
    Parameter { name: name.into(), value: Source::Literal(text.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_is_sent_is_declared() {
        for connection in [kronos(), workspace_one()] {
            let declared: Vec<&str> = connection.settings.iter().map(|setting| setting.name.as_str()).collect();
            let sent =
                connection.schemes.iter().flat_map(|scheme| scheme.parameters.iter().chain(&scheme.headers)).chain(&connection.headers);
            for parameter in sent {
                if let Source::Setting(name) = &parameter.value {
                    assert!(declared.contains(&name.as_str()), "{name} of {} is not declared", connection.name);
                }
            }
        }
    }

    #[test]
    fn nothing_secret_has_a_default() {
        for setting in [kronos(), workspace_one()].into_iter().flat_map(|connection| connection.settings) {
            assert!(!setting.secret || setting.default.is_none(), "{}", setting.name);
        }
    }
}
