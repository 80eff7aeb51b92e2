//! The page of a project's settings, as it is and with what went wrong in one of its forms.

use askama::Template;
use axum::response::Response;
use http::{StatusCode, Uri};

use super::super::form::{Errors, Field, Fields};
use super::super::pager::Pager;
use super::super::project::Here;
use super::super::reader::When;
use super::super::texts::Text;
use super::super::{Site, page, texts};
use crate::fault::Result;
use crate::secret::Secret;
use crate::service::api_keys;
use crate::service::transfer::{Difference, Report, Thing};
use crate::store::api_keys::ApiKeyRow;
use crate::store::members::{self, MemberRow};
use crate::store::projects::Role;

/// Members on a page.
const PAGE: i64 = 100;

/// What was typed, and what came of it.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) project_name: Option<String>,
    /// The file that is to be imported.
    pub(super) file: String,
    /// What an import of it would do, or did.
    pub(super) report: Option<Report>,
    /// It was done.
    pub(super) is_done: bool,
    /// An API key that was just made.
    pub(super) new_key: Option<Secret>,
    /// The name of another project.
    pub(super) another: String,
    pub(super) errors: Errors,
}

/// An API key, as the list shows it.
struct KeyLine {
    hint: String,
    is_read_only: bool,
    since: When,
    used: Option<When>,
    revoke: String,
}

impl KeyLine {
    fn question(&self) -> Text {
        texts::t("settings-revoke-the-key").with("hint", &self.hint)
    }
}

/// A member, as the list shows them.
struct Line {
    row: MemberRow,
    since: When,
    is_self: bool,
    base: String,
}

impl Line {
    fn question(&self) -> String {
        if self.is_self {
            texts::t("settings-leave-this-project-an-owner").plain()
        } else {
            texts::t("settings-take-out-of-this-project").with("email", &self.row.email).plain()
        }
    }

    fn remove(&self) -> String {
        format!("{}/remove", self.base)
    }

    fn word(&self) -> Text {
        texts::t(if self.is_self { "settings-leave" } else { "settings-remove" })
    }

    fn sure(&self) -> Text {
        texts::t(if self.is_self { "settings-leave-it" } else { "settings-remove-them" })
    }
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/settings/show.html" %}"#)]
struct Show<'a> {
    site: &'a Site,
    here: &'a Here,
    base: String,
    name: String,
    draft: &'a Draft,
    errors: &'a Errors,
    auto_create: bool,
    keys: Vec<KeyLine>,
    members: Vec<Line>,
    pager: Pager,
    news: Option<&'static str>,
    may_write: bool,
    is_owner: bool,
}

impl<'a> Show<'a> {
    fn field(&'a self, name: &'a str, label: Text, value: &'a str, hint: Text) -> Field<'a> {
        Field { hint, max_length: 100, ..Field::text(name, label, value, self.errors) }
    }

    #[allow(clippy::unused_self, reason = "templates ask the page for it")]
    fn rotating(&self) -> Text {
        texts::t("settings-make-a-new-ping-key")
    }

    fn rotate(&self) -> String {
        format!("{}/ping-key", self.base)
    }

    #[allow(clippy::unused_self, reason = "templates ask the page for it")]
    fn things(&self, things: &[Thing]) -> String {
        texts::t("count-things").count("n", i64::try_from(things.len()).unwrap_or(i64::MAX)).plain()
    }

    /// What is changed about a thing, in a line.
    #[allow(clippy::unused_self, reason = "templates ask the page for it")]
    fn difference(&self, difference: &Difference) -> String {
        match &difference.values {
            Some((old, new)) => format!("{}: {old} → {new}", difference.field),
            None => texts::t("settings-another-secret").with("field", &difference.field).plain(),
        }
    }
}

pub(super) async fn show(here: Here, uri: Uri) -> Response {
    let shown = look(&here, StatusCode::OK, &uri, &Draft::default()).await;
    here.answer(shown).await
}

pub(super) async fn look(
    here: &Here,
    status: StatusCode,
    uri: &Uri,
    draft: &Draft,
) -> Result<Response> {
    let mut asked = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let number = Pager::number(&asked.take("page"));
    let mut conn = here.ctx().store.read().await?;
    let (rows, total) =
        members::list(&mut conn, here.project_id(), (number - 1) * PAGE, PAGE).await?;
    drop(conn);
    let base = format!("{}{}", here.site.prefix, here.path("/settings"));
    let keys = if here.opened.may_write() {
        api_keys::list(here.ctx(), here.project_id()).await?
    } else {
        Vec::new()
    };
    let key = |row: ApiKeyRow| KeyLine {
        hint: row.hint,
        is_read_only: row.read_only.into(),
        since: here.site.reader.when(row.created_at, here.now),
        used: row.last_used_at.map(|at| here.site.reader.when(at, here.now)),
        revoke: format!("{base}/api-keys/{}/revoke", row.api_key_id),
    };
    let keys = keys.into_iter().map(key).collect();
    let line = |row: MemberRow| Line {
        since: here.site.reader.when(row.since, here.now),
        is_self: row.user_id == here.opened.caller.user_id,
        base: format!("{base}/members/{}", row.user_id),
        row,
    };
    let project = &here.opened.project;
    let news = match asked.take("did").as_str() {
        "saved" => Some("settings-saved"),
        "rotated" => Some("settings-the-ping-key-is-a"),
        "revoked" => Some("settings-the-key-is-revoked"),
        "role" => Some("settings-the-role-is-changed"),
        "removed" => Some("settings-they-are-no-member-any"),
        _ => None,
    };
    let name = draft.project_name.clone().unwrap_or_else(|| project.project_name.clone());
    Ok(page(
        status,
        &Show {
            site: &here.site,
            here,
            name,
            draft,
            errors: &draft.errors,
            auto_create: project.auto_create.into(),
            keys,
            members: rows.into_iter().map(line).collect(),
            pager: Pager::new(&base, number, PAGE, total),
            news,
            may_write: here.opened.may_write(),
            is_owner: here.opened.is_owner(),
            base,
        },
    ))
}

/// The roles with their words, the highest first.
pub(super) const ROLES: [(Role, &str); 3] = [
    (Role::Owner, "settings-owner"),
    (Role::Editor, "settings-editor"),
    (Role::Viewer, "settings-viewer"),
];
