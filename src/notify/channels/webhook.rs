//! The channel kind `webhook`: a request to any URL, with method, headers and body of its own for
//! each direction, signed after the Standard Webhooks scheme (`alerting.md`, "Channel kinds").
//!
//! Config, all fields optional save that one URL must be there:
//!
//! | field | what |
//! | --- | --- |
//! | `url_down`, `url_up` | `http` or `https`, at most 2000 characters, placeholders after the host; without one, events of that direction are not sent |
//! | `method_down`, `method_up` | `GET`, `POST` (default) or `PUT` |
//! | `headers_down`, `headers_up` | an object of at most 50 names and values, placeholders in the values |
//! | `body_down`, `body_up` | a template of at most 100 000 bytes; empty: the default body, with `GET` none |
//! | `body_group` | the same for several alerts sent as one |
//! | `secret` | `whsec_` and 24 to 64 bytes in base64; made where there is none |
//!
//! A test goes to the down URL (where there is none, to the other) with `$STATUS` `down`; reason
//! and text say that it is a test. So does the news that another channel was switched off.
//!
//! The default body is a JSON object: `event` (`down`, `still_down`, `up`, `flapping`, `test`,
//! `channel_disabled`), `status` (`down` or `up`), `check_name`, `uuid`, `slug`, `tags` (array),
//! `project_name`, `reason` (`fail`, `timeout`, `overrun`, `ping`; for other events the event's
//! name), `exit_status` (number or null), `since`, `expected_at`, `last_ping_at` (RFC 3339 or
//! null), `downtime` (whole seconds, on recovery, else null), `link` and `text` (the whole message
//! in plain English), and `host` (`name`, `status` (`up`, `down` or `unknown`) and `error`) where a
//! silent job runs on a device that was probed. That of a group is `event` (`group`), `status`, `count` and `list`, an array
//! of such objects.
//!
//! Headers of every request: `webhook-id` (the same at every try), `webhook-timestamp` (seconds of
//! this try), `webhook-signature` (`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`),
//! `content-type` (`application/json` where the body is JSON, else `text/plain; charset=utf-8`)
//! and `user-agent`, the last two unless the config sets them. The config's own headers, save
//! `content-type`, are not sent along by a redirect that leaves scheme, host and port.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use url::Url;

use super::form::{self, MASK, enter_again, invalid, object, same_origin};
use super::message::Message;
use crate::clock::Timestamp;
use crate::domain::alert::{Alert, Event};
use crate::fault::{Fault, Result};
use crate::notify::outbound::{Delivery, Failure, Outbound, Request, header_value};
use crate::notify::template::{Body, Values, alert_json, path_start};

const FIELDS: [&str; 10] = [
    "url_down",
    "method_down",
    "headers_down",
    "body_down",
    "url_up",
    "method_up",
    "headers_up",
    "body_up",
    "body_group",
    "secret",
];
const URL_LIMIT: usize = 2_000;
const BODY_LIMIT: usize = 100_000;
const HEADER_LIMIT: usize = 50;
const HEADER_VALUE_LIMIT: usize = 2_000;

const SECRET_PREFIX: &str = "whsec_";
const MASKED_SECRET: &str = "whsec_***";

/// Headers that belong to the connection or to this program.
const RESERVED: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "proxy-authorization",
];

const GROUP_BODY: &str = r#"{"event":"group","status":"$STATUS","count":$COUNT,"list":$LIST_JSON}"#;

/// A secret that signs, from 32 random bytes.
#[must_use]
pub fn secret_from(random: [u8; 32]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(random))
}

/// See [`super::validate`]. Whether a URL's address may be connected to is not asked here: that
/// is decided when something is sent.
///
/// # Errors
/// [`Fault::Invalid`] that names the field.
pub fn validate(config: &Value, previous: Option<&Value>, fresh_secret: &str) -> Result<Value> {
    let fields = object("config", config)?;
    if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        let reason = format!("is no field of a webhook; there are {}", FIELDS.join(", "));
        return Err(Fault::invalid(format!("config.{name}"), reason));
    }
    let previous = previous.map(Config::stored);
    let [down, up] = ["down", "up"].map(|direction| {
        Call::checked(fields, direction, previous.as_ref().map(|p| p.call(direction)))
    });
    let (down, up) = (down?, up?);
    if down.url.is_empty() && up.url.is_empty() {
        return Err(Fault::invalid("config.url_down", "is needed where there is no url_up"));
    }
    let body_group = body(fields, "body_group")?;
    let secret = secret(fields, [&down.url, &up.url], previous.as_ref(), fresh_secret)?;
    Ok(Config { down, up, body_group, secret }.to_json())
}

/// See [`super::mask`]: header values, the secret and a password in a URL are not shown.
#[must_use]
pub fn mask(config: &Value) -> Value {
    let mut config = Config::stored(config);
    for call in [&mut config.down, &mut config.up] {
        call.url = with_password(&call.url, MASK);
        for (_, value) in &mut call.headers {
            MASK.clone_into(value);
        }
    }
    MASKED_SECRET.clone_into(&mut config.secret);
    config.to_json()
}

/// See [`super::mask_new`].
#[must_use]
pub fn mask_new(given: &Value, stored: &Value) -> Value {
    let mut shown = mask(stored);
    if given["secret"].as_str().unwrap_or_default().is_empty() {
        shown["secret"].clone_from(&stored["secret"]);
    }
    shown
}

/// See [`super::masked`].
#[must_use]
pub fn masked(config: &Value) -> Vec<String> {
    let config = Config::stored(config);
    let mut fields = Vec::new();
    for (direction, call) in [("down", &config.down), ("up", &config.up)] {
        if Parts::of(&call.url).is_some_and(|parts| parts.password == Some(MASK)) {
            fields.push(format!("url_{direction}"));
        }
        let headers = call.headers.iter().filter(|(_, value)| value == MASK);
        fields.extend(headers.map(|(name, _)| format!("headers_{direction}.{name}")));
    }
    if config.secret == MASKED_SECRET {
        fields.push("secret".to_owned());
    }
    fields
}

/// See [`super::deliver`]. Of several alerts those of a direction without URL are left out; the rest
/// goes to the down URL where any of it is `down`, else to the up URL.
pub async fn deliver(outbound: &Outbound, config: &Value, message: &Message<'_>) -> Delivery {
    let config = Config::stored(config);
    let signature = Signature { config: &config, message_id: message.id, now: message.now };
    if let [alert] = message.alerts {
        let call = config.call_for(&alert.event);
        if call.url.is_empty() {
            return Delivery::Skipped;
        }
        let values = Values::of(alert);
        let body = call.body_of(&call.body, &values, || alert_json(alert).to_string());
        return send(outbound, call, &values, body, signature).await;
    }
    let sendable = |alert: &&Alert| !config.call_for(&alert.event).url.is_empty();
    let alerts: Vec<Alert> = message.alerts.iter().filter(sendable).cloned().collect();
    let leading = alerts.iter().find(|a| a.event.status() == "down").or(alerts.first());
    let Some(leading) = leading else { return Delivery::Skipped };
    let call = config.call_for(&leading.event);
    let values = Values::of_group(&alerts, message.now);
    let body = call.body_of(&config.body_group, &values, || values.in_body(GROUP_BODY).text);
    send(outbound, call, &values, body, signature).await
}

/// What a request is signed with.
struct Signature<'a> {
    config: &'a Config,
    message_id: &'a str,
    now: Timestamp,
}

async fn send(
    outbound: &Outbound,
    call: &Call,
    values: &Values,
    body: Option<Body>,
    signature: Signature<'_>,
) -> Delivery {
    let request = match call.request(values, body, &signature) {
        Ok(request) => request,
        Err(failure) => return failure.into(),
    };
    match outbound.send(&request).await {
        Ok(answer) => answer.delivery(&[StatusCode::GONE], signature.now),
        Err(failure) => failure.into(),
    }
}

impl Signature<'_> {
    /// The three headers of the Standard Webhooks scheme.
    fn headers(&self, body: &[u8]) -> Result<HeaderMap, Failure> {
        let broken = || Failure::Refused("config.secret: can't be used: set a new one".to_owned());
        let key = key_of(&self.config.secret).ok_or_else(broken)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| broken())?;
        let timestamp = self.now.epoch_seconds().to_string();
        mac.update(format!("{}.{timestamp}.", self.message_id).as_bytes());
        mac.update(body);
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        Ok(HeaderMap::from_iter([
            (HeaderName::from_static("webhook-id"), header_value(self.message_id)?),
            (HeaderName::from_static("webhook-timestamp"), header_value(&timestamp)?),
            (HeaderName::from_static("webhook-signature"), header_value(&signature)?),
        ]))
    }
}

/// A config in the form in which it is stored.
#[derive(Clone, Debug, Default)]
struct Config {
    down: Call,
    up: Call,
    body_group: String,
    secret: String,
}

/// One direction of a config; an empty URL: nothing is sent.
#[derive(Clone, Debug, Default)]
struct Call {
    url: String,
    method: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Config {
    /// Reads what [`validate`] made. What is missing is empty.
    fn stored(config: &Value) -> Self {
        let text = |name: &str| config[name].as_str().unwrap_or_default().to_owned();
        let call = |direction: &str| Call {
            url: text(&format!("url_{direction}")),
            method: text(&format!("method_{direction}")),
            headers: stored_headers(&config[format!("headers_{direction}")]),
            body: text(&format!("body_{direction}")),
        };
        Self {
            down: call("down"),
            up: call("up"),
            body_group: text("body_group"),
            secret: text("secret"),
        }
    }

    fn to_json(&self) -> Value {
        let headers = |call: &Call| -> Value {
            call.headers.iter().map(|(n, v)| (n.clone(), json!(v))).collect::<Map<_, _>>().into()
        };
        json!({
            "url_down": self.down.url,
            "method_down": self.down.method,
            "headers_down": headers(&self.down),
            "body_down": self.down.body,
            "url_up": self.up.url,
            "method_up": self.up.method,
            "headers_up": headers(&self.up),
            "body_up": self.up.body,
            "body_group": self.body_group,
            "secret": self.secret,
        })
    }

    fn call(&self, direction: &str) -> &Call {
        if direction == "up" { &self.up } else { &self.down }
    }

    fn call_for(&self, event: &Event) -> &Call {
        match event {
            Event::Up => &self.up,
            Event::Test | Event::ChannelDisabled { .. } if self.down.url.is_empty() => &self.up,
            _ => &self.down,
        }
    }
}

impl Call {
    fn checked(
        fields: &Map<String, Value>,
        direction: &str,
        previous: Option<&Self>,
    ) -> Result<Self> {
        let field = |name: &str| format!("{name}_{direction}");
        let url = url(fields, &field("url"), previous)?;
        Ok(Self {
            method: method(fields, &field("method"))?,
            headers: headers(fields, &field("headers"), &url, previous)?,
            body: body(fields, &field("body"))?,
            url,
        })
    }

    /// The body to send; none for a GET without a template.
    fn body_of(
        &self,
        template: &str,
        values: &Values,
        default: impl FnOnce() -> String,
    ) -> Option<Body> {
        match (template.is_empty(), self.method.as_str()) {
            (true, "GET") => None,
            (true, _) => Some(Body { text: default(), is_json: true }),
            (false, _) => Some(values.in_body(template)),
        }
    }

    fn request(
        &self,
        values: &Values,
        body: Option<Body>,
        signature: &Signature<'_>,
    ) -> Result<Request, Failure> {
        let url = Url::parse(&values.in_url(&self.url));
        let url = url.map_err(|_| Failure::Refused("the URL can't be read".to_owned()))?;
        let mut private_headers = HeaderMap::new();
        for (name, template) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let name = name.map_err(|_| Failure::Refused("a header's name is wrong".to_owned()))?;
            private_headers.insert(name, header_value(&values.in_header(template))?);
        }
        let text = body.as_ref().map_or("", |body| body.text.as_str());
        let mut headers = signature.headers(text.as_bytes())?;
        let content_type = private_headers.remove(header::CONTENT_TYPE);
        if let Some(kind) = content_type.or(body.as_ref().map(content_type_of)) {
            headers.insert(header::CONTENT_TYPE, kind);
        }
        Ok(Request {
            method: form::method(&self.method),
            url,
            headers,
            private_headers,
            body: body.map(|body| Bytes::from(body.text)).unwrap_or_default(),
        })
    }
}

fn content_type_of(body: &Body) -> HeaderValue {
    HeaderValue::from_static(if body.is_json {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    })
}

/// A URL's parts as they are written, around its user and password.
struct Parts<'a> {
    scheme: &'a str,
    user: &'a str,
    password: Option<&'a str>,
    host: &'a str,
    rest: &'a str,
}

impl<'a> Parts<'a> {
    /// None where it is no `scheme://host`.
    fn of(url: &'a str) -> Option<Self> {
        let (before, rest) = url.split_at(path_start(url));
        let at = before.find("://")? + "://".len();
        let (scheme, authority) = before.split_at(at);
        let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        Some(Self { scheme, user, password, host, rest })
    }
}

/// The URL with another password, where it has one.
fn with_password(url: &str, password: &str) -> String {
    match Parts::of(url) {
        Some(Parts { scheme, user, password: Some(_), host, rest }) => {
            format!("{scheme}{user}:{password}@{host}{rest}")
        }
        _ => url.to_owned(),
    }
}

/// A text field; empty where it is not there.
fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str> {
    match fields.get(name) {
        None => Ok(""),
        Some(value) => value.as_str().ok_or_else(|| invalid(name, "must be a string")),
    }
}

fn url(fields: &Map<String, Value>, name: &str, previous: Option<&Call>) -> Result<String> {
    let url = text(fields, name)?;
    if url.is_empty() {
        return Ok(String::new());
    }
    if url.chars().count() > URL_LIMIT {
        return Err(invalid(name, format!("must have at most {URL_LIMIT} characters")));
    }
    let parts = url_parts(url).ok_or_else(|| {
        invalid(name, "must be a URL such as https://example.com/hook, with http or https")
    })?;
    if parts.host.contains('$') {
        return Err(invalid(name, "must have no placeholder in its host or port"));
    }
    if parts.password != Some(MASK) {
        return Ok(url.to_owned());
    }
    let kept = previous.filter(|p| same_origin(&p.url, url)).and_then(|p| Parts::of(&p.url));
    match kept {
        Some(Parts { user, password: Some(password), .. }) if user == parts.user => {
            Ok(with_password(url, password))
        }
        _ => Err(enter_again(name, "the password")),
    }
}

/// The parts of a URL that can be sent to; none where it can't.
fn url_parts(url: &str) -> Option<Parts<'_>> {
    if url.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let parsed = Url::parse(url).ok()?;
    let parts = Parts::of(url)?;
    // A URL with too many slashes has its host where this file would see the path.
    let known = matches!(parsed.scheme(), "http" | "https") && parsed.has_host();
    (known && !parts.host.is_empty()).then_some(parts)
}

fn method(fields: &Map<String, Value>, name: &str) -> Result<String> {
    match text(fields, name)? {
        "" => Ok("POST".to_owned()),
        method @ ("GET" | "POST" | "PUT") => Ok(method.to_owned()),
        _ => Err(invalid(name, "must be GET, POST or PUT")),
    }
}

fn body(fields: &Map<String, Value>, name: &str) -> Result<String> {
    let body = text(fields, name)?;
    if body.len() > BODY_LIMIT {
        return Err(invalid(name, format!("must have at most {BODY_LIMIT} bytes")));
    }
    Ok(body.to_owned())
}

fn stored_headers(headers: &Value) -> Vec<(String, String)> {
    let pairs = headers.as_object().into_iter().flatten();
    pairs.map(|(n, v)| (n.clone(), v.as_str().unwrap_or_default().to_owned())).collect()
}

fn headers(
    fields: &Map<String, Value>,
    field: &str,
    url: &str,
    previous: Option<&Call>,
) -> Result<Vec<(String, String)>> {
    let Some(given) = fields.get(field) else { return Ok(Vec::new()) };
    let given = object(&format!("config.{field}"), given)?;
    if given.len() > HEADER_LIMIT {
        return Err(invalid(field, format!("must have at most {HEADER_LIMIT} headers")));
    }
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in given {
        let value = header(field, name, value)?;
        if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Err(invalid(field, format!("{name} is there twice")));
        }
        let value = if value == MASK { kept(field, name, url, previous)? } else { value };
        headers.push((name.clone(), value.to_owned()));
    }
    Ok(headers)
}

/// One header's value, checked.
fn header<'a>(field: &str, name: &str, value: &'a Value) -> Result<&'a str> {
    let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
        return Err(invalid(field, "has a name that is no header's: letters, digits and -"));
    };
    if RESERVED.contains(&parsed.as_str()) || parsed.as_str().starts_with("webhook-") {
        return Err(invalid(field, format!("{name} can't be set: it is made when sending")));
    }
    let wrong = |reason: String| invalid(field, format!("{name} {reason}"));
    let value = value.as_str().ok_or_else(|| wrong("must be a string".to_owned()))?;
    if value.chars().any(char::is_control) {
        return Err(wrong("must have no line breaks or control characters".to_owned()));
    }
    if value.chars().count() > HEADER_VALUE_LIMIT {
        return Err(wrong(format!("must have at most {HEADER_VALUE_LIMIT} characters")));
    }
    Ok(value)
}

/// The stored value of a header that came back masked. Where the direction has no URL any more,
/// it is kept unused: a later URL is another one, and asks for it again.
fn kept<'a>(field: &str, name: &str, url: &str, previous: Option<&'a Call>) -> Result<&'a str> {
    let same = |call: &&Call| url.is_empty() || same_origin(&call.url, url);
    let headers = previous.filter(same).map(|call| &call.headers);
    let found = headers.into_iter().flatten().find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str()).ok_or_else(|| enter_again(field, name))
}

/// The secret to store: the given one; the stored one where it came back masked or not at all;
/// the fresh one where there is none.
fn secret(
    fields: &Map<String, Value>,
    urls: [&String; 2],
    previous: Option<&Config>,
    fresh: &str,
) -> Result<String> {
    let given = text(fields, "secret")?;
    let stored = previous.filter(|config| !config.secret.is_empty());
    match (given, stored) {
        ("", None) => Ok(fresh.to_owned()),
        ("", Some(config)) => Ok(config.secret.clone()),
        (MASKED_SECRET, Some(config)) => {
            let known = |url: &str| {
                [&config.down.url, &config.up.url].iter().any(|stored| same_origin(stored, url))
            };
            let stays = urls.iter().all(|url| url.is_empty() || known(url));
            let secret = stays.then(|| config.secret.clone());
            secret.ok_or_else(|| enter_again("secret", "the secret"))
        }
        (MASKED_SECRET, None) => Err(enter_again("secret", "the secret")),
        (given, _) if key_of(given).is_some() => Ok(given.to_owned()),
        _ => Err(invalid("secret", "must be whsec_ and 24 to 64 bytes in base64")),
    }
}

/// The bytes that sign.
fn key_of(secret: &str) -> Option<Vec<u8>> {
    let key = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    (24..=64).contains(&key.len()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::tests::late_backup;
    use crate::notify::outbound::USER_AGENT;
    use crate::notify::outbound::tests::{Receiver, answer, guarded, open, redirect};
    use std::time::Duration;

    const NOW: Timestamp = Timestamp(1_614_265_330_500_000);
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn checked(config: &Value) -> Result<Value> {
        validate(config, None, &secret_from([7; 32]))
    }

    fn stored(config: &Value) -> Value {
        checked(config).unwrap()
    }

    fn fault(result: Result<Value>) -> String {
        result.unwrap_err().to_string()
    }

    async fn tell(outbound: &Outbound, config: &Value, alerts: &[Alert], id: &str) -> Delivery {
        deliver(outbound, config, &Message { alerts, id, now: NOW }).await
    }

    async fn sent(config: Value, alert: &Alert) -> Delivery {
        tell(&open(), &stored(&config), std::slice::from_ref(alert), "msg_1").await
    }

    fn recovered() -> Alert {
        Alert { event: Event::Up, ..late_backup() }
    }

    #[test]
    fn a_signature_is_that_of_the_standards_own_example() {
        let config = Config { secret: SECRET.to_owned(), ..Config::default() };
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = Signature { config: &config, message_id: id, now: NOW };
        let headers = signature.headers(br#"{"test": 2432232314}"#).unwrap();
        assert_eq!(headers["webhook-id"], id);
        assert_eq!(headers["webhook-timestamp"], "1614265330");
        assert_eq!(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[tokio::test]
    async fn a_down_alert_goes_out_with_method_headers_body_and_signature() {
        let receiver = Receiver::answering(&[&answer("204 No Content", "")]).await;
        let delivery = sent(
            json!({
                "url_down": receiver.url("/hook/$SLUG?tag=$TAG1").as_str(),
                "method_down": "PUT",
                "headers_down": {"X-Name": "<$NAME>", "Authorization": "Bearer abc"},
                "body_down": r#"{"name":"$NAME","status":"$STATUS","code":"$CODE"}"#,
                "secret": SECRET,
            }),
            &late_backup(),
        )
        .await;
        assert_eq!(delivery, Delivery::Delivered);
        let heard = &receiver.heard()[0];
        assert_eq!(heard.line, "PUT /hook/nightly-backup?tag=prod HTTP/1.1");
        assert_eq!(heard.header("x-name"), Some("<nightly backup>"));
        assert_eq!(heard.header("authorization"), Some("Bearer abc"));
        assert_eq!(heard.header("content-type"), Some("application/json"));
        assert_eq!(heard.header("user-agent"), Some(USER_AGENT));
        assert_eq!(
            heard.body,
            r#"{"name":"nightly backup","status":"down","code":"00000000-0000-4000-8000-000000000001"}"#
        );
        let mut mac = Hmac::<Sha256>::new_from_slice(&key_of(SECRET).unwrap()).unwrap();
        mac.update(format!("msg_1.1614265330.{}", heard.body).as_bytes());
        let signature = heard.header("webhook-signature").unwrap().strip_prefix("v1,").unwrap();
        mac.verify_slice(&STANDARD.decode(signature).unwrap()).unwrap();
        assert_eq!(heard.header("webhook-id"), Some("msg_1"));
        assert_eq!(heard.header("webhook-timestamp"), Some("1614265330"));
    }

    #[tokio::test]
    async fn without_a_template_the_default_body_is_sent_and_a_get_has_none() {
        let receiver = Receiver::answering(&[&answer("200 OK", "")]).await;
        let url = receiver.url("/").to_string();
        sent(json!({"url_down": url}), &late_backup()).await;
        sent(json!({"url_up": url, "method_up": "GET"}), &recovered()).await;
        let heard = receiver.heard();
        assert_eq!(heard[0].line, "POST / HTTP/1.1");
        let body: Value = serde_json::from_str(&heard[0].body).unwrap();
        assert_eq!(
            (&body["check_name"], &body["status"]),
            (&json!("nightly backup"), &json!("down"))
        );
        assert_eq!(body["expected_at"], "2026-01-02T02:00:00.000000Z");
        assert_eq!(heard[1].line, "GET / HTTP/1.1");
        assert_eq!((heard[1].body.as_str(), heard[1].header("content-type")), ("", None));
        assert!(heard[1].header("webhook-signature").is_some());
    }

    #[tokio::test]
    async fn plain_text_and_a_content_type_of_ones_own_are_sent_as_such() {
        let receiver = Receiver::answering(&[&answer("200 OK", "")]).await;
        let config = json!({
            "url_down": receiver.url("/").as_str(), "body_down": "$NAME is $STATUS",
            "url_up": receiver.url("/").as_str(), "body_up": "<a>$NAME</a>",
            "headers_up": {"content-type": "text/xml", "User-Agent": "me"},
        });
        sent(config.clone(), &late_backup()).await;
        sent(config, &recovered()).await;
        let heard = receiver.heard();
        assert_eq!(heard[0].header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(heard[0].body, "nightly backup is down");
        assert_eq!(heard[1].header("content-type"), Some("text/xml"));
        assert_eq!(heard[1].header("user-agent"), Some("me"));
    }

    #[tokio::test]
    async fn an_event_without_url_is_skipped_and_a_test_takes_the_url_there_is() {
        let receiver = Receiver::answering(&[&answer("200 OK", "")]).await;
        let config = json!({"url_up": receiver.url("/up").as_str(), "body_up": "$STATUS $REASON"});
        assert_eq!(sent(config.clone(), &late_backup()).await, Delivery::Skipped);
        assert!(receiver.heard().is_empty());
        let test = Alert { event: Event::Test, ..late_backup() };
        assert_eq!(sent(config, &test).await, Delivery::Delivered);
        assert_eq!(receiver.heard()[0].body, "down test");
    }

    #[tokio::test]
    async fn several_alerts_go_as_one_and_those_without_url_are_left_out() {
        let receiver = Receiver::answering(&[&answer("200 OK", "")]).await;
        let url = receiver.url("/").to_string();
        let both = stored(&json!({
            "url_down": url, "url_up": url,
            "body_group": r#"{"count":$COUNT,"list":$LIST_JSON}"#,
        }));
        let only_up = stored(&json!({"url_up": url}));
        let alerts = [late_backup(), recovered(), late_backup()];
        for config in [both, only_up.clone()] {
            let delivery = tell(&open(), &config, &alerts, "msg_2").await;
            assert_eq!(delivery, Delivery::Delivered);
        }
        let delivery = tell(&open(), &only_up, &alerts[..1], "msg_3").await;
        assert_eq!(delivery, Delivery::Skipped);
        let heard = receiver.heard();
        let bodies: Vec<Value> =
            heard.iter().map(|h| serde_json::from_str(&h.body).unwrap()).collect();
        assert_eq!(bodies[0]["count"], 3);
        assert_eq!(bodies[0]["list"][1]["event"], "up");
        assert_eq!((&bodies[1]["event"], &bodies[1]["count"]), (&json!("group"), &json!(1)));
    }

    #[tokio::test]
    async fn answers_decide_what_becomes_of_the_message() {
        let receiver = Receiver::answering(&[
            &answer("410 Gone", ""),
            &answer("429 Too Many Requests", "retry-after: 90\r\n"),
            &answer("404 Not Found", ""),
            &redirect("307 Temporary Redirect", "/there"),
            &answer("201 Created", ""),
        ])
        .await;
        let config = json!({"url_down": receiver.url("/").as_str(), "body_down": "x"});
        let retry = |error: &str, seconds: Option<u64>| Delivery::Retry {
            error: error.to_owned(),
            retry_after: seconds.map(Duration::from_secs),
        };
        let alert = late_backup();
        assert_eq!(sent(config.clone(), &alert).await, Delivery::Gone { error: "410 Gone".into() });
        assert_eq!(sent(config.clone(), &alert).await, retry("429 Too Many Requests", Some(90)));
        assert_eq!(sent(config.clone(), &alert).await, retry("404 Not Found", None));
        assert_eq!(sent(config, &alert).await, Delivery::Delivered);
        let heard = receiver.heard();
        assert_eq!((heard[4].line.as_str(), heard[4].body.as_str()), ("POST /there HTTP/1.1", "x"));
    }

    #[tokio::test]
    async fn a_private_address_is_accepted_in_a_config_and_refused_when_sending() {
        let receiver = Receiver::answering(&[&answer("200 OK", "")]).await;
        let config = stored(&json!({"url_down": receiver.url("/").as_str()}));
        let delivery = tell(&guarded(&[]), &config, &[late_backup()], "msg_1").await;
        let Delivery::Refused { error } = delivery else { panic!("{delivery:?}") };
        assert!(error.contains("outbound.allow_private"), "{error}");
        assert!(receiver.heard().is_empty());
    }

    #[test]
    fn a_config_is_stored_whole_with_defaults_and_a_secret_of_its_own() {
        assert_eq!(
            stored(&json!({"url_down": "https://example.com/$NAME"})),
            json!({
                "url_down": "https://example.com/$NAME", "method_down": "POST",
                "headers_down": {}, "body_down": "",
                "url_up": "", "method_up": "POST", "headers_up": {}, "body_up": "",
                "body_group": "", "secret": secret_from([7; 32]),
            })
        );
        let again = stored(&json!({"url_up": "http://h", "secret": SECRET}));
        assert_eq!(stored(&again), again);
    }

    #[test]
    fn what_is_wrong_in_a_config_is_named() {
        for (config, beginning) in [
            (json!([]), "config: must be an object"),
            (json!({"url_down": "http://h", "colour": 1}), "config.colour: is no field"),
            (json!({}), "config.url_down: is needed"),
            (json!({"url_down": null}), "config.url_down: must be a string"),
            (json!({"url_down": "ftp://h/"}), "config.url_down: must be a URL"),
            (json!({"url_down": "/path"}), "config.url_down: must be a URL"),
            (json!({"url_down": "http:///h/x"}), "config.url_down: must be a URL"),
            (json!({"url_down": "http:h"}), "config.url_down: must be a URL"),
            (json!({"url_down": "http://h/a b"}), "config.url_down: must be a URL"),
            (json!({"url_up": "http://$NAME.example/"}), "config.url_up: must have no placeholder"),
            (json!({"url_up": "http://h:$TAG1/"}), "config.url_up: must be a URL"),
            (
                json!({"url_up": format!("http://h/{}", "x".repeat(2_000))}),
                "config.url_up: must have at most",
            ),
            (json!({"url_up": "http://u:***@h/"}), "config.url_up: the password is hidden"),
            (json!({"url_up": "http://h", "method_up": "DELETE"}), "config.method_up: must be GET"),
            (json!({"url_up": "http://h", "body_up": 7}), "config.body_up: must be a string"),
            (
                json!({"url_up": "http://h", "body_group": "x".repeat(100_001)}),
                "config.body_group: must have at most",
            ),
            (
                json!({"url_up": "http://h", "headers_up": []}),
                "config.headers_up: must be an object",
            ),
            (
                json!({"url_up": "http://h", "headers_up": {"a b": ""}}),
                "config.headers_up: has a name",
            ),
            (
                json!({"url_up": "http://h", "headers_up": {"Host": "x"}}),
                "config.headers_up: Host can't be set",
            ),
            (
                json!({"url_up": "http://h", "headers_up": {"Webhook-Id": "x"}}),
                "config.headers_up: Webhook-Id can't",
            ),
            (
                json!({"url_up": "http://h", "headers_up": {"A": "x\r\nB: y"}}),
                "config.headers_up: A must have no line",
            ),
            (
                json!({"url_up": "http://h", "headers_up": {"A": 1}}),
                "config.headers_up: A must be a string",
            ),
            (
                json!({"url_up": "http://h", "headers_up": {"A": "1", "a": "2"}}),
                "config.headers_up: a is there twice",
            ),
            (
                json!({"url_up": "http://h", "headers_up": {"A": "***"}}),
                "config.headers_up: A is hidden",
            ),
            (
                json!({"url_up": "http://h", "secret": "whsec_c2hvcnQ="}),
                "config.secret: must be whsec_",
            ),
            (json!({"url_up": "http://h", "secret": "secret"}), "config.secret: must be whsec_"),
            (
                json!({"url_up": "http://h", "secret": "whsec_***"}),
                "config.secret: the secret is hidden",
            ),
        ] {
            let said = fault(checked(&config));
            assert!(said.starts_with(beginning), "{config}: {said}");
        }
        let many: Map<_, _> = (0..51).map(|n| (format!("h{n}"), json!(""))).collect();
        let said = fault(checked(&json!({"url_up": "http://h", "headers_up": many})));
        assert!(said.starts_with("config.headers_up: must have at most 50"), "{said}");
    }

    fn secretive() -> Value {
        stored(&json!({
            "url_down": "https://user:pa$$@hook.example/down?x=$NAME",
            "headers_down": {"X-Token": "t0ken"},
            "url_up": "https://hook.example:443/up",
            "headers_up": {"X-Other": "0ther"},
            "secret": SECRET,
        }))
    }

    #[test]
    fn a_config_that_is_shown_holds_no_secret() {
        let shown = mask(&secretive());
        assert_eq!(shown["url_down"], "https://user:***@hook.example/down?x=$NAME");
        assert_eq!(shown["headers_down"], json!({"X-Token": "***"}));
        assert_eq!(shown["secret"], "whsec_***");
        for secret in ["pa$$", "t0ken", "0ther", &SECRET[6..]] {
            assert!(!shown.to_string().contains(secret), "{secret}");
        }
    }

    #[test]
    fn a_new_config_is_shown_with_the_secret_that_was_made_for_it_and_no_other() {
        let given = json!({"url_down": "http://u:pa$$@h", "headers_down": {"X-Token": "t0ken"}});
        let made = stored(&given);
        let shown = mask_new(&given, &made);
        assert_eq!(shown["secret"], made["secret"]);
        assert!(!shown.to_string().contains("pa$$") && !shown.to_string().contains("t0ken"));
        assert_eq!(mask_new(&secretive(), &secretive()), mask(&secretive()));
    }

    #[test]
    fn what_was_shown_can_be_put_back_and_the_path_may_change() {
        let before = secretive();
        let mut shown = mask(&before);
        assert_eq!(validate(&shown, Some(&before), "").unwrap(), before);
        shown["url_down"] = json!("https://user:***@HOOK.example:443/elsewhere");
        let after = validate(&shown, Some(&before), "").unwrap();
        assert_eq!(after["url_down"], "https://user:pa$$@HOOK.example:443/elsewhere");
        assert_eq!(after["headers_down"], before["headers_down"]);
        assert_eq!(after["secret"], before["secret"]);
    }

    #[test]
    fn a_masked_secret_does_not_follow_to_another_scheme_host_or_port() {
        let before = secretive();
        for url in ["http://hook.example/", "https://evil.example/", "https://hook.example:444/"] {
            let put = |config: Value| fault(validate(&config, Some(&before), ""));
            let said = put(json!({"url_down": url, "headers_down": {"X-Token": "***"}}));
            assert!(said.starts_with("config.headers_down: X-Token is hidden"), "{said}");
            assert!(said.ends_with("enter it again"), "{said}");
            let said = put(json!({"url_down": url, "secret": "whsec_***"}));
            assert!(said.starts_with("config.secret: the secret is hidden"), "{said}");
            let masked = url.replace("://", "://user:***@");
            let said = put(json!({"url_down": masked}));
            assert!(said.starts_with("config.url_down: the password is hidden"), "{said}");
        }
        // Nor from the one direction to the other, nor over a time without URL.
        let crossed =
            json!({"url_down": "https://hook.example/", "headers_down": {"X-Other": "***"}});
        assert!(validate(&crossed, Some(&before), "").is_err());
        let idle = json!({"url_down": "https://hook.example/", "headers_up": {"X-Other": "***"}});
        let idle = validate(&idle, Some(&before), "").unwrap();
        let mut back = mask(&idle);
        back["url_up"] = json!("https://evil.example/");
        assert!(validate(&back, Some(&idle), "").is_err());
    }

    #[test]
    fn a_secret_that_is_not_mentioned_stays() {
        let before = secretive();
        let after = validate(&json!({"url_up": "http://other/"}), Some(&before), "fresh").unwrap();
        assert_eq!(after["secret"], SECRET);
    }
}
