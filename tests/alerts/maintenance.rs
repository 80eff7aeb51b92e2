//! Maintenance windows: nothing goes out while one is open, and what still holds when it ends is told
//! then, once. On the parts of a server and a clock that is moved, with a real notifier and receiver;
//! and once on the real server.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use overdue::domain::ping::PingKind;
use overdue::ingest::Outcome;
use overdue::maintenance::Keeper;
use overdue::service::channels::Change as Manner;
use overdue::service::maintenance::{self, Change};
use overdue::service::{channels, checks, transfer};
use overdue::store::notifications::{Event, NotificationState};
use overdue::store::states;
use serde_json::{Value, json};

use super::fail_points::dies;
use super::parts::outbox;
use super::scene::Scene;
use super::{News, channel, each, plain_hook, settled};
use crate::support::api::Api;
use crate::support::receiver::{Manners, Receiver};
use crate::support::server::{TestServer, shared};
use crate::support::{Database, both_databases, now, until};
use crate::workers::at;

/// Begins this, and tells whether it has to wait.
async fn is_pending<T>(begun: &mut (impl Future<Output = T> + Unpin)) -> bool {
    std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *begun).poll(cx).is_pending())).await
}

use Event::{Down, Reminder, Up};
use NotificationState::{Pending, Sent, Suppressed};

both_databases! {
    async fn what_happens_inside_a_window_is_recorded_and_told_to_nobody(database) {
        let scene = Scene::new(database).await;
        scene.window(10, 100).await;
        scene.go_to(20).await;
        scene.fail().await;
        scene.go_to(30).await;
        scene.succeed().await;
        scene.go_to(100).await;
        scene.go_to(1000).await;
        assert_eq!(scene.events().await, [(Down, Suppressed), (Up, Suppressed)]);
        for row in scene.rows().await {
            assert_eq!(row.last_error.as_deref(), Some("maintenance: New disks"));
            assert_eq!((row.attempts, row.sent_at, row.next_attempt_at), (0, None, None));
        }
        let mut conn = scene.parts.ctx.store.read().await.unwrap();
        let flips = overdue::store::flips::list(&mut conn, scene.check, 0, 10).await.unwrap().1;
        assert_eq!(flips, 2, "the flips are recorded");
        assert!(scene.told().await.is_empty());
        scene.end().await;
    }

    async fn a_window_that_repeats_keeps_back_what_happens_each_time_it_is_open(database) {
        let scene = Scene::new(database).await;
        // It is 08:00:00 at the second 0: open for the first two minutes of every ten.
        let repeat = Change {
            repeat: Some(Some("*/10 * * * *".to_owned())),
            duration: Some(Some(120)),
            ..Change::default()
        };
        maintenance::create(&scene.parts.ctx, scene.project, &repeat).await.unwrap();
        scene.go_to(119).await;
        scene.fail().await;
        assert!(scene.told().await.is_empty());
        scene.go_to(120).await;
        assert_eq!(scene.told().await, ["down"]);
        scene.go_to(599).await;
        scene.succeed().await;
        assert_eq!(scene.told().await, ["down", "up"]);
        scene.go_to(601).await;
        scene.fail().await;
        scene.go_to(719).await;
        scene.succeed().await;
        scene.go_to(720).await;
        assert_eq!(scene.told().await, ["down", "up"], "it was all over at the end");
        // The keeper sleeps over several of them: the next is open all the same.
        scene.parts.ctx.clock.advance(Duration::from_secs(3000 + 500));
        scene.fail().await;
        assert_eq!(scene.told().await, ["down", "up"]);
        scene.go_to(4319).await;
        assert_eq!(scene.told().await, ["down", "up"]);
        scene.go_to(4320).await;
        assert_eq!(scene.told().await, ["down", "up", "down"]);
        scene.end().await;
    }

    async fn a_window_that_repeats_ends_for_good_at_its_bound(database) {
        let scene = Scene::new(database).await;
        let repeat = Change {
            repeat: Some(Some("*/10 * * * *".to_owned())),
            duration: Some(Some(300)),
            starts_at: Some(Some(at(600))),
            ends_at: Some(Some(at(660))),
            ..Change::default()
        };
        maintenance::create(&scene.parts.ctx, scene.project, &repeat).await.unwrap();
        scene.fail().await;
        assert_eq!(scene.told().await, ["down"], "it has not begun");
        scene.go_to(610).await;
        scene.succeed().await;
        scene.go_to(659).await;
        assert_eq!(scene.told().await, ["down"]);
        scene.go_to(660).await;
        assert_eq!(scene.told().await, ["down", "up"]);
        scene.go_to(1210).await;
        scene.fail().await;
        assert_eq!(scene.told().await, ["down", "up", "down"], "it opens no more");
        scene.end().await;
    }

    async fn what_is_still_down_at_the_end_is_told_then_and_once(database) {
        let scene = Scene::new(database).await;
        scene.window(10, 100).await;
        scene.go_to(10).await;
        scene.fail().await;
        scene.go_to(99).await;
        assert!(scene.told().await.is_empty());
        scene.go_to(100).await;
        assert_eq!(scene.told().await, ["down"]);
        scene.go_to(200).await;
        scene.go_to(10_000).await;
        assert_eq!(scene.told().await, ["down"]);
        scene.succeed().await;
        assert_eq!(scene.told().await, ["down", "up"]);
        let rows = scene.rows().await;
        assert_eq!(scene.events().await, [(Down, Suppressed), (Down, Sent), (Up, Sent)]);
        assert_eq!((rows[0].flip_id, rows[1].created_at), (rows[1].flip_id, at(100)));
        scene.end().await;
    }

    async fn a_missed_deadline_inside_a_window_is_told_at_its_end_too(database) {
        let mut scene = Scene::new(database).await;
        let quick = checks::Change { period: Some(Some(60)), grace: Some(60), ..checks::Change::default() };
        checks::update(&scene.parts.ctx, scene.project, scene.check, &quick).await.unwrap();
        scene.succeed().await;
        scene.window(100, 140).await;
        scene.parts.run_for(139).await;
        assert_eq!(scene.events().await, [(Down, Suppressed)]);
        scene.parts.run_for(1).await;
        assert_eq!(scene.told().await, ["down"]);
        scene.end().await;
    }

    async fn what_was_told_before_the_window_is_not_told_again_at_its_end(database) {
        let scene = Scene::told_before_a_window(database).await;
        scene.go_to(10).await;
        scene.go_to(100).await;
        scene.go_to(200).await;
        assert_eq!(scene.events().await, [(Down, Sent)]);
        scene.succeed().await;
        assert_eq!(scene.told().await, ["down", "up"]);
        scene.end().await;
    }

    async fn who_was_told_of_a_down_before_the_window_learns_at_its_end_that_it_is_over(database) {
        let scene = Scene::told_before_a_window(database).await;
        scene.go_to(50).await;
        scene.succeed().await;
        assert_eq!(scene.told().await, ["down"]);
        scene.go_to(100).await;
        assert_eq!(scene.told().await, ["down", "up"]);
        assert_eq!(scene.events().await, [(Down, Sent), (Up, Suppressed), (Up, Sent)]);
        scene.end().await;
    }

    async fn a_second_down_inside_the_window_takes_the_place_of_the_recovery(database) {
        let scene = Scene::told_before_a_window(database).await;
        scene.go_to(50).await;
        scene.succeed().await;
        scene.fail().await;
        scene.go_to(100).await;
        assert_eq!(scene.told().await, ["down", "down"]);
        scene.succeed().await;
        assert_eq!(scene.told().await, ["down", "down", "up"]);
        scene.end().await;
    }

    async fn a_recovery_after_several_turns_inside_the_window_is_told_to_who_heard_of_a_down(database) {
        let scene = Scene::told_before_a_window(database).await;
        scene.go_to(50).await;
        scene.succeed().await;
        scene.fail().await;
        scene.succeed().await;
        scene.go_to(100).await;
        assert_eq!(scene.told().await, ["down", "up"]);
        scene.end().await;
    }

    async fn of_windows_that_overlap_the_last_end_counts(database) {
        let scene = Scene::new(database).await;
        scene.window(10, 50).await;
        scene.window(40, 90).await;
        scene.window(90, 120).await;
        scene.go_to(20).await;
        scene.fail().await;
        for second in [50, 89, 90, 119] {
            scene.go_to(second).await;
            assert_eq!(scene.events().await, [(Down, Suppressed)], "{second}");
        }
        scene.go_to(120).await;
        assert_eq!(scene.told().await, ["down"]);
        scene.end().await;
    }

    async fn a_window_that_covers_a_check_no_more_ends_for_it_at_once(database) {
        for way in ["deleted", "shortened", "moved", "narrowed", "untagged", "imported"] {
            let scene = Scene::new(database).await;
            let tag = |tags: &[&str]| checks::Change {
                tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
                check_name: Some("Disks".to_owned()),
                ..checks::Change::default()
            };
            let (ctx, project) = (&scene.parts.ctx, scene.project);
            checks::update(ctx, project, scene.check, &tag(&["disks"])).await.unwrap();
            let over = Change { tags: Some(vec!["disks".to_owned()]), ..Change::default() };
            let window = scene.window_over(10, 1000, over).await;
            let later = scene.window_over(5000, 6000, Change::default()).await;
            scene.go_to(20).await;
            scene.fail().await;
            scene.go_to(40).await;
            scene.change(&later, Change { title: Some("else".to_owned()), ..Change::default() }).await;
            scene.go_to(41).await;
            assert_eq!(scene.events().await, [(Down, Suppressed)], "{way}");
            match way {
                "deleted" => {
                    maintenance::delete(ctx, project, window.maintenance_id).await.unwrap();
                }
                "shortened" => {
                    scene.change(&window, Change { ends_at: Some(Some(at(41))), ..Change::default() }).await;
                }
                "moved" => {
                    let starts_at = Some(Some(at(500)));
                    scene.change(&window, Change { starts_at, ..Change::default() }).await;
                }
                "narrowed" => {
                    let other = scene.parts.check(project, 60, 60).await;
                    let (checks, tags) = (Some(vec![other]), Some(Vec::new()));
                    scene.change(&window, Change { checks, tags, ..Change::default() }).await;
                }
                "imported" => {
                    let file = "[[checks]]\ncheck_name = \"Disks\"\ntags = [\"disk\"]";
                    transfer::import(ctx, 1, project, file).await.unwrap();
                }
                _ => checks::update(ctx, project, scene.check, &tag(&["disk"])).await.unwrap(),
            }
            scene.go_to(41).await;
            assert_eq!(scene.told().await, ["down"], "{way}");
            scene.go_to(1000).await;
            assert_eq!(scene.events().await, [(Down, Suppressed), (Down, Sent)], "{way}");
            scene.end().await;
        }
    }

    async fn a_window_that_is_made_longer_keeps_back_for_longer(database) {
        let scene = Scene::new(database).await;
        let window = scene.window(10, 100).await;
        scene.go_to(20).await;
        scene.fail().await;
        scene.change(&window, Change { ends_at: Some(Some(at(200))), ..Change::default() }).await;
        scene.go_to(100).await;
        scene.go_to(199).await;
        assert!(scene.told().await.is_empty());
        scene.go_to(200).await;
        assert_eq!(scene.told().await, ["down"]);
        scene.end().await;
    }

    async fn an_end_while_the_server_was_dead_is_seen_to_at_its_start(database) {
        let mut scene = Scene::new(database).await;
        scene.window(10, 100).await;
        scene.go_to(20).await;
        scene.fail().await;
        scene.parts.out_for(200);
        scene.parts.detector.round().await.unwrap();
        scene.parts.keeper.round().await.unwrap();
        assert_eq!(scene.told().await, ["down"]);
        scene.end().await;
    }

    async fn a_ping_after_the_end_finds_the_down_told_before_it(database) {
        let scene = Scene::new(database).await;
        scene.window(10, 100).await;
        scene.go_to(20).await;
        scene.fail().await;
        // Nobody has looked since the end.
        scene.parts.pass(81);
        scene.succeed().await;
        assert_eq!(scene.told().await, ["down", "up"]);
        scene.go_to(200).await;
        assert_eq!(scene.events().await, [(Down, Suppressed), (Down, Sent), (Up, Sent)]);
        scene.end().await;
    }

    async fn a_ping_before_the_end_wins_also_while_it_waits_to_be_written(database) {
        let scene = Scene::new(database).await;
        let busy = scene.parts.check(scene.project, 3600, 3600).await;
        scene.window(10, 100).await;
        scene.go_to(20).await;
        scene.fail().await;
        scene.go_to(99).await;
        let (ctx, ingest) = (&scene.parts.ctx, &scene.parts.ingest);
        // The writer waits for a check that is in somebody else's hands …
        let mut holder = ctx.store.begin().await.unwrap();
        states::load_one(&mut holder, busy).await.unwrap();
        let ping = |at| crate::workers::ping(PingKind::Success, None, at);
        let mut first = Box::pin(ingest.submit(ctx, busy, ping));
        assert!(is_pending(&mut first).await);
        until("the writer at work", async || (ingest.queued() == 0).then_some(())).await;
        // … so that a ping of second 99 waits in the queue …
        let mut second = Box::pin(ingest.submit(ctx, scene.check, ping));
        assert!(is_pending(&mut second).await);
        // … past the end, when the keeper looks.
        ctx.clock.advance(Duration::from_secs(2));
        let keeper = Keeper::new(ctx.clone(), ingest.clone());
        let look = tokio::spawn(async move { keeper.round().await.unwrap() });
        until("the keeper behind it", async || (ingest.queued() == 2).then_some(())).await;
        holder.commit().await.unwrap();
        assert_eq!(look.await.unwrap(), 0);
        assert_eq!((first.await, second.await), (Outcome::Stored, Outcome::Stored));
        assert!(scene.told().await.is_empty());
        scene.end().await;
    }

    async fn many_nodes_and_pings_at_the_end_tell_of_each_check_once_and_in_order(database) {
        let scene = Scene::new(database).await;
        let mut all = vec![scene.check];
        for _ in 0..40 {
            let id = scene.parts.check(scene.project, 3600, 3600).await;
            let told = checks::Change { channels: Some(vec![scene.channel]), ..checks::Change::default() };
            checks::update(&scene.parts.ctx, scene.project, id, &told).await.unwrap();
            all.push(id);
        }
        scene.window(10, 100).await;
        scene.go_to(20).await;
        for check in &all {
            scene.parts.ping(*check, PingKind::Fail).await;
        }
        scene.parts.pass(80);
        let keepers: Vec<Keeper> = (0..3)
            .map(|_| Keeper::new(scene.parts.ctx.clone(), scene.parts.ingest.clone())).collect();
        let pings = futures_util::future::join_all(
            all.iter().step_by(2).map(|check| scene.parts.ping(*check, PingKind::Success)));
        let looks = futures_util::future::join_all(keepers.iter().map(Keeper::round));
        let (looks, _) = tokio::join!(looks, pings);
        assert!(looks.iter().all(Result::is_ok), "{looks:?}");
        scene.parts.keeper.round().await.unwrap();
        for (place, check) in all.iter().enumerate() {
            let rows = outbox(&scene.parts, *check).await;
            let events: Vec<Event> = rows.iter().map(|row| row.event).collect();
            let wanted: &[Event] = if place % 2 == 0 { &[Down, Down, Up] } else { &[Down, Down] };
            assert_eq!(events, wanted);
        }
        scene.end().await;
    }

    async fn reminders_keep_still_inside_a_window_and_go_on_after_it(database) {
        let manner = Manner { remind_every: Some(1), ..Manner::default() };
        let scene = Scene::with(database, manner, Manners::default()).await;
        scene.window(10, 100).await;
        scene.fail().await;
        scene.rows().await;
        scene.go_to(60).await;
        until("the reminder that is kept back", async || {
            (scene.events().await.last() == Some(&(Reminder, Suppressed))).then_some(())
        }).await;
        scene.parts.keeper.round().await.unwrap();
        scene.go_to(100).await;
        let rows = scene.rows().await;
        assert_eq!(scene.told().await, ["down"]);
        assert_eq!((rows.len(), rows[2].state, rows[2].next_attempt_at), (3, Pending, Some(at(160))));
        scene.go_to(160).await;
        assert_eq!(scene.told().await, ["down", "still_down"]);
        scene.succeed().await;
        assert_eq!(scene.told().await, ["down", "still_down", "up"]);
        scene.end().await;
    }

    async fn channels_that_wait_count_from_the_end_of_the_window(database) {
        let manner = Manner { after: Some(1), ..Manner::default() };
        let scene = Scene::with(database, manner, Manners::default()).await;
        scene.window(10, 100).await;
        // One whose time comes inside the window, and one that happens inside it.
        scene.fail().await;
        scene.go_to(60).await;
        assert_eq!(scene.events().await, [(Down, Suppressed)]);
        scene.parts.keeper.round().await.unwrap();
        scene.go_to(100).await;
        let rows = scene.rows().await;
        assert_eq!((rows[1].state, rows[1].next_attempt_at), (Pending, Some(at(160))));
        scene.succeed().await;
        assert!(scene.told().await.is_empty(), "it recovered before its time");

        scene.window(200, 300).await;
        scene.go_to(250).await;
        scene.fail().await;
        scene.go_to(359).await;
        assert!(scene.told().await.is_empty());
        scene.go_to(360).await;
        assert_eq!(scene.told().await, ["down"]);
        scene.succeed().await;
        assert_eq!(scene.told().await, ["down", "up"]);
        scene.end().await;
    }

    async fn what_a_receiver_did_not_take_before_the_window_waits_for_its_end(database) {
        let failing = Manners { fail_first: 1, ..Manners::default() };
        let scene = Scene::with(database, Manner::default(), failing).await;
        scene.window(1, 1000).await;
        scene.fail().await;
        let rows = until("a try", async || {
            let rows = outbox(&scene.parts, scene.check).await;
            (rows[0].attempts == 1).then_some(rows)
        }).await;
        let again = rows[0].next_attempt_at.unwrap().micros_since(at(0)) / 1_000_000 + 1;
        assert!(again < 500, "{again}");
        scene.go_to(again).await;
        let rows = scene.rows().await;
        assert_eq!((rows.len(), rows[0].state, rows[0].attempts), (1, Suppressed, 1));
        scene.go_to(500).await;
        scene.succeed().await;
        scene.go_to(1000).await;
        assert_eq!(scene.told().await, ["down"], "only the try that failed");
        assert_eq!(scene.events().await, [(Down, Suppressed), (Up, Suppressed)]);
        scene.end().await;
    }

    async fn a_window_covers_what_it_names_and_nothing_else(database) {
        let scene = Scene::new(database).await;
        let (ctx, project) = (&scene.parts.ctx, scene.project);
        let make = async |tags: &[&str]| {
            let id = scene.parts.check(project, 3600, 3600).await;
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            let (tags, channels) = (Some(tags), Some(vec![scene.channel]));
            let change = checks::Change { tags, channels, ..checks::Change::default() };
            checks::update(ctx, project, id, &change).await.unwrap();
            id
        };
        let named = make(&[]).await;
        let tagged = make(&["a", "disks", "z"]).await;
        let alike = make(&["disks2", "Disks", "xdisks"]).await;
        let over = Change {
            checks: Some(vec![named]),
            tags: Some(vec!["disks".to_owned(), "tapes".to_owned()]),
            ..Change::default()
        };
        scene.window_over(0, 100, over).await;
        for (check, state) in
            [(named, Suppressed), (tagged, Suppressed), (alike, Sent), (scene.check, Sent)]
        {
            scene.parts.ping(check, PingKind::Fail).await;
            let rows = until("a settled notification", async || {
                let rows = outbox(&scene.parts, check).await;
                rows.iter().all(|row| row.state != Pending).then_some(rows)
            }).await;
            assert_eq!((rows.len(), rows[0].state), (1, state));
        }
        scene.end().await;
    }

    async fn a_window_goes_with_its_last_check_and_does_not_come_to_cover_others(database) {
        let scene = Scene::new(database).await;
        let (ctx, project) = (&scene.parts.ctx, scene.project);
        let (one, two) = (scene.parts.check(project, 60, 60).await, scene.parts.check(project, 60, 60).await);
        let over = Change { checks: Some(vec![one, two]), ..Change::default() };
        let window = scene.window_over(0, 100, over).await;
        let tags = Some(vec!["disks".to_owned()]);
        let over = Change { checks: Some(vec![one]), tags, ..Change::default() };
        let tagged = scene.window_over(0, 100, over).await;
        checks::delete(ctx, project, one).await.unwrap();
        let mut conn = ctx.store.read().await.unwrap();
        let left = maintenance::find(&mut conn, project, window.maintenance_id).await.unwrap();
        assert_eq!(left.checks, [two]);
        drop(conn);
        checks::delete(ctx, project, two).await.unwrap();
        let mut conn = ctx.store.read().await.unwrap();
        maintenance::find(&mut conn, project, window.maintenance_id).await.unwrap_err();
        maintenance::find(&mut conn, project, tagged.maintenance_id).await.unwrap();
        drop(conn);
        scene.fail().await;
        assert_eq!(scene.told().await, ["down"]);
        scene.end().await;
    }

    async fn what_is_paused_or_not_assigned_or_disabled_at_the_end_is_not_told(database) {
        for way in ["paused", "unassigned", "disabled", "deaf"] {
            let scene = Scene::new(database).await;
            let (ctx, project) = (&scene.parts.ctx, scene.project);
            scene.window(10, 100).await;
            scene.go_to(20).await;
            scene.fail().await;
            let check = |change| checks::update(ctx, project, scene.check, change);
            let channel = |change| channels::update(ctx, project, scene.channel, change);
            match way {
                "paused" => {
                    check(&checks::Change { paused: Some(true), ..Default::default() }).await.unwrap();
                }
                "unassigned" => {
                    let channels = Some(Vec::new());
                    check(&checks::Change { channels, ..Default::default() }).await.unwrap();
                }
                "disabled" => {
                    channel(&Manner { disabled: Some(true), ..Manner::default() }).await.unwrap();
                }
                _ => {
                    channel(&Manner { on_down: Some(false), ..Manner::default() }).await.unwrap();
                }
            }
            scene.go_to(100).await;
            scene.go_to(200).await;
            assert_eq!(scene.events().await, [(Down, Suppressed)], "{way}");
            scene.end().await;
        }
    }

    async fn a_channel_for_recoveries_alone_is_told_of_none_that_lies_all_inside(database) {
        let manner = Manner { on_down: Some(false), ..Manner::default() };
        let scene = Scene::with(database, manner, Manners::default()).await;
        scene.window(10, 100).await;
        scene.go_to(5).await;
        scene.fail().await;
        scene.go_to(20).await;
        scene.succeed().await;
        scene.go_to(100).await;
        assert_eq!(scene.told().await, ["up"], "it was down before the window");
        scene.window(200, 300).await;
        scene.go_to(220).await;
        scene.fail().await;
        scene.succeed().await;
        scene.go_to(300).await;
        assert_eq!(scene.told().await, ["up"]);
        assert_eq!(scene.events().await.last(), Some(&(Up, Suppressed)));
        scene.end().await;
    }
}

// On the real server.

/// A window over the whole project that is open for an hour.
async fn open_window(api: &Api) -> Value {
    let body = json!({
        "title": "New disks",
        "starts_at": now().plus_seconds(-60).to_rfc3339(),
        "ends_at": now().plus_seconds(3600).to_rfc3339(),
    });
    api.post(&api.path("/maintenance"), &body).await.ok()
}

fn path_of(api: &Api, window: &Value) -> String {
    api.path(&format!("/maintenance/{}", window["maintenance_id"]))
}

both_databases! {
    async fn the_end_of_a_window_is_told_by_the_real_server(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
        let window = open_window(&api).await;
        let (down, over) = (api.check("down", json!({})).await, api.check("over", json!({})).await);
        api.ping(&down, "/fail").await.says(200, "OK");
        api.ping(&over, "/fail").await.says(200, "OK");
        api.ping(&over, "").await.says(200, "OK");
        let end = now().plus_seconds(2);
        api.put(&path_of(&api, &window), &json!({"ends_at": end.to_rfc3339()})).await.ok();
        let rows = settled(&api, &down, &hook, 2).await;
        assert_eq!(each(&rows, "state"), ["suppressed", "sent"]);
        assert_eq!(rows[0]["last_error"], "maintenance: New disks");
        let got = receiver.got();
        assert!(got[0].at >= end, "{} {end}", got[0].at);
        assert_eq!(News::of(&got[0]), News::of_flip(&down, &api.flips(&down).await[0]));
        assert_eq!(each(&settled(&api, &over, &hook, 2).await, "state"), ["suppressed", "suppressed"]);
        api.ping(&down, "").await.says(200, "OK");
        settled(&api, &down, &hook, 3).await;
        let turns: Vec<String> = receiver.got().iter().map(|it| News::of(it).turn).collect();
        assert_eq!(turns, ["down", "up"]);
    }

    async fn a_window_that_is_deleted_is_seen_to_at_once(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
        let window = open_window(&api).await;
        let check = api.check("down", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        api.delete(&path_of(&api, &window)).await.ok();
        let rows = settled(&api, &check, &hook, 2).await;
        assert_eq!(each(&rows, "state"), ["suppressed", "sent"]);
        assert_eq!(receiver.got().len(), 1);
    }

    async fn death_with_the_end_written_and_not_committed_loses_and_doubles_nothing(database) {
        dies_at_the_end(database, "held_released").await;
    }

    async fn death_with_the_end_committed_and_nobody_told_loses_and_doubles_nothing(database) {
        dies_at_the_end(database, "release_committed").await;
    }
}

/// Lets a server die at `step` of a window's end, and holds that the alert comes once.
async fn dies_at_the_end(database: Database, step: &str) {
    let receiver = Receiver::start().await;
    let mut server = TestServer::start(database, &[]).await;
    let api = server.owner().await;
    let hook = channel(&api, &plain_hook(&receiver.url("/"))).await;
    let check = api.check("job", json!({})).await;
    let window = open_window(&api).await;
    api.ping(&check, "/fail").await.says(200, "OK");
    server.stop().await;
    server.restart_with(&[("OVERDUE_TEST_DIE_AT", step)]).await;
    // The server dies over its end, before or after this is answered.
    let url = format!("{}{}", api.base, path_of(&api, &window));
    let ended = api.http.delete(url).header("authorization", format!("Bearer {}", api.token));
    let _ = ended.send().await;
    dies(&mut server).await;
    server.restart().await;
    let rows = settled(&api, &check, &hook, 2).await;
    assert_eq!(each(&rows, "state"), ["suppressed", "sent"]);
    let got = receiver.got();
    assert_eq!(got.len(), 1);
    assert_eq!(News::of(&got[0]), News::of_flip(&check, &api.flips(&check).await[0]));
}
