//! The API description at `/docs/api.json`: it names the commands that there are, with the fields
//! and parameters that they take, and every answer in it is one that is sent.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::shared;

use super::{fields, send_json};

/// The methods of HTTP that the dialect could know.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

/// The description, fetched as anybody can: without a token.
async fn description(api: &Api) -> Value {
    let answer = api.send("GET", "/docs/api.json", &[], "").await;
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    answer.ok()
}

/// A described path with ids in it that fit the shared project, or nothing at all.
fn concrete(path: &str, api: &Api) -> String {
    let path = path.replace("{project_id}", &api.project.to_string());
    let parts = path.split('/').map(|part| if part.starts_with('{') { "999999999" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let paths = description["paths"].as_object().unwrap();
    let of = |path: &String, item: &Value| -> Vec<_> {
        let item = item.as_object().unwrap().iter();
        item.map(|(method, told)| (path.clone(), method.to_uppercase(), told.clone())).collect()
    };
    paths.iter().flat_map(|(path, item)| of(path, item)).collect()
}

/// The names that a refusal of an unknown one lists.
fn listed(message: &str) -> BTreeSet<String> {
    let Some((_, names)) = message.split_once("is unknown: there are ") else {
        assert!(message.contains("is unknown: this command takes no"), "{message}");
        return BTreeSet::new();
    };
    names.split(", ").map(str::to_owned).collect()
}

fn names(object: Option<&Map<String, Value>>) -> BTreeSet<String> {
    object.map(|object| object.keys().cloned().collect()).unwrap_or_default()
}

/// Every `$ref` in a description, wherever it stands.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(to)) = object.get("$ref") {
                found.insert(to.clone());
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

both_databases! {
    async fn the_description_and_the_routes_name_the_same_commands(database) {
        let api = shared(database).await;
        let description = description(&api).await;
        assert_eq!(description["openapi"], "3.1.0");
        let paths = description["paths"].as_object().unwrap();
        for (path, item) in paths {
            let known: BTreeSet<String> =
                item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
            let unknown = METHODS.into_iter().filter(|method| !known.contains(*method));
            for method in unknown {
                // Without a token: 404 and 405 are told to everybody.
                let answer = api.send(method, &concrete(path, &api), &[], "").await;
                let allow = answer.header("allow").to_owned();
                answer.fatal(405);
                let mut allowed: BTreeSet<String> =
                    allow.split(',').map(|one| one.trim().to_owned()).collect();
                allowed.remove("HEAD");
                assert_eq!(allowed, known, "{path}");
            }
            for method in &known {
                api.send(method, &concrete(path, &api), &[], "").await.fatal(401);
            }
        }
    }

    async fn a_command_takes_the_fields_and_parameters_that_are_described(database) {
        let api = shared(database).await;
        let description = description(&api).await;
        let keys = api.path("/api-key");
        for (path, method, told) in operations(&description) {
            let path = concrete(&path, &api);
            if method == "GET" {
                let wanted: BTreeSet<String> = told["parameters"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter(|parameter| parameter["in"] == "query")
                    .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                    .collect();
                let answer = api.get(&format!("{path}?no_such_one=1")).await;
                assert_eq!(listed(&answer.fatal(400)), wanted, "{method} {path}");
                continue;
            }
            let body = &told["requestBody"]["content"]["application/json"];
            if body.is_null() && !told["requestBody"].is_null() {
                continue; // It takes no JSON.
            }
            let wanted = names(body["schema"]["properties"].as_object());
            let answer = send_json(&api, &method, &path, r#"{"no_such_one": 1}"#).await;
            if method == "POST" && ["/user/token", "/user/access-key", &keys].contains(&path.as_str()) {
                answer.fatal(403); // For sessions alone, whatever stands in the body.
                continue;
            }
            assert_eq!(listed(&answer.fatal(400)), wanted, "{method} {path}");
        }
    }

    async fn every_answer_has_an_example_and_every_reference_leads_somewhere(database) {
        let api = shared(database).await;
        let description = description(&api).await;
        let mut ids = BTreeSet::new();
        for (path, method, told) in operations(&description) {
            assert!(ids.insert(told["operationId"].to_string()), "{}", told["operationId"]);
            assert!(!told["summary"].as_str().unwrap().is_empty(), "{method} {path}");
            for (status, response) in told["responses"].as_object().unwrap() {
                let response = match response["$ref"].as_str() {
                    Some(to) => description.pointer(&to[1..]).unwrap_or_else(|| panic!("{to}")),
                    None => response,
                };
                let content = response["content"].as_object().unwrap();
                assert_eq!(content.len(), 1, "{method} {path} {status}");
                let example = &content.values().next().unwrap()["example"];
                assert!(!example.is_null(), "{method} {path} {status}");
                if status != "200" {
                    assert_eq!(fields(example), ["statusCode", "error", "message"]);
                    assert_eq!(example["statusCode"].to_string(), *status);
                }
            }
            if let Some(content) = told["requestBody"]["content"].as_object() {
                assert!(content.values().all(|body| !body["example"].is_null()), "{path}");
            }
        }
        let mut to = BTreeSet::new();
        references(&description, &mut to);
        for to in to {
            assert!(description.pointer(&to[1..]).is_some(), "{to}");
        }
    }

    async fn fields_and_parameters_say_what_they_are(database) {
        let api = shared(database).await;
        let description = description(&api).await;
        for (name, schema) in description["components"]["schemas"].as_object().unwrap() {
            assert!(schema["description"].is_string(), "{name}");
            for (field, told) in schema["properties"].as_object().into_iter().flatten() {
                let says = told["description"].is_string()
                    || told["oneOf"].as_array().is_some_and(|parts| !parts.is_empty());
                assert!(says, "{name}.{field}: {told}");
            }
        }
        for (path, method, told) in operations(&description) {
            for parameter in told["parameters"].as_array().into_iter().flatten() {
                let says = parameter["description"].is_string()
                    || parameter["schema"]["description"].is_string()
                    || parameter["schema"]["items"]["description"].is_string();
                assert!(says, "{method} {path}: {parameter}");
            }
            let properties = &told["requestBody"]["content"]["application/json"]["schema"]["properties"];
            for (field, told) in properties.as_object().into_iter().flatten() {
                assert!(told["description"].is_string(), "{method} {path}: {field}");
            }
        }
    }

    async fn the_description_names_every_soft_error_and_when_it_comes(database) {
        let api = shared(database).await;
        let description = description(&api).await;
        let text = description["info"]["description"].as_str().unwrap();
        for kind in overdue::service::remark::ALL {
            let row = format!("| `{}/{}` | {} | {} |", kind.group, kind.code, kind.when, kind.remedy);
            assert!(text.contains(&row), "{row}");
        }
        assert_eq!(json!(["cookie", "bearer"]), json!(names(
            description["components"]["securitySchemes"].as_object()).into_iter().rev().collect::<Vec<_>>()));
    }
}
