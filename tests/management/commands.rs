//! The table of commands, written out as the contract has it, and held command by command: the API
//! description names the same ones, and every method of each answers 405, 401 and 403 to whom it
//! must, in this order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{add_member, new_token, with_token};
use crate::support::answer::Answer;
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::{TestServer, shared, webhook};

/// The least that somebody must be to run a command with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Least {
    /// Anybody with a token of their own.
    Anybody,
    /// Who may see the project.
    Viewer,
    /// Who may change it.
    Editor,
    /// Who may say who else may.
    Owner,
    /// Somebody signed in: no token, whosever it is.
    Session,
}
use Least::{Anybody, Editor, Owner, Session, Viewer};

/// A path, and what it knows: each method with who may run it.
type Line = (&'static str, &'static [(&'static str, Least)]);

/// What it answers can be pinged with: reading it needs both scopes, and a role that may change.
const SNIPPET: &str = "C/snippet";

/// `P` is `/user/project/{project_id}`, `C` is `P/check/{check_id}`.
const COMMANDS: [Line; 48] = [
    ("/user/profile", &[("GET", Anybody), ("PUT", Anybody)]),
    ("/user/token-list", &[("GET", Anybody)]),
    ("/user/token", &[("POST", Session)]),
    ("/user/token/{token_id}", &[("GET", Anybody), ("PUT", Anybody), ("DELETE", Anybody)]),
    ("/user/request-list", &[("GET", Anybody)]),
    ("/user/project-list", &[("GET", Anybody)]),
    ("/user/project", &[("POST", Anybody)]),
    ("P", &[("GET", Viewer), ("PUT", Owner), ("DELETE", Owner)]),
    ("P/ping-key", &[("POST", Owner)]),
    ("P/member-list", &[("GET", Viewer)]),
    ("P/member", &[("POST", Owner)]),
    ("P/member/{user_id}", &[("PUT", Owner), ("DELETE", Owner)]),
    ("P/check-list", &[("GET", Viewer)]),
    ("P/check", &[("POST", Editor)]),
    ("C", &[("GET", Viewer), ("PUT", Editor), ("DELETE", Editor)]),
    ("P/check/stats", &[("GET", Viewer)]),
    ("C/ping-list", &[("GET", Viewer)]),
    ("C/ping/{n}", &[("GET", Viewer)]),
    ("C/ping/{n}/body", &[("GET", Viewer)]),
    ("C/run-list", &[("GET", Viewer)]),
    ("C/flip-list", &[("GET", Viewer)]),
    ("C/notification-list", &[("GET", Viewer)]),
    ("P/notification-list", &[("GET", Viewer)]),
    ("C/schedule-preview", &[("GET", Viewer)]),
    ("P/schedule-preview", &[("GET", Viewer)]),
    ("P/channel-list", &[("GET", Viewer)]),
    ("P/channel", &[("POST", Editor)]),
    ("P/channel/{channel_id}", &[("GET", Viewer), ("PUT", Editor), ("DELETE", Editor)]),
    ("P/channel/{channel_id}/test", &[("POST", Editor)]),
    ("P/maintenance-list", &[("GET", Viewer)]),
    ("P/maintenance", &[("POST", Editor)]),
    ("P/maintenance/{maintenance_id}", &[("GET", Viewer), ("PUT", Editor), ("DELETE", Editor)]),
    ("P/export", &[("GET", Viewer)]),
    ("P/import", &[("POST", Editor)]),
    ("P/status-page-list", &[("GET", Viewer)]),
    ("P/status-page", &[("POST", Editor)]),
    ("P/status-page/{status_page_id}", &[("GET", Viewer), ("PUT", Editor), ("DELETE", Editor)]),
    ("C/replay", &[("GET", Viewer)]),
    ("/user/access-key-list", &[("GET", Anybody)]),
    ("/user/access-key", &[("POST", Session)]),
    ("/user/access-key/{access_key_id}", &[("DELETE", Anybody)]),
    ("P/api-key-list", &[("GET", Editor)]),
    ("P/api-key", &[("POST", Session)]),
    ("P/api-key/{api_key_id}", &[("DELETE", Owner)]),
    (SNIPPET, &[("GET", Editor)]),
    // Nothing else stands under these, whatever it is called.
    ("/user/nonsense", &[]),
    ("P/nonsense", &[]),
    ("C/nonsense", &[]),
];

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

/// The path as the description writes it.
fn whole(path: &str) -> String {
    let project = "/user/project/{project_id}";
    match path.split_at(1) {
        ("P", rest) => format!("{project}{rest}"),
        ("C", rest) => format!("{project}/check/{{check_id}}{rest}"),
        _ => path.to_owned(),
    }
}

/// What `Allow` must name; empty where there is no such command.
fn allowed(line: &Line) -> BTreeSet<&'static str> {
    let mut methods: BTreeSet<_> = line.1.iter().map(|(method, _)| *method).collect();
    if methods.contains("GET") {
        methods.insert("HEAD");
    }
    methods
}

/// Who need be to run this method; none where it is not known.
fn least(line: &Line, method: &str) -> Option<Least> {
    let method = if method == "HEAD" { "GET" } else { method };
    line.1.iter().find(|(known, _)| *known == method).map(|(_, least)| *least)
}

/// A project with one of each, its owner, and the tokens of others.
struct Stage {
    owner: Api,
    check: Value,
    channel: Value,
}

impl Stage {
    async fn new(owner: &Api) -> Self {
        let owner = Api::new_project(owner.address, &owner.token).await;
        let check = owner.check("Staged", json!({})).await;
        owner.ping_with(&check, "", "said").await.says(200, "OK");
        let hook = webhook("https://127.0.0.1:9/");
        let channel = owner.post(&owner.path("/channel"), &hook).await.ok();
        Self { owner, check, channel }
    }

    /// The path of a command with ids of what is there; 1 where nothing of that kind is.
    fn path(&self, line: &Line) -> String {
        let ids = [
            ("{project_id}", json!(self.owner.project)),
            ("{check_id}", self.check["check_id"].clone()),
            ("{channel_id}", self.channel["channel_id"].clone()),
        ];
        let path =
            ids.iter().fold(whole(line.0), |path, (name, id)| path.replace(name, &id.to_string()));
        let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        let query = match line.0 {
            "P/schedule-preview" => "?kind=simple&period=3600",
            SNIPPET => "?lang=bash",
            _ => "",
        };
        format!("{path}{query}")
    }
}

/// What a command is sent so that nothing but who asks can be wrong with it.
fn body(path: &str, method: &str) -> Option<Value> {
    match (path, method) {
        (_, "GET" | "HEAD" | "DELETE" | "PATCH" | "OPTIONS") | ("P/import", _) => None,
        ("/user/project", _) => Some(json!({"project_name": "x"})),
        ("/user/token", _) => Some(json!({"subject": "x", "expires_in": 60})),
        ("P/check", _) => Some(json!({"check_name": "x"})),
        ("P/channel", _) => Some(webhook("https://127.0.0.1:9/")),
        ("P/member", _) => Some(json!({"email": "nobody@example.org", "role": "viewer"})),
        ("P/member/{user_id}", _) => Some(json!({"role": "viewer"})),
        ("P/status-page", _) => Some(json!({"title": "x"})),
        ("P/maintenance", _) => Some(json!({
            "title": "x", "starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-01T01:00:00Z",
        })),
        _ => Some(json!({})),
    }
}

async fn run(api: &Api, stage: &Stage, line: &Line, method: &str) -> Answer {
    let body = body(line.0, method);
    if line.0 == "P/import" && method == "POST" {
        let bearer = format!("Bearer {}", api.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/toml")];
        return api.send(method, &stage.path(line), &headers, "").await;
    }
    api.call(method.parse().unwrap(), &stage.path(line), body.as_ref()).await
}

/// Holds that it was refused with 403, and, where there is a body to say so, by this word.
#[track_caller]
fn forbids(answer: &Answer, method: &str, word: &str) {
    assert_eq!(answer.status, 403, "{method} {:?}", answer.body);
    if method != "HEAD" {
        let message = answer.fatal(403);
        assert!(message.contains(word), "{message}");
    }
}

/// Holds that it got past all that depends on who asks.
#[track_caller]
fn lets_pass(answer: &Answer, what: &str) {
    assert!(
        ![401, 404, 405].contains(&answer.status) && answer.status < 502,
        "{what} {}",
        answer.status
    );
    if answer.status == 403 && !answer.body.is_empty() {
        let message = answer.fatal(403);
        for word in ["scope", "role", "may not be used from", "project is not yours", "session"] {
            assert!(!message.contains(word), "{what}: {message}");
        }
    }
}

/// The commands of the API description, each path with its methods.
async fn described(api: &Api) -> BTreeMap<String, BTreeSet<String>> {
    let answer = api.hit("GET", "/docs/api.json").await;
    let document = answer.ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().map(|method| method.to_uppercase());
            (path.clone(), methods.filter(|method| METHODS.contains(&method.as_str())).collect())
        })
        .collect()
}

both_databases! {
    async fn the_description_names_the_commands_of_the_contract_and_no_others(database) {
        let api = shared(database).await;
        let written: BTreeMap<String, BTreeSet<String>> = COMMANDS.iter()
            .filter(|(_, methods)| !methods.is_empty())
            .map(|(path, methods)| (whole(path), methods.iter().map(|(m, _)| (*m).to_owned()).collect()))
            .collect();
        assert_eq!(described(&api).await, written);
    }

    async fn what_is_not_known_is_404_or_405_whoever_asks(database) {
        let server = TestServer::start(database, &[]).await;
        let owner = Api::new_project(server.address(), &server.new_user("know@example.org")).await;
        let reader = with_token(&owner, &new_token(&server, "know@example.org", "ro", &["--scopes", "read"]));
        let far = with_token(&owner, &new_token(&server, "know@example.org", "far", &["--allow-ip", "10.0.0.0/8"]));
        let nobody = with_token(&owner, "");
        let stage = Stage::new(&owner).await;
        for line in &COMMANDS {
            let allowed = allowed(line);
            for method in METHODS.iter().filter(|method| !allowed.contains(*method)) {
                let what = format!("{method} {}", line.0);
                for api in [&nobody, &reader, &far, &owner] {
                    let answer = run(api, &stage, line, method).await;
                    let wanted = if allowed.is_empty() { 404 } else { 405 };
                    assert_eq!(answer.status, wanted, "{what}");
                    let named: BTreeSet<_> = answer.header("allow").split(',').filter(|m| !m.is_empty()).collect();
                    assert_eq!(named, allowed, "{what}");
                }
            }
            let deeper = format!("{}/nonsense/nonsense", stage.path(line).split('?').next().unwrap());
            nobody.hit("GET", &deeper).await.fatal(404);
            owner.post(&deeper, &json!({})).await.fatal(404);
        }
    }

    async fn every_command_asks_for_a_token_then_its_address_then_its_scope(database) {
        let server = TestServer::start(database, &[]).await;
        let owner = Api::new_project(server.address(), &server.new_user("scope@example.org")).await;
        let token = |name: &str, more: &[&str]| with_token(&owner, &new_token(&server, "scope@example.org", name, more));
        let (reader, writer) = (token("ro", &["--scopes", "read"]), token("wo", &["--scopes", "write"]));
        let far = token("far", &["--allow-ip", "10.0.0.0/8", "--scopes", "read"]);
        let forged = with_token(&owner, &format!("{}x", owner.token));
        let stage = Stage::new(&owner).await;
        for line in &COMMANDS {
            for method in METHODS.iter().filter(|method| least(line, method).is_some()) {
                let what = format!("{method} {}", line.0);
                for api in [&with_token(&owner, ""), &forged] {
                    let answer = run(api, &stage, line, method).await;
                    assert_eq!(answer.status, 401, "{what}");
                    assert_eq!(answer.header("www-authenticate"), "Bearer", "{what}");
                }
                forbids(&run(&far, &stage, line, method).await, method, "may not be used from 127.0.0.1");
                let (with, without, lacking) = match *method {
                    "GET" | "HEAD" => (&reader, &writer, "lacks the scope read"),
                    _ => (&writer, &reader, "lacks the scope write"),
                };
                forbids(&run(without, &stage, line, method).await, method, lacking);
                // What it has the scope for it may try; what would end the stage is left to others.
                if line.0 == SNIPPET {
                    forbids(&run(with, &stage, line, method).await, method, "the scope write");
                } else if matches!(*method, "GET" | "HEAD") {
                    lets_pass(&run(with, &stage, line, method).await, &what);
                }
            }
        }
    }

    async fn every_command_of_a_project_asks_for_its_role(database) {
        let server = TestServer::start(database, &[]).await;
        let owner = Api::new_project(server.address(), &server.new_user("owner@example.org")).await;
        let mut people = Vec::new();
        for role in ["stranger", "viewer", "editor"] {
            people.push(server.new_user(&format!("{role}@example.org")));
        }
        for line in COMMANDS.iter().filter(|line| whole(line.0).contains("{project_id}")) {
            for (method, least) in line.1 {
                let stage = Stage::new(&owner).await;
                for role in ["viewer", "editor"] {
                    let email = format!("{role}@example.org");
                    add_member(&server.database().url, stage.owner.project, &email, role).await;
                }
                let [stranger, viewer, editor] = [0, 1, 2].map(|n| with_token(&stage.owner, &people[n]));
                let all = [(Anybody, &stranger), (Viewer, &viewer), (Editor, &editor), (Owner, &stage.owner)];
                for (role, api) in all {
                    let what = format!("{method} {} by {role:?}", line.0);
                    let answer = run(api, &stage, line, method).await;
                    if role < *least {
                        let word = match role {
                            _ if *least == Session => "session",
                            Anybody => "project is not yours",
                            _ if line.0 == SNIPPET => "members who may change the project",
                            _ => "needs the role",
                        };
                        forbids(&answer, method, word);
                    } else {
                        lets_pass(&answer, &what);
                        // Once is enough: it may have been deleted by that.
                        break;
                    }
                }
            }
        }
    }
}
