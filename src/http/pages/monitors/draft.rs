//! What stands in the form of a monitor, as it was typed: nothing is lost when it does not fit.

use std::net::IpAddr;

use super::super::form::Fields;
use crate::domain::monitor::{Device, Listing, Probe, TargetType};
use crate::fault::{Fault, Result};
use crate::service::monitors::Watched;
use crate::store::monitors::{MonitorKind, MonitorRow};

/// The form of a monitor.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) is_listing: bool,
    pub(super) target: String,
    pub(super) service: String,
    pub(super) scheme: String,
    pub(super) port: String,
    pub(super) location: String,
    pub(super) is_enabled: bool,
    /// The probes of a web server that are ticked.
    pub(super) probes: Vec<String>,
    pub(super) expect_status: String,
    pub(super) expect_body: String,
    pub(super) host_header: String,
    pub(super) origin_host: String,
    pub(super) origin_scheme: String,
    pub(super) origin_port: String,
    pub(super) tls_expiry_days: String,
    pub(super) interval: String,
    pub(super) timeout: String,
    pub(super) retries: String,
}

fn typed<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

impl Draft {
    /// That of a new monitor.
    pub(super) fn fresh(is_listing: bool) -> Self {
        let service_type = "web".to_owned();
        let device = Device { service_type, scheme: Some("https".into()), ..Device::default() };
        Self { is_listing, is_enabled: true, ..Self::of_device(device) }
    }

    /// A monitor as it is.
    pub(super) fn of(row: &MonitorRow) -> Self {
        let draft = match row.kind {
            MonitorKind::Device => {
                Self::of_device(serde_json::from_str(&row.settings).unwrap_or_default())
            }
            MonitorKind::Blacklist => {
                let target: Option<Listing> = serde_json::from_str(&row.settings).ok();
                let target = target.map(|target| target.target_value).unwrap_or_default();
                Self { is_listing: true, target, ..Self::default() }
            }
        };
        Self { is_enabled: row.is_enabled.into(), ..draft }
    }

    fn of_device(device: Device) -> Self {
        let ticked = |probe: &&Probe| device.probes().contains(probe);
        let probes = Probe::ALL.iter().filter(ticked).map(|probe| probe.as_str().to_owned());
        let probes = if device.target_value.is_empty() { Vec::new() } else { probes.collect() };
        Self {
            is_listing: false,
            is_enabled: true,
            probes,
            port: typed(device.port),
            location: device.location.unwrap_or_default(),
            expect_status: typed(device.expect_status),
            expect_body: device.expect_body.unwrap_or_default(),
            host_header: device.host_header.unwrap_or_default(),
            origin_host: device.origin_host.unwrap_or_default(),
            origin_scheme: device.origin_scheme.unwrap_or_default(),
            origin_port: typed(device.origin_port),
            tls_expiry_days: device.tls_expiry_days.to_string(),
            interval: device.interval.to_string(),
            timeout: device.timeout.to_string(),
            retries: device.retries.to_string(),
            target: device.target_value,
            service: device.service_type,
            scheme: device.scheme.unwrap_or_default(),
        }
    }

    pub(super) fn read(fields: &mut Fields, is_listing: bool) -> Self {
        Self {
            is_listing,
            target: fields.take_trimmed("target_value"),
            service: fields.take("service_type"),
            scheme: fields.take("scheme"),
            port: fields.take_trimmed("port"),
            location: fields.take_trimmed("location"),
            is_enabled: fields.take_flag("is_enabled"),
            probes: fields.take_all("probe"),
            expect_status: fields.take_trimmed("expect_status"),
            expect_body: fields.take("expect_body"),
            host_header: fields.take_trimmed("host_header"),
            origin_host: fields.take_trimmed("origin_host"),
            origin_scheme: fields.take("origin_scheme"),
            origin_port: fields.take_trimmed("origin_port"),
            tls_expiry_days: fields.take_trimmed("tls_expiry_days"),
            interval: fields.take_trimmed("interval"),
            timeout: fields.take_trimmed("timeout"),
            retries: fields.take_trimmed("retries"),
        }
    }

    /// Whether a probe is ticked.
    pub(super) fn asks(&self, probe: &str) -> bool {
        self.probes.iter().any(|each| each == probe)
    }

    /// What is to be watched; `min_interval` is the shortest that the server allows.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub(super) fn watched(&self, min_interval: i64) -> Result<Watched> {
        let target_type = match self.target.parse::<IpAddr>() {
            Ok(_) => TargetType::Ip,
            Err(_) => TargetType::Domain,
        };
        let target_type = target_type.as_str();
        if self.is_listing {
            return Ok(Watched::Listing(Listing::new(target_type, &self.target)?));
        }
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let is_web = self.service == "web";
        let device = Device {
            target_type: target_type.to_owned(),
            target_value: self.target.clone(),
            service_type: self.service.clone(),
            scheme: some(&self.scheme).filter(|_| is_web),
            port: port("port", &self.port)?,
            host_header: some(&self.host_header),
            proxy_enabled: !self.origin_host.is_empty(),
            origin_host: some(&self.origin_host),
            origin_scheme: some(&self.origin_scheme),
            origin_port: port("origin_port", &self.origin_port)?,
            check_public_http: is_web && self.asks("public_http"),
            check_public_https: is_web && self.asks("public_https"),
            check_public_tls: is_web && self.asks("public_tls"),
            check_origin_http: is_web && self.asks("origin_http"),
            check_origin_tls: is_web && self.asks("origin_tls"),
            expect_status: port("expect_status", &self.expect_status)?,
            expect_body: some(&self.expect_body),
            location: some(&self.location),
            interval: number("interval", &self.interval)?,
            timeout: number("timeout", &self.timeout)?,
            retries: number("retries", &self.retries)?,
            tls_expiry_days: number("tls_expiry_days", &self.tls_expiry_days)?,
        };
        Ok(Watched::Device(Box::new(device.checked(min_interval)?)))
    }
}

fn number(field: &str, text: &str) -> Result<i64> {
    text.parse().map_err(|_| Fault::invalid(field, "must be a whole number"))
}

/// A port, or a status: none where nothing stands.
fn port(field: &str, text: &str) -> Result<Option<u16>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Fault::invalid(field, "must be a whole number"))
}
