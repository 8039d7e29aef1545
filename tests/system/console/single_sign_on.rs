//! Signing in with a provider of identities: `oidc-provider` from npm, run by node, as it comes.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use shift_access_tests::browser::{Browser, Seen};
use shift_access_tests::serving::Serving;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::npm::brought;
use super::{PASSWORD, Site};

const START: &str = "/console/sign-in/provider";
const SECRET: &str = "a-secret-that-the-provider-gave-to-the-host";

/// The provider, while it runs. It ends with its stdin.
struct Provider {
    issuer: String,
    _stdin: ChildStdin,
    /// It writes to nobody if this is gone, and ends.
    _stdout: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Provider {
    /// With these people, who come back to this host.
    async fn start(host: &str, accounts: &Value, in_token: bool) -> Self {
        let mut child = Command::new("node")
            .arg("provider.mjs")
            .current_dir(brought("provider").await)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let back = format!("{host}/console/sign-in/return");
        let told = json!({ "client": { "id": "shift-access", "secret": SECRET, "back": back }, "accounts": accounts, "inToken": in_token });
        stdin.write_all(format!("{told}\n").as_bytes()).await.unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let issuer = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await.unwrap().unwrap().unwrap();
        Self { issuer, _stdin: stdin, _stdout: lines, _child: child }
    }

    /// The lines of the configuration that lead here.
    fn config(&self) -> String {
        format!(
            "[console.oidc]\nissuer = \"{}\"\nclient-id = \"shift-access\"\nclient-secret = \"{SECRET}\"\nscopes = [\"groups\"]\nname = \"Sign in with Acme\"\n\
             roles = {{ \"admins\" = \"administrator\", \"desk\" = \"viewer\" }}\n",
            self.issuer
        )
    }

    /// Signs somebody in at the provider, who comes from this address; gives where the provider leads back to.
    async fn sign_in(&self, from: &str, login: &str) -> String {
        let mut browser = Browser::at(&self.issuer).unwrap();
        let mut seen = browser.open(from).await.unwrap();
        for _ in 0..20 {
            if seen.status == 303 || seen.status == 302 {
                let to = seen.location().to_owned();
                if to.contains("/console/sign-in/return") {
                    return to;
                }
                seen = browser.open(&to).await.unwrap();
                continue;
            }
            assert_eq!(seen.status, 200, "{}", seen.text);
            let action = seen
                .text
                .split("action=\"")
                .nth(1)
                .unwrap_or_else(|| panic!("no form: {}", seen.text))
                .split('"')
                .next()
                .unwrap()
                .to_owned();
            let prompt = seen.value("prompt").unwrap().to_owned();
            let fields = [("prompt", prompt.as_str()), ("login", login), ("password", "any")];
            let request = browser.request(reqwest::Method::POST, &action);
            seen = browser.send(shift_access_tests::browser::form(request, &fields)).await.unwrap();
        }
        panic!("the provider leads nowhere: {} {}", seen.status, seen.text);
    }
}

/// The console with people, and a provider that it knows.
async fn site(accounts: Value, in_token: bool) -> (Site, Provider) {
    let site = Site::with_people().await;
    let provider = Provider::start(site.serving.url(), &accounts, in_token).await;
    take_over(&site, &provider.config()).await;
    (site, provider)
}

/// Adds lines to the configuration of the running program.
async fn take_over(site: &Site, lines: &str) {
    site.stage.configure_more(lines).unwrap();
    let passed = site.serving.said().len();
    site.serving.signal("HUP").await.unwrap();
    site.serving.says("the configuration was read again;", passed).await.unwrap();
}

/// Signs somebody in through the provider, and gives what the console says to it.
async fn through(browser: &mut Browser, provider: &Provider, login: &str, next: &str) -> Seen {
    let there = browser.open(&format!("{START}?next={next}")).await.unwrap();
    assert_eq!(there.status, 303, "{}", there.text);
    let back = provider.sign_in(there.location(), login).await;
    browser.open(&back).await.unwrap()
}

#[tokio::test]
async fn who_has_a_role_at_the_provider_is_let_in_with_it_wherever_the_provider_tells() {
    for in_token in [true, false] {
        let accounts = json!({
            "7": { "preferred_username": "maria", "email": "maria@acme.example", "groups": ["all", "desk"] },
            "8": { "preferred_username": "Bo Ek", "email": "bo@acme.example", "groups": ["desk", "admins"] },
        });
        let (site, provider) = site(accounts, in_token).await;
        let mut maria = site.browser();
        let page = maria.open("/console/sign-in?next=%2Fconsole%2Faccount").await.unwrap().text;
        assert!(page.contains("Sign in with Acme") && page.contains("/console/sign-in/provider?next=%2Fconsole%2Faccount"), "{page}");
        let seen = through(&mut maria, &provider, "7", "/console/account").await;
        assert_eq!((seen.status, seen.location()), (303, "/console/account"), "{}", seen.text);
        let account = maria.open("/console/account").await.unwrap().text;
        assert!(account.contains("maria") && account.contains("viewer") && account.contains("have no password here"), "{account}");
        assert_eq!(maria.open("/console/people").await.unwrap().status, 403);

        let mut bo = site.browser();
        assert_eq!(through(&mut bo, &provider, "8", "//evil.example").await.location(), "/console", "nobody is led elsewhere");
        let people = bo.open("/console/people").await.unwrap().text;
        assert!(people.contains("bo@acme.example") && people.contains(&provider.issuer), "the name that can be one: {people}");
        let kept = site.stage.run(&["user", "list", "--json"]).await.unwrap();
        assert!(kept.out.contains(&provider.issuer) && !site.serving.said().join("\n").contains(SECRET), "{}", kept.out);
    }
}

#[tokio::test]
async fn nobody_without_a_role_gets_in_and_is_told_so() {
    let accounts = json!({ "7": { "preferred_username": "<b>maria", "groups": ["all"] }, "8": { "preferred_username": "bo" } });
    let (site, provider) = site(accounts, true).await;
    for login in ["7", "8"] {
        let mut browser = site.browser();
        let seen = through(&mut browser, &provider, login, "/console").await;
        assert_eq!(seen.status, 403);
        assert!(seen.text.contains("nothing that it says of you gives you a role here") && seen.text.contains("groups"), "{}", seen.text);
        assert!(!seen.text.contains("<b>maria"), "{}", seen.text);
        assert!(browser.open("/console").await.unwrap().location().starts_with("/console/sign-in"));
    }
    let kept = site.stage.run(&["user", "list", "--json"]).await.unwrap();
    assert_eq!(kept.json_lines().unwrap().len(), 3, "nobody was added: {}", kept.out);
}

#[tokio::test]
async fn nobody_takes_the_name_of_somebody_else() {
    let accounts = json!({
        "7": { "preferred_username": "Administrator", "groups": ["admins"] },
        "8": { "preferred_username": "maria", "groups": ["desk"] },
        "9": { "preferred_username": "Maria", "groups": ["admins"] },
    });
    let (site, provider) = site(accounts, true).await;
    let seen = through(&mut site.browser(), &provider, "7", "/console").await;
    assert!(seen.status == 409 && seen.text.contains("who signs in another way"), "{} {}", seen.status, seen.text);
    assert_eq!(through(&mut site.browser(), &provider, "8", "/console").await.status, 303);
    assert_eq!(through(&mut site.browser(), &provider, "9", "/console").await.status, 409);
    let password = site.stage.run_told(&["user", "password", "maria", "--password-stdin"], &format!("{PASSWORD}\n")).await.unwrap();
    assert!(password.code == Some(1) && password.err.contains("signs in elsewhere"), "{}", password.err);
}

#[tokio::test]
async fn a_code_is_good_once_and_only_in_the_browser_that_went_for_it() {
    let accounts = json!({ "7": { "preferred_username": "maria", "groups": ["desk"] } });
    let (site, provider) = site(accounts, true).await;
    let mut maria = site.browser();
    let there = maria.open(START).await.unwrap();
    for part in ["code_challenge_method=S256", "code_challenge=", "state=", "nonce=", "response_type=code"] {
        assert!(there.location().contains(part), "{part}: {}", there.location());
    }
    // Somebody has the victim's browser come back with a code of their own.
    let back = provider.sign_in(there.location(), "7").await;
    let mut victim = site.browser();
    victim.open("/console/sign-in").await.unwrap();
    let seen = victim.open(&back).await.unwrap();
    assert!(seen.status == 410 && seen.text.contains("in another browser"), "{} {}", seen.status, seen.text);
    assert!(victim.open("/console").await.unwrap().location().starts_with("/console/sign-in"));
    // Nor does it help that the victim is on the way too, or has the state from somewhere.
    victim.open(START).await.unwrap();
    assert_eq!(victim.open(&back).await.unwrap().status, 410);
    let way = maria.cookies()["shift-access-way"].clone();
    victim.cookies().insert("shift-access-way".to_owned(), way);
    assert_eq!(victim.open(&back).await.unwrap().status, 502, "what the provider signed was for another browser");

    let there = maria.open(START).await.unwrap();
    let back = provider.sign_in(there.location(), "7").await;
    assert_eq!(maria.open(&back).await.unwrap().status, 303);
    assert_eq!(maria.open(&back).await.unwrap().status, 410, "once");
    for made_up in ["", "?state=x&code=y", "?code=y", "?error=access_denied"] {
        let seen = site.browser().open(&format!("/console/sign-in/return{made_up}")).await.unwrap();
        assert!(seen.status == 410 && seen.text.contains("Begin again"), "{made_up}: {}", seen.text);
    }
}

#[tokio::test]
async fn what_the_provider_says_instead_of_a_code_is_told_as_text() {
    let (site, _provider) = site(json!({}), true).await;
    let mut browser = site.browser();
    let there = browser.open(START).await.unwrap();
    let state = there.location().split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let back = format!("/console/sign-in/return?state={state}&error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E");
    let seen = browser.open(&back).await.unwrap();
    assert!(seen.status == 403 && seen.text.contains("access_denied: &lt;script&gt;") && !seen.text.contains("<script>"), "{}", seen.text);
}

#[tokio::test]
async fn another_role_at_the_provider_holds_from_the_next_sign_in_and_ends_the_sessions_before() {
    let accounts = json!({ "7": { "preferred_username": "maria", "groups": ["desk"] } });
    let (site, provider) = site(accounts, true).await;
    let mut before = site.browser();
    through(&mut before, &provider, "7", "/console").await;
    assert_eq!(before.open("/console/people").await.unwrap().status, 403);
    let text = std::fs::read_to_string(site.stage.config()).unwrap();
    std::fs::write(site.stage.config(), text.replace("\"desk\" = \"viewer\"", "\"desk\" = \"administrator\"")).unwrap();
    take_over(&site, "").await;
    let mut after = site.browser();
    through(&mut after, &provider, "7", "/console").await;
    assert_eq!(after.open("/console/people").await.unwrap().status, 200);
    assert_eq!(before.open("/console").await.unwrap().status, 303);
}

#[tokio::test]
async fn without_the_provider_people_sign_in_with_their_passwords_and_the_page_says_why() {
    let (site, provider) = site(json!({}), true).await;
    let issuer = provider.issuer.clone();
    let mut child = provider._child;
    child.kill().await.unwrap();
    let seen = site.browser().open(START).await.unwrap();
    assert!(seen.status == 502 && seen.text.contains("The provider does not answer."), "{}", seen.text);
    assert!(!seen.text.contains(&issuer) && site.serving.said().join("\n").contains(&issuer), "the log says more");
    site.browser().sign_in("viewer", PASSWORD).await.unwrap();

    let plain = crate::demo().await.unwrap();
    let serving = Serving::start(&plain).await.unwrap();
    let mut browser = Browser::at(serving.url()).unwrap();
    assert_eq!(browser.open(START).await.unwrap().status, 404);
    assert!(!browser.open("/console/sign-in").await.unwrap().text.contains(START));
}
