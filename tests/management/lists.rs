//! Lists: their six fields, their parts, and the filters and orders of the list of checks.

use serde_json::{Value, json};

use super::fields;
use crate::support::api::Api;
use crate::support::server::{TestServer, shared};
use crate::support::{both_databases, until};

/// The names of the checks that a list holds, in its order.
async fn names(api: &Api, query: &str) -> Vec<String> {
    let list = api.list(&api.path(&format!("/check-list{query}"))).await;
    list.iter().map(|check| check["check_name"].as_str().unwrap().to_owned()).collect()
}

/// Imports checks of these names, each with this tag.
async fn import(api: &Api, names: &[&str], tag: &str) {
    let checks: Vec<String> = names
        .iter()
        .map(|name| {
            format!("[[checks]]\ncheck_name = \"{name}\"\nchannels = []\ntags = [\"{tag}\"]\n")
        })
        .collect();
    let text = format!("format = 1\n{}", checks.concat());
    let bearer = format!("Bearer {}", api.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/toml")];
    api.send("POST", &api.path("/import"), &headers, text).await.ok();
}

both_databases! {
    async fn a_list_has_its_six_fields_and_comes_in_parts(database) {
        let api = shared(database).await;
        for n in 0..25 {
            let tag = if n % 2 == 0 { "even" } else { "odd" };
            api.check(&format!("L{n}"), json!({"tags": [tag, "all"]})).await;
        }
        let part = async |query: &str| api.get(&api.path(&format!("/check-list{query}"))).await.ok();
        let whole = part("").await;
        assert_eq!(fields(&whole), ["list", "total_count", "max_count", "offset", "limit", "count"]);
        let figures = |list: &Value| {
            ["total_count", "max_count", "offset", "limit", "count"].map(|f| list[f].as_i64().unwrap())
        };
        assert_eq!(figures(&whole), [25, 10_000, 0, 100, 25]);
        assert_eq!(figures(&part("?offset=10&limit=10").await), [25, 10_000, 10, 10, 10]);
        assert_eq!(figures(&part("?offset=20&limit=10").await), [25, 10_000, 20, 10, 5]);
        let beyond = part("?offset=9223372036854775807").await;
        assert_eq!((&beyond["list"], &beyond["total_count"]), (&json!([]), &json!(25)));
        assert_eq!(figures(&part("?tag=even&tag=all&limit=3").await), [13, 10_000, 0, 3, 3]);
        let mut seen = Vec::new();
        for offset in (0..25).step_by(7) {
            let part = part(&format!("?offset={offset}&limit=7")).await;
            seen.extend(part["list"].as_array().unwrap().clone());
        }
        assert_eq!(Value::Array(seen), whole["list"]);
    }

    async fn checks_are_filtered_by_id_tag_slug_and_text(database) {
        let api = shared(database).await;
        let one = api.check("Datenbank Größe", json!({"tags": ["prod", "db"]})).await;
        let two = api.check("Backup", json!({"tags": ["prod"]})).await;
        api.check("ÁRVÍZTŰRŐ", json!({"tags": ["dev", "products"]})).await;
        let by_id = format!("?check_id={}&check_id={}", one["check_id"], two["check_id"]);
        assert_eq!(names(&api, &by_id).await, ["Datenbank Größe", "Backup"]);
        assert_eq!(names(&api, "?check_id=999999").await, Vec::<String>::new());
        for (query, wanted) in [
            ("?tag=prod", vec!["Datenbank Größe", "Backup"]), ("?tag=prod&tag=db", vec!["Datenbank Größe"]),
            ("?tag=pro", vec![]), ("?tag=db&tag=dev", vec![]), ("?slug=backup", vec!["Backup"]),
            ("?slug=back", vec![]), ("?q=GR%C3%96SSE", vec![]), ("?q=gr%C3%B6%C3%9Fe", vec!["Datenbank Größe"]),
            ("?q=%C3%A1rv%C3%ADzt%C5%B1r%C5%91", vec!["ÁRVÍZTŰRŐ"]), ("?q=PROD", vec!["Datenbank Größe", "Backup", "ÁRVÍZTŰRŐ"]),
            ("?q=k+gr", vec!["Datenbank Größe"]), ("?q=arvizturo", vec!["ÁRVÍZTŰRŐ"]), ("?q=%25", vec![]),
            ("?q=_", vec![]), ("?q=backup&tag=db", vec![]), ("?q='%22;--", vec![]),
        ] {
            assert_eq!(names(&api, query).await, wanted, "{query}");
        }
    }

    async fn checks_are_filtered_by_any_of_several_states(database) {
        let api = shared(database).await;
        for name in ["new", "up", "down", "paused", "grace"] {
            let check = api.check(name, json!({"period": if name == "grace" { 1 } else { 3600 }})).await;
            match name {
                "new" => {}
                "paused" => drop(api.update(&check, json!({"paused": 1})).await),
                "down" => api.ping(&check, "/fail").await.says(200, "OK"),
                _ => api.ping(&check, "").await.says(200, "OK"),
            }
        }
        until("grace", async || (names(&api, "?status=grace").await.len() == 1).then_some(())).await;
        for status in ["new", "up", "down", "paused", "grace"] {
            assert_eq!(names(&api, &format!("?status={status}")).await, [status]);
        }
        assert_eq!(names(&api, "?status=up&status=grace").await, ["up", "grace"]);
        assert_eq!(names(&api, "?order=status").await, ["down", "grace", "up", "new", "paused"]);
        assert_eq!(names(&api, "?order=-status").await, ["paused", "new", "up", "grace", "down"]);
    }

    async fn checks_come_in_the_order_that_is_asked_for(database) {
        let api = shared(database).await;
        let mut made = Vec::new();
        for name in ["b", "B", "a", "ä", "Z"] {
            made.push(api.check(name, json!({})).await);
        }
        api.ping(&made[2], "").await.says(200, "OK");
        api.ping(&made[0], "").await.says(200, "OK");
        for (order, wanted) in [
            ("", ["b", "B", "a", "ä", "Z"]), ("?order=name", ["B", "Z", "a", "b", "ä"]),
            ("?order=-name", ["ä", "b", "a", "Z", "B"]), ("?order=created_at", ["b", "B", "a", "ä", "Z"]),
            ("?order=-created_at", ["Z", "ä", "a", "B", "b"]),
            ("?order=last_ping_at", ["B", "ä", "Z", "a", "b"]),
        ] {
            assert_eq!(names(&api, order).await, wanted, "{order}");
        }
        assert_eq!(names(&api, "?order=-last_ping_at").await[..2], ["b", "a"]);
    }

    async fn pages_put_together_are_the_whole_list_in_every_order_and_filter(database) {
        let api = shared(database).await;
        for n in 0..11 {
            let tags = ["all", ["even", "odd"][n % 2], ["a", "b", "c"][n % 3]];
            let check = api.check(&format!("N{}", n * 7 % 5), json!({"tags": tags})).await;
            match n % 4 {
                0 => api.ping(&check, "").await.says(200, "OK"),
                1 => api.ping(&check, "/fail").await.says(200, "OK"),
                _ => {}
            }
        }
        let orders = ["", "name", "-name", "created_at", "-created_at", "last_ping_at", "-last_ping_at", "status", "-status"];
        let filters = [
            ("", 11), ("tag=all", 11), ("tag=even", 6), ("tag=even&tag=a", 2), ("tag=a&tag=none", 0),
            ("q=n1", 2), ("slug=n1", 2), ("tag=odd&slug=n2", 1), ("status=down", 3), ("status=new&status=up", 8),
            ("tag=all&status=down", 3), ("tag=odd&status=down&q=ODD", 3), ("tag=even&status=down", 0),
        ];
        for order in orders {
            for (filter, wanted) in filters {
                let order = if order.is_empty() { String::new() } else { format!("&order={order}") };
                let path = api.path(&format!("/check-list?{filter}{order}"));
                let whole = api.get(&path).await.ok();
                assert_eq!((&whole["total_count"], &whole["count"]), (&json!(wanted), &json!(wanted)), "{path}");
                let mut parts = Vec::new();
                for offset in (0..12).step_by(4) {
                    let part = api.get(&format!("{path}&offset={offset}&limit=4")).await.ok();
                    assert_eq!(part["total_count"], json!(wanted), "{path}");
                    parts.extend(part["list"].as_array().unwrap().clone());
                }
                assert_eq!(Value::Array(parts), whole["list"], "{path}");
            }
        }
    }

    async fn a_check_is_found_by_its_tags_as_they_are_now(database) {
        let api = shared(database).await;
        let check = api.check("Tagged", json!({"tags": ["old", "both", "both"]})).await;
        assert_eq!(names(&api, "?tag=old&tag=both").await, ["Tagged"]);
        api.update(&check, json!({"tags": ["new", "both", "Both", "a\"b\\c"]})).await;
        for (query, found) in [
            ("?tag=old", 0), ("?tag=new", 1), ("?tag=both&tag=new", 1), ("?tag=BOTH", 0), ("?tag=Both", 1),
            ("?tag=a%22b%5Cc", 1),
        ] {
            assert_eq!(names(&api, query).await.len(), found, "{query}");
        }
        api.update(&check, json!({"check_name": "Renamed"})).await;
        assert_eq!(names(&api, "?tag=new").await, ["Renamed"]);
        api.update(&check, json!({"tags": []})).await;
        assert_eq!(names(&api, "?tag=new").await.len(), 0);
    }

    async fn the_count_follows_whatever_makes_and_deletes_checks(database) {
        let api = shared(database).await;
        let count = async || {
            let list = api.get(&api.path("/check-list?limit=1")).await.ok();
            let project = api.get(&api.path("")).await.ok();
            assert_eq!(list["total_count"], project["check_count"]);
            list["total_count"].as_i64().unwrap()
        };
        assert_eq!(count().await, 0);
        let path = api.path("/check");
        let bodies: Vec<Value> = (0..8).map(|n| json!({"check_name": format!("C{n}")})).collect();
        let made = bodies.iter().map(|body| api.post(&path, body));
        let mut made = futures_util::future::join_all(made).await;
        let pings = (0..8).map(|_| api.ping_slug("made-by-a-ping?create=1"));
        futures_util::future::join_all(pings).await;
        assert_eq!(count().await, 9);
        let check = made.pop().unwrap().ok();
        let path = api.check_path(&check, "");
        let deleted = futures_util::future::join_all((0..3).map(|_| api.delete(&path))).await;
        assert_eq!(deleted.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(count().await, 8);
        import(&api, &["C0", "New"], "x").await;
        assert_eq!(count().await, 9);
    }

    async fn what_an_import_makes_and_changes_is_found_by_its_tags(database) {
        let api = shared(database).await;
        api.check("Old", json!({"tags": ["before"]})).await;
        import(&api, &["Old", "New"], "after").await;
        assert_eq!(names(&api, "?tag=after").await, ["Old", "New"]);
        assert_eq!(names(&api, "?tag=before").await, Vec::<String>::new());
    }

    async fn a_page_takes_as_many_statements_whatever_is_on_it(database) {
        let settings = [("OVERDUE_LOG__LEVEL", "info,sqlx::query=trace")];
        let mut server = TestServer::start(database, &settings).await;
        let api = server.owner().await;
        let receiver = "http://127.0.0.1:9/";
        api.post(&api.path("/channel"), &crate::support::server::webhook(receiver)).await.ok();
        for n in 0..25 {
            api.check(&format!("S{n}"), json!({"tags": ["one"]})).await;
        }
        let mut statements = Vec::new();
        for limit in [2, 24] {
            server.stop().await;
            server.restart().await;
            for query in ["", "&tag=one", "&order=name", "&q=s"] {
                let path = api.path(&format!("/check-list?limit={limit}{query}"));
                assert_eq!(api.get(&path).await.ok()["count"], json!(limit));
            }
            // Stopped, so that its log is whole.
            server.stop().await;
            let log = server.log();
            let of_lists = |line: &&str| {
                ["checks c", "FROM checks", "check_channels"].iter().any(|words| line.contains(words))
            };
            statements.push(log.lines().filter(of_lists).count());
            server.restart().await;
        }
        assert!(statements[0] >= 4 && statements[0] == statements[1], "{statements:?}");
    }
}
