//! Flapping: a check that goes up and down too often is told of once, and then when its state has held.
//! On the parts of a server and a clock that is moved, with a real notifier and receiver.

use overdue::service::channels::Change as Manner;
use overdue::service::checks;
use overdue::store::notifications::{Event, NotificationState};

use super::scene::Scene;
use crate::support::receiver::Manners;
use crate::support::{Database, both_databases};

use Event::{Down, Flapping, Up};
use NotificationState::{Sent, Suppressed};

/// Seconds between the turns of [`flapping`].
const EVERY: i64 = 60;

/// A check that has gone down and up three times, of which all was told, and down once more, which was
/// too often: the last turn is at 7 * [`EVERY`].
async fn flapping(database: Database, manner: Manner) -> Scene {
    let scene = Scene::with(database, manner, Manners::default()).await;
    turn(&scene, 1, 7).await;
    scene
}

/// Turns the check once every [`EVERY`] seconds, to down where the count is odd; it was up before.
async fn turn(scene: &Scene, from: i64, to: i64) {
    if from == 1 {
        scene.succeed().await;
    }
    for n in from..=to {
        scene.go_to(n * EVERY).await;
        if n % 2 == 1 {
            scene.fail().await;
        } else {
            scene.succeed().await;
        }
        scene.rows().await;
    }
}

async fn set_threshold(scene: &Scene, flap_threshold: i64) {
    let change = checks::Change { flap_threshold: Some(flap_threshold), ..Default::default() };
    let made = checks::update(&scene.parts.ctx, scene.project, scene.check, &change).await;
    made.unwrap();
}

both_databases! {
    async fn more_turns_in_an_hour_than_the_threshold_are_told_as_flapping_once(database) {
        let scene = flapping(database, Manner::default()).await;
        let before = ["down", "up", "down", "up", "down", "up", "flapping"];
        assert_eq!(scene.told().await, before);
        turn(&scene, 8, 12).await;
        assert_eq!(scene.told().await, before);
        let rows = scene.rows().await;
        assert_eq!(rows.len(), 6 + 1 + 6, "every flip has its row: {rows:?}");
        let kept = rows.iter().filter(|row| row.state == Suppressed);
        assert!(kept.clone().all(|row| row.last_error.as_deref() == Some("the check is flapping")));
        assert_eq!(kept.count(), 6);
        // Up since 12 * EVERY.
        scene.go_to(12 * EVERY + 899).await;
        assert_eq!(scene.told().await, before);
        scene.go_to(12 * EVERY + 900).await;
        assert_eq!(scene.told().await[7..], ["up"]);
        // And what comes then is news again.
        scene.fail().await;
        assert_eq!(scene.told().await[7..], ["up", "down"], "what was before counts no more");
        scene.end().await;
    }

    async fn the_state_is_told_once_it_has_held_also_where_it_is_down(database) {
        let scene = flapping(database, Manner::default()).await;
        scene.go_to(7 * EVERY + 899).await;
        assert_eq!(scene.told().await.len(), 7);
        scene.go_to(7 * EVERY + 900).await;
        assert_eq!(scene.told().await[6..], ["flapping", "down"]);
        scene.go_to(6 * 3600).await;
        scene.succeed().await;
        assert_eq!(scene.told().await[6..], ["flapping", "down", "up"]);
        scene.end().await;
    }

    async fn turns_that_are_spread_over_more_than_an_hour_are_each_told(database) {
        let scene = Scene::new(database).await;
        scene.succeed().await;
        for n in 1..=12 {
            scene.go_to(n * 601).await;
            if n % 2 == 1 { scene.fail().await } else { scene.succeed().await }
        }
        assert_eq!(scene.told().await.len(), 12);
        scene.end().await;
    }

    async fn a_threshold_of_0_tells_every_turn_also_of_a_check_that_is_flapping_already(database) {
        let scene = flapping(database, Manner::default()).await;
        set_threshold(&scene, 0).await;
        scene.go_to(7 * EVERY + 1).await;
        assert_eq!(scene.told().await[6..], ["flapping", "down"]);
        turn(&scene, 8, 9).await;
        assert_eq!(scene.told().await[6..], ["flapping", "down", "up", "down"]);
        scene.end().await;
    }

    async fn pausing_and_resuming_is_no_turn(database) {
        let scene = Scene::new(database).await;
        set_threshold(&scene, 2).await;
        for paused in [true, false, true, false, true, false] {
            let change = checks::Change { paused: Some(paused), ..Default::default() };
            checks::update(&scene.parts.ctx, scene.project, scene.check, &change).await.unwrap();
            scene.succeed().await;
        }
        scene.fail().await;
        scene.succeed().await;
        assert_eq!(scene.told().await, ["down", "up"]);
        scene.fail().await;
        assert_eq!(scene.told().await, ["down", "up", "flapping"]);
        scene.end().await;
    }

    async fn who_takes_no_downs_hears_of_the_last_recovery_alone(database) {
        let manner = Manner { on_down: Some(false), ..Manner::default() };
        let scene = flapping(database, manner).await;
        turn(&scene, 8, 8).await;
        assert_eq!(scene.told().await, ["up", "up", "up"]);
        scene.go_to(8 * EVERY + 900).await;
        assert_eq!(scene.told().await, ["up", "up", "up", "up"]);
        scene.end().await;
    }

    async fn a_channel_that_waits_is_not_told_of_flapping_that_is_over_by_then(database) {
        let manner = Manner { after: Some(30), ..Manner::default() };
        let scene = flapping(database, manner).await;
        turn(&scene, 8, 8).await;
        scene.go_to(8 * EVERY + 900).await;
        scene.go_to(3 * 3600).await;
        assert_eq!(scene.told().await, Vec::<String>::new());
        let events = scene.events().await;
        assert!(events.iter().all(|(_, state)| *state == Suppressed), "{events:?}");
        scene.end().await;
    }

    async fn a_window_keeps_back_what_flapping_kept_back_until_both_are_over(database) {
        let scene = flapping(database, Manner::default()).await;
        scene.window(8 * EVERY, 7200).await;
        turn(&scene, 8, 9).await;
        scene.go_to(7199).await;
        assert_eq!(scene.told().await[6..], ["flapping"]);
        scene.go_to(7200).await;
        assert_eq!(scene.told().await[6..], ["flapping", "down"]);
        scene.end().await;
    }

    async fn who_could_not_be_told_of_the_flapping_is_not_told_of_its_good_end(database) {
        let scene = Scene::new(database).await;
        set_threshold(&scene, 2).await;
        turn(&scene, 1, 2).await;
        scene.receiver.change(|manners| manners.status = 503);
        turn(&scene, 3, 4).await;
        scene.receiver.change(|manners| manners.status = 200);
        scene.go_to(4 * EVERY + 900).await;
        let told_first = [(Down, Sent), (Up, Sent)];
        let never = [(Flapping, Suppressed), (Down, Suppressed), (Up, Suppressed), (Up, Suppressed)];
        assert_eq!(scene.events().await, [&told_first[..], &never[..]].concat());
        scene.end().await;
    }

    async fn the_outbox_shows_what_was_kept_back_and_what_was_told(database) {
        let scene = flapping(database, Manner::default()).await;
        scene.go_to(7 * EVERY + 900).await;
        let events = scene.events().await;
        assert_eq!(events[6..], [(Flapping, Sent), (Down, Suppressed), (Down, Sent)]);
        assert_eq!(events[5], (Up, Sent));
        scene.end().await;
    }
}
