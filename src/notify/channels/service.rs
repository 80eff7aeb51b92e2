//! The kinds whose message is one request to a service. Each of them is a [`Service`]: a table of
//! fields, and a function that makes the request.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use url::Url;

use super::form::{Config, Field};
use super::message::Message;
use crate::clock::Timestamp;
use crate::domain::alert::{Alert, CheckFacts, Event};
use crate::notify::outbound::{Answer, Delivery, Failure, Outbound, Request, header_value};

/// How long the incident of a test stays open: services that work off their requests side by side
/// must have opened it before they are told to close it.
const TEST_STAYS: Duration = Duration::from_secs(1);

/// A kind whose message is one request.
#[derive(Debug)]
pub struct Service {
    /// The kind's name in the API and the database.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// What is set about a channel of this kind.
    pub fields: &'static [Field],
    /// A configuration, as JSON: an example for the API description and for tests.
    pub example: &'static str,
    /// Messages within a minute before further ones are collected, where nobody chose a number; 0 for
    /// those that keep incidents, which never collect.
    pub group_threshold: u16,
    /// The statuses that its documentation gives for a receiver that is gone for good.
    pub gone: &'static [StatusCode],
    /// The request that carries a message; none where the kind has nothing to tell of it.
    pub request: fn(&Config<'_>, &Message<'_>) -> Result<Option<Request>, Failure>,
    /// Whether an answer of 2xx is really one: some services say in the body that they took nothing.
    /// What they say, where they did not, and whether it is for good.
    pub objection: fn(&Answer) -> Option<Objection>,
}

/// Why a service did not take a message although it answered 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// In the service's words.
    pub error: String,
    /// It will not take any more: the channel is to be disabled.
    pub is_final: bool,
}

/// For services whose status says it all.
pub(super) fn no_objection(_: &Answer) -> Option<Objection> {
    None
}

impl Service {
    /// Whether it opens an incident at a down and resolves it at the up, by a key of the check: several
    /// checks in one message would share the incident of the first.
    #[must_use]
    pub fn keeps_incidents(&self) -> bool {
        self.group_threshold == 0
    }

    /// Sends one message.
    pub(super) async fn deliver(
        &self,
        outbound: &Outbound,
        config: &Value,
        message: &Message<'_>,
    ) -> Delivery {
        match (self.request)(&Config(config), message) {
            Ok(Some(request)) => {
                let delivery = self.send(outbound, &request, message.now).await;
                if delivery == Delivery::Delivered {
                    self.close_test(outbound, config, message).await;
                }
                delivery
            }
            Ok(None) => Delivery::Skipped,
            Err(failure) => failure.into(),
        }
    }

    /// Closes what a test has opened at a service that keeps incidents. Where that fails, the test
    /// has still shown that the channel works, and people see there what stayed open.
    async fn close_test(&self, outbound: &Outbound, config: &Value, message: &Message<'_>) {
        let [test] = message.alerts else { return };
        if test.event != Event::Test || !self.keeps_incidents() {
            return;
        }
        let check = CheckFacts { name: message.subject(), ..CheckFacts::default() };
        let closed = [Alert { event: Event::Up, check, ..test.clone() }];
        let message = Message { alerts: &closed, ..*message };
        if let Ok(Some(request)) = (self.request)(&Config(config), &message) {
            tokio::time::sleep(TEST_STAYS).await;
            self.send(outbound, &request, message.now).await;
        }
    }

    async fn send(&self, outbound: &Outbound, request: &Request, now: Timestamp) -> Delivery {
        let answer = match outbound.send(request).await {
            Ok(answer) => answer,
            Err(failure) => return failure.into(),
        };
        match (self.objection)(&answer) {
            Some(Objection { error, is_final: true }) => Delivery::Gone { error },
            Some(Objection { error, is_final: false }) if answer.status.is_success() => {
                Delivery::Retry { error, retry_after: None }
            }
            _ => answer.delivery(self.gone, now),
        }
    }
}

/// A request with a JSON body.
pub(super) fn post_json(url: Url, body: &Value) -> Request {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Request {
        method: Method::POST,
        url,
        headers,
        private_headers: HeaderMap::new(),
        body: Bytes::from(body.to_string()),
    }
}

/// A request with the fields of a form.
pub(super) fn post_form(url: Url, fields: &[(&str, &str)]) -> Request {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut headers = HeaderMap::new();
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(header::CONTENT_TYPE, kind);
    Request {
        method: Method::POST,
        url,
        headers,
        private_headers: HeaderMap::new(),
        body: Bytes::from(body),
    }
}

/// The request with a header that is nobody's business.
///
/// # Errors
/// The value can't stand in a header.
pub(super) fn with_secret(
    mut request: Request,
    name: HeaderName,
    value: &str,
) -> Result<Request, Failure> {
    request.private_headers.insert(name, header_value(value)?);
    Ok(request)
}

/// A URL that this program knows itself.
///
/// # Errors
/// It can't be read, which a test of its kind would show.
pub(super) fn fixed(url: &str) -> Result<Url, Failure> {
    Url::parse(url).map_err(|_| Failure::Refused("the service's URL can't be read".to_owned()))
}

/// A URL below a base, each part of it percent-encoded.
///
/// # Errors
/// The base takes no path, which the table does not let happen.
pub(super) fn below(mut base: Url, parts: &[&str]) -> Result<Url, Failure> {
    base.set_query(None);
    base.set_fragment(None);
    match base.path_segments_mut() {
        Ok(mut segments) => {
            segments.pop_if_empty().extend(parts);
        }
        Err(()) => return Err(Failure::Refused("the URL takes no path".to_owned())),
    }
    Ok(base)
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Write as _;

    use futures_util::future::join_all;

    use super::super::command::Commands;
    use super::super::form;
    use super::super::{Kind, SERVICES, Target, Ways, deliver};
    use super::*;
    use crate::domain::alert::tests::late_backup;
    use crate::notify::outbound::tests::{Receiver, answer, open};

    pub(in super::super) fn config_of(service: &Service) -> Value {
        let example: Value = serde_json::from_str(service.example).unwrap();
        form::validate(service.fields, &example, None).unwrap()
    }

    fn message(alerts: &[Alert]) -> Message<'_> {
        Message { alerts, id: "msg_6955b2e8_7", now: alerts[0].now }
    }

    /// A check whose name and last body mean something to every service that there is.
    fn nasty() -> Alert {
        let marks = "<b>*bold*</b> _i_ `c` ```x``` [l](http://evil.example) <!channel> @everyone \
                     @room @all <@U1> & \"q\" 'a' \\ {{x}} | # ~s~ 日本";
        let mut alert = late_backup();
        alert.check.name = marks.to_owned();
        alert.check.tags = vec!["@here".to_owned()];
        alert.last_body = format!("{marks}\n").repeat(2);
        alert
    }

    /// All messages of a service as its requests, for a snapshot.
    pub(in super::super) fn requests(service: &Service) -> String {
        let down = late_backup();
        let up = Alert { event: Event::Up, downtime: Some(3_725_000_000), ..down.clone() };
        let mut told = String::new();
        for (what, alerts) in [
            ("down", vec![down.clone()]),
            ("up", vec![up.clone()]),
            ("reminder", vec![Alert { event: Event::StillDown, ..down.clone() }]),
            ("grouped", vec![up, down.clone()]),
            ("test", vec![Alert { event: Event::Test, check: CheckFacts::default(), ..down }]),
            ("nasty", vec![nasty()]),
        ] {
            let config = config_of(service);
            let request = (service.request)(&Config(&config), &message(&alerts)).unwrap();
            writeln!(told, "== {what}\n{}", request.map_or("nothing".to_owned(), |r| shown(&r)))
                .unwrap();
        }
        told
    }

    fn shown(request: &Request) -> String {
        let mut text = format!("{} {}\n", request.method, request.url);
        for (name, value) in request.headers.iter().chain(&request.private_headers) {
            writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes())).unwrap();
        }
        let body = String::from_utf8_lossy(&request.body);
        match serde_json::from_str::<Value>(&body) {
            Ok(json) => text += &serde_json::to_string_pretty(&json).unwrap(),
            Err(_) => text += &body,
        }
        text + "\n"
    }

    /// The same request to a stand-in for the service on this machine.
    fn to_stand_in(mut request: Request, receiver: &Receiver) -> Request {
        let here = receiver.url("/");
        request.url.set_scheme("http").unwrap();
        request.url.set_host(here.host_str()).unwrap();
        request.url.set_port(here.port()).unwrap();
        request
    }

    /// An answer with a body.
    pub(in super::super) fn said(status: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
    }

    /// What becomes of a message of a service that answers it with this status and body.
    pub(in super::super) async fn delivered(
        service: &Service,
        status: &str,
        body: &str,
    ) -> Delivery {
        let receiver = Receiver::answering(&[&said(status, body)]).await;
        let config = config_of(service);
        let alerts = [late_backup()];
        let request = (service.request)(&Config(&config), &message(&alerts)).unwrap().unwrap();
        service.send(&open(), &to_stand_in(request, &receiver), alerts[0].now).await
    }

    /// What a service makes of an error, of being told to wait, of garbage and of silence.
    async fn pauses(outbound: &Outbound, service: &'static Service) -> Vec<Option<Duration>> {
        let receiver = Receiver::answering(&[
            &answer("500 Internal Server Error", ""),
            &answer("429 Too Many Requests", "retry-after: 90\r\n"),
            "garbage\r\n\r\n",
            "",
        ])
        .await;
        let config = config_of(service);
        let alerts = [late_backup()];
        let request = (service.request)(&Config(&config), &message(&alerts)).unwrap().unwrap();
        let request = to_stand_in(request, &receiver);
        let mut pauses = Vec::new();
        for _ in 0..4 {
            match service.send(outbound, &request, alerts[0].now).await {
                Delivery::Retry { retry_after, .. } => pauses.push(retry_after),
                other => panic!("{}: {other:?}", service.name),
            }
        }
        assert_eq!(receiver.heard()[0].line.split(' ').next(), Some(request.method.as_str()));
        pauses
    }

    #[tokio::test]
    async fn every_service_is_tried_again_after_what_may_pass_and_waits_as_long_as_it_is_told() {
        let outbound = open();
        let all = join_all(SERVICES.into_iter().map(|service| pauses(&outbound, service))).await;
        for (service, pauses) in SERVICES.iter().zip(all) {
            let wanted = [None, Some(Duration::from_secs(90)), None, None];
            assert_eq!(pauses, wanted, "{}", service.name);
        }
    }

    #[test]
    fn every_service_is_described_by_its_table() {
        for service in SERVICES {
            assert!(service.about.ends_with('.'), "{}", service.name);
            let config = config_of(service);
            let shown = form::mask(service.fields, &config);
            assert_eq!(form::validate(service.fields, &shown, Some(&config)).unwrap(), config);
            for field in service.fields {
                assert!(!field.about.is_empty() && !field.about.ends_with('.'), "{}", field.name);
            }
        }
    }

    #[test]
    fn the_longest_message_is_within_what_any_service_takes() {
        for service in SERVICES {
            let mut alert = nasty();
            alert.check.name = "<&@*_".repeat(200);
            alert.check.tags = vec!["<&>".repeat(16); 20];
            alert.last_body = "<&@`\n".repeat(2000);
            let alerts = vec![alert; 50];
            for alerts in [&alerts[..1], &alerts[..]] {
                let config = config_of(service);
                let request = (service.request)(&Config(&config), &message(alerts)).unwrap();
                let size = request.map_or(0, |request| request.body.len());
                assert!(size < 40_000, "{}: {size}", service.name);
            }
        }
    }

    /// A service that keeps incidents, on this machine.
    static INCIDENTS: Service = Service {
        name: "incidents",
        about: "A stand-in.",
        fields: &[form::needed("url", form::Shape::Url, "where it is")],
        example: r#"{"url": "http://localhost/"}"#,
        group_threshold: 0,
        gone: &[],
        request: |config, message| {
            let told = serde_json::json!({"is_up": message.is_up(), "key": message.key()});
            Ok(Some(post_json(config.url("url")?, &told)))
        },
        objection: no_objection,
    };

    #[tokio::test]
    async fn what_a_test_opens_is_closed_again_and_nothing_else_is() {
        let receiver = Receiver::answering(&[&answer("202 Accepted", "")]).await;
        let config = serde_json::json!({"url": receiver.url("/").as_str()});
        let down = late_backup();
        let test = Alert { event: Event::Test, check: CheckFacts::default(), ..down.clone() };
        for alerts in [[down], [test]] {
            let delivery = INCIDENTS.deliver(&open(), &config, &message(&alerts)).await;
            assert_eq!(delivery, Delivery::Delivered);
        }
        let heard: Vec<String> = receiver.heard().into_iter().map(|heard| heard.body).collect();
        assert_eq!(
            heard,
            [
                r#"{"is_up":false,"key":"overdue-0123456789012345678901234567890123456789"}"#,
                r#"{"is_up":false,"key":"overdue-msg_6955b2e8_7"}"#,
                r#"{"is_up":true,"key":"overdue-msg_6955b2e8_7"}"#,
            ]
        );
    }

    #[tokio::test]
    async fn what_a_service_says_is_told_without_the_channels_secrets() {
        let echo = said("403 Forbidden", "no routing for /hook/abcdefghij");
        let receiver = Receiver::answering(&[&echo]).await;
        let config = serde_json::json!({"url": receiver.url("/hook/abcdefghij").as_str()});
        let slack = Kind::Service(&super::super::slack::SLACK);
        let office = super::super::email::tests::office(|_| ());
        let ways = Ways { outbound: &open(), office: &office, commands: &Commands::new() };
        let target = Target { kind: slack, channel_uuid: "", config: &config, follows: None };
        let delivery = deliver(ways, &target, &message(&[late_backup()])).await;
        let error = "403 Forbidden: no routing for /hook/***".to_owned();
        assert_eq!(delivery, Delivery::Gone { error });
    }
}
