//! News of checks for whoever looks at them right now, and bells that wake workers. What happens in this
//! process is told here at once; what other nodes are to hear of it waits in [`Outward`] for the relay
//! (`relay.rs`). While nobody looks, telling costs nothing but the question.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, broadcast};

use crate::domain::text_enum;

/// So much news waits for a listener; one that is further behind is told to look at everything.
const ROOM: usize = 256;

/// What changed.
#[derive(Clone, Debug)]
pub enum News {
    /// These checks: their states, their runs, or their settings.
    Checks(Arc<[i64]>),
    /// Which checks the project with this id has.
    List(i64),
}

/// Where news is told and heard. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Live {
    here: broadcast::Sender<News>,
    outward: Arc<Outward>,
}

impl Default for Live {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl Live {
    /// Where news goes outward too.
    #[must_use]
    pub fn new(outward: Arc<Outward>) -> Self {
        Self { here: broadcast::Sender::new(ROOM), outward }
    }

    /// Tells that these checks changed, after that was committed.
    pub fn checks(&self, ids: impl FnOnce() -> Arc<[i64]>) {
        let is_watched = self.outward.is_watched();
        if self.has_listeners() || is_watched {
            let ids = ids();
            if is_watched {
                self.outward.add(|waiting| waiting.checks.extend(ids.iter()));
            }
            self.heard(News::Checks(ids));
        }
    }

    /// Tells that a project has other checks now.
    pub fn list(&self, project_id: i64) {
        if self.outward.is_watched() {
            self.outward.add(|waiting| {
                waiting.lists.insert(project_id);
            });
        }
        self.heard(News::List(project_id));
    }

    /// Tells what was heard elsewhere: in this process alone.
    pub fn heard(&self, news: News) {
        if self.has_listeners() {
            // An error only says that the last listener has gone.
            let _ = self.here.send(news);
        }
    }

    /// Hears all that is told from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<News> {
        let receiver = self.here.subscribe();
        // So that other nodes know it.
        self.outward.bell.notify_one();
        receiver
    }

    /// Whether somebody listens in this process.
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.here.receiver_count() > 0
    }
}

text_enum! {
    /// A worker that can be woken.
    Sleeper {
        /// The detector: a deadline came nearer.
        Detector => "detector",
        /// The notifier: a notification was queued.
        Notifier => "notifier",
        /// The prober: a monitor was made or changed, or is asked for.
        Prober => "prober",
        /// The keeper: a maintenance window was changed, and what it keeps back wants to be looked at.
        Keeper => "keeper",
    }
}

/// What wakes one kind of worker before its time, here and on other nodes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bell {
    sleeper: Sleeper,
    here: Arc<Notify>,
    outward: Arc<Outward>,
}

impl Bell {
    /// The bell of this worker.
    #[must_use]
    pub fn new(sleeper: Sleeper, outward: Arc<Outward>) -> Self {
        Self { sleeper, here: Arc::default(), outward }
    }

    /// Rings: the worker looks once more, even where it was about to sleep.
    pub fn notify_one(&self) {
        self.ring_here();
        if self.outward.is_heard() {
            self.outward.add(|waiting| {
                waiting.bells.insert(self.sleeper.as_str());
            });
        }
    }

    /// Rings in this process alone.
    pub fn ring_here(&self) {
        self.here.notify_one();
    }

    /// Waits until it rings.
    pub fn notified(&self) -> Notified<'_> {
        self.here.notified()
    }
}

/// What other nodes are to hear.
#[derive(Debug, Default)]
pub struct Waiting {
    /// Checks that changed.
    pub checks: BTreeSet<i64>,
    /// Projects that have other checks.
    pub lists: BTreeSet<i64>,
    /// Workers that are to wake.
    pub bells: BTreeSet<&'static str>,
}

/// Where that waits until the relay takes it. While no other node is there, or nobody looks at a page
/// there, nothing is gathered.
#[derive(Debug, Default)]
pub struct Outward {
    is_heard: AtomicBool,
    is_watched: AtomicBool,
    waiting: Mutex<Waiting>,
    /// Rings when there is something, or somebody began to listen here.
    pub bell: Notify,
}

impl Outward {
    /// Whether another node is there.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.is_heard.load(Relaxed)
    }

    /// Whether somebody looks at a page of another node.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.is_watched.load(Relaxed)
    }

    /// Sets both.
    pub fn set(&self, is_heard: bool, is_watched: bool) {
        self.is_heard.store(is_heard, Relaxed);
        self.is_watched.store(is_watched, Relaxed);
    }

    /// Takes what waits.
    #[must_use]
    pub fn take(&self) -> Waiting {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.bell.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_gathered_while_nobody_listens() {
        let live = Live::default();
        live.checks(|| panic!("somebody asked"));
        let mut heard = live.listen();
        live.checks(|| Arc::from([1, 2]));
        live.list(7);
        assert!(matches!(heard.try_recv(), Ok(News::Checks(ids)) if *ids == [1, 2]));
        assert!(matches!(heard.try_recv(), Ok(News::List(7))));
        assert!(live.outward.take().checks.is_empty());
    }

    #[test]
    fn what_others_are_to_hear_waits_once_and_what_was_heard_does_not_go_back() {
        let outward = Arc::new(Outward::default());
        let (live, bell) =
            (Live::new(Arc::clone(&outward)), Bell::new(Sleeper::Notifier, Arc::clone(&outward)));
        bell.notify_one();
        assert!(outward.take().bells.is_empty(), "nobody is there");
        outward.set(true, true);
        for _ in 0..2 {
            live.checks(|| Arc::from([3, 1]));
            bell.notify_one();
        }
        live.list(7);
        live.heard(News::List(8));
        bell.ring_here();
        let waiting = outward.take();
        assert!(waiting.checks.iter().eq(&[1, 3]) && waiting.lists.iter().eq(&[7]));
        assert!(waiting.bells.iter().eq(&["notifier"]));
        assert!(outward.take().checks.is_empty());
    }
}
