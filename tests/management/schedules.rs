//! Checks that go by a cron or an OnCalendar expression: how they are written and read, and that
//! their deadlines follow.

use overdue::clock::Timestamp;
use overdue::domain::ping::PingKind;
use overdue::store::states;
use serde_json::{Value, json};

use super::run_sql;
use super::soft_errors;
use super::watched::Watched;
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::shared;

/// A check's name, and these fields besides.
fn with(more: &Value) -> Value {
    let mut fields = json!({"check_name": "nightly", "channels": []});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    fields
}

async fn made(api: &Api, more: &Value) -> Value {
    api.post(&api.path("/check"), &with(more)).await.ok()
}

/// Kind, period, schedule and zone, as they are read.
fn timing(check: &Value) -> [&Value; 4] {
    ["kind", "period", "schedule", "timezone"].map(|name| &check[name])
}

impl Watched {
    /// A check by these fields; its id.
    async fn scheduled(&self, more: &Value) -> i64 {
        self.post("/check", with(more)).await.ok()["check_id"].as_i64().unwrap()
    }

    /// When its next ping is expected, its deadline, and its status; the times as they stand on
    /// 2027-01-15 in UTC.
    async fn awaits(&self, check: i64) -> (String, String, String) {
        let read = self.get(&format!("/check/{check}")).await.ok();
        let text = |name: &str| read[name].as_str().unwrap_or("none").to_owned();
        let hour = |name: &str| {
            let at = text(name);
            at.strip_prefix("2027-01-15T").unwrap_or(&at).trim_end_matches(".000000Z").to_owned()
        };
        (hour("next_ping_at"), hour("alert_at"), text("status"))
    }
}

/// What a check awaits, to compare with.
fn awaiting(next: &str, alert: &str, status: &str) -> (String, String, String) {
    (next.to_owned(), alert.to_owned(), status.to_owned())
}

both_databases! {
    async fn a_check_with_a_schedule_is_read_as_it_was_written(database) {
        let api = shared(database).await;
        let nightly = json!({"kind": "cron", "schedule": "30 3 * * MON-FRI", "timezone": "Europe/Budapest"});
        let check = made(&api, &nightly).await;
        let wanted = [json!("cron"), Value::Null, json!("30 3 * * MON-FRI"), json!("Europe/Budapest")];
        assert_eq!(timing(&check), wanted.each_ref());
        assert_eq!(timing(&api.read(&check).await), wanted.each_ref());
        let calendar = made(&api, &json!({"kind": "oncalendar", "schedule": "Mon..Fri *-*-* 03:30\ndaily"})).await;
        let wanted = [json!("oncalendar"), Value::Null, json!("Mon..Fri *-*-* 03:30\ndaily"), json!("UTC")];
        assert_eq!(timing(&calendar), wanted.each_ref());
    }

    async fn what_was_read_can_be_put_back_whatever_the_kind(database) {
        let api = shared(database).await;
        for more in [
            json!({"kind": "cron", "schedule": "@daily"}), json!({"kind": "oncalendar", "schedule": "daily"}),
            json!({"kind": "simple", "period": 120}),
        ] {
            let check = made(&api, &more).await;
            let mut read = api.read(&check).await;
            api.put(&api.check_path(&check, ""), &read).await.ok();
            let mut again = api.read(&check).await;
            for check in [&mut read, &mut again] {
                check.as_object_mut().unwrap().remove("updated_at");
            }
            assert_eq!(again, read);
        }
    }

    async fn the_kind_follows_from_the_schedule_where_it_is_not_said(database) {
        let api = shared(database).await;
        let check = made(&api, &json!({"schedule": "*/5 * * * *", "timezone": "Asia/Tokyo"})).await;
        assert_eq!(check["kind"], "cron");
        let changed = api.update(&check, json!({"schedule": "*:0/5"})).await;
        let wanted = [json!("oncalendar"), Value::Null, json!("*:0/5"), json!("Asia/Tokyo")];
        assert_eq!(timing(&changed), wanted.each_ref());
        let simple = api.update(&check, json!({"kind": "simple"})).await;
        assert_eq!(timing(&simple), [&json!("simple"), &json!(86_400), &Value::Null, &Value::Null]);
    }

    async fn old_names_of_zones_are_stored_as_the_current_ones(database) {
        let api = shared(database).await;
        let check = made(&api, &json!({"schedule": "@daily", "timezone": "Asia/Calcutta"})).await;
        assert_eq!(check["timezone"], "Asia/Kolkata");
        let changed = api.update(&check, json!({"timezone": "US/Eastern"})).await;
        assert_eq!(changed["timezone"], "America/New_York");
    }

    async fn a_bad_schedule_is_refused_by_its_field_and_nothing_is_made(database) {
        let api = shared(database).await;
        let before = api.list(&api.path("/check-list")).await.len();
        let long = "*,".repeat(501);
        for (more, says) in [
            (json!({"kind": "cron", "schedule": "61 * * * *"}), "schedule: minute: 61 is not within 0–59"),
            (json!({"schedule": "0 24 * * *"}), "schedule: hour: 24 is not within 0–23"),
            (json!({"kind": "cron", "schedule": "0 0 * *"}), "schedule: must have 5 fields"),
            (json!({"kind": "cron", "schedule": "@reboot"}), "schedule: @reboot"),
            (json!({"kind": "cron", "schedule": "daily"}), "schedule: "),
            (json!({"kind": "cron", "schedule": ""}), "schedule: "),
            (json!({"kind": "cron", "schedule": long}), "schedule: must have at most 1000 characters"),
            (json!({"kind": "cron", "schedule": 5}), "schedule: "),
            (json!({"kind": "cron"}), "schedule: is required where kind is cron"),
            (json!({"kind": "oncalendar", "schedule": null}), "schedule: is required where kind is oncalendar"),
            (json!({"kind": "oncalendar", "schedule": "*-*-* 25:00"}), "schedule: hour: 25 is not within 0–23"),
            (json!({"kind": "oncalendar", "schedule": "0 3 * * *"}), "schedule: "),
            (json!({"kind": "simple", "schedule": "0 3 * * *"}), "schedule: belongs to kind cron or oncalendar"),
            (json!({"kind": "simple", "period": null}), "period: must not be null"),
            (json!({"kind": "weekly"}), "kind: must be one of simple, cron, oncalendar"),
            (json!({"kind": "cron", "schedule": "@daily", "timezone": "Mars/Olympus"}), "timezone: must be an IANA"),
            (json!({"kind": "cron", "schedule": "@daily", "early_tolerance": -1}), "early_tolerance: must be between"),
        ] {
            let message = api.post(&api.path("/check"), &with(&more)).await.fatal(400);
            assert!(message.starts_with(says), "{more}: {message}");
        }
        assert_eq!(api.list(&api.path("/check-list")).await.len(), before);
        let check = made(&api, &json!({"schedule": "@daily"})).await;
        for change in [json!({"schedule": null}), json!({"kind": "oncalendar"}), json!({"schedule": "@never"})] {
            let message = api.put(&api.check_path(&check, ""), &change).await.fatal(400);
            assert!(message.starts_with("schedule: "), "{message}");
        }
        assert_eq!(api.read(&check).await["schedule"], "@daily");
    }

    async fn a_schedule_that_never_fires_again_is_taken_with_a_remark_and_has_no_deadline(database) {
        let api = shared(database).await;
        for more in [
            json!({"kind": "cron", "schedule": "0 0 30 2 *"}), json!({"kind": "oncalendar", "schedule": "2020-01-01"}),
        ] {
            let check = made(&api, &more).await;
            let path = api.check_path(&check, "");
            assert_eq!(soft_errors(&check), ["SCHEDULE/NEVER_FIRES", "CHANNEL/NONE_ASSIGNED"]);
            api.ping(&check, "").await.says(200, "OK");
            let read = api.read(&check).await;
            assert_eq!((&read["status"], &read["next_ping_at"], &read["alert_at"]), (&json!("up"), &Value::Null, &Value::Null));
            let preview = api.get(&api.check_path(&check, "/schedule-preview")).await.ok();
            assert_eq!((&preview["list"], &preview["total_count"]), (&json!([]), &json!(0)));
            let mended = api.update(&check, json!({"schedule": "@daily"})).await;
            assert_eq!(soft_errors(&mended), ["CHANNEL/NONE_ASSIGNED"]);
            assert!(mended["next_ping_at"].is_string());
            api.delete(&path).await.ok();
        }
    }

    async fn a_missed_occurrence_turns_the_check_down_at_its_grace(database) {
        let mut room = Watched::new(database).await;
        // It is 08:00, a Friday, and a quarter to two in Kathmandu.
        let check = room.scheduled(&json!({
            "schedule": "30 14 * * FRI", "timezone": "Asia/Kathmandu", "grace": 300,
        })).await;
        assert_eq!(room.awaits(check).await, awaiting("none", "none", "new"));
        room.ping(check, PingKind::Success).await;
        assert_eq!(room.awaits(check).await, awaiting("08:45:00", "08:50:00", "up"));
        room.pass(45 * 60 + 1).await;
        assert_eq!(room.awaits(check).await, awaiting("08:45:00", "08:50:00", "grace"));
        room.pass(300).await;
        assert_eq!(room.awaits(check).await, awaiting("none", "none", "down"));
        let flips = room.get(&format!("/check/{check}/flip-list")).await.ok();
        let flip = &flips["list"][0];
        assert_eq!((&flip["at"], &flip["reason"]), (&json!("2027-01-15T08:50:00.000000Z"), &json!("timeout")));
        room.ping(check, PingKind::Success).await;
        assert_eq!(room.awaits(check).await, awaiting("2027-01-22T08:45:00", "2027-01-22T08:50:00", "up"));
    }

    async fn a_ping_a_little_early_counts_for_its_occurrence_and_raises_no_alarm(database) {
        let mut room = Watched::new(database).await;
        let check = room.scheduled(&json!({"kind": "oncalendar", "schedule": "hourly", "grace": 60})).await;
        room.pass(3600 - 20).await;
        room.ping(check, PingKind::Success).await;
        assert_eq!(room.awaits(check).await, awaiting("10:00:00", "10:01:00", "up"));
        room.pass(3600).await;
        assert_eq!(room.awaits(check).await.2, "up");
        // Switched off, it was a ping for the hour before, and the next one is missed: from now on.
        room.set(check, json!({"early_tolerance": 0})).await;
        assert_eq!(room.awaits(check).await, awaiting("09:00:00", "09:59:40", "grace"));
        let read = room.get(&format!("/check/{check}")).await.ok();
        assert_eq!(read["early_tolerance"], 0);
    }

    async fn a_tolerance_that_is_given_counts_instead(database) {
        let mut room = Watched::new(database).await;
        let check = room.scheduled(&json!({"schedule": "0 * * * *", "early_tolerance": 600})).await;
        room.pass(50 * 60).await;
        room.ping(check, PingKind::Success).await;
        assert_eq!(room.awaits(check).await.0, "10:00:00");
        room.set(check, json!({"early_tolerance": 599})).await;
        assert_eq!(room.awaits(check).await.0, "09:00:00");
        room.set(check, json!({"early_tolerance": null})).await;
        assert_eq!(room.awaits(check).await.0, "09:00:00");
    }

    async fn a_change_of_schedule_zone_or_grace_moves_the_deadline_at_once(database) {
        let mut room = Watched::new(database).await;
        let check = room.check().await;
        room.ping(check, PingKind::Success).await;
        assert_eq!(room.awaits(check).await, awaiting("09:00:00", "10:00:00", "up"));
        for (change, next, alert) in [
            (json!({"schedule": "30 * * * *"}), "08:30:00", "09:30:00"),
            (json!({"schedule": "0 12 * * *"}), "12:00:00", "13:00:00"),
            (json!({"timezone": "Europe/Berlin"}), "11:00:00", "12:00:00"),
            (json!({"grace": 60}), "11:00:00", "11:01:00"),
            (json!({"schedule": "*-*-* 12:00 Europe/Moscow"}), "09:00:00", "09:01:00"),
            (json!({"kind": "simple", "period": 600}), "08:10:00", "08:11:00"),
        ] {
            room.set(check, change.clone()).await;
            assert_eq!(room.awaits(check).await, awaiting(next, alert, "up"), "{change}");
        }
        room.pass(11 * 60).await;
        assert_eq!(room.awaits(check).await.2, "down");
    }

    async fn an_occurrence_missed_below_the_threshold_leaves_the_one_after_it(database) {
        let mut room = Watched::new(database).await;
        let check = room.scheduled(&json!({
            "schedule": "0,30 * * * *", "grace": 600, "failure_threshold": 2,
        })).await;
        room.ping(check, PingKind::Success).await;
        room.pass(40 * 60).await;
        assert_eq!(room.awaits(check).await, awaiting("09:00:00", "09:10:00", "up"));
        room.pass(30 * 60).await;
        assert_eq!(room.awaits(check).await.2, "down");
    }

    async fn a_schedule_that_the_database_holds_and_nobody_can_read_stops_no_other_check(database) {
        let mut room = Watched::new(database).await;
        let (broken, sound) = (room.check().await, room.check().await);
        for check in [broken, sound] {
            room.ping(check, PingKind::Success).await;
        }
        let sql = format!("UPDATE check_states SET kind = 'cron', schedule = '61 * * * *' WHERE check_id = {broken}");
        assert_eq!(run_sql(room.desk.database_url(), &sql).await, 1);
        room.pass(2 * 3600).await;
        assert_eq!(room.awaits(sound).await.2, "down");
        assert_eq!(room.awaits(broken).await.2, "grace", "it is not turned down");
        let mut conn = room.desk.ctx.store.read().await.unwrap();
        let wake = states::next_wake(&mut conn).await.unwrap();
        assert_eq!(wake, Some("2027-01-15T11:00:00Z".parse::<Timestamp>().unwrap()), "an hour later");
        drop(conn);
        room.ping(broken, PingKind::Success).await;
        room.set(broken, json!({"schedule": "0 * * * *", "grace": 60})).await;
        assert_eq!(room.awaits(broken).await, awaiting("11:00:00", "11:01:00", "up"));
    }

    async fn previews_follow_the_clocks_of_the_zone_over_summer_time(database) {
        let room = Watched::new(database).await;
        let days = async |query: &str| -> Vec<String> {
            let list = room.get(&format!("/schedule-preview?{query}")).await.ok();
            let list = list["list"].as_array().unwrap().clone();
            list.iter().map(|each| each["expected_at"].as_str().unwrap()[..16].to_owned()).collect()
        };
        let spring = "timezone=Europe/Berlin&from=2027-03-27T12:00:00Z&count=2";
        let fixed = days(&format!("kind=cron&schedule=30+2+*+*+*&{spring}")).await;
        assert_eq!(fixed, ["2027-03-28T01:00", "2027-03-29T00:30"], "right after the gap");
        let autumn = "timezone=Europe/Berlin&from=2027-10-30T12:00:00Z&count=2";
        let fixed = days(&format!("schedule=30+2+*+*+*&{autumn}")).await;
        assert_eq!(fixed, ["2027-10-31T00:30", "2027-11-01T01:30"], "once, the first time");
        let hourly = days("schedule=30+*+*+*+*&timezone=Europe/Berlin&from=2027-10-31T00:00:00Z&count=2").await;
        assert_eq!(hourly, ["2027-10-31T00:30", "2027-10-31T01:30"], "by the real clock");
    }

    async fn a_check_with_a_schedule_is_previewed_as_its_deadline_is(database) {
        let mut room = Watched::new(database).await;
        let check = room.scheduled(&json!({"schedule": "0 * * * *", "grace": 120})).await;
        room.pass(59 * 60 + 50).await;
        room.ping(check, PingKind::Success).await;
        let preview = format!("/check/{check}/schedule-preview?count=2");
        let list = room.get(&preview).await.ok();
        let read = room.get(&format!("/check/{check}")).await.ok();
        assert_eq!((&list["list"][0]["expected_at"], &list["list"][0]["deadline_at"]), (&read["next_ping_at"], &read["alert_at"]));
        assert_eq!(list["list"][1], json!({
            "expected_at": "2027-01-15T11:00:00.000000Z", "deadline_at": "2027-01-15T11:02:00.000000Z",
        }));
        let other = room.get(&format!("{preview}&schedule=*:0/30")).await.ok();
        assert_eq!(other["list"][0]["expected_at"], "2027-01-15T09:30:00.000000Z");
        let later = room.get(&format!("{preview}&from=2027-01-15T12:00:00Z")).await.ok();
        assert_eq!(later["list"][0]["expected_at"], "2027-01-15T13:00:00.000000Z");
    }

    async fn what_a_preview_is_asked_for_must_fit_together(database) {
        let room = Watched::new(database).await;
        let check = room.check().await;
        for path in ["/schedule-preview".to_owned(), format!("/check/{check}/schedule-preview")] {
            for (query, says) in [
                ("kind=cron", "schedule: is required where kind is cron"),
                ("kind=simple&schedule=daily", "schedule: belongs to kind cron or oncalendar"),
                ("kind=cron&schedule=61+*+*+*+*", "schedule: minute: 61 is not within 0–59"),
                ("schedule=nonsense", "schedule: "), ("schedule=", "schedule: "),
            ] {
                let message = room.get(&format!("{path}?{query}")).await.fatal(400);
                assert!(message.starts_with(says), "{query}: {message}");
            }
        }
    }
}
