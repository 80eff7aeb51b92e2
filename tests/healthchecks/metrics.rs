//! The page of metrics, as Prometheus reads it.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{Desk, send};
use crate::support::folder::Folder;
use crate::support::server::http_client;
use crate::support::{Database, both_databases, pass_over, until};

both_databases! {
    async fn metrics_tell_of_each_check_and_tag(database) {
        let desk = Desk::open(database).await;
        let project = desk.api.get(&desk.api.path("")).await.ok();
        let well = desk.check(&json!({"name": "say \"hi\" \\", "tags": "a b"})).await;
        desk.api.ping(&well, "/start").await.says(200, "OK");
        desk.api.ping(&well, "").await.says(200, "OK");
        let ill = desk.check(&json!({"name": "ill", "tags": "b"})).await;
        desk.api.ping(&ill, "/fail").await.says(200, "OK");
        let base = format!("/projects/{}/metrics", project["uuid"].as_str().unwrap());
        let page = send(&desk.api, "GET", &format!("{base}/{}", desk.reader), "", "").await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(page.header("content-type").starts_with("text/plain; version=0.0.4"));
        let has = |line: &str| page.text().lines().any(|l| l.starts_with(line));
        assert!(has(r#"hc_check_up{name="say \"hi\" \\", tags="a b", unique_key=""#), "{}", page.text());
        assert!(page.text().contains(r#"hc_check_up{name="ill", tags="b", unique_key=""#));
        assert!(has(r#"hc_tag_up{tag="a"} 1"#) && has(r#"hc_tag_up{tag="b"} 0"#));
        assert!(has("hc_checks_total 2") && has("hc_checks_down_total 1"));
        for name in ["started", "grace", "paused", "last_ping_timestamp_seconds", "last_duration_seconds"] {
            assert!(has(&format!("hc_check_{name}{{")), "{name}");
        }
        let uuid = well["uuid"].as_str().unwrap();
        assert!(!page.text().contains(uuid));
        // An address takes only a key that may not write; a header takes both.
        assert_eq!(send(&desk.api, "GET", &format!("{base}/{}", desk.key), "", "").await.status, 403);
        for (key, status) in [(&desk.key, 200), (&desk.reader, 200), (&"x".repeat(32), 403)] {
            let url = format!("http://{}{base}", desk.api.address);
            let answer = http_client().get(url).bearer_auth(key).send().await.unwrap();
            assert_eq!(answer.status(), status);
        }
        assert_eq!(send(&desk.api, "GET", &base, "", "").await.status, 401);
        let other = "/projects/00000000-0000-4000-8000-000000000000/metrics";
        assert_eq!(send(&desk.api, "GET", &format!("{other}/{}", desk.reader), "", "").await.status, 403);
    }
}

/// A Prometheus, until it is dropped.
struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_itself_scrapes_the_page() {
    let is_there = Command::new("prometheus").arg("--version").output().is_ok();
    if !is_there {
        pass_over("no Prometheus scrapes the metrics: run ./test");
        return;
    }
    let desk = Desk::open(Database::Sqlite).await;
    let project = desk.api.get(&desk.api.path("")).await.ok();
    let check = desk.check(&json!({"name": "nightly", "tags": "prod"})).await;
    desk.api.ping(&check, "").await.says(200, "OK");
    let folder = Folder::new();
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: overdue\n  \
         metrics_path: /projects/{}/metrics\n  authorization: {{credentials: {}}}\n  \
         static_configs: [{{targets: ['{}']}}]\n",
        project["uuid"].as_str().unwrap(),
        desk.reader,
        desk.api.address
    );
    std::fs::write(folder.file("prometheus.yml"), config).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", folder.file("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.file("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _prometheus = Prometheus(command.spawn().unwrap());
    let url = format!("http://127.0.0.1:{port}/api/v1/query?query=hc_check_up");
    let found = until("the series", async || {
        let answer = http_client().get(&url).send().await.ok()?;
        let found: Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
        let first = found["data"]["result"].get(0)?.clone();
        Some(first)
    })
    .await;
    assert_eq!((&found["metric"]["name"], &found["value"][1]), (&json!("nightly"), &json!("1")));
    assert_eq!(found["metric"]["tags"], "prod");
}
