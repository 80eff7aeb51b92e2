//! Devices, as the dialect reads and writes them.

use serde_json::{Map, Value, json};

use super::fault::Refusal;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::domain::monitor::{Device, Probe};
use crate::fault::{Fault, Result};
use crate::probe::Found;
use crate::service::monitors::{self, Watched};
use crate::store::monitors::{MonitorKind, MonitorRow};

/// What a body says about a device.
struct Said {
    device: Device,
    is_enabled: bool,
    channels: Option<Vec<i64>>,
    project_id: Option<i64>,
}

pub(super) async fn list(ctx: &Context, user_id: i64) -> Result<Value, Refusal> {
    let rows = monitors::list(ctx, user_id, MonitorKind::Device).await?;
    Ok(rows.iter().map(|(row, channels)| shown(row, channels)).collect())
}

pub(super) async fn create(
    ctx: &Context,
    user_id: i64,
    body: Map<String, Value>,
) -> Result<Value, Refusal> {
    let said = Said::read(Device::default(), true, body)?;
    let device = said.device.checked(i64::from(ctx.config.probes.min_interval))?;
    let watched = Watched::Device(Box::new(device));
    let channels = said.channels.as_deref();
    let row = monitors::create(ctx, user_id, said.project_id, &watched, said.is_enabled, channels)
        .await?;
    one(ctx, user_id, row.monitor_id).await
}

pub(super) async fn update(
    ctx: &Context,
    user_id: i64,
    id: i64,
    body: Map<String, Value>,
) -> Result<Value, Refusal> {
    let (row, _) = monitors::find(ctx, user_id, MonitorKind::Device, id).await?;
    let said = Said::read(settings(&row), row.is_enabled.into(), body)?;
    if said.project_id.is_some_and(|project_id| project_id != row.project_id) {
        let reason = "can't be changed: a device stays in its project";
        return Err(Fault::invalid("project_id", reason).into());
    }
    let device = said.device.checked(i64::from(ctx.config.probes.min_interval))?;
    let watched = Watched::Device(Box::new(device));
    let channels = said.channels.as_deref();
    monitors::update(ctx, user_id, id, &watched, said.is_enabled, channels).await?;
    one(ctx, user_id, id).await
}

pub(super) async fn delete(ctx: &Context, user_id: i64, id: i64) -> Result<Value, Refusal> {
    monitors::delete(ctx, user_id, MonitorKind::Device, id).await?;
    Ok(json!({ "id": id }))
}

async fn one(ctx: &Context, user_id: i64, id: i64) -> Result<Value, Refusal> {
    let (row, channels) = monitors::find(ctx, user_id, MonitorKind::Device, id).await?;
    Ok(shown(&row, &channels))
}

fn settings(row: &MonitorRow) -> Device {
    serde_json::from_str(&row.settings).unwrap_or_default()
}

impl Said {
    /// Takes the fields of a body over into settings; what is not there stays, null takes away.
    fn read(mut device: Device, was_enabled: bool, body: Map<String, Value>) -> Result<Self> {
        let mut said = Self {
            device: Device::default(),
            is_enabled: was_enabled,
            channels: None,
            project_id: None,
        };
        let usual = Device::default();
        for (name, value) in body {
            let field = name.as_str();
            match field {
                "target_type" => device.target_type = text(field, &value)?,
                "target_value" => device.target_value = text(field, &value)?,
                "service_type" => device.service_type = text(field, &value)?,
                "scheme" => device.scheme = some_text(field, &value)?,
                "host_header" => device.host_header = some_text(field, &value)?,
                "origin_host" => device.origin_host = some_text(field, &value)?,
                "origin_scheme" => device.origin_scheme = some_text(field, &value)?,
                "expect_body" => device.expect_body = some_text(field, &value)?,
                "location" => device.location = some_text(field, &value)?,
                "port" => device.port = port(field, &value)?,
                "origin_port" => device.origin_port = port(field, &value)?,
                "expect_status" => device.expect_status = status(field, &value)?,
                "proxy_enabled" => device.proxy_enabled = flag(field, &value)?,
                "check_public_http" => device.check_public_http = flag(field, &value)?,
                "check_public_https" => device.check_public_https = flag(field, &value)?,
                "check_public_tls" => device.check_public_tls = flag(field, &value)?,
                "check_origin_http" => device.check_origin_http = flag(field, &value)?,
                "check_origin_tls" => device.check_origin_tls = flag(field, &value)?,
                "is_enabled" => said.is_enabled = flag(field, &value)?,
                "interval" => device.interval = number(field, &value, usual.interval)?,
                "timeout" => device.timeout = number(field, &value, usual.timeout)?,
                "retries" => device.retries = number(field, &value, usual.retries)?,
                "tls_expiry_days" => {
                    device.tls_expiry_days = number(field, &value, usual.tls_expiry_days)?;
                }
                "channels" => said.channels = ids(field, &value)?,
                "project_id" => said.project_id = id(field, &value)?,
                _ => return Err(Fault::invalid(field, "is no field of a device")),
            }
        }
        said.device = device;
        Ok(said)
    }
}

pub(super) fn text(field: &str, value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| Fault::invalid(field, "must be a text"))
}

fn some_text(field: &str, value: &Value) -> Result<Option<String>> {
    if value.is_null() { Ok(None) } else { text(field, value).map(Some) }
}

/// 0 and 1 or false and true.
pub(super) fn flag(field: &str, value: &Value) -> Result<bool> {
    match (value.as_bool(), value.as_i64()) {
        (Some(flag), _) => Ok(flag),
        (None, Some(0)) => Ok(false),
        (None, Some(1)) => Ok(true),
        _ => Err(Fault::invalid(field, "must be 0, 1, false or true")),
    }
}

fn number(field: &str, value: &Value, usual: i64) -> Result<i64> {
    if value.is_null() {
        return Ok(usual);
    }
    value.as_i64().ok_or_else(|| Fault::invalid(field, "must be a whole number"))
}

fn port(field: &str, value: &Value) -> Result<Option<u16>> {
    if value.is_null() {
        return Ok(None);
    }
    let port = value.as_i64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    port.map(Some).ok_or_else(|| Fault::invalid(field, "must be a whole number from 1 to 65535"))
}

fn status(field: &str, value: &Value) -> Result<Option<u16>> {
    if value.is_null() {
        return Ok(None);
    }
    let status = value.as_i64().and_then(|status| u16::try_from(status).ok());
    status.map(Some).ok_or_else(|| Fault::invalid(field, "must be a status from 100 to 599"))
}

pub(super) fn id(field: &str, value: &Value) -> Result<Option<i64>> {
    if value.is_null() {
        return Ok(None);
    }
    let id = value.as_i64().filter(|id| *id > 0);
    id.map(Some).ok_or_else(|| Fault::invalid(field, "must be an id"))
}

pub(super) fn ids(field: &str, value: &Value) -> Result<Option<Vec<i64>>> {
    if value.is_null() {
        return Ok(None);
    }
    let wrong = || Fault::invalid(field, "must be a list of ids of channels");
    let all = value.as_array().ok_or_else(wrong)?;
    all.iter().map(|each| each.as_i64().ok_or_else(wrong)).collect::<Result<_>>().map(Some)
}

/// A device as it is shown: its settings, how it stands, and the latest result of each probe.
fn shown(row: &MonitorRow, channels: &[i64]) -> Value {
    let device = settings(row);
    let is_enabled = bool::from(row.is_enabled);
    let status = if is_enabled { row.verdict.as_str() } else { "disabled" };
    let mut shown = json!({
        "id": row.monitor_id,
        "project_id": row.project_id,
        "check_id": row.check_id,
        "target_type": device.target_type,
        "target_value": device.target_value,
        "service_type": device.service_type,
        "scheme": device.scheme,
        "port": device.port,
        "host_header": device.host_header,
        "proxy_enabled": i64::from(device.proxy_enabled),
        "origin_host": device.origin_host,
        "origin_scheme": device.origin_scheme,
        "origin_port": device.origin_port,
        "check_public_http": i64::from(device.check_public_http),
        "check_public_https": i64::from(device.check_public_https),
        "check_public_tls": i64::from(device.check_public_tls),
        "check_origin_http": i64::from(device.check_origin_http),
        "check_origin_tls": i64::from(device.check_origin_tls),
        "expect_status": device.expect_status,
        "expect_body": device.expect_body,
        "location": device.location,
        "interval": device.interval,
        "timeout": device.timeout,
        "retries": device.retries,
        "tls_expiry_days": device.tls_expiry_days,
        "channels": channels,
        "is_enabled": i64::from(is_enabled),
        "status": status,
        "last_checked_at": row.last_checked_at.map(Timestamp::to_rfc3339),
        "last_error": row.last_error,
    });
    let mut results: std::collections::HashMap<String, Found> =
        serde_json::from_str(&row.results).unwrap_or_default();
    let probes = Probe::ALL.iter().map(|probe| {
        let found = results.remove(probe.as_str());
        (probe.as_str().to_owned(), found.as_ref().map_or(Value::Null, result))
    });
    shown["probes"] = Value::Object(probes.collect());
    shown
}

/// The latest result of a probe; times in milliseconds.
fn result(found: &Found) -> Value {
    let millis = |micros: i64| (micros + 500) / 1000;
    let certificate = found.certificate.as_ref();
    let ends_at = certificate.map(|it| Timestamp(0).plus_seconds(it.ends_at));
    json!({
        "ok": found.ok,
        "error": found.error,
        "latency_ms": millis(found.latency),
        "dns_ms": found.phases.dns.map(millis),
        "connect_ms": found.phases.connect.map(millis),
        "tls_ms": found.phases.tls.map(millis),
        "first_byte_ms": found.phases.first_byte.map(millis),
        "status_code": found.status_code,
        "certificate_expires_at": ends_at.map(Timestamp::to_rfc3339),
        "certificate_days_left": certificate.map(|it| it.days_left),
        "certificate_subject": certificate.map(|it| it.subject.as_str()),
        "certificate_issuer": certificate.map(|it| it.issuer.as_str()),
    })
}
