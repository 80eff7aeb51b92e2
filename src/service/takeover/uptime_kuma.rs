//! What a backup of Uptime Kuma has (the JSON file of its first version): push monitors become checks,
//! and what it probes becomes devices. Push tokens are no UUIDs, so that jobs get new addresses.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use super::{Incoming, IncomingCheck, IncomingDevice};
use crate::domain::check::Status;
use crate::domain::monitor::{Device, ServiceType};
use crate::domain::schedule::Kind;
use crate::fault::{Fault, Result};
use crate::service::checks::Change;

/// The shortest period of a check that it makes, in seconds.
const SHORTEST: i64 = 60;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Backup {
    monitor_list: Vec<Value>,
    #[serde(default)]
    notification_list: Vec<Notification>,
}

#[derive(Deserialize)]
struct Notification {
    id: i64,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Monitor {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    hostname: Option<String>,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default = "minute")]
    interval: i64,
    #[serde(default)]
    timeout: Option<f64>,
    #[serde(default, rename = "maxretries")]
    retries: i64,
    #[serde(default)]
    active: Value,
    #[serde(default)]
    keyword: Option<String>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    accepted_statuscodes: Vec<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default, rename = "notificationIDList")]
    notifications: HashMap<String, Value>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

fn minute() -> i64 {
    60
}

/// Reads a backup.
///
/// # Errors
/// It is none.
pub fn read(text: &str) -> Result<Incoming> {
    let backup: Backup = serde_json::from_str(text).map_err(|error| {
        let reason = format!("is no backup of Uptime Kuma, with its monitorList: {error}");
        Fault::invalid("file", reason)
    })?;
    let names: HashMap<String, &str> = backup
        .notification_list
        .iter()
        .map(|notification| (notification.id.to_string(), notification.name.as_str()))
        .collect();
    let mut incoming = Incoming::default();
    for value in backup.monitor_list {
        let name = value["name"].as_str().unwrap_or("?").to_owned();
        let monitor: Monitor = match serde_json::from_value(value) {
            Ok(monitor) => monitor,
            Err(error) => {
                incoming.lost.push(format!("monitor {name:?}: it can't be read: {error}"));
                continue;
            }
        };
        let told = monitor.notifications.iter().filter(|(_, is_on)| is_true(is_on));
        let channels: Vec<String> =
            told.filter_map(|(id, _)| names.get(id).map(|name| (*name).to_owned())).collect();
        if monitor.kind == "push" {
            incoming.checks.push(check(&monitor, channels));
            incoming.lost.push(format!(
                "monitor {name:?}: its push address; its job gets the ping URL of the new check"
            ));
            continue;
        }
        match device(&monitor) {
            Ok((device, notes)) => {
                let is_enabled = is_true(&monitor.active);
                let notes = notes.into_iter().map(|note| format!("monitor {name:?}: {note}"));
                incoming.lost.extend(notes);
                incoming.devices.push(IncomingDevice { name, device, is_enabled, channels });
            }
            Err(why) => incoming.lost.push(format!("monitor {name:?}: {why}")),
        }
    }
    Ok(incoming)
}

fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_i64() == Some(1))
}

fn check(monitor: &Monitor, channels: Vec<String>) -> IncomingCheck {
    let is_active = is_true(&monitor.active);
    let period = monitor.interval.max(SHORTEST);
    IncomingCheck {
        uuid: None,
        change: Change {
            check_name: Some(monitor.name.chars().take(100).collect()),
            description: Some(monitor.description.clone().unwrap_or_default()),
            tags: Some(tags(&monitor.tags)),
            kind: Some(Kind::Simple),
            period: Some(Some(period)),
            schedule: Some(None),
            // It waits for so many more beats before it tells.
            grace: Some((monitor.retries.max(0) * monitor.interval).max(SHORTEST)),
            ..Change::default()
        },
        channels,
        status: if is_active { Status::New } else { Status::Paused },
        n_pings: 0,
        last_ping_at: None,
        last_duration: None,
        pings: Vec::new(),
        flips: Vec::new(),
        badge_uuid: None,
    }
}

/// Tags of a check have no white space and no comma.
fn tags(all: &[Tag]) -> Vec<String> {
    let is_between = |c: char| c.is_whitespace() || c == ',' || c.is_control();
    let word = |tag: &Tag| {
        tag.name.split(is_between).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
    };
    let mut words: Vec<String> = all.iter().map(word).filter(|word| !word.is_empty()).collect();
    words.dedup();
    words.truncate(20);
    words.into_iter().map(|word| word.chars().take(50).collect()).collect()
}

/// What is probed, and what about it can't be said here.
fn device(monitor: &Monitor) -> Result<(Device, Vec<String>), String> {
    let mut notes = Vec::new();
    #[allow(clippy::cast_possible_truncation, reason = "seconds between 1 and 60")]
    let timeout = monitor.timeout.map_or(10, |seconds| seconds.clamp(1.0, 60.0) as i64);
    let common = Device {
        location: Some(monitor.name.clone()),
        interval: monitor.interval.clamp(1, 86_400),
        timeout,
        retries: monitor.retries.clamp(0, 10),
        ..Device::default()
    };
    let service = match monitor.kind.as_str() {
        "http" | "keyword" => return page(monitor, common, notes),
        "port" => ServiceType::Tcp,
        "ping" => ServiceType::Ping,
        "dns" => {
            notes.push("that a name server answers is asked, not what it answers".to_owned());
            ServiceType::Dns
        }
        other => return Err(format!("monitors of the type {other} have nothing like them here")),
    };
    let host = monitor.hostname.as_deref().map(str::trim).filter(|host| !host.is_empty());
    let host = host.ok_or("it names no host")?;
    let (target_type, target_value) = target(host);
    let port = monitor.port.filter(|_| service != ServiceType::Ping);
    let service_type = service.as_str().to_owned();
    Ok((Device { target_type, target_value, service_type, port, ..common }, notes))
}

fn page(
    monitor: &Monitor,
    common: Device,
    mut notes: Vec<String>,
) -> Result<(Device, Vec<String>), String> {
    let url = monitor.url.as_deref().unwrap_or_default();
    let url = Url::parse(url).map_err(|_| format!("{url:?} is no address of a page"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("a page is asked by http or https, not by {}", url.scheme()));
    }
    let host = match url.host() {
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(host) => host.to_string(),
        None => return Err("it names no host".to_owned()),
    };
    if url.path() != "/" || url.query().is_some() {
        notes.push(format!("the path {}: the page / is asked for", url.path()));
    }
    if monitor.method.as_deref().is_some_and(|method| method != "GET") {
        notes.push("the method: pages are asked for by GET".to_owned());
    }
    let expect_status = match monitor.accepted_statuscodes.as_slice() {
        [one] => one.parse().ok(),
        _ => None,
    };
    let usual = [Vec::new(), vec!["200-299".to_owned()]];
    if expect_status.is_none() && !usual.contains(&monitor.accepted_statuscodes) {
        notes.push("the statuses: any from 200 to 399 is taken".to_owned());
    }
    let (target_type, target_value) = target(&host);
    let device = Device {
        target_type,
        target_value,
        service_type: ServiceType::Web.as_str().to_owned(),
        scheme: Some(url.scheme().to_owned()),
        port: url.port(),
        expect_status,
        expect_body: monitor.keyword.clone().filter(|_| monitor.kind == "keyword"),
        ..common
    };
    Ok((device, notes))
}

fn target(host: &str) -> (String, String) {
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    (if is_address { "ip" } else { "domain" }.to_owned(), host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_backup_becomes_checks_and_devices_and_says_what_is_lost() {
        let backup = json!({
            "version": "1.23.0",
            "notificationList": [{"id": 3, "name": "ops", "config": "{}"}],
            "monitorList": [
                {"name": "job", "type": "push", "interval": 300, "maxretries": 2, "active": true,
                 "pushToken": "x", "notificationIDList": {"3": true, "4": true},
                 "tags": [{"name": "my tag"}]},
                {"name": "site", "type": "keyword", "url": "https://example.org:8443/health",
                 "keyword": "fine", "interval": 60, "active": 1, "accepted_statuscodes": ["200-299"]},
                {"name": "db", "type": "port", "hostname": "10.0.0.5", "port": 5432, "active": false},
                {"name": "who knows", "type": "steam"},
                {"name": "broken", "type": 5},
                {"name": "bad", "type": "http", "url": "nonsense"},
            ]
        });
        let incoming = read(&backup.to_string()).unwrap();
        let job = &incoming.checks[0];
        assert_eq!((job.change.period, job.change.grace), (Some(Some(300)), Some(600)));
        assert_eq!(
            (&job.channels, job.change.tags.as_ref().unwrap()),
            (&vec!["ops".into()], &vec!["my-tag".into()])
        );
        let [site, db] = incoming.devices.as_slice() else { panic!("{:?}", incoming.devices) };
        assert_eq!(
            (site.device.port, site.device.expect_body.as_deref()),
            (Some(8443), Some("fine"))
        );
        assert!(site.is_enabled && !db.is_enabled);
        assert_eq!((db.device.target_type.as_str(), db.device.port), ("ip", Some(5432)));
        for name in ["job", "site", "who knows", "broken", "bad"] {
            assert!(incoming.lost.iter().any(|line| line.contains(&format!("{name:?}"))), "{name}");
        }
        assert_eq!(incoming.lost.len(), 5, "{:?}", incoming.lost);
        assert!(read("[]").is_err() && read("{}").is_err() && read("x").is_err());
    }
}
