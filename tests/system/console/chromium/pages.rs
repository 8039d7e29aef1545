//! Every page of the console as somebody uses it who sees little, has no mouse, or a small telephone.
//!
//! The pages come from the console's own table of routes, with real data in them, so none is forgotten; to them come the pages
//! that answer a form with what is wrong in it. Of each: axe-core finds nothing in light or dark, the keyboard comes to everything
//! in the order of the page and shows where it is, and 360 pixels are enough.

use std::fs;

use serde_json::json;
use shift_access::console::table;
use shift_access_tests::fault::{Fault, Gate};
use shift_access_tests::hook::listener;
use shift_access_tests::ukg::TIMECARD_PATH;

use super::super::{PASSWORD, Site};
use super::{Chromium, Scheme, TAB};
use crate::demo;

/// The narrowest screen that a page is to fit on, in CSS pixels.
const NARROW: u64 = 360;

/// The tenant of the file, one that is kept in the store, and a draft.
const FILE: &str = "acme";
const STORE: &str = "shop";
const DRAFT: &str = "fresh";

/// A site where everything has happened that a page can tell of.
struct Lived {
    site: Site,
    /// The newest run of the file's tenant, which failed, and one before it, which went well.
    runs: [String; 2],
    letter: String,
    welcome: String,
}

impl Lived {
    async fn new() -> Self {
        let stage = demo().await.unwrap();
        stage.configure_more(&listener()).unwrap();
        let (_, tenant) = stage.parts().unwrap();
        stage.configure_more(stage.make_key().await.unwrap()).unwrap();
        let schedule = format!("[[tenants.{STORE}.schedules]]\njob = \"batch\"\nevery-minutes = 720\nzone = \"UTC\"\n");
        let kept = format!("{}\n{schedule}", tenant.replace("tenants.acme", &format!("tenants.{STORE}")));
        let draft = format!(
            "[tenants.{DRAFT}]\nenvironment = \"TEST\"\n\n[tenants.{DRAFT}.connections.kronos]\nurl = \"https://x.prd.mykronos.com\"\n"
        );
        for (name, text, more) in [("kept.toml", kept, None), ("draft.toml", draft, Some("--draft"))] {
            let file = stage.folder().join(name);
            fs::write(&file, text).unwrap();
            let args: Vec<_> = ["apply", file.to_str().unwrap()].into_iter().chain(more).collect();
            let applied = stage.run(&args).await.unwrap();
            assert_eq!(applied.code, Some(0), "{}{}", applied.out, applied.err);
        }
        for tenant in [FILE, STORE] {
            stage.run(&["run", tenant, "batch"]).await.unwrap();
        }
        stage.ukg.faults().add(Fault::everywhere().status(403));
        stage.run(&["run", FILE, "test-connection"]).await.unwrap();
        stage.ukg.faults().clear();
        let runs = stage.run(&["history", FILE, "--json"]).await.unwrap().json_lines().unwrap();
        let run = |at: usize| runs[at]["run"].as_str().unwrap().to_owned();
        let runs = [run(0), run(1)];

        let site = Site::of(stage).await;
        let link = site.stage.run(&["user", "add", "new", "--role", "viewer", "--link"]).await.unwrap();
        let welcome = link.out.split_whitespace().find(|word| word.contains("/console/welcome/")).unwrap_or_default();
        let welcome = welcome.rsplit('/').next().unwrap().to_owned();
        assert!(!welcome.is_empty(), "{}{}", link.out, link.err);
        let letter = site.bad_event("<script>alert(1)</script>").await;
        Self { site, runs, letter, welcome }
    }

    /// The pages of one route, with what its path names filled in.
    fn pages(&self, path: &str) -> Vec<String> {
        let many = |part: &str, values: &[&str]| values.iter().map(|value| path.replace(part, value)).collect::<Vec<_>>();
        let of_tenants = |tenants: &[&str], part: &str, values: &[&str]| {
            tenants.iter().flat_map(|tenant| many(part, values).into_iter().map(move |path| path.replace("{tenant}", tenant))).collect()
        };
        match path.rsplit('/').next().unwrap() {
            "{*rest}" => many("{*rest}", &["nowhere/at/all"]),
            "{link}" => many("{link}", &[&self.welcome, "made-up"]),
            "{name}" => many("{name}", &["viewer", "nobody"]),
            "{connection}" => of_tenants(&[FILE, STORE, DRAFT], "{connection}", &["kronos", "workspace-one", "kronos?checked=yes"]),
            "{run}" => of_tenants(&[FILE], "{run}", &[&self.runs[0], &self.runs[1], "made-up"]),
            "{user}" => of_tenants(&[FILE, STORE], "{user}", &["kmensah", "nobody"]),
            "{letter}" => of_tenants(&[FILE], "{letter}", &[&self.letter]),
            "settings" | "mail-server" | "versions" => of_tenants(&[FILE, STORE, DRAFT], "", &[""]),
            "properties" => of_tenants(&[FILE, STORE, DRAFT], "properties", &["properties", "properties?checked=yes"]),
            "{tenant}" | "run" => of_tenants(&[FILE, STORE, DRAFT, "nobody"], "", &[""]),
            "schedule" => of_tenants(&[FILE, STORE], "schedule", &["schedule?job=batch", "schedule?index=0"]),
            "copy" => of_tenants(&[STORE], "copy", &["copy", "copy?to=other", "copy?to=fresh"]),
            "what-if" => {
                of_tenants(&[FILE, STORE], "what-if", &["what-if", "what-if?set.on-break=deny", "what-if?set.max-break-minutes=1"])
            }
            "workers" => of_tenants(&[FILE, STORE], "workers", &["workers", "workers?q=nobody"]),
            "history" => of_tenants(&[FILE, STORE], "history", &["history", "history?status=DISCARDED"]),
            "day" | "alerts" | "dead-letters" | "identities" => of_tenants(&[FILE, STORE], "", &[""]),
            "sign-in" => vec![path.to_owned(), format!("{path}?out=1")],
            _ => vec![path.to_owned()],
        }
    }

    /// Every page that is opened by its address.
    fn all(&self) -> Vec<String> {
        // A stream, a file to keep, and a picture are no pages.
        let is_page = |path: &str| !["/live/", "/static/", "/export"].iter().any(|part| path.contains(part));
        let routes = table().into_iter().filter(|route| route.method == "GET" && is_page(route.path));
        let pages: Vec<_> = routes.flat_map(|route| self.pages(route.path)).collect();
        for page in &pages {
            assert!(!page.contains('{'), "this test does not know what to put into {page}");
        }
        pages
    }
}

/// What is found on pages, each with where.
struct Findings<'a> {
    browser: &'a Chromium,
    found: Vec<String>,
    pages: usize,
}

/// Which elements the tabulator comes to, in the order of the page; of dots that belong together, one.
const STOPS: &str = "
    const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && e.tabIndex >= 0;
    const wanted = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]';
    const all = [...document.querySelectorAll(wanted)].filter(shown);
    const chosen = (e) => { const same = all.filter((o) => o.type === 'radio' && o.name === e.name && o.form === e.form); return same.find((o) => o.checked) ?? same[0]; };
    const stops = all.filter((e) => e.type !== 'radio' || chosen(e) === e);";

/// Notes every element that the keyboard comes to, and whether that shows.
const WATCH: &str = "
    window.visited = [];
    document.addEventListener('focusin', () => {
        const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
        const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
        visited.push([at, outlined && box.right > 0 && box.bottom > 0]);
    });
    return stops.length;";

/// What was visited, as places in the list of stops; -1 for what is none.
const VISITED: &str = "return visited.map(([at, seen]) => [stops.indexOf(at), seen, at.outerHTML.slice(0, 160)]);";

impl Findings<'_> {
    /// Looks at the page that is shown.
    async fn look(&mut self, what: &str) {
        self.pages += 1;
        let title = self.browser.client.title().await.unwrap();
        assert!(title.ends_with("– Shift Access"), "{what} is no page of the console: {title:?}");
        self.width(what).await;
        for scheme in [Scheme::Light, Scheme::Dark] {
            self.browser.prefer(scheme).await;
            let violations = self.browser.violations().await;
            self.found.extend(violations.into_iter().map(|violation| format!("{what} ({scheme:?}): {violation}")));
        }
        self.keyboard(what).await;
        self.found.extend(self.browser.complaints().await.into_iter().map(|complaint| format!("{what}: {complaint}")));
    }

    async fn width(&mut self, what: &str) {
        let narrow = json!({ "width": NARROW, "height": 740, "deviceScaleFactor": 1, "mobile": false });
        self.browser.cdp("Emulation.setDeviceMetricsOverride", narrow).await;
        let wide = "const beyond = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.wide, pre'));
            return [document.documentElement.scrollWidth, innerWidth, beyond.slice(-2).map((e) => e.outerHTML.slice(0, 160)).join(' and ')];";
        let wide = self.browser.script(wide).await;
        assert_eq!(wide[1], NARROW, "the browser is as narrow as it was told");
        if wide[0].as_u64().unwrap() > NARROW {
            self.found.push(format!("{what}: is {} wide on a screen of {NARROW}: {}", wide[0], wide[2]));
        }
        self.browser.cdp("Emulation.clearDeviceMetricsOverride", json!({})).await;
    }

    async fn keyboard(&mut self, what: &str) {
        let number = self.browser.script(&format!("{STOPS}{WATCH}")).await.as_u64().unwrap();
        // Some elements have stops of their own within, and at the end the keyboard leaves the page and comes back.
        self.browser.keys((0..number + 8).map(|_| TAB)).await;
        let visited = self.browser.script(&format!("{STOPS}{VISITED}")).await;
        let visited: Vec<(i64, bool, String)> = serde_json::from_value(visited).unwrap();
        for (_, _, element) in visited.iter().filter(|(_, seen, _)| !seen) {
            self.found.push(format!("{what}: where the keyboard is does not show at {element}"));
        }
        let mut order: Vec<_> = visited.iter().map(|(place, ..)| *place).filter(|place| *place >= 0).collect();
        order.dedup();
        order.truncate(usize::try_from(number).unwrap());
        // Where a page puts the keyboard into a field at first, it comes to what is before that at last.
        let first = order.first().copied().unwrap_or_default();
        let count = i64::try_from(number).unwrap();
        let expected: Vec<_> = (0..count).map(|step| (first + step) % count).collect();
        if order != expected {
            self.found.push(format!("{what}: the keyboard comes to {order:?} of {number}"));
        }
    }
}

#[tokio::test]
async fn every_page_is_of_use_to_everybody_in_light_and_dark_by_keyboard_and_on_a_small_screen() {
    let lived = Lived::new().await;
    let Some(browser) = Chromium::at(lived.site.serving.url()).await else { return };
    let mut findings = Findings { browser: &browser, found: Vec::new(), pages: 0 };
    for path in ["/console/sign-in", "/console/welcome/"] {
        // Before somebody is there.
        browser.open(&path.replace("welcome/", &format!("welcome/{}", lived.welcome))).await;
        findings.look(path).await;
    }
    browser.sign_in("administrator", PASSWORD).await;
    browser.open("/console/tenants/acme/identities").await;
    browser.press("Read both systems").await;
    browser.shows("matched").await;
    for page in lived.all() {
        browser.open(&page).await;
        findings.look(&page).await;
    }
    answers(&lived, &mut findings).await;
    browser.press("Sign out").await;
    browser.sign_in("viewer", PASSWORD).await;
    for page in ["", "/run", "/connections/kronos", "/properties", "/settings", "/versions", "/workers/kmensah", "/dead-letters"] {
        browser.open(&format!("/console/tenants/{STORE}{page}")).await;
        findings.look(&format!("{page}, seen by a viewer")).await;
    }
    assert!(findings.found.is_empty(), "{} findings on {} pages:\n{}", findings.found.len(), findings.pages, findings.found.join("\n"));
    eprintln!("{} pages", findings.pages);
}

/// What is looked for is found where it is: a page is spoilt in each way.
#[tokio::test]
async fn what_keeps_somebody_from_using_a_page_is_found() {
    let site = Site::with_people().await;
    let Some(browser) = Chromium::at(site.serving.url()).await else { return };
    let unseen =
        "const sheet = document.styleSheets[0]; sheet.insertRule(':focus-visible { outline: none !important; }', sheet.cssRules.length);";
    let trap =
        "document.querySelector('#password').addEventListener('keydown', (event) => { if (event.key === 'Tab') event.preventDefault(); });";
    for (spoils, found) in [
        ("", ""),
        ("document.querySelector('h1').style.color = '#ddd';", "color-contrast"),
        ("document.querySelector('label').remove();", "label"),
        ("document.querySelector('h1').style.width = '400px';", "wide on a screen of 360"),
        (unseen, "where the keyboard is does not show"),
        ("document.querySelector('.mark').tabIndex = 1;", "the keyboard comes to"),
        (trap, "the keyboard comes to"),
        ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">');", "Content Security Policy"),
    ] {
        browser.open("/console/sign-in").await;
        browser.script(spoils).await;
        let mut findings = Findings { browser: &browser, found: Vec::new(), pages: 0 };
        findings.look("spoilt").await;
        let told = findings.found.join("\n");
        assert!(told.contains(found) && told.is_empty() == found.is_empty(), "{spoils}: {told}");
    }
}

/// The pages that answer a form, and one that changes while somebody looks.
async fn answers(lived: &Lived, findings: &mut Findings<'_>) {
    let browser = findings.browser;
    let anyway = "document.querySelectorAll('form').forEach((form) => { form.noValidate = true; });";

    browser.open("/console/install").await;
    browser.tick("TEST").await;
    browser.fill_in("Name of the tenant", FILE).await;
    browser.press("INSTALL").await;
    browser.shows("there is a tenant of this name already").await;
    findings.look("a name that is taken").await;

    browser.open("/console/tenants/shop/properties").await;
    browser.script(anyway).await;
    browser.fill_in("Interval", "1").await;
    browser.press("Save").await;
    browser.shows("Error").await;
    findings.look("properties that are wrong").await;

    browser.open("/console/tenants/shop/properties").await;
    browser.fill_in("Grace after clocking out", "7").await;
    browser.press("Save").await;
    browser.shows("Saved, and in force.").await;
    findings.look("properties that were saved").await;
    browser.script("document.querySelector('input[name=base]').value = '1';").await;
    browser.fill_in("Grace after clocking out", "9").await;
    browser.press("Save").await;
    browser.shows("Somebody else was first").await;
    findings.look("two editors at once").await;
    browser.open("/console/tenants/shop/versions").await;
    findings.look("versions").await;

    browser.open("/console/tenants/shop/schedule?job=batch").await;
    browser.fill_in("Time zone", "Mars/Base").await;
    browser.press("Show the next five runs").await;
    browser.shows("Mars/Base").await;
    findings.look("a zone that is none").await;

    browser.open("/console/people").await;
    browser.fill_in("Name", "somebody").await;
    browser.press("Add, and make a link").await;
    browser.shows("A link for somebody").await;
    findings.look("a link").await;

    browser.open("/console/account").await;
    for label in ["Current password", "New password", "The same once more"] {
        browser.fill_in(label, "not the right one").await;
    }
    browser.press("Change the password").await;
    browser.shows("not right").await;
    findings.look("a wrong password").await;

    browser.open("/console/tenants/acme/identities").await;
    browser.fill_in("User name", "adiaz").await;
    browser.fill_in("Person number", "100007").await;
    browser.press("Pin").await;
    browser.shows("A line to write").await;
    findings.look("a line to write").await;

    let gate = Gate::default();
    lived.site.stage.ukg.faults().add(Fault::on(TIMECARD_PATH).held(&gate));
    browser.open("/console/tenants/shop/run").await;
    browser.press_in("//*[@id='test-connection']", "RUN NOW").await;
    browser.shows("✓ fine Kronos rights: people").await;
    findings.look("a test under way").await;
    browser.press("Look at the run").await;
    browser.shows("it has no end yet").await;
    findings.look("a run under way").await;
    gate.open();
    browser.shows("Steps").await;
    findings.look("a run that has ended").await;
}
