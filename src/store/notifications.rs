//! The outbox: what has to be told to whom. A row is pending until it was sent, given up or
//! suppressed; whoever sends it holds a lease on it, which lapses when its holder dies.

use sqlx::AssertSqlSafe;

use super::IdRow;
use super::dialect::{Column, Rows, id_list};
use super::tx::{Conn, execute, fetch_all, fetch_optional, fetch_value};
use crate::clock::Timestamp;
use crate::domain::check::{Reason, Status};
use crate::domain::text_enum;
use crate::fault::Result;

text_enum! {
    /// How a notification stands.
    NotificationState {
        /// To be sent, at its time.
        Pending => "pending",
        /// Taken by its receiver.
        Sent => "sent",
        /// Given up.
        Failed => "failed",
        /// Not to be sent any more: what it would tell has passed, or a maintenance window covered
        /// its check. What still holds at the window's end is told by a new one.
        Suppressed => "suppressed",
    }
}

text_enum! {
    /// What a notification tells.
    Event {
        /// A check went down.
        Down => "down",
        /// It is up again.
        Up => "up",
        /// It is still down.
        Reminder => "reminder",
        /// It goes up and down too often to be told each time.
        Flapping => "flapping",
        /// A trial, asked for by somebody.
        Test => "test",
        /// Another channel of the project was disabled.
        ChannelDisabled => "channel_disabled",
        /// The recipient is asked whether they want to be told; the detail is their address.
        Confirm => "confirm",
    }
}

/// A notification as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct NotificationRow {
    /// Its id.
    pub notification_id: i64,
    /// Its project.
    pub project_id: i64,
    /// Where it goes.
    pub channel_id: i64,
    /// The check it is about, if any.
    pub check_id: Option<i64>,
    /// The flip it tells of, if any.
    pub flip_id: Option<i64>,
    /// What it tells.
    #[sqlx(try_from = "String")]
    pub event: Event,
    /// More about it, where there is no flip to look at.
    pub detail: Option<String>,
    /// How it stands.
    #[sqlx(try_from = "String")]
    pub state: NotificationState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it is tried next; none once it is settled.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was taken.
    pub sent_at: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was first to be sent; none of what is kept back.
    pub due_at: Option<Timestamp>,
    /// The message that it is a part of, where several are sent as one.
    pub group_id: Option<String>,
}

const COLUMNS: &str = "n.notification_id, n.project_id, n.channel_id, n.check_id, n.flip_id, \
    n.event, n.detail, n.state, n.attempts, n.created_at, n.next_attempt_at, n.sent_at, \
    n.last_error, n.due_at, n.group_id";

/// Who claims, and when.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The node that will send.
    pub owner: &'a str,
    /// The time of the claim.
    pub now: Timestamp,
    /// Until when the claim holds unless it is renewed.
    pub until: Timestamp,
    /// A holder without a sign of life since then is dead, and its leases are void.
    pub dead_before: Timestamp,
}

/// A condition: nobody alive holds a lease on the row. `$1` is the time, `$2` when the dead last
/// lived.
fn is_free(row: &str) -> String {
    format!(
        "({row}.lease_until IS NULL OR {row}.lease_until < $1 OR NOT EXISTS (SELECT 1 FROM nodes d \
         WHERE d.node_id = {row}.lease_owner AND d.heartbeat_at > $2))"
    )
}

/// A condition: the pending row `m` is due, free, and waits for none of the same check on the same
/// channel that goes ahead of it, so that no "up" overtakes its "down". (The 0 keeps the database from
/// looking for the others among all of the channel instead of all of the check.)
fn is_claimable() -> String {
    format!(
        "m.state = 'pending' AND m.next_attempt_at <= $1 AND {} AND NOT EXISTS ( \
         SELECT 1 FROM notifications e WHERE e.check_id = m.check_id \
         AND e.channel_id + 0 = m.channel_id AND e.state = 'pending' AND e.flip_id <= m.flip_id \
         AND (e.flip_id < m.flip_id OR (e.event = 'flapping' AND m.event <> 'flapping')) \
         AND (e.event <> 'reminder' OR e.lease_until IS NOT NULL))",
        is_free("m")
    )
}

/// A channel that something can be claimed for.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Claimable {
    /// Its id.
    pub channel_id: i64,
    /// Its kind.
    pub kind: String,
    /// Messages within a minute before further ones are collected; 0: never.
    pub group_threshold: i64,
}

/// At most `limit` channels that something can be claimed for, in order of their ids from the one
/// behind `after` on and round to it again, so that none is always first.
///
/// # Errors
/// The database is out.
pub async fn claimable_channels(
    conn: &mut Conn,
    claim: Claim<'_>,
    after: i64,
    limit: i64,
) -> Result<Vec<Claimable>> {
    // One look a channel: asked whether there are any, the database might read them all for a join.
    let sql = format!(
        "SELECT ch.channel_id, ch.kind, ch.group_threshold FROM channels ch WHERE ( \
         SELECT m.notification_id FROM notifications m WHERE m.channel_id = ch.channel_id AND {} \
         LIMIT 1) IS NOT NULL \
         ORDER BY CASE WHEN ch.channel_id > $3 THEN 0 ELSE 1 END, ch.channel_id LIMIT $4",
        is_claimable()
    );
    let (now, dead) = (claim.now, claim.dead_before);
    Ok(fetch_all!(conn, Claimable, AssertSqlSafe(sql), now, dead, after, limit))
}

/// Which of a channel's notifications are claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that are a message of their own.
    Single,
    /// The same, and of those what was tried before.
    Tried,
    /// Those that were never tried and may become parts of one message: all but the question whether
    /// the recipient wants any.
    Fresh,
}

impl Which {
    /// The condition on the row `m`.
    const fn condition(self) -> &'static str {
        match self {
            Self::Single => "m.group_id IS NULL",
            Self::Tried => "m.group_id IS NULL AND m.attempts > 0",
            Self::Fresh => "m.group_id IS NULL AND m.attempts = 0 AND m.event <> 'confirm'",
        }
    }
}

/// Takes a lease on at most `limit` of a channel's pending notifications whose time has come, those
/// that are due longest first.
///
/// # Errors
/// The database refused.
pub async fn claim(
    conn: &mut Conn,
    claim: Claim<'_>,
    channel_id: i64,
    which: Which,
    limit: i64,
) -> Result<Vec<NotificationRow>> {
    // The outer condition is judged again where another node was quicker.
    let sql = format!(
        "UPDATE notifications SET lease_owner = $5, lease_until = $6 \
         WHERE state = 'pending' AND {} AND notification_id IN ( \
         SELECT m.notification_id FROM notifications m WHERE m.channel_id = $3 AND {} AND {} \
         ORDER BY m.next_attempt_at, m.notification_id LIMIT $4) RETURNING notification_id AS id",
        is_free("notifications"),
        which.condition(),
        is_claimable()
    );
    let ids = fetch_all!(
        conn,
        IdRow,
        AssertSqlSafe(sql),
        claim.now,
        claim.dead_before,
        channel_id,
        limit,
        claim.owner,
        claim.until
    );
    read(conn, &ids).await
}

async fn read(conn: &mut Conn, ids: &[IdRow]) -> Result<Vec<NotificationRow>> {
    let ids: Vec<i64> = ids.iter().map(|row| row.id).collect();
    let condition = conn.db().is_in("n.notification_id", "$1");
    let sql = format!(
        "SELECT {COLUMNS} FROM notifications n WHERE {condition} ORDER BY n.notification_id"
    );
    Ok(fetch_all!(conn, NotificationRow, AssertSqlSafe(sql), id_list(&ids)))
}

/// Takes a lease on the parts of one message of a channel that was collected before and is to be
/// tried again; none where there is no such message.
///
/// # Errors
/// The database refused.
pub async fn claim_group(
    conn: &mut Conn,
    claim: Claim<'_>,
    channel_id: i64,
) -> Result<Vec<NotificationRow>> {
    let sql = format!(
        "UPDATE notifications SET lease_owner = $4, lease_until = $5 \
         WHERE state = 'pending' AND {} AND group_id = ( \
         SELECT m.group_id FROM notifications m \
         WHERE m.channel_id = $3 AND m.group_id IS NOT NULL AND {} \
         ORDER BY m.next_attempt_at, m.notification_id LIMIT 1) RETURNING notification_id AS id",
        is_free("notifications"),
        is_claimable()
    );
    let ids = fetch_all!(
        conn,
        IdRow,
        AssertSqlSafe(sql),
        claim.now,
        claim.dead_before,
        channel_id,
        claim.owner,
        claim.until
    );
    read(conn, &ids).await
}

/// Makes claimed notifications the parts of one message.
///
/// # Errors
/// The database refused.
pub async fn set_group(conn: &mut Conn, ids: &[i64], group_id: &str) -> Result<()> {
    let condition = conn.db().is_in("notification_id", "$2");
    let sql = format!("UPDATE notifications SET group_id = $1 WHERE {condition}");
    execute!(conn, AssertSqlSafe(sql), group_id, id_list(ids));
    Ok(())
}

/// Since when the oldest of a channel's notifications is due that can be claimed and was never tried.
///
/// # Errors
/// The database is out.
pub async fn oldest_fresh(
    conn: &mut Conn,
    claim: Claim<'_>,
    channel_id: i64,
) -> Result<Option<Timestamp>> {
    let sql = format!(
        "SELECT MIN(m.next_attempt_at) FROM notifications m WHERE m.channel_id = $3 AND {} AND {}",
        Which::Fresh.condition(),
        is_claimable()
    );
    let (now, dead) = (claim.now, claim.dead_before);
    Ok(fetch_value!(conn, Option<Timestamp>, AssertSqlSafe(sql), now, dead, channel_id))
}

/// How many messages a channel has taken since a moment; one that tells several things is one.
///
/// # Errors
/// The database is out.
pub async fn sent_since(conn: &mut Conn, channel_id: i64, since: Timestamp) -> Result<i64> {
    let sql = "SELECT COUNT(DISTINCT COALESCE(group_id, CAST(notification_id AS TEXT))) \
               FROM notifications WHERE channel_id = $1 AND sent_at > $2";
    Ok(fetch_value!(conn, i64, sql, channel_id, since))
}

/// When the next pending notification is due, judged by time alone.
///
/// # Errors
/// The database is out.
pub async fn next_due(conn: &mut Conn) -> Result<Option<Timestamp>> {
    Ok(fetch_value!(
        conn,
        Option<Timestamp>,
        "SELECT MIN(next_attempt_at) FROM notifications WHERE state = 'pending'"
    ))
}

/// Since when the oldest of a project's notifications waits that was due before `before`, was
/// never tried, and waits for none that goes ahead of it; none where none is so late.
///
/// # Errors
/// The database is out.
pub async fn oldest_waiting(
    conn: &mut Conn,
    project_id: i64,
    before: Timestamp,
) -> Result<Option<Timestamp>> {
    Ok(fetch_value!(
        conn,
        Option<Timestamp>,
        "SELECT MIN(m.next_attempt_at) FROM channels ch JOIN notifications m \
         ON m.channel_id = ch.channel_id AND m.state = 'pending' AND m.next_attempt_at < $2 \
         WHERE ch.project_id = $1 AND m.attempts = 0 AND NOT EXISTS ( \
         SELECT 1 FROM notifications e WHERE e.check_id = m.check_id \
         AND e.channel_id = m.channel_id AND e.state = 'pending' AND e.flip_id < m.flip_id)",
        project_id,
        before
    ))
}

/// Since when the oldest notification of all that is still to be delivered at `now` has been due,
/// whether it was tried or not; none where there is no such. Only what is pending is read, by its
/// index.
///
/// # Errors
/// The database is out.
pub async fn oldest_undelivered(conn: &mut Conn, now: Timestamp) -> Result<Option<Timestamp>> {
    Ok(fetch_value!(
        conn,
        Option<Timestamp>,
        "SELECT MIN(due_at) FROM notifications WHERE state = 'pending' AND due_at <= $1",
        now
    ))
}

/// How many notifications wait to be delivered, or tried again; no more than `most` are counted.
///
/// # Errors
/// The database is out.
pub async fn count_pending(conn: &mut Conn, most: i64) -> Result<i64> {
    let sql =
        "SELECT COUNT(*) FROM (SELECT 1 FROM notifications WHERE state = 'pending' LIMIT $1) n";
    Ok(fetch_value!(conn, i64, sql, most))
}

/// Holds leases for longer.
///
/// # Errors
/// The database refused.
pub async fn renew(conn: &mut Conn, owner: &str, ids: &[i64], until: Timestamp) -> Result<()> {
    let condition = conn.db().is_in("notification_id", "$3");
    let sql = format!(
        "UPDATE notifications SET lease_until = $1 \
         WHERE lease_owner = $2 AND state = 'pending' AND {condition}"
    );
    execute!(conn, AssertSqlSafe(sql), until, owner, id_list(ids));
    Ok(())
}

/// Gives leases back, so that an interrupted send is taken up by the next who looks.
///
/// # Errors
/// The database refused.
pub async fn release(conn: &mut Conn, owner: &str, ids: &[i64]) -> Result<()> {
    let condition = conn.db().is_in("notification_id", "$2");
    let sql = format!(
        "UPDATE notifications SET lease_owner = NULL, lease_until = NULL \
         WHERE lease_owner = $1 AND state = 'pending' AND {condition}"
    );
    execute!(conn, AssertSqlSafe(sql), owner, id_list(ids));
    Ok(())
}

/// What became of a claimed notification.
#[derive(Clone, Debug)]
pub struct Settled {
    /// Which one.
    pub notification_id: i64,
    /// How it stands now; pending: to be tried again at `next_attempt_at`.
    pub state: NotificationState,
    /// It was tried, not just looked at.
    pub tried: bool,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was taken.
    pub sent_at: Option<Timestamp>,
    /// What went wrong, or why there was nothing to tell.
    pub error: Option<String>,
    /// A maintenance window keeps it back: when to look whether it still does.
    pub held_until: Option<Timestamp>,
    /// The channel has heard this news of the check, or is about to.
    pub told: bool,
}

/// Which of these notifications `owner` still holds the lease on. They stay its own until the
/// transaction ends.
///
/// # Errors
/// The database is out.
pub async fn held(conn: &mut Conn, owner: &str, ids: &[i64]) -> Result<Vec<i64>> {
    let sql = format!(
        "SELECT n.notification_id AS id FROM notifications n \
         WHERE n.lease_owner = $1 AND n.state = 'pending' AND {} \
         ORDER BY n.notification_id{}",
        conn.db().is_in("n.notification_id", "$2"),
        conn.db().for_update("n")
    );
    let rows = fetch_all!(conn, IdRow, AssertSqlSafe(sql), owner, id_list(ids));
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Writes down what became of claimed notifications, and gives back their leases. Those whose
/// lease went to somebody else meanwhile are left alone.
///
/// # Errors
/// The database refused.
pub async fn settle(conn: &mut Conn, owner: &str, settled: &[Settled]) -> Result<()> {
    let all = || settled.iter();
    let columns = vec![
        Column::ints(all().map(|s| s.notification_id)),
        Column::texts(all().map(|_| owner.to_owned())),
        Column::texts(all().map(|s| s.state.as_str().to_owned())),
        Column::ints(all().map(|s| i64::from(s.tried))),
        Column::times(all().map(|s| s.next_attempt_at)),
        Column::times(all().map(|s| s.sent_at)),
        Column::texts(all().map(|s| s.error.clone())),
        Column::ints(all().map(|s| i64::from(s.held_until.is_some()))),
        Column::times(all().map(|s| s.held_until)),
        Column::ints(all().map(|s| i64::from(s.told))),
    ];
    let sql = "UPDATE notifications SET state = r.state, attempts = attempts + r.tried, \
               next_attempt_at = r.next_attempt_at, sent_at = r.sent_at, last_error = r.error, \
               muted = r.muted, told = r.told, \
               held_until = r.held_until, lease_owner = NULL, lease_until = NULL FROM r \
               WHERE notifications.notification_id = r.id AND notifications.state = 'pending' \
               AND notifications.lease_owner = r.owner";
    let names = "id, owner, state, tried, next_attempt_at, sent_at, error, muted, held_until, told";
    Rows::new(names, columns).execute(conn, sql).await?;
    Ok(())
}

/// What a new notification that is not about a flip starts with.
#[derive(Clone, Debug)]
pub struct NewNotification<'a> {
    /// Its project.
    pub project_id: i64,
    /// Where it goes.
    pub channel_id: i64,
    /// The check it is about, if any.
    pub check_id: Option<i64>,
    /// The flip it tells of, if any.
    pub flip_id: Option<i64>,
    /// What it tells.
    pub event: Event,
    /// More about it.
    pub detail: Option<&'a str>,
    /// When it is to be sent.
    pub due_at: Timestamp,
}

/// Queues a notification, and returns its id.
///
/// # Errors
/// The database refused.
pub async fn insert(conn: &mut Conn, new: &NewNotification<'_>, now: Timestamp) -> Result<i64> {
    Ok(fetch_value!(
        conn,
        i64,
        "INSERT INTO notifications (project_id, channel_id, check_id, flip_id, event, detail, \
         state, attempts, created_at, next_attempt_at, due_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 'pending', 0, $7, $8, $8) RETURNING notification_id",
        new.project_id,
        new.channel_id,
        new.check_id,
        new.flip_id,
        new.event.as_str(),
        new.detail,
        now,
        new.due_at
    ))
}

/// Takes a lease on one notification that was just queued, in the same transaction.
///
/// # Errors
/// The database refused.
pub async fn claim_one(
    conn: &mut Conn,
    owner: &str,
    notification_id: i64,
    until: Timestamp,
) -> Result<()> {
    execute!(
        conn,
        "UPDATE notifications SET lease_owner = $1, lease_until = $2 WHERE notification_id = $3",
        owner,
        until,
        notification_id
    );
    Ok(())
}

/// Gives up whatever is still to go to a channel.
///
/// # Errors
/// The database refused.
pub async fn fail_all_of_channel(conn: &mut Conn, channel_id: i64, error: &str) -> Result<()> {
    execute!(
        conn,
        "UPDATE notifications SET state = 'failed', told = 0, last_error = $2, next_attempt_at = NULL, \
         lease_owner = NULL, lease_until = NULL WHERE channel_id = $1 AND state = 'pending'",
        channel_id,
        error
    );
    Ok(())
}

/// Suppresses what these checks, which just came up, no longer need: reminders, and turns to down
/// that were still waiting for their time.
pub(super) async fn suppress_waiting(
    conn: &mut Conn,
    check_ids: &[i64],
    now: Timestamp,
) -> Result<()> {
    let condition = conn.db().is_in("check_id", "$1");
    let sql = format!(
        "UPDATE notifications SET state = 'suppressed', told = 0, next_attempt_at = NULL \
         WHERE {condition} AND state = 'pending' AND attempts = 0 AND lease_owner IS NULL \
         AND (event = 'reminder' OR (event = 'down' AND next_attempt_at > $2))"
    );
    execute!(conn, AssertSqlSafe(sql), id_list(check_ids), now);
    Ok(())
}

/// The flip that a notification tells of.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ToldFlip {
    /// Its serial number within the check.
    pub n: i64,
    /// When it happened.
    pub at: Timestamp,
    /// Why.
    #[sqlx(try_from = "String")]
    pub reason: Reason,
    /// The status after.
    #[sqlx(try_from = "String")]
    pub to_status: Status,
    /// The ping that made it.
    pub ping_n: Option<i64>,
    /// When what did not come in time was expected.
    pub expected_at: Option<Timestamp>,
    /// When somebody asked how the host of its job is; none where nobody did.
    pub host_asked_at: Option<Timestamp>,
    /// What the host's device is called.
    pub host_name: Option<String>,
    /// How it was, a [`Host`](crate::domain::monitor::Host); none while that is not known.
    pub host_seen: Option<String>,
    /// What was wrong with it.
    pub host_error: Option<String>,
}

/// The flip of this id.
///
/// # Errors
/// The database is out.
pub async fn flip(conn: &mut Conn, flip_id: i64) -> Result<Option<ToldFlip>> {
    Ok(fetch_optional!(
        conn,
        ToldFlip,
        "SELECT f.n, f.at, f.reason, f.to_status, f.ping_n, f.expected_at, \
         h.asked_at AS host_asked_at, c.check_name AS host_name, h.seen AS host_seen, \
         h.error AS host_error FROM flips f \
         LEFT JOIN host_looks h ON h.flip_id = f.flip_id \
         LEFT JOIN monitors m ON m.monitor_id = h.monitor_id \
         LEFT JOIN checks c ON c.check_id = m.check_id WHERE f.flip_id = $1",
        flip_id
    ))
}

/// The notification by which a channel was told of the down that is the flip `n` of a check; none
/// where it was not.
///
/// # Errors
/// The database is out.
pub async fn told_down(
    conn: &mut Conn,
    check_id: i64,
    channel_id: i64,
    n: i64,
) -> Result<Option<NotificationRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM flips p JOIN notifications n ON n.flip_id = p.flip_id \
         WHERE p.check_id = $1 AND p.n = $3 AND n.channel_id = $2 AND n.event = 'down' \
         AND n.state = 'sent' LIMIT 1"
    );
    Ok(fetch_optional!(conn, NotificationRow, AssertSqlSafe(sql), check_id, channel_id, n))
}

/// When the flip with this serial number of a check happened.
///
/// # Errors
/// The database is out.
pub async fn flip_time(conn: &mut Conn, check_id: i64, n: i64) -> Result<Option<Timestamp>> {
    let row = fetch_optional!(
        conn,
        IdRow,
        "SELECT at AS id FROM flips WHERE check_id = $1 AND n = $2",
        check_id,
        n
    );
    Ok(row.map(|row| Timestamp(row.id)))
}

/// Whether what a channel heard last of a check before this notification was not good news, or would
/// not have been, had its own configuration not passed it over.
///
/// # Errors
/// The database is out.
pub async fn last_news_was_bad(conn: &mut Conn, row: &NotificationRow) -> Result<bool> {
    let bad = fetch_optional!(
        conn,
        IdRow,
        "SELECT l.notification_id AS id FROM (SELECT d.notification_id, d.event \
         FROM notifications d WHERE d.check_id = $1 AND d.channel_id = $2 \
         AND d.notification_id < $3 AND d.told = 1 \
         ORDER BY d.notification_id DESC LIMIT 1) l WHERE l.event <> 'up'",
        row.check_id,
        row.channel_id,
        row.notification_id
    );
    Ok(bad.is_some())
}

/// Whose notifications are listed.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    /// Those of a check.
    Check(i64),
    /// Those of a project.
    Project(i64),
}

/// A page of notifications, the latest first, and how many there are.
///
/// # Errors
/// The database is out.
pub async fn list(
    conn: &mut Conn,
    of: Of,
    offset: i64,
    limit: i64,
) -> Result<(Vec<NotificationRow>, i64)> {
    let (column, id) = match of {
        Of::Check(id) => ("check_id", id),
        Of::Project(id) => ("project_id", id),
    };
    let page = format!(
        "SELECT {COLUMNS} FROM notifications n WHERE n.{column} = $1 \
         ORDER BY n.notification_id DESC LIMIT $2 OFFSET $3"
    );
    let rows = fetch_all!(conn, NotificationRow, AssertSqlSafe(page), id, limit, offset);
    let count = format!("SELECT COUNT(*) FROM notifications WHERE {column} = $1");
    let total = fetch_value!(conn, i64, AssertSqlSafe(count), id);
    Ok((rows, total))
}

/// A page of a channel's notifications in this state, or in any; the latest first, and how many
/// there are.
///
/// # Errors
/// The database is out.
pub async fn list_of_channel(
    conn: &mut Conn,
    channel_id: i64,
    state: Option<NotificationState>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<NotificationRow>, i64)> {
    let state = state.map(NotificationState::as_str);
    let condition = "channel_id = $1 AND (CAST($2 AS TEXT) IS NULL OR state = $2)";
    let page = format!(
        "SELECT {COLUMNS} FROM notifications n WHERE {condition} \
         ORDER BY n.notification_id DESC LIMIT $3 OFFSET $4"
    );
    let rows =
        fetch_all!(conn, NotificationRow, AssertSqlSafe(page), channel_id, state, limit, offset);
    let count = format!("SELECT COUNT(*) FROM notifications WHERE {condition}");
    Ok((rows, fetch_value!(conn, i64, AssertSqlSafe(count), channel_id, state)))
}

/// Queues a notification of a channel again that was given up, as if it were new; false where there
/// is no such one.
///
/// # Errors
/// The database refused.
pub async fn queue_again(
    conn: &mut Conn,
    channel_id: i64,
    notification_id: i64,
    now: Timestamp,
) -> Result<bool> {
    let changed = execute!(
        conn,
        "UPDATE notifications SET state = 'pending', attempts = 0, next_attempt_at = $3, \
         due_at = $3, group_id = NULL \
         WHERE notification_id = $2 AND channel_id = $1 AND state = 'failed'",
        channel_id,
        notification_id,
        now
    );
    Ok(changed > 0)
}
