//! Whoever does not sign right is refused first, then whoever asks for what can't be.

use super::{ACCESS_KEY, SIGNATURE, Signer, TIMESTAMP, USER, start};
use crate::support::server::TestServer;
use crate::support::{both_databases, now};

const URI: &str = "/api/v1/jobs?limit=10&page=1";

/// The headers of a request that is signed right, one of them changed.
fn with(signer: &Signer, name: &str, value: &str) -> Vec<(&'static str, String)> {
    let headers = signer.headers("GET", URI).into_iter();
    headers.map(|(n, v)| if n == name { (n, value.to_owned()) } else { (n, v) }).collect()
}

both_databases! {
    async fn whoever_does_not_sign_right_is_refused(database) {
        let server = TestServer::start(database, &[]).await;
        let (_, signer) = start(&server).await;
        let signed_at = |offset: i64| {
            signer.headers_at("GET", URI, &(now().0 / 1000 + offset).to_string())
        };
        let other_secret = Signer { secret: "wrong".to_owned(), ..signer.clone() };
        let other_key = Signer { key: "nokey".to_owned(), ..signer.clone() };
        let mut bad = vec![
            Vec::new(),
            other_secret.headers("GET", URI),
            other_key.headers("GET", URI),
            signed_at(-301_000),
            signed_at(301_000),
            signed_at(i64::MAX / 2_000_000),
            signer.headers_at("GET", URI, "abc"),
            signer.headers_at("GET", URI, "-1"),
            signer.headers_at("GET", URI, ""),
            signer.headers("POST", URI),
            signer.headers("GET", "/api/v1/jobs?page=1&limit=10"),
            signer.headers("GET", "/api/v1/jobs"),
            with(&signer, SIGNATURE, "!!"),
            with(&signer, SIGNATURE, ""),
            with(&signer, ACCESS_KEY, ""),
        ];
        for name in [TIMESTAMP, ACCESS_KEY, SIGNATURE] {
            let headers = signer.headers("GET", URI);
            bad.push(headers.iter().filter(|(n, _)| *n != name).cloned().collect());
            let twice = headers.iter().filter(|(n, _)| *n == name).cloned();
            bad.push(headers.iter().cloned().chain(twice).collect());
        }
        for headers in bad {
            let answer = signer.send("GET", URI, &headers).await;
            let message = answer.fatal(401);
            assert!(!message.contains(&signer.secret), "{message}");
            assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
        }
        // Neither tells which of both is wrong.
        let refused = async |signer: &Signer| signer.get("limit=10&page=1").await.fatal(401);
        assert_eq!(refused(&other_key).await, refused(&other_secret).await);
        assert_eq!(signer.send("GET", URI, &signed_at(-290_000)).await.status, 200);
        assert_eq!(signer.send("GET", URI, &signed_at(290_000)).await.status, 200);
        assert!(!server.log().contains(&signer.secret));
    }

    async fn what_can_not_be_is_refused_after_the_signature(database) {
        let server = TestServer::start(database, &[]).await;
        let (_, signer) = start(&server).await;
        let stranger = Signer { secret: "wrong".to_owned(), ..signer.clone() };
        for (query, field) in [
            ("limit=0&page=1", "limit: "),
            ("limit=x&page=1", "limit: "),
            ("limit=1001&page=1", "limit: "),
            ("limit=10&page=0", "page: "),
            ("limit=10&limit=10&page=1", "limit: "),
            ("limit=10&page=1&pages=1", "page: "),
            ("limit=10&page=1&lang=fr", "lang: "),
            ("page=1", "limit and page are needed"),
            ("limit=10", "limit and page are needed"),
            ("", "limit and page are needed"),
        ] {
            let message = signer.get(query).await.fatal(400);
            assert!(message.starts_with(field), "{query}: {message}");
            stranger.get(query).await.fatal(401);
        }
        for query in [
            "limit=1000&page=9223372036854775807",
            "pages=1&limit=10",
            "l%69mit=1%30&p%61ge=%31&other=%ff",
            "limit=10&page=1&lang=ko",
        ] {
            assert_eq!(signer.get(query).await.status, 200, "{query}");
        }
    }

    async fn other_methods_and_other_paths(database) {
        let server = TestServer::start(database, &[]).await;
        let (_, signer) = start(&server).await;
        let head = signer.send("HEAD", URI, &signer.headers("HEAD", URI)).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(signer.send("HEAD", URI, &signer.headers("GET", URI)).await.status, 401);
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let answer = signer.send(method, URI, &signer.headers(method, URI)).await;
            answer.fatal(405);
            assert_eq!(answer.header("allow"), "GET,HEAD");
        }
        for path in ["/api/v1/jobs/", "/api/v1/jobs/1", "/api/v1/", "/api/v1"] {
            // They are the monitors' dialect, which wants a token.
            let answer = signer.send("GET", path, &signer.headers("GET", path)).await;
            assert_eq!(answer.status, 401, "{path}");
            assert_eq!(answer.json()["error"], "missing_api_key", "{path}");
        }
    }

    async fn below_a_prefix_the_whole_path_is_signed(database) {
        let site = ("OVERDUE_SERVER__SITE_URL", "http://localhost:8000/o");
        let server = TestServer::start(database, &[site]).await;
        server.new_user(USER);
        let signer = Signer::of(&server, USER);
        let uri = format!("/o{URI}");
        assert_eq!(signer.send("GET", &uri, &signer.headers("GET", &uri)).await.status, 200);
        signer.send("GET", &uri, &signer.headers("GET", URI)).await.fatal(401);
    }
}
