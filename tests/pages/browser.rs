//! A real browser: Debian's Chromium, driven through its chromedriver. `./test` installs both and
//! sets `OVERDUE_TEST_ALL`, which makes their absence a failure; without it the tests in a
//! browser are passed over where there is none, and this module's own test says so.

use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use serde_json::{Value, json};
use thirtyfour::common::command::{Command as Order, ExtensionCommand};
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, ChromiumLikeCapabilities, LoggingPrefsLogLevel};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::support::folder::Folder;
use crate::support::server::http_client;
use crate::support::until;

/// The variable that makes a missing browser a failure.
const REQUIRED: &str = "OVERDUE_TEST_ALL";
/// The variable that names a folder for pictures of the pages.
const PICTURES: &str = "OVERDUE_TEST_SCREENSHOTS";

/// The variable that names the file of axe-core, which `./test` installs.
const AXE: &str = "OVERDUE_TEST_AXE";
/// What axe-core finds on the page that is open and calls serious or critical: the rule, what it
/// asks for, and where.
const SERIOUS: &str = r#"
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const wish = {resultTypes: ["violations"], runOnly: {type: "tag", values: tags}};
return axe.run(document, wish).then(({violations}) => violations
  .filter(({impact}) => impact === "serious" || impact === "critical")
  .flatMap(({id, nodes}) => nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`)));
"#;

/// Browsers are large: few at a time.
static PLACES: Semaphore = Semaphore::const_new(2);

/// A browser with nothing in it, closed when dropped.
pub struct Browser {
    driver: WebDriver,
    /// What is wrong with the looks of pages; told with the complaints.
    faults: Mutex<Vec<String>>,
    // In this order: the browser goes before its folder.
    _process: Process,
    _home: Arc<Folder>,
    _place: SemaphorePermit<'static>,
}

impl Browser {
    /// Opens one; none where there is none on this machine and none is demanded.
    pub async fn open() -> Option<Self> {
        Self::open_with(true).await
    }

    /// One that runs no page's scripts.
    pub async fn without_scripts() -> Option<Self> {
        Self::open_with(false).await
    }

    async fn open_with(scripts: bool) -> Option<Self> {
        if !is_here() {
            return None;
        }
        let place = PLACES.acquire().await.unwrap();
        let home = Arc::new(Folder::new());
        let process = Process::start(&home);
        let address = format!("http://127.0.0.1:{}", process.port);
        let wishes = wishes(&home, scripts);
        let driver = WebDriver::builder(address, wishes).client(http_client()).await.unwrap();
        Some(Self {
            driver,
            faults: Mutex::default(),
            _process: process,
            _home: home,
            _place: place,
        })
    }

    /// Goes to an address.
    pub async fn goto(&self, address: &str) {
        self.driver.goto(address).await.unwrap();
    }

    /// The path and query of the page that is open.
    pub async fn path(&self) -> String {
        let url = self.driver.current_url().await.unwrap();
        url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// Waits until the page of this path is open.
    pub async fn arrives_at(&self, path: &str) {
        until(&format!("the page {path}"), async || (self.path().await == path).then_some(()))
            .await;
    }

    /// The first element of this CSS selector that can be seen, once there is one.
    pub async fn see(&self, selector: &str) -> WebElement {
        until(&format!("{selector} on the page"), async || {
            for element in self.all(selector).await {
                if element.is_displayed().await.unwrap_or(false) {
                    return Some(element);
                }
            }
            None
        })
        .await
    }

    /// Every element of this selector.
    pub async fn all(&self, selector: &str) -> Vec<WebElement> {
        self.driver.find_all(By::Css(selector)).await.unwrap()
    }

    /// What stands in the element of this selector, once there is something.
    pub async fn text(&self, selector: &str) -> String {
        until(&format!("text in {selector}"), async || {
            let elements = self.all(selector).await;
            let text = elements.first()?.text().await.ok()?;
            (!text.is_empty()).then_some(text)
        })
        .await
    }

    /// Waits until the element of this selector says `words`.
    pub async fn says(&self, selector: &str, words: &str) {
        until(&format!("{words:?} in {selector}"), async || {
            let elements = self.all(selector).await;
            let text = elements.first()?.text().await.ok()?;
            text.contains(words).then_some(())
        })
        .await;
    }

    /// Clicks, once the element is there and nothing is before it.
    pub async fn click(&self, selector: &str) {
        until(&format!("{selector} to be clicked"), async || {
            let element = self.all(selector).await.into_iter().next()?;
            element.scroll_into_view().await.ok()?;
            element.click().await.ok()
        })
        .await;
    }

    /// What has the focus.
    pub async fn focused(&self) -> WebElement {
        self.driver.active_element().await.unwrap()
    }

    /// Types over what is in a field.
    pub async fn type_into(&self, selector: &str, text: &str) {
        let field = self.see(selector).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// The value of a field.
    pub async fn value(&self, selector: &str) -> String {
        self.see(selector).await.prop("value").await.unwrap().unwrap_or_default()
    }

    /// What a script answers.
    pub async fn run(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// What keeps somebody from using the page that is open who can't see it, or sees or moves
    /// otherwise than most, as axe-core tells it. Nothing where axe-core is not there and is not
    /// demanded.
    pub async fn barriers(&self) -> Vec<String> {
        let is_required = std::env::var_os(REQUIRED).is_some_and(|value| !value.is_empty());
        let Some(file) = std::env::var_os(AXE).filter(|value| !value.is_empty()) else {
            assert!(!is_required, "{REQUIRED} is set and {AXE} is not");
            return Vec::new();
        };
        if self.run("return typeof axe").await != "object" {
            // As a function's body it is run by the browser itself, which no policy keeps back.
            self.run(&std::fs::read_to_string(file).unwrap()).await;
        }
        let found = self.run(SERIOUS).await;
        found.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    }

    /// The cookie of this name, if the browser has it.
    pub async fn cookie(&self, name: &str) -> Option<String> {
        self.driver.get_named_cookie(name).await.ok().map(|cookie| cookie.value)
    }

    /// Puts another token into the session's cookie, as another tab would.
    pub async fn set_token(&self, token: &str) {
        let mut cookie = Cookie::new("api_access_token", token);
        cookie.set_path("/");
        self.driver.delete_all_cookies().await.unwrap();
        self.driver.add_cookie(cookie).await.unwrap();
    }

    /// What went wrong on the pages since this was last asked: faults of their looks, errors of
    /// scripts, breaches of the policy, loads that failed; save those that a test expects.
    pub async fn complaints(&self, expected: &[&str]) -> Vec<String> {
        let entries = self.driver.browser_log().await.unwrap();
        let severe = entries.into_iter().filter(|entry| entry.level == "SEVERE");
        let unexpected = |text: &String| !expected.iter().any(|words| text.contains(words));
        let faults = std::mem::take(&mut *self.faults.lock().unwrap());
        faults.into_iter().chain(severe.map(|entry| entry.message).filter(unexpected)).collect()
    }

    /// Keeps what is wrong with a page until the complaints are asked for, so that all pages are seen.
    pub fn find_fault(&self, fault: &str) {
        self.faults.lock().unwrap().push(fault.to_owned());
    }

    /// Every address on the net that was asked for since this was last asked.
    pub async fn requests(&self) -> Vec<String> {
        let entries = self.driver.get_log("performance").await.unwrap();
        let address = |text: &str| -> Option<String> {
            let entry: Value = serde_json::from_str(text).unwrap();
            let message = &entry["message"];
            let is_request = message["method"] == "Network.requestWillBeSent";
            is_request.then(|| message["params"]["request"]["url"].as_str().unwrap().to_owned())
        };
        let all = entries.iter().filter_map(|entry| address(&entry.message));
        // The browser's own first page, and what stands in the address itself, ask nobody.
        let local = ["chrome:", "chrome-untrusted:", "about:", "data:", "blob:"];
        all.filter(|url| !local.iter().any(|scheme| url.starts_with(scheme))).collect()
    }

    /// Gives the window this width and the system this colour scheme.
    pub async fn look_as(&self, width: u32, scheme: &str) {
        let size = json!({
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.order("Emulation.setDeviceMetricsOverride", size).await;
        // Without movement: what fades from one colour to another is none of both meanwhile.
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.order("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// Keeps a picture of the page, to its end but not beyond three windows, where
    /// `OVERDUE_TEST_SCREENSHOTS` says.
    pub async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os(PICTURES).map(PathBuf::from) else { return };
        std::fs::create_dir_all(&folder).unwrap();
        let size = self.order("Page.getLayoutMetrics", json!({})).await;
        let content = &size["cssContentSize"];
        let height = content["height"].as_f64().unwrap().min(2700.0);
        let clip = json!({
            "x": 0, "y": 0, "width": content["width"], "height": height, "scale": 1,
        });
        let wish = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let shot = self.order("Page.captureScreenshot", wish).await;
        let bytes = BASE64_STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// Gives the browser an authenticator that holds passkeys and says yes at once: its id.
    pub async fn authenticator(&self) -> String {
        let wish = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true,
        });
        let id = self.webauthn(Method::POST, "authenticator", Some(wish)).await;
        id.as_str().unwrap().to_owned()
    }

    /// The passkeys in an authenticator.
    pub async fn passkeys_in(&self, authenticator: &str) -> Vec<Value> {
        let path = format!("authenticator/{authenticator}/credentials");
        self.webauthn(Method::GET, &path, None).await.as_array().unwrap().clone()
    }

    /// Puts a passkey into an authenticator.
    pub async fn put_passkey(&self, authenticator: &str, passkey: &Value) {
        let path = format!("authenticator/{authenticator}/credential");
        self.webauthn(Method::POST, &path, Some(passkey.clone())).await;
    }

    /// Takes a passkey out of an authenticator.
    pub async fn drop_passkey(&self, authenticator: &str, passkey: &Value) {
        let id = passkey["credentialId"].as_str().unwrap();
        let path = format!("authenticator/{authenticator}/credentials/{id}");
        self.webauthn(Method::DELETE, &path, None).await;
    }

    /// A command about authenticators (`WebAuthn`, 11).
    async fn webauthn(&self, method: Method, path: &str, parameters: Option<Value>) -> Value {
        let endpoint = format!("/webauthn/{path}");
        let command = Webauthn { method, endpoint, parameters };
        let answer = self.driver.cmd(Order::ExtensionCommand(Box::new(command))).await.unwrap();
        answer.value().unwrap()
    }

    /// An order to Chromium itself.
    async fn order(&self, name: &str, parameters: Value) -> Value {
        let order = Devtools { name: name.to_owned(), parameters };
        let answer = self.driver.cmd(Order::ExtensionCommand(Box::new(order))).await.unwrap();
        answer.value().unwrap()
    }
}

/// A command about authenticators.
#[derive(Debug)]
struct Webauthn {
    method: Method,
    endpoint: String,
    parameters: Option<Value>,
}

impl ExtensionCommand for Webauthn {
    fn parameters_json(&self) -> Option<Value> {
        self.parameters.clone()
    }

    fn method(&self) -> Method {
        self.method.clone()
    }

    fn endpoint(&self) -> Arc<str> {
        self.endpoint.as_str().into()
    }
}

/// An order of the protocol of Chromium's developer tools.
#[derive(Debug)]
struct Devtools {
    name: String,
    parameters: Value,
}

impl ExtensionCommand for Devtools {
    fn parameters_json(&self) -> Option<Value> {
        Some(json!({"cmd": self.name, "params": self.parameters}))
    }

    fn method(&self) -> Method {
        Method::POST
    }

    fn endpoint(&self) -> Arc<str> {
        "/goog/cdp/execute".into()
    }
}

fn wishes(home: &Folder, scripts: bool) -> ChromeCapabilities {
    let mut wishes = DesiredCapabilities::chrome();
    let profile = format!("--user-data-dir={}", home.file("profile").display());
    // As root Chromium runs only without its sandbox; it talks to nobody but the server.
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--no-proxy-server",
        "--window-size=1280,900",
        &profile,
    ];
    for argument in arguments {
        wishes.add_arg(argument).unwrap();
    }
    if !scripts {
        let blocked = json!({"profile.managed_default_content_settings.javascript": 2});
        wishes.add_experimental_option("prefs", blocked).unwrap();
    }
    wishes.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
    wishes.set_logging_prefs("performance", LoggingPrefsLogLevel::All).unwrap();
    wishes
}

fn is_here() -> bool {
    let version = Command::new("chromedriver").arg("--version").stdout(Stdio::null()).status();
    let is_here = version.is_ok_and(|status| status.success());
    let is_required = std::env::var_os(REQUIRED).is_some_and(|value| !value.is_empty());
    assert!(is_here || !is_required, "{REQUIRED} is set and there is no chromedriver");
    is_here
}

/// A chromedriver, the port that it listens on, and what else it prints; none where it ended at once: it
/// takes a port of the system's choice on one address, which may be taken on the other.
fn listening() -> Option<(Child, u16, Lines<BufReader<ChildStdout>>)> {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = command.spawn().unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.unwrap();
        let (_, rest) = line.split_once("started successfully on port ")?;
        Some(rest.trim_end_matches('.').parse().unwrap())
    });
    if port.is_none() {
        driver.wait().unwrap();
    }
    Some((driver, port?, lines))
}

/// A running chromedriver, and a small process that outlives the tests, however they end, and then
/// has it close its browsers.
struct Process {
    driver: Child,
    watcher: Child,
    leash: Option<ChildStdin>,
    port: u16,
}

impl Process {
    const SCRIPT: &str = "trap '' INT TERM HUP; read -r word; \
        curl -s -m 10 -o /dev/null \"http://127.0.0.1:$2/shutdown\"; kill \"$1\"; rm -rf \"$3\"";

    fn start(home: &Folder) -> Self {
        let (driver, port, lines) =
            (0..5).find_map(|_| listening()).expect("chromedriver says where it listens");
        // What else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let mut leash = Command::new("sh");
        leash.args(["-c", Self::SCRIPT, "leash", &driver.id().to_string(), &port.to_string()]);
        leash.arg(home.path()).current_dir("/").stdin(Stdio::piped());
        let mut watcher = leash.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let leash = watcher.stdin.take();
        Self { driver, watcher, leash, port }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.leash.take());
        let _ = self.watcher.wait();
        let _ = self.driver.wait();
    }
}

#[test]
fn pages_are_tried_in_a_browser_where_chromium_is() {
    use std::io::Write;
    if !is_here() {
        // Written past the harness, which keeps what a passing test prints to itself.
        writeln!(std::io::stderr(), "\ntests in a browser skipped: run ./test").unwrap();
    }
}
