//! What is seen of real servers, and what follows from it.

use serde_json::{Value, json};

use super::servers::{Paper, Server};
use super::{device, get, good, listed, post, until_status};
use crate::support::api::Api;
use crate::support::folder::Folder;
use crate::support::post::{Port, Post};
use crate::support::receiver::Receiver;
use crate::support::server::{TestServer, webhook};
use crate::support::{both_databases, until};

fn web(port: u16, more: &Value) -> Value {
    let mut body = json!({
        "target_type": "ip", "target_value": "127.0.0.1", "service_type": "web",
        "scheme": "http", "port": port, "interval": 1, "retries": 1
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn service(kind: &str, port: u16) -> Value {
    json!({
        "target_type": "domain", "target_value": "localhost", "service_type": kind, "port": port,
        "interval": 1, "retries": 0, "timeout": 5
    })
}

async fn probed(api: &Api, body: &Value, status: &str) -> Value {
    let made = device(api, body).await;
    until_status(api, &made, status).await
}

fn error(device: &Value) -> &str {
    device["last_error"].as_str().unwrap_or_default()
}

both_databases! {
    async fn a_page_goes_down_and_up_and_whoever_is_to_know_is_told(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let receiver = Receiver::start().await;
        let mut hook = webhook(&receiver.url("/"));
        hook["config"]["body_down"] = json!("$NAME $STATUS: $BODY");
        api.post(&api.path("/channel"), &hook).await.ok();
        let page = Server::web().await;
        let made = device(&api, &web(page.port, &json!({"expect_status": 200}))).await;
        let up = until_status(&api, &made, "up").await;
        let found = &up["probes"]["public_http"];
        assert_eq!((&found["ok"], &found["status_code"]), (&json!(true), &json!(200)), "{up}");
        assert!(found["latency_ms"].is_i64() && up["last_error"].is_null(), "{up}");
        assert!(up["probes"]["public_tls"].is_null() && up["last_checked_at"].is_string(), "{up}");
        page.change(|manners| manners.status = "500 Oh no".into());
        let down = until_status(&api, &made, "down").await;
        assert_eq!(error(&down), "public_http: status 500 instead of 200");
        let got = receiver.wait_for(1).await;
        assert!(got[0].text().contains("status 500 instead of 200"), "{}", got[0].text());
        page.change(|manners| manners.status = "200 OK".into());
        until_status(&api, &made, "up").await;
        receiver.wait_for(2).await;
        let check = api.read(&json!({"check_id": made["check_id"]})).await;
        assert_eq!(check["status"], "up");
        let pings = api.pings(&check).await;
        assert!(pings.iter().all(|ping| ping["scheme"] == "probe"), "{pings:?}");
        // A device that is switched off is not watched; its check is paused.
        let path = format!("/devices/update?id={}", made["id"]);
        good(&post(&api, &path, &json!({"is_enabled": 0})).await, 200);
        assert_eq!(listed(&api, "/devices", &made).await["status"], "disabled");
        assert_eq!(api.read(&check).await["status"], "paused");
        let asked = page.asked().len();
        good(&post(&api, &path, &json!({"is_enabled": 1})).await, 200);
        until("another look", async || (page.asked().len() > asked + 1).then_some(())).await;
        let status = api.read(&check).await["status"].clone();
        assert!(status == "new" || status == "up", "{status}");
    }

    async fn a_page_is_judged_by_its_status_its_text_and_where_it_leads(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let (first, second) = (Server::web().await, Server::web().await);
        let there = format!("Location: http://localhost:{}/there\r\n", second.port);
        first.change(|manners| {
            manners.status = "302 Found".into();
            manners.headers = there;
        });
        second.change(|manners| manners.body = "all systems nominal".into());
        let named = |more: Value| {
            let mut all = json!({"target_type": "domain", "target_value": "localhost", "retries": 0});
            for (name, value) in more.as_object().unwrap() {
                all[name] = value.clone();
            }
            all
        };
        let follows = web(first.port, &named(json!({"expect_body": "nominal"})));
        let up = probed(&api, &follows, "up").await;
        assert_eq!(up["probes"]["public_http"]["status_code"], 200);
        let asked = second.asked();
        assert!(asked.iter().any(|head| head.starts_with("get /there ")), "{asked:?}");
        let stays = json!({"expect_status": 302, "host_header": "shop.example.org"});
        probed(&api, &web(first.port, &stays), "up").await;
        let asked = first.asked();
        assert!(asked.iter().any(|head| head.contains("host: shop.example.org\r\n")), "{asked:?}");
        second.change(|manners| manners.body = "on fire".into());
        let text = web(second.port, &json!({"expect_body": "nominal", "retries": 0}));
        let down = probed(&api, &text, "down").await;
        assert!(error(&down).contains("the text that it should have"), "{down}");
        second.change(|manners| {
            manners.status = "302 Found".into();
            manners.headers = "Location: /again\r\n".into();
        });
        let round = probed(&api, &web(second.port, &named(json!({}))), "down").await;
        assert!(error(&round).contains("redirects"), "{round}");
    }

    async fn a_certificate_is_judged_by_who_signed_it_its_name_and_its_end(database) {
        let lasting = Paper::new("localhost", 90);
        let (short, other) = (Paper::new("localhost", 3), Paper::new("else.example", 90));
        let folder = Folder::new();
        let roots = folder.file("roots.pem");
        std::fs::write(&roots, [&lasting.pem[..], &short.pem, &other.pem].concat()).unwrap();
        let trusted = [("SSL_CERT_FILE", roots.to_str().unwrap())];
        let server = TestServer::start(database, &trusted).await;
        let api = server.owner().await;
        let of = |port: u16| {
            let more = json!({
                "target_type": "domain", "target_value": "localhost", "scheme": "https",
                "check_public_https": 1, "check_public_tls": 1, "retries": 0
            });
            web(port, &more)
        };
        let holds = Server::secured(&lasting).await;
        let up = probed(&api, &of(holds.port), "up").await;
        let tls = &up["probes"]["public_tls"];
        assert_eq!((&tls["ok"], &tls["certificate_days_left"]), (&json!(true), &json!(90)), "{up}");
        assert!(tls["certificate_expires_at"].is_string() && tls["tls_ms"].is_i64(), "{up}");
        assert_eq!(up["probes"]["public_https"]["status_code"], 200);
        let ends = Server::secured(&short).await;
        let down = probed(&api, &of(ends.port), "down").await;
        assert_eq!(error(&down), "public_tls: the certificate ends in 3 days");
        assert_eq!(down["probes"]["public_https"]["ok"], true, "it holds today");
        let elsewhere = Server::secured(&other).await;
        let down = probed(&api, &of(elsewhere.port), "down").await;
        assert_eq!(error(&down), "public_https: the certificate is for another name");
        let unknown = Server::secured(&Paper::new("localhost", 90)).await;
        let down = probed(&api, &of(unknown.port), "down").await;
        let why = down["probes"]["public_tls"]["error"].as_str().unwrap();
        assert!(why.contains("nobody whom this system trusts"), "{down}");
        // The server behind a proxy is asked with the public name, and may sign for itself.
        let proxy = Server::web().await;
        let behind = json!({
            "target_type": "domain", "target_value": "localhost", "proxy_enabled": 1, "retries": 0,
            "origin_host": "127.0.0.1", "origin_scheme": "https", "origin_port": unknown.port,
            "check_public_http": 1, "check_origin_http": 1
        });
        let up = probed(&api, &web(proxy.port, &behind), "up").await;
        assert_eq!(up["probes"]["origin_http"]["status_code"], 200);
        let host = format!("host: localhost:{}\r\n", proxy.port);
        let asked = unknown.asked();
        assert!(asked.iter().any(|head| head.contains(&host)), "{asked:?}");
    }

    async fn services_are_known_by_how_they_greet(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        for (kind, greeting, wrong) in [
            ("ssh", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"),
            ("smtp", "220-one\r\n220 two ESMTP\r\n", "554 go away\r\n"),
            ("imap", "* OK ready\r\n", "* BYE\r\n"),
            ("pop3", "+OK ready\r\n", "-ERR no\r\n"),
            ("ftp", "220 ready\r\n", "421 busy\r\n"),
            ("tcp", "", ""),
        ] {
            let fine = Server::greeter(greeting).await;
            let up = probed(&api, &service(kind, fine.port), "up").await;
            assert_eq!(up["probes"]["port"]["ok"], true, "{up}");
            if wrong.is_empty() {
                continue;
            }
            let odd = Server::greeter(wrong).await;
            let mut body = service(kind, odd.port);
            body["timeout"] = json!(2);
            let down = probed(&api, &body, "down").await;
            assert!(!error(&down).is_empty(), "{kind}: {down}");
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let nobody = free.local_addr().unwrap().port();
        drop(free);
        let down = probed(&api, &service("tcp", nobody), "down").await;
        assert!(error(&down).contains("refused"), "{down}");
    }

    async fn a_mail_server_is_introduced_to_and_spoken_to_under_tls(database) {
        let Some(exim) = Post::shared().await else { return };
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let up = probed(&api, &service("smtp", exim.port(Port::Starttls)), "up").await;
        let found = &up["probes"]["port"];
        assert!(found["tls_ms"].is_i64() && found["certificate_days_left"].is_i64(), "{up}");
    }

    async fn addresses_that_are_not_public_are_not_probed_unless_they_may(database) {
        let closed = [("OVERDUE_OUTBOUND__ALLOW_PRIVATE", "false")];
        let server = TestServer::start(database, &closed).await;
        let api = server.owner().await;
        let page = Server::web().await;
        let down = probed(&api, &web(page.port, &json!({"retries": 0})), "down").await;
        assert!(error(&down).contains("not a public address"), "{down}");
        assert_eq!(page.asked().len(), 0);
    }

    async fn hosts_that_do_not_answer_hold_nobody_up(database) {
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        // It takes connections, and says nothing.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = silent.local_addr().unwrap().port();
        for n in 1..=20 {
            let mut body = service("ssh", port);
            // Devices differ by their origin too.
            body["origin_port"] = json!(n);
            body["timeout"] = json!(2);
            device(&api, &body).await;
        }
        let page = Server::web().await;
        probed(&api, &web(page.port, &json!({})), "up").await;
        until("all of them down", async || {
            let all = get(&api, "/devices").await;
            let down = all.as_array().unwrap().iter().filter(|each| each["status"] == "down");
            (down.count() == 20).then_some(())
        })
        .await;
        let all = get(&api, "/devices").await;
        assert!(error(&all[0]).contains("no answer within 2 s"), "{all}");
    }
}
