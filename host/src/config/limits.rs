//! The tables `limits`: those of the host are the defaults of every tenant, those of a tenant go before them.
//!
//! In either a table of an entry point goes before what stands beside it. What is nearest to the tenant wins.

use super::document::{Node, Place, Report, Section, Value};
use crate::limits::{Entry, Limits, MAIL_DOMAINS, OF_CALLS, OF_TENANTS};

/// The limits of a table, over those that hold without it.
pub(super) fn read(section: &mut Section<'_>, before: &Limits, report: &mut Report) -> Limits {
    let mut limits = before.clone();
    if let Some((node, place)) = section.get("limits")
        && let Some(section) = Section::open(node, place, report)
    {
        whole(section, &mut limits, report);
    }
    limits
}

fn whole(mut section: Section<'_>, limits: &mut Limits, report: &mut Report) {
    for entry in Entry::ALL {
        of_calls(&mut section, limits, entry, entry == Entry::Jobs, report);
    }
    for key in OF_TENANTS {
        if let Some(value) = number(&mut section, key.key, key.least, key.most, report) {
            *(key.place)(limits) = value;
        }
    }
    if let Some((node, place)) = section.get(MAIL_DOMAINS)
        && let Some(domains) = domains(node, &place, report)
    {
        limits.mail_domains = Some(domains);
    }
    for entry in Entry::ALL {
        if let Some((node, place)) = section.get(entry.name())
            && let Some(mut section) = Section::open(node, place, report)
        {
            of_calls(&mut section, limits, entry, true, report);
            section.finish("limit of one call", report);
        }
    }
    section.finish("limit", report);
}

/// Sets the limits of one call. A mistake is told once, although what stands there holds for every entry point.
fn of_calls(section: &mut Section<'_>, limits: &mut Limits, entry: Entry, tell: bool, report: &mut Report) {
    for key in OF_CALLS {
        let told = report.problems.len();
        if let Some(value) = number(section, key.key, key.least, key.most, report) {
            (key.set)(limits.of_mut(entry), value);
        }
        if !tell {
            report.problems.truncate(told);
        }
    }
}

fn number(section: &mut Section<'_>, key: &str, least: u32, most: u32, report: &mut Report) -> Option<u32> {
    section.number(key, least.into(), most.into(), report).and_then(|value| u32::try_from(value).ok())
}

fn domains(node: &Node, place: &Place, report: &mut Report) -> Option<Vec<String>> {
    const REMEDY: &str = "write for example mail-domains = [\"acme.example\"], [\"*\"] for every domain, or [] for none";
    let Value::List(items) = &node.value else {
        report.wrong_type(place, node, "a list", REMEDY);
        return None;
    };
    let mut domains = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let place = place.item(index, item.line);
        match &item.value {
            Value::Text(text) if is_domain(text.trim()) => domains.push(text.trim().to_owned()),
            Value::Text(text) => report.error(&place, format!("`{text}` is no domain"), REMEDY),
            _ => report.wrong_type(&place, item, "a text", REMEDY),
        }
    }
    (domains.len() == items.len()).then_some(domains)
}

/// What may stand behind the `@` of an address; the star stands alone, since `*.example` would promise what is not kept.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    text == "*" || text.split('.').all(label)
}
