//! This node's sign of life, and what its absence tells: a stopped process, a suspended machine, a
//! dead database and a clock set forward all show as a gap between the signs of all nodes.

use std::time::Duration;

use crate::clock::{SECOND, Timestamp};
use crate::context::Context;
use crate::domain::check::Outage;
use crate::fault::{Fault, Result};
use crate::store::tx::Conn;
use crate::store::{nodes, settings};

/// Microseconds between two signs of life.
const BEAT: i64 = 2 * SECOND;
/// How far a sign of life may lie ahead of our clock (another node's clock) before it counts as
/// left over from a clock that was set back.
const SKEW: i64 = 2 * SECOND;
/// A node without a sign of life for a day is forgotten.
const FORGET_AFTER: i64 = 86_400;

/// The signs of life of one node.
#[derive(Debug)]
pub(super) struct Pulse {
    node_id: String,
    started_at: Timestamp,
    /// The steady clock at the last sign; none before the first.
    last_beat: Option<i64>,
}

impl Pulse {
    pub(super) fn new(node_id: &str, started_at: Timestamp) -> Self {
        Self { node_id: node_id.to_owned(), started_at, last_beat: None }
    }

    /// Gives the next sign of life if it is time, after recording the outage that lies behind it
    /// if there was one.
    pub(super) async fn keep(&mut self, ctx: &Context) -> Result<()> {
        let steady = ctx.clock.steady_micros();
        if self.last_beat.is_some_and(|last| steady - last < BEAT) && !self.jumped(ctx).await? {
            return Ok(());
        }
        let mut tx = ctx.store.begin().await?;
        nodes::lock_outages(&mut tx).await?;
        self.hold_the_key(&mut tx, ctx).await?;
        let now = ctx.now();
        nodes::clamp(&mut tx, now.plus_micros(SKEW), now).await?;
        let outage = Outage::between(nodes::last_beat(&mut tx).await?, now);
        if let Some(outage) = outage {
            nodes::record_outage(&mut tx, outage).await?;
        }
        nodes::beat(&mut tx, &self.node_id, self.started_at, now).await?;
        nodes::forget_before(&mut tx, now.plus_seconds(-FORGET_AFTER)).await?;
        tx.commit().await?;
        self.last_beat = Some(steady);
        if let Some(outage) = outage {
            tracing::warn!(from = %outage.from, to = %outage.to, "this server was out");
        }
        Ok(())
    }

    /// Makes sure that the database is still under our key. It may have been put under another while
    /// this process started or was held up; what we seal would be lost then.
    async fn hold_the_key(&self, conn: &mut Conn, ctx: &Context) -> Result<()> {
        let known = settings::get(conn, settings::KEY_FINGERPRINT).await?;
        if known.is_none_or(|theirs| theirs == ctx.keys.fingerprint()) {
            return Ok(());
        }
        Err(Fault::invalid("security.secret_key", "the database is under another key by now"))
    }

    /// Whether the wall clock moved away from our last sign of life, which only a clock that was
    /// set does between two signs.
    async fn jumped(&self, ctx: &Context) -> Result<bool> {
        let mut conn = ctx.store.read().await?;
        let last = nodes::last_beat(&mut conn).await?;
        Ok(Outage::between(last, ctx.now()).is_some())
    }

    /// Whether there is a gap right now, seen from inside a transaction that is about to judge.
    pub(super) async fn was_out(&self, conn: &mut Conn, ctx: &Context) -> Result<bool> {
        Ok(Outage::between(nodes::last_beat(conn).await?, ctx.now()).is_some())
    }

    /// How long until the next sign of life.
    pub(super) fn until_next(&self, ctx: &Context) -> Duration {
        let since = self.last_beat.map_or(BEAT, |last| ctx.clock.steady_micros() - last);
        Duration::from_micros(u64::try_from((BEAT - since).max(0)).unwrap_or(0))
    }
}
