//! `command`: a program on the server's machine. Which ones there are, the server's configuration says
//! (`channels.commands`); a channel chooses one of them by its name and nothing else, so that nobody
//! who may make channels may choose what is run.
//!
//! It is run without a shell, with the arguments of the configuration, in a new environment: `PATH`,
//! and what there is to tell, each value in a variable of its own.
//!
//! | variable | what |
//! | --- | --- |
//! | `OVERDUE_ID` | the same at every try |
//! | `OVERDUE_EVENT` | `down`, `still_down`, `up`, `flapping`, `test`, `channel_disabled`, or `group` |
//! | `OVERDUE_SUBJECT`, `OVERDUE_TEXT`, `OVERDUE_SHORT` | the message: its first line, all of it, in one line |
//! | `OVERDUE_PROJECT`, `OVERDUE_LINK` | the project's name, and where to look |
//! | `OVERDUE_NAME`, `OVERDUE_STATUS` … | what a webhook's `$NAME`, `$STATUS` and so on stand for |
//!
//! Exit status 0 says that it was taken; after any other, and after 30 s, it is tried again.

use std::collections::BTreeMap;
use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};

use super::form::{Config, Field, Shape, needed};
use super::message::{Message, cut, cut_bytes};
use crate::domain::alert::one_line;
use crate::fault::{Fault, Result};
use crate::notify::outbound::Delivery;
use crate::notify::template::Values;

/// What is set about such a channel.
pub const FIELDS: &[Field] = &[needed(
    "command",
    Shape::Text(100),
    "the name of a command in the server's configuration, `channels.commands`",
)];

/// The commands of the configuration by name: a program and its arguments.
pub type Commands = BTreeMap<String, Vec<String>>;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most of a value that goes into a variable, in bytes: Linux takes no more than twice of it.
const LONGEST_VALUE: usize = 64 * 1024;
/// How much of what a command complains of goes into an error text, in characters.
const EXCERPT: usize = 200;
/// How much of what it complains of is kept at all, in bytes.
const MOST_KEPT: usize = 4096;
/// How long what a program said before its end may take to get here.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Holds a channel's config against the commands that there are.
///
/// # Errors
/// It names none of them.
pub(super) fn check(commands: &Commands, config: &Value) -> Result<()> {
    let name = Config(config).text("command");
    if commands.contains_key(name) {
        return Ok(());
    }
    Err(Fault::invalid("config.command", unknown(commands)))
}

fn unknown(commands: &Commands) -> String {
    let names: Vec<&str> = commands.keys().map(String::as_str).collect();
    if names.is_empty() {
        return "this server's configuration has no commands: its operator can add some under \
                channels.commands"
            .to_owned();
    }
    format!("is none of this server's channels.commands; there are {}", names.join(", "))
}

/// Runs the command of a channel with what there is to tell.
pub(super) async fn deliver(
    commands: &Commands,
    config: &Value,
    message: &Message<'_>,
) -> Delivery {
    let Some((program, arguments)) =
        commands.get(Config(config).text("command")).and_then(|line| line.split_first())
    else {
        return later(format!("config.command: {}", unknown(commands)));
    };
    let started = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(variables(message))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let child = match started {
        Ok(child) => child,
        Err(error) => return later(format!("{program} could not be started: {error}")),
    };
    let family = Family::of(&child);
    let ended = tokio::time::timeout(PATIENCE, wait(child)).await;
    if ended.is_ok() {
        family.leave();
    }
    match ended {
        Ok(Ok((status, _))) if status.success() => Delivery::Delivered,
        Ok(Ok((status, complaint))) => later(format!("{program}: {status}{complaint}")),
        Ok(Err(error)) => later(format!("{program}: {error}")),
        Err(_) => later(format!("{program} took more than {} s", PATIENCE.as_secs())),
    }
}

/// A program and all that it has started: ended together where it takes too long or nobody waits any
/// more, so that no try leaves something hanging.
struct Family(Option<Pid>);

impl Family {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// The program has ended by itself: what it has left running may go on.
    fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It may have ended just now.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

fn later(error: String) -> Delivery {
    Delivery::Retry { error, retry_after: None }
}

/// How the program ended, and what it complained of until then. What it has started and left running
/// is not waited for.
async fn wait(mut child: Child) -> io::Result<(ExitStatus, String)> {
    let heard = Mutex::new(Vec::new());
    let mut listening = pin!(listen(child.stderr.take(), &heard));
    let status = tokio::select! {
        status = child.wait() => {
            // Its last words may still be in the pipe.
            drop(tokio::time::timeout(LAST_WORDS, &mut listening).await);
            status?
        }
        () = &mut listening => child.wait().await?,
    };
    let heard = heard.lock().map(|heard| one_line(&String::from_utf8_lossy(&heard)));
    let complaint = cut(&heard.unwrap_or_default(), EXCERPT);
    Ok((status, if complaint.is_empty() { complaint } else { format!(": {complaint}") }))
}

/// Keeps the beginning of what comes, and takes the rest too: a full pipe would hold the program up.
async fn listen(pipe: Option<ChildStderr>, heard: &Mutex<Vec<u8>>) {
    let Some(mut pipe) = pipe else { return };
    let mut part = [0; 4096];
    while let Ok(length @ 1..) = pipe.read(&mut part).await {
        if let Ok(mut heard) = heard.lock()
            && heard.len() < MOST_KEPT
        {
            heard.extend_from_slice(&part[..length]);
        }
    }
}

/// What there is to tell, as variables.
fn variables(message: &Message<'_>) -> Vec<(String, String)> {
    let (event, values) = match message.alerts {
        [one] => (one.event.as_str(), Values::of(one)),
        several => ("group", Values::of_group(several, message.now)),
    };
    let own = [
        ("ID", message.id.to_owned()),
        ("EVENT", event.to_owned()),
        ("SUBJECT", message.subject()),
        ("TEXT", message.text()),
        ("SHORT", message.short()),
        ("PROJECT", message.lead().project.clone()),
        ("LINK", message.link().to_owned()),
    ];
    let shared = values.texts().map(|(name, text)| (name, text.to_owned()));
    own.into_iter().chain(shared).map(|(name, text)| variable(name, &text)).collect()
}

/// A variable; none can hold a NUL, which ends texts there. JSON that is too long is left out: half of
/// it is none.
fn variable(name: &str, text: &str) -> (String, String) {
    let text = if name.ends_with("JSON") && text.len() > LONGEST_VALUE { "" } else { text };
    (format!("OVERDUE_{name}"), cut_bytes(&text.replace('\0', "\u{fffd}"), LONGEST_VALUE))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::alert::Alert;
    use crate::domain::alert::tests::late_backup;

    fn one(line: &[&str]) -> Commands {
        let line = line.iter().map(|part| (*part).to_owned()).collect();
        Commands::from([("page".to_owned(), line)])
    }

    async fn run_with(line: &[&str], alerts: &[Alert]) -> Delivery {
        let message = Message { alerts, id: "msg_1", now: alerts[0].now };
        deliver(&one(line), &json!({"command": "page"}), &message).await
    }

    /// What the shell makes of this script.
    async fn run(script: &str) -> Delivery {
        run_with(&["/bin/sh", "-c", script], &[late_backup()]).await
    }

    fn error(delivery: Delivery) -> String {
        match delivery {
            Delivery::Retry { error, retry_after: None } => error,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_program_that_ends_well_has_taken_it() {
        assert_eq!(run("exit 0").await, Delivery::Delivered);
        let told = r#"test "$OVERDUE_NAME" = "nightly backup" && test "$OVERDUE_EVENT" = down &&
            test "$OVERDUE_STATUS" = down && test "$OVERDUE_ID" = msg_1 && test "$1" = "an argument" &&
            test "$OVERDUE_SUBJECT" = "nightly backup is down: no ping came in time" &&
            test "${OVERDUE_TEXT#"$OVERDUE_SUBJECT"}" != "$OVERDUE_TEXT""#;
        let line = ["/bin/sh", "-c", told, "sh", "an argument"];
        assert_eq!(run_with(&line, &[late_backup()]).await, Delivery::Delivered);
    }

    #[tokio::test]
    async fn it_gets_nothing_of_the_servers_own_environment() {
        // Cargo's variables stand for all that a server is started with.
        assert!(std::env::var_os("CARGO").is_some());
        let strange =
            "env | grep -v -e ^OVERDUE_ -e ^PATH= -e ^PWD= -e ^SHLVL= -e ^_= | grep = >&2";
        assert!(error(run(&format!("{strange} && exit 1; exit 2")).await).ends_with("status: 2"));
    }

    #[tokio::test]
    async fn nothing_in_a_name_is_run_and_nothing_is_too_much() {
        let mut alert = late_backup();
        alert.check.name = "$(exit 3)`exit 4`; exit 5; \0".to_owned();
        alert.last_body = "x\0".repeat(200_000);
        let alerts = vec![alert; 500];
        for alerts in [&alerts[..1], &alerts[..]] {
            assert_eq!(run_with(&["/bin/sh", "-c", "exit 0"], alerts).await, Delivery::Delivered);
        }
    }

    #[tokio::test]
    async fn a_program_that_ends_badly_is_tried_again_and_its_words_are_shown() {
        let told = error(run("echo no credit >&2; echo left >&2; exit 7").await);
        assert_eq!(told, "/bin/sh: exit status: 7: no credit left");
        assert_eq!(error(run("kill -9 $$").await), "/bin/sh: signal: 9 (SIGKILL)");
        let much = error(run("yes out of words | head -c 1000000 >&2; exit 1").await);
        assert!(much.ends_with('…') && much.chars().count() < 250, "{much}");
    }

    #[tokio::test]
    async fn what_a_program_leaves_running_is_not_waited_for() {
        let told = error(run("sleep 20 & echo $! >&2; exit 1").await);
        let left = told.rsplit(' ').next().unwrap().to_owned();
        run(&format!("kill {left}")).await;
    }

    #[tokio::test]
    async fn what_takes_too_long_ends_with_all_that_it_has_started() {
        let mut shell = Command::new("/bin/sh");
        let shell = shell.args(["-c", "sleep 60 & echo $!; wait"]).process_group(0);
        let mut shell = shell.stdout(Stdio::piped()).spawn().unwrap();
        let mut told = [0; 16];
        let length = shell.stdout.as_mut().unwrap().read(&mut told).await.unwrap();
        let sleeper = String::from_utf8_lossy(&told[..length]).trim().to_owned();
        drop(Family::of(&shell));
        assert_eq!(shell.wait().await.unwrap().to_string(), "signal: 9 (SIGKILL)");
        // Its end may take a moment; what nobody has waited for stays as a zombie.
        let state = || std::fs::read_to_string(format!("/proc/{sleeper}/stat")).unwrap_or_default();
        while !(state().is_empty() || state().contains(") Z ")) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_can_not_be_started_says_why() {
        let told = error(run_with(&["/nowhere/page"], &[late_backup()]).await);
        assert!(told.starts_with("/nowhere/page could not be started: "), "{told}");
        let config = json!({"command": "sms"});
        let alerts = [late_backup()];
        let message = Message { alerts: &alerts, id: "msg_1", now: alerts[0].now };
        let told = error(deliver(&one(&["/bin/true"]), &config, &message).await);
        assert!(told.ends_with("is none of this server's channels.commands; there are page"));
    }

    #[test]
    fn only_commands_that_are_configured_may_be_chosen() {
        assert!(check(&one(&["/bin/true"]), &json!({"command": "page"})).is_ok());
        let refused = check(&Commands::new(), &json!({"command": "page"})).unwrap_err();
        assert!(refused.to_string().starts_with("config.command: this server's configuration has"));
    }
}
