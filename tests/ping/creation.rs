//! `?create=1`: the first ping makes the check.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::api::Api;
use crate::support::receiver::Receiver;
use crate::support::server::{TestServer, shared, webhook};
use crate::support::{both_databases, until};

/// The one check of this slug.
async fn made(api: &Api, slug: &str) -> Value {
    let found = api.checks_with_slug(slug).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

both_databases! {
    async fn the_first_ping_makes_the_check_and_the_second_finds_it(database) {
        let api = shared(database).await;
        api.ping_slug("fresh-one?create=1").await.says(201, "Created");
        api.ping_slug("fresh-one?create=1").await.says(200, "OK");
        api.ping_slug("fresh-one").await.says(200, "OK");
        let check = made(&api, "fresh-one").await;
        for (field, value) in [
            ("check_name", json!("fresh-one")), ("slug", json!("fresh-one")), ("kind", json!("simple")),
            ("slug_is_custom", json!(0)), ("period", json!(86_400)), ("grace", json!(3_600)),
            ("n_pings", json!(3)), ("status", json!("up")), ("tags", json!([])),
        ] {
            assert_eq!(check[field], value, "{field}");
        }
    }

    async fn every_endpoint_and_method_can_make_a_check(database) {
        let api = shared(database).await;
        for (tail, kind, status) in [
            ("", "success", "up"), ("/start", "start", "new"), ("/fail", "fail", "down"),
            ("/log", "log", "new"), ("/0", "success", "up"), ("/7", "fail", "down"),
        ] {
            let slug = format!("made-by{}", tail.replace('/', "-"));
            api.ping_slug(&format!("{slug}{tail}?create=1")).await.says(201, "Created");
            let check = made(&api, &slug).await;
            assert_eq!((api.kinds(&check).await, &check["status"]), (vec![kind.to_owned()], &json!(status)));
        }
        let posted = api.send("POST", &api.slug_path("posted?create=1"), &[], "first words").await;
        posted.says(201, "Created");
        assert_eq!(api.body(&made(&api, "posted").await, 1).await.text(), "first words");
        let head = api.hit("HEAD", &api.slug_path("headed?create=1")).await;
        assert_eq!(head.status, 201);
        let at_root = api.hit("GET", &format!("/{}/rooted?create=1", api.ping_key)).await;
        at_root.says(201, "Created");
    }

    async fn a_made_check_tells_all_channels_of_the_project(database) {
        let api = shared(database).await;
        let receiver = Receiver::start().await;
        let mut channels = Vec::new();
        for path in ["/one", "/two"] {
            let channel = api.post(&api.path("/channel"), &webhook(&receiver.url(path))).await.ok();
            channels.push(channel["channel_id"].clone());
        }
        api.ping_slug("told/fail?create=1").await.says(201, "Created");
        let check = made(&api, "told").await;
        assert_eq!(check["channels"], json!(channels));
        let got = receiver.wait_for(2).await;
        let mut paths: Vec<&str> = got.iter().map(|delivery| delivery.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["/one", "/two"]);
        assert_eq!(got[0].text(), "told down");
        until("both notifications to be sent", async || {
            let notifications = api.notifications(&check).await;
            let sent = notifications.iter().filter(|one| one["state"] == "sent").count();
            (sent == 2).then_some(())
        })
        .await;
    }

    async fn concurrent_first_pings_make_exactly_one_check(database) {
        let api = shared(database).await;
        let url = format!("{}{}", api.base, api.slug_path("stampede?create=1"));
        let mut tasks = JoinSet::new();
        for _ in 0..24 {
            let request = api.http.get(&url);
            tasks.spawn(async move { request.send().await.unwrap().status().as_u16() });
        }
        let mut statuses = tasks.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [vec![200; 23], vec![201]].concat());
        let check = made(&api, "stampede").await;
        assert_eq!(check["n_pings"], 24);
        let mut numbers: Vec<Value> =
            api.pings(&check).await.iter().map(|ping| ping["n"].clone()).collect();
        numbers.reverse();
        assert_eq!(json!(numbers), json!((1..=24).collect::<Vec<_>>()));
    }

    async fn nothing_is_made_unless_it_is_asked_for(database) {
        let api = shared(database).await;
        for query in ["", "?create=0", "?create=", "?create", "?create=true", "?Create=1"] {
            api.ping_slug(&format!("unasked{query}")).await.says(404, "not found");
        }
        assert!(api.checks_with_slug("unasked").await.is_empty());
    }

    async fn a_uuid_or_an_unknown_key_makes_nothing(database) {
        let api = shared(database).await;
        let uuid = "/ping/07c2f548-9850-4b27-af5d-6c9dc157ec02?create=1";
        api.hit("GET", uuid).await.says(404, "not found");
        let key = "B".repeat(22);
        for path in [format!("/ping/{key}/nobodys?create=1"), format!("/{key}/nobodys?create=1")] {
            api.hit("GET", &path).await.says(404, "not found");
        }
    }

    async fn a_project_can_refuse_to_have_checks_made(database) {
        let api = shared(database).await;
        let project = api.get(&api.path("")).await.ok();
        assert_eq!(project["auto_create"], 1);
        api.put(&api.path(""), &json!({"auto_create": 0})).await.ok();
        api.ping_slug("refused?create=1").await.says(404, "not found");
        assert!(api.checks_with_slug("refused").await.is_empty());
        api.put(&api.path(""), &json!({"auto_create": 1})).await.ok();
        api.ping_slug("refused?create=1").await.says(201, "Created");
    }

    async fn a_full_project_has_no_more_checks_made(database) {
        let settings = [("OVERDUE_CHECKS__MAX_COUNT", "2")];
        let server = TestServer::start(database, &settings).await;
        let api = server.owner().await;
        api.ping_slug("first?create=1").await.says(201, "Created");
        api.check("second", json!({})).await;
        api.ping_slug("third?create=1").await.says(404, "not found");
        api.ping_slug("first?create=1").await.says(200, "OK");
        assert_eq!(api.list(&api.path("/check-list")).await.len(), 2);
        api.delete(&api.check_path(&made(&api, "second").await, "")).await.ok();
        api.ping_slug("third?create=1").await.says(201, "Created");
    }

    async fn concurrent_first_pings_never_exceed_the_ceiling(database) {
        let settings = [("OVERDUE_CHECKS__MAX_COUNT", "3")];
        let server = TestServer::start(database, &settings).await;
        let api = server.owner().await;
        let mut tasks = JoinSet::new();
        for n in 0..12 {
            let url = format!("{}{}", api.base, api.slug_path(&format!("job-{n}?create=1")));
            let request = api.http.get(url);
            tasks.spawn(async move { request.send().await.unwrap().status().as_u16() });
        }
        let mut statuses = tasks.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [vec![201; 3], vec![404; 9]].concat());
        assert_eq!(api.list(&api.path("/check-list")).await.len(), 3);
    }

    async fn the_ping_may_say_how_the_check_is_to_be(database) {
        let api = shared(database).await;
        let query = "create=1&period=3600&grace=300&name=Nightly%20Run&tags=prod";
        api.ping_slug(&format!("nightly-run?{query}")).await.says(201, "Created");
        let check = made(&api, "nightly-run").await;
        for (field, value) in [
            ("kind", json!("simple")), ("period", json!(3600)), ("grace", json!(300)),
            ("check_name", json!("Nightly Run")), ("tags", json!(["prod"])), ("slug_is_custom", json!(0)),
        ] {
            assert_eq!(check[field], value, "{field}");
        }
    }

    async fn several_tags_are_set_apart_by_spaces(database) {
        let api = shared(database).await;
        api.ping_slug("tagged?create=1&tags=prod%20db+eu").await.says(201, "Created");
        assert_eq!(made(&api, "tagged").await["tags"], json!(["prod", "db", "eu"]));
    }

    async fn the_ping_may_give_a_schedule_and_its_time_zone(database) {
        let api = shared(database).await;
        api.ping_slug("zoned?create=1&tz=Europe/Berlin&grace=600").await.says(201, "Created");
        let check = made(&api, "zoned").await;
        assert_eq!((&check["kind"], &check["grace"]), (&json!("simple"), &json!(600)));
        for (slug, query, kind, schedule) in [
            ("by-cron", "schedule=15%203+*+*+1-5&tz=Asia/Calcutta", "cron", "15 3 * * 1-5"),
            ("by-calendar", "tz=Asia/Kolkata&schedule=Mon..Fri+03:15", "oncalendar", "Mon..Fri 03:15"),
        ] {
            api.ping_slug(&format!("{slug}?create=1&{query}")).await.says(201, "Created");
            let check = made(&api, slug).await;
            assert_eq!((&check["kind"], &check["schedule"]), (&json!(kind), &json!(schedule)));
            assert_eq!((&check["timezone"], &check["status"]), (&json!("Asia/Kolkata"), &json!("up")));
            assert!(check["next_ping_at"].as_str().unwrap().ends_with("T21:45:00.000000Z"), "{check}");
        }
        let answer = api.ping_slug("bad-cron?create=1&schedule=61+*+*+*+*").await;
        answer.says(400, "schedule: minute: 61 is not within 0–59");
        assert!(api.checks_with_slug("bad-cron").await.is_empty());
    }

    async fn a_name_with_another_slug_makes_the_address_a_slug_of_its_own(database) {
        let api = shared(database).await;
        api.ping_slug("short?create=1&name=A%20Much%20Longer%20Name").await.says(201, "Created");
        let check = made(&api, "short").await;
        assert_eq!(check["check_name"], "A Much Longer Name");
        assert_eq!(check["slug_is_custom"], 1);
        api.ping_slug("short").await.says(200, "OK");
    }

    async fn a_bad_value_is_refused_by_its_name_and_nothing_is_made(database) {
        let api = shared(database).await;
        let long_name = "n".repeat(101);
        let long_tag = "t".repeat(51);
        let many_tags = (1..=21).map(|n| format!("t{n}")).collect::<Vec<_>>().join("+");
        for (name, value) in [
            ("period", "0"), ("period", "-1"), ("period", "abc"), ("period", ""), ("period", "1.5"),
            ("period", "31536001"), ("period", "99999999999999999999"), ("grace", "0"),
            ("grace", "abc"), ("grace", "31536001"), ("schedule", "61+*+*+*+*"),
            ("schedule", "*+*+*"), ("schedule", "nonsense"), ("tz", "Mars/Olympus"), ("tz", ""),
            ("name", long_name.as_str()), ("name", "two%0Alines"), ("tags", long_tag.as_str()), ("tags", many_tags.as_str()),
        ] {
            let answer = api.ping_slug(&format!("bad?create=1&{name}={value}")).await;
            assert_eq!(answer.status, 400, "{name}={value}");
            answer.has_ping_headers();
            assert!(answer.text().starts_with(&format!("{name}: ")), "{}", answer.text());
        }
        let period = api.ping_slug("bad?create=1&period=0").await;
        assert!(period.text().starts_with("period: must be "), "{}", period.text());
        assert!(api.checks_with_slug("bad").await.is_empty());
    }

    async fn bad_values_are_refused_for_a_check_that_exists_as_well(database) {
        let api = shared(database).await;
        let check = api.check("existing", json!({})).await;
        for query in ["period=abc", "grace=0", "schedule=nonsense", "schedule=@daily&period=99999999999"] {
            let answer = api.ping_slug(&format!("existing?create=1&{query}")).await;
            assert_eq!(answer.status, 400, "{query}");
        }
        assert_eq!(api.read(&check).await["n_pings"], 0);
    }

    async fn values_are_used_at_creation_alone(database) {
        let api = shared(database).await;
        let check = api.check("settled", json!({"period": 600, "grace": 60, "tags": ["old"]})).await;
        let query = "create=1&period=3600&grace=300&name=New&tags=new";
        api.ping_slug(&format!("settled?{query}")).await.says(200, "OK");
        let state = api.read(&check).await;
        for field in ["check_name", "slug", "period", "grace", "tags", "slug_is_custom"] {
            assert_eq!(state[field], check[field], "{field}");
        }
    }

    async fn values_without_create_are_not_looked_at(database) {
        let api = shared(database).await;
        api.check("plain", json!({})).await;
        api.ping_slug("plain?period=abc&schedule=nonsense").await.says(200, "OK");
    }
}
