//! What a session opens, what goes with it, and the files of the API page.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::support::Database;
use crate::support::both_databases;
use crate::support::server::TestServer;
use crate::support::visitor::Visitor;

const EMAIL: &str = "ops@example.org";

async fn start(settings: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start(Database::Sqlite, settings).await;
    server.new_user(EMAIL);
    server
}

/// What the page says of an attribute.
fn attribute<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name}"));
    rest.split_once('"').unwrap().0
}

both_databases! {
    async fn a_session_is_renewed_by_the_button_and_goes_on_a_whole_life(database) {
        let server = TestServer::start(database, &[]).await;
        server.new_user(EMAIL);
        let mut visitor = Visitor::at(&server).signed_in(EMAIL).await;
        let first = visitor.token.clone().unwrap();
        let until = |page: &str| crate::support::time(&attribute(page, "data-until").into());
        let before = until(visitor.get("/docs/api").await.text());
        // The end is told in whole seconds: the next one makes a difference.
        let after = crate::support::until("a later end", async || {
            let answer = visitor.submit("/docs/api/renew", &[]).await;
            assert_eq!((answer.status, answer.header("location")), (303, "/docs/api"));
            let after = until(visitor.get("/docs/api").await.text());
            (after > before).then_some(after)
        })
        .await;
        assert_ne!(visitor.token.as_ref(), Some(&first), "the cookie is a new one");
        let life = after.micros_since(crate::support::now());
        assert!((29 * 60 * 1_000_000..=30 * 60 * 1_000_000).contains(&life), "{life}");
        visitor.submit("/sign-out", &[]).await;
        visitor.token = Some(first);
        let answer = visitor.submit("/docs/api/renew", &[]).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/docs/api"));
        assert_eq!(visitor.get("/docs/api").await.status, 303, "what is over stays so");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_need_a_session_send_who_has_none_to_the_sign_in() {
    let server = start(&[]).await;
    let token = server.cli_ok(&["token", "create", "--user", EMAIL, "--subject", "script"], "");
    for cookie in [None, Some(token), Some("nonsense".to_owned()), Some("a.b.c".to_owned())] {
        let mut visitor = Visitor::at(&server);
        visitor.token = cookie;
        for (path, next) in
            [("/docs/api", "%2Fdocs%2Fapi"), ("/projects/x/checks", "%2Fprojects%2Fx%2Fchecks")]
        {
            let answer = visitor.get(path).await;
            let location = format!("/sign-in?next={next}");
            assert_eq!((answer.status, answer.header("location")), (303, location.as_str()));
            assert!(!answer.header("content-security-policy").is_empty());
        }
        let home = visitor.get("/").await;
        assert!(!home.text().contains(EMAIL) && home.text().contains("href=\"/sign-in\""));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_page_has_the_least_policy_that_works() {
    let server = start(&[]).await;
    let mut visitor = Visitor::at(&server).signed_in(EMAIL).await;
    let page = visitor.get("/docs/api").await;
    let policy = page.header("content-security-policy");
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"));
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self';"));
    assert_eq!(policy.matches("data:").count(), 1, "{policy}");
    assert!(policy.contains("img-src 'self' data:;"), "{policy}");
    assert!(!visitor.get("/").await.header("content-security-policy").contains("data:"));
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_swagger_ui_two_files_are_served_and_kept_for_ever() {
    let server = start(&[]).await;
    let mut visitor = Visitor::at(&server).signed_in(EMAIL).await;
    let page = visitor.get("/docs/api").await;
    for (name, kind) in [
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("swagger-ui.css", "text/css; charset=utf-8"),
    ] {
        let (_, rest) = page.text().split_once(&format!("/assets/swagger/{name}?")).unwrap();
        let query = rest.split_once('"').unwrap().0;
        let file = visitor.get(&format!("/assets/swagger/{name}?{query}")).await;
        assert_eq!((file.status, file.header("content-type")), (200, kind));
        assert!(file.header("cache-control").contains("immutable") && file.body.len() > 100_000);
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        visitor.headers = vec![("if-none-match".to_owned(), file.header("etag").to_owned())];
        let again = visitor.get(&format!("/assets/swagger/{name}")).await;
        assert_eq!((again.status, again.header("cache-control")), (304, "no-cache"));
        visitor.headers = vec![("accept-encoding".to_owned(), "gzip".to_owned())];
        let packed = visitor.get(&format!("/assets/swagger/{name}?{query}")).await;
        assert_eq!(packed.header("content-encoding"), "gzip");
        assert_eq!(
            (packed.header("vary"), packed.header("content-type")),
            ("accept-encoding", kind)
        );
        assert!(packed.header("etag") != file.header("etag"));
        let mut unpacked = Vec::new();
        GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
        assert!(unpacked == file.body && packed.body.len() * 2 < file.body.len());
        visitor.headers.clear();
    }
    for name in
        ["", "swagger-ui.css.map", "swagger-ui-bundle.js.map", "oauth2-redirect.html", "index.html"]
    {
        assert_eq!(visitor.get(&format!("/assets/swagger/{name}")).await.status, 404, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_a_prefix_every_link_keeps_it() {
    let settings = [("OVERDUE_SERVER__SITE_URL", "https://example.org/watch")];
    let server = start(&settings).await;
    let mut visitor = Visitor::at(&server);
    let sent = visitor.get("/watch/docs/api").await;
    assert_eq!(sent.header("location"), "/watch/sign-in?next=%2Fdocs%2Fapi");
    let form = [("email", EMAIL), ("password", crate::support::server::PASSWORD)];
    let form = [&form[..], &[("next", "/docs/api")]].concat();
    let origin = [("origin", "https://example.org")];
    let answer = visitor.submit_from(&origin, "/watch/sign-in", &form).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/watch/docs/api"));
    let page = visitor.get("/watch/docs/api").await;
    let (text, mut links) = (page.text(), 0);
    for mark in ["href=\"/", "src=\"/", "action=\"/", "data-description=\"/"] {
        for rest in text.split(mark).skip(1) {
            assert!(rest.starts_with("watch/"), "{mark}{}", rest.split('"').next().unwrap());
            links += 1;
        }
    }
    assert!(links > 8, "{text}");
}
