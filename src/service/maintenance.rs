//! Maintenance windows: making, changing and deleting them. What a change of one means for what it
//! kept back is left to the keeper, who is told in the same transaction and woken after it.

use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::maintenance::is_in_range;
use crate::fault::{Fault, Result};
use crate::service::checks::check_tags;
use crate::service::remark::{self, Remark};
use crate::store::maintenance::{self, Window};
use crate::store::tx::Conn;
use crate::store::{Flag, checks, held, projects};

/// The most windows of a project, ended ones included.
pub const MAX_COUNT: i64 = 100;
/// The longest title, in characters.
pub const MAX_TITLE: usize = 100;

/// What is to be set about a window; what is none stays, or is empty in a new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What it is called.
    pub title: Option<String>,
    /// When it begins.
    pub starts_at: Option<Timestamp>,
    /// When it ends.
    pub ends_at: Option<Timestamp>,
    /// A schedule by which it repeats, if one is asked for.
    pub repeat: Option<String>,
    /// How many seconds each of those lasts, if it is asked for.
    pub duration: Option<i64>,
    /// The checks that it covers, by their ids.
    pub checks: Option<Vec<i64>>,
    /// It covers the checks that have one of these tags.
    pub tags: Option<Vec<String>>,
}

impl Change {
    /// Checks every value that is given, as far as it says by itself whether it is fit.
    ///
    /// # Errors
    /// The first one that is out of range or not built yet.
    pub fn validate(&self) -> Result<()> {
        if self.title.as_ref().is_some_and(|title| title.chars().count() > MAX_TITLE) {
            let reason = format!("must have at most {MAX_TITLE} characters");
            return Err(Fault::invalid("title", reason));
        }
        check_moment("starts_at", self.starts_at)?;
        check_moment("ends_at", self.ends_at)?;
        check_tags(self.tags.as_deref().unwrap_or_default())?;
        check_built("repeat", self.repeat.is_some())?;
        check_built("duration", self.duration.is_some())?;
        check_order(self.starts_at, self.ends_at)
    }

    /// Makes the change.
    ///
    /// # Errors
    /// The window would end before it begins.
    pub(super) fn apply(&self, window: &mut Window) -> Result<()> {
        if let Some(title) = &self.title {
            window.title.clone_from(title);
        }
        window.starts_at = self.starts_at.or(window.starts_at);
        window.ends_at = self.ends_at.or(window.ends_at);
        check_order(window.starts_at, window.ends_at)?;
        if let Some(checks) = &self.checks {
            window.checks.clone_from(checks);
            window.checks.sort_unstable();
            window.checks.dedup();
        }
        if let Some(tags) = &self.tags {
            window.tags.clone_from(tags);
            window.tags.sort_unstable();
            window.tags.dedup();
        }
        window.whole_project = Flag::from(window.checks.is_empty() && window.tags.is_empty());
        Ok(())
    }
}

fn check_moment(field: &str, at: Option<Timestamp>) -> Result<()> {
    if at.is_none_or(is_in_range) {
        return Ok(());
    }
    Err(Fault::invalid(field, "must be a time of the years 1970 to 9999, in UTC"))
}

/// Windows that repeat need schedules: one that is asked for is refused, not passed over.
fn check_built(field: &str, is_asked_for: bool) -> Result<()> {
    if is_asked_for {
        let text = format!("{field}: windows that repeat are not built yet; only null is taken");
        return Err(Fault::NotBuilt(text));
    }
    Ok(())
}

fn check_order(starts_at: Option<Timestamp>, ends_at: Option<Timestamp>) -> Result<()> {
    match (starts_at, ends_at) {
        (Some(starts_at), Some(ends_at)) if starts_at >= ends_at => {
            Err(Fault::invalid("ends_at", "must be later than starts_at"))
        }
        _ => Ok(()),
    }
}

/// A window of this project.
///
/// # Errors
/// [`Fault::Forbidden`], the same for one that is another's and one that does not exist.
pub async fn find(conn: &mut Conn, project_id: i64, maintenance_id: i64) -> Result<Window> {
    maintenance::find(conn, project_id, maintenance_id).await?.ok_or_else(not_yours)
}

fn not_yours() -> Fault {
    Fault::Forbidden("this maintenance window is not in this project".to_owned())
}

/// Makes a window. The change must be [`Change::validate`]d.
///
/// # Errors
/// It ends before it begins, names a check of another project, or the project has [`MAX_COUNT`]
/// windows already.
pub async fn create(ctx: &Context, project_id: i64, change: &Change) -> Result<Window> {
    let mut window = empty(project_id);
    change.apply(&mut window)?;
    let mut tx = ctx.store.begin().await?;
    if !projects::lock(&mut tx, project_id).await? {
        return Err(Fault::Forbidden("this project is not yours".to_owned()));
    }
    if maintenance::count(&mut tx, project_id).await? >= MAX_COUNT {
        return Err(Fault::Forbidden(format!(
            "there are {MAX_COUNT} maintenance windows in this project already, which is the most: \
             delete one that has ended first"
        )));
    }
    check_own(&mut tx, project_id, change).await?;
    window.maintenance_id = maintenance::insert(&mut tx, &window, ctx.now()).await?;
    tx.commit().await?;
    Ok(window)
}

/// A window of this project that nothing is set about yet; it has no id.
pub(super) fn empty(project_id: i64) -> Window {
    Window {
        maintenance_id: 0,
        project_id,
        title: String::new(),
        starts_at: None,
        ends_at: None,
        repeat: None,
        duration: None,
        whole_project: Flag(0),
        checks: Vec::new(),
        tags: Vec::new(),
    }
}

/// Changes a window. The change must be [`Change::validate`]d.
///
/// # Errors
/// It is not in this project, would end before it begins, or names a check of another project.
pub async fn update(
    ctx: &Context,
    project_id: i64,
    maintenance_id: i64,
    change: &Change,
) -> Result<Window> {
    let mut tx = ctx.store.begin().await?;
    // Locked before the look at what it keeps back, so that nothing is added behind our back.
    let window = maintenance::find_locked(&mut tx, project_id, maintenance_id).await?;
    let mut window = window.ok_or_else(not_yours)?;
    change.apply(&mut window)?;
    check_own(&mut tx, project_id, change).await?;
    maintenance::update(&mut tx, &window).await?;
    held::look_again(&mut tx, project_id, ctx.now()).await?;
    tx.commit().await?;
    ctx.bells.keeper.notify_one();
    Ok(window)
}

/// Deletes a window: it ends now.
///
/// # Errors
/// It is not in this project.
pub async fn delete(ctx: &Context, project_id: i64, maintenance_id: i64) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    let window = maintenance::find_locked(&mut tx, project_id, maintenance_id).await?;
    window.ok_or_else(not_yours)?;
    maintenance::delete(&mut tx, maintenance_id).await?;
    held::look_again(&mut tx, project_id, ctx.now()).await?;
    tx.commit().await?;
    ctx.bells.keeper.notify_one();
    Ok(())
}

/// Whether all checks that a change names are of this project.
async fn check_own(conn: &mut Conn, project_id: i64, change: &Change) -> Result<()> {
    let ids = change.checks.as_deref().unwrap_or_default();
    let own = checks::ids_among(conn, project_id, ids).await?;
    match ids.iter().find(|id| own.binary_search(id).is_err()) {
        Some(id) => {
            let reason = format!("must be ids of checks of this project, and {id} is none");
            Err(Fault::invalid("checks", reason))
        }
        None => Ok(()),
    }
}

/// What about a window that was just written needs attention.
///
/// # Errors
/// The database is out.
pub async fn remarks(conn: &mut Conn, window: &Window, now: Timestamp) -> Result<Vec<Remark>> {
    let mut remarks = Vec::new();
    if let Some(ended) = window.ends_at.filter(|at| *at <= now) {
        let message = format!("the window ended at {ended}: it keeps nothing back");
        remarks.push(Remark::new(&remark::MAINTENANCE_ENDED, message));
    }
    let covers_some = window.whole_project == Flag(1)
        || maintenance::covers_any(conn, window.maintenance_id).await?;
    if !covers_some {
        let message = "no check of the project has any of these tags: the window keeps nothing \
                       back until one has";
        remarks.push(Remark::new(&remark::MAINTENANCE_COVERS_NOTHING, message));
    }
    Ok(remarks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: &Change) -> String {
        change.validate().unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_by_itself_is_named_with_what_is_allowed() {
        let title = Change { title: Some("ä".repeat(101)), ..Change::default() };
        assert_eq!(refused(&title), "title: must have at most 100 characters");
        let title = Change { title: Some("ä".repeat(100)), ..Change::default() };
        assert!(title.validate().is_ok() && Change::default().validate().is_ok());
        let late = Change { ends_at: Some(Timestamp(i64::MAX)), ..Change::default() };
        assert!(refused(&late).starts_with("ends_at: must be a time of the years 1970 to 9999"));
        let tags = Change { tags: Some(vec!["a b".to_owned()]), ..Change::default() };
        assert!(refused(&tags).starts_with("tags: "));
    }

    #[test]
    fn a_window_ends_after_it_begins() {
        let between = |from, to| Change {
            starts_at: Some(Timestamp(from)),
            ends_at: Some(Timestamp(to)),
            ..Change::default()
        };
        assert!(between(1, 2).validate().is_ok());
        assert_eq!(refused(&between(2, 2)), "ends_at: must be later than starts_at");
        assert_eq!(refused(&between(3, 2)), "ends_at: must be later than starts_at");
    }

    #[test]
    fn windows_that_repeat_are_announced() {
        let repeat = Change { repeat: Some("@daily".to_owned()), ..Change::default() };
        assert!(matches!(repeat.validate(), Err(Fault::NotBuilt(_))));
        let duration = Change { duration: Some(60), ..Change::default() };
        assert!(matches!(duration.validate(), Err(Fault::NotBuilt(_))));
    }
}
