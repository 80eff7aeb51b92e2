//! A room: all who look at the same project in the same way. While somebody is in it, one task hears
//! what changed, draws it once, and tells it to all.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::super::checks::{self, Seen};
use super::super::project::Here;
use super::super::texts::{self, Language};
use super::super::{Pages, Site};
use super::Hall;
use crate::context::Context;
use crate::fault::Result;
use crate::live::News;
use crate::store::checks::{Filter, Standing};
use crate::store::{self, projects};

/// News is gathered for so long before it is told: a burst costs one drawing.
const GATHER: Duration = Duration::from_millis(300);
/// Silence is broken after so long, or proxies take the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What other processes did is looked for so often.
const LOOK: Duration = Duration::from_secs(5);
/// So much may wait for a slow listener.
const WAITING: usize = 32;
/// More rows than this are not told one by one.
const MOST_ROWS: usize = 200;

/// What is looked at, and how: all who share it see the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct View {
    project_id: i64,
    project_uuid: String,
    may_write: bool,
    prefix: String,
    ping_endpoint: String,
    language: Language,
}

impl View {
    pub(super) fn of(here: &Here) -> Self {
        Self {
            project_id: here.project_id(),
            project_uuid: here.opened.project.uuid.clone(),
            may_write: here.opened.may_write(),
            prefix: here.site.prefix.clone(),
            ping_endpoint: here.site.ping_endpoint.clone(),
            language: texts::spoken(),
        }
    }

    /// The site as far as rows are drawn on it; times are told in UTC, and by the browser in its own.
    fn site(&self) -> Site {
        Site {
            prefix: self.prefix.clone(),
            ping_endpoint: self.ping_endpoint.clone(),
            ..Site::default()
        }
    }
}

/// Where a room's news is told.
#[derive(Debug)]
pub(super) struct Room(broadcast::Sender<Bytes>);

/// Enters the room of a view, which is opened if nobody is in it.
pub(super) fn enter(pages: &Pages, view: View) -> broadcast::Receiver<Bytes> {
    let mut rooms = pages.hall.rooms.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(room) = rooms.get(&view) {
        return room.0.subscribe();
    }
    let (sender, receiver) = broadcast::channel(WAITING);
    let room = Arc::new(Room(sender));
    rooms.insert(view.clone(), Arc::clone(&room));
    drop(rooms);
    // It is not given the pages: with them it would hold the ping writer's queue open.
    let language = view.language;
    let work = keep(pages.ctx.clone(), Arc::clone(&pages.hall), view, room);
    tokio::spawn(language.speak(work));
    receiver
}

/// Closes a room that nobody is in; false where somebody came in meanwhile.
fn close(hall: &Hall, view: &View, room: &Room) -> bool {
    let mut rooms = hall.rooms.lock().unwrap_or_else(PoisonError::into_inner);
    let is_empty = room.0.receiver_count() == 0;
    if is_empty {
        rooms.remove(view);
    }
    is_empty
}

/// What has changed and was not told yet.
#[derive(Debug, Default)]
struct Changed {
    checks: BTreeSet<i64>,
    list: bool,
}

impl Changed {
    fn take_in(&mut self, heard: Result<News, broadcast::error::RecvError>, project_id: i64) {
        match heard {
            Ok(News::Checks(ids)) => self.checks.extend(ids.iter().copied()),
            Ok(News::List(id)) => self.list |= id == project_id,
            Err(_) => self.list = true,
        }
    }

    fn is_empty(&self) -> bool {
        self.checks.is_empty() && !self.list
    }
}

async fn keep(ctx: Context, hall: Arc<Hall>, view: View, room: Arc<Room>) {
    let mut door = hall.door.clone();
    let mut news = ctx.live.listen();
    let mut others = Others::default();
    let mut next_beat = Instant::now() + HEARTBEAT;
    let is_shared = ctx.store.db().is_shared();
    loop {
        if close(&hall, &view, &room) {
            return;
        }
        let mut changed = Changed::default();
        let until = if is_shared { next_beat.min(Instant::now() + LOOK) } else { next_beat };
        tokio::select! {
            heard = timeout_at(until, news.recv()) => {
                if let Ok(heard) = heard {
                    changed.take_in(heard, view.project_id);
                    sleep(GATHER).await;
                    while let Some(heard) = waiting(&mut news) {
                        changed.take_in(heard, view.project_id);
                    }
                }
            }
            () = closing(&mut door) => return,
        }
        if is_shared {
            match others.look(&ctx, view.project_id).await {
                Ok(ids) => changed.checks.extend(ids),
                Err(fault) => tracing::debug!(%fault, "could not look for what others changed"),
            }
        }
        let told = match tell(&ctx, &view, &changed).await {
            Ok(told) => told,
            Err(fault) => {
                tracing::debug!(%fault, "could not draw what changed");
                None
            }
        };
        let is_due = Instant::now() >= next_beat;
        if let Some(bytes) = told.or_else(|| is_due.then(|| Bytes::from_static(b": alive\n\n"))) {
            next_beat = Instant::now() + HEARTBEAT;
            // An error only says that the last listener has gone.
            let _ = room.0.send(bytes);
        }
    }
}

/// Ends when the server stops taking requests.
pub(super) async fn closing(door: &mut watch::Receiver<bool>) {
    // An error says that the sender has gone, and the process is about to.
    let _ = door.wait_for(|is_closed| *is_closed).await;
}

/// What waits already; none where nothing does.
fn waiting(
    news: &mut broadcast::Receiver<News>,
) -> Option<Result<News, broadcast::error::RecvError>> {
    match news.try_recv() {
        Ok(heard) => Some(Ok(heard)),
        Err(broadcast::error::TryRecvError::Lagged(n)) => {
            Some(Err(broadcast::error::RecvError::Lagged(n)))
        }
        Err(_) => None,
    }
}

/// Draws what changed; none where that is nothing of this project's.
async fn tell(ctx: &Context, view: &View, changed: &Changed) -> Result<Option<Bytes>> {
    if changed.is_empty() {
        return Ok(None);
    }
    if changed.list || changed.checks.len() > MOST_ROWS {
        return Ok(Some(Bytes::from_static(super::LOOK_AGAIN)));
    }
    let filter =
        Filter { check_ids: changed.checks.iter().copied().collect(), ..Filter::default() };
    let now = ctx.now();
    let site = view.site();
    let (project, may_write) = (view.project_uuid.as_str(), view.may_write);
    let seen = Seen { site: &site, project, may_write, now };
    let rows = checks::lines(ctx, &seen, view.project_id, &filter).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut conn = ctx.store.read().await?;
    let counts = projects::status_counts(&mut conn, &[view.project_id], now).await?;
    let counts: HashMap<String, i64> =
        counts.into_iter().map(|count| (count.status, count.checks)).collect();
    let rows: Vec<_> =
        rows.into_iter().map(|(id, html)| json!({ "id": id, "html": html })).collect();
    // JSON has no line ends of its own, which would end the event.
    let data = json!({ "rows": rows, "counts": counts });
    Ok(Some(Bytes::from(format!("event: rows\ndata: {data}\n\n"))))
}

/// What other processes do with the project's checks, which no news tells.
#[derive(Debug, Default)]
struct Others {
    known: HashMap<i64, Standing>,
    looked: Option<Instant>,
}

impl Others {
    /// The checks that changed since the last look, whoever changed them.
    async fn look(&mut self, ctx: &Context, project_id: i64) -> Result<Vec<i64>> {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return Ok(Vec::new());
        }
        let rows = store::checks::standings(&mut ctx.store.read().await?, project_id).await?;
        let is_first = self.looked.is_none();
        self.looked = Some(Instant::now());
        let changed = rows.iter().filter(|row| self.known.get(&row.check_id) != Some(*row));
        let ids = if is_first { Vec::new() } else { changed.map(|row| row.check_id).collect() };
        self.known = rows.into_iter().map(|row| (row.check_id, row)).collect();
        Ok(ids)
    }
}
