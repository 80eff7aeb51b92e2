//! One look at a monitor: every question that its settings ask, at the same time, and what follows
//! from the answers.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::timeout;

use super::blacklist::{Lists, Looked};
use super::found::Found;
use super::wire::Wire;
use super::{packet, service, web};
use crate::domain::monitor::{Device, Listing, Probe, Seen, ServiceType};

/// How long the lists may take together.
const LISTS_TIMEOUT: Duration = Duration::from_secs(30);

/// What a look found.
#[derive(Clone, Debug)]
pub struct Look {
    /// What follows for the verdict.
    pub seen: Seen,
    /// The results, as they are kept.
    pub results: String,
    /// What is wrong, in a line; where several things are, the first.
    pub error: Option<String>,
    /// How long the slowest question took, in microseconds.
    pub took: i64,
    /// The question's words for the log of the check.
    pub said: String,
}

/// Looks at a device.
pub async fn device(wire: &Wire, device: &Device) -> Look {
    let limit = Duration::from_secs(u64::try_from(device.timeout).unwrap_or(10).max(1));
    let asked = device.probes().into_iter().map(|probe| async move {
        let began = wire.steady();
        let found = match timeout(limit, ask(wire, device, probe)).await {
            Ok(found) => found,
            Err(_) => Found {
                error: Some(format!("no answer within {} s", device.timeout)),
                ..Found::default()
            },
        };
        (probe, Found { latency: wire.steady() - began, ..found })
    });
    let results: Vec<(Probe, Found)> = join_all(asked).await;
    let bad = results.iter().find(|(_, found)| !found.ok && !found.is_void);
    let void = results.iter().find(|(_, found)| found.is_void);
    let seen = match (bad, void) {
        (Some(_), _) => Seen::Bad,
        (None, Some(_)) => Seen::Nothing,
        (None, None) => Seen::Good,
    };
    let error = bad.or(void).map(|(probe, found)| {
        let why = found.error.as_deref().unwrap_or("it does not answer as it should");
        if *probe == Probe::Port { why.to_owned() } else { format!("{probe}: {why}") }
    });
    let took = results.iter().map(|(_, found)| found.latency).max().unwrap_or(0);
    let by_name: BTreeMap<&str, &Found> =
        results.iter().map(|(probe, found)| (probe.as_str(), found)).collect();
    let said = error.clone().unwrap_or_default();
    Look { seen, results: json(&by_name), error, took, said }
}

async fn ask(wire: &Wire, device: &Device, probe: Probe) -> Found {
    match probe {
        Probe::PublicHttp | Probe::PublicHttps | Probe::OriginHttp => {
            web::page(wire, device, probe).await
        }
        Probe::PublicTls | Probe::OriginTls => web::certificate(wire, device, probe).await,
        Probe::Port => match device.service() {
            ServiceType::Dns => packet::name_server(wire, device).await,
            ServiceType::Ping => packet::echo(wire, device).await,
            other => service::greeting(wire, device, other).await,
        },
    }
}

/// Looks a target up on the lists. On one of them: bad. On none: good, if any of them could tell, and
/// with them every one that it was on `before`; else what was known stays.
pub async fn listing(wire: &Wire, lists: &Lists, target: &Listing, before: Looked) -> Look {
    let began = wire.steady();
    let looked = timeout(LISTS_TIMEOUT, lists.look_up(target)).await;
    let took = wire.steady() - began;
    let Ok(looked) = looked else {
        let error = "the lists did not answer in time".to_owned();
        let (said, error) = (error.clone(), Some(error));
        return Look { seen: Seen::Nothing, results: json(&before), error, took, said };
    };
    let was_on = |zone: &str| before.listed.iter().any(|hit| hit.zone == zone);
    let is_open = looked.failed.iter().any(|miss| was_on(&miss.zone) || miss.zone.is_empty());
    let is_open = is_open && !before.listed.is_empty();
    let on: Vec<String> = looked
        .listed
        .iter()
        .map(|hit| {
            let what = if hit.what == target.target_value {
                String::new()
            } else {
                format!(" ({})", hit.what)
            };
            let why =
                if hit.reason.is_empty() { String::new() } else { format!(": {}", hit.reason) };
            format!("on {}{what}{why}", hit.zone)
        })
        .collect();
    let failed = looked.failed.first().map(|miss| match miss.zone.as_str() {
        "" => miss.error.clone(),
        zone => format!("{zone}: {}", miss.error),
    });
    let (seen, error) = match (on.is_empty(), looked.asked) {
        (false, _) => (Seen::Bad, Some(on.join("; "))),
        (true, 0) => (Seen::Nothing, failed.or_else(|| Some("no list could tell".to_owned()))),
        (true, _) if is_open => (Seen::Nothing, failed),
        (true, _) => (Seen::Good, failed),
    };
    let said = if seen == Seen::Good { String::new() } else { error.clone().unwrap_or_default() };
    let results = if seen == Seen::Nothing {
        json(&Looked { listed: before.listed, ..looked })
    } else {
        json(&looked)
    };
    Look { seen, results, error, took, said }
}

fn json(results: &impl Serialize) -> String {
    serde_json::to_string(results).unwrap_or_else(|_| "{}".to_owned())
}
