//! `overdue apply FILE`: brings a project to the state of a file, and says first what that means.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Answer;
use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::service::transfer::{self, Applied, Thing, Wanted};
use crate::service::users;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file, as an export writes it; - reads standard input.
    file: PathBuf,
    /// The id of the project; without it, the one that the file names, which is made where there is
    /// none.
    #[arg(long, value_name = "ID")]
    project: Option<i64>,
    /// The email address of who is to own the project where it is made; without it, the first
    /// administrator.
    #[arg(long, value_name = "EMAIL")]
    owner: Option<String>,
    /// Delete the channels, checks and maintenance windows that the file does not name.
    #[arg(long)]
    prune: bool,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(ctx: &Context, args: &Args, as_json: bool) -> Result<Answer> {
    let text = read(&args.file)?;
    let owner_id = match &args.owner {
        Some(email) => Some(users::find_by_email(ctx, email).await?.user_id),
        None => None,
    };
    let wanted = Wanted { project_id: args.project, owner_id, prune: args.prune };
    let nobody = |fault| match fault {
        Fault::NotFound => Fault::invalid(
            "owner",
            "there is no administrator who could own the project: name somebody with --owner",
        ),
        other => other,
    };
    let planned = transfer::plan(ctx, &text, &wanted).await.map_err(nobody)?;
    if args.dry_run {
        let text = format!("{}\nnothing was done", lines(&planned).join("\n"));
        return Ok(Answer::new(text, shown(&planned, false)));
    }
    if !as_json {
        // Before it is done: whoever watches sees what is under way.
        println!("{}", lines(&planned).join("\n"));
    }
    let done = transfer::apply(ctx, &text, &wanted).await.map_err(nobody)?;
    let report = &done.report;
    let summary = format!(
        "done: {} made, {} changed, {} deleted, {} as they were",
        report.created.len() + usize::from(done.is_new),
        report.updated.len(),
        report.deleted.len(),
        report.unchanged
    );
    let remarks = report.remarks.iter().map(|remark| format!("note: {}", remark.message));
    let text = remarks.chain([summary]).collect::<Vec<_>>().join("\n");
    Ok(Answer::new(text, shown(&done, true)))
}

fn read(file: &Path) -> Result<String> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    text.map_err(|error| {
        Fault::invalid("file", format!("{} can't be read: {error}", file.display()))
    })
}

/// The plan, a line each: `+` is made, `~` is changed, `-` is deleted.
fn lines(applied: &Applied) -> Vec<String> {
    let mut lines = Vec::new();
    if applied.is_new {
        lines.push(format!("+ project {}", quoted(&applied.project_name)));
    }
    let named = |thing: &Thing| format!("{} {}", thing.kind, quoted(&thing.name));
    let report = &applied.report;
    lines.extend(report.created.iter().map(|thing| format!("+ {}", named(thing))));
    for thing in &report.updated {
        let changes = thing.changes.iter().map(|change| match &change.values {
            Some((old, new)) => format!("{} {old} -> {new}", change.field),
            None => format!("{} (a secret)", change.field),
        });
        lines.push(format!("~ {}: {}", named(thing), changes.collect::<Vec<_>>().join(", ")));
    }
    lines.extend(report.deleted.iter().map(|thing| format!("- {}", named(thing))));
    if lines.is_empty() {
        lines.push("everything is as the file says".to_owned());
    }
    lines
}

fn quoted(name: &str) -> String {
    format!("{name:?}")
}

fn shown(applied: &Applied, is_done: bool) -> Value {
    let thing = |thing: &Thing| json!({"kind": thing.kind, "name": thing.name, "slug": thing.slug});
    let all = |things: &[Thing]| things.iter().map(thing).collect::<Vec<_>>();
    let report = &applied.report;
    json!({
        "project_name": applied.project_name,
        "project_is_new": u8::from(applied.is_new),
        "created": all(&report.created),
        "updated": all(&report.updated),
        "deleted": all(&report.deleted),
        "unchanged": report.unchanged,
        "done": u8::from(is_done),
    })
}
