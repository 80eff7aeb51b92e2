//! `overdue import …`: takes checks over from another system. It says what it did, and what could not
//! come along and why; doing it again changes only what has changed.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::Answer;
use crate::config::HiddenUrl;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::secret::Secret;
use crate::service::takeover::healthchecks::Remote;
use crate::service::takeover::{self, Incoming, Outcome, Progress, uptime_kuma};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Take the checks of a project over from a server of Healthchecks, by its API.
    Healthchecks(Healthchecks),
    /// Take push monitors, pages, ports and hosts over from a backup of Uptime Kuma.
    UptimeKuma(UptimeKuma),
}

#[derive(Debug, clap::Args)]
pub(super) struct Healthchecks {
    /// The address of the server, such as <https://healthchecks.io>.
    #[arg(long, value_name = "URL")]
    url: String,
    /// A key of the project there, one that reads and writes; - reads it from standard input.
    #[arg(long, value_name = "KEY")]
    api_key: String,
    /// The id of the project that the checks come to.
    #[arg(long, value_name = "ID")]
    project: i64,
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
        Command::Healthchecks(wanted) => {
            (healthchecks(ctx, &wanted, &bar).await?, wanted.project, wanted.dry_run)
        }
        Command::UptimeKuma(wanted) => {
            let text = std::fs::read_to_string(&wanted.file).map_err(|error| {
                let file = wanted.file.display();
                Fault::invalid("file", format!("{file} can't be read: {error}"))
            })?;
            (uptime_kuma::read(&text)?, wanted.project, wanted.dry_run)
        }
    };
    let outcome = takeover::carry(ctx, project_id, incoming, is_dry, &bar).await?;
    bar.end();
    Ok(told(&outcome, is_dry))
}

async fn healthchecks(ctx: &Context, wanted: &Healthchecks, bar: &Bar) -> Result<Incoming> {
    let key = if wanted.api_key == "-" { line()? } else { wanted.api_key.clone() };
    let proxy = ctx.config.outbound.proxy.as_ref().map(HiddenUrl::expose);
    let remote = Remote::new(&wanted.url, Secret::new(key), proxy)?;
    remote.read(bar).await
}

/// A line of standard input.
fn line() -> Result<String> {
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| Fault::Unavailable(format!("standard input can't be read: {error}")))?;
    Ok(line.trim().to_owned())
}

fn told(outcome: &Outcome, is_dry: bool) -> Answer {
    let Outcome { created, updated, unchanged, pings, devices, flips, lost } = outcome;
    let mut lines: Vec<String> = created.iter().map(|name| format!("+ check {name:?}")).collect();
    lines.extend(updated.iter().map(|name| format!("~ check {name:?}")));
    lines.extend(devices.iter().map(|name| format!("+ device {name:?}")));
    lines.extend(lost.iter().map(|line| format!("! {line}")));
    let summary = format!(
        "{} made, {} changed, {unchanged} as they were, with {pings} pings and {flips} changes of state",
        created.len() + devices.len(),
        updated.len()
    );
    let done = if is_dry { "nothing was done; it would be" } else { "done" };
    lines.push(format!("{done}: {summary}"));
    let json = json!({
        "created": created,
        "devices": devices,
        "updated": updated,
        "unchanged": unchanged,
        "pings": pings,
        "flips": flips,
        "not_carried_over": lost,
        "done": u8::from(!is_dry),
    });
    Answer::new(lines.join("\n"), json)
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
