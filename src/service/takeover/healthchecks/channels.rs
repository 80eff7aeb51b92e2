//! The channels in a database of Healthchecks: what stands in their column `value`, by kind, and what
//! becomes of it here. Some need what its server has for all of them (a bot's token, an account); that is in
//! its environment, and comes from a file of it.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::IncomingChannel;
use crate::notify::channels::Kind;

/// A row of its table.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) id: i64,
    #[serde(default)]
    name: String,
    code: Uuid,
    kind: String,
    #[serde(default)]
    value: String,
    #[serde(default, deserialize_with = "super::database::flag")]
    email_verified: bool,
    #[serde(default, deserialize_with = "super::database::flag")]
    disabled: bool,
}

/// What stands in the environment of its server, or of its container.
#[derive(Clone, Debug, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// Reads lines such as `TELEGRAM_TOKEN=…`; the rest is passed over.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let pair = |line: &str| {
            let line = line.trim();
            let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
            let value = value.trim();
            let bare = ['"', '\''].iter().find_map(|quote| {
                value.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote))
            });
            Some((name.trim().to_owned(), bare.unwrap_or(value).to_owned()))
        };
        Self(text.lines().filter(|line| !line.trim().starts_with('#')).filter_map(pair).collect())
    }

    fn get(&self, name: &str) -> Result<&str, String> {
        let value = self.0.get(name).map(String::as_str).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            format!("it needs {name}, which its server has in its environment: name a file of it with --env")
        })
    }
}

/// The channels, by the id of their row, and why some can't come along. Those without a name, or with one
/// that another has, get one of their own.
pub(super) fn read(
    rows: &[Row],
    environment: &Environment,
    lost: &mut Vec<String>,
) -> Vec<(i64, IncomingChannel)> {
    let mut taken = HashSet::new();
    let mut names = HashMap::new();
    for row in rows {
        let own = name_of(row);
        let mut name = own.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{own} {number}");
            number += 1;
        }
        names.insert(row.code, name);
    }
    let mut all = Vec::new();
    for row in rows {
        let name = names.get(&row.code).cloned().unwrap_or_default();
        match channel(row, &names, environment) {
            Ok(mut channel) => {
                channel.name = name;
                all.push((row.id, channel));
            }
            Err(why) => lost.push(format!("channel {name:?} ({}): {why}", row.kind)),
        }
    }
    all
}

fn name_of(row: &Row) -> String {
    let name: String = row.name.trim().chars().take(100).collect();
    match (name.as_str(), row.kind.as_str()) {
        ("", "email") => {
            format!("Email to {}", address(&row.value)["value"].as_str().unwrap_or("?"))
        }
        ("", kind) => kind.to_owned(),
        _ => name,
    }
}

/// An email channel's value: once a bare address, now an object.
fn address(value: &str) -> Value {
    match serde_json::from_str(value) {
        Ok(object @ Value::Object(_)) => object,
        _ => json!({"value": value, "up": true, "down": true}),
    }
}

fn channel(
    row: &Row,
    names: &HashMap<Uuid, String>,
    environment: &Environment,
) -> Result<IncomingChannel, String> {
    let value = row.value.as_str();
    let object: Value = match row.kind.as_str() {
        "email" => address(value),
        _ => serde_json::from_str(value).unwrap_or_default(),
    };
    let (kind, config) = settings(&row.kind, value, &object, environment)?;
    let kind = Kind::parse(kind).ok_or("there is no such kind here")?;
    let members = match kind {
        Kind::Group => value
            .split(',')
            .filter_map(|code| names.get(&Uuid::parse_str(code.trim()).ok()?).cloned())
            .collect(),
        _ => Vec::new(),
    };
    let takes = |name: &str| object[name].as_bool().unwrap_or(true);
    Ok(IncomingChannel {
        name: String::new(),
        kind,
        config,
        members,
        on_down: takes("down"),
        on_up: takes("up"),
        is_disabled: row.disabled,
        is_confirmed: row.email_verified,
    })
}

/// The name of the kind here, and its settings.
fn settings(
    kind: &str,
    value: &str,
    object: &Value,
    environment: &Environment,
) -> Result<(&'static str, Value), String> {
    let url = || match object.as_object() {
        Some(_) => object["incoming_webhook"]["url"].clone(),
        None => json!(value),
    };
    let either = |name: &str| match object.as_object() {
        Some(_) => object[name].clone(),
        None => json!(value),
    };
    Ok(match kind {
        "email" => ("email", json!({"email": object["value"]})),
        "webhook" => ("webhook", webhook(object)),
        "slack" => ("slack", json!({"url": url()})),
        "mattermost" => ("mattermost", json!({"url": url()})),
        "rocketchat" => ("rocketchat", json!({"url": value})),
        "discord" => {
            let url = object["webhook"]["url"].as_str().unwrap_or_default();
            ("discord", json!({"url": url.replacen("//discordapp.com/", "//discord.com/", 1)}))
        }
        "msteamsw" => ("msteams", json!({"url": value})),
        "googlechat" => ("googlechat", json!({"url": value})),
        "zulip" => ("zulip", zulip(object)),
        "ntfy" => ("ntfy", ntfy(object)?),
        "gotify" => ("gotify", json!({"url": object["url"], "token": object["token"]})),
        "pushbullet" => ("pushbullet", json!({"token": value})),
        "pd" => ("pagerduty", json!({"routing_key": either("service_key")})),
        "opsgenie" => (
            "opsgenie",
            json!({"api_key": either("key"), "region": object["region"].as_str().unwrap_or("us")}),
        ),
        "victorops" => ("splunkoncall", json!({"url": value})),
        "pagertree" => ("pagertree", json!({"url": value})),
        "spike" => ("spike", json!({"url": value})),
        "group" => ("group", Value::Null),
        "telegram" => {
            let mut config = json!({"token": environment.get("TELEGRAM_TOKEN")?, "chat_id": number(&object["id"])});
            if let Some(thread) = object["thread_id"].as_i64() {
                config["message_thread_id"] = json!(thread);
            }
            ("telegram", config)
        }
        "matrix" => {
            let (server, token) =
                (environment.get("MATRIX_HOMESERVER")?, environment.get("MATRIX_ACCESS_TOKEN")?);
            ("matrix", json!({"url": server, "room_id": value, "access_token": token}))
        }
        "po" => ("pushover", pushover(value, environment.get("PUSHOVER_API_TOKEN")?)?),
        "trello" => {
            let key = environment.get("TRELLO_APP_KEY")?;
            ("trello", json!({"key": key, "token": object["token"], "list_id": object["list_id"]}))
        }
        "sms" => {
            let service = environment.get("TWILIO_MESSAGING_SERVICE_SID");
            let from = service.or_else(|_| environment.get("TWILIO_FROM"))?;
            ("twilio_sms", twilio(object, value, from, environment)?)
        }
        "call" => {
            let from = environment.get("TWILIO_FROM")?;
            ("twilio_call", twilio(object, value, from, environment)?)
        }
        "whatsapp" => {
            return Err("messages go by templates that were approved for its account".to_owned());
        }
        "signal" => return Err("it goes through a server of signal-cli-rest-api here".to_owned()),
        "apprise" => return Err("it goes through a server of the Apprise API here".to_owned()),
        "shell" => {
            return Err(
                "programs are named in channels.commands of the configuration here".to_owned()
            );
        }
        "github" => return Err("it goes by a token here, and by an app there".to_owned()),
        _ => return Err("there is no such kind here".to_owned()),
    })
}

fn webhook(object: &Value) -> Value {
    let mut config = json!({});
    for direction in ["down", "up"] {
        if object[format!("url_{direction}")].as_str().is_none_or(str::is_empty) {
            continue;
        }
        for part in ["url", "method", "headers", "body"] {
            let name = format!("{part}_{direction}");
            if !object[&name].is_null() {
                config[&name] = object[&name].clone();
            }
        }
    }
    config
}

fn zulip(object: &Value) -> Value {
    let text = |name: &str| object[name].as_str().unwrap_or_default();
    let host = text("bot_email").rsplit_once('@').map_or("", |(_, host)| host);
    let site = match text("site") {
        "" => format!("https://{host}"),
        site => site.to_owned(),
    };
    json!({
        "site": site,
        "bot_email": text("bot_email"),
        "api_key": text("api_key"),
        "type": text("mtype"),
        "to": number(&object["to"]),
        "topic": text("topic"),
    })
}

fn ntfy(object: &Value) -> Result<Value, String> {
    let mut config = json!({"url": object["url"], "topic": object["topic"]});
    if let Some(token) = object["token"].as_str().filter(|token| !token.is_empty()) {
        config["token"] = json!(token);
    }
    for (theirs, ours) in [("priority", "priority_down"), ("priority_up", "priority_up")] {
        match object[theirs].as_i64() {
            Some(0) => return Err(format!("its {theirs} is 0, which tells nothing")),
            Some(priority) => config[ours] = json!(priority),
            None => {}
        }
    }
    Ok(config)
}

/// `user|priority|priority of ups`; -3 tells nothing.
fn pushover(value: &str, token: &str) -> Result<Value, String> {
    let mut parts = value.split('|');
    let mut config = json!({"token": token, "user": parts.next().unwrap_or_default()});
    for name in ["priority_down", "priority_up"] {
        let Some(part) = parts.next() else { break };
        let priority: i64 = part.parse().map_err(|_| "its priority is no number")?;
        if priority == -3 {
            return Err(format!("its {name} is -3, which tells nothing"));
        }
        config[name] = json!(priority);
    }
    Ok(config)
}

fn twilio(
    object: &Value,
    value: &str,
    from: &str,
    environment: &Environment,
) -> Result<Value, String> {
    Ok(json!({
        "account_sid": environment.get("TWILIO_ACCOUNT")?,
        "auth_token": environment.get("TWILIO_AUTH")?,
        "from": from,
        "to": object["value"].as_str().unwrap_or(value),
    }))
}

/// A number or a text, as text.
fn number(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::channels::new_config;

    fn row(kind: &str, value: &str) -> Row {
        Row {
            id: 1,
            name: String::new(),
            code: Uuid::nil(),
            kind: kind.to_owned(),
            value: value.to_owned(),
            email_verified: true,
            disabled: false,
        }
    }

    #[test]
    fn every_kind_that_comes_along_has_settings_that_its_kind_here_takes() {
        let environment = Environment::parse(
            "# its own\nTELEGRAM_TOKEN=1:a\nexport MATRIX_HOMESERVER='https://m.example.org'\n\
             MATRIX_ACCESS_TOKEN=\"syt_a\"\nPUSHOVER_API_TOKEN=p\nTRELLO_APP_KEY=t\n\
             TWILIO_ACCOUNT=AC0123456789abcdef0123456789abcdef\nTWILIO_AUTH=b\nTWILIO_FROM=+15005550006\n",
        );
        let slack = r#"{"team_name": "x", "incoming_webhook": {"channel": "c", "url": "https://hooks.slack.com/a"}}"#;
        let webhook = r#"{"method_down": "POST", "url_down": "https://a.example.org/$NAME", "body_down": "x",
            "headers_down": {"A": "b"}, "method_up": "GET", "url_up": "", "body_up": "", "headers_up": {}}"#;
        let zulip = r#"{"bot_email": "b@z.example.org", "api_key": "k", "mtype": "stream", "to": "general"}"#;
        let ntfy = r#"{"topic": "t", "url": "https://ntfy.sh", "priority": 5, "priority_up": 3}"#;
        for (theirs, value, ours) in [
            ("email", "a@example.org", "email"),
            ("email", r#"{"value": "a@example.org", "up": false, "down": true}"#, "email"),
            ("webhook", webhook, "webhook"),
            ("slack", slack, "slack"),
            ("slack", "https://hooks.slack.com/a", "slack"),
            ("mattermost", "https://m.example.org/hooks/a", "mattermost"),
            ("rocketchat", "https://r.example.org/hooks/a", "rocketchat"),
            (
                "discord",
                r#"{"webhook": {"url": "https://discordapp.com/api/webhooks/1/a"}}"#,
                "discord",
            ),
            ("msteamsw", "https://t.example.org/w", "msteams"),
            (
                "googlechat",
                "https://chat.googleapis.com/v1/spaces/a/messages?key=b&token=c",
                "googlechat",
            ),
            ("zulip", zulip, "zulip"),
            ("ntfy", ntfy, "ntfy"),
            ("gotify", r#"{"url": "https://g.example.org", "token": "t"}"#, "gotify"),
            ("pushbullet", "o.a", "pushbullet"),
            ("pd", "0123456789abcdef0123456789abcdef", "pagerduty"),
            ("pd", r#"{"service_key": "0123456789abcdef0123456789abcdef"}"#, "pagerduty"),
            ("opsgenie", r#"{"key": "k", "region": "eu"}"#, "opsgenie"),
            ("victorops", "https://alert.victorops.com/a/b", "splunkoncall"),
            ("pagertree", "https://api.pagertree.com/integration/a", "pagertree"),
            ("spike", "https://hooks.spike.sh/a/push-events", "spike"),
            (
                "telegram",
                r#"{"id": -100123, "thread_id": 4, "type": "group", "name": "n"}"#,
                "telegram",
            ),
            ("matrix", "!a:m.example.org", "matrix"),
            ("po", "u|2|0", "pushover"),
            (
                "trello",
                r#"{"token": "t", "list_id": "l", "board_name": "b", "list_name": "n"}"#,
                "trello",
            ),
            ("sms", r#"{"value": "+4915112345678", "up": false, "down": true}"#, "twilio_sms"),
            ("call", r#"{"value": "+4915112345678"}"#, "twilio_call"),
        ] {
            let mut lost = Vec::new();
            let all = read(&[row(theirs, value)], &environment, &mut lost);
            let [(1, channel)] = all.as_slice() else { panic!("{theirs}: {lost:?}") };
            assert_eq!(channel.kind.as_str(), ours);
            let config = new_config(channel.kind, &channel.config);
            assert!(config.is_ok(), "{theirs}: {config:?}");
            assert_eq!(channel.on_up, !value.contains("\"up\": false"), "{value}");
        }
    }

    #[test]
    fn what_cannot_come_along_says_why() {
        let none = Environment::default();
        for (kind, value, why) in [
            ("telegram", r#"{"id": 1}"#, "TELEGRAM_TOKEN"),
            ("po", "u|0|0", "PUSHOVER_API_TOKEN"),
            ("sms", "+1", "TWILIO_FROM"),
            ("shell", "{}", "channels.commands"),
            ("ntfy", r#"{"priority": 0}"#, "tells nothing"),
            ("hipchat", "x", "no such kind"),
        ] {
            let mut lost = Vec::new();
            assert!(read(&[row(kind, value)], &none, &mut lost).is_empty(), "{kind}");
            assert!(lost[0].contains(why), "{kind}: {lost:?}");
        }
    }

    #[test]
    fn channels_of_one_name_get_names_of_their_own_and_groups_name_their_members() {
        let mut rows = vec![row("pushbullet", "a"), row("pushbullet", "b"), row("group", "")];
        let codes: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        for (row, code) in rows.iter_mut().zip(&codes) {
            row.code = *code;
        }
        rows[2].value = format!("{},{}", codes[0], codes[1].simple());
        let mut lost = Vec::new();
        let all = read(&rows, &Environment::default(), &mut lost);
        let names: Vec<&str> = all.iter().map(|(_, channel)| channel.name.as_str()).collect();
        assert_eq!(names, ["pushbullet", "pushbullet 2", "group"]);
        assert_eq!(all[2].1.members, ["pushbullet", "pushbullet 2"]);
    }
}
