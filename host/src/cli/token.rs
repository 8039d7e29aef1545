//! `token`: makes, lists and revokes what callers of the API show.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::{Exit, Place, audit, json, open, print};
use crate::token::{Scope, TokenError, TokenInfo, Tokens};

/// Makes, lists and revokes tokens for the API.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Makes a token and prints it; it is never shown again.
    Create {
        /// The tenant it is good for.
        tenant: String,
        /// What it allows; `operate` includes `read`.
        #[arg(long)]
        scope: Scope,
        /// In how many days it expires; without this it never does.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3_650))]
        expires: Option<u32>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Lists the tokens of a tenant, expired ones too.
    List {
        /// The tenant.
        tenant: String,
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Revokes a token; it is refused from now on.
    Revoke {
        /// The tenant.
        tenant: String,
        /// The token's id, as `create` and `list` show it.
        id: String,
    },
}

/// A token that was made just now.
#[derive(Serialize)]
struct Made<'a> {
    token: &'a str,
    #[serde(flatten)]
    info: &'a TokenInfo,
}

impl From<TokenError> for Exit {
    fn from(error: TokenError) -> Self {
        Self::Failed(error.to_string())
    }
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let site = open(place).await?;
    let (tokens, now) = (Tokens::new(site.host().runner().store.clone()), site.host().now());
    match args.command {
        Command::Create { tenant, scope, expires, json } => {
            let tenant = site.tenant(&tenant)?.name;
            let expires = expires.map(|days| now + TimeDelta::days(days.into()));
            let id = create(&tokens, &tenant, scope, expires, now, json).await?;
            audit::done(&site, format!("made the token {id} of {tenant}, to {}", scope.as_str()), Some(&tenant)).await
        }
        Command::List { tenant, json } => list(&tokens, &site.tenant(&tenant)?.name, now, json).await,
        Command::Revoke { tenant, id } => {
            let tenant = site.tenant(&tenant)?.name;
            if !tokens.revoke(&tenant, &id).await? {
                let remedy = format!("`token list {tenant}` shows those there are");
                return Err(Exit::Failed(format!("there is no token {id} of the tenant {tenant}; {remedy}")));
            }
            eprintln!("revoked {id}");
            audit::done(&site, format!("revoked the token {id} of {tenant}"), Some(&tenant)).await
        }
    }
}

/// Makes a token and prints it; gives its id.
async fn create(
    tokens: &Tokens,
    tenant: &str,
    scope: Scope,
    expires: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    as_json: bool,
) -> Result<String, Exit> {
    let (info, text) = tokens.create(tenant, scope, expires, now).await?;
    let token = text.expose_secret();
    if as_json {
        print([json(&Made { token, info: &info })?])?;
        return Ok(info.id);
    }
    print([token.to_owned()])?;
    eprintln!("id {}, {}, expires {}. The token is not shown again.", info.id, scope.as_str(), moment(expires));
    Ok(info.id)
}

async fn list(tokens: &Tokens, tenant: &str, now: DateTime<Utc>, as_json: bool) -> Result<(), Exit> {
    let found = tokens.list(tenant).await?;
    if as_json {
        return print(found.iter().map(json).collect::<Result<Vec<_>, _>>()?);
    }
    print([format!("{:16}  {:7}  {:20}  expires", "id", "scope", "created")])?;
    print(found.iter().map(|info| {
        let over = if info.expires.is_some_and(|expires| expires <= now) { " (over)" } else { "" };
        format!("{:16}  {:7}  {:20}  {}{over}", info.id, info.scope.as_str(), moment(Some(info.created)), moment(info.expires))
    }))
}

fn moment(moment: Option<DateTime<Utc>>) -> String {
    moment.map_or_else(|| "never".to_owned(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}
