//! What stands around every page: who asks is found out once, nobody comes to a page without the role for it, nothing is posted from
//! elsewhere, and every answer has the headers that keep browsers strict.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use cookie::{Cookie, SameSite};
use tokio::time::Instant;
use tracing::Instrument;
use url::{Url, form_urlencoded};

use super::frame::{self, Done, Page, Session};
use super::people::Ticket;
use super::problem::Problem;
use super::routes::Access;
use super::visitor::{Arrival, FormToken, Visitor};
use super::{Console, ROOT, form, link};

/// The cookie of a session. Where it is not [`SECURE`], it is for this machine only.
const SESSION: &str = "shift-access";
/// The cookie behind the forms of who is not signed in.
const FORM: &str = "shift-access-form";
/// The cookie of who is on the way to a provider of identities.
const WAY: &str = "shift-access-way";
/// Where somebody signs in.
const WAY_IN: &str = "/console/sign-in";
/// The longest address that somebody is led back to after it.
const LONGEST_WAY_BACK: usize = 1_000;
/// Before the name of a cookie: no other host, no other path and no plain connection can have set it.
const SECURE: &str = "__Host-";

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// On every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Around every answer of the console.
pub(super) async fn around(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map(|path| Arc::from(path.as_str()));
    let method = request.method().clone();
    let jar = Jar::of(request.headers());
    let mut response = match arrive(&console, &jar, Sender::of(&request, console.site.console().behind_proxy)).await {
        _ if !console.site.console().enabled => Problem::not_found("The console is turned off in the configuration.").into_response(),
        Ok((arrival, secret)) => {
            let path = request.uri().path().to_owned();
            request.extensions_mut().insert(arrival.clone());
            let response = finished(&console, request, next).await;
            leave(&arrival, &path, &jar, &secret, response).await
        }
        Err(problem) => frame::alone(&problem),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    console.site.host().runner().metrics.answered(route, &method, response.status().as_u16(), began.elapsed());
    response
}

/// What answers. Who hangs up leaves no change half done, and none that is not written down.
async fn finished(console: &Console, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let done = console.life.tracker.spawn(next.run(request).in_current_span());
    done.await.unwrap_or_else(|error| Problem::internal(&error).into_response())
}

/// Before the handler of one route: whether this visitor may come, and whether a post is ours.
pub(super) async fn at(access: Access, request: Request, next: Next) -> Response {
    match admit(access, request).await {
        Ok(request) => next.run(request).await,
        Err(response) => *response,
    }
}

async fn admit(access: Access, request: Request) -> Result<Request, Box<Response>> {
    let refuse = |problem: Problem| Box::new(problem.into_response());
    let Some(arrival) = request.extensions().get::<Arrival>().cloned() else {
        return Err(refuse(Problem::internal(&"a page that is not guarded")));
    };
    if let Access::Least(least) = access {
        match &arrival.visitor {
            None => return Err(Box::new(show_the_way_in(&request))),
            Some(visitor) if !visitor.is(least) => return Err(refuse(Problem::forbidden(least))),
            Some(_) => {}
        }
    }
    if request.method().is_safe() {
        return Ok(request);
    }
    is_ours(&arrival, request.headers()).map_err(refuse)?;
    is_token_good(&arrival, request).await.map_err(refuse)
}

/// Who is not signed in and looks at a page is led to the way in, and comes back after it. What was posted cannot come back.
fn show_the_way_in(request: &Request) -> Response {
    if !request.method().is_safe() || streams(request) {
        return Problem::signed_out().into_response();
    }
    let wanted = request.uri().path_and_query().map_or("", |wanted| wanted.as_str());
    if wanted == ROOT || wanted.len() > LONGEST_WAY_BACK {
        return Redirect::to(WAY_IN).into_response();
    }
    Redirect::to(&link::with(WAY_IN, [("next", wanted)])).into_response()
}

/// Whether a browser says that the post comes from a page of this very site. Where it says in what relation the page stands to the
/// site, that decides: no page can forge it, and no proxy rewrites it. What says nothing of this is no browser of today, and has to
/// know the token all the same.
fn is_ours(arrival: &Arrival, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let ours = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => is_own_origin(arrival, headers, origin),
        (None, None) => true,
    };
    if ours { Ok(()) } else { Err(Problem::elsewhere("The browser says that another site sent this form, so nothing was done.")) }
}

fn is_own_origin(arrival: &Arrival, headers: &HeaderMap, origin: &str) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    if arrival.console.site.console().address.as_ref().is_some_and(|own| own.origin() == origin.origin()) {
        return true;
    }
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    // Compared with the same scheme, so that a port which goes without saying is the same one.
    Url::parse(&format!("{}://{host}", origin.scheme())).is_ok_and(|own| own.origin() == origin.origin())
}

/// Whether the form holds the token that it was made with. The body is handed on as it came.
async fn is_token_good(arrival: &Arrival, request: Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let too_large =
        |_| Problem { status: StatusCode::PAYLOAD_TOO_LARGE, ..Problem::bad_request("The form is too large.", "Send less at once.") };
    let bytes = to_bytes(body, form::LONGEST).await.map_err(too_large)?;
    let good = form_urlencoded::parse(&bytes).find(|(name, _)| name == form::TOKEN).is_some_and(|(_, shown)| arrival.csrf.is(&shown));
    match (arrival.known, good) {
        (true, true) => Ok(Request::from_parts(parts, Body::from(bytes))),
        (true, false) => Err(Problem::elsewhere("The form was not made for this session, or is too old, so nothing was done.")),
        (false, _) => Err(Problem::elsewhere("The browser sent back no cookie, so nothing was done.")),
    }
}

/// Where a request comes from, and how.
struct Sender {
    address: IpAddr,
    /// A page asks by itself, and nobody presses anything: that does not keep a session alive.
    streams: bool,
}

impl Sender {
    fn of(request: &Request, behind_proxy: bool) -> Self {
        Self { address: address(request, behind_proxy), streams: streams(request) }
    }
}

fn streams(request: &Request) -> bool {
    request.headers().get(header::ACCEPT).is_some_and(|media| media.as_bytes().starts_with(b"text/event-stream"))
}

/// Finds out who asks.
async fn arrive(console: &Console, jar: &Jar, from: Sender) -> Result<(Arrival, Option<Ticket>), Problem> {
    let Sender { address, streams } = from;
    if let Some(ticket) = jar.ticket(SESSION)
        && let Some(found) = console.sessions.find(&ticket, console.rules(), !streams, console.now()).await?
    {
        let csrf = FormToken::of(&ticket);
        let user = found.user;
        let elsewhere = user.identity.is_some();
        let visitor = Some(Visitor { name: user.name, role: user.role, elsewhere, session: ticket, csrf: csrf.clone() });
        return Ok((Arrival { console: console.clone(), visitor, flash: found.flash, csrf, known: true, address }, None));
    }
    let (secret, known) = match jar.ticket(FORM) {
        Some(secret) => (secret, true),
        None => (Ticket::new()?, false),
    };
    let csrf = FormToken::of(&secret);
    Ok((Arrival { console: console.clone(), visitor: None, flash: None, csrf, known, address }, (!known).then_some(secret)))
}

/// Puts what a handler answered into the frame, and sees to what it said about the session.
async fn leave(arrival: &Arrival, path: &str, jar: &Jar, secret: &Option<Ticket>, mut response: Response) -> Response {
    let sessions = &arrival.console.sessions;
    if let Some(page) = response.extensions_mut().remove::<Page>() {
        if let (Some(_), Some(visitor)) = (&arrival.flash, &arrival.visitor)
            && let Err(error) = sessions.say(&visitor.session, None).await
        {
            tracing::warn!(%error, "a page will say the same again");
        }
        frame::put(arrival, &page, &mut response);
    } else if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        frame::put(arrival, &Page::of_problem(&problem, path), &mut response);
    } else if let Some(done) = response.extensions_mut().remove::<Done>() {
        let session = match &done.session {
            Session::Begins(ticket) => Some(ticket),
            Session::Stays => arrival.visitor.as_ref().map(|visitor| &visitor.session),
            Session::Ends => None,
        };
        if let (Some(ticket), Some(flash)) = (session, &done.flash)
            && let Err(error) = sessions.say(ticket, Some(flash.clone())).await
        {
            tracing::warn!(%error, "what was done cannot be told on the next page");
        }
        match &done.session {
            Session::Begins(ticket) => {
                jar.set(&mut response, SESSION, Some(ticket.text()));
                jar.set(&mut response, FORM, None);
            }
            Session::Ends => jar.set(&mut response, SESSION, None),
            Session::Stays => {}
        }
        return response;
    } else if is_unsaid(&response) {
        // What was refused before a handler came to it, such as an address that cannot be read.
        let problem = Problem {
            status: response.status(),
            ..Problem::bad_request("The address or the form is not right.", "Begin at the overview.")
        };
        frame::put(arrival, &Page::of_problem(&problem, path), &mut response);
    } else if !response.status().is_redirection() {
        return response;
    }
    if let Some(secret) = secret {
        jar.set(&mut response, FORM, Some(secret.text()));
    }
    response
}

/// Whether it is an error that nobody has put into words for people.
fn is_unsaid(response: &Response) -> bool {
    response.status().is_client_error() || response.status().is_server_error()
}

/// Where the person asks from. What a proxy says is taken for true only where the configuration says that there is one: then the last
/// entry is the proxy's own.
fn address(request: &Request, behind_proxy: bool) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let told = request.headers().get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let told = told.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
    told.filter(|_| behind_proxy).unwrap_or(peer)
}

/// The cookies that came, and how those that go are to be.
struct Jar {
    came: Vec<(String, String)>,
    secure: bool,
}

impl Jar {
    fn of(headers: &HeaderMap) -> Self {
        let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies = texts.flat_map(Cookie::split_parse).filter_map(Result::ok);
        let came = cookies.map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned())).collect();
        Self { came, secure: !is_plain_loopback(headers) }
    }

    fn ticket(&self, name: &str) -> Option<Ticket> {
        self.value(name).and_then(Ticket::shown)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let name = self.name(name);
        self.came.iter().find(|(came, _)| *came == name).map(|(_, value)| value.as_str())
    }

    /// Sets a cookie for as long as the browser runs, or takes it back.
    fn set(&self, response: &mut Response, name: &str, value: Option<&str>) {
        let mut cookie = Cookie::build((self.name(name), value.unwrap_or_default().to_owned()))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .build();
        if value.is_none() {
            cookie.make_removal();
        }
        if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }

    fn name(&self, name: &str) -> String {
        if self.secure { format!("{SECURE}{name}") } else { name.to_owned() }
    }
}

/// What the browser keeps while somebody is on the way to a provider of identities.
pub(super) fn way(headers: &HeaderMap) -> Option<String> {
    Jar::of(headers).value(WAY).map(str::to_owned)
}

/// Has the browser keep that, or forget it. `headers` are those of the request.
pub(super) fn keep_way(headers: &HeaderMap, response: &mut Response, way: Option<&str>) {
    Jar::of(headers).set(response, WAY, way);
}

/// Whether the address asked for is this very machine's, in the clear: then a cookie that wants https would never come back.
fn is_plain_loopback(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let proxied = text("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    let host = text("host").and_then(|host| Url::parse(&format!("http://{host}")).ok());
    !proxied && host.is_some_and(|url| crate::config::is_loopback(&url))
}

/// Whether it is safe to be led there after signing in: a page of the console, and nothing else.
pub(super) fn is_own_page(path: &str) -> bool {
    let below = path.strip_prefix(ROOT);
    below.is_some_and(|below| below.is_empty() || below.starts_with(['/', '?']))
        && !path.contains("//")
        && !path.contains("..")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}
