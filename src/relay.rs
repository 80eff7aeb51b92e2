//! The relay between nodes on one PostgreSQL: news for open pages and bells for workers, as calls of a few
//! words (`store::signals`). Nothing depends on a call: whoever missed one finds out when it looks, workers
//! within a second. A node tells that it is there, and whether somebody looks at a page of it, so that one
//! alone, or one whose pages nobody has open elsewhere, calls nothing else.
//!
//! A call is `NODE WORD what`: `here`, `watching` (of a node with open pages), `bells detector,notifier`,
//! `checks 1,2,3`, `lists 7`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::context::Context;
use crate::fault::Result;
use crate::live::{News, Sleeper, Waiting};
use crate::store::signals::{self, LONGEST, Signals};

/// A node tells so often that it is there.
const PRESENCE: Duration = Duration::from_secs(5);
/// One that was not heard for so long, in microseconds, is gone.
const GONE: i64 = 12_000_000;
/// What is to be told is gathered for so long.
const GATHER: Duration = Duration::from_millis(100);
/// After a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// When another node was last heard, and when it last told that somebody looks at a page of it;
/// microseconds of the steady clock.
#[derive(Clone, Copy, Debug)]
struct Heard {
    at: i64,
    watching_at: Option<i64>,
}

/// The relay of one node.
#[derive(Debug)]
pub struct Relay {
    ctx: Context,
    node_id: String,
    others: HashMap<String, Heard>,
    told_watching: bool,
}

impl Relay {
    /// A relay for the node `node_id`.
    #[must_use]
    pub fn new(ctx: Context, node_id: &str) -> Self {
        Self { ctx, node_id: node_id.to_owned(), others: HashMap::new(), told_watching: false }
    }

    /// Runs until `stop` says so; does nothing on a database that one process uses alone.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        if !self.ctx.store.db().is_shared() {
            let _ = stop.wait_for(|is_over| *is_over).await;
            return;
        }
        let mut is_failing = false;
        while !*stop.borrow() {
            let ended = self.listen(&mut stop).await;
            self.others.clear();
            self.ctx.outward.set(false, false);
            let Err(fault) = ended else { return };
            if !std::mem::replace(&mut is_failing, true) {
                tracing::warn!(%fault, "other nodes are not heard; what they do shows a little later");
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn listen(&mut self, stop: &mut watch::Receiver<bool>) -> Result<()> {
        let mut calls: Signals = self.ctx.store.signals().await?;
        let outward = Arc::clone(&self.ctx.outward);
        let mut presence = tokio::time::interval(PRESENCE);
        self.told_watching = false;
        while !*stop.borrow() {
            tokio::select! {
                call = calls.next() => {
                    let is_new = self.take_in(&call?);
                    // Whoever is new does not know of us.
                    if is_new {
                        self.tell_presence().await?;
                    }
                }
                _ = presence.tick() => self.tell_presence().await?,
                () = outward.bell.notified() => {
                    if self.ctx.live.has_listeners() && !self.told_watching {
                        self.tell_presence().await?;
                    }
                    tokio::time::sleep(GATHER).await;
                    self.tell(&outward.take()).await?;
                }
                _ = stop.changed() => {}
            }
            self.count_others();
        }
        Ok(())
    }

    async fn tell_presence(&mut self) -> Result<()> {
        self.told_watching = self.ctx.live.has_listeners();
        let word = if self.told_watching { "watching" } else { "here" };
        self.call(word, "").await
    }

    async fn tell(&self, waiting: &Waiting) -> Result<()> {
        let bells: Vec<&str> = waiting.bells.iter().copied().collect();
        if !bells.is_empty() {
            self.call("bells", &bells.join(",")).await?;
        }
        for (word, ids) in [("lists", &waiting.lists), ("checks", &waiting.checks)] {
            let mut part = String::new();
            for id in ids {
                let _ = write!(part, "{id},");
                if part.len() > LONGEST - 100 {
                    self.call(word, &part).await?;
                    part.clear();
                }
            }
            if !part.is_empty() {
                self.call(word, &part).await?;
            }
        }
        Ok(())
    }

    async fn call(&self, word: &str, what: &str) -> Result<()> {
        let text = format!("{} {word} {what}", self.node_id);
        signals::call(&mut self.ctx.store.read().await?, &text).await
    }

    /// Takes a call in; whether it is the first of a node.
    fn take_in(&mut self, call: &str) -> bool {
        let mut words = call.splitn(3, ' ');
        let (node, word) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let what = words.next().unwrap_or_default();
        if node == self.node_id {
            return false;
        }
        let now = steady(&self.ctx.clock);
        let is_new = !self.others.contains_key(node);
        let heard =
            self.others.entry(node.to_owned()).or_insert(Heard { at: now, watching_at: None });
        heard.at = now;
        let ids = what.split(',').filter_map(|id| id.parse().ok());
        match word {
            "here" => heard.watching_at = None,
            "watching" => heard.watching_at = Some(now),
            "checks" => self.ctx.live.heard(News::Checks(ids.collect())),
            "lists" => ids.for_each(|id| self.ctx.live.heard(News::List(id))),
            "bells" => {
                for sleeper in what.split(',').filter_map(|name| name.parse::<Sleeper>().ok()) {
                    self.ctx.bells.of(sleeper).ring_here();
                }
            }
            // Of a later version.
            _ => {}
        }
        is_new
    }

    /// Tells who gathers news whether anybody wants it.
    fn count_others(&mut self) {
        let now = steady(&self.ctx.clock);
        self.others.retain(|_, heard| now - heard.at < GONE);
        let is_watching = |heard: &Heard| heard.watching_at.is_some_and(|at| now - at < GONE);
        let is_watched = self.others.values().any(is_watching);
        self.ctx.outward.set(!self.others.is_empty(), is_watched);
    }
}

fn steady(clock: &Clock) -> i64 {
    clock.steady_micros()
}
