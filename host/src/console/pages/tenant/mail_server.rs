//! The Email SMTP tab: there is one mail server for every tenant, it is the host's, and here it is shown.

use axum::extract::{Path, State};
use maud::{Markup, html};

use super::{Subject, steps};
use crate::console::frame::{Page, said};
use crate::console::{Console, Problem};
use crate::site::MailServer;

/// `GET /console/tenants/{tenant}/mail-server`
pub(in crate::console) async fn show(State(console): State<Console>, Path(tenant): Path<String>) -> Result<Page, Problem> {
    let subject = Subject::of(&console, &tenant).await?;
    let sheets = steps::all(subject.description.as_deref());
    let next = steps::after(&sheets, steps::MAIL_SERVER).filter(|_| subject.is_draft());
    let content = html! {
        (steps::tabs(&subject, &sheets, steps::MAIL_SERVER))
        (content(console.site.mail_server().as_ref()))
        @if let Some(next) = next { p { a .button href=(subject.at(&next)) { "Continue" } } }
    };
    Ok(subject.page(steps::BASICS, "Email SMTP", content))
}

fn content(server: Option<&MailServer>) -> Markup {
    html! {
        p { "One mail server serves every tenant. It is set in the table " span .code { "[smtp]" } " of the configuration file." }
        @match server {
            Some(server) => dl {
                dt { "Host" } dd { (said(&server.host)) }
                dt { "Port" } dd { (server.port) }
                dt { "Protection" } dd { (server.tls) }
                dt { "Sender's email address" } dd { (said(&server.sender)) }
                dt { "User name" } dd { @match &server.username { Some(name) => (said(name)), None => "not set" } }
                dt { "Password" } dd { (if server.username.is_some() { "is set" } else { "not set" }) }
            },
            None => p .card .notice { strong { "Warning: " } "there is no mail server, so nobody is mailed when a scheduled run fails. Add host and sender under [smtp]." },
        }
    }
}
