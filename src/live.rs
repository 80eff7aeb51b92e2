//! News of checks for whoever looks at them right now: which ones were just changed by this process.
//! While nobody looks, telling costs nothing but the question.

use std::sync::Arc;

use tokio::sync::broadcast;

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
pub struct Live(broadcast::Sender<News>);

impl Default for Live {
    fn default() -> Self {
        Self(broadcast::Sender::new(ROOM))
    }
}

impl Live {
    /// Tells that these checks changed, after that was committed.
    pub fn checks(&self, ids: impl FnOnce() -> Arc<[i64]>) {
        if self.0.receiver_count() > 0 {
            // An error only says that the last listener has gone.
            let _ = self.0.send(News::Checks(ids()));
        }
    }

    /// Tells that a project has other checks now.
    pub fn list(&self, project_id: i64) {
        if self.0.receiver_count() > 0 {
            let _ = self.0.send(News::List(project_id));
        }
    }

    /// Hears all that is told from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<News> {
        self.0.subscribe()
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
    }
}
