//! Maintenance windows: making, changing and deleting them. What a change of one means for what it
//! kept back is left to the keeper, who is told in the same transaction and woken after it.

#![allow(clippy::option_option, reason = "to leave a value alone and to set it to none differ")]

use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::maintenance::{LONGEST, Repetition, SHORTEST};
use crate::fault::{Fault, Result};
use crate::service::checks::check_tags;
use crate::service::names;
use crate::service::remark::{self, Remark};
use crate::service::years;
use crate::store::maintenance::{self, Window};
use crate::store::tx::Conn;
use crate::store::{Flag, checks, held, projects};

/// The most windows of a project, ended ones included.
pub const MAX_COUNT: i64 = 100;

/// What is to be set about a window; what is none stays, or is empty in a new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What it is called.
    pub title: Option<String>,
    /// When it begins; the inner none, for one that repeats: at any time.
    pub starts_at: Option<Option<Timestamp>>,
    /// When it ends; the inner none, for one that repeats: never.
    pub ends_at: Option<Option<Timestamp>>,
    /// A cron or OnCalendar expression by which it repeats; the inner none: it does not.
    pub repeat: Option<Option<String>>,
    /// How many seconds it lasts each time; the inner none, for one that does not repeat.
    pub duration: Option<Option<i64>>,
    /// The checks that it covers, by their ids.
    pub checks: Option<Vec<i64>>,
    /// It covers the checks that have one of these tags.
    pub tags: Option<Vec<String>>,
}

impl Change {
    /// Checks every value that is given, as far as it says by itself whether it is fit.
    ///
    /// # Errors
    /// The first one that is out of range.
    pub fn validate(&self, now: Timestamp) -> Result<()> {
        self.title.as_deref().map(|title| names::check("title", title, 0)).transpose()?;
        let (starts_at, ends_at) = (self.starts_at.flatten(), self.ends_at.flatten());
        years::check("starts_at", starts_at)?;
        years::check("ends_at", ends_at)?;
        check_tags(self.tags.as_deref().unwrap_or_default())?;
        if let Some(Some(expression)) = &self.repeat {
            let wrong = |reason| Fault::invalid("repeat", reason);
            let repetition = Repetition::read(expression, SHORTEST, None, None).map_err(wrong)?;
            if repetition.is_too_often(now) {
                return Err(wrong("must not begin more often than once a minute".to_owned()));
            }
        }
        let duration = self.duration.flatten();
        if duration.is_some_and(|duration| !(SHORTEST..=LONGEST).contains(&duration)) {
            let reason = format!("must be between {SHORTEST} and {LONGEST} seconds");
            return Err(Fault::invalid("duration", reason));
        }
        check_order(starts_at, ends_at)
    }

    /// Makes the change.
    ///
    /// # Errors
    /// The window would end before it begins, or lacks what its kind needs.
    pub(super) fn apply(&self, window: &mut Window) -> Result<()> {
        if let Some(title) = &self.title {
            window.title.clone_from(title);
        }
        window.starts_at = self.starts_at.unwrap_or(window.starts_at);
        window.ends_at = self.ends_at.unwrap_or(window.ends_at);
        window.duration = self.duration.unwrap_or(window.duration);
        if let Some(repeat) = &self.repeat {
            window.repeat.clone_from(repeat);
            // What the old kind had and the new one has not goes with it, unless it is said.
            if repeat.is_none() && self.duration.is_none() {
                window.duration = None;
            }
        }
        check_shape(window)?;
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

/// A window that repeats has a duration, and bounds if it likes; another one has just its bounds.
fn check_shape(window: &Window) -> Result<()> {
    if window.repeat.is_some() {
        let needs =
            "is required where repeat is given: how many seconds the window lasts each time";
        return window.duration.map(|_| ()).ok_or_else(|| Fault::invalid("duration", needs));
    }
    let needed = |field| Fault::invalid(field, "is required where repeat is not given");
    window.starts_at.ok_or_else(|| needed("starts_at"))?;
    window.ends_at.ok_or_else(|| needed("ends_at"))?;
    if window.duration.is_some() {
        let reason = "belongs to repeat: give that too, or leave duration out";
        return Err(Fault::invalid("duration", reason));
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
    maintenance::update(&mut tx, &window, ctx.now()).await?;
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

/// Ends what is open of a window now: one that repeats opens again at its next time.
///
/// # Errors
/// It is not in this project, or it is not open.
pub async fn end_now(ctx: &Context, project_id: i64, maintenance_id: i64) -> Result<()> {
    let now = ctx.now();
    let mut conn = ctx.store.read().await?;
    let window = find(&mut conn, project_id, maintenance_id).await?;
    drop(conn);
    let open = window.opening(now).filter(|opening| opening.from <= now);
    let open = open.ok_or_else(|| Fault::Conflict("this window is not open now".to_owned()))?;
    let goes_on = window.repeat.is_some() && window.ends_at.is_none_or(|end| end > open.until);
    let change = if goes_on {
        Change { starts_at: Some(Some(open.until)), ..Change::default() }
    } else if window.starts_at.is_some_and(|start| start >= now) {
        // It began this very moment, and can't end before it begins.
        return delete(ctx, project_id, maintenance_id).await;
    } else {
        Change { ends_at: Some(Some(now)), ..Change::default() }
    };
    update(ctx, project_id, maintenance_id, &change).await.map(drop)
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
    if window.opening(now).is_none() {
        let message = match window.ends_at.filter(|at| *at <= now) {
            Some(ended) => format!("the window ended at {ended}: it keeps nothing back"),
            None => "the window never opens: it keeps nothing back".to_owned(),
        };
        remarks.push(Remark::new(&remark::MAINTENANCE_ENDED, message));
    }
    if window.repetition().is_some_and(|repetition| repetition.hardly_closes(now)) {
        let message = "it opens again before it has closed, over and over: what it covers is hardly \
                       ever told of";
        remarks.push(Remark::new(&remark::MAINTENANCE_NEVER_CLOSES, message));
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
        change.validate(Timestamp(0)).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_by_itself_is_named_with_what_is_allowed() {
        let title = Change { title: Some("ä".repeat(101)), ..Change::default() };
        assert_eq!(
            refused(&title),
            "title: must have at most 100 characters, no control characters but tabs"
        );
        let title = Change { title: Some("ä".repeat(100)), ..Change::default() };
        assert!(
            title.validate(Timestamp(0)).is_ok()
                && Change::default().validate(Timestamp(0)).is_ok()
        );
        let late = Change { ends_at: Some(Some(Timestamp(i64::MAX))), ..Change::default() };
        assert!(refused(&late).starts_with("ends_at: must be a time in the years 1970 to 9999"));
        let tags = Change { tags: Some(vec!["a b".to_owned()]), ..Change::default() };
        assert!(refused(&tags).starts_with("tags: "));
    }

    #[test]
    fn a_window_ends_after_it_begins() {
        let between = |from, to| Change {
            starts_at: Some(Some(Timestamp(from))),
            ends_at: Some(Some(Timestamp(to))),
            ..Change::default()
        };
        assert!(between(1, 2).validate(Timestamp(0)).is_ok());
        assert_eq!(refused(&between(2, 2)), "ends_at: must be later than starts_at");
        assert_eq!(refused(&between(3, 2)), "ends_at: must be later than starts_at");
    }

    #[test]
    fn a_window_repeats_with_a_duration_or_has_both_its_bounds() {
        let repeat = |text: &str| Some(Some(text.to_owned()));
        let bounds = (Some(Some(Timestamp(1))), Some(Some(Timestamp(2))));
        let applied = |change: Change, window: &Window| {
            let mut window = window.clone();
            change
                .validate(Timestamp(0))
                .and_then(|()| change.apply(&mut window))
                .map_err(|f| f.to_string())?;
            Ok::<Window, String>(window)
        };
        let new = empty(1);
        let weekly =
            Change { repeat: repeat("@weekly"), duration: Some(Some(60)), ..Change::default() };
        let weekly = applied(weekly, &new).unwrap();
        let once = Change { starts_at: bounds.0, ends_at: bounds.1, ..Change::default() };
        let once = applied(once, &new).unwrap();
        let back = Change {
            repeat: Some(None),
            starts_at: bounds.0,
            ends_at: bounds.1,
            ..Change::default()
        };
        assert_eq!(applied(back, &weekly).unwrap(), once);
        let refused = |change: Change, window: &Window| applied(change, window).unwrap_err();
        let empty = Change::default;
        let alone = Change { repeat: repeat("@weekly"), ..empty() };
        assert!(refused(alone, &new).starts_with("duration: is required where repeat is given"));
        let loose = Change { duration: Some(Some(60)), ..empty() };
        assert!(refused(loose, &once).starts_with("duration: belongs to repeat"));
        let ended = Change { repeat: Some(None), ..empty() };
        assert_eq!(refused(ended, &weekly), "starts_at: is required where repeat is not given");
        let endless = Change { ends_at: Some(None), ..empty() };
        assert_eq!(refused(endless, &once), "ends_at: is required where repeat is not given");
        let short = Change { duration: Some(Some(59)), ..empty() };
        assert_eq!(refused(short, &weekly), "duration: must be between 60 and 31536000 seconds");
        let wrong = Change { repeat: repeat("61 * * * *"), ..empty() };
        assert_eq!(refused(wrong, &weekly), "repeat: minute: 61 is not within 0–59");
    }
}
