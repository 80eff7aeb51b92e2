//! Snippets: each is run, or at least read, by the program that it is written for, with names that
//! try to break out of it. PowerShell is not to be had on Debian; the rules of its strings are held
//! by a test beside its text.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::{add_member, new_token, with_token};
use crate::support::api::Api;
use crate::support::folder::Folder;
use crate::support::server::{TestServer, shared};
use crate::support::{both_databases, pass_over};

const LANGUAGES: [&str; 7] =
    ["crontab", "bash", "powershell", "python", "systemd", "docker", "kubernetes"];

/// Names that end a string, a comment or a value somewhere, or a line where U+2028 does, and would
/// leave a file behind. Those that hold line breaks are refused where they are given; what would
/// come of them is tested where snippets are written.
const NAMES: [&str; 9] = [
    "Nightly backup",
    "x\u{2028}touch OWNED\u{2029}",
    "'; touch OWNED; '\"; touch OWNED; \"",
    "$(touch OWNED)`touch OWNED`${IFS}$$ %% %n",
    "\\",
    "\\n[Service]\\nExecStartPre=/usr/bin/touch OWNED\\",
    "*/5 * * * * touch OWNED % \u{2028}touch OWNED",
    "\"\"\"; open('OWNED', 'w'); {a: b} [c] & !d | > # - ?",
    "日本 \u{202e} ''",
];

/// What is served for a check, with the server's address, which it could not know beforehand, and
/// with this job.
async fn snippet(api: &Api, check: &Value, language: &str, job: &str) -> String {
    let path = api.check_path(check, &format!("/snippet?lang={language}"));
    let answer = api.get(&path).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    let text = answer.text();
    assert!(text.contains(check["uuid"].as_str().unwrap()) && text.ends_with('\n'), "{text}");
    text.replace("http://localhost:8000", &api.base).replace("/path/to/job", job)
}

/// A folder with a job in it.
struct Bench {
    home: Folder,
}

impl Bench {
    /// The job runs these lines of shell.
    fn with(job: &str) -> Self {
        let bench = Self { home: Folder::new() };
        let file = bench.home.file("job");
        fs::write(&file, format!("#!/bin/sh\n{job}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        bench
    }

    fn job(&self) -> String {
        self.home.file("job").display().to_string()
    }

    /// Writes a file, and gives back where.
    fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.home.file(name), text).unwrap();
        self.home.file(name).display().to_string()
    }

    /// Runs a program in the folder, with this on its standard input; none is left behind that a
    /// name brought in.
    fn run(&self, program: &[&str], input: &str) -> Output {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).current_dir(self.home.path());
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.to_lowercase().ends_with("_proxy"))
        {
            command.env_remove(name);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{program:?}: {error}"));
        // A program that does not read may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        assert!(!self.home.file("OWNED").exists(), "{program:?}");
        output
    }

    /// Its exit status; it must have said nothing.
    #[track_caller]
    fn status(&self, program: &[&str]) -> i32 {
        let output = self.run(program, "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.is_empty(), "{said}");
        output.status.code().unwrap()
    }
}

/// Whether this program is here; where it is not, that is said, and under `./test`, which installs
/// what is missing, it is an error.
fn is_here(program: &[&str]) -> bool {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let is_here = command.status().is_ok_and(|status| status.success());
    if !is_here {
        let text = "does not run here: its snippets are not tested; run ./test";
        pass_over(&format!("{program:?} {text}"));
    }
    is_here
}

/// What YAML says, read by Python's library; none where that is missing.
fn yaml(bench: &Bench, text: &str) -> Option<Value> {
    let python = ["python3", "/usr/bin/python3"].into_iter().find(|python| {
        let mut command = Command::new(python);
        command.args(["-c", "import yaml"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    let Some(python) = python else {
        assert!(!is_here(&["python3", "-c", "import yaml"]));
        return None;
    };
    let script = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))";
    let output = bench.run(&[python, "-c", script], text);
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    let documents: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(documents.len(), 1);
    documents.into_iter().next()
}

/// The pings of a check as kind and exit status, the oldest first.
async fn pings(api: &Api, check: &Value) -> Vec<(String, Value)> {
    let pings = api.pings(check).await.into_iter().rev();
    pings.map(|p| (p["kind"].as_str().unwrap().to_owned(), p["exit_status"].clone())).collect()
}

/// What must have arrived of a run that ended with this exit status.
fn told(status: i64) -> Vec<(String, Value)> {
    let end = if status == 0 { "success" } else { "fail" };
    vec![("start".to_owned(), Value::Null), (end.to_owned(), json!(status))]
}

/// The command of a crontab's one line, as cron gives it to the shell.
fn command_of(crontab: &str) -> (String, String) {
    let mut lines = crontab.lines().filter(|line| !line.starts_with('#'));
    let line = lines.next().unwrap();
    assert_eq!(lines.next(), None, "{crontab}");
    let parts: Vec<&str> = line.splitn(6, ' ').collect();
    // Each % that has no backslash before it would end the command.
    let command = parts[5].replace("\\%", "\u{0}");
    assert!(!command.contains('%'), "{line}");
    (parts[..5].join(" "), command.replace('\u{0}', "%"))
}

both_databases! {
    async fn a_snippet_is_asked_for_by_its_language(database) {
        let api = shared(database).await;
        let check = api.check("Backup", json!({})).await;
        for language in LANGUAGES {
            let text = snippet(&api, &check, language, "/path/to/job").await;
            assert!(text.contains("# Backup\n"), "{language}: {text}");
        }
        for query in ["", "?lang=", "?lang=perl", "?lang=Bash"] {
            let message = api.get(&api.check_path(&check, &format!("/snippet{query}"))).await.fatal(400);
            assert!(message.starts_with("lang: must be one of crontab, bash, powershell, python, systemd, docker, kubernetes"), "{message}");
        }
        api.get(&api.check_path(&check, "/snippet?lang=bash&lang=bash")).await.fatal(400);
        api.get(&api.check_path(&check, "/snippet?lang=bash&x=1")).await.fatal(400);
        api.get(&api.path("/check/999999/snippet?lang=bash")).await.fatal(403);
    }

    async fn who_may_not_ping_gets_no_snippet(database) {
        let server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("owner@example.org")).await;
        let check = api.check("Secret", json!({})).await;
        let path = api.check_path(&check, "/snippet?lang=bash");
        assert_eq!(api.get(&path).await.status, 200);
        let reader = new_token(&server, "owner@example.org", "ro", &["--scopes", "read"]);
        let stranger = server.new_user("stranger@example.org");
        let viewer = server.new_user("viewer@example.org");
        add_member(&server.database().url, api.project, "viewer@example.org", "viewer").await;
        for token in [reader, stranger, viewer] {
            let message = with_token(&api, &token).get(&path).await.fatal(403);
            assert!(!message.contains(check["uuid"].as_str().unwrap()), "{message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bash_tells_start_and_exit_status_and_keeps_it_whatever_the_name() {
    let api = shared(crate::support::Database::Sqlite).await;
    let bench = Bench::with("exit 7");
    for name in NAMES {
        let check = api.check(name, json!({})).await;
        let file = bench.file("snippet", &snippet(&api, &check, "bash", &bench.job()).await);
        assert_eq!(bench.status(&["bash", &file]), 7, "{name}");
        assert_eq!(pings(&api, &check).await, told(7), "{name}");
    }
    for (job, status) in [("exit 0", 0), ("exit 255", 255), ("kill -9 $$", 137)] {
        let bench = Bench::with(job);
        let check = api.check("Ends", json!({"methods": "POST"})).await;
        let file = bench.file("snippet", &snippet(&api, &check, "bash", &bench.job()).await);
        let output = bench.run(&["bash", &file], "");
        assert_eq!(output.status.code(), Some(status));
        assert_eq!(pings(&api, &check).await, told(status.into()));
        assert_eq!(api.last_ping(&check).await["method"], "POST");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ping_that_is_refused_does_not_fail_the_job() {
    let api = shared(crate::support::Database::Sqlite).await;
    let bench = Bench::with("touch done");
    for (language, shell) in [("bash", "bash"), ("python", "python3")] {
        if !is_here(&[shell, "--version"]) {
            continue;
        }
        let check = api.check("Gone", json!({})).await;
        let file = bench.file("snippet", &snippet(&api, &check, language, &bench.job()).await);
        api.delete(&api.check_path(&check, "")).await.ok();
        let output = bench.run(&[shell, &file], "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("404"), "{said}");
        fs::remove_file(bench.home.file("done")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_tells_start_and_exit_status_and_keeps_it_whatever_the_name() {
    if !is_here(&["python3", "--version"]) {
        return;
    }
    let api = shared(crate::support::Database::Sqlite).await;
    let bench = Bench::with("exit 7");
    for name in NAMES {
        let check = api.check(name, json!({"methods": "POST"})).await;
        let file = bench.file("snippet.py", &snippet(&api, &check, "python", &bench.job()).await);
        assert_eq!(bench.status(&["python3", &file]), 7, "{name}");
        assert_eq!(pings(&api, &check).await, told(7), "{name}");
    }
    for (job, status) in [("exit 0", 0), ("kill -9 $$", 137)] {
        let bench = Bench::with(job);
        let check = api.check("Ends", json!({})).await;
        let file = bench.file("snippet.py", &snippet(&api, &check, "python", &bench.job()).await);
        assert_eq!(bench.status(&["python3", &file]), status);
        assert_eq!(pings(&api, &check).await, told(status.into()));
    }
    let check = api.check("Not there", json!({})).await;
    let file = bench.file("snippet.py", &snippet(&api, &check, "python", "/no/such/job").await);
    assert_eq!(bench.run(&["python3", &file], "").status.code(), Some(127));
    assert_eq!(pings(&api, &check).await, told(127));
}

/// The option by which `crontab` reads a file and leaves it at that: `-T` with some, `-n` with
/// Debian's, which refuses what is wrong.
fn dry_run() -> &'static str {
    let bench = Bench::with("");
    let (good, bad) =
        (bench.file("good", "0 * * * * true\n"), bench.file("bad", "99 * * * * true\n"));
    let works = |option: &str| {
        let accepts = |file: &str| bench.run(&["crontab", option, file], "").status.success();
        accepts(&good) && !accepts(&bad)
    };
    if works("-T") {
        return "-T";
    }
    assert!(works("-n"), "this crontab knows no dry run");
    "-n"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crontab_is_taken_by_cron_and_its_command_runs() {
    let dry_run = is_here(&["sh", "-c", "command -v crontab"]).then(dry_run);
    let api = shared(crate::support::Database::Sqlite).await;
    let bench = Bench::with("exit 7");
    for name in NAMES {
        let check = api.check(name, json!({"period": 7200})).await;
        let text = snippet(&api, &check, "crontab", &bench.job()).await;
        let (times, command) = command_of(&text);
        assert_eq!(times, "0 */2 * * *");
        if let Some(dry_run) = dry_run {
            let file = bench.file("crontab", &text);
            let output = bench.run(&["crontab", dry_run, &file], "");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        assert_eq!(bench.status(&["sh", "-c", &command]), 7, "{name}");
        assert_eq!(pings(&api, &check).await, told(7), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_with_percent_signs_and_quotes_stays_itself() {
    // A path that is no server's: what is asked is which address the snippets call.
    let endpoint = "http://localhost:8000/a%20b/it's$(x)";
    let settings = [("OVERDUE_SERVER__PING_ENDPOINT", endpoint)];
    let server = TestServer::start(crate::support::Database::Sqlite, &settings).await;
    let api = server.owner().await;
    let check = api.check("Prefixed", json!({})).await;
    let called = format!("/a%20b/it%27s%24%28x%29/{}/0", check["uuid"].as_str().unwrap());
    let bench = Bench::with("exit 0");
    let curl = "#!/bin/sh\nfor last; do :; done\necho \"$last\" >> called\n";
    fs::write(bench.home.file("curl"), curl).unwrap();
    fs::set_permissions(bench.home.file("curl"), fs::Permissions::from_mode(0o755)).unwrap();
    let (_, crontab) = command_of(&snippet(&api, &check, "crontab", &bench.job()).await);
    let bash = snippet(&api, &check, "bash", &bench.job()).await;
    for script in [crontab, bash] {
        bench.status(&["sh", "-c", &format!("PATH=.:$PATH; {script}")]);
        let urls = fs::read_to_string(bench.home.file("called")).unwrap();
        assert!(urls.lines().last().unwrap().ends_with(&called), "{urls}");
        fs::remove_file(bench.home.file("called")).unwrap();
    }
}

/// The two files of a systemd snippet: name and text.
fn units(text: &str) -> Vec<(String, String)> {
    let parts = text.split("# /etc/systemd/system/").skip(1);
    let named = parts.map(|part| part.split_once('\n').unwrap());
    named.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// A command of a unit as systemd gives it to the system.
fn line<'a>(unit: &'a str, key: &str) -> &'a str {
    let mut lines = unit.lines().filter_map(|line| line.strip_prefix(key));
    let only = lines.next().unwrap();
    assert_eq!(lines.next(), None, "{unit}");
    only
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_takes_both_units_and_their_commands_ping() {
    let has_systemd = is_here(&["systemd-analyze", "--version"]);
    let api = shared(crate::support::Database::Sqlite).await;
    for (n, name) in NAMES.into_iter().enumerate() {
        let bench = Bench::with("exit 7");
        let period = if n % 2 == 0 { 300 } else { 5400 };
        let check = api.check(name, json!({"period": period})).await;
        let units = units(&snippet(&api, &check, "systemd", &bench.job()).await);
        let [(service_name, service), (timer_name, timer)] = &units[..] else {
            panic!("{units:?}")
        };
        assert_eq!(service_name.strip_suffix(".service"), timer_name.strip_suffix(".timer"));
        assert_eq!(line(service, "ExecStart="), bench.job());
        if has_systemd {
            let files = units.iter().map(|(name, text)| bench.file(name, text));
            let files: Vec<String> = files.collect();
            let program = ["systemd-analyze", "verify", "--man=no", &files[0], &files[1]];
            assert_eq!(bench.status(&program), 0, "{name}");
            if period == 300 {
                let calendar = line(timer, "OnCalendar=");
                assert_eq!(bench.status(&["systemd-analyze", "calendar", calendar]), 0);
            }
        }
        let plain = |line: &str| line.replace("$$", "$").replace("%%", "%");
        let before = plain(line(service, "ExecStartPre=-"));
        let after = plain(line(service, "ExecStopPost=-"));
        for (status, end) in
            [("7", told(7)), ("TERM", vec![told(0)[0].clone(), ("fail".to_owned(), Value::Null)])]
        {
            let check_before = pings(&api, &check).await.len();
            bench.status(&["sh", "-c", &before]);
            bench.status(&["sh", "-c", &format!("export EXIT_STATUS={status}; {after}")]);
            assert_eq!(pings(&api, &check).await[check_before..], end, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_and_kubernetes_read_their_yaml_and_its_script_pings() {
    let api = shared(crate::support::Database::Sqlite).await;
    let bench = Bench::with("exit 7");
    for name in NAMES {
        let check = api.check(name, json!({"period": 300, "methods": "POST"})).await;
        let text = snippet(&api, &check, "docker", &bench.job()).await;
        let Some(compose) = yaml(&bench, &text) else { return };
        let services = compose["services"].as_object().unwrap();
        let (unit, service) = services.iter().next().unwrap();
        assert!(services.len() == 1 && unit.starts_with("job"), "{text}");
        // As compose does with what is doubled.
        let script = service["entrypoint"][2].as_str().unwrap().replace("$$", "$");
        assert_eq!(service["entrypoint"], json!(["/bin/sh", "-c", service["entrypoint"][2]]));
        assert_eq!(bench.status(&["sh", "-c", &script]), 7, "{name}");
        assert_eq!(pings(&api, &check).await, told(7), "{name}");

        let text = snippet(&api, &check, "kubernetes", &bench.job()).await;
        let job = yaml(&bench, &text).unwrap();
        assert_eq!((&job["apiVersion"], &job["kind"]), (&json!("batch/v1"), &json!("CronJob")));
        assert_eq!(
            (&job["metadata"]["name"], &job["spec"]["schedule"]),
            (&json!(unit), &json!("*/5 * * * *"))
        );
        let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
        let command = &pod["containers"][0]["command"];
        let script = command[2].as_str().unwrap();
        assert_eq!(command, &json!(["/bin/sh", "-c", script]));
        assert!(!script.contains("$("), "Kubernetes would replace it: {script}");
        assert_eq!(bench.status(&["sh", "-c", script]), 7, "{name}");
        assert_eq!(pings(&api, &check).await[2..], told(7), "{name}");
    }
}
