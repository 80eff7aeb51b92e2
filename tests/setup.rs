//! The first minutes with a new server, as a browser without JavaScript sees them: the code in the
//! log, the form, the first check, its `curl` line.

use reqwest::Method;

use crate::support::answer::Answer;
use crate::support::server::{PASSWORD, TestServer};
use crate::support::visitor::Visitor;
use crate::support::{Database, both_databases};

/// The form, filled in with this code.
fn filled_in(code: &str) -> [(&str, &str); 5] {
    [
        ("code", code),
        ("email", "Ops@Example.org"),
        ("password", PASSWORD),
        ("project_name", "Our jobs"),
        ("check_name", "Database Backup"),
    ]
}

/// The form with one field changed.
fn with<'a>(code: &'a str, field: &str, value: &'a str) -> [(&'a str, &'a str); 5] {
    filled_in(code).map(|(name, old)| (name, if name == field { value } else { old }))
}

/// The address of the first-account page that the log names, if it does: its path and its code.
fn setup_address(server: &TestServer) -> Option<(String, String)> {
    let log = server.log();
    let (_, rest) = log.split_once("/setup?code=")?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let code = &rest[..end.unwrap_or(rest.len())];
    Some((format!("/setup?code={code}"), code.to_owned()))
}

fn code_of(server: &TestServer) -> String {
    setup_address(server).expect("the log names the page").1
}

/// What stands in the element of this id, its text unescaped.
fn element(page: &Answer, id: &str) -> String {
    let (_, rest) = page.text().split_once(&format!("id=\"{id}\"")).expect("the element is there");
    let (_, rest) = rest.split_once('>').unwrap();
    let text = rest.split_once("</").unwrap().0;
    text.replace("&#38;", "&").replace("&amp;", "&")
}

/// The value that an input of the form holds.
fn value(page: &Answer, field: &str) -> String {
    let (_, rest) =
        page.text().split_once(&format!("name=\"{field}\"")).expect("the field is there");
    let (_, rest) = rest.split_once("value=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

fn users_of(server: &TestServer) -> Vec<serde_json::Value> {
    let list = server.cli_ok(&["user", "list", "--json"], "");
    serde_json::from_str(&list).unwrap()
}

/// Goes from the form to the page of the first check: that page.
async fn set_up(visitor: &mut Visitor, code: &str) -> Answer {
    let done = visitor.submit("/setup", &filled_in(code)).await;
    assert_eq!(done.status, 303, "{}", done.text());
    visitor.get(done.header("location")).await
}

/// The page of the check that the visitor's first project has.
async fn first_check(visitor: &mut Visitor) -> String {
    let home = visitor.get("/").await;
    let list = home.header("location").to_owned();
    let page = visitor.get(&list).await;
    let (_, rest) = page.text().split_once("<a class=\"name\" href=\"").expect("a check");
    rest.split('"').next().unwrap().to_owned()
}

both_databases! {
    async fn from_the_code_in_the_log_to_a_first_ping(database) {
        let server = TestServer::start(database, &[]).await;
        let mut visitor = Visitor::at(&server);
        let (path, code) = setup_address(&server).expect("the log names the page");
        let form = visitor.get(&path).await;
        assert_eq!((form.status, value(&form, "code")), (200, code.clone()));
        for (field, _) in filled_in("") {
            assert!(form.text().contains(&format!("<label for=\"{field}\">")), "{field}");
        }

        let page = set_up(&mut visitor, &code).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("Waiting for the first ping"), "{}", page.text());
        assert!(page.text().contains("Database Backup") && page.text().contains("Our jobs"));

        let line = element(&page, "curl");
        let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "OK", "{line}");
        let own = first_check(&mut visitor).await;
        let page = visitor.get(&own).await;
        assert!(page.text().contains("The last ping came at"), "{}", page.text());

        // The session is also good for the management API.
        let list = visitor.get("/user/project/1/check-list").await.ok();
        assert_eq!(list["list"][0]["slug"], "database-backup");
        assert_eq!(list["list"][0]["n_pings"], 1);
        let users = users_of(&server);
        assert_eq!((users.len(), &users[0]["email"]), (1, &"ops@example.org".into()));
        assert_eq!(users[0]["is_admin"], 1);
    }

    async fn the_page_has_the_lines_for_the_job_and_nobody_is_told_yet(database) {
        let server = TestServer::start(database, &[]).await;
        let mut visitor = Visitor::at(&server);
        let page = set_up(&mut visitor, &code_of(&server)).await;
        let line = element(&page, "curl");
        let url = line.rsplit_once(' ').unwrap().1;
        assert!(page.text().matches(url).count() > 7, "{url} in every snippet: {}", page.text());
        assert!(page.text().contains("<summary>Crontab</summary>"), "{}", page.text());
    }

    async fn a_cookie_is_the_browsers_alone(database) {
        let settings = [("OVERDUE_SERVER__TRUSTED_PROXIES", "127.0.0.0/8")];
        let server = TestServer::start(database, &settings).await;
        let mut visitor = Visitor::at(&server);
        let code = code_of(&server);
        let proxied = [
            ("origin", "https://watch.example.org"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "watch.example.org"),
        ];
        let done = visitor.submit_from(&proxied, "/setup", &filled_in(&code)).await;
        assert_eq!(done.status, 303, "{}", done.text());
        let cookie = done.header("set-cookie");
        for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Secure"] {
            assert!(cookie.split("; ").any(|is| is == part), "{part} in {cookie}");
        }
        let page = visitor.get_with(&proxied[1..], done.header("location")).await;
        let line = element(&page, "curl");
        assert!(line.contains(" https://watch.example.org/ping/"), "{line}");
    }

    async fn what_is_wrong_stands_at_its_field_and_what_was_typed_stays(database) {
        let server = TestServer::start(database, &[]).await;
        let mut visitor = Visitor::at(&server);
        let code = code_of(&server);
        for (field, bad, says) in [
            ("email", "nobody", "must be an address"),
            ("password", "too short", "must have at least 10 characters"),
            ("project_name", "", "must have 1 to 100 characters"),
            ("check_name", "a\0b", "must have 1 to 100 characters, no control characters but tabs"),
        ] {
            let answer = visitor.submit("/setup", &with(&code, field, bad)).await;
            assert_eq!(answer.status, 400, "{field}");
            assert!(element(&answer, &format!("{field}-error")).contains(says), "{field}");
            assert_eq!(answer.text().matches("aria-invalid").count(), 1, "{field}");
            assert_eq!(value(&answer, "code"), code, "{field}");
            assert_eq!(value(&answer, "password"), "", "{field}");
            if field != "email" {
                assert_eq!(value(&answer, "email"), "Ops@Example.org", "{field}");
            }
        }
        // Wrong fields with the right code are no guesses.
        assert_eq!(visitor.submit("/setup", &filled_in(&code)).await.status, 303);
    }

    async fn a_code_is_guessed_five_times_a_minute_at_most(database) {
        let server = TestServer::start(database, &[]).await;
        let mut visitor = Visitor::at(&server);
        let code = code_of(&server);
        for _ in 0..5 {
            let answer = visitor.submit("/setup", &filled_in("00000-00000-00000-00000")).await;
            assert_eq!(answer.status, 403);
            assert!(element(&answer, "code-error").contains("not the one that the log shows"));
        }
        let answer = visitor.submit("/setup", &filled_in(&code)).await;
        assert_eq!(answer.status, 429, "the right one is not tried either");
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert!(users_of(&server).is_empty());
    }

    async fn of_many_who_come_at_once_with_the_code_one_makes_the_account(database) {
        let server = TestServer::start(database, &[]).await;
        let code = code_of(&server);
        let mut posts = tokio::task::JoinSet::new();
        for n in 0..4 {
            let (mut visitor, code) = (Visitor::at(&server), code.clone());
            posts.spawn(async move {
                let email = format!("ops{n}@example.org");
                visitor.submit("/setup", &with(&code, "email", &email)).await.status
            });
        }
        let mut answers = posts.join_all().await;
        answers.sort_unstable();
        assert_eq!(answers[0], 303, "{answers:?}");
        assert!(answers[1..].iter().all(|status| *status != 303), "{answers:?}");
        assert_eq!(users_of(&server).len(), 1);
    }

    async fn with_an_account_the_page_is_over_and_the_code_void(database) {
        let mut server = TestServer::start(database, &[]).await;
        let code = code_of(&server);
        server.new_user("first@example.org");
        let mut visitor = Visitor::at(&server);
        assert_eq!(visitor.get("/setup").await.status, 410);
        assert_eq!(visitor.submit("/setup", &filled_in(&code)).await.status, 410);
        assert_eq!(users_of(&server).len(), 1);
        assert!(!visitor.get("/").await.text().contains("/setup"));
        server.stop().await;
        server.restart().await;
        assert_eq!(setup_address(&server), None, "no code is shown any more");
    }

    async fn each_start_has_a_code_of_its_own(database) {
        let mut server = TestServer::start(database, &[]).await;
        let old = code_of(&server);
        server.stop().await;
        server.restart().await;
        let mut visitor = Visitor::at(&server);
        assert_eq!(visitor.submit("/setup", &filled_in(&old)).await.status, 403);
        let typed = code_of(&server).to_lowercase().replace('-', " ").replace('0', "o");
        assert_eq!(visitor.submit("/setup", &filled_in(&typed)).await.status, 303, "{typed}");
    }
}

/// A server that nobody has set up yet, for what does not depend on the database.
async fn fresh() -> (TestServer, Visitor, String) {
    let server = TestServer::start(Database::Sqlite, &[]).await;
    let visitor = Visitor::at(&server);
    let code = code_of(&server);
    (server, visitor, code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_sites_form_is_refused() {
    let (server, mut visitor, code) = fresh().await;
    for header in [
        ("origin", "https://evil.example.com"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let answer = visitor.submit_from(&[header], "/setup", &filled_in(&code)).await;
        assert_eq!(answer.status, 403, "{header:?}");
    }
    let text = [("content-type", "text/plain")];
    let answer = visitor.send(Method::POST, "/setup", &text, format!("code={code}")).await;
    assert_eq!(answer.status, 400);
    let long = "x".repeat(16 * 1024);
    let answer = visitor.submit("/setup", &with(&code, "check_name", &long)).await;
    assert_eq!(answer.status, 413);
    assert!(users_of(&server).is_empty());
    // A script that names no origin may.
    assert_eq!(visitor.submit_from(&[], "/setup", &filled_in(&code)).await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_the_first_check_is_for_who_made_it() {
    let (_server, mut visitor, code) = fresh().await;
    let page = set_up(&mut visitor, &code).await;
    assert_eq!(page.status, 200);
    let path = first_check(&mut visitor).await;
    let odd = [("host", "watch.intra:8080")];
    let page = visitor.get_with(&odd, &path).await;
    assert!(element(&page, "curl").contains(" http://watch.intra:8080/ping/"), "{}", page.text());
    for token in [None, Some("eyJhbGciOiJub25lIn0.e30.".to_owned())] {
        visitor.token = token;
        let answer = visitor.get(&path).await;
        let location = format!("/sign-in?next={}", path.replace('/', "%2F"));
        assert_eq!((answer.status, answer.header("location")), (303, location.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_and_assets_carry_the_headers_that_keep_them_safe_and_quick() {
    let (_server, mut visitor, _) = fresh().await;
    for path in ["/", "/setup", "/projects/x/checks"] {
        let page = visitor.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert!(!page.text().contains("style=") && !page.text().contains("<style"), "{path}");
    }
    let page = visitor.get("/").await;
    let (_, rest) = page.text().split_once("rel=\"stylesheet\" href=\"").unwrap();
    let path = rest.split_once('"').unwrap().0;
    let sheet = visitor.get(path).await;
    assert_eq!((sheet.status, sheet.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(sheet.header("cache-control").contains("immutable"));
    let again = visitor.get_with(&[("if-none-match", sheet.header("etag"))], path).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = visitor.get("/assets/overdue.css?v=older").await;
    assert_eq!(other.header("cache-control"), "no-cache");
    assert_eq!(visitor.get("/assets/nothing.css").await.status, 404);
}
