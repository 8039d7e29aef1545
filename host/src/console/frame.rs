//! What is around the content of every page: the head, the navigation, what the last step had to say, the footer.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, html};

use super::people::{Flash, Role, Ticket};
use super::problem::Problem;
use super::visitor::{Arrival, Visitor};
use super::{ROOT, statics};

/// The navigation: where to, what it is called, and for whom.
const PLACES: [(&str, &str, Role); 4] = [
    ("/console", "Overview", Role::Viewer),
    ("/console/install", "Install", Role::Administrator),
    ("/console/people", "People", Role::Administrator),
    ("/console/audit", "Audit", Role::Administrator),
];

/// A page without its frame. It becomes an answer by being returned from a handler.
#[derive(Clone)]
pub(crate) struct Page {
    title: String,
    /// The entry of the navigation that is marked.
    place: String,
    content: Markup,
    status: StatusCode,
}

/// What was posted is done: the browser goes on to a page.
#[derive(Clone)]
pub(crate) struct Done {
    to: String,
    pub(super) flash: Option<Flash>,
    pub(super) session: Session,
}

/// What becomes of the session.
#[derive(Clone)]
pub(super) enum Session {
    Stays,
    Begins(Ticket),
    Ends,
}

impl Page {
    /// A page with a title, the path of the navigation to mark, and the content: its first element is the heading `h1`.
    pub(crate) fn new(title: impl Into<String>, place: impl Into<String>, content: Markup) -> Self {
        Self { title: title.into(), place: place.into(), content, status: StatusCode::OK }
    }

    /// The same page with another status: a form that comes back with what is wrong in it is 422.
    #[must_use]
    pub(crate) fn with(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(super) fn of_problem(problem: &Problem, path: &str) -> Self {
        Self::new(problem.title, path, problem.content()).with(problem.status)
    }
}

impl Done {
    /// On to this page.
    pub(crate) fn to(path: impl Into<String>) -> Self {
        Self { to: path.into(), flash: None, session: Session::Stays }
    }

    /// The page says this at its top.
    #[must_use]
    pub(crate) fn saying(self, text: impl Into<String>) -> Self {
        Self { flash: Some(Flash { text: text.into(), warns: false }), ..self }
    }

    /// The page warns of this at its top.
    #[must_use]
    pub(crate) fn warning(self, text: impl Into<String>) -> Self {
        Self { flash: Some(Flash { text: text.into(), warns: true }), ..self }
    }

    /// A session begins.
    #[must_use]
    pub(super) fn signed_in(self, ticket: Ticket) -> Self {
        Self { session: Session::Begins(ticket), ..self }
    }

    /// The session is over.
    #[must_use]
    pub(super) fn signed_out(self) -> Self {
        Self { session: Session::Ends, ..self }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let mut response = Redirect::to(&self.to).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A value from outside, set apart so that no sign in it turns the direction of what stands around it.
pub(crate) fn said(text: &str) -> Markup {
    html! { bdi { (text) } }
}

/// Puts a page into the frame, and the whole into the answer.
pub(super) fn put(arrival: &Arrival, page: &Page, response: &mut Response) {
    let whole = framed(arrival.visitor.as_ref(), arrival.flash.as_ref(), page);
    fill(response, whole);
}

/// A problem without anything known of who asks.
pub(super) fn alone(problem: &Problem) -> Response {
    let mut response = problem.clone().into_response();
    fill(&mut response, framed(None, None, &Page::of_problem(problem, ROOT)));
    response
}

fn fill(response: &mut Response, whole: Markup) {
    *response.body_mut() = Body::from(whole.0);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
}

fn framed(visitor: Option<&Visitor>, flash: Option<&Flash>, page: &Page) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) " – Shift Access" }
                link rel="stylesheet" href=(statics::address("look.css"));
                link rel="icon" type="image/svg+xml" href=(statics::address("mark.svg"));
                script src=(statics::address("live.js")) defer {}
            }
            body {
                a .skip href="#content" { "Skip to the content" }
                header .top {
                    a .mark href=(ROOT) { "Shift Access" }
                    @if let Some(visitor) = visitor { (navigation(visitor, &page.place)) }
                }
                main #content tabindex="-1" {
                    @if let Some(flash) = flash { (told(flash)) }
                    (page.content)
                }
                footer { "Shift Access " (env!("CARGO_PKG_VERSION")) }
            }
        }
    }
}

fn navigation(visitor: &Visitor, place: &str) -> Markup {
    let places = PLACES.iter().filter(|(_, _, least)| visitor.is(*least));
    html! {
        nav aria-label="Main" {
            ul {
                @for (path, name, _) in places {
                    li { a href=(path) aria-current=[(*path == place).then_some("page")] { (name) } }
                }
            }
        }
        div .who {
            a href="/console/account" { (said(&visitor.name)) ", " (visitor.role) }
            form method="post" action="/console/sign-out" {
                (visitor.form_token())
                button .plain type="submit" { "Sign out" }
            }
        }
    }
}

fn told(flash: &Flash) -> Markup {
    html! {
        p .flash .warns[flash.warns] role=(if flash.warns { "alert" } else { "status" }) {
            strong { (if flash.warns { "Note: " } else { "Done: " }) }
            (said(&flash.text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "\"><script>alert(1)</script>\u{202e}'";
        let page = Page::new(hostile, ROOT, html! { p { (said(hostile)) } });
        let flash = Flash { text: hostile.to_owned(), warns: true };
        let whole = framed(Some(&Visitor::for_tests(Role::Viewer)), Some(&flash), &page).0;
        assert!(!whole.contains("<script>alert") && whole.contains("&lt;script&gt;alert(1)"), "{whole}");
        assert_eq!(whole.matches("<script").count(), 1, "the one of our own");
    }

    #[test]
    fn who_may_not_go_somewhere_is_not_shown_the_way() {
        let page = Page::new("Overview", ROOT, html! {});
        let seen = |role| framed(Some(&Visitor::for_tests(role)), None, &page).0;
        assert!(!seen(Role::Operator).contains("/console/people") && seen(Role::Administrator).contains("/console/people"));
        assert!(seen(Role::Viewer).contains("<a href=\"/console\" aria-current=\"page\">Overview</a>"));
        assert!(!framed(None, None, &page).0.contains("<nav"));
    }

    #[test]
    fn no_secret_of_a_session_is_in_a_page() {
        let visitor = Visitor::for_tests(Role::Administrator);
        let whole = framed(Some(&visitor), None, &Page::new("Overview", ROOT, html! {})).0;
        assert!(!whole.contains(visitor.session.text()) && !whole.contains(&visitor.session.digest()));
    }
}
