//! Export and import: a project as TOML, and a project brought to the state of a file.

use overdue::service::transfer;
use serde_json::{Value, json};

use super::desk::{Desk, Told};
use super::{fields, soft_errors};
use crate::support::Database;
use crate::support::both_databases;

const TOML: &str = "application/toml";

/// A server with an owner's session.
struct Room {
    desk: Desk,
    owner: String,
}

/// A project in it.
#[derive(Clone, Copy)]
struct Project(i64);

impl Project {
    fn path(self, tail: &str) -> String {
        format!("/user/project/{}{tail}", self.0)
    }
}

impl Room {
    async fn new(database: Database) -> Self {
        Self::with_most_checks(database, 10_000).await
    }

    async fn with_most_checks(database: Database, most: u32) -> Self {
        let desk = Desk::with(database, |config| {
            config.api.requests_per_second = 0;
            config.checks.max_count = most;
        });
        let desk = desk.await;
        let owner = desk.sign_in().await;
        Self { desk, owner }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Told {
        self.desk.call(&self.owner, method, path, Some(body).filter(|body| !body.is_null())).await
    }

    async fn project(&self, name: &str) -> Project {
        let made = self.call("POST", "/user/project", json!({"project_name": name})).await.ok();
        Project(made["project_id"].as_i64().unwrap())
    }

    async fn channel(&self, project: Project, body: Value) -> Value {
        self.call("POST", &project.path("/channel"), body).await.ok()
    }

    async fn check(&self, project: Project, body: Value) -> Value {
        self.call("POST", &project.path("/check"), body).await.ok()
    }

    async fn list(&self, project: Project, what: &str) -> Vec<Value> {
        let list =
            self.call("GET", &project.path(&format!("/{what}-list")), Value::Null).await.ok();
        list["list"].as_array().unwrap().clone()
    }

    async fn export(&self, project: Project) -> String {
        self.export_with(project, "").await
    }

    async fn export_with(&self, project: Project, query: &str) -> String {
        let path = project.path(&format!("/export{query}"));
        let (status, media_type, text) = self.desk.send(&self.owner, "GET", &path, "", "").await;
        assert_eq!(
            (status, media_type.as_str()),
            (200, "application/toml; charset=utf-8"),
            "{text}"
        );
        text
    }

    async fn try_import(&self, token: &str, project: Project, text: &str) -> (u16, Value) {
        let path = project.path("/import");
        let (status, _, answer) = self.desk.send(token, "POST", &path, TOML, text.to_owned()).await;
        (status, serde_json::from_str(&answer).unwrap())
    }

    async fn import(&self, project: Project, text: &str) -> Value {
        let (status, answer) = self.try_import(&self.owner, project, text).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn refuses(&self, project: Project, text: &str) -> String {
        let (status, answer) = self.try_import(&self.owner, project, text).await;
        assert_eq!(status, 400, "{answer}");
        answer["message"].as_str().unwrap().to_owned()
    }

    /// A project with everything that is awkward: equal names and slugs, secrets, odd texts.
    async fn awkward(&self) -> Project {
        let project = self.project("Awkward \"quoted\" \\ näme").await;
        self.call("PUT", &project.path(""), json!({"auto_create": 0})).await.ok();
        let hook = json!({
            "url_down": "https://user:hunter2@example.org/hook",
            "headers_down": {"X-Zeta": "zzz-secret", "Authorization": "Bearer top-secret"},
            "body_down": "{\"name\": \"$NAME\"}\r\n\t'''\"\"\"\\",
        });
        self.channel(project, json!({"kind": "webhook", "channel_name": "ops", "config": hook}))
            .await;
        let plain = json!({"url_up": "https://example.org/up"});
        let more = json!({
            "kind": "webhook", "channel_name": "ops", "config": plain, "on_down": 0, "after": 5,
            "remind_every": 60, "disabled": 1,
        });
        let second = self.channel(project, more).await["channel_id"].clone();
        let same = json!({"check_name": "Twin", "channels": [second]});
        self.check(project, same.clone()).await;
        self.check(project, same).await;
        self.check(project, json!({"check_name": "Twin", "slug": "twin", "channels": []})).await;
        let full = json!({
            "check_name": "日本 \u{1f600} \u{2028} # [[checks]] '''\"\"\"\\", "slug": "", "tags": ["b", "a", "größe:1"],
            "description": "line\nline\u{7f}\"\"\"", "period": 60, "grace": 120, "max_runtime": 90,
            "early_tolerance": 0, "failure_threshold": 3, "flap_threshold": 0, "manual_resume": 1,
            "methods": "POST", "start_kw": "a,b", "success_kw": "ok", "failure_kw": "'bad'",
            "filter_subject": 1, "filter_body": 1, "filter_http_body": 1, "filter_default_fail": 1,
            "timezone": "Europe/Berlin",
        });
        let check = self.check(project, full).await;
        let path = project.path(&format!("/check/{}", check["check_id"]));
        self.call("PUT", &path, json!({"paused": 1})).await.ok();
        let twins = self.list(project, "check").await;
        for more in [
            json!({"title": "", "checks": [twins[1]["check_id"], check["check_id"]], "tags": ["a", "B"]}),
            json!({"title": "", "tags": ["nobody"]}),
            json!({"title": "All \"of\" it"}),
        ] {
            let mut body =
                json!({"starts_at": "2027-01-15T08:00:00Z", "ends_at": "2027-01-15T09:00:00.5Z"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            self.call("POST", &project.path("/maintenance"), body).await.ok();
        }
        project
    }
}

/// What is left out of the file of a project.
fn secrets() -> [&'static str; 4] {
    ["hunter2", "zzz-secret", "top-secret", "Bearer"]
}

/// A file of so many parts.
fn lines(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().concat()
}

both_databases! {
    async fn an_export_holds_all_that_is_written_and_nothing_else(database) {
        let room = Room::new(database).await;
        let project = room.awkward().await;
        let text = room.export(project).await;
        for secret in secrets() {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        let file: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(file["format"].as_integer(), Some(1));
        assert_eq!(file["project"]["auto_create"].as_integer(), Some(0));
        assert_eq!(file["channels"][0]["config"]["secret"].as_str(), Some("whsec_***"));
        assert_eq!(file["channels"][0]["config"]["url_down"].as_str(), Some("https://user:***@example.org/hook"));
        let full = file["checks"][3].as_table().unwrap();
        let own = room.list(project, "check").await;
        for name in ["uuid", "check_id", "channel_id", "project_id", "ping_key", "ping_url"] {
            assert!(!text.contains(&format!("{name} =")), "{name}");
        }
        for check in &own {
            assert!(!text.contains(check["uuid"].as_str().unwrap()));
        }
        // Every field that PUT takes, with the value that is read; null in words.
        for (name, value) in own[3].as_object().unwrap() {
            let written = full.get(name).map(|value| serde_json::to_value(value).unwrap());
            match name.as_str() {
                "check_id" | "uuid" | "device_id" | "status" | "started" | "ping_url" | "slug_url" | "n_pings"
                | "last_ping_at" | "last_start_at" | "last_duration" | "next_ping_at" | "alert_at"
                | "created_at" | "updated_at" | "schedule" => assert_eq!(written, None, "{name}"),
                "timezone" => assert_eq!(written, Some(json!("Europe/Berlin"))),
                "channels" => assert_eq!(written, Some(json!(["ops", {"name": "ops", "nth": 2}]))),
                _ => assert_eq!(written.as_ref(), Some(value), "{name}"),
            }
        }
        assert_eq!(full["paused"].as_integer(), Some(1));
        assert_eq!(file["checks"][0]["max_runtime"].as_str(), Some("grace"));
        assert_eq!(file["checks"][0]["early_tolerance"].as_str(), Some("auto"));
        assert_eq!(text, room.export(project).await);
    }

    async fn a_project_made_from_a_file_has_that_file(database) {
        let room = Room::new(database).await;
        let project = room.awkward().await;
        for query in ["", "?secrets=0", "?secrets=1"] {
            let text = room.export_with(project, query).await;
            let copy = room.project("Empty").await;
            let answer = room.import(copy, &text).await;
            assert_eq!(answer["created"].as_array().unwrap().len(), 9, "{answer}");
            assert_eq!(room.export_with(copy, query).await, text, "{query}");
            let again = room.import(copy, &text).await;
            assert_eq!((&again["created"], &again["updated"], &again["unchanged"]), (&json!([]), &json!([]), &json!(9)));
            assert_eq!(room.export_with(copy, query).await, text, "{query}");
            let uuids = async |project| -> Vec<Value> {
                room.list(project, "check").await.into_iter().map(|check| check["uuid"].clone()).collect()
            };
            let (old, new) = (uuids(project).await, uuids(copy).await);
            assert!(new.iter().all(|uuid| uuid.is_string() && !old.contains(uuid)));
        }
        // Its own file changes nothing in a project.
        let text = room.export(project).await;
        let answer = room.import(project, &text).await;
        assert_eq!((&answer["created"], &answer["updated"], &answer["unchanged"]), (&json!([]), &json!([]), &json!(9)));
        assert_eq!(room.export_with(project, "?secrets=1").await.matches("***").count(), 1, "only in the head");
    }

    async fn an_import_tells_what_it_made_and_what_it_changed(database) {
        let room = Room::new(database).await;
        let project = room.project("Diff").await;
        let config = json!({"url_down": "https://example.org/a", "headers_down": {"X-Key": "old-key"}});
        room.channel(project, json!({"kind": "webhook", "channel_name": "ops", "config": config})).await;
        room.check(project, json!({"check_name": "Nightly", "grace": 600})).await;
        room.check(project, json!({"check_name": "Left alone"})).await;
        let answer = room.import(project, r#"
            [project]
            project_name = "Renamed"

            [[channels]]
            channel_name = "ops"
            after = 5
            [channels.config]
            url_down = "https://example.org/b"
            headers_down = { X-Key = "new-key" }

            [[checks]]
            check_name = "Nightly"
            grace = 900
            max_runtime = 60
            paused = 1

            [[checks]]
            check_name = "New one"
        "#).await;
        assert_eq!(fields(&answer), ["created", "updated", "unchanged", "error_list"]);
        assert_eq!(answer, json!({
            "created": [{"type": "check", "name": "New one", "slug": "new-one"}],
            "updated": [
                {"type": "project", "name": "Renamed", "changes": {
                    "project_name": {"old": "Diff", "new": "Renamed"},
                }},
                {"type": "channel", "name": "ops", "changes": {
                    "after": {"old": 0, "new": 5},
                    "config.headers_down": {"hidden": 1},
                    "config.url_down": {"old": "https://example.org/a", "new": "https://example.org/b"},
                }},
                {"type": "check", "name": "Nightly", "slug": "nightly", "changes": {
                    "grace": {"old": 600, "new": 900},
                    "max_runtime": {"old": "grace", "new": 60},
                    "paused": {"old": 0, "new": 1},
                }},
            ],
            "unchanged": 0,
            "error_list": [],
        }));
        let checks = room.list(project, "check").await;
        assert_eq!(checks.len(), 3);
        assert_eq!((&checks[0]["grace"], &checks[0]["status"]), (&json!(900), &json!("paused")));
        assert_eq!((&checks[2]["grace"], &checks[2]["channels"]), (&json!(3600), &checks[0]["channels"]));
        let secret = room.export_with(project, "?secrets=1").await;
        assert!(secret.contains("new-key") && !secret.contains("old-key"), "{secret}");
    }

    async fn what_is_left_out_stays(database) {
        let room = Room::new(database).await;
        let project = room.project("Partial").await;
        room.check(project, json!({"check_name": "A", "slug": "own", "grace": 600, "tags": ["x"]})).await;
        room.check(project, json!({"check_name": "B"})).await;
        let before = room.export(project).await;
        let answer = room.import(project, "[[checks]]\ncheck_name = \"A\"").await;
        assert_eq!((&answer["updated"], &answer["unchanged"]), (&json!([]), &json!(1)));
        assert_eq!(room.import(project, "").await["unchanged"], 0);
        assert_eq!(room.export(project).await, before);
    }

    async fn a_check_is_known_by_its_slug_and_keeps_its_uuid(database) {
        let room = Room::new(database).await;
        let project = room.project("Names").await;
        let check = room.check(project, json!({"check_name": "Old name"})).await;
        let file = "[[checks]]\ncheck_name = \"New name\"\nslug = \"old-name\"\nslug_is_custom = 0";
        let answer = room.import(project, file).await;
        assert_eq!(answer["updated"][0]["changes"]["slug"], json!({"old": "old-name", "new": "new-name"}));
        let seen = room.list(project, "check").await;
        assert_eq!((seen.len(), &seen[0]["uuid"], &seen[0]["check_name"]), (1, &check["uuid"], &json!("New name")));
        let again = room.import(project, file).await;
        assert_eq!((&again["created"], &again["updated"]), (&json!([]), &json!([])));
        let answer = room.import(project, "[[checks]]\ncheck_name = \"New name\"\nslug = \"mine\"").await;
        assert_eq!(answer["updated"][0]["slug"], "mine");
        assert_eq!(room.list(project, "check").await[0]["slug_is_custom"], 1);
    }

    async fn a_bad_file_changes_nothing_and_is_told_where(database) {
        let room = Room::new(database).await;
        let project = room.project("Bad").await;
        room.channel(project, json!({"kind": "webhook", "channel_name": "ops", "config": {"url_down": "https://example.org/"}})).await;
        room.channel(project, json!({"kind": "spike", "channel_name": "duty", "config": {"url": "https://example.org/a"}})).await;
        room.check(project, json!({"check_name": "A"})).await;
        let before = room.export_with(project, "?secrets=1").await;
        let good = "[project]\nproject_name = \"Changed\"\n[[checks]]\ncheck_name = \"A\"\ngrace = 61\n[[checks]]\ncheck_name = \"New\"\n";
        let channel = "[[channels]]\nchannel_name = \"ops\"\n";
        let new = "[[channels]]\nchannel_name = \"new\"\nkind = \"webhook\"\n";
        for (more, start) in [
            ("[[checks]]\ncheck_name = \"B\"\ngrace = 0".to_owned(), "checks[2].grace: must be between 1 and 31536000 seconds (line 10)"),
            ("[[checks]]\ncheck_name = \"B\"\nperiod = true".to_owned(), "checks[2].period: must be a whole number"),
            ("[[checks]]\ncheck_name = \"B\"\nslug = \"Ä\"\nslug_is_custom = 0".to_owned(), "checks[2].slug: must have only"),
            ("[[checks]]\ncheck_name = \"B\"\ntags = [\"a b\"]".to_owned(), "checks[2].tags: must each have"),
            ("[[checks]]\ncheck_name = \"B\"\ntimezone = \"Moon\"".to_owned(), "checks[2].timezone: must be an IANA"),
            ("[[checks]]\ncheck_name = \"B\"\ndescription = \"\\u0000\"".to_owned(), "checks[2].description: must not contain"),
            ("[[checks]]\ncheck_name = \"B\"\nchannels = [\"none\"]".to_owned(), "checks[2].channels: must be names of channels"),
            ("[[checks]]\ncheck_name = \"B\"\nchannels = [{name = \"ops\", nth = 2}]".to_owned(), "checks[2].channels: must be names"),
            ("[[checks]]\ncheck_name = \"B\"\nuuid = \"x\"".to_owned(), "checks[2].uuid: is unknown"),
            ("[[checks]]\ncheck_name = \"B\\u0001\"".to_owned(), "checks[2].check_name: must have at most 100 characters, no control characters but tabs (line 9)"),
            ("[[maintenances]]\ntitle = \"a\\nb\"".to_owned(), "maintenances[0].title: must have at most 100 characters, no control"),
            ("[[maintenance]]\n".to_owned(), "maintenance: is unknown"),
            ("[[maintenances]]\ntitle = \"x\"".to_owned(), "maintenances[0].starts_at: is required"),
            ("[[maintenances]]\ntitle = \"x\"\nstarts_at = 1".to_owned(), "maintenances[0].starts_at: must be a time such as"),
            ("[[maintenances]]\ntitle = \"x\"\nrepeat = \"@daily\"".to_owned(), "maintenances[0].duration: is required where repeat is given"),
            ("[[maintenances]]\ntitle = \"x\"\nstarts_at = 2027-01-15T08:00:00Z\nends_at = 2027-01-15T08:00:00Z".to_owned(), "maintenances[0].ends_at: must be later than starts_at"),
            ("[[maintenances]]\ntitle = \"x\"\nstarts_at = 2027-01-15T08:00:00Z\nends_at = 2027-01-15T09:00:00Z\nchecks = [\"none\"]".to_owned(), "maintenances[0].checks: must be names of checks"),
            ("[[channels]]\nchannel_name = \"a\\nb\"".to_owned(), "channels[0].channel_name: must have 1 to 100 characters, no control"),
            (format!("{channel}after = -1"), "channels[0].after: must be between 0 and 10080"),
            (format!("{channel}kind = \"slack\""), "channels[0].kind: is webhook in the project"),
            (format!("{channel}config = {{}}"), "channels[0].config.url_down: is needed"),
            (format!("{channel}config = {{ url_down = \"https://example.com/\", secret = \"whsec_***\" }}"), "channels[0].config.secret: the secret is hidden"),
            (format!("{channel}config = {{ colour = 1 }}"), "channels[0].config.colour: is no field"),
            ("[[channels]]\nchannel_name = \"duty\"\ngroup_threshold = 1".to_owned(), "channels[0].group_threshold: must be 0 for spike: it keeps an incident"),
            ("[[channels]]\nchannel_name = \"new\"\nkind = \"pagertree\"\ngroup_threshold = 5\nconfig = { integration_id = \"int_x\" }".to_owned(), "channels[0].group_threshold: must be 0 for pagertree"),
            (new.to_owned(), "channels[0].config: is required"),
            (format!("{new}config = 1"), "channels[0].config: must be an object"),
            ("[[channels]]\nchannel_name = \"new\"\nconfig = {}".to_owned(), "channels[0].kind: is required"),
            ("[[channels]]\nchannel_name = \"new\"\nkind = \"pigeon\"\nconfig = {}".to_owned(), "channels[0].kind: must be one of"),
            ("[[channels]]\nchannel_name = \"\"\n".to_owned(), "channels[0]."),
            ("= 1".to_owned(), "the body must be TOML; line 8: "),
        ] {
            let message = room.refuses(project, &format!("{good}{more}")).await;
            assert!(message.starts_with(start), "{more:?}: {message}");
        }
        let message = room.refuses(project, "[project]\nproject_name = \" \"").await;
        assert!(message.starts_with("project.project_name: must have 1 to 100"), "{message}");
        let message = room.refuses(project, &format!("a = {}", "[".repeat(10_000))).await;
        assert!(message.starts_with("the body must be TOML"), "{message}");
        assert_eq!(room.export_with(project, "?secrets=1").await, before);
    }

    async fn an_import_takes_toml_alone_up_to_a_mebibyte(database) {
        let room = Room::new(database).await;
        let path = room.project("Bodies").await.path("/import");
        let send = async |media_type: &str, body: Vec<u8>| {
            let (status, _, text) = room.desk.send(&room.owner, "POST", &path, media_type, body).await;
            let answer: Value = serde_json::from_str(&text).unwrap();
            (status, answer["message"].as_str().unwrap_or_default().to_owned())
        };
        for media_type in ["", "application/json", "text/plain", "application/tomlx"] {
            for body in ["", "format = 1"] {
                let (status, message) = send(media_type, body.into()).await;
                assert_eq!((status, message.as_str()), (400, "Content-Type: must be application/toml"), "{media_type}");
            }
        }
        assert_eq!(send("Application/TOML; charset=utf-8", b"format = 1".to_vec()).await.0, 200);
        assert_eq!(send(TOML, Vec::new()).await.0, 200);
        let (status, message) = send(TOML, b"a = \"\xff\"".to_vec()).await;
        assert_eq!((status, message.as_str()), (400, "the body must be UTF-8, and is not at byte 5"));
        let comment = |size: usize| [b"#".to_vec(), vec![b'x'; size - 1]].concat();
        assert_eq!(send(TOML, comment(1_048_576)).await.0, 200);
        assert_eq!(send(TOML, comment(1_048_577)).await.0, 413);
    }

    async fn secrets_are_for_an_owners_session_alone(database) {
        let room = Room::new(database).await;
        let project = room.awkward().await;
        let token = room.desk.token("script", 3600).await;
        let (_, editor) = room.desk.sign_up("e@example.org").await;
        let body = json!({"email": "e@example.org", "role": "editor"});
        room.call("POST", &project.path("/member"), body).await.ok();
        let (_, outsider) = room.desk.sign_up("x@example.org").await;
        let ask = async |token: &str, query: &str| {
            let path = project.path(&format!("/export{query}"));
            room.desk.send(token, "GET", &path, "", "").await
        };
        for secret in secrets() {
            assert!(ask(&room.owner, "?secrets=1").await.2.contains(secret), "{secret}");
        }
        assert_eq!(ask(&token, "?secrets=1").await.0, 403);
        assert_eq!(ask(&editor, "?secrets=1").await.0, 403);
        assert_eq!((ask(&token, "").await.0, ask(&editor, "?secrets=0").await.0), (200, 200));
        assert_eq!((ask(&outsider, "").await.0, ask(&outsider, "?secrets=1").await.0), (403, 403));
        for query in ["?secrets=2", "?secrets=true", "?secrets=1&secrets=1", "?colour=1"] {
            assert_eq!(ask(&room.owner, query).await.0, 400, "{query}");
        }
    }

    async fn a_new_channel_without_its_secrets_is_disabled_until_they_are_entered(database) {
        let room = Room::new(database).await;
        let text = room.export(room.awkward().await).await;
        let copy = room.project("Copy").await;
        let answer = room.import(copy, &text).await;
        let disabled = |answer: &Value| -> Vec<String> {
            let list = answer["error_list"].as_array().unwrap().iter();
            let disabled = list.filter(|error| error["code"] == "DISABLED");
            disabled.map(|error| error["message"].as_str().unwrap().to_owned()).collect()
        };
        let told = disabled(&answer);
        assert_eq!(told.len(), 2, "{answer}");
        for field in ["config.url_down", "config.headers_down.Authorization", "config.secret"] {
            assert!(told[0].contains(field), "{told:?}");
        }
        // As long as they are missing it is told again, and nothing is changed.
        assert_eq!(disabled(&room.import(copy, &text).await), told);
        let channel = room.list(copy, "channel").await.swap_remove(0);
        assert_eq!(channel["disabled"], 1);
        let path = copy.path(&format!("/channel/{}", channel["channel_id"]));
        let message = room.call("PUT", &path, json!({"disabled": 0})).await.fatal(400);
        assert!(message.starts_with("disabled: must be 1 until") && message.contains("config.secret"), "{message}");
        let config = json!({"url_down": "https://example.org/x", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
        let entered = room.call("PUT", &path, json!({"disabled": 0, "config": config})).await.ok();
        assert_eq!((&entered["disabled"], &entered["error_list"]), (&json!(0), &json!([])));
    }

    async fn a_channel_keeps_the_secrets_that_a_file_leaves_out(database) {
        let room = Room::new(database).await;
        let project = room.awkward().await;
        let (plain, whole) = (room.export(project).await, room.export_with(project, "?secrets=1").await);
        room.import(project, &plain.replace("after = 0", "after = 7")).await;
        assert_eq!(room.export_with(project, "?secrets=1").await, whole.replace("after = 0", "after = 7"));
        // A file with all secrets needs nothing entered, and says nothing.
        let copy = room.project("Whole").await;
        let answer = room.import(copy, &whole).await;
        assert!(!answer.to_string().contains("is entered"), "{answer}");
        assert_eq!(room.list(copy, "channel").await[0]["disabled"], 0);
        for secret in secrets() {
            assert!(!answer.to_string().contains(secret), "{secret} in {answer}");
        }
    }

    async fn maintenance_windows_are_made_and_changed_by_their_titles(database) {
        let room = Room::new(database).await;
        let project = room.project("Windows").await;
        let file = |end: &str, checks: &str| format!(
            "[[maintenances]]\ntitle = \"disks\"\nstarts_at = 2027-01-15T08:00:00Z\nends_at = {end}\n{checks}\n\
             [[checks]]\ncheck_name = \"A\"\nchannels = []\n[[checks]]\ncheck_name = \"B\"\nchannels = []"
        );
        let answer = room.import(project, &file("\"2027-01-15T09:00:00Z\"", "checks = [\"B\"]")).await;
        assert_eq!(answer["created"][2], json!({"type": "maintenance", "name": "disks"}));
        let checks = room.list(project, "check").await;
        let window = room.list(project, "maintenance").await.swap_remove(0);
        assert_eq!(window["checks"], json!([checks[1]["check_id"]]));
        assert_eq!(window["ends_at"], "2027-01-15T09:00:00.000000Z");
        let answer = room.import(project, &file("2027-01-15T10:00:00Z", "checks = [\"B\", \"A\"]")).await;
        assert_eq!(answer["updated"], json!([{"type": "maintenance", "name": "disks", "changes": {
            "checks": {"old": ["B"], "new": ["A", "B"]},
            "ends_at": {"old": "2027-01-15T09:00:00.000000Z", "new": "2027-01-15T10:00:00.000000Z"},
        }}]));
        assert_eq!(room.list(project, "maintenance").await[0]["checks"].as_array().unwrap().len(), 2);
        let odd = "[[maintenances]]\ntitle = \"past\"\nstarts_at = 2020-01-15T08:00:00Z\nends_at = 2020-01-15T09:00:00Z\ntags = [\"none\"]";
        assert_eq!(soft_errors(&room.import(project, odd).await), ["MAINTENANCE/ENDED", "MAINTENANCE/COVERS_NOTHING"]);
        assert_eq!(soft_errors(&room.import(project, odd).await), Vec::<String>::new());
        assert_eq!(room.list(project, "maintenance").await.len(), 2);
    }

    async fn windows_that_repeat_are_carried_over(database) {
        let room = Room::new(database).await;
        let project = room.project("Windows").await;
        let file = "[[maintenances]]\ntitle = \"weekly\"\nrepeat = \"Sun 02:00\"\nduration = 7200";
        room.import(project, file).await;
        let text = room.export(project).await;
        assert!(text.contains("ends_at = \"never\"\nrepeat = \"Sun 02:00\"\nduration = 7200"), "{text}");
        assert_eq!(room.import(project, &text).await["updated"], json!([]));
        let once = "starts_at = 2027-01-15T08:00:00Z\nends_at = 2027-01-15T09:00:00Z";
        room.import(project, &format!("[[maintenances]]\ntitle = \"weekly\"\nrepeat = \"\"\n{once}")).await;
        let window = room.list(project, "maintenance").await.swap_remove(0);
        assert_eq!((&window["repeat"], &window["duration"]), (&Value::Null, &Value::Null));
        // Each of the two files makes of the other's window what it says, bounds included.
        let one_off = room.export(project).await;
        room.import(project, &text).await;
        assert_eq!(room.export(project).await, text);
        room.import(project, &one_off).await;
        assert_eq!(room.export(project).await, one_off);
        let message = room.refuses(project, "[[maintenances]]\ntitle = \"b\"\nrepeat = \"daily\"").await;
        assert!(message.starts_with("maintenances[0].duration: is required where repeat is given"), "{message}");
    }

    async fn what_needs_attention_is_told_once_for_all(database) {
        let room = Room::new(database).await;
        let project = room.project("Attention").await;
        let file = "[[checks]]\ncheck_name = \"Twin\"\n[[checks]]\ncheck_name = \"Twin\"\n[[checks]]\ncheck_name = \"!\"";
        let answer = room.import(project, file).await;
        assert_eq!(soft_errors(&answer), ["SLUG/NOT_UNIQUE", "SLUG/EMPTY", "CHANNEL/NONE_ASSIGNED"]);
        assert_eq!(soft_errors(&room.import(project, file).await), Vec::<String>::new());
    }

    async fn ceilings_hold(database) {
        let room = Room::with_most_checks(database, 2).await;
        let project = room.project("Full").await;
        room.check(project, json!({"check_name": "A"})).await;
        let two = "[[checks]]\ncheck_name = \"B\"\n[[checks]]\ncheck_name = \"C\"";
        let (status, answer) = room.try_import(&room.owner, project, two).await;
        assert_eq!(status, 403);
        assert!(answer["message"].as_str().unwrap().starts_with("checks: the project would have 3"), "{answer}");
        assert_eq!(room.list(project, "check").await.len(), 1);
        room.import(project, "[[checks]]\ncheck_name = \"A\"\n[[checks]]\ncheck_name = \"B\"").await;
        let many = lines(1001, |n| {
            format!("[[channels]]\nchannel_name = \"{n}\"\nkind = \"webhook\"\nconfig = {{url_up = \"http://a\"}}\n")
        });
        let (status, answer) = room.try_import(&room.owner, project, &many).await;
        assert_eq!((status, &answer["message"].as_str().unwrap()[..9]), (403, "channels:"));
        assert_eq!(room.list(project, "channel").await.len(), 0);
    }

    async fn roles_decide_who_may_import_what(database) {
        let room = Room::new(database).await;
        let project = room.project("Roles").await;
        let mut tokens = Vec::new();
        for role in ["viewer", "editor"] {
            let email = format!("{role}@example.org");
            tokens.push(room.desk.sign_up(&email).await.1);
            room.call("POST", &project.path("/member"), json!({"email": email, "role": role})).await.ok();
        }
        let (_, outsider) = room.desk.sign_up("x@example.org").await;
        let (viewer, editor) = (&tokens[0], &tokens[1]);
        let check = "[[checks]]\ncheck_name = \"A\"";
        assert_eq!(room.try_import(viewer, project, check).await.0, 403);
        assert_eq!(room.try_import(&outsider, project, check).await.0, 403);
        assert_eq!(room.try_import(&outsider, Project(999_999), check).await.0, 403);
        assert_eq!(room.try_import(editor, project, check).await.0, 200);
        let rename = |name: &str| format!("[project]\nproject_name = \"{name}\"\n{check}\n[[checks]]\ncheck_name = \"B\"");
        let (status, answer) = room.try_import(editor, project, &rename("Mine")).await;
        assert_eq!(status, 403);
        assert!(answer["message"].as_str().unwrap().contains("ask an owner"), "{answer}");
        assert_eq!(room.list(project, "check").await.len(), 1);
        assert_eq!(room.try_import(editor, project, &rename("Roles")).await.0, 200);
        assert_eq!(room.list(project, "check").await.len(), 2);
    }

    async fn a_preview_tells_the_same_and_does_nothing(database) {
        let room = Room::new(database).await;
        let project = room.project("Preview").await;
        room.check(project, json!({"check_name": "A"})).await;
        let before = room.export(project).await;
        let file = "[[checks]]\ncheck_name = \"A\"\ngrace = 60\n[[checks]]\ncheck_name = \"B\"";
        let report = transfer::preview(&room.desk.ctx, room.desk.user_id, project.0, file).await.unwrap();
        assert_eq!((report.created.len(), report.updated.len(), report.unchanged), (1, 1, 0));
        assert_eq!(room.export(project).await, before);
    }

    async fn thousands_of_checks_are_imported_in_their_order(database) {
        let room = Room::new(database).await;
        let project = room.project("Many").await;
        let file = lines(1000, |n| format!("[[checks]]\ncheck_name = \"c{}\"\n", (n * 7919) % 1000));
        let answer = room.import(project, &file).await;
        assert_eq!(answer["created"].as_array().unwrap().len(), 1000);
        let text = room.export(project).await;
        let parsed: toml::Table = toml::from_str(&text).unwrap();
        let names: Vec<&str> =
            parsed["checks"].as_array().unwrap().iter().map(|check| check["check_name"].as_str().unwrap()).collect();
        let wanted: Vec<String> = (0..1000).map(|n| format!("c{}", (n * 7919) % 1000)).collect();
        assert_eq!(names, wanted);
        let answer = room.import(project, &file.replace("]]\n", "]]\ngrace = 77\n")).await;
        assert_eq!(answer["updated"].as_array().unwrap().len(), 1000);
        assert_eq!(room.list(project, "check").await[99]["grace"], 77);
    }

    async fn a_file_that_is_too_large_is_cut_before_a_check_and_imported_in_parts(database) {
        let room = Room::new(database).await;
        let project = room.project("Large").await;
        let config = json!({"url_down": "https://example.org/"});
        room.channel(project, json!({"kind": "webhook", "channel_name": "ops", "config": config})).await;
        let about = "x".repeat(9000);
        let check = |n: usize| format!("[[checks]]\ncheck_name = \"c{n}\"\ndescription = \"{about}\"\n");
        let window = "[[maintenances]]\ntitle = \"w\"\nstarts_at = 2027-02-01T00:00:00Z\nends_at = 2027-02-02T00:00:00Z\nchecks = [\"c1\", \"c119\"]\n";
        room.import(project, &lines(60, check)).await;
        room.import(project, &(lines(60, |n| check(60 + n)) + window)).await;
        let file = room.export(project).await;
        let copy = room.project("Copy").await;
        assert_eq!(room.try_import(&room.owner, copy, &file).await.0, 413);
        let (middle, _) = file.match_indices("\n[[checks]]\n").nth(60).unwrap();
        let (first, second) = file.split_at(middle);
        room.import(copy, first).await;
        room.import(copy, second).await;
        assert_eq!(room.export(copy).await, file);
        // Where one reads of the way out.
        let description = room.call("GET", "/docs/api.json", Value::Null).await.ok();
        for (command, method) in [("export", "get"), ("import", "post")] {
            let told = &description["paths"][format!("/user/project/{{project_id}}/{command}")][method]["description"];
            assert!(told.as_str().unwrap().contains("before a `[[checks]]`"), "{command}: {told}");
        }
    }

    async fn two_imports_of_one_file_at_once_make_everything_once(database) {
        let room = Room::new(database).await;
        let project = room.project("Race").await;
        let file = lines(20, |n| format!("[[checks]]\ncheck_name = \"c{n}\"\n"));
        let (one, two) = tokio::join!(room.import(project, &file), room.import(project, &file));
        let made = |answer: &Value| answer["created"].as_array().unwrap().len();
        let mut counts = [made(&one), made(&two)];
        counts.sort_unstable();
        assert_eq!(counts, [0, 20]);
        assert_eq!(room.list(project, "check").await.len(), 20);
    }

    async fn schedules_are_carried_over_whole(database) {
        let room = Room::new(database).await;
        let project = room.project("Scheduled").await;
        for (name, schedule) in
            [("cron", "30 3 * * MON-FRI"), ("calendar", "Mon..Fri 03:30\n*-*~01 12:00 Asia/Tokyo"), ("never", "0 0 30 2 *")]
        {
            let body = json!({
                "check_name": name, "schedule": schedule, "timezone": "Europe/Budapest", "early_tolerance": 5,
            });
            room.check(project, body).await;
        }
        let text = room.export(project).await;
        assert!(!text.contains("period ="), "{text}");
        let copy = room.project("Copy").await;
        let answer = room.import(copy, &text).await;
        let never = answer["error_list"].as_array().unwrap().iter().find(|one| one["code"] == "NEVER_FIRES");
        assert!(never.unwrap()["message"].as_str().unwrap().ends_with(": \"never\""), "{answer}");
        assert_eq!(room.export(copy).await, text);
        let again = room.import(copy, &text).await;
        assert_eq!((&again["updated"], &again["error_list"]), (&json!([]), &json!([])));
        // Old names of zones are the same zones.
        let old = "[[checks]]\ncheck_name = \"a\"\nschedule = \"@daily\"\ntimezone = \"Asia/Calcutta\"";
        room.import(copy, old).await;
        let made = room.list(copy, "check").await.pop().unwrap();
        assert_eq!((&made["kind"], &made["timezone"]), (&json!("cron"), &json!("Asia/Kolkata")));
        assert_eq!(room.import(copy, old).await["updated"], json!([]));
        for (lines, says) in [
            ("kind = \"cron\"\nschedule = \"61 * * * *\"", "checks[0].schedule: minute: 61 is not within 0–59"),
            ("kind = \"oncalendar\"", "checks[0].schedule: is required where kind is oncalendar"),
            ("kind = \"simple\"\nschedule = \"@daily\"", "checks[0].schedule: belongs to kind cron"),
            ("kind = \"weekly\"", "checks[0].kind: must be one of simple, cron, oncalendar"),
        ] {
            let message = room.refuses(copy, &format!("[[checks]]\ncheck_name = \"b\"\n{lines}")).await;
            assert!(message.starts_with(says), "{message}");
        }
        let simple = "[[checks]]\ncheck_name = \"a\"\nkind = \"simple\"\nperiod = 120";
        room.import(copy, simple).await;
        let made = room.list(copy, "check").await.pop().unwrap();
        assert_eq!((&made["kind"], &made["period"], &made["schedule"]), (&json!("simple"), &json!(120), &Value::Null));
    }

    async fn an_import_moves_deadlines_like_any_other_change(database) {
        let room = Room::new(database).await;
        let project = room.project("Deadlines").await;
        let check = room.check(project, json!({"check_name": "A", "period": 3600, "grace": 600})).await;
        let watched = check["check_id"].as_i64().unwrap();
        let mut tx = room.desk.ctx.store.begin().await.unwrap();
        let mut one = overdue::store::states::load_one(&mut tx, watched).await.unwrap().unwrap();
        one.state.status = overdue::domain::check::Status::Up;
        let now = room.desk.ctx.now();
        (one.state.base_at, one.state.last_ping_at) = (Some(now), Some(now));
        overdue::store::states::save(&mut tx, &[one], now).await.unwrap();
        tx.commit().await.unwrap();
        let alert_at = async || room.list(project, "check").await[0]["alert_at"].clone();
        assert_eq!(alert_at().await, "2027-01-15T09:10:00.000000Z");
        room.import(project, "[[checks]]\ncheck_name = \"A\"\ngrace = 1200").await;
        assert_eq!(alert_at().await, "2027-01-15T09:20:00.000000Z");
        room.import(project, "[[checks]]\ncheck_name = \"A\"\npaused = 1").await;
        assert_eq!(alert_at().await, Value::Null);
        let answer = room.import(project, "[[checks]]\ncheck_name = \"A\"\npaused = 0").await;
        assert_eq!(answer["updated"][0]["changes"], json!({"paused": {"old": 1, "new": 0}}));
        assert_eq!(room.list(project, "check").await[0]["status"], "new");
    }
}
