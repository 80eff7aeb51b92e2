//! Blacklists, asked of a real name server: Debian's `dnsmasq`.

use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};

use overdue::secret::random_bytes;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::{device, good, listed, post, until_status};
use crate::support::api::Api;
use crate::support::server::TestServer;
use crate::support::{Database, both_databases, until};

/// The lists have nothing else.
const OWN: [&str; 3] = ["--local=/bl.test/", "--local=/second.test/", "--local=/dbl.test/"];

/// A name server with these lines of configuration, ended when dropped.
struct Names {
    process: Child,
    port: u16,
}

impl Names {
    /// None where there is no dnsmasq and none is demanded.
    async fn start(port: Option<u16>, lines: &[&str]) -> Option<Self> {
        let version = Command::new("dnsmasq").arg("--version").stdout(Stdio::null()).status();
        if !version.is_ok_and(|status| status.success()) {
            let is_required =
                std::env::var_os("OVERDUE_TEST_ALL").is_some_and(|value| !value.is_empty());
            assert!(!is_required, "OVERDUE_TEST_ALL is set and there is no dnsmasq: run ./test");
            return None;
        }
        let port = port.unwrap_or_else(free_port);
        let mut command = Command::new("dnsmasq");
        command.args(["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv"]);
        command.args(["--no-hosts", "--bind-interfaces", "--listen-address=127.0.0.1"]);
        // As whoever runs the tests: it takes no port that needs more.
        command.args(["--pid-file=", "--user=", &format!("--port={port}")]).args(lines);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let names = Self { process, port };
        until("the name server", async || TcpStream::connect(("127.0.0.1", port)).await.ok()).await;
        Some(names)
    }
}

/// A port that nobody has, for UDP and for TCP, and that the system gives to nobody by itself.
fn free_port() -> u16 {
    let is_free = |port: &u16| {
        let both = (UdpSocket::bind(("127.0.0.1", *port)), TcpListener::bind(("127.0.0.1", *port)));
        both.0.is_ok() && both.1.is_ok()
    };
    let tries = std::iter::repeat_with(|| 20_000 + u16::from_le_bytes(random_bytes()) % 10_000);
    tries.take(1000).find(is_free).expect("a free port")
}

impl Drop for Names {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn server_asking(database: Database, port: u16) -> (TestServer, Api) {
    let resolver = format!("127.0.0.1:{port}");
    let settings = [
        ("OVERDUE_BLACKLIST__RESOLVER", resolver.as_str()),
        ("OVERDUE_BLACKLIST__ZONES", "bl.test,second.test"),
        ("OVERDUE_BLACKLIST__DOMAIN_ZONES", "dbl.test"),
        ("OVERDUE_BLACKLIST__INTERVAL", "1"),
    ];
    let server = TestServer::start(database, &settings).await;
    let api = server.owner().await;
    (server, api)
}

async fn watch(api: &Api, kind: &str, value: &str) -> Value {
    let body = json!({"target_type": kind, "target_value": value});
    good(&post(api, "/blacklist-monitors/create", &body).await, 201)
}

async fn until_last(api: &Api, made: &Value, status: &str) -> Value {
    until(&format!("the status {status}"), async || {
        let now = listed(api, "/blacklist-monitors", made).await;
        (now["last_status"] == status && !now["last_checked_at"].is_null()).then_some(now)
    })
    .await
}

both_databases! {
    async fn what_is_listed_is_down_and_up_again_when_it_is_not(database) {
        let v6 = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
        let v6 = format!("--address=/{v6}.second.test/127.0.0.4");
        let there = [
            "--address=/7.2.0.192.bl.test/127.0.0.2",
            "--txt-record=7.2.0.192.bl.test,spam seen",
            "--address=/bad.example.dbl.test/127.0.1.2",
            "--address=/mixed.example/192.0.2.7",
            "--address=/mixed.example/2001:db8::7",
            "--address=/9.2.0.192.bl.test/127.255.255.254",
            "--local=/example/",
            &v6,
        ];
        let Some(names) = Names::start(None, &[&OWN[..], &there].concat()).await else { return };
        let (_server, api) = server_asking(database, names.port).await;
        let spammer = watch(&api, "ip", "192.0.2.7").await;
        let clean = watch(&api, "ip", "192.0.2.8").await;
        let domain = watch(&api, "domain", "bad.example").await;
        let mixed = watch(&api, "domain", "mixed.example").await;
        let odd = watch(&api, "ip", "192.0.2.9").await;
        let on = until_last(&api, &spammer, "listed").await;
        let entry = json!({
            "zone": "bl.test", "what": "192.0.2.7", "code": "127.0.0.2", "reason": "spam seen"
        });
        assert_eq!(on["lists"], json!([entry]));
        assert_eq!(on["last_error"], "on bl.test: spam seen");
        until_last(&api, &clean, "clean").await;
        assert_eq!(until_last(&api, &domain, "listed").await["lists"][0]["zone"], "dbl.test");
        let told = until_last(&api, &mixed, "listed").await;
        let zones = told["lists"].as_array().unwrap().iter();
        let zones: Vec<&str> = zones.map(|list| list["zone"].as_str().unwrap()).collect();
        assert_eq!(zones, ["bl.test", "second.test"], "its address of IPv4 and that of IPv6");
        // An error of one list is no listing, and another list could tell.
        let told = until_last(&api, &odd, "clean").await;
        let why = told["failed_lists"][0]["error"].as_str().unwrap();
        assert!(why.contains("127.255.255.254"), "{told}");
        let check = api.read(&json!({"check_id": spammer["check_id"]})).await;
        assert_eq!(check["status"], "down");
        // The name server itself, as a device.
        let body = json!({
            "target_type": "ip", "target_value": "127.0.0.1", "service_type": "dns",
            "port": names.port, "interval": 1, "retries": 0, "timeout": 3
        });
        let itself = device(&api, &body).await;
        until_status(&api, &itself, "up").await;

        // Nobody answers: what was known stays.
        let port = names.port;
        drop(names);
        until("a look without an answer", async || {
            let now = listed(&api, "/blacklist-monitors", &clean).await;
            now["last_error"].is_string().then_some(())
        })
        .await;
        assert_eq!(listed(&api, "/blacklist-monitors", &clean).await["last_status"], "clean");
        let still = listed(&api, "/blacklist-monitors", &spammer).await;
        assert_eq!((&still["last_status"], &still["lists"][0]["zone"]), (&json!("listed"), &json!("bl.test")));
        until_status(&api, &itself, "down").await;

        let _names = Names::start(Some(port), &OWN).await.unwrap();
        until_last(&api, &spammer, "clean").await;
        assert_eq!(api.read(&check).await["status"], "up");
    }
}
