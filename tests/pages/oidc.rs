//! Signing in by a provider of `OpenID` Connect, a real one that `./test` installs from `PyPI`, and by a
//! trusted proxy's header.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use reqwest::Method;
use url::Url;

use super::browser::Browser;
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::{PASSWORD, TestServer, http_client};
use crate::support::visitor::Visitor;
use crate::support::{Database, random_name, until};

/// The program of the provider.
const VARIABLE: &str = "OVERDUE_TEST_OIDC";

/// A provider that knows any user who is named, ended when dropped.
struct Provider {
    process: Child,
    issuer: String,
}

impl Provider {
    /// Starts one that knows these users, by their claims; none where it is not installed and not
    /// demanded.
    async fn start(users: &[serde_json::Value]) -> Option<Self> {
        let is_required =
            std::env::var_os("OVERDUE_TEST_ALL").is_some_and(|value| !value.is_empty());
        let Some(program) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
            assert!(!is_required, "OVERDUE_TEST_ALL is set and {VARIABLE} is not: run ./test");
            return None;
        };
        // It takes no port of the system's choice: one that was free just now.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program);
        command.args(["--port", &port.to_string()]);
        for user in users {
            command.arg("--user-claims").arg(user.to_string());
        }
        let process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut provider = Self { process, issuer: format!("http://127.0.0.1:{port}") };
        let mut lines = BufReader::new(provider.process.stderr.take().unwrap());
        std::thread::spawn(move || {
            let mut line = String::new();
            while lines.by_ref().take(10_000).read_line(&mut line).is_ok_and(|n| n > 0) {
                line.clear();
            }
        });
        let about = format!("{}/.well-known/openid-configuration", provider.issuer);
        until("the provider", async || http_client().get(&about).send().await.ok()).await;
        Some(provider)
    }

    fn settings(&self) -> [(&'static str, String); 3] {
        [
            ("OVERDUE_OIDC__ISSUER", self.issuer.clone()),
            ("OVERDUE_OIDC__CLIENT_ID", "overdue".to_owned()),
            ("OVERDUE_OIDC__CLIENT_SECRET", "a secret of ours".to_owned()),
        ]
    }

    async fn server(&self, database: Database, more: &[(&str, &str)]) -> TestServer {
        let own = self.settings();
        let own: Vec<(&str, &str)> = own.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let server = TestServer::start(database, &[&own[..], more].concat()).await;
        server.new_user("root@example.org");
        server
    }

    /// Signs in at the provider as this user, on the page that the browser was sent to; where it is
    /// sent back to.
    async fn agree(&self, page: &str, subject: &str) -> String {
        assert!(page.starts_with(&self.issuer), "{page}");
        let form = [("sub", subject)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = http_client().post(page).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 302, "{page}");
        answer.headers()["location"].to_str().unwrap().to_owned()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn claims(subject: &str, email: &str, verified: bool) -> serde_json::Value {
    serde_json::json!({"sub": subject, "email": email, "email_verified": verified})
}

/// A browser without scripts that keeps the cookie of the sign-in.
struct Guest {
    visitor: Visitor,
    cookie: String,
}

impl Guest {
    fn at(server: &TestServer) -> Self {
        Self { visitor: Visitor::at(server), cookie: String::new() }
    }

    /// Begins; the page of the provider that it is sent to.
    async fn begin(&mut self) -> String {
        let answer = self.visitor.get("/sign-in/oidc?next=%2Faccount").await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let cookie = answer.header("set-cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
        let to = answer.header("location").to_owned();
        for part in ["code_challenge=", "code_challenge_method=S256", "nonce=", "state=", "openid"]
        {
            assert!(to.contains(part), "{part}: {to}");
        }
        to
    }

    /// Comes back; the status and where it leads, or what the page says.
    async fn come_back(&mut self, address: &str) -> (u16, String) {
        let url = Url::parse(address).unwrap();
        let path = format!("{}?{}", url.path(), url.query().unwrap());
        let headers = [("cookie", self.cookie.clone())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let answer = self.visitor.send(Method::GET, &path, &headers, String::new()).await;
        if answer.status == 303 {
            return (303, answer.header("location").to_owned());
        }
        (answer.status, answer.text().to_owned())
    }
}

async fn sign_in(provider: &Provider, server: &TestServer, subject: &str) -> (u16, String, Guest) {
    let mut guest = Guest::at(server);
    let page = guest.begin().await;
    let address = provider.agree(&page, subject).await;
    let (status, text) = guest.come_back(&address).await;
    (status, text, guest)
}

both_databases! {
    async fn who_has_an_account_is_linked_by_a_verified_address_and_nobody_else_gets_in(database) {
        let (known, unverified) = (random_name("known-"), random_name("new-"));
        let (mail, other) = (format!("{known}@example.org"), format!("{unverified}@example.org"));
        let users = [
            claims(&known, &mail.to_uppercase(), true),
            claims(&unverified, &mail, false),
            claims("heir", &mail, true),
            claims("stranger", &other, true),
            serde_json::json!({"sub": "nameless"}),
        ];
        let Some(provider) = Provider::start(&users).await else { return };
        let server = provider.server(database, &[]).await;
        server.new_user(&mail);
        let page = Visitor::at(&server).get("/sign-in").await;
        assert!(page.text().contains("Sign in with 127.0.0.1"), "{}", page.text());
        let (status, to, mut guest) = sign_in(&provider, &server, &known).await;
        assert_eq!((status, to.as_str()), (303, "/account"));
        let account = guest.visitor.get("/account").await;
        assert!(account.text().contains(&provider.issuer), "{}", account.text());
        for (subject, says) in [
            (unverified.as_str(), "has not verified"),
            ("stranger", "has no account here"),
            ("heir", "somebody else of that provider"),
            ("nameless", "no email address"),
        ] {
            let (status, text, guest) = sign_in(&provider, &server, subject).await;
            assert!(status == 403 && text.contains(says), "{subject}: {status} {text}");
            assert_eq!(guest.visitor.token, None);
        }
        let (_, rest) = account.text().split_once("<option value=\"").unwrap();
        let id = rest.split('"').next().unwrap().to_owned();
        let path = "/account/identities/unlink";
        let wrong = [("identity", id.as_str()), ("unlink_password", "wrong horse battery")];
        let page = guest.visitor.submit(path, &wrong).await;
        assert!(page.status == 400 && page.text().contains("unlink_password-error"));
        let right = [("identity", id.as_str()), ("unlink_password", PASSWORD)];
        assert_eq!(guest.visitor.submit(path, &right).await.status, 303);
        assert!(!guest.visitor.get("/account").await.text().contains(&provider.issuer));
    }

    async fn an_account_is_made_where_that_is_open_or_the_address_is_invited(database) {
        let (first, second) = (random_name("a-"), random_name("b-"));
        let mails = [format!("{first}@example.org"), format!("{second}@example.org")];
        let users = [claims(&first, &mails[0], true), claims(&second, &mails[1], true)];
        let Some(provider) = Provider::start(&users).await else { return };
        let open = provider.server(database, &[("OVERDUE_ACCOUNTS__REGISTRATION", "open")]).await;
        let (status, _, mut guest) = sign_in(&provider, &open, &first).await;
        assert_eq!(status, 303);
        assert_eq!(guest.visitor.get("/user/profile").await.ok()["email"], mails[0].as_str());
        assert_eq!(sign_in(&provider, &open, &first).await.0, 303, "and again");
        let invite = provider.server(database, &[("OVERDUE_ACCOUNTS__REGISTRATION", "invite")]).await;
        assert_eq!(sign_in(&provider, &invite, &second).await.0, 403);
        let owner = format!("{}@example.org", random_name("o-"));
        Api::new_project(invite.address(), &invite.new_user(&owner)).await;
        let mut root = Visitor::at(&invite).signed_in(&owner).await;
        let home = root.get("/").await;
        let project = home.header("location").strip_suffix("/checks").unwrap().to_owned();
        let invitations = format!("{project}/settings/invitations");
        let form = [("email", mails[1].as_str()), ("role", "viewer")];
        assert!(root.submit(&invitations, &form).await.status < 400);
        assert_eq!(sign_in(&provider, &invite, &second).await.0, 303);
    }

    async fn what_was_not_begun_here_or_was_used_signs_nobody_in(database) {
        let user = random_name("u-");
        let mail = format!("{user}@example.org");
        let Some(provider) = Provider::start(&[claims(&user, &mail, true)]).await else { return };
        let server = provider.server(database, &[]).await;
        server.new_user(&mail);
        let mut guest = Guest::at(&server);
        let page = guest.begin().await;
        let address = provider.agree(&page, &user).await;
        let mut elsewhere = Guest::at(&server);
        let (status, text) = elsewhere.come_back(&address).await;
        assert!(status == 403 && text.contains("not begun in this browser"), "{text}");
        // Another sign-in's cookie does not fit this state.
        elsewhere.begin().await;
        assert_eq!(elsewhere.come_back(&address).await.0, 403);
        let forged = address.replace("state=", "state=x");
        assert_eq!(guest.come_back(&forged).await.0, 403);
        let no_code = address.replace("code=", "code=x");
        assert_eq!(guest.come_back(&no_code).await.0, 403);
        assert_eq!(guest.come_back(&address).await.0, 303);
        assert_eq!(guest.come_back(&address).await.0, 403, "a code is good once");
        // A token of another sign-in has another nonce, whoever put its code into this one.
        let mut first = Guest::at(&server);
        let page = first.begin().await;
        let mut second = Guest::at(&server);
        let other = second.begin().await;
        let code = |address: &str| {
            let url = Url::parse(address).unwrap();
            url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
        };
        let (mine, theirs) =
            (provider.agree(&page, &user).await, provider.agree(&other, &user).await);
        let injected = mine.replace(&code(&mine), &code(&theirs));
        let (status, text) = first.come_back(&injected).await;
        assert!(status == 403 && first.visitor.token.is_none(), "{text}");
        let (status, text) = Guest::at(&server).come_back(&format!(
            "{}/sign-in/oidc/back?error=access_denied&state=x",
            server.base()
        )).await;
        assert!(status == 403, "{text}");
    }

    async fn a_second_factor_is_still_asked_for_and_a_provider_that_is_out_is_told(database) {
        let user = random_name("u-");
        let mail = format!("{user}@example.org");
        let Some(provider) = Provider::start(&[claims(&user, &mail, true)]).await else { return };
        let server = provider.server(database, &[]).await;
        server.new_user(&mail);
        let mut visitor = Visitor::at(&server).signed_in(&mail).await;
        crate::pages::second_factor::turned_on(&mut visitor).await;
        let (status, to, guest) = sign_in(&provider, &server, &user).await;
        assert_eq!((status, to.starts_with("/sign-in/code")), (303, true), "{to}");
        assert_eq!(guest.visitor.token, None);
        let settings = provider.settings();
        drop(provider);
        let settings: Vec<(&str, &str)> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let server = TestServer::start(database, &settings).await;
        server.new_user(&mail);
        let page = Visitor::at(&server).get("/sign-in/oidc").await;
        assert_eq!(page.status, 503);
        assert!(page.text().contains("reached"), "{}", page.text());
    }

    async fn a_trusted_proxy_names_who_is_signed_in_and_nobody_else_can(database) {
        let mail = format!("{}@example.org", random_name("p-"));
        let header = ("OVERDUE_ACCOUNTS__TRUSTED_HEADER", "x-forwarded-user");
        let proxies = ("OVERDUE_SERVER__TRUSTED_PROXIES", "127.0.0.1/32");
        let server = TestServer::start(database, &[header, proxies]).await;
        server.new_user(&mail);
        let other = format!("{}@example.org", random_name("q-"));
        server.new_user(&other);
        let mut guest = Visitor::at(&server);
        let named = [("x-forwarded-user", mail.as_str())];
        let page = guest.get_with(&named, "/account").await;
        assert!(page.status == 200 && page.text().contains(&mail), "{}", page.text());
        assert!(page.header("set-cookie").contains("HttpOnly"));
        // The session goes on without it, and stays the same while it names the same user.
        assert!(guest.get("/account").await.text().contains(&mail));
        let again = guest.get_with(&named, "/account").await;
        assert_eq!(again.text().matches("id=\"sessions\"").count(), 1);
        assert_eq!(again.text().matches("/account/sessions/").count(), 0, "one session alone");
        let page = guest.get_with(&[("x-forwarded-user", &other)], "/account").await;
        assert!(page.text().contains(&other) && !page.text().contains(&mail));
        let unknown = [("x-forwarded-user", "nobody@example.org")];
        let page = Visitor::at(&server).get_with(&unknown, "/account").await;
        assert!(page.status == 403 && page.text().contains("has no account here"), "{}", page.text());
        let nonsense = [("x-forwarded-user", "nobody")];
        assert_eq!(Visitor::at(&server).get_with(&nonsense, "/account").await.status, 403);
        let twice = [("x-forwarded-user", mail.as_str()), ("x-forwarded-user", other.as_str())];
        assert_eq!(Visitor::at(&server).get_with(&twice, "/account").await.status, 403);

        let far = ("OVERDUE_SERVER__TRUSTED_PROXIES", "192.0.2.1/32");
        let server = TestServer::start(database, &[header, far]).await;
        server.new_user(&mail);
        let page = Visitor::at(&server).get_with(&named, "/account").await;
        assert_eq!((page.status, page.header("location")), (303, "/sign-in?next=%2Faccount"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_goes_to_the_provider_and_comes_back() {
    let mail = format!("{}@example.org", random_name("w-"));
    let Some(browser) = Browser::open().await else { return };
    let Some(provider) = Provider::start(&[claims("walker", &mail, true)]).await else { return };
    let server = provider.server(Database::Sqlite, &[]).await;
    server.new_user(&mail);
    browser.goto(&format!("{}/account", server.base())).await;
    super::looks::show(&browser, "sign-in-provider").await;
    browser.look_as(1280, "light").await;
    browser.click("#oidc").await;
    browser.click("button[value=walker]").await;
    browser.says(".lead", &mail).await;
    browser.arrives_at("/account").await;
    super::looks::show(&browser, "account-provider").await;
    // The provider's own page has no icon, and a stylesheet from elsewhere.
    let of_the_provider = ["favicon.ico", "cdn.jsdelivr.net"];
    assert_eq!(browser.complaints(&of_the_provider).await, Vec::<String>::new());
}
