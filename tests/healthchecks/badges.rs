//! Badges: where they are, and what they show.

use serde_json::{Value, json};

use super::{Desk, path_of, send};
use crate::support::both_databases;

/// The path of an address of ours.
fn path(url: &Value) -> String {
    let url = url.as_str().unwrap();
    let host = url.find("://").unwrap() + 3;
    url[host + url[host..].find('/').unwrap()..].to_owned()
}

both_databases! {
    async fn badges_show_the_worst_of_their_checks(database) {
        let desk = Desk::open(database).await;
        let well = desk.check(&json!({"name": "<well>", "tags": "a b/c"})).await;
        let ill = desk.check(&json!({"name": "ill", "tags": "b/c"})).await;
        desk.api.ping(&well, "").await.says(200, "OK");
        desk.api.ping(&ill, "/fail").await.says(200, "OK");
        let all = desk.ok("GET", "/badges/", &Value::Null).await["badges"].clone();
        let mut names: Vec<&String> = all.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["*", "a", "b/c"]);
        let get = async |url: &Value| send(&desk.api, "GET", &path(url), "", "").await;
        for form in ["svg", "svg3", "json", "json3", "shields", "shields3"] {
            assert_eq!(get(&all["a"][form]).await.status, 200, "{form}");
        }
        assert_eq!(get(&all["a"]["json"]).await.json(), json!({"status": "up", "total": 1, "grace": 0, "down": 0}));
        assert_eq!(get(&all["*"]["json3"]).await.json(), json!({"status": "down", "total": 2, "grace": 0, "down": 1}));
        let shields = get(&all["b/c"]["shields"]).await;
        assert_eq!(shields.json(), json!({"schemaVersion": 1, "label": "b/c", "message": "down", "color": "critical"}));
        assert_eq!(shields.header("access-control-allow-origin"), "*");
        let picture = get(&all["b/c"]["svg"]).await;
        assert!(picture.text().contains("#e05d44") && picture.text().contains("b/c"));
        assert_eq!(picture.header("content-type"), "image/svg+xml");
        let picture = get(&well["badge_url"]).await;
        assert!(picture.text().contains("#4c1") && picture.text().contains("&lt;well&gt;"), "{}", picture.text());
        // Of a late check the badge of three states tells.
        let url = path(&well["badge_url"]);
        let three = send(&desk.api, "GET", &url.replace("/b/2/", "/b/3/").replace(".svg", ".json"), "", "").await;
        assert_eq!(three.json()["status"], "up");
        // Nobody guesses what tags there are.
        let own = path(&all["a"]["json"]);
        let forged = own.replace("/a.json", "/b.json");
        assert_eq!(send(&desk.api, "GET", &forged, "", "").await.status, 404);
        for wrong in ["/badge/x/y/z.svg", "/badge/x/y.svg", "/b/2/nothing.svg", "/b/4/x.svg", "/b/2/x"] {
            assert_eq!(send(&desk.api, "GET", wrong, "", "").await.status, 404, "{wrong}");
        }
        assert_eq!(send(&desk.api, "GET", &own.replace(".json", ".png"), "", "").await.status, 404);
        desk.ok("DELETE", &path_of(&ill, ""), &Value::Null).await;
        assert_eq!(get(&ill["badge_url"]).await.status, 404);
    }
}
