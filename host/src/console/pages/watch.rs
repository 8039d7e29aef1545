//! Watching and explaining: what ran and how it ended, what waits for somebody, who may and why.
//!
//! Every word about statuses, reasons and causes comes from what the plugin answers, or from the history.

use maud::{Markup, html};

use super::super::frame::said;
use super::super::{Console, Problem, link};
use super::bar::bar;
use crate::plugin::CallError;
use crate::runner;
use crate::tenant::Tenant;

pub(in super::super) mod alerts;
pub(in super::super) mod day;
pub(in super::super) mod dead_letters;
pub(in super::super) mod history;
pub(in super::super) mod identities;
pub(in super::super) mod run;
pub(in super::super) mod what_if;
pub(in super::super) mod worker;
pub(in super::super) mod workers;

/// The pages that are looked at most.
const MOST_WATCHED: [(&str, &str); 3] = [("workers", "Workers"), ("day", "The last day"), ("history", "Execution History")];

/// The ways from a tenant's card to what is watched most.
pub(super) fn ways(tenant: &str) -> impl Iterator<Item = (String, &'static str)> {
    MOST_WATCHED.iter().map(move |(rest, name)| (link::tenant(tenant, rest), *name))
}

/// The heading of a page about a tenant: what the page is, whose it is, and the way to the others.
fn head(tenant: &Tenant, place: &str, title: &Markup) -> Markup {
    html! {
        h1 { (title) }
        p .row { strong { (said(&tenant.name)) } span .tag { (tenant.environment) } @if tenant.paused { span .tag .warn { "paused" } } }
        (bar(&tenant.name, place, true))
    }
}

/// A tenant that is served.
fn tenant(console: &Console, name: &str) -> Result<Tenant, Problem> {
    Ok(console.site.tenant(name)?)
}

/// What the plugin says went wrong, or what the host has to say where it cannot.
fn failed(console: &Console, tenant: &Tenant, error: &CallError) -> Problem {
    console.site.host().runner().metrics.plugin_failed(&tenant.name, error);
    let failure = runner::failure(tenant, error);
    if !matches!(error, CallError::Failure(_)) {
        tracing::error!(tenant = %tenant.name, code = failure.code, "a page of the console failed: {}", failure.message);
    }
    Problem::of_plugin(format!("{} {}: {}", failure.code, failure.title, failure.message), failure.remedy)
}

/// A word of a pack for people to read: `on-break` is "on break".
pub(super) fn word(word: &str) -> String {
    word.replace(['-', '_'], " ")
}

/// The bytes that a text takes in a page, at least.
fn weight(text: &str) -> usize {
    text.chars().map(|letter| if matches!(letter, '&' | '<' | '>' | '"') { 6 } else { letter.len_utf8() }).sum()
}

/// What of a long list is shown from here on: as many as `most`, and no more than fit. With it, where the next part begins.
fn part_of<T>(all: &[T], from: usize, most: usize, bytes: usize, size: impl Fn(&T) -> usize) -> (&[T], Option<usize>) {
    let rest = all.get(from..).unwrap_or_default();
    let mut left = bytes;
    let fits = rest.iter().take(most).take_while(|item| {
        let fits = left > 0;
        left = left.saturating_sub(size(item));
        fits
    });
    let count = fits.count();
    (rest.get(..count).unwrap_or_default(), (count < rest.len()).then_some(from + count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_list_holds_what_fits_and_at_least_one() {
        let all = ["aaaa", "bbbb", "cccc", "dddd"];
        let shown = |from, most, bytes| part_of(&all, from, most, bytes, |text| weight(text));
        assert_eq!(shown(0, 10, 100), (&all[..], None));
        assert_eq!(shown(0, 2, 100), (&all[..2], Some(2)));
        assert_eq!(shown(1, 10, 5), (&all[1..3], Some(3)));
        assert_eq!(shown(3, 10, 1), (&all[3..], None));
        assert_eq!(shown(9, 10, 1), (&all[..0], None));
        assert_eq!(weight("<ö>"), 14);
    }
}
