//! The one way through the pages of a tenant: what ran and who may, then how it is set up.

use maud::{Markup, html};

use super::super::link;

/// A page of a tenant.
struct Place {
    /// The end of its path.
    rest: &'static str,
    name: &'static str,
    /// Whether there is anything to see only where the tenant is served.
    served: bool,
}

const fn place(rest: &'static str, name: &'static str, served: bool) -> Place {
    Place { rest, name, served }
}

const PLACES: [Place; 11] = [
    place("", "Tenant", false),
    place("run", "SCHEDULE/RUN", false),
    place("history", "Execution History", true),
    place("workers", "Workers", true),
    place("day", "The last day", true),
    place("identities", "Identities", true),
    place("what-if", "What if", true),
    place("dead-letters", "Dead letters", true),
    place("alerts", "Alerts", true),
    place("settings", "Settings", false),
    place("versions", "Versions", false),
];

/// The links to the pages of a tenant, with the one marked that somebody is on.
pub(super) fn bar(tenant: &str, on: &str, served: bool) -> Markup {
    html! {
        nav aria-label="About this tenant" {
            ul .tabs {
                @for Place { rest, name, .. } in PLACES.iter().filter(|place| served || !place.served) {
                    li { a href=(link::tenant(tenant, rest)) aria-current=[(*rest == on).then_some("page")] { (name) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_leads_to_a_page_and_of_a_draft_only_what_there_is_to_see() {
        let known: Vec<_> = super::super::super::routes::table().into_iter().map(|route| route.path).collect();
        for place in PLACES {
            assert!(known.contains(&&*link::tenant("acme", place.rest).replace("acme", "{tenant}")), "{}", place.rest);
        }
        let shown = bar("acme", "run", true).0;
        assert!(
            shown.contains("<a href=\"/console/tenants/acme/run\" aria-current=\"page\">") && shown.contains("acme\">Tenant"),
            "{shown}"
        );
        let draft = bar("acme", "", false).0;
        assert!(!draft.contains("workers") && draft.contains("/settings\""), "{draft}");
    }
}
