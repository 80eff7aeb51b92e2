//! Whose word about the remote address and scheme is believed.

use serde_json::json;

use crate::support::Database;
use crate::support::api::ping_path;
use crate::support::server::{TestServer, shared};

/// What a proxy says, and the address and scheme that are kept.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

#[tokio::test]
async fn a_trusted_proxy_names_the_client_and_its_scheme() {
    let settings = [("OVERDUE_SERVER__TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8")];
    let server = TestServer::start(Database::Sqlite, &settings).await;
    let api = server.owner().await;
    let check = api.check("behind a proxy", json!({})).await;
    let cases: [Case; 14] = [
        (&[], "127.0.0.1", "http"),
        (&[("x-forwarded-for", "203.0.113.7")], "203.0.113.7", "http"),
        // The right-most that is no proxy of ours: what stands left of it anyone can write.
        (&[("x-forwarded-for", "198.51.100.1, 203.0.113.7")], "203.0.113.7", "http"),
        (&[("x-forwarded-for", "203.0.113.7, 10.1.2.3")], "203.0.113.7", "http"),
        (
            &[("x-forwarded-for", "198.51.100.1,203.0.113.7 , 10.1.2.3,127.0.0.9")],
            "203.0.113.7",
            "http",
        ),
        (
            &[("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.7")],
            "203.0.113.7",
            "http",
        ),
        (&[("x-forwarded-for", "203.0.113.7:4711")], "203.0.113.7", "http"),
        (&[("x-forwarded-for", "2001:db8::1")], "2001:db8::1", "http"),
        (&[("x-forwarded-for", "::ffff:203.0.113.7")], "203.0.113.7", "http"),
        (
            &[("x-forwarded-for", "203.0.113.7"), ("x-forwarded-proto", "https")],
            "203.0.113.7",
            "https",
        ),
        (&[("forwarded", "for=203.0.113.9")], "203.0.113.9", "http"),
        (
            &[("forwarded", "for=198.51.100.1, for=203.0.113.9;proto=https;by=10.0.0.1")],
            "203.0.113.9",
            "https",
        ),
        (&[("forwarded", "for=\"203.0.113.9:4711\"")], "203.0.113.9", "http"),
        (&[("forwarded", "For=\"[2001:db8::1]:4711\";Proto=HTTPS")], "2001:db8::1", "https"),
    ];
    for (headers, address, scheme) in cases {
        api.send("GET", &ping_path(&check, ""), headers, "").await.says(200, "OK");
        let ping = api.last_ping(&check).await;
        let kept = (ping["remote_address"].as_str(), ping["scheme"].as_str());
        assert_eq!(kept, (Some(address), Some(scheme)), "{headers:?}");
    }
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let api = shared(Database::Sqlite).await;
    let check = api.check("direct", json!({})).await;
    let claims = [
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=203.0.113.9;proto=https"),
        ("x-real-ip", "203.0.113.7"),
    ];
    api.send("GET", &ping_path(&check, ""), &claims, "").await.says(200, "OK");
    let ping = api.last_ping(&check).await;
    assert_eq!(ping["remote_address"], "127.0.0.1");
    assert_eq!(ping["scheme"], "http");
}

#[tokio::test]
async fn words_of_a_trusted_proxy_that_make_no_sense_lose_no_ping() {
    let settings = [("OVERDUE_SERVER__TRUSTED_PROXIES", "127.0.0.1/32")];
    let server = TestServer::start(Database::Sqlite, &settings).await;
    let api = server.owner().await;
    let check = api.check("odd proxy", json!({})).await;
    let odd = ["unknown", "", ",", "203.0.113.7:99999999", "[::1", "for=_hidden;;;"];
    for text in odd {
        let headers = [("x-forwarded-for", text), ("x-forwarded-proto", text), ("forwarded", text)];
        api.send("GET", &ping_path(&check, ""), &headers, "").await.says(200, "OK");
    }
    assert_eq!(api.read(&check).await["n_pings"], odd.len());
}
