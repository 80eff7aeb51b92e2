//! What is stored with each ping.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::api::{ping_path, uuid_of};
use crate::support::server::shared;
use crate::support::{both_databases, new_uuid, now, time};

/// The serial numbers of pings, in the order given.
fn numbers(pings: &[Value]) -> Vec<u64> {
    pings.iter().map(|ping| ping["n"].as_u64().unwrap()).collect()
}

both_databases! {
    async fn every_field_of_a_ping_is_kept(database) {
        let api = shared(database).await;
        let check = api.check("fields", json!({})).await;
        let rid = new_uuid();
        let before = now();
        let path = ping_path(&check, &format!("/3?rid={rid}"));
        let answer = api.send("POST", &path, &[("user-agent", "curl/8.0")], "héllo").await;
        answer.says(200, "OK");
        let after = now();
        let ping = api.last_ping(&check).await;
        let at = time(&ping["at"]);
        assert!(before <= at && at <= after, "{before} {at} {after}");
        let fields: BTreeSet<&str> = ping.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = [
            "at", "body_size", "duration", "exit_status", "kind", "method", "n", "remote_address",
            "rid", "scheme", "user_agent",
        ];
        assert!(expected.iter().all(|field| fields.contains(field)), "{fields:?}");
        for (field, value) in [
            ("n", json!(1)), ("kind", json!("fail")), ("exit_status", json!(3)), ("rid", json!(rid)),
            ("scheme", json!("http")), ("method", json!("POST")), ("user_agent", json!("curl/8.0")),
            ("remote_address", json!("127.0.0.1")), ("body_size", json!(6)), ("duration", Value::Null),
        ] {
            assert_eq!(ping[field], value, "{field}");
        }
    }

    async fn what_a_ping_does_not_say_stays_empty(database) {
        let api = shared(database).await;
        let check = api.check("bare", json!({})).await;
        let mut wire = api.wire().await;
        wire.send(format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", ping_path(&check, ""))).await;
        assert_eq!(wire.answer().await.status, 200);
        let ping = api.last_ping(&check).await;
        for field in ["exit_status", "rid", "duration"] {
            assert!(ping[field].is_null(), "{field}: {}", ping[field]);
        }
        assert!([json!(""), Value::Null].contains(&ping["user_agent"]), "{}", ping["user_agent"]);
    }

    async fn times_are_kept_to_the_microsecond_and_shown_as_the_last_ping(database) {
        let api = shared(database).await;
        let check = api.check("precise", json!({})).await;
        let mut written_finely = 0;
        for _ in 0..8 {
            api.ping(&check, "").await.says(200, "OK");
            let at = time(&api.last_ping(&check).await["at"]);
            assert_eq!(time(&api.read(&check).await["last_ping_at"]), at);
            written_finely += u32::from(at.0 % 1000 != 0);
        }
        // One in a thousand falls on a whole millisecond; eight of eight never do.
        assert!(written_finely > 0, "no time was finer than a millisecond");
    }

    async fn a_ping_is_received_when_its_body_was_read_to_its_end(database) {
        let api = shared(database).await;
        let check = api.check("slow body", json!({})).await;
        let mut wire = api.wire().await;
        let path = ping_path(&check, "");
        wire.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")).await;
        // Another ping overtakes the one that is still being sent.
        api.ping(&check, "").await.says(200, "OK");
        let before_the_end = now();
        wire.send("cd").await;
        assert_eq!(wire.answer().await.status, 200);
        let pings = api.pings(&check).await;
        assert_eq!(numbers(&pings), [2, 1]);
        assert_eq!((&pings[0]["method"], &pings[1]["method"]), (&json!("POST"), &json!("GET")));
        assert!(time(&pings[0]["at"]) >= before_the_end);
    }

    async fn serial_numbers_are_one_to_n_also_under_concurrency(database) {
        let api = shared(database).await;
        let check = api.check("busy", json!({})).await;
        let url = format!("{}{}", api.base, ping_path(&check, ""));
        let mut tasks = JoinSet::new();
        for _ in 0..64 {
            let (http, url) = (api.http.clone(), url.clone());
            tasks.spawn(async move {
                for _ in 0..20 {
                    assert_eq!(http.get(&url).send().await.unwrap().status(), 200);
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(api.read(&check).await["n_pings"], 1280);
        let pings = api.pings(&check).await;
        // The newest thousand are kept, whatever more retention has left standing.
        assert!(pings.len() >= 1000, "{}", pings.len());
        let kept = u64::try_from(pings.len()).unwrap();
        assert_eq!(numbers(&pings), ((1281 - kept)..=1280).rev().collect::<Vec<_>>());
    }

    async fn serial_numbers_of_checks_are_independent(database) {
        let api = shared(database).await;
        let checks = [api.check("one", json!({})).await, api.check("two", json!({})).await];
        for _ in 0..3 {
            for check in &checks {
                api.ping(check, "").await.says(200, "OK");
            }
        }
        for check in &checks {
            assert_eq!(numbers(&api.pings(check).await), [3, 2, 1]);
        }
    }

    async fn refused_pings_leave_no_gap_in_the_serial_numbers(database) {
        let api = shared(database).await;
        let check = api.check("gaps", json!({})).await;
        for tail in ["", "/256", "?rid=no", "/fail", "/abc", "/log"] {
            api.ping(&check, tail).await;
        }
        assert_eq!(numbers(&api.pings(&check).await), [3, 2, 1]);
    }

    async fn of_a_user_agent_the_first_200_characters_are_kept(database) {
        let api = shared(database).await;
        let check = api.check("agent", json!({})).await;
        let path = ping_path(&check, "");
        for (length, kept) in [(199, 199), (200, 200), (201, 200), (5000, 200)] {
            let agent = format!("a{}", "b".repeat(length - 1));
            api.send("GET", &path, &[("user-agent", agent.as_str())], "").await.says(200, "OK");
            assert_eq!(api.last_ping(&check).await["user_agent"], agent[..kept]);
        }
    }

    async fn a_user_agent_in_another_encoding_loses_no_ping(database) {
        let api = shared(database).await;
        let check = api.check("odd agent", json!({})).await;
        let mut wire = api.wire().await;
        for agent in [&b"\xe9\xff\xfe"[..], "é".repeat(250).as_bytes()] {
            let head = format!("GET {} HTTP/1.1\r\nHost: a\r\nUser-Agent: ", ping_path(&check, ""));
            wire.send([head.as_bytes(), agent, b"\r\n\r\n"].concat()).await;
            assert_eq!(wire.answer().await.status, 200);
            let ping = api.last_ping(&check).await;
            assert!(ping["user_agent"].as_str().unwrap_or_default().chars().count() <= 200);
        }
        assert_eq!(api.read(&check).await["n_pings"], 2);
    }

    async fn the_newest_thousand_pings_are_listed_newest_first(database) {
        let api = shared(database).await;
        let check = api.check("listed", json!({})).await;
        for _ in 0..5 {
            api.ping(&check, "").await.says(200, "OK");
        }
        let list = api.get(&api.check_path(&check, "/ping-list?offset=1&limit=2")).await.ok();
        assert_eq!(numbers(list["list"].as_array().unwrap()), [4, 3]);
        for (field, value) in
            [("total_count", 5), ("max_count", 1000), ("offset", 1), ("limit", 2), ("count", 2)]
        {
            assert_eq!(list[field], value, "{field}");
        }
        let single = api.get(&api.check_path(&check, "/ping/4")).await.ok();
        assert_eq!(single["n"], 4);
    }

    async fn the_uuid_of_a_check_never_changes(database) {
        let api = shared(database).await;
        let check = api.check("constant", json!({})).await;
        let other = new_uuid();
        let changed = api.update(&check, json!({"check_name": "renamed", "uuid": other})).await;
        assert_eq!(uuid_of(&changed), uuid_of(&check));
        api.hit("GET", &format!("/ping/{other}")).await.says(404, "not found");
        api.ping(&check, "").await.says(200, "OK");
    }
}
