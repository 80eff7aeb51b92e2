//! A mail server of the tests' own: Debian's Exim on three ports of this machine, which keeps what it
//! takes. Addresses say how they are met: `nobody@` is unknown, `full@` has no room, `relay@` is not
//! its business, mail to `members.test` needs a login, any other may be told to wait, and what was
//! taken for one may come back. All tests share one; each uses addresses of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::folder::Folder;
use super::until;

/// Who may sign in.
pub const USER: &str = "overdue";
/// With what.
pub const PASSWORD: &str = "p4ss: $word\\ {ü}";

/// The lists of who is told to wait, of whose mail comes back, and of where domains are.
const BUSY: &str = "busy";
const GONE: &str = "gone";
const ROUTES: &str = "routes";

/// Where Debian keeps it; its folder is in nobody's path but root's.
const EXIM: &str = "/usr/sbin/exim4";

/// It lives as long as its input is open, which ends with the tests however they end.
const SCRIPT: &str =
    "trap '' INT TERM HUP; \"$1\" -C \"$2\" -bdf & read -r word; kill -9 \"$!\"; rm -rf \"$3\"";

/// Reads a mail as mail programs do.
const READER: &str = r#"
import email, email.policy, json, sys
mail = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
part = lambda kind: (lambda p: p.get_content() if p else "")(mail.get_body(preferencelist=(kind,)))
headers = {}
for name, value in mail.items():
    headers.setdefault(name.lower(), []).append(str(value))
defects = [str(d) for p in mail.walk() for d in p.defects]
print(json.dumps({"kind": mail.get_content_type(), "headers": headers, "text": part("plain"), "html": part("html"), "defects": defects}))
"#;

/// A mail that came.
#[derive(Clone, Debug, Deserialize)]
pub struct Mail {
    /// Its media type.
    pub kind: String,
    /// Its headers by name, in lower case, decoded.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Its plain text.
    pub text: String,
    /// Its HTML.
    pub html: String,
    /// What is wrong with its form.
    pub defects: Vec<String>,
}

impl Mail {
    /// The one header of this name; empty where there is none.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let values = self.headers.get(name).map_or(&[][..], Vec::as_slice);
        assert!(values.len() <= 1, "{name}: {values:?}");
        values.first().map_or("", String::as_str)
    }

    /// The path of the first link in the text that begins like this below a site.
    #[track_caller]
    pub fn link(&self, path: &str) -> String {
        let at = self.text.find(path).unwrap_or_else(|| panic!("no {path} in {}", self.text));
        self.text[at..].split_whitespace().next().unwrap().to_owned()
    }
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// It is not, and can't be.
    Plain,
    /// It can be changed to TLS.
    Starttls,
    /// TLS from the first byte.
    Tls,
}

/// The mail server.
pub struct Post {
    folder: Folder,
    ports: [u16; 3],
    _running: Child,
}

impl Post {
    /// The one that all tests share; none where Exim is not here, which is said, and under `./test`,
    /// which installs it, is an error.
    pub async fn shared() -> Option<&'static Self> {
        static SHARED: OnceCell<Option<Post>> = OnceCell::const_new();
        let start = async || {
            if Path::new(EXIM).exists() {
                return Some(Self::start().await);
            }
            super::pass_over("exim4 is not here: no mail is sent in tests; run ./test");
            None
        };
        SHARED.get_or_init(start).await.as_ref()
    }

    async fn start() -> Self {
        let folder = Folder::new();
        for name in ["spool", "log", "mail"] {
            let path = folder.file(name);
            fs::create_dir(&path).unwrap();
            // Started by root it works under a name of its own.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        }
        for list in [BUSY, GONE, ROUTES] {
            fs::write(folder.file(list), "").unwrap();
        }
        make_certificate(&folder);
        let free = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = free.each_ref().map(|socket| socket.local_addr().unwrap().port());
        let config = folder.file("exim.conf");
        fs::write(&config, configuration(&folder, ports)).unwrap();
        drop(free);
        let log = fs::File::create(folder.file("out")).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "post", EXIM]).arg(&config).arg(folder.path());
        command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        let running = command.current_dir("/").spawn().unwrap();
        let post = Self { folder, ports, _running: running };
        until("the mail server", async || {
            let said = fs::read_to_string(post.folder.file("out")).unwrap();
            assert!(!said.contains("Exim configuration error"), "{said}");
            tokio::net::TcpStream::connect(("127.0.0.1", post.port(Port::Plain))).await.ok()
        })
        .await;
        post
    }

    /// The number of a port.
    pub fn port(&self, port: Port) -> u16 {
        self.ports[port as usize]
    }

    /// The certificate authority that vouches for it, as a file.
    pub fn authority(&self) -> String {
        self.folder.file("ca.pem").display().to_string()
    }

    /// The settings by which a server sends its mail here; of TLS with a login, and with trust in
    /// [`Self::authority`].
    pub fn settings(&self, port: Port) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("OVERDUE_MAIL__HOST", "localhost".to_owned()),
            ("OVERDUE_MAIL__PORT", self.port(port).to_string()),
            ("OVERDUE_MAIL__FROM", "Überdue <overdue@example.org>".to_owned()),
        ];
        let tls = match port {
            Port::Plain => "none",
            Port::Starttls => "starttls",
            Port::Tls => "tls",
        };
        settings.push(("OVERDUE_MAIL__TLS", tls.to_owned()));
        if port != Port::Plain {
            settings.push(("OVERDUE_MAIL__USERNAME", USER.to_owned()));
            settings.push(("OVERDUE_MAIL__PASSWORD", PASSWORD.to_owned()));
            settings.push(("SSL_CERT_FILE", self.authority()));
        }
        settings
    }

    /// From now on mail to this address is told to come later, or is taken again.
    pub fn put_off(&self, address: &str, later: bool) {
        self.list(BUSY, address, later);
    }

    /// From now on mail to this address is taken, and refused by the server that it is sent on to: its
    /// sender is told by a mail.
    pub fn lose(&self, address: &str) {
        self.list(GONE, address, true);
    }

    /// From now on mail to this domain goes to this port.
    pub fn send_on(&self, domain: &str, port: u16) {
        self.list(ROUTES, &format!("{domain}: 127.0.0.1::{port}"), true);
    }

    fn list(&self, name: &str, entry: &str, is_in: bool) {
        static LISTS: Mutex<()> = Mutex::new(());
        let _turn = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.file(name);
        let all = fs::read_to_string(&path).unwrap();
        let others = all.lines().filter(|line| *line != entry);
        let mut lines: Vec<&str> = others.collect();
        if is_in {
            lines.push(entry);
        }
        // Renamed over the old one, which may be read at this moment.
        let new = self.folder.file(&super::random_name("list-"));
        fs::write(&new, lines.join("\n") + "\n").unwrap();
        fs::rename(new, path).unwrap();
    }

    /// What it has noted in the first mail to this address of how that came: by which connection, under
    /// TLS or not (`X=`), and by whom (`A=`).
    pub async fn arrival(&self, address: &str) -> String {
        self.wait_for(address, 1).await[0].header("received").to_owned()
    }

    /// The mails to this address so far, in order of arrival.
    pub fn got(&self, address: &str) -> Vec<Mail> {
        self.texts(address).iter().map(|mail| read(mail)).collect()
    }

    fn texts(&self, address: &str) -> Vec<Vec<u8>> {
        let Ok(entries) = fs::read_dir(self.folder.file("mail/new")) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
        let to = format!("Envelope-to: {address}\n");
        let texts = files.iter().map(|path| fs::read(path).unwrap());
        texts.filter(|mail| String::from_utf8_lossy(mail).contains(&to)).collect()
    }

    /// Waits until so many mails to this address have come: all of them.
    pub async fn wait_for(&self, address: &str, n: usize) -> Vec<Mail> {
        until(&format!("{n} mails to {address}"), async || {
            (self.texts(address).len() >= n).then_some(())
        })
        .await;
        self.got(address)
    }
}

fn read(mail: &[u8]) -> Mail {
    let mut command = Command::new("python3");
    command.args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("python3 is here");
    child.stdin.take().unwrap().write_all(mail).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// An authority of our own, and a certificate of it for `localhost`.
fn make_certificate(folder: &Folder) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    fs::write(folder.file("ca.pem"), authority.pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(folder.file("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.file("key.pem"), key.serialize_pem()).unwrap();
}

/// The user and the group that it works under: its own where root starts it, else whoever starts it.
fn user() -> [String; 2] {
    let id = |argument| {
        let output = Command::new("id").arg(argument).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    if id("-u") == "0" { ["Debian-exim"; 2].map(str::to_owned) } else { ["-un", "-gn"].map(id) }
}

fn configuration(folder: &Folder, [plain, starttls, tls]: [u16; 3]) -> String {
    let ([user, group], home) = (user(), folder.path().display());
    let password =
        PASSWORD.replace('\\', "\\\\").replace('$', "\\$").replace('{', "\\{").replace('}', "\\}");
    format!(
        r"
exim_user = {user}
exim_group = {group}
primary_hostname = localhost
keep_environment =
spool_directory = {home}/spool
log_file_path = {home}/log/%s
received_header_text = Received: from [$sender_host_address]:$sender_host_port \
  X=$tls_in_cipher A=$sender_host_authenticated:$authenticated_id by localhost; $tod_full
local_interfaces = 127.0.0.1
daemon_smtp_ports = {plain} : {starttls} : {tls}
tls_on_connect_ports = {tls}
tls_advertise_hosts = ${{if eq{{$received_port}}{{{plain}}}{{}}{{*}}}}
tls_certificate = {home}/cert.pem
tls_privatekey = {home}/key.pem
smtp_accept_queue_per_connection = 0
smtp_accept_max = 0
acl_smtp_mail = accept
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
rcpt:
  deny  local_parts = nobody
        message = 550 5.1.1 Unknown user
  deny  local_parts = full
        message = 552 5.2.2 Mailbox full
  deny  local_parts = relay
        message = relay not permitted
  deny  domains = members.test
        !authenticated = *
        message = 550 5.7.1 Authentication required
  defer condition = ${{lookup{{$local_part@$domain}}lsearch{{{home}/{BUSY}}}{{yes}}{{no}}}}
        message = 450 4.2.1 Try later
  deny  condition = ${{if eq{{$received_port}}{{{starttls}}}}}
        condition = ${{lookup{{$local_part@$domain}}lsearch{{{home}/{GONE}}}{{yes}}{{no}}}}
        message = 550 5.1.6 The mailbox has moved
  accept
data:
  deny  condition = ${{if match{{$h_Subject:}}{{refused}}}}
        message = 554 5.7.1 We do not like this
  accept
begin routers
gone:
  driver = manualroute
  condition = ${{lookup{{$local_part@$domain}}lsearch{{{home}/{GONE}}}{{yes}}{{no}}}}
  route_list = * 127.0.0.1::{starttls}
  self = send
  transport = on
routes:
  driver = manualroute
  route_data = ${{lookup{{$domain}}lsearch{{{home}/{ROUTES}}}}}
  self = send
  transport = on
all:
  driver = accept
  transport = keep
begin transports
on:
  driver = smtp
  allow_localhost
  hosts_avoid_tls = *
keep:
  driver = appendfile
  maildir_format
  directory = {home}/mail
  user = {user}
  envelope_to_add
  return_path_add
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"
    )
}
