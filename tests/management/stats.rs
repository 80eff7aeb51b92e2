//! What checks did over a span of time.

use overdue::domain::ping::PingKind;
use overdue::janitor;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::fields;
use super::run_sql;
use super::watched::Watched;
use crate::support::both_databases;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

async fn stats_of(room: &Watched, check: i64, span: &str) -> Value {
    let list = room.get(&format!("/check/stats?check_id={check}{span}")).await.ok();
    assert_eq!(list["count"], 1, "{list}");
    list["list"][0].clone()
}

fn uptime(stats: &Value) -> f64 {
    stats["uptime"].as_f64().unwrap()
}

both_databases! {
    async fn stats_of_a_check_that_nothing_happened_to_are_nothing(database) {
        let mut room = Watched::new(database).await;
        let check = room.check().await;
        room.pass(DAY).await;
        let stats = stats_of(&room, check, "").await;
        assert_eq!(fields(&stats), [
            "check_id", "uptime", "downtime", "downtime_count", "pings", "runs", "run_mean",
            "run_p50", "run_p95", "run_max",
        ]);
        assert_eq!(stats, json!({
            "check_id": check, "uptime": null, "downtime": 0, "downtime_count": 0,
            "pings": {"success": 0, "start": 0, "fail": 0, "log": 0, "ign": 0},
            "runs": 0, "run_mean": null, "run_p50": null, "run_p95": null, "run_max": null,
        }));
    }

    async fn uptime_is_the_share_of_the_observed_time_in_which_it_was_not_down(database) {
        let mut room = Watched::new(database).await;
        let check = room.check().await;
        // A day as new, which is not observed; 3 h up of which the last is late; down for 1 h.
        room.pass(DAY).await;
        room.ping(check, PingKind::Success).await;
        room.pass(HOUR).await;
        room.ping(check, PingKind::Success).await;
        room.pass(2 * HOUR).await;
        room.pass(HOUR).await;
        let stats = stats_of(&room, check, "").await;
        assert_eq!((uptime(&stats), &stats["downtime"]), (0.75, &json!(3600)), "it is down right now");
        assert_eq!(stats["downtime_count"], 1);
        // Paused and new again: not observed.
        room.set(check, json!({"paused": 1})).await;
        room.pass(DAY).await;
        room.set(check, json!({"paused": 0})).await;
        room.pass(DAY).await;
        let later = stats_of(&room, check, "").await;
        assert_eq!((&later["uptime"], &later["downtime"]), (&stats["uptime"], &stats["downtime"]));
        // A failure, and down again until now.
        room.ping(check, PingKind::Fail).await;
        room.pass(4 * HOUR).await;
        let stats = stats_of(&room, check, "").await;
        assert_eq!((uptime(&stats), &stats["downtime"]), (0.375, &json!(5 * HOUR)));
        assert_eq!(stats["downtime_count"], 2);
    }

    async fn what_straddles_the_ends_of_the_span_counts_for_the_part_inside(database) {
        let mut room = Watched::new(database).await;
        let check = room.check().await;
        room.ping(check, PingKind::Fail).await;
        room.pass(10 * HOUR).await;
        room.ping(check, PingKind::Success).await;
        room.pass(2 * HOUR).await;
        room.pass(4 * HOUR).await;
        // 10 h down, 2 h up, 4 h down until now.
        let span = |from: i64, to: i64| format!("&from={}&to={}", room.at(from * 3600), room.at(to * 3600));
        for (from, to, up, downtime, count) in [
            (-16, 0, Some(2.0 / 16.0), 14 * HOUR, 2), (-12, -3, Some(2.0 / 9.0), 7 * HOUR, 2),
            (-12, -8, Some(0.0), 4 * HOUR, 1), (-6, -4, Some(1.0), 0, 0), (-5, -3, Some(0.5), HOUR, 1),
            (-2, 9, Some(0.0), 2 * HOUR, 1), (-30, -16, None, 0, 0), (1, 2, None, 0, 0),
        ] {
            let stats = stats_of(&room, check, &span(from, to)).await;
            let got = (stats["uptime"].as_f64(), &stats["downtime"], &stats["downtime_count"]);
            assert_eq!(got, (up, &json!(downtime), &json!(count)), "{from} to {to}");
        }
    }

    async fn pings_are_counted_by_kind_and_runs_by_nearest_rank(database) {
        let mut room = Watched::new(database).await;
        let check = room.check().await;
        for seconds in [3, 1, 2, 20] {
            room.run(check, seconds).await;
        }
        room.ping(check, PingKind::Start).await;
        room.ping(check, PingKind::Log).await;
        let stats = stats_of(&room, check, "").await;
        assert_eq!(stats["pings"], json!({"success": 4, "start": 5, "fail": 0, "log": 1, "ign": 0}));
        // An open run is none yet; half of four are two, and 95 of 100 of four are four.
        assert_eq!((&stats["runs"], &stats["run_mean"]), (&json!(4), &json!(6.5)));
        assert_eq!((&stats["run_p50"], &stats["run_p95"], &stats["run_max"]), (
            &json!(2.0), &json!(20.0), &json!(20.0),
        ));
        // The first of them ended 23 s ago, the last now.
        let part = format!("&from={}&to={}", room.at(-22), room.at(-20));
        let stats = stats_of(&room, check, &part).await;
        assert_eq!((&stats["runs"], &stats["run_p50"], &stats["run_p95"]), (
            &json!(1), &json!(1.0), &json!(1.0),
        ));
    }

    async fn many_runs_have_the_ranks_that_one_counts_by_hand(database) {
        let mut room = Watched::new(database).await;
        let check = room.check().await;
        for place in 0..41_u64 {
            room.run(check, 1 + place * 7 % 41).await;
        }
        let stats = stats_of(&room, check, "").await;
        // 1 to 41 in another order: the 21st of them, and the 39th.
        assert_eq!((&stats["run_p50"], &stats["run_p95"], &stats["run_mean"]), (
            &json!(21.0), &json!(39.0), &json!(21.0),
        ));
    }

    async fn stats_come_by_id_in_pages_for_the_checks_that_are_named_or_for_all(database) {
        let room = Watched::new(database).await;
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(room.check().await);
        }
        let elsewhere = room.check_in(room.new_project().await).await;
        room.ping(ids[1], PingKind::Success).await;
        room.ping(elsewhere, PingKind::Success).await;
        let told = async |query: &str| -> (Vec<i64>, Value) {
            let list = room.get(&format!("/check/stats{query}")).await.ok();
            let these = list["list"].as_array().unwrap().iter();
            (these.map(|stats| stats["check_id"].as_i64().unwrap()).collect(), list)
        };
        let (all, list) = told("").await;
        assert_eq!(all, ids);
        assert_eq!(fields(&list), ["list", "total_count", "max_count", "offset", "limit", "count"]);
        assert_eq!((&list["total_count"], &list["max_count"]), (&json!(5), &json!(10_000)));
        assert_eq!(list["list"][1]["pings"]["success"], 1);
        let (part, list) = told("?offset=3&limit=1").await;
        assert_eq!((part.as_slice(), &list["total_count"]), (&ids[3..4], &json!(5)));
        let named = format!("?check_id={}&check_id={}&check_id={0}", ids[3], ids[1]);
        let (named, list) = told(&named).await;
        assert_eq!((named.as_slice(), &list["total_count"]), (&[ids[1], ids[3]][..], &json!(2)));
        assert_eq!(list["list"][0]["pings"]["success"], 1);
        // Those of others and those that never were don't come, as in the list of checks.
        let (none, list) = told(&format!("?check_id={elsewhere}&check_id=999999")).await;
        assert_eq!((none.len(), &list["total_count"]), (0, &json!(0)));
    }

    async fn a_span_that_can_not_be_is_refused_by_name(database) {
        let room = Watched::new(database).await;
        let (now, later) = (room.at(0), room.at(60));
        for (query, field) in [
            ("from=yesterday", "from: "), ("to=1", "to: "), ("from=2027-01-15", "from: "),
            (&format!("from={now}"), "from: must be before to"),
            (&format!("from={later}&to={now}"), "from: must be before to"),
            ("from=1999-01-01T00:00:00Z", "from: must be at most 3660 days"),
            ("to=1969-12-31T23:59:59Z", "to: must be a time in the years 1970 to 9999"),
            ("to=9999-12-31T23:59:59-01:00", "to: must be a time in the years 1970 to 9999"),
            ("check_id=0", "check_id: "), ("check_id=1&check_id=x", "check_id: "),
            ("limit=1001", "limit: "), ("order=name", "order: is unknown"),
        ] {
            let message = room.get(&format!("/check/stats?{query}")).await.fatal(400);
            assert!(message.starts_with(field), "{query}: {message}");
        }
        room.get("/check/stats?to=9999-12-31T23:59:59Z&from=9998-01-01T00:00:00Z").await.ok();
        room.get("/check/stats?to=1970-01-01T00:00:00Z").await.ok();
    }

    async fn only_who_may_see_the_project_sees_its_stats(database) {
        let mut room = Watched::new(database).await;
        room.project = 999_999;
        room.get("/check/stats").await.fatal(403);
        room.get("/schedule-preview").await.fatal(403);
    }

    async fn of_a_day_that_is_cut_the_sums_count_in_proportion(database) {
        let mut room = Watched::new(database).await;
        let check = room.check().await;
        // From 8:00 on: down for 4 h and up for 12 h, with a ping an hour; then days of silence.
        for hour in 0..16 {
            let kind = if hour < 4 { PingKind::Fail } else { PingKind::Success };
            room.ping(check, kind).await;
            room.pass(HOUR).await;
        }
        room.ping(check, PingKind::Success).await;
        room.set(check, json!({"paused": 1})).await;
        room.pass(900 * DAY).await;
        let day = "&from=2027-01-15T00:00:00Z&to=2027-01-16T00:00:00Z";
        let before = stats_of(&room, check, day).await;
        assert_eq!((uptime(&before), &before["downtime"]), (0.75, &json!(4 * HOUR)));
        assert_eq!((&before["pings"]["fail"], &before["pings"]["success"]), (&json!(4), &json!(12)));
        let (_stop, stopped) = watch::channel(false);
        janitor::round(&room.desk.ctx, &stopped).await.unwrap();
        assert_eq!(room.get(&format!("/check/{check}/ping-list")).await.ok()["total_count"], 0);
        assert_eq!(room.get(&format!("/check/{check}/flip-list")).await.ok()["total_count"], 1);
        assert_eq!(stats_of(&room, check, day).await, before);
        // Its first quarter, in which nothing had happened: by the sums it is as the whole.
        let quarter = "&from=2027-01-14T00:00:00Z&to=2027-01-15T06:00:00Z";
        let stats = stats_of(&room, check, quarter).await;
        assert_eq!((uptime(&stats), &stats["downtime"]), (0.75, &json!(HOUR)));
        assert_eq!((&stats["pings"]["fail"], &stats["pings"]["success"]), (&json!(1), &json!(3)));
        assert_eq!(stats["downtime_count"], 1);
        // More run time than a day has: jobs overlap, and a run of days counts where it ended.
        let sums = "UPDATE check_days SET runs = 4, run_total = 4000000000000";
        run_sql(room.desk.database_url(), sums).await;
        let stats = stats_of(&room, check, quarter).await;
        assert_eq!((&stats["runs"], &stats["run_mean"]), (&json!(1), &json!(1_000_000.0)));
    }
}
