//! Previews of schedules.

use overdue::domain::ping::PingKind;
use serde_json::{Value, json};

use super::watched::Watched;
use crate::support::both_databases;

/// The expected times of a preview, as `hh:mm:ss` of 2027-01-15, and its deadlines.
fn times(list: &Value) -> Vec<(&str, &str)> {
    list["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| (hour(&each["expected_at"]), hour(&each["deadline_at"])))
        .collect()
}

fn hour(at: &Value) -> &str {
    let day = at.as_str().unwrap().strip_prefix("2027-01-15T").unwrap();
    day.strip_suffix(".000000Z").unwrap()
}

both_databases! {
    async fn a_schedule_is_previewed_from_now_on_a_period_after_the_other(database) {
        let room = Watched::new(database).await;
        let list = room.get("/schedule-preview?period=900&grace=300&count=3").await.ok();
        assert_eq!(times(&list), [("08:15:00", "08:20:00"), ("08:30:00", "08:35:00"), ("08:45:00", "08:50:00")]);
        assert_eq!((&list["total_count"], &list["max_count"], &list["limit"]), (&json!(3), &json!(100), &json!(100)));
        // As in a new check: a day, an hour, and ten of them.
        let list = room.get("/schedule-preview?kind=simple").await.ok();
        assert_eq!((&list["count"], &list["list"][0]), (&json!(10), &json!({
            "expected_at": "2027-01-16T08:00:00.000000Z", "deadline_at": "2027-01-16T09:00:00.000000Z",
        })));
        let from = "/schedule-preview?period=60&count=1&from=2027-01-15T10:00:00%2B01:00";
        assert_eq!(times(&room.get(from).await.ok()), [("09:01:00", "10:01:00")]);
    }

    async fn offset_and_limit_choose_from_the_times_that_are_reckoned(database) {
        let room = Watched::new(database).await;
        let list = room.get("/schedule-preview?period=60&grace=60&count=5&offset=3&limit=10").await.ok();
        assert_eq!(times(&list), [("08:04:00", "08:05:00"), ("08:05:00", "08:06:00")]);
        let of = |name: &str| list[name].as_i64().unwrap();
        assert_eq!([of("total_count"), of("offset"), of("limit"), of("count")], [5, 3, 10, 2]);
        let none = room.get("/schedule-preview?count=5&offset=9223372036854775807").await.ok();
        assert_eq!((&none["list"], &none["total_count"]), (&json!([]), &json!(5)));
    }

    async fn a_check_is_previewed_from_its_last_ping_under_its_own_settings(database) {
        let mut room = Watched::new(database).await;
        let check = room.check().await;
        let preview = format!("/check/{check}/schedule-preview?count=2");
        // Nothing to count from yet: from now.
        assert_eq!(times(&room.get(&preview).await.ok()), [("09:00:00", "10:00:00"), ("10:00:00", "11:00:00")]);
        room.pass(600).await;
        room.ping(check, PingKind::Success).await;
        room.pass(600).await;
        let list = room.get(&preview).await.ok();
        assert_eq!(times(&list), [("09:10:00", "10:10:00"), ("10:10:00", "11:10:00")]);
        let read = room.get(&format!("/check/{check}")).await.ok();
        assert_eq!((&list["list"][0]["expected_at"], &list["list"][0]["deadline_at"]), (
            &read["next_ping_at"], &read["alert_at"],
        ));
        // Late, and later down: whole periods after the last ping, strictly after now.
        room.pass(3600 - 600).await;
        assert_eq!(times(&room.get(&preview).await.ok()), [("10:10:00", "11:10:00"), ("11:10:00", "12:10:00")]);
        room.pass(3600).await;
        assert_eq!(times(&room.get(&preview).await.ok())[0].0, "11:10:00");
        let from = format!("{preview}&from=2027-01-15T12:10:00Z");
        assert_eq!(times(&room.get(&from).await.ok())[0].0, "13:10:00");
        // What is given goes before its own.
        let other = format!("{preview}&period=60&grace=120&from=2027-01-15T08:20:30Z");
        assert_eq!(times(&room.get(&other).await.ok()), [("08:21:00", "08:23:00"), ("08:22:00", "08:24:00")]);
        // Paused: nothing to count from any more.
        room.pass(300).await;
        room.set(check, json!({"paused": 1})).await;
        assert_eq!(times(&room.get(&preview).await.ok())[0].0, "11:15:00");
    }

    async fn what_can_not_be_previewed_is_refused_by_name(database) {
        let room = Watched::new(database).await;
        let check = room.check().await;
        for path in ["/schedule-preview".to_owned(), format!("/check/{check}/schedule-preview")] {
            for (query, field) in [
                ("period=59", "period: must be a whole number between 60 and 31536000"),
                ("period=31536001", "period: "), ("period=1.5", "period: "), ("grace=59", "grace: "),
                ("grace=", "grace: "), ("count=0", "count: must be a whole number between 1 and 100"),
                ("count=101", "count: "), ("from=now", "from: "), ("kind=weekly", "kind: must be one of"),
                ("from=1969-12-31T00:00:00Z", "from: must be a time in the years 1970 to 9999"),
                ("timezone=Mars", "timezone: "), ("period=60&period=61", "period: "),
                ("colour=red", "colour: is unknown"), ("limit=0", "limit: "),
            ] {
                let message = room.get(&format!("{path}?{query}")).await.fatal(400);
                assert!(message.starts_with(field), "{query}: {message}");
            }
            room.get(&format!("{path}?kind=simple&timezone=Europe/Berlin&period=60&grace=31536000&count=100")).await.ok();
        }
        room.get("/check/999999/schedule-preview").await.fatal(403);
    }

    async fn no_time_is_told_of_that_can_not_be_written(database) {
        let room = Watched::new(database).await;
        let at_the_end = "/schedule-preview?period=3600&grace=60&from=9999-12-31T21:30:00Z";
        let list = room.get(at_the_end).await.ok();
        assert_eq!((&list["total_count"], &list["list"][1]["deadline_at"]), (
            &json!(2), &json!("9999-12-31T23:31:00.000000Z"),
        ));
        let too_late = "/schedule-preview?from=9999-12-31T23:59:59Z";
        assert_eq!(room.get(too_late).await.ok()["list"], json!([]));
    }
}
