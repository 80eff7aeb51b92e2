//! The real binary, started as an operator would start it, on a database and in a folder of its
//! own.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::api::Api;
use super::databases::{Database, Fresh};
use super::folder::Folder;
use super::{PATIENCE, until};

/// The password of every user that a test makes.
pub const PASSWORD: &str = "correct horse battery staple";

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_overdue");

/// A server with a database and a folder of its own. It is killed when dropped, or when the tests
/// end in whatever way.
pub struct TestServer {
    settings: Vec<(String, String)>,
    /// Settings of the current start alone.
    this_once: Vec<(String, String)>,
    running: Option<Running>,
    first_address: Option<SocketAddr>,
    /// What its logs are called in the folder.
    logs: String,
    starts: u32,
    // In this order: the server goes before its database, the folder last. Both are shared with the
    // servers beside it.
    database: Arc<Fresh>,
    home: Arc<Folder>,
}

/// A started process and the leash that outlives the tests.
struct Running {
    child: Child,
    leash: Leash,
}

impl TestServer {
    /// Starts one with these settings beside the rig's own, and waits until it is ready.
    pub async fn start(database: Database, settings: &[(&str, &str)]) -> Self {
        let mut server = Self::prepare(database, settings);
        server.spawn().await;
        server
    }

    /// One that is not started yet: for what the command line does without a server.
    pub fn prepare(database: Database, settings: &[(&str, &str)]) -> Self {
        let home = Arc::new(Folder::new());
        let database = Arc::new(database.fresh(home.path()));
        let own = [
            ("OVERDUE_DATABASE__URL", database.url.as_str()),
            ("OVERDUE_SERVER__LISTEN", "127.0.0.1:0"),
            ("OVERDUE_CHECKS__MIN_PERIOD", "1"),
            ("OVERDUE_CHECKS__MIN_GRACE", "1"),
            ("OVERDUE_API__REQUESTS_PER_SECOND", "0"),
            ("OVERDUE_OUTBOUND__ALLOW_PRIVATE", "true"),
        ];
        let settings = owned(&[&own, settings].concat());
        Self::stopped(settings, "log".to_owned(), database, home)
    }

    /// Starts another process on the same data with the same settings, on a port of its own.
    pub async fn beside(&self) -> Self {
        let (database, home) = (Arc::clone(&self.database), Arc::clone(&self.home));
        let logs = super::random_name("log-");
        let mut other = Self::stopped(self.settings.clone(), logs, database, home);
        other.spawn().await;
        other
    }

    fn stopped(
        settings: Vec<(String, String)>,
        logs: String,
        database: Arc<Fresh>,
        home: Arc<Folder>,
    ) -> Self {
        let this_once = Vec::new();
        let (running, first_address, starts) = (None, None, 0);
        Self { settings, this_once, running, first_address, logs, starts, database, home }
    }

    /// `http://127.0.0.1:port`: the first plain listener, on the loopback.
    pub fn base(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The address of the first plain listener, as a client on this machine reaches it.
    pub fn address(&self) -> SocketAddr {
        self.first_address.expect("the server was started")
    }

    /// What stands before every path: that of the configured `site_url`, normally nothing.
    fn prefix(&self) -> String {
        let site = self.settings.iter().find(|(key, _)| key == "OVERDUE_SERVER__SITE_URL");
        let path = site.map(|(_, url)| url::Url::parse(url).unwrap().path().to_owned());
        path.unwrap_or_default().trim_end_matches('/').to_owned()
    }

    /// The addresses it says it listens on with this scheme since its last start.
    pub fn addresses(&self, scheme: &str) -> Vec<SocketAddr> {
        addresses_in(&self.log(), scheme)
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("the server runs").child.id()
    }

    /// What the system says of the process in this field: kilobytes for `VmRSS:` (memory) and
    /// `VmHWM:` (the most that it ever was), a count for `Threads:`.
    #[cfg(target_os = "linux")]
    pub fn status(&self, field: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// The memory that it holds, in bytes.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> usize {
        self.status("VmRSS:") * 1024
    }

    /// The folder it runs in.
    pub fn home(&self) -> &Folder {
        &self.home
    }

    /// Its database.
    pub fn database(&self) -> &Fresh {
        &self.database
    }

    /// What it has logged since its last start.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.home.file(&format!("{}.{}", self.logs, self.starts))
    }

    /// Sends it a signal: `TERM`, `HUP` …
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(sent.success(), "SIG{name} to {pid}");
    }

    /// Stops it as an operator does, with SIGTERM: its exit status.
    pub async fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        let running = self.running.as_mut().expect("the server runs");
        let ended = until("the end after SIGTERM", async || running.child.try_wait().unwrap());
        let status = ended.await;
        self.running.take().expect("it ran").leash.release();
        status
    }

    /// Kills it, with no chance to finish anything.
    pub fn kill9(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.child.kill().unwrap();
            running.child.wait().unwrap();
            running.leash.release();
        }
    }

    /// Starts it again on the same data and the same port (after [`Self::stop`] or
    /// [`Self::kill9`]), and waits until it is ready.
    pub async fn restart(&mut self) {
        assert!(self.running.is_none(), "it still runs");
        self.spawn().await;
    }

    /// The same with these settings more, for this one start.
    pub async fn restart_with(&mut self, settings: &[(&str, &str)]) {
        self.this_once = owned(settings);
        self.restart().await;
        self.this_once.clear();
    }

    /// The same for a start that ends by itself, however soon: its exit status.
    pub async fn restart_to_die(&mut self, settings: &[(&str, &str)]) -> ExitStatus {
        self.this_once = owned(settings);
        self.launch();
        self.this_once.clear();
        self.death().await
    }

    /// Waits until it has ended without being asked to: its exit status.
    pub async fn death(&mut self) -> ExitStatus {
        let running = self.running.as_mut().expect("the server runs");
        let died = until("the server's death", async || running.child.try_wait().unwrap());
        let status = died.await;
        self.running.take().expect("it ran").leash.release();
        status
    }

    /// Runs the command line beside the server, with the same settings: what it printed.
    pub fn cli(&self, arguments: &[&str], stdin: &str) -> Output {
        self.cli_with(&[], arguments, stdin)
    }

    /// The same with these settings more.
    pub fn cli_with(&self, more: &[(&str, &str)], arguments: &[&str], stdin: &str) -> Output {
        let mut command = self.command(arguments);
        command.envs(more.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().expect("it is piped");
        // A command that does not read may be gone already.
        let _ = input.write_all(stdin.as_bytes());
        drop(input);
        child.wait_with_output().unwrap()
    }

    /// The same for a command that must succeed: its standard output, trimmed.
    #[track_caller]
    pub fn cli_ok(&self, arguments: &[&str], stdin: &str) -> String {
        let output = self.cli(arguments, stdin);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "overdue {arguments:?}: {} {errors}", output.status);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A new user with a token that may do everything, made by the command line: the token.
    pub fn new_user(&self, email: &str) -> String {
        self.cli_ok(&["user", "create", email, "--password-stdin"], &format!("{PASSWORD}\n"));
        let create = ["token", "create", "--user", email, "--subject", "tests"];
        let rights = ["--expires-in", "30d", "--scopes", "read,write"];
        self.cli_ok(&[&create[..], &rights[..]].concat(), "")
    }

    /// A new user with a project: its API.
    pub async fn owner(&self) -> Api {
        let email = format!("{}@example.org", super::random_name("ops-"));
        Api::new_project(self.address(), &self.new_user(&email)).await
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(self.home.path());
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_ascii_uppercase();
            if upper.starts_with("OVERDUE_") || upper.ends_with("_PROXY") || upper == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        let settings = self.settings.iter().chain(&self.this_once);
        command.envs(settings.map(|(key, value)| (key, value)));
        if let (Some(address), true) = (self.first_address, self.listens_where_the_rig_says()) {
            command.env("OVERDUE_SERVER__LISTEN", address.to_string());
        }
        command
    }

    fn listens_where_the_rig_says(&self) -> bool {
        self.settings.iter().filter(|(key, _)| key == "OVERDUE_SERVER__LISTEN").count() == 1
    }

    async fn spawn(&mut self) {
        self.launch();
        self.first_address = Some(self.wait_for_address().await);
        self.wait_until_ready().await;
    }

    fn launch(&mut self) {
        self.starts += 1;
        let log: File = OpenOptions::new().create(true).append(true).open(self.log_file()).unwrap();
        let mut command = self.command(&["serve"]);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap();
        let leash = Leash::tie(child.id(), &self.home, &self.database);
        self.running = Some(Running { child, leash });
    }

    /// The address to talk to, once the log names one.
    async fn wait_for_address(&mut self) -> SocketAddr {
        until("a line `listening on http://…` in the log", async || {
            self.assert_alive();
            self.addresses("http").first().copied()
        })
        .await
    }

    async fn wait_until_ready(&mut self) {
        let http = http_client();
        let ready = format!("{}{}/readyz", self.base(), self.prefix());
        until("200 from /readyz", async || {
            self.assert_alive();
            let answer = http.get(&ready).send().await.ok()?;
            (answer.status() == 200).then_some(())
        })
        .await;
    }

    fn assert_alive(&mut self) {
        let ended = self.running.as_mut().and_then(|it| it.child.try_wait().unwrap());
        assert!(ended.is_none(), "the server ended, {}:\n{}", ended.unwrap(), self.log());
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let from = log.lines().count().saturating_sub(40);
            let tail: Vec<&str> = log.lines().skip(from).collect();
            eprintln!("the server's last words:\n{}", tail.join("\n"));
        }
        self.kill9();
    }
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A small process that outlives the tests, however they end, and then kills the server and clears
/// up behind it: values that all tests share are never dropped, and nothing is when Ctrl-C ends
/// the tests.
struct Leash {
    watcher: Child,
    end: ChildStdin,
}

impl Leash {
    /// It waits for a word; where its input ends without one, the tests are gone.
    const SCRIPT: &str = "trap '' INT TERM HUP; read -r word && exit 0; kill -9 \"$1\"; rm -rf \"$2\"; \
        [ -z \"$3\" ] || psql -qX \"$4\" -c \"DROP DATABASE IF EXISTS $3 WITH (FORCE)\"";

    fn tie(pid: u32, home: &Folder, database: &Fresh) -> Self {
        let name = database.postgres_name().unwrap_or_default();
        let admin = super::databases::admin_url().unwrap_or_default();
        let mut command = Command::new("sh");
        command.args(["-c", Self::SCRIPT, "leash", &pid.to_string()]);
        command.arg(home.path()).args([name, &admin]).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut watcher = command.spawn().unwrap();
        let end = watcher.stdin.take().expect("it is piped");
        Self { watcher, end }
    }

    fn release(mut self) {
        self.end.write_all(b"released\n").unwrap();
        self.watcher.wait().unwrap();
    }
}

/// Makes the choice of cryptography that `rustls` asks of every process, once.
pub fn install_crypto() {
    // An error says that it was made already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client that goes straight to the server and follows nothing.
pub fn http_client() -> reqwest::Client {
    http_client_builder().build().unwrap()
}

/// The same, to be changed before it is built. It trusts no certificate until told to.
pub fn http_client_builder() -> reqwest::ClientBuilder {
    install_crypto();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE + Duration::from_secs(5))
        .tls_certs_only([])
}

/// A new project on the server that all tests of this database share, which runs with the rig's
/// settings and is started by the first who asks. What needs other settings starts its own.
pub async fn shared(database: Database) -> Api {
    struct Shared {
        server: TestServer,
        token: String,
    }
    static SHARED: [OnceCell<Shared>; 2] = [const { OnceCell::const_new() }; 2];
    let started = SHARED[database as usize].get_or_init(async || {
        let server = TestServer::start(database, &[]).await;
        let token = server.new_user("shared@example.org");
        Shared { server, token }
    });
    let shared = started.await;
    Api::new_project(shared.server.address(), &shared.token).await
}

/// The addresses that a log says are listened on with this scheme; a listener on all addresses is
/// reached on the loopback.
fn addresses_in(log: &str, scheme: &str) -> Vec<SocketAddr> {
    let mark = format!("listening on {scheme}://");
    let named = log.lines().filter_map(|line| line.split_once(&mark)).map(|(_, rest)| {
        let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || ".:[]".contains(c)));
        &rest[..end.unwrap_or(rest.len())]
    });
    named
        .map(|text| reachable(text.parse().unwrap_or_else(|_| panic!("{text} in {log}"))))
        .collect()
}

fn reachable(address: SocketAddr) -> SocketAddr {
    let everywhere: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    if everywhere.contains(&address.ip()) {
        return SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    }
    address
}

#[test]
fn the_rig_reads_the_addresses_that_the_log_names() {
    let log =
        "INFO listening on http://[::]:41234\nINFO listening on https://127.0.0.1:41235 (x)\n";
    assert_eq!(addresses_in(log, "http"), ["127.0.0.1:41234".parse().unwrap()]);
    assert_eq!(addresses_in(log, "https"), ["127.0.0.1:41235".parse().unwrap()]);
}

super::both_databases! {
    async fn the_rig_brings_a_server_back_on_its_port_with_its_data(database) {
        let mut server = TestServer::start(database, &[]).await;
        let api = server.owner().await;
        let check = api.check("kept", json!({})).await;
        let in_folder = server.home().file("overdue.db").exists();
        assert_eq!(in_folder, database == Database::Sqlite);
        server.kill9();
        server.restart().await;
        assert_eq!((server.base(), server.address()), (api.base.clone(), api.address));
        assert_eq!(api.read(&check).await["check_name"], "kept");
        assert_eq!(server.stop().await.code(), Some(0));
    }
}

/// A webhook channel's settings that send everything to `url`.
pub fn webhook(url: &str) -> Value {
    json!({
        "kind": "webhook", "channel_name": "hook",
        "config": {
            "url_down": url, "method_down": "POST", "body_down": "$NAME $STATUS",
            "url_up": url, "method_up": "POST", "body_up": "$NAME $STATUS",
        },
    })
}
