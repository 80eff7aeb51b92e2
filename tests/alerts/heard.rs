//! What a channel heard last of a check decides whether it is told that the check is up again, however
//! much time lies between. On the parts of a server and a clock that is moved.

use overdue::janitor;
use overdue::service::channels::Change as Manner;
use overdue::store::notifications::{Event, NotificationState};
use tokio::sync::watch;

use super::scene::Scene;
use crate::support::both_databases;
use crate::support::receiver::Manners;

use Event::{Down, Reminder, Up};
use NotificationState::{Pending, Sent, Suppressed};

const DAY: i64 = 86_400;

both_databases! {
    async fn who_did_not_take_the_news_of_a_down_is_not_told_that_it_is_over(database) {
        let manner = Manner { after: Some(1), ..Manner::default() };
        let scene = Scene::with(database, manner, Manners::default()).await;
        scene.receiver.change(|manners| manners.status = 503);
        scene.fail().await;
        scene.go_to(60).await;
        assert_eq!(scene.events().await, [(Down, Pending)]);
        assert_eq!(scene.rows().await[0].attempts, 1);
        scene.receiver.change(|manners| manners.status = 200);
        scene.succeed().await;
        scene.go_to(3600).await;
        assert_eq!(scene.events().await, [(Down, Suppressed), (Up, Suppressed)]);
        assert_eq!(scene.receiver.got().len(), 1, "the one that was not taken");
        scene.end().await;
    }

    async fn what_was_heard_last_stays_for_as_long_as_more_is_on_its_way(database) {
        let scene = Scene::new(database).await;
        scene.fail().await;
        assert_eq!(scene.told().await, ["down"]);
        // So long after that the outbox forgets what was told of other downs.
        scene.go_to(200 * DAY).await;
        scene.receiver.change(|manners| manners.status = 503);
        scene.succeed().await;
        assert_eq!(scene.events().await, [(Down, Sent), (Up, Pending)]);
        let (_stop, stopped) = watch::channel(false);
        janitor::round(&scene.parts.ctx, &stopped).await.unwrap();
        scene.receiver.change(|manners| manners.status = 200);
        scene.go_to(200 * DAY + 3600).await;
        assert_eq!(scene.events().await, [(Down, Sent), (Up, Sent)]);
        // Then the old one may go, and what was heard last stays.
        janitor::round(&scene.parts.ctx, &stopped).await.unwrap();
        assert_eq!(scene.events().await, [(Up, Sent)]);
        scene.go_to(400 * DAY).await;
        janitor::round(&scene.parts.ctx, &stopped).await.unwrap();
        assert_eq!(scene.events().await, [(Up, Sent)]);
        scene.end().await;
    }

    async fn a_daily_reminder_that_is_not_taken_is_tried_again_like_any_other_news(database) {
        let manner = Manner { remind_every: Some(1440), ..Manner::default() };
        let scene = Scene::with(database, manner, Manners::default()).await;
        scene.fail().await;
        assert_eq!(scene.events().await, [(Down, Sent), (Reminder, Pending)]);
        scene.receiver.change(|manners| manners.status = 503);
        scene.go_to(DAY).await;
        assert_eq!(scene.rows().await[1].attempts, 1);
        assert_eq!(scene.events().await, [(Down, Sent), (Reminder, Pending)]);
        scene.receiver.change(|manners| manners.status = 200);
        scene.go_to(DAY + 3600).await;
        assert_eq!(scene.events().await, [(Down, Sent), (Reminder, Sent), (Reminder, Pending)]);
        scene.end().await;
    }
}
