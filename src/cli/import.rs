//! `overdue import …`: takes checks over from another system. It says what it did, and what could not
//! come along and why; doing it again changes only what has changed.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::Answer;
use crate::config::HiddenUrl;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret::Secret;
use crate::service::takeover::healthchecks::Environment;
use crate::service::takeover::healthchecks::api::Remote;
use crate::service::takeover::healthchecks::database::{self, Asked};
use crate::service::takeover::{self, Incoming, Outcome, Progress, uptime_kuma};
use crate::service::users;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Take checks over from a server of Healthchecks: those of a project by its API, or all there is
    /// from its database.
    Healthchecks(Healthchecks),
    /// Take push monitors, pages, ports and hosts over from a backup of Uptime Kuma.
    UptimeKuma(UptimeKuma),
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("source").required(true).args(["url", "database"])))]
pub(super) struct Healthchecks {
    /// The server's address: the checks of one project, by its API.
    #[arg(long, requires_all = ["api_key", "project"])]
    url: Option<String>,
    /// The project's API key, one that reads and writes; - reads it from standard input.
    #[arg(long, value_name = "KEY", conflicts_with = "database")]
    api_key: Option<String>,
    /// The server's database: a file of SQLite, or postgres://…; all of its projects, with channels,
    /// keys and the bodies of pings.
    #[arg(long, value_name = "FILE|URL")]
    database: Option<String>,
    /// The id of the project that the checks come to. From a database, projects are made where there
    /// are none yet.
    #[arg(long, value_name = "ID")]
    project: Option<i64>,
    /// Of a database, only the project of this name.
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    only: Option<String>,
    /// The email address of who is to own the projects that are made; without it, the first
    /// administrator.
    #[arg(long, value_name = "EMAIL", conflicts_with = "url")]
    owner: Option<String>,
    /// A file of the server's environment (NAME=value lines), for channels that need what stands there,
    /// such as the token of its Telegram bot.
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    env: Option<PathBuf>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct UptimeKuma {
    /// The backup, a file of JSON.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// The id of the project that the checks and devices come to.
    #[arg(long, value_name = "ID")]
    project: i64,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(ctx: &Context, command: Command) -> Result<Answer> {
    let bar = Bar::default();
    let (incoming, project_id, is_dry) = match command {
        Command::Healthchecks(wanted) => match (&wanted.url, &wanted.database, wanted.project) {
            (Some(url), _, Some(project_id)) => {
                (told_by(ctx, &wanted, url, &bar).await?, project_id, wanted.dry_run)
            }
            (_, Some(place), _) => return from_database(ctx, &wanted, place, &bar).await,
            // Clap requires one of them.
            _ => return Err(Fault::invalid("url", "is required, or a database")),
        },
        Command::UptimeKuma(wanted) => {
            (uptime_kuma::read(&text_of(&wanted.file)?)?, wanted.project, wanted.dry_run)
        }
    };
    let outcome = takeover::carry(ctx, project_id, incoming, is_dry, &bar).await?;
    bar.end();
    let (lines, json) = told(&outcome, is_dry);
    Ok(Answer::new(lines.join("\n"), json))
}

fn text_of(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|error| {
        Fault::invalid("file", format!("{} can't be read: {error}", file.display()))
    })
}

async fn told_by(ctx: &Context, wanted: &Healthchecks, url: &str, bar: &Bar) -> Result<Incoming> {
    let key = match wanted.api_key.as_deref() {
        Some("-") | None => line()?,
        Some(key) => key.to_owned(),
    };
    let proxy = ctx.config.outbound.proxy.as_ref().map(HiddenUrl::expose);
    let remote = Remote::new(url, Secret::new(key), proxy)?;
    remote.read(bar).await
}

async fn from_database(
    ctx: &Context,
    wanted: &Healthchecks,
    place: &str,
    bar: &Bar,
) -> Result<Answer> {
    let owner_id = match &wanted.owner {
        Some(email) => Some(users::find_by_email(ctx, email).await?.user_id),
        None => None,
    };
    let environment = match &wanted.env {
        Some(file) => Environment::parse(&text_of(file)?),
        None => Environment::default(),
    };
    let asked = Asked {
        place: place.to_owned(),
        only: wanted.only.clone(),
        project_id: wanted.project,
        owner_id,
        environment,
        is_dry: wanted.dry_run,
    };
    let moved = database::carry(ctx, &asked, bar).await.map_err(|fault| match fault {
        Fault::NotFound => Fault::invalid(
            "owner",
            "there is no administrator who could own the projects: name somebody with --owner",
        ),
        other => other,
    })?;
    bar.end();
    let (mut lines, mut all) = (Vec::new(), Vec::new());
    for project in &moved {
        let sign = if project.is_new { "+" } else { "~" };
        let (told, mut json) = told(&project.outcome, wanted.dry_run);
        lines.push(format!("{sign} project {:?}", project.project_name));
        lines.extend(told.into_iter().map(|line| format!("  {line}")));
        json["project_id"] = json!(project.project_id);
        json["project_name"] = json!(project.project_name);
        json["is_new"] = json!(u8::from(project.is_new));
        all.push(json);
    }
    Ok(Answer::new(lines.join("\n"), json!({"projects": all})))
}

/// A line of standard input.
fn line() -> Result<String> {
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| Fault::Unavailable(format!("standard input can't be read: {error}")))?;
    Ok(line.trim().to_owned())
}

/// What was done, in lines and as JSON.
fn told(outcome: &Outcome, is_dry: bool) -> (Vec<String>, Value) {
    let Outcome { created, updated, unchanged, pings, channels, devices, flips, lost } = outcome;
    let mut lines: Vec<String> =
        channels.iter().map(|name| format!("+ channel {name:?}")).collect();
    lines.extend(created.iter().map(|name| format!("+ check {name:?}")));
    lines.extend(updated.iter().map(|name| format!("~ check {name:?}")));
    lines.extend(devices.iter().map(|name| format!("+ device {name:?}")));
    lines.extend(lost.iter().map(|line| format!("! {line}")));
    let summary = format!(
        "{} made, {} changed, {unchanged} as they were, with {pings} pings and {flips} changes of state",
        created.len() + devices.len() + channels.len(),
        updated.len()
    );
    let done = if is_dry { "nothing was done; it would be" } else { "done" };
    lines.push(format!("{done}: {summary}"));
    let json = json!({
        "created": created,
        "channels": channels,
        "devices": devices,
        "updated": updated,
        "unchanged": unchanged,
        "pings": pings,
        "flips": flips,
        "not_carried_over": lost,
        "done": u8::from(!is_dry),
    });
    (lines, json)
}

/// A bar on standard error, where that is a terminal.
#[derive(Default)]
struct Bar(Mutex<Option<ProgressBar>>);

impl Bar {
    fn end(&self) {
        if let Ok(Some(bar)) = self.0.lock().map(|mut bar| bar.take()) {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn begin(&self, what: &'static str, steps: usize) {
        self.end();
        let length = u64::try_from(steps).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg} [{wide_bar}] {pos}/{len} {eta}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        if let Ok(mut place) = self.0.lock() {
            *place = Some(bar);
        }
    }

    fn step(&self) {
        if let Ok(place) = self.0.lock()
            && let Some(bar) = place.as_ref()
        {
            bar.inc(1);
        }
    }
}
