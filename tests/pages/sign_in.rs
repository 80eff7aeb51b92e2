//! Signing in: what a form without JavaScript does, what it refuses, and how often it lets anybody
//! guess.

use crate::support::answer::Answer;
use crate::support::both_databases;
use crate::support::server::{PASSWORD, TestServer};
use crate::support::visitor::Visitor;
use crate::support::{Database, PATIENCE};

const EMAIL: &str = "ops@example.org";

/// A server with one user.
async fn start(database: Database) -> TestServer {
    start_with(database, &[]).await
}

async fn start_with(database: Database, settings: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start(database, settings).await;
    server.new_user(EMAIL);
    server
}

/// A server behind a proxy, where a visitor can come from any address.
async fn start_behind_proxy() -> TestServer {
    start_with(Database::Sqlite, &[("OVERDUE_SERVER__TRUSTED_PROXIES", "127.0.0.0/8")]).await
}

/// The page without what was typed into it.
fn apart_from(answer: &Answer, email: &str) -> String {
    answer.text().replace(email, "")
}

both_databases! {
    async fn who_knows_the_password_gets_a_session_that_the_api_takes_too(database) {
        let server = start(database).await;
        let mut visitor = Visitor::at(&server);
        let form = visitor.get("/sign-in").await;
        assert_eq!(form.status, 200);
        let signed_in = visitor.sign_in(" Ops@Example.org ", PASSWORD).await;
        assert_eq!((signed_in.status, signed_in.header("location")), (303, "/"));
        assert_eq!(signed_in.header("cache-control"), "no-store");
        let cookie = signed_in.header("set-cookie");
        for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1800"] {
            assert!(cookie.split("; ").any(|is| is == part), "{part} in {cookie}");
        }
        assert!(visitor.get("/").await.text().contains(EMAIL));
        assert_eq!(visitor.get("/user/profile").await.ok()["email"], EMAIL);
    }

    async fn signing_out_ends_the_session_at_once_on_every_node(database) {
        let server = start(database).await;
        let other = server.beside().await;
        let mut visitor = Visitor::at(&server).signed_in(EMAIL).await;
        let token = visitor.token.clone().unwrap();
        let out = visitor.submit("/sign-out", &[]).await;
        assert_eq!((out.status, out.header("location")), (303, "/sign-in"));
        assert!(out.header("set-cookie").contains("api_access_token=; Path=/; Max-Age=0"));
        for node in [&server, &other] {
            let mut thief = Visitor::at(node);
            thief.token = Some(token.clone());
            assert_eq!(thief.get("/user/profile").await.status, 401);
            assert_eq!(thief.get("/docs/api").await.status, 303);
        }
        // Once more, with nothing left to end.
        assert_eq!(visitor.submit("/sign-out", &[]).await.status, 303);
    }

    async fn each_sign_in_has_a_token_of_its_own_and_ends_the_one_before(database) {
        let server = start(database).await;
        let mut visitor = Visitor::at(&server).signed_in(EMAIL).await;
        let planted = visitor.token.clone().unwrap();
        visitor = visitor.signed_in(EMAIL).await;
        assert_ne!(visitor.token.as_ref(), Some(&planted));
        assert_eq!(visitor.get("/user/profile").await.status, 200);
        let mut thief = Visitor::at(&server);
        thief.token = Some(planted);
        assert_eq!(thief.get("/user/profile").await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_address_and_a_wrong_password_are_answered_alike() {
    let server = start(Database::Sqlite).await;
    let mut visitor = Visitor::at(&server);
    let wrong = visitor.sign_in(EMAIL, "wrong horse battery").await;
    assert_eq!((wrong.status, &visitor.token), (403, &None));
    assert!(wrong.text().contains("role=\"alert\""), "{}", wrong.text());
    assert!(wrong.text().contains(&format!("value=\"{EMAIL}\"")), "what was typed stays");
    assert!(!wrong.text().contains("wrong horse"), "save the password");
    for email in ["nobody@example.org", "no address", "\"><script>"] {
        let unknown = visitor.sign_in(email, "wrong horse battery").await;
        assert_eq!(unknown.status, 403);
        assert!(!unknown.text().contains("<script>\""));
        let escaped = email.replace('"', "&#34;").replace('<', "&#60;").replace('>', "&#62;");
        assert_eq!(apart_from(&unknown, &escaped), apart_from(&wrong, EMAIL), "{email}");
    }
    assert!(!server.log().contains("nobody@example.org"), "it may be a password");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn afterwards_one_goes_where_one_wanted_to_and_never_to_another_site() {
    let server = start(Database::Sqlite).await;
    let mut visitor = Visitor::at(&server);
    let sent = visitor.get("/docs/api?x=1").await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (303, "/sign-in?next=%2Fdocs%2Fapi%3Fx%3D1")
    );
    let form = visitor.get(sent.header("location")).await;
    assert!(form.text().contains("name=\"next\" value=\"/docs/api?x=1\""), "{}", form.text());
    for (next, location) in [
        ("/docs/api?x=1", "/docs/api?x=1"),
        ("//evil.example.com/", "/"),
        ("/\\evil.example.com/", "/"),
        ("https://evil.example.com/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example.com", "/"),
        ("/a\r\nLocation: https://evil.example.com", "/"),
    ] {
        let mut visitor = Visitor::at(&server);
        let form = [("email", EMAIL), ("password", PASSWORD), ("next", next)];
        let answer = visitor.submit("/sign-in", &form).await;
        assert_eq!((answer.status, answer.header("location")), (303, location), "{next:?}");
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let answer = visitor.get(&format!("/sign-in?{query}")).await;
        assert_eq!((answer.status, answer.header("location")), (303, location), "{next:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_sites_page_signs_nobody_in_or_out() {
    let server = start(Database::Sqlite).await;
    let mut visitor = Visitor::at(&server).signed_in(EMAIL).await;
    let form = [("email", EMAIL), ("password", PASSWORD)];
    for headers in [
        [("origin", "https://evil.example.com")],
        [("origin", "null")],
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
    ] {
        for path in ["/sign-in", "/sign-out", "/docs/api/renew"] {
            let answer = visitor.submit_from(&headers, path, &form).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
            assert_eq!(answer.header("set-cookie"), "", "{path} {headers:?}");
        }
    }
    assert_eq!(visitor.get("/user/profile").await.status, 200, "still signed in");
    for path in ["/sign-out", "/docs/api/renew"] {
        assert_eq!(visitor.get(path).await.status, 405, "no link does it either");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_guesses_ten_times_and_is_told_when_it_may_again() {
    let server = start_behind_proxy().await;
    let mut guesser = Visitor::from(&server, "192.0.2.1");
    for n in 0..10 {
        let email = format!("user{n}@example.org");
        assert_eq!(guesser.sign_in(&email, "wrong horse battery").await.status, 403);
    }
    let refused = guesser.sign_in(EMAIL, PASSWORD).await;
    assert_eq!(refused.status, 429, "the right one is not tried either");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=300).contains(&seconds), "{seconds}");
    assert!(refused.text().contains("Try again in"), "{}", refused.text());
    assert!(refused.text().contains(&format!("value=\"{EMAIL}\"")));
    Visitor::from(&server, "192.0.2.2").signed_in(EMAIL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_from_everywhere_do_not_keep_the_owner_out() {
    let server = start_behind_proxy().await;
    let owner = Visitor::from(&server, "192.0.2.1").signed_in(EMAIL).await;
    for n in 1..=11 {
        let mut guesser = Visitor::from(&server, &format!("198.51.100.{n}"));
        let status = guesser.sign_in(EMAIL, "wrong horse battery").await.status;
        assert_eq!(status, if n <= 10 { 403 } else { 429 });
        let status = guesser.sign_in("nobody@example.org", "wrong horse battery").await.status;
        assert_eq!(status, if n <= 10 { 403 } else { 429 }, "unknown accounts are counted alike");
    }
    drop(owner);
    Visitor::from(&server, "192.0.2.1").signed_in(EMAIL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_once_are_counted_before_they_are_judged() {
    let server = start(Database::Sqlite).await;
    let mut guesses = tokio::task::JoinSet::new();
    for n in 0..20 {
        let mut visitor = Visitor::at(&server);
        guesses
            .spawn(async move { visitor.sign_in(EMAIL, &format!("wrong horse {n}")).await.status });
    }
    let statuses = tokio::time::timeout(PATIENCE, guesses.join_all()).await.unwrap();
    assert_eq!(statuses.iter().filter(|status| **status == 403).count(), 10, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 10, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_there_is_an_account_the_way_leads_to_the_first_one() {
    let server = TestServer::start(Database::Sqlite, &[]).await;
    let mut visitor = Visitor::at(&server);
    let answer = visitor.get("/sign-in").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/setup"));
    assert_eq!(visitor.sign_in(EMAIL, PASSWORD).await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_form_of_ours_is_refused() {
    let server = start(Database::Sqlite).await;
    let mut visitor = Visitor::at(&server);
    let long = "x".repeat(16 * 1024);
    assert_eq!(visitor.sign_in(EMAIL, &long).await.status, 413);
    assert_eq!(visitor.sign_in("", "").await.status, 403);
    assert_eq!(visitor.submit("/sign-in", &[("email", EMAIL), ("email", "x")]).await.status, 403);
}
