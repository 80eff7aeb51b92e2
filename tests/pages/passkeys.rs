//! Signing in with passkeys, in a real browser with an authenticator of its own; and with the codes of
//! an app, as people do it.

use serde_json::{Value, json};

use super::browser::Browser;
use super::looks::show;
use super::second_factor::code;
use crate::support::answer::Answer;
use crate::support::server::{PASSWORD, TestServer};
use crate::support::visitor::Visitor;
use crate::support::{Database, both_databases, until};

const EMAIL: &str = "ops@example.org";
const PAGE: &str = "/account/passkeys";
const NEXT: &str = "next=%2Faccount%2Fpasskeys";
const BUTTON: &str = "form.passkey button";

/// A server, and a browser in front of it. Passkeys are for names, not for addresses.
struct Scene {
    server: TestServer,
    browser: Browser,
    base: String,
}

impl Scene {
    async fn open(database: Database) -> Option<Self> {
        let browser = Browser::open().await?;
        let server = TestServer::start(database, &[]).await;
        server.new_user(EMAIL);
        let base = by_name(&server);
        Some(Self { server, browser, base })
    }

    async fn goto(&self, path: &str) {
        self.browser.goto(&format!("{}{path}", self.base)).await;
    }

    /// Types address and password.
    async fn give_password(&self, email: &str) {
        self.goto(&format!("/sign-in?{NEXT}")).await;
        self.browser.type_into("#email", email).await;
        self.browser.type_into("#password", PASSWORD).await;
        self.browser.click("main form[action='/sign-in'] button").await;
    }

    /// The same, for whom that is enough.
    async fn sign_in(&self, email: &str) {
        self.give_password(email).await;
        self.browser.arrives_at(PAGE).await;
    }

    async fn sign_out(&self) {
        self.goto(PAGE).await;
        self.browser.run("document.querySelector(\"form[action='/sign-out']\").submit()").await;
        until("the session to end", async || {
            self.browser.cookie("api_access_token").await.is_none().then_some(())
        })
        .await;
    }

    async fn add(&self, name: &str) {
        self.goto(PAGE).await;
        self.browser.type_into("#name", name).await;
        self.browser.type_into("#password", PASSWORD).await;
        self.browser.click("#add button").await;
        self.browser.says(".done", "The passkey is added.").await;
    }

    /// Clicks the button of the page for a passkey, and keeps what the page would send: the answer, and
    /// the cookies that go with it.
    async fn catch(&self) -> Caught {
        let script = "HTMLFormElement.prototype.submit = function () {
            window.caught = this.elements.credential.value;
        }";
        self.browser.run(script).await;
        self.browser.click(BUTTON).await;
        let credential = until("an answer of the authenticator", async || {
            let caught = self.browser.run("return window.caught ?? null").await;
            caught.as_str().map(str::to_owned)
        })
        .await;
        let mut cookies = Vec::new();
        for name in ["passkey", "halfway"] {
            if let Some(value) = self.browser.cookie(name).await {
                cookies.push(format!("{name}={value}"));
            }
        }
        Caught { credential, cookies: cookies.join("; ") }
    }
}

fn by_name(server: &TestServer) -> String {
    format!("http://localhost:{}", server.address().port())
}

/// What a page would have sent.
struct Caught {
    credential: String,
    cookies: String,
}

impl Caught {
    /// Sends it to a server that is called so.
    async fn send(&self, server: &TestServer, base: &str, path: &str) -> Answer {
        let mut visitor = Visitor::at(server);
        let host = base.strip_prefix("http://").unwrap();
        let headers = [("origin", base), ("host", host), ("cookie", &self.cookies)];
        visitor.submit_from(&headers, path, &[("credential", &self.credential)]).await
    }
}

both_databases! {
    async fn a_passkey_signs_in_alone_and_as_second_step_until_it_is_removed(database) {
        let Some(scene) = Scene::open(database).await else { return };
        let browser = &scene.browser;
        browser.authenticator().await;
        scene.sign_in(EMAIL).await;
        browser.says("#none", "There is no passkey yet.").await;
        browser.type_into("#name", "Laptop").await;
        browser.type_into("#password", "wrong horse battery").await;
        browser.click("#add button").await;
        browser.says("#add .alarm", "Your password is not right.").await;
        scene.add("Laptop").await;
        let codes: Vec<String> = browser.text("#codes").await.lines().map(str::to_owned).collect();
        assert_eq!(codes.len(), 8);
        browser.says("#list", "Laptop").await;
        browser.says("#list", "not used yet").await;

        scene.sign_out().await;
        scene.goto(&format!("/sign-in?{NEXT}")).await;
        browser.click(BUTTON).await;
        browser.arrives_at(PAGE).await;
        browser.says("#list", "last used").await;

        scene.sign_out().await;
        scene.give_password(EMAIL).await;
        browser.arrives_at(&format!("/sign-in/code?{NEXT}")).await;
        scene.goto(PAGE).await;
        browser.arrives_at(&format!("/sign-in?{NEXT}")).await;
        scene.goto(&format!("/sign-in/code?{NEXT}")).await;
        browser.click(BUTTON).await;
        browser.arrives_at(PAGE).await;

        scene.sign_out().await;
        scene.give_password(EMAIL).await;
        browser.arrives_at(&format!("/sign-in/code?{NEXT}")).await;
        browser.type_into("#code", &codes[0]).await;
        browser.click("main form button[type=submit]").await;
        browser.arrives_at(PAGE).await;

        browser.click("summary[aria-label='Rename Laptop']").await;
        browser.type_into("[id^=name-]", "Old laptop").await;
        browser.click("form[action$=rename] button").await;
        browser.says("#list h2", "Old laptop").await;
        browser.click("summary[aria-label='Remove Old laptop']").await;
        browser.says("form[action$=remove]", "Remove the passkey “Old laptop”?").await;
        browser.type_into("[id^=password-]", PASSWORD).await;
        browser.click("form[action$=remove] button").await;
        browser.see("#none").await;

        scene.sign_out().await;
        scene.goto(&format!("/sign-in?{NEXT}")).await;
        browser.click(BUTTON).await;
        browser.says("#problem", "This passkey is not known here").await;
        scene.sign_in(EMAIL).await;
        let expected = ["400 (Bad Request)", "403 (Forbidden)"];
        assert_eq!(browser.complaints(&expected).await, Vec::<String>::new());
    }

    async fn an_answer_is_good_once_for_its_own_challenge_and_site(database) {
        let Some(scene) = Scene::open(database).await else { return };
        let browser = &scene.browser;
        let authenticator = browser.authenticator().await;
        scene.sign_in(EMAIL).await;
        scene.add("Laptop").await;
        scene.sign_out().await;
        let path = format!("/sign-in/passkey?{NEXT}");
        let sign_in = format!("/sign-in?{NEXT}");
        let beside = scene.server.beside().await;

        scene.goto(&sign_in).await;
        let caught = scene.catch().await;
        let elsewhere = caught.send(&beside, &by_name(&beside), &path).await;
        refuses(&elsewhere, "another address than this site’s");
        let spent = caught.send(&scene.server, &scene.base, &path).await;
        refuses(&spent, "was done already");

        scene.goto(&sign_in).await;
        let first = scene.catch().await;
        scene.goto(&sign_in).await;
        let second = scene.catch().await;
        let mixed = Caught { credential: first.credential.clone(), cookies: second.cookies };
        refuses(&mixed.send(&scene.server, &scene.base, &path).await, "does not fit");
        let bare = Caught { credential: second.credential, cookies: String::new() };
        refuses(&bare.send(&scene.server, &scene.base, &path).await, "begun in another browser");
        let node = first.send(&beside, &scene.base, &path).await;
        assert_eq!((node.status, node.header("location")), (303, PAGE), "{}", node.text());
        assert!(node.header("set-cookie").contains("api_access_token="));
        refuses(&first.send(&scene.server, &scene.base, &path).await, "was done already");

        // A copy of the key that signed less often than the kept counter says.
        let mut copy = browser.passkeys_in(&authenticator).await.remove(0);
        browser.drop_passkey(&authenticator, &copy).await;
        copy["signCount"] = json!(0);
        browser.put_passkey(&authenticator, &copy).await;
        scene.goto(&sign_in).await;
        let stale = scene.catch().await.send(&scene.server, &scene.base, &path).await;
        refuses(&stale, "counter of this passkey went back");
    }

    async fn the_second_step_takes_passkeys_of_its_own_user_alone(database) {
        let Some(scene) = Scene::open(database).await else { return };
        let browser = &scene.browser;
        let other = "other@example.org";
        scene.server.new_user(other);
        let authenticator = browser.authenticator().await;
        scene.sign_in(EMAIL).await;
        scene.add("Mine").await;
        let mine = browser.passkeys_in(&authenticator).await.remove(0);
        browser.drop_passkey(&authenticator, &mine).await;
        scene.sign_out().await;
        scene.sign_in(other).await;
        scene.add("Theirs").await;
        let theirs = browser.passkeys_in(&authenticator).await.remove(0);
        browser.drop_passkey(&authenticator, &theirs).await;
        browser.put_passkey(&authenticator, &mine).await;
        scene.sign_out().await;

        scene.give_password(other).await;
        browser.arrives_at(&format!("/sign-in/code?{NEXT}")).await;
        let any = "const get = navigator.credentials.get.bind(navigator.credentials);
            navigator.credentials.get = ({ publicKey }) => {
                delete publicKey.allowCredentials;
                return get({ publicKey });
            }";
        browser.run(any).await;
        let caught = scene.catch().await;
        let path = format!("/sign-in/code/passkey?{NEXT}");
        refuses(&caught.send(&scene.server, &scene.base, &path).await, "is another account’s");

        // What the command line ends, ends passkeys too.
        scene.server.cli_ok(&["user", "end-second-factor", EMAIL], "");
        scene.goto(&format!("/sign-in?{NEXT}")).await;
        browser.click(BUTTON).await;
        browser.says("#problem", "This passkey is not known here").await;
        scene.sign_in(EMAIL).await;
    }

    async fn where_there_can_be_no_passkeys_the_page_says_why(database) {
        let server = TestServer::start(database, &[]).await;
        server.new_user(EMAIL);
        let mut visitor = Visitor::at(&server).signed_in(EMAIL).await;
        let page = visitor.get(PAGE).await;
        assert!(page.text().contains("this site is at an IP address"), "{}", page.text());
        assert!(!page.text().contains("id=\"add\""));
        assert!(!Visitor::at(&server).get("/sign-in").await.text().contains("data-passkey"));
        let refused = visitor.submit("/account/passkeys/begin", &[("password", PASSWORD)]).await;
        let told: Value = serde_json::from_str(refused.text()).unwrap();
        assert_eq!(refused.status, 403);
        assert!(told["error"].as_str().unwrap().contains("IP address"), "{told}");
        for path in ["/account/passkeys/1/rename", "/account/passkeys/x/remove"] {
            let form = [("name", "Mine"), ("password", PASSWORD)];
            assert_eq!(visitor.submit(path, &form).await.status, 404, "{path}");
        }
        let nothing = Visitor::at(&server).submit("/sign-in/passkey", &[]).await;
        assert_eq!(nothing.status, 403);
    }
}

fn refuses(answer: &Answer, words: &str) {
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains(words), "{words}: {}", answer.text());
    assert!(!answer.header("set-cookie").contains("api_access_token="));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_of_an_app_sign_in_as_people_do_it() {
    let Some(scene) = Scene::open(Database::Sqlite).await else { return };
    let browser = &scene.browser;
    scene.sign_in(EMAIL).await;
    scene.goto("/account").await;
    browser.click("a[href='/account/second-factor']").await;
    let key = browser.text("#key").await;
    browser.type_into("#code", &code(&key, -1)).await;
    browser.type_into("#password", PASSWORD).await;
    browser.click("button[value=begin]").await;
    let codes = browser.text("#codes").await;
    let recovery = codes.lines().next().unwrap().to_owned();
    for (wrong, right) in [("000000", code(&key, 1)), ("AAAA-AAAA", recovery)] {
        scene.sign_out().await;
        scene.give_password(EMAIL).await;
        browser.arrives_at(&format!("/sign-in/code?{NEXT}")).await;
        browser.type_into("#code", wrong).await;
        browser.click("main form button[type=submit]").await;
        browser.says("#code-error", "is not right").await;
        browser.type_into("#code", &right).await;
        browser.click("main form button[type=submit]").await;
        browser.arrives_at(PAGE).await;
    }
    // A passkey beside the app: either will do, and the recovery codes stay as they are.
    show(browser, "passkeys-empty").await;
    browser.authenticator().await;
    scene.add("Laptop").await;
    assert!(browser.all("#codes").await.is_empty());
    show(browser, "passkeys").await;
    scene.sign_out().await;
    scene.goto("/sign-in").await;
    browser.see(BUTTON).await;
    show(browser, "sign-in-passkey").await;
    scene.give_password(EMAIL).await;
    browser.arrives_at(&format!("/sign-in/code?{NEXT}")).await;
    show(browser, "second-step").await;
    browser.click(BUTTON).await;
    browser.arrives_at(PAGE).await;
    let complaints = browser.complaints(&["403 (Forbidden)"]).await;
    assert_eq!(complaints, Vec::<String>::new());
}
