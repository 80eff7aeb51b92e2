//! `…/check/{id}/replay`: what other settings would have told.

use overdue::domain::ping::PingKind;
use serde_json::{Value, json};

use super::fields;
use super::watched::Watched;
use crate::support::both_databases;

/// A room with a check of an hour's period and grace that was pinged at 8:00 and at 10:30, in time
/// for nobody, and stays silent until 13:00.
async fn late_once(database: crate::support::Database) -> (Watched, i64) {
    let mut room = Watched::new(database).await;
    let check = room.check().await;
    room.ping(check, PingKind::Success).await;
    room.pass(2 * 3600 + 60).await;
    room.pass(30 * 60 - 60).await;
    room.ping(check, PingKind::Success).await;
    room.pass(150 * 60).await;
    (room, check)
}

fn told(answer: &Value) -> Vec<(&str, &str, &str, i64, i64)> {
    let rows = answer["list"].as_array().unwrap().iter();
    rows.map(|row| {
        let text = |name: &str| row[name].as_str().unwrap();
        let hour = text("at").strip_prefix("2027-01-15T").unwrap();
        let number = |name: &str| row[name].as_i64().unwrap();
        (&hour[..5], text("to"), text("reason"), number("duration"), number("recorded"))
    })
    .collect()
}

both_databases! {
    async fn without_other_settings_it_tells_what_was_recorded(database) {
        let (room, check) = late_once(database).await;
        let answer = room.get(&format!("/check/{check}/replay")).await.ok();
        assert_eq!(fields(&answer), [
            "list", "total_count", "max_count", "offset", "limit", "count",
            "from", "to", "is_whole", "recorded", "replayed",
        ]);
        assert_eq!(told(&answer), [
            ("12:30", "down", "timeout", 1800, 1),
            ("10:30", "up", "ping", 7200, 1),
            ("10:00", "down", "timeout", 1800, 1),
            ("08:00", "up", "ping", 7200, 1),
        ]);
        let flips = room.get(&format!("/check/{check}/flip-list")).await.ok();
        for (replayed, flip) in answer["list"].as_array().unwrap().iter().zip(flips["list"].as_array().unwrap()) {
            for field in ["at", "from", "to", "reason"] {
                assert_eq!(replayed[field], flip[field]);
            }
        }
        assert_eq!((&answer["is_whole"], &answer["total_count"]), (&json!(1), &flips["total_count"]));
        let sums = json!({"flips": 4, "alerts": 2, "downtime": 3600});
        assert_eq!((&answer["recorded"], &answer["replayed"]), (&sums, &sums));
        let row = room.get(&format!("/check/{check}")).await.ok();
        assert_eq!((&answer["from"], &answer["to"]), (&row["created_at"], &json!(room.at(0))));
    }

    async fn other_settings_tell_what_would_have_been_beside_what_was(database) {
        let (room, check) = late_once(database).await;
        let replay = async |query: &str| room.get(&format!("/check/{check}/replay?{query}")).await.ok();
        // With half an hour more, the late ping is in time, and silence is an alert at 13:00 exactly.
        let patient = replay("grace=5400").await;
        assert_eq!(told(&patient), [("13:00", "down", "timeout", 0, 0), ("08:00", "up", "ping", 18_000, 1)]);
        assert_eq!(patient["replayed"], json!({"flips": 2, "alerts": 1, "downtime": 0}));
        assert_eq!(patient["recorded"], json!({"flips": 4, "alerts": 2, "downtime": 3600}));
        let strict = replay("grace=60&period=7200").await;
        assert_eq!(told(&strict), [
            ("12:31", "down", "timeout", 29 * 60, 0), ("10:30", "up", "ping", 7260, 1),
            ("10:01", "down", "timeout", 29 * 60, 0), ("08:00", "up", "ping", 7260, 1),
        ]);
        assert_eq!(told(&replay("failure_threshold=2").await), [("08:00", "up", "ping", 18_000, 1)]);
        let hourly = replay("schedule=0+*+*+*+*&timezone=Asia/Kolkata&grace=120").await;
        assert_eq!(told(&hourly)[0], ("11:32", "down", "timeout", 88 * 60, 0));
        // Nothing was written.
        let row = room.get(&format!("/check/{check}")).await.ok();
        assert_eq!((&row["grace"], &row["kind"], &row["status"]), (&json!(3600), &json!("simple"), &json!("down")));
        assert_eq!(room.get(&format!("/check/{check}/flip-list")).await.ok()["total_count"], 4);
    }

    async fn a_part_of_the_time_and_of_the_list_can_be_asked_for(database) {
        let (room, check) = late_once(database).await;
        let replay = async |query: &str| room.get(&format!("/check/{check}/replay?{query}")).await.ok();
        let part = replay("from=2027-01-15T10:15:00Z&to=2027-01-15T12:45:00Z").await;
        assert_eq!(told(&part), [("12:30", "down", "timeout", 900, 1), ("10:30", "up", "ping", 7200, 1)]);
        assert_eq!(part["replayed"], json!({"flips": 2, "alerts": 1, "downtime": 1800}));
        assert_eq!((&part["from"], &part["to"]), (&json!("2027-01-15T10:15:00.000000Z"), &json!("2027-01-15T12:45:00.000000Z")));
        let before = replay("from=2027-01-01T00:00:00Z&to=2027-01-02T00:00:00Z").await;
        assert_eq!((&before["total_count"], &before["replayed"]["downtime"]), (&json!(0), &json!(0)));
        let page = replay("offset=1&limit=2").await;
        assert_eq!((told(&page).len(), told(&page)[0].0, &page["total_count"]), (2, "10:30", &json!(4)));
    }

    async fn what_can_not_be_a_setting_is_refused_by_name(database) {
        let room = Watched::new(database).await;
        let check = room.check().await;
        let path = format!("/check/{check}/replay");
        for (query, field) in [
            ("period=59", "period: must be a whole number between 60 and 31536000"),
            ("grace=31536001", "grace: "), ("max_runtime=0", "max_runtime: "),
            ("failure_threshold=0", "failure_threshold: must be a whole number between 1 and 100"),
            ("failure_threshold=101", "failure_threshold: "), ("early_tolerance=86401", "early_tolerance: "),
            ("schedule=61+*+*+*+*", "schedule: minute: "), ("kind=cron", "schedule: is required"),
            ("kind=weekly", "kind: must be one of"), ("timezone=Mars", "timezone: "),
            ("from=now", "from: "), ("from=2027-01-02T00:00:00Z&to=2027-01-01T00:00:00Z", "from: must be before to"),
            ("colour=red", "colour: is unknown"), ("limit=0", "limit: "), ("grace=60&grace=61", "grace: "),
        ] {
            let message = room.get(&format!("{path}?{query}")).await.fatal(400);
            assert!(message.starts_with(field), "{query}: {message}");
        }
        room.get("/check/999999/replay").await.fatal(403);
        let nothing = room.get(&path).await.ok();
        assert_eq!((&nothing["list"], &nothing["is_whole"]), (&json!([]), &json!(1)));
    }
}
