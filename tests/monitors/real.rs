//! Servers of other makers, as they are: Twisted's SSH, IMAP, POP3, FTP and SMTP, and the system's own
//! answers to ICMP.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::{device, until_status};
use crate::support::server::{BINARY, TestServer};
use crate::support::{both_databases, pass_over, say};

/// The variable that names a Python which has what services/requirements.txt names.
const VARIABLE: &str = "OVERDUE_TEST_TWISTED";
const PROGRAM: &str = include_str!("services/serve.py");

/// The servers, until they are dropped.
struct Services {
    child: Child,
    /// They end with it.
    input: Option<ChildStdin>,
    _output: BufReader<ChildStdout>,
    ports: Value,
}

impl Services {
    /// None, with a word, where there is no Twisted.
    fn start() -> Option<Self> {
        let Ok(python) = std::env::var(VARIABLE) else {
            pass_over("servers by Twisted are not probed: run ./test");
            return None;
        };
        let mut command = Command::new(python);
        command.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let ports = serde_json::from_str(&line).unwrap();
        Some(Self { child, input, _output: output, ports })
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

both_databases! {
    async fn servers_of_another_maker_are_up_as_what_they_are_and_down_as_anything_else(database) {
        let Some(services) = Services::start() else { return };
        let server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let probe = async |kind: &str, port: &Value, status: &str| {
            let body = json!({
                "target_type": "ip", "target_value": "127.0.0.1", "service_type": kind,
                "port": port, "interval": 1, "retries": 0, "timeout": 10
            });
            let made = device(&api, &body).await;
            until_status(&api, &made, status).await
        };
        for kind in ["ssh", "imap", "pop3", "ftp", "smtp"] {
            let up = probe(kind, &services.ports[kind], "up").await;
            assert_eq!((&up["probes"]["port"]["ok"], &up["last_error"]), (&json!(true), &Value::Null));
            if kind == "smtp" {
                assert!(up["probes"]["port"]["tls_ms"].is_i64(), "no TLS was spoken: {up}");
            }
        }
        for (kind, other) in [("ssh", "ftp"), ("imap", "pop3"), ("smtp", "ssh")] {
            let down = probe(kind, &services.ports[other], "down").await;
            assert!(down["last_error"].as_str().unwrap().contains("it greets with"), "{down}");
        }
    }
}

/// A server on a host of its own, a namespace of the system's, where its group may send ICMP.
const ON_A_HOST: &str = r#"
set -e
echo '0 0' > /proc/sys/net/ipv4/ping_group_range
ip link set lo up
overdue=$1
"$overdue" serve > log 2>&1 &
server=$!
trap 'kill -9 $server' EXIT
printf 'correct horse 42\n' | "$overdue" user create ops@example.org --password-stdin > /dev/null
token=$("$overdue" token create --user ops@example.org --subject t --expires-in 1d --scopes read,write)
for try in $(seq 300); do
  curl -fsS http://127.0.0.1:8000/readyz > /dev/null 2>&1 && break
  sleep 0.1
done
call() { curl -sS -H "Authorization: Bearer $token" -H "Content-Type: application/json" "$@"; }
call -X POST http://127.0.0.1:8000/user/project -d '{"project_name": "p"}' > /dev/null
for target in 127.0.0.1 ::1 192.0.2.1; do
  call -X POST http://127.0.0.1:8000/api/v1/devices/create -d "{\"target_type\": \"ip\", \
    \"target_value\": \"$target\", \"service_type\": \"ping\", \"interval\": 1, \"retries\": 0, \
    \"timeout\": 1}" > /dev/null
done
for try in $(seq 300); do
  all=$(call http://127.0.0.1:8000/api/v1/devices)
  case "$all" in *pending*) sleep 0.1 ;; *) break ;; esac
done
printf '%s\n' "$all"
"#;

#[test]
fn hosts_answer_to_icmp_or_are_down() {
    let folder = crate::support::folder::Folder::new();
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", ON_A_HOST, "host", BINARY]).current_dir(folder.path());
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_ascii_uppercase();
        if upper.starts_with("OVERDUE_") || upper.ends_with("_PROXY") {
            command.env_remove(name);
        }
    }
    command.env("OVERDUE_OUTBOUND__ALLOW_PRIVATE", "true");
    let able = Command::new("unshare").args(["-rn", "ip", "link", "set", "lo", "up"]).output();
    if !able.is_ok_and(|able| able.status.success()) {
        say("ICMP is not tested: this system lets nobody have a network of their own");
        return;
    }
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let errors = String::from_utf8_lossy(&output.stderr);
    let answer: Value = serde_json::from_str(&printed)
        .unwrap_or_else(|error| panic!("{error}: {printed} {errors} {log}"));
    let stands = |target: &str| {
        let all = answer["data"].as_array().unwrap();
        let device = all.iter().find(|device| device["target_value"] == target).unwrap();
        device["status"].as_str().unwrap().to_owned()
    };
    assert_eq!((stands("127.0.0.1").as_str(), stands("::1").as_str()), ("up", "up"), "{answer}");
    assert_eq!(stands("192.0.2.1"), "down", "{answer}");
}
