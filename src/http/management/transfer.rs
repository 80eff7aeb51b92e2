//! `…/export` and `…/import`: a project as TOML. The format is the service's.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::Object;
use utoipa::{IntoParams, ToSchema};

use super::call::{Answer, Call, Reply};
use super::command::Command;
use super::model::{Flag, Model, words};
use super::query::Query;
use crate::fault::Result;
use crate::service::remark;
use crate::service::transfer::{self, Difference, Thing};

/// The media type of the one's answer and the other's body.
const TOML: &str = "application/toml";

/// A small file.
const EXAMPLE: &str = "format = 1\n\n[[checks]]\ncheck_name = \"Nightly backup\"\ngrace = 3600\n";

/// The commands of this file.
pub fn commands() -> Vec<Command> {
    let remarks = [
        &remark::SLUG_NOT_UNIQUE,
        &remark::SLUG_EMPTY,
        &remark::CHANNEL_NONE_ASSIGNED,
        &remark::CHANNEL_DISABLED,
        &remark::MAINTENANCE_ENDED,
        &remark::MAINTENANCE_COVERS_NOTHING,
        &remark::QUEUE_DELAYED,
    ];
    vec![
        Command::get("/user/project/{project_id}/export", export, "A project as TOML")
            .text(
                "A conversion command: the project's settings, channels, checks and windows as a \
                 file that `import` takes; its description tells of the format. Neither ids, UUIDs \
                 nor the ping key are in it, and `***` stands where a secret was left out. With more \
                 than some 2,500 checks it is larger than the 1 MiB that `import` takes: cut it \
                 before a `[[checks]]`, and import the parts in their order. For members of any \
                 role; secrets for an owner's session alone.",
            )
            .query::<Asked>()
            .converts(TOML, EXAMPLE),
        Command::post_of(
            TOML,
            "/user/project/{project_id}/import",
            import,
            "Bring a project to the state of a file",
        )
        .text(&format!(
            "Makes and changes what the file names, and deletes nothing. All of it is done or, \
             where anything is wrong, nothing: the 400 names the place and the line. A second \
             import of the same file changes nothing. For editors; the project's own settings for \
             owners.\n{}",
            transfer::FORMAT
        ))
        .takes_text(TOML, EXAMPLE)
        .writes::<Imported>(&remarks),
    ]
}

/// What of a project is asked for.
#[derive(Debug, IntoParams)]
struct Asked {
    /// 1: with the secrets of channels. For an owner's session; a token may not.
    #[param(required = false, minimum = 0, maximum = 1, default = 0)]
    secrets: i64,
}

impl Asked {
    fn read(query: &mut Query) -> Result<Self> {
        Ok(Self { secrets: query.integer("secrets", 0, 1)?.unwrap_or(0) })
    }
}

/// What an import did.
#[derive(Debug, Serialize, ToSchema)]
pub struct Imported {
    /// What is new, in the order of the file.
    created: Vec<Created>,
    /// What was changed, in the order of the file.
    updated: Vec<Updated>,
    /// How many channels, checks and windows of the file are as it says already.
    #[schema(minimum = 0)]
    unchanged: usize,
}

/// A thing that an import made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Created {
    /// What it is.
    #[serde(rename = "type")]
    #[schema(schema_with = type_words)]
    kind: &'static str,
    /// Its name.
    name: String,
    /// Its slug; checks alone have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    slug: Option<String>,
}

/// A thing that an import changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Updated {
    /// What it is.
    #[serde(flatten)]
    thing: Created,
    /// The fields that were changed, as the file names and writes them.
    changes: BTreeMap<String, Changed>,
}

/// What became of a field.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changed {
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    old: Option<Value>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    new: Option<Value>,
    /// 1 where it is a secret: then it is only said that it was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    hidden: Option<Flag>,
}

fn type_words() -> Object {
    words(["project", "channel", "check", "maintenance"], "What it is.")
}

impl Model for Imported {
    fn example() -> Self {
        let check = |name: &str, slug: &str| Created {
            kind: "check",
            name: name.to_owned(),
            slug: Some(slug.to_owned()),
        };
        let grace = Changed { old: Some(json!(3600)), new: Some(json!(600)), hidden: None };
        let changes = BTreeMap::from([("grace".to_owned(), grace)]);
        Self {
            created: vec![check("Nightly backup", "nightly-backup")],
            updated: vec![Updated { thing: check("Sync", "sync"), changes }],
            unchanged: 3,
        }
    }
}

/// `GET …/export`
pub async fn export(call: Call) -> Answer {
    let mut query = call.query()?;
    let with_secrets = Asked::read(&mut query)?.secrets == 1;
    query.finish()?;
    let project_id = call.id("project_id")?;
    if with_secrets {
        call.caller.check_session()?;
    }
    let text = transfer::export(&call.ctx, call.caller.user_id, project_id, with_secrets).await?;
    Ok(Reply::converted("application/toml; charset=utf-8", text.into_bytes()))
}

/// `POST …/import`
pub async fn import(call: Call) -> Answer {
    call.query()?.finish()?;
    let text = call.text()?;
    let project_id = call.id("project_id")?;
    let report = transfer::import(&call.ctx, call.caller.user_id, project_id, text).await?;
    let imported = Imported {
        created: report.created.into_iter().map(|thing| created(&thing)).collect(),
        updated: report.updated.into_iter().map(updated).collect(),
        unchanged: report.unchanged,
    };
    Reply::written(imported, &report.remarks)
}

fn created(thing: &Thing) -> Created {
    Created { kind: thing.kind, name: thing.name.clone(), slug: thing.slug.clone() }
}

fn updated(thing: Thing) -> Updated {
    let named = created(&thing);
    let changes = thing.changes.into_iter().map(|Difference { field, values }| {
        let hidden = values.is_none().then_some(Flag(1));
        let (old, new) = values.unzip();
        (field, Changed { old, new, hidden })
    });
    Updated { thing: named, changes: changes.collect() }
}
