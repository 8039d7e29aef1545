//! The console in a real browser: Chromium, driven over WebDriver by the driver that comes with it.
//!
//! Both are Debian's packages `chromium` and `chromium-driver`; the variables `CHROMIUM` and `CHROMEDRIVER` name others. Where
//! there is none these tests fail and say what to do; `WITHOUT_CHROMIUM=1` leaves them out.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use url::{ParseError, Url};

use super::npm;

mod keyboard;
mod pages;
mod steps;

/// How long the driver may take to start, and a page to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether a page shows what is waited for.
const LOOK: Duration = Duration::from_millis(50);
/// What the driver says once it listens.
const LISTENS: &str = "started successfully on port ";
/// What of a page is in a picture, at most, in CSS pixels.
const HIGHEST: u64 = 2_000;
/// How wide the browser is.
const WIDTH: u64 = 1_000;

const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

/// Light or dark, as the reader's system wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Light,
    Dark,
}

/// One browser with one page, at one site.
struct Chromium {
    client: Client,
    site: String,
    port: u16,
    /// The script of axe-core.
    axe: String,
    _driver: Child,
    _profile: TempDir,
}

/// A command that WebDriver has no words for and its driver has: the end of its path, and what is posted there.
#[derive(Debug)]
struct Own(&'static str, Value);

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!("session/{}/{}", session_id.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}

impl Chromium {
    /// Starts a browser for this site; none where these tests are left out.
    async fn at(site: &str) -> Option<Self> {
        if std::env::var_os("WITHOUT_CHROMIUM").is_some_and(|value| !value.is_empty()) {
            eprintln!("left out, as WITHOUT_CHROMIUM says");
            return None;
        }
        let (chromium, driver) = (program("CHROMIUM", "chromium"), program("CHROMEDRIVER", "chromedriver"));
        let axe = npm::brought("axe").await.join("node_modules/axe-core/axe.min.js");
        let mut driver =
            Command::new(driver).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = tokio::time::timeout(PATIENCE, port(&mut lines)).await.unwrap();
        // A driver whose words nobody reads would stand still once the pipe is full.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new".to_owned(),
            // Whoever runs tests in a container is root there, for whom the browser's own sandbox does not start.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--lang=en-US".to_owned(),
            format!("--window-size={WIDTH},800"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let wanted: Capabilities = serde_json::from_value(wanted).unwrap();
        let at = format!("http://127.0.0.1:{port}");
        let mut begun = ClientBuilder::new(HttpConnector::new());
        let client = tokio::time::timeout(PATIENCE, begun.capabilities(wanted).connect(&at)).await.unwrap().unwrap();
        let axe = std::fs::read_to_string(axe).unwrap();
        Some(Self { client, site: site.to_owned(), port, axe, _driver: driver, _profile: profile })
    }

    /// Opens a page of the site.
    async fn open(&self, path: &str) {
        let address = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.site) };
        self.client.goto(&address).await.unwrap();
    }

    /// Where it is, without the site.
    async fn place(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.site).unwrap_or(url.as_str()).to_owned()
    }

    /// Runs a script in the page.
    async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// What the page shows as text.
    async fn text(&self) -> String {
        // A page that is just being exchanged has no body, or cannot be asked.
        let text = self.client.execute("return document.body ? document.body.innerText : '';", Vec::new()).await;
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits until the page shows this, and gives all that it shows then.
    async fn shows(&self, wanted: &str) -> String {
        self.shows_within(wanted, PATIENCE).await
    }

    /// The same for what takes as long as this.
    async fn shows_within(&self, wanted: &str, bound: Duration) -> String {
        let start = Instant::now();
        loop {
            let text = self.text().await;
            if text.contains(wanted) {
                return text;
            }
            assert!(start.elapsed() < bound, "{} does not show {wanted:?}, but:\n{text}", self.place().await);
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn find(&self, locator: Locator<'_>) -> Element {
        let found = self.client.wait().at_most(PATIENCE).every(LOOK).for_element(locator).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("{} has no {locator:?}: {error}\n{}", self.place().await, self.text().await),
        }
    }

    /// The field with this label.
    async fn field(&self, label: &str) -> Element {
        let label = format!("//label[normalize-space()='{label}' or starts-with(normalize-space(), '{label} (')]");
        self.find(Locator::XPath(&format!("//*[@id={label}/@for]"))).await
    }

    /// Writes into the field with this label.
    async fn fill_in(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Ticks the box, or chooses the dot, with this label.
    async fn tick(&self, label: &str) {
        self.find(Locator::XPath(&format!("//label[starts-with(normalize-space(), '{label}')]"))).await.click().await.unwrap();
    }

    /// Presses the button, or follows the link, that says this.
    async fn press(&self, says: &str) {
        self.press_in("//body", says).await;
    }

    /// The same within what is found so.
    async fn press_in(&self, within: &str, says: &str) {
        let what = format!("{within}//*[self::button or self::a or self::summary][normalize-space()=\"{says}\"]");
        self.find(Locator::XPath(&what)).await.click().await.unwrap();
    }

    /// Signs in on the page for it.
    async fn sign_in(&self, name: &str, password: &str) {
        self.open("/console/sign-in").await;
        self.fill_in("Name", name).await;
        self.fill_in("Password", password).await;
        self.press("Sign in").await;
        self.shows("Sign out").await;
    }

    /// Presses these keys, one after the other, wherever the keyboard is.
    async fn keys(&self, keys: impl IntoIterator<Item = char>) {
        let pressed = keys.into_iter().fold(KeyActions::new("keyboard".to_owned()), |actions, key| {
            actions.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key })
        });
        self.client.perform_actions(pressed).await.unwrap();
    }

    /// What the browser complained about since it was asked last: scripts that fail, and what the page's own policy forbids.
    async fn complaints(&self) -> Vec<String> {
        let entries = self.client.issue_cmd(Own("se/log", json!({ "type": "browser" }))).await.unwrap();
        // That a page is answered with 404 is told as well, by the source `network`; and advice, at lower levels.
        let is_bad = |entry: &&Value| entry["source"] != "network" && (entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        let bad = entries.as_array().unwrap().iter().filter(is_bad);
        bad.map(|entry| entry["message"].to_string()).collect()
    }

    async fn cdp(&self, command: &str, parameters: Value) -> Value {
        self.client.issue_cmd(Own("goog/cdp/execute", json!({ "cmd": command, "params": parameters }))).await.unwrap()
    }

    /// Shows pages as readers with this scheme see them.
    async fn prefer(&self, scheme: Scheme) {
        let value = if scheme == Scheme::Dark { "dark" } else { "light" };
        // A colour that is on its way to another one is neither.
        let still = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        let features = json!([{ "name": "prefers-color-scheme", "value": value }, still]);
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// What axe-core finds on the page: each thing as its rule, what helps, and where.
    async fn violations(&self) -> Vec<String> {
        let wait = "const done = arguments[arguments.length - 1]; axe.run({ resultTypes: ['violations'] }).then(done, (error) => done(String(error)));";
        self.client.execute(&format!("if (!window.axe) {{ {}; }}", self.axe), Vec::new()).await.unwrap();
        let found = self.client.execute_async(wait, Vec::new()).await.unwrap();
        let violations = found["violations"].as_array().unwrap_or_else(|| panic!("axe-core: {found}"));
        violations.iter().map(told).collect()
    }

    /// Keeps a picture of the page as a file of this name beside what the build made.
    async fn picture(&self, name: &str) {
        let high = self.script("return document.documentElement.scrollHeight;").await.as_u64().unwrap().min(HIGHEST);
        let clip = json!({ "x": 0, "y": 0, "width": WIDTH, "height": high, "scale": 0.8 });
        let shot = self
            .cdp("Page.captureScreenshot", json!({ "format": "webp", "quality": 60, "captureBeyondViewport": true, "clip": clip }))
            .await;
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(pictures().join(format!("{name}.webp")), bytes).unwrap();
    }
}

impl Drop for Chromium {
    /// The driver is asked to end, and the browser with it, before what is left of the driver is killed.
    fn drop(&mut self) {
        use std::io::{Read, Write};
        let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", self.port)) else { return };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
        let _ = stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// The program that this variable names, or the one of this name on the path.
fn program(variable: &str, name: &str) -> PathBuf {
    if let Some(named) = std::env::var_os(variable).filter(|named| !named.is_empty()) {
        return PathBuf::from(named);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "there is no {name} here: `apt-get install chromium chromium-driver`, or name them in the variables CHROMIUM and CHROMEDRIVER; \
             WITHOUT_CHROMIUM=1 leaves out what is tried in a browser"
        )
    })
}

async fn port(lines: &mut Lines<BufReader<ChildStdout>>) -> u16 {
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once(LISTENS) {
            return port.trim_end_matches('.').parse().unwrap();
        }
    }
    panic!("chromedriver ended before it listened");
}

fn told(violation: &Value) -> String {
    let places: Vec<_> = violation["nodes"].as_array().unwrap().iter().filter_map(|node| node["html"].as_str()).collect();
    format!("{}: {} at {}", violation["id"], violation["help"], places.join(" and "))
}

/// Where the pictures go: beside what the build made.
fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
