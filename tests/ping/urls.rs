//! Which addresses are pings, and of what kind.

use serde_json::json;

use crate::support::api::{ping_path, uuid_of};
use crate::support::both_databases;
use crate::support::server::shared;

/// Addresses under a check's that are no endpoint.
const NO_ENDPOINTS: [&str; 14] = [
    "/256",
    "/300",
    "/1000",
    "/99999999999999999999",
    "/+1",
    "/-1",
    "/1.0",
    "/1e1",
    "/0x1",
    "/abc",
    "/START",
    "/%D9%A3",
    "/%201",
    "/1%20",
];

both_databases! {
    async fn each_endpoint_of_a_uuid_is_a_ping_of_its_kind(database) {
        let api = shared(database).await;
        let check = api.check("endpoints", json!({})).await;
        for tail in ["", "/start", "/fail", "/log", "/0", "/1"] {
            api.ping(&check, tail).await.says(200, "OK");
        }
        assert_eq!(api.kinds(&check).await, ["success", "start", "fail", "log", "success", "fail"]);
    }

    async fn each_endpoint_of_a_slug_is_a_ping_of_its_kind(database) {
        let api = shared(database).await;
        let check = api.check("Database Backup", json!({})).await;
        for tail in ["", "/start", "/fail", "/log", "/0", "/1"] {
            api.ping_slug(&format!("database-backup{tail}")).await.says(200, "OK");
        }
        assert_eq!(api.kinds(&check).await, ["success", "start", "fail", "log", "success", "fail"]);
    }

    async fn pings_are_taken_at_the_root_as_well(database) {
        let api = shared(database).await;
        let check = api.check("Root Form", json!({})).await;
        for tail in ["", "/", "/start", "/fail", "/log", "/3"] {
            api.hit("GET", &format!("/{}{tail}", uuid_of(&check))).await.says(200, "OK");
            let by_slug = format!("/{}/root-form{tail}", api.ping_key);
            api.hit("GET", &by_slug).await.says(200, "OK");
        }
        let of_each = ["success", "success", "start", "fail", "log", "fail"];
        let twice: Vec<&str> = of_each.iter().flat_map(|kind| [*kind, *kind]).collect();
        assert_eq!(api.kinds(&check).await, twice);
    }

    async fn a_trailing_slash_makes_no_difference(database) {
        let api = shared(database).await;
        let check = api.check("slash", json!({})).await;
        for tail in ["", "/start", "/fail", "/log", "/7"] {
            api.ping(&check, &format!("{tail}/")).await.says(200, "OK");
            api.ping_slug(&format!("slash{tail}/")).await.says(200, "OK");
        }
        assert_eq!(api.read(&check).await["n_pings"], 10);
        let exit_statuses: Vec<_> =
            api.pings(&check).await.iter().map(|ping| ping["exit_status"].clone()).collect();
        assert_eq!(exit_statuses[..2], [json!(7), json!(7)]);
    }

    async fn an_exit_status_of_0_is_a_success_and_any_other_a_failure(database) {
        let api = shared(database).await;
        let check = api.check("exit", json!({})).await;
        for status in [0, 1, 2, 9, 10, 99, 100, 127, 199, 254, 255, 0] {
            api.ping(&check, &format!("/{status}")).await.says(200, "OK");
            let expected = if status == 0 { ("success", "up") } else { ("fail", "down") };
            let ping = api.last_ping(&check).await;
            let state = api.read(&check).await;
            assert_eq!(ping["exit_status"], status);
            assert_eq!((ping["kind"].as_str(), state["status"].as_str()), (Some(expected.0), Some(expected.1)));
        }
    }

    async fn leading_zeros_of_an_exit_status_count_for_nothing(database) {
        let api = shared(database).await;
        let check = api.check("zeros", json!({})).await;
        for (written, meant) in [("007", 7), ("000", 0), ("0255", 255)] {
            api.ping(&check, &format!("/{written}")).await.says(200, "OK");
            assert_eq!(api.last_ping(&check).await["exit_status"], meant, "{written}");
        }
    }

    async fn what_is_no_exit_status_is_refused_and_nothing_is_stored(database) {
        let api = shared(database).await;
        let check = api.check("refused", json!({})).await;
        for tail in NO_ENDPOINTS {
            api.ping(&check, tail).await.says(400, "invalid url format");
            api.ping_slug(&format!("refused{tail}")).await.says(400, "invalid url format");
            let at_root = format!("/{}{tail}", uuid_of(&check));
            api.hit("GET", &at_root).await.says(400, "invalid url format");
        }
        assert_eq!(api.read(&check).await["n_pings"], 0);
    }

    async fn an_address_with_more_parts_than_an_endpoint_has_stores_nothing(database) {
        let api = shared(database).await;
        let check = api.check("long", json!({})).await;
        for tail in ["/start/now", "/1/2", "/start/start/start"] {
            let answer = api.ping(&check, tail).await;
            assert!([400, 404].contains(&answer.status), "{tail}: {}", answer.status);
            answer.has_ping_headers();
        }
        assert_eq!(api.read(&check).await["n_pings"], 0);
    }

    async fn an_address_is_judged_before_anything_is_looked_up(database) {
        let api = shared(database).await;
        let nobodys = "07c2f548-9850-4b27-af5d-6c9dc157ec02";
        for tail in NO_ENDPOINTS {
            let unknown = api.hit("GET", &format!("/ping/{nobodys}{tail}")).await;
            unknown.says(400, "invalid url format");
        }
        let unknown_key = "A".repeat(22);
        let bad_slug = api.hit("GET", &format!("/ping/{unknown_key}/No.Slug")).await;
        bad_slug.says(400, "invalid url format");
    }

    async fn a_slug_of_other_characters_is_refused(database) {
        let api = shared(database).await;
        for slug in ["Backup", "a.b", "a%20b", "gr%C3%B6sse", "a+b", "a:b", "a%00", "%FF"] {
            for tail in ["", "/start", "/1", "?create=1"] {
                api.ping_slug(&format!("{slug}{tail}")).await.says(400, "invalid url format");
            }
            let at_root = format!("/{}/{slug}", api.ping_key);
            api.hit("GET", &at_root).await.says(400, "invalid url format");
        }
    }

    async fn a_check_that_does_not_exist_is_not_found(database) {
        let api = shared(database).await;
        for tail in ["", "/", "/start", "/fail", "/log", "/0", "/255", "?create=1"] {
            let uuid = format!("/07c2f548-9850-4b27-af5d-6c9dc157ec02{tail}");
            api.hit("GET", &uuid).await.says(404, "not found");
            api.hit("POST", &format!("/ping{uuid}")).await.says(404, "not found");
        }
        for tail in ["", "/start", "/fail", "/log", "/1"] {
            api.ping_slug(&format!("no-such-check{tail}")).await.says(404, "not found");
            let root = format!("/{}/no-such-check{tail}", api.ping_key);
            api.hit("GET", &root).await.says(404, "not found");
        }
    }

    async fn a_deleted_check_is_not_found_any_more(database) {
        let api = shared(database).await;
        let check = api.check("short-lived", json!({})).await;
        api.ping(&check, "").await.says(200, "OK");
        api.delete(&api.check_path(&check, "")).await.ok();
        api.ping(&check, "").await.says(404, "not found");
        api.ping_slug("short-lived").await.says(404, "not found");
    }

    async fn the_checks_of_other_projects_are_not_found_by_this_ping_key(database) {
        let (ours, theirs) = (shared(database).await, shared(database).await);
        theirs.check("theirs", json!({})).await;
        ours.ping_slug("theirs").await.says(404, "not found");
        theirs.ping_slug("theirs").await.says(200, "OK");
    }

    async fn a_new_ping_key_takes_the_place_of_the_old_one(database) {
        let mut api = shared(database).await;
        let check = api.check("keyed", json!({})).await;
        api.ping_slug("keyed").await.says(200, "OK");
        api.post(&api.path("/ping-key"), &json!({})).await.ok();
        api.ping_slug("keyed").await.says(404, "not found");
        let project = api.get(&api.path("")).await.ok();
        project["ping_key"].as_str().unwrap().clone_into(&mut api.ping_key);
        api.ping_slug("keyed").await.says(200, "OK");
        assert_eq!(api.read(&check).await["n_pings"], 2);
    }

    async fn a_uuid_in_any_other_spelling_is_not_found(database) {
        let api = shared(database).await;
        let check = api.check("spelling", json!({})).await;
        let uuid = uuid_of(&check);
        let bare = uuid.replace('-', "");
        let spellings = [
            uuid.to_uppercase(), bare.clone(), format!("%7B{uuid}%7D"), format!("urn:uuid:{uuid}"),
            format!("{uuid}0"), uuid[..35].to_owned(), format!("%20{uuid}"), "not-uuid".to_owned(),
            format!("{}-{}-{}", &bare[..8], &bare[8..20], &bare[20..]),
        ];
        // A UUID without any letter reads the same in upper case.
        for spelling in spellings.iter().filter(|spelling| *spelling != uuid) {
            api.hit("GET", &format!("/ping/{spelling}")).await.says(404, "not found");
            api.hit("GET", &format!("/{spelling}")).await.says(404, "not found");
        }
        assert_eq!(api.read(&check).await["n_pings"], 0);
    }

    async fn a_ping_key_is_16_random_bytes_in_base64url(database) {
        let (one, other) = (shared(database).await, shared(database).await);
        for key in [&one.ping_key, &other.ping_key] {
            let fits = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            assert!(key.len() == 22 && key.chars().all(fits), "{key}");
            // 16 bytes are 128 of the 132 bits that 22 characters hold: the last four are zero.
            assert!(key.ends_with(['A', 'Q', 'g', 'w']), "{key}");
        }
        assert_ne!(one.ping_key, other.ping_key);
    }

    async fn ping_addresses_that_name_no_check_are_not_found(database) {
        let api = shared(database).await;
        for path in ["/ping", "/ping/", "/ping/not-a-key/slug", "/ping/not-a-key/slug/start"] {
            api.hit("GET", path).await.says(404, "not found");
        }
    }

    async fn a_root_path_that_nobody_owns_is_not_found_as_text(database) {
        let api = shared(database).await;
        for path in ["/nobody-owns-this", "/nobody/owns/this", "/a/b/c/d/e"] {
            let answer = api.hit("GET", path).await;
            assert_eq!((answer.status, answer.text()), (404, "not found"), "{path}");
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        }
    }

    async fn root_pings_leave_the_other_dialects_their_own_answers(database) {
        let api = shared(database).await;
        api.get("/user").await.fatal(404);
        api.get("/user/").await.fatal(404);
        api.get("/user/nonsense").await.fatal(404);
        assert_eq!(api.hit("GET", "/healthz").await.status, 200);
    }

    async fn the_addresses_that_a_check_prints_are_the_ones_that_work(database) {
        let api = shared(database).await;
        let check = api.check("Printed", json!({})).await;
        let ping_url = check["ping_url"].as_str().unwrap();
        let slug_url = check["slug_url"].as_str().unwrap();
        assert!(ping_url.ends_with(&ping_path(&check, "")), "{ping_url}");
        assert!(slug_url.ends_with(&api.slug_path("printed")), "{slug_url}");
    }
}
