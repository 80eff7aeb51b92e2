//! What one node tells another: news for open pages, and bells. The relays run on two sets of parts of one
//! PostgreSQL, where nothing else could bring the news.

use std::sync::Arc;
use std::time::Duration;

use overdue::context::{Bells, Context};
use overdue::live::{Live, News, Outward};
use overdue::relay::Relay;
use overdue::store::Store;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::support::databases::Fresh;
use crate::support::{Database, PATIENCE, until};
use crate::workers::open;

/// The parts of another node on the same database.
async fn beside(ctx: &Context, fresh: &Fresh) -> Context {
    let outward = Arc::new(Outward::default());
    Context {
        store: Store::open(&fresh.url, 5).await.unwrap(),
        bells: Bells::new(&outward),
        live: Live::new(Arc::clone(&outward)),
        outward,
        ..ctx.clone()
    }
}

fn start(ctx: &Context, name: &str) -> (watch::Sender<bool>, JoinHandle<()>) {
    let (stop, stopped) = watch::channel(false);
    (stop, tokio::spawn(Relay::new(ctx.clone(), name).run(stopped)))
}

async fn hear(news: &mut broadcast::Receiver<News>) -> News {
    tokio::time::timeout(PATIENCE, news.recv()).await.expect("it is told").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_and_bells_reach_the_other_node_and_no_further() {
    if !Database::Postgres.is_here() {
        return;
    }
    let (here, fresh, _home) = open(Database::Postgres, |_| {}).await;
    let there = beside(&here, &fresh).await;
    let (end_home, at_home) = start(&here, "here");
    let (end_abroad, abroad) = start(&there, "there");
    until("they know of each other", async || {
        (here.outward.is_heard() && there.outward.is_heard()).then_some(())
    })
    .await;
    assert!(!here.outward.is_watched(), "nobody looks");
    let keeper = there.bells.keeper.clone();
    here.bells.keeper.notify_one();
    tokio::time::timeout(PATIENCE, keeper.notified()).await.expect("it rings there");

    let mut news = there.live.listen();
    until("it is known that somebody looks", async || here.outward.is_watched().then_some(()))
        .await;
    here.live.list(7);
    assert!(matches!(hear(&mut news).await, News::List(7)));
    let many: Arc<[i64]> = (1..=5_000).collect();
    here.live.checks(|| Arc::clone(&many));
    let mut told = Vec::new();
    while told.len() < many.len() {
        match hear(&mut news).await {
            News::Checks(ids) => told.extend(ids.iter().copied()),
            other @ News::List(_) => panic!("{other:?}"),
        }
    }
    assert_eq!(told, *many, "a call has its bounds: it comes in parts");
    assert!(there.outward.take().checks.is_empty(), "what was heard does not go back");

    // The last one who looked has gone, and the node is stopped.
    drop(news);
    until("it is known that nobody looks", async || (!here.outward.is_watched()).then_some(()))
        .await;
    end_abroad.send(true).unwrap();
    abroad.await.unwrap();
    here.clock.advance(Duration::from_secs(20));
    until("it is known that nobody is there", async || (!here.outward.is_heard()).then_some(()))
        .await;
    end_home.send(true).unwrap();
    at_home.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_was_cut_off_is_heard_again() {
    if !Database::Postgres.is_here() {
        return;
    }
    let (here, fresh, _home) = open(Database::Postgres, |_| {}).await;
    let there = beside(&here, &fresh).await;
    let (_end_home, _at_home) = start(&here, "here");
    let (_end_abroad, _abroad) = start(&there, "there");
    let known = async |is_known: bool| {
        until("they know of each other, or not", async || {
            (here.outward.is_heard() == is_known && there.outward.is_heard() == is_known)
                .then_some(())
        })
        .await;
    };
    known(true).await;
    fresh.go_down();
    known(false).await;
    fresh.come_back();
    known(true).await;
    let keeper = there.bells.keeper.clone();
    here.bells.keeper.notify_one();
    tokio::time::timeout(PATIENCE, keeper.notified()).await.expect("it rings there");
}
