//! The console: set up, test, schedule, watch and explain, in a browser.
//!
//! Pages are made on the server, and everything that is only read works without script. The console knows no punch and no shift:
//! its words come from the pack's description, from what the plugin answers, and from the history.
//!
//! # How to add a page
//!
//! One page is one file under `pages/`: what it shows (a plain struct), how it looks (a function from that struct to `Markup`, made
//! with maud's `html!`, which escapes every value), its handlers, and its tests. Then one line in `routes`: the method, the path,
//! the least role, the handler. That is all; the rest is done around every handler, by `guard` and `frame`:
//!
//! - A handler asks for what it needs: `State<Console>`, `Visitor` (who, which role, the token of forms), `Path`, `Query`, and
//!   `Fields` for a posted form. Nobody without the role comes to it, and no post from elsewhere.
//! - It answers `Result<Page, Problem>`: `Page::new` with a title, the path that is marked in the navigation, and the content, to
//!   which the frame is added. A `Problem` becomes a page that says what happened and what to do.
//! - After a post it answers `Done::to`, which leads to a page (303) and may have it say something; and it writes down what was done
//!   with `Console::note`.
//! - A form has `method="post"`, `(visitor.form_token())` within, a label for every field, and `data-busy` on the `form` if sending it
//!   takes long. A value from outside goes through `frame::said`, so that no sign in it turns the line around.
//! - Pieces that change while somebody looks: an element with `data-live="PATH"`, and a route that answers `live::stream`; the page
//!   itself must be right without it.
//! - Lists are read by pages (a cursor in the query), never whole.
//!
//! No inline style or script: the Content-Security-Policy forbids both. Style is in `look.css`, the one script in `live.js`.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};

use crate::audit;
use crate::scheduler::Life;
use crate::site::Site;
use crate::store::StoreError;
use crate::store::records::Records;

mod counted;
mod form;
mod frame;
mod guard;
mod link;
mod live;
mod moment;
mod pages;
pub(crate) mod people;
mod problem;
mod provider;
mod reports;
mod routes;
mod statics;
mod visitor;

use counted::Counted;
use people::{Links, Passwords, People, PeopleError, Rules, Sessions, Slow, Ticket};
use problem::Problem;
use provider::Provider;
use reports::Reports;
use visitor::Visitor;

pub use people::Role;
pub use routes::{Access, table};

/// Where the console is.
const ROOT: &str = "/console";

/// What every page works on. Clones are the same.
#[derive(Clone)]
pub(crate) struct Console(Arc<Shared>);

/// What they share.
pub(crate) struct Shared {
    pub(crate) site: Arc<Site>,
    /// Where the host listens.
    listens: SocketAddr,
    /// What is begun by a page and outlives it goes on in its tracker.
    pub(crate) life: Life,
    pub(crate) people: People,
    pub(crate) sessions: Sessions,
    pub(crate) links: Links,
    pub(crate) passwords: Passwords,
    /// The console's own records.
    pub(crate) records: Records,
    slow: Slow,
    provider: Provider,
    counted: Counted,
    reports: Reports,
}

impl Console {
    pub(crate) fn new(site: Arc<Site>, listens: SocketAddr, life: Life) -> Self {
        let store = &site.host().runner().store;
        let (people, sessions) = (People::new(store.clone()), Sessions::new(store.clone()));
        let (links, records) = (Links::new(people.clone()), Records::new(store.clone()));
        Self(Arc::new(Shared {
            site,
            listens,
            life,
            people,
            sessions,
            links,
            passwords: Passwords::default(),
            records,
            slow: Slow::default(),
            provider: Provider::default(),
            counted: Counted::default(),
            reports: Reports::default(),
        }))
    }

    /// Now, by the host's clock.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.site.host().now()
    }

    /// Writes down what somebody did, for the audit list: a sentence in the past without its subject, and no secret in it.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn note(&self, who: &Visitor, what: impl Into<String>, tenant: Option<&str>) -> Result<(), StoreError> {
        audit::note(&self.records, &who.name, what, tenant, self.now()).await
    }

    /// The whole address of a page, for who is not in the console yet.
    pub(crate) fn address_of(&self, path: &str) -> String {
        address_of(&self.site, self.listens, path)
    }

    /// How long sessions last.
    fn rules(&self) -> Rules {
        let config = self.site.console();
        let delta = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        Rules { idle: delta(config.idle), longest: delta(config.longest) }
    }
}

impl Deref for Console {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What answers under `/console`, and `/`, which leads there.
pub(crate) fn router(console: Console) -> Router {
    let around = from_fn_with_state(console.clone(), guard::around);
    let pages = routes::pages().into_router().method_not_allowed_fallback(problem::wrong_method);
    pages.route("/", get(pages::home)).layer(around).with_state(console)
}

/// The whole address of a one-time link. `listens` is where the host does.
pub(crate) fn invitation(site: &Site, listens: SocketAddr, link: &Ticket) -> String {
    address_of(site, listens, &pages::welcome(link))
}

fn address_of(site: &Site, listens: SocketAddr, path: &str) -> String {
    let own = site.console().address.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
    format!("{}{path}", own.unwrap_or_else(|| format!("http://{listens}")))
}

/// A link by which the first administrator chooses a name and a password; `None` where there is somebody already.
pub(crate) async fn first_link(site: &Site, listens: SocketAddr) -> Result<Option<String>, PeopleError> {
    let people = People::new(site.host().runner().store.clone());
    if !site.console().enabled || !people.is_empty().await? {
        return Ok(None);
    }
    let ticket = Links::new(people).make(None, site.host().now()).await?;
    Ok(Some(invitation(site, listens, &ticket)))
}
