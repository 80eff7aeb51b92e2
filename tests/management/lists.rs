//! Lists: their six fields, their parts, and the filters and orders of the list of checks.

use serde_json::{Value, json};

use super::fields;
use crate::support::api::Api;
use crate::support::server::shared;
use crate::support::{both_databases, until};

/// The names of the checks that a list holds, in its order.
async fn names(api: &Api, query: &str) -> Vec<String> {
    let list = api.list(&api.path(&format!("/check-list{query}"))).await;
    list.iter().map(|check| check["check_name"].as_str().unwrap().to_owned()).collect()
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
}
