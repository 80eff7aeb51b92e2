//! The journal of requests: which command was run with which token. Answers do not wait for it: an
//! entry is dropped into a bounded queue, and one task writes what has gathered, at most a second
//! later. Where the queue is full, entries are lost, and the log says how many.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::context::Context;
use crate::fault::{Fault, Result};
use crate::store::journal::{self, Entry};

/// Entries that wait at most.
const CAPACITY: usize = 10_000;
/// How long entries gather before they are written.
const GATHER: Duration = Duration::from_millis(500);
/// How long a failed write waits before it is tried again.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
/// Entries in one transaction.
const CHUNK: usize = 2_000;

/// The end that entries are put in at. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal {
    sender: mpsc::Sender<Entry>,
    lost: Arc<AtomicU64>,
}

/// The end that [`run`] takes them out at.
#[derive(Debug)]
pub struct Inbox {
    receiver: mpsc::Receiver<Entry>,
    lost: Arc<AtomicU64>,
}

/// A journal and the end to write it from.
#[must_use]
pub fn channel() -> (Journal, Inbox) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    let lost = Arc::new(AtomicU64::new(0));
    (Journal { sender, lost: lost.clone() }, Inbox { receiver, lost })
}

impl Journal {
    /// Puts an entry in; loses it where the queue is full.
    pub fn record(&self, entry: Entry) {
        if self.sender.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes what gathers, until `stop` says so (or its sender is gone); then writes what is there
/// and ends. To be stopped after the listeners.
pub async fn run(ctx: Context, mut inbox: Inbox, mut stop: watch::Receiver<bool>) {
    let mut entries = Vec::new();
    let mut stopping = false;
    while !stopping {
        if entries.is_empty() {
            stopping = tokio::select! {
                first = inbox.receiver.recv() => { entries.extend(first); entries.is_empty() }
                // An error means that nobody is left who could ask for a stop: that is one too.
                _ = stop.wait_for(|stop| *stop) => true,
            };
        }
        if !stopping {
            stopping = tokio::select! {
                () = tokio::time::sleep(GATHER) => false,
                _ = stop.wait_for(|stop| *stop) => true,
            };
        }
        if stopping {
            inbox.receiver.close();
        }
        write_all(&ctx, &mut inbox, &mut entries, stopping).await;
    }
}

/// Writes what is there. While the database is out it is kept for the next round, save at the end.
async fn write_all(ctx: &Context, inbox: &mut Inbox, entries: &mut Vec<Entry>, last: bool) {
    loop {
        while entries.len() < CHUNK
            && let Ok(entry) = inbox.receiver.try_recv()
        {
            entries.push(entry);
        }
        if entries.is_empty() {
            break;
        }
        match write(ctx, entries).await {
            Err(Fault::Unavailable(reason)) if !last => {
                tracing::warn!(reason, "the request journal waits for the database");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                break;
            }
            // What is refused once would be refused for ever, and all that follows would wait.
            Err(error) => {
                tracing::error!(%error, lines = entries.len(), "the request journal lost lines");
            }
            Ok(()) => {}
        }
        entries.clear();
    }
    let left_out = inbox.lost.swap(0, Ordering::Relaxed);
    if left_out > 0 {
        tracing::warn!(left_out, "the request journal could not keep up: entries were left out");
    }
}

async fn write(ctx: &Context, entries: &[Entry]) -> Result<()> {
    let mut tx = ctx.store.begin().await?;
    journal::insert(&mut tx, entries).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn entry() -> Entry {
        Entry {
            at: Timestamp(1),
            user_id: 1,
            token_id: 1,
            subject: "s".to_owned(),
            method: "GET".to_owned(),
            path: "/user/profile".to_owned(),
            status: 200,
            remote_address: "192.0.2.1".to_owned(),
            request_id: "r".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_full_journal_loses_entries_and_counts_them() {
        let (journal, mut inbox) = channel();
        for _ in 0..CAPACITY + 3 {
            journal.record(entry());
        }
        assert_eq!(inbox.lost.load(Ordering::Relaxed), 3);
        assert!(inbox.receiver.recv().await.is_some());
        journal.record(entry());
        assert_eq!(inbox.lost.load(Ordering::Relaxed), 3);
    }
}
