//! Blacklists in the DNS: whether an address or a name is on them, and why.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::config::Blacklist;
use crate::domain::monitor::{Listing, TargetType};
use crate::fault::{Fault, Result};

/// How long a question may take, each of its two tries.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Questions to one zone at a time: who asks too much is shut out.
const AT_A_TIME: usize = 4;
/// The least time between two questions to a zone, per place.
const PACE: Duration = Duration::from_millis(50);
/// The most addresses of a name that are looked up.
const MOST_ADDRESSES: usize = 16;
/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 500;

/// What looking a target up found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Looked {
    /// The lists that it is on.
    pub listed: Vec<Hit>,
    /// The lists that could not tell, and why.
    pub failed: Vec<Miss>,
    /// Lists that answered.
    pub asked: usize,
}

/// A list that the target is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hit {
    /// The zone of the list.
    pub zone: String,
    /// What is on it: the target, or one of its addresses.
    pub what: String,
    /// What the list answers, which says what for.
    pub code: String,
    /// What it says about it.
    pub reason: String,
}

/// A list that could not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Miss {
    /// The zone of the list.
    pub zone: String,
    /// Why.
    pub error: String,
}

/// The lists of the configuration, and a resolver.
#[derive(Clone, Debug)]
pub struct Lists {
    resolver: TokioResolver,
    config: Arc<Blacklist>,
    places: Arc<HashMap<String, Semaphore>>,
}

impl Lists {
    /// The lists that are configured, asked through `blacklist.resolver` or the system's resolvers.
    ///
    /// # Errors
    /// The system's resolvers can't be read.
    pub fn new(config: &Blacklist) -> Result<Self> {
        let mut builder = match config.resolver {
            Some(address) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
                let connections = connections.map(|mut connection| {
                    connection.port = address.port();
                    connection
                });
                let server = NameServerConfig::new(address.ip(), true, connections.into());
                let servers = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default())
            }
            None => TokioResolver::builder_tokio().map_err(Fault::internal)?,
        };
        let options = builder.options_mut();
        options.timeout = TIMEOUT;
        options.attempts = 2;
        // What is delisted is to be seen at the next look.
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        let zones = config.zones.iter().chain(&config.domain_zones);
        let places = zones.map(|zone| (zone.clone(), Semaphore::new(AT_A_TIME)));
        Ok(Self {
            resolver: builder.build().map_err(Fault::internal)?,
            places: Arc::new(places.collect()),
            config: Arc::new(config.clone()),
        })
    }

    /// Looks a target up on every list that is for its kind.
    pub async fn look_up(&self, target: &Listing) -> Looked {
        let mut looked = Looked::default();
        let mut questions: Vec<(String, String, String)> = Vec::new();
        let value = &target.target_value;
        let mut add = |what: &str, name: &str, zones: &[String]| {
            for zone in zones {
                questions.push((zone.clone(), what.to_owned(), format!("{name}.{zone}.")));
            }
        };
        if target.target_type == TargetType::Ip.as_str() {
            if let Ok(address) = value.parse() {
                add(value, &reversed(address), &self.config.zones);
            }
        } else {
            add(value, value, &self.config.domain_zones);
            match self.addresses(value).await {
                Ok(addresses) => {
                    for address in addresses {
                        add(&address.to_string(), &reversed(address), &self.config.zones);
                    }
                }
                Err(error) => looked.failed.push(Miss { zone: String::new(), error }),
            }
        }
        let answers = questions.iter().map(|(zone, what, name)| self.ask(zone, what, name));
        for (answer, (zone, ..)) in
            futures_util::future::join_all(answers).await.into_iter().zip(&questions)
        {
            match answer {
                Ok(Some(hit)) => {
                    looked.asked += 1;
                    looked.listed.push(hit);
                }
                Ok(None) => looked.asked += 1,
                Err(error) => looked.failed.push(Miss { zone: zone.clone(), error }),
            }
        }
        looked
    }

    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let (v4, v6) =
            tokio::join!(self.records(name, RecordType::A), self.records(name, RecordType::AAAA));
        let all = [v4?, v6?].concat();
        let addresses = all.into_iter().filter_map(|data| match data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
            _ => None,
        });
        Ok(addresses.take(MOST_ADDRESSES).collect())
    }

    /// Whether a list has this name; what it says about it, if so.
    async fn ask(&self, zone: &str, what: &str, name: &str) -> Result<Option<Hit>, String> {
        let place = match self.places.get(zone) {
            Some(places) => {
                Some(places.acquire().await.map_err(|_| "the server stops".to_owned())?)
            }
            None => None,
        };
        let answers = self.records(name, RecordType::A).await;
        tokio::time::sleep(PACE).await;
        let codes: Vec<Ipv4Addr> = answers?
            .into_iter()
            .filter_map(|data| if let RData::A(a) = data { Some(a.0) } else { None })
            .collect();
        if codes.is_empty() {
            return Ok(None);
        }
        // 127.255.255.0/24 says that the list does not answer us; what is not loopback is no list.
        if let Some(code) = codes.iter().find(|code| code.octets()[..3] == [127, 255, 255]) {
            return Err(format!(
                "the list answers {code}: it refuses this resolver or the question"
            ));
        }
        let listed: Vec<&Ipv4Addr> = codes.iter().filter(|code| code.octets()[0] == 127).collect();
        if listed.is_empty() {
            return Err(format!("the list answers {}, which is no listing", codes[0]));
        }
        let reason = self.reason(name).await;
        drop(place);
        let code: Vec<String> = listed.iter().map(ToString::to_string).collect();
        Ok(Some(Hit { zone: zone.to_owned(), what: what.to_owned(), code: code.join(" "), reason }))
    }

    /// What a list says about a name that it has; empty where it says nothing.
    async fn reason(&self, name: &str) -> String {
        let texts = self.records(name, RecordType::TXT).await.unwrap_or_default();
        let texts = texts.into_iter().filter_map(|data| match data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        });
        let text = texts.collect::<Vec<_>>().join(" · ");
        crate::domain::alert::one_line(&text).chars().take(LONGEST_REASON).collect()
    }

    async fn records(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, String> {
        let name = if name.ends_with('.') { name.to_owned() } else { format!("{name}.") };
        match self.resolver.lookup(name, kind).await {
            Ok(lookup) => Ok(lookup.answers().iter().map(|record| record.data.clone()).collect()),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
                ResponseCode::NoError | ResponseCode::NXDomain => Ok(Vec::new()),
                other => Err(format!("the resolver answers {other}")),
            },
            Err(NetError::Timeout) => Err("no answer in time".to_owned()),
            Err(error) => Err(format!("no answer: {error}")),
        }
    }
}

/// An address as lists have it: its parts from the last to the first (RFC 5782).
fn reversed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(v6) => {
            let digits = format!("{:032x}", u128::from(v6));
            let digits: Vec<String> = digits.chars().rev().map(String::from).collect();
            digits.join(".")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_turned_around() {
        assert_eq!(reversed("192.0.2.7".parse().unwrap()), "7.2.0.192");
        let v6 = reversed("2001:db8::7".parse().unwrap());
        assert!(v6.starts_with("7.0.0.0.") && v6.ends_with(".8.b.d.0.1.0.0.2"), "{v6}");
        assert_eq!(v6.len(), 63);
    }
}
