//! The alerts of a tenant: those that wait to be sent, and those that were, or were given up.

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::super::frame::{Page, said};
use super::super::super::moment::moment;
use super::super::super::{Console, Problem, ROOT, link};
use super::{head, tenant};
use crate::outbox::{Alert, Standing};
use crate::tenant::Tenant;

/// The end of the path.
const PLACE: &str = "alerts";
/// Alerts a page.
const PAGE: u32 = 50;

#[derive(Debug, Default, Deserialize)]
pub(in super::super::super) struct From {
    /// Where the page begins.
    #[serde(default)]
    from: Option<String>,
}

/// `GET /console/tenants/{tenant}/alerts`
pub(in super::super::super) async fn show(
    State(console): State<Console>,
    Path(name): Path<String>,
    Query(from): Query<From>,
) -> Result<Page, Problem> {
    let tenant = tenant(&console, &name)?;
    let outbox = &console.site.host().runner().outbox;
    let waiting = if from.from.is_none() { outbox.waiting(&tenant.name, PAGE).await? } else { Vec::new() };
    let (gone, next) = outbox.gone(&tenant.name, from.from, PAGE).await?;
    Ok(Page::new(format!("Alerts of {}", tenant.name), ROOT, content(&tenant, &waiting, &gone, next.as_deref())))
}

fn content(tenant: &Tenant, waiting: &[Alert], gone: &[Alert], next: Option<&str>) -> Markup {
    html! {
        (head(tenant, PLACE, &html! { "Alerts" }))
        @match tenant.alert_address() {
            Some(address) => p { "Failures of scheduled jobs are mailed to " (said(address)) ". What was sent is kept here for 90 days." },
            None => p .flash .warns { strong { "Note: " } "No address is set, so nobody is told when a scheduled job fails." },
        }
        @if waiting.is_empty() && gone.is_empty() { p { "Nobody was written to." } } @else { (table(waiting, gone)) }
        @if let Some(next) = next { p { a href=(link::with(&link::tenant(&tenant.name, PLACE), [("from", next)])) { "Older" } } }
    }
}

fn table(waiting: &[Alert], gone: &[Alert]) -> Markup {
    html! {
        div .wide tabindex="0" role="region" aria-label="Alerts" {
            table {
                thead { tr { th scope="col" { "Written" } th scope="col" { "To" } th scope="col" { "Subject" } th scope="col" { "State" } } }
                tbody {
                    @for alert in waiting.iter().chain(gone) {
                        tr {
                            td { (moment(alert.written)) }
                            td { (said(&alert.to)) }
                            td { (said(&alert.subject)) @if alert.with > 0 { " (in one mail with " (alert.with) " more)" } }
                            td { (state(alert)) }
                        }
                    }
                }
            }
        }
    }
}

fn state(alert: &Alert) -> Markup {
    html! {
        @match &alert.standing {
            Standing::Waits => span .tag .warn { "waits" },
            Standing::Refused(since) => { span .tag .bad { "refused" } " since " (moment(*since)) ", and tried again" },
            Standing::Sent(at) => { span .tag .good { "sent" } " " (moment(*at)) },
            Standing::GivenUp(at, why) => { span .tag .bad { "given up" } " " (moment(*at)) ": " (said(why)) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_told_by_a_word_and_hostile_text_stays_text() {
        let at = "2026-03-01T05:45:00Z".parse().unwrap();
        let hostile = "<script>alert(1)</script>".to_owned();
        let standings = [Standing::Waits, Standing::Refused(at), Standing::Sent(at), Standing::GivenUp(at, hostile.clone())];
        let alerts = standings.map(|standing| Alert { to: hostile.clone(), subject: hostile.clone(), written: at, with: 2, standing });
        let shown = table(&alerts[..2], &alerts[2..]).0;
        for word in ["waits", "refused", "sent", "given up", "with 2 more"] {
            assert!(shown.contains(word), "{word}: {shown}");
        }
        assert!(!shown.contains("<script"), "{shown}");
    }
}
