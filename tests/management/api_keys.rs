//! The keys of the Healthchecks dialect, as the management API and the page of the project have them.

use serde_json::json;

use crate::pages::desk::Desk;
use crate::support::both_databases;

both_databases! {
    async fn an_owner_makes_a_key_on_the_page_and_it_is_shown_once(database) {
        let mut desk = Desk::open(database).await;
        let settings = format!("{}/settings", desk.project);
        let made = desk.visitor.submit(&format!("{settings}/api-keys"), &[("read_only", "1")]).await;
        assert_eq!(made.status, 200, "{}", made.text());
        let after = made.text().split("id=\"new-api-key\">").nth(1).unwrap();
        let key = after.split('<').next().unwrap().to_owned();
        assert!(key.len() == 32 && key.starts_with("hcr_"), "{key}");
        let page = desk.visitor.get(&settings).await;
        assert!(!page.text().contains(&key) && page.text().contains(&key[..8]), "{}", page.text());
        let url = format!("{}/api/v3/checks/", desk.server.base());
        let ask = async || {
            let client = crate::support::server::http_client();
            client.get(&url).header("X-Api-Key", &key).send().await.unwrap().status().as_u16()
        };
        assert_eq!(ask().await, 200);
        let revoke = page.text().split('"').find(|part| part.ends_with("/revoke")).unwrap().to_owned();
        assert_eq!(desk.visitor.submit(&revoke, &[]).await.status, 303);
        assert_eq!(ask().await, 401);
    }

    async fn a_token_makes_no_key_and_a_project_that_is_not_there_has_none(database) {
        let server = crate::support::server::TestServer::start(database, &[]).await;
        let api = server.owner().await;
        api.post(&api.path("/api-key"), &json!({})).await.fatal(403);
        let unknown = server.cli(&["api-key", "create", "--project", "999"], "");
        assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no such project"));
    }
}
