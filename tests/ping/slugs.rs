//! Slugs: derived from names, or a client's own.

use serde_json::{Value, json};

use crate::support::both_databases;
use crate::support::server::shared;

/// The soft errors of an answer, as `TYPE/CODE`.
fn soft_errors(answer: &Value) -> Vec<String> {
    let list = answer["error_list"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list.map(|error| format!("{}/{}", text(&error["type"]), text(&error["code"]))).collect()
}

both_databases! {
    async fn a_slug_is_derived_from_the_name(database) {
        let api = shared(database).await;
        for (name, slug) in [
            ("Database Backup", "database-backup"), ("  --Größe_1 (prod)!  ", "grosse_1-prod"),
            ("日本", "ri-ben"), ("!!!", ""), ("a  -  b", "a-b"), ("_x_", "x"), ("a/b.c", "abc"),
            ("Ünïcödé Tëst", "unicode-test"), ("Tab\there", "tab-here"), ("a--b---c", "a-b-c"),
            ("-_-a-_-", "a"), ("a_b__c", "a_b__c"), ("100% sure", "100-sure"), ("Ærøskøbing", "aeroskobing"),
            ("МОСКВА", "moskva"), ("", ""),
        ] {
            let check = api.check(name, json!({})).await;
            assert_eq!((&check["slug"], &check["slug_is_custom"]), (&json!(slug), &json!(0)), "{name}");
        }
    }

    async fn a_check_whose_slug_is_empty_is_pinged_by_uuid_only_and_says_so(database) {
        let api = shared(database).await;
        let check = api.check("!!!", json!({})).await;
        assert!(soft_errors(&check).contains(&"SLUG/EMPTY".to_owned()), "{}", check["error_list"]);
        let answer = api.ping_slug("").await;
        assert!([400, 404].contains(&answer.status), "{}", answer.status);
        api.ping(&check, "").await.says(200, "OK");
        assert_eq!(api.read(&check).await["n_pings"], 1);
    }

    async fn a_rename_renames_the_slug(database) {
        let api = shared(database).await;
        let check = api.check("Nightly Run", json!({})).await;
        api.ping_slug("nightly-run").await.says(200, "OK");
        let renamed = api.update(&check, json!({"check_name": "Hourly Run"})).await;
        assert_eq!(renamed["slug"], "hourly-run");
        api.ping_slug("nightly-run").await.says(404, "not found");
        api.ping_slug("hourly-run/0").await.says(200, "OK");
        assert_eq!(api.read(&check).await["n_pings"], 2);
    }

    async fn a_slug_that_is_not_unique_is_a_soft_error_until_one_is_renamed(database) {
        let api = shared(database).await;
        let one = api.check("Twin", json!({})).await;
        assert!(!soft_errors(&one).contains(&"SLUG/NOT_UNIQUE".to_owned()));
        let other = api.check("Twin", json!({})).await;
        assert!(soft_errors(&other).contains(&"SLUG/NOT_UNIQUE".to_owned()));
        api.ping_slug("twin").await.says(409, "ambiguous slug");
        let renamed = api.update(&other, json!({"check_name": "Sibling"})).await;
        assert!(!soft_errors(&renamed).contains(&"SLUG/NOT_UNIQUE".to_owned()));
        api.ping_slug("twin").await.says(200, "OK");
        assert_eq!(api.read(&one).await["n_pings"], 1);
    }

    async fn the_same_slug_in_two_projects_is_not_ambiguous(database) {
        let (ours, theirs) = (shared(database).await, shared(database).await);
        let our_check = ours.check("Common", json!({})).await;
        let their_check = theirs.check("Common", json!({})).await;
        assert_eq!(soft_errors(&their_check), soft_errors(&our_check));
        ours.ping_slug("common").await.says(200, "OK");
        assert_eq!(ours.read(&our_check).await["n_pings"], 1);
        assert_eq!(theirs.read(&their_check).await["n_pings"], 0);
    }

    async fn a_slug_of_the_clients_own_stays_whatever_the_name_becomes(database) {
        let api = shared(database).await;
        let check = api.check("Some Name", json!({"slug": "my_own-slug"})).await;
        assert_eq!((&check["slug"], &check["slug_is_custom"]), (&json!("my_own-slug"), &json!(1)));
        let renamed = api.update(&check, json!({"check_name": "Another Name"})).await;
        assert_eq!((&renamed["slug"], &renamed["slug_is_custom"]), (&json!("my_own-slug"), &json!(1)));
        api.ping_slug("my_own-slug").await.says(200, "OK");
        api.ping_slug("another-name").await.says(404, "not found");
        let again = api.update(&check, json!({"slug": "second"})).await;
        assert_eq!((&again["slug"], &again["slug_is_custom"]), (&json!("second"), &json!(1)));
        api.ping_slug("my_own-slug").await.says(404, "not found");
        api.ping_slug("second").await.says(200, "OK");
    }

    async fn a_null_slug_is_derived_from_the_name_again(database) {
        let api = shared(database).await;
        let check = api.check("First Name", json!({"slug": "own"})).await;
        api.update(&check, json!({"check_name": "Second Name"})).await;
        let cleared = api.update(&check, json!({"slug": null})).await;
        assert_eq!((&cleared["slug"], &cleared["slug_is_custom"]), (&json!("second-name"), &json!(0)));
        api.ping_slug("second-name").await.says(200, "OK");
        let renamed = api.update(&check, json!({"check_name": "Third Name"})).await;
        assert_eq!(renamed["slug"], "third-name");
    }

    async fn an_empty_slug_of_the_clients_own_leaves_the_uuid_alone(database) {
        let api = shared(database).await;
        let check = api.check("Hidden", json!({"slug": ""})).await;
        assert_eq!((&check["slug"], &check["slug_is_custom"]), (&json!(""), &json!(1)));
        api.ping_slug("hidden").await.says(404, "not found");
        api.ping(&check, "").await.says(200, "OK");
        let renamed = api.update(&check, json!({"check_name": "Still Hidden"})).await;
        assert_eq!((&renamed["slug"], &renamed["slug_is_custom"]), (&json!(""), &json!(1)));
    }

    async fn a_slug_of_other_characters_can_not_be_set(database) {
        let api = shared(database).await;
        let check = api.check("strict", json!({})).await;
        for slug in ["Upper", "a b", "a.b", "ö", "a/b"] {
            let change = json!({"slug": slug});
            let message = api.put(&api.check_path(&check, ""), &change).await.fatal(400);
            assert!(message.starts_with("slug: "), "{message}");
        }
        assert_eq!(api.read(&check).await["slug"], "strict");
    }
}
