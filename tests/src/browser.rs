//! A browser without a window: it keeps cookies, fills in forms, and says of a post where it comes from, as browsers do. It runs no
//! script and follows no redirect unless told to.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};

/// A page that takes longer never comes, and one that is live is followed for so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// The name of the hidden field that every form of the console holds.
pub const TOKEN: &str = "form-token";

/// One person's browser, at one site.
#[derive(Debug, Clone)]
pub struct Browser {
    client: Client,
    url: String,
    cookies: BTreeMap<String, String>,
}

/// What a site answered.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Seen {
    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Where it leads to.
    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    /// The token of the first form in the page.
    pub fn token(&self) -> Option<&str> {
        self.value(TOKEN)
    }

    /// The value of the first hidden field of this name.
    pub fn value(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(&format!("name=\"{name}\" value=\""))?;
        rest.split_once('"').map(|(value, _)| value)
    }
}

impl Browser {
    /// A browser that was never there before.
    ///
    /// # Errors
    /// When there can be no HTTP client here.
    pub fn at(url: &str) -> Result<Self> {
        crate::tls();
        let client = Client::builder().redirect(Policy::none()).timeout(PATIENCE).build()?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), cookies: BTreeMap::new() })
    }

    /// The cookies it holds.
    pub fn cookies(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.cookies
    }

    /// Begins a request with the cookies; a path, or a whole address of the same site.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let address = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let request = self.client.request(method, address);
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) }
    }

    /// Sends a request and keeps the cookies that come.
    ///
    /// # Errors
    /// When nothing is answered.
    pub async fn send(&mut self, request: RequestBuilder) -> Result<Seen> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for value in headers.get_all(SET_COOKIE) {
            let text = value.to_str()?;
            let (name, rest) = text.split_once('=').context("a cookie without a value")?;
            let value = rest.split(';').next().unwrap_or_default();
            match text.contains("Max-Age=0") {
                true => drop(self.cookies.remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        Ok(Seen { status, headers, text: response.text().await? })
    }

    /// Opens a page.
    ///
    /// # Errors
    /// When nothing is answered.
    pub async fn open(&mut self, path: &str) -> Result<Seen> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Posts fields as they are, saying that they come from a page of the same site.
    ///
    /// # Errors
    /// When nothing is answered.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Seen> {
        let request = self.request(Method::POST, path).header("sec-fetch-site", "same-origin").header("origin", "null");
        self.send(form(request, fields)).await
    }

    /// Opens a page, and posts these fields with the token of its form to a path.
    ///
    /// # Errors
    /// When nothing is answered, or the page has no form.
    pub async fn fill_in(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> Result<Seen> {
        let seen = self.open(page).await?;
        let token = seen.token().with_context(|| format!("{page} has no form: {} {}", seen.status, seen.text))?.to_owned();
        self.post(path, &[&[(TOKEN, token.as_str())], fields].concat()).await
    }

    /// Signs in to the console.
    ///
    /// # Errors
    /// When the console does not let the person in.
    pub async fn sign_in(&mut self, name: &str, password: &str) -> Result<()> {
        let seen = self.fill_in("/console/sign-in", "/console/sign-in", &[("name", name), ("password", password)]).await?;
        ensure!(seen.status == 303, "{name} is not let in: {} {}", seen.status, seen.text);
        Ok(())
    }
}

/// A request with these fields as its body.
pub fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}
