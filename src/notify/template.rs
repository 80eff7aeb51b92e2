//! The placeholders of a webhook's URL, headers and body (`alerting.md`, "Channel kinds"), and the
//! two JSON forms that they can insert. Pure text in, text out: nothing here sends.
//!
//! * A placeholder is replaced once, at each `$` the longest name that fits (`$NAME_JSON` before
//!   `$NAME`), and what was put in is never looked at again. A name that does not exist (`$FOO`)
//!   stays as it is; `$TAG3` of a check with two tags is empty.
//! * In a URL, values are percent-encoded, and nothing is replaced before the path begins.
//! * In a header, control characters are taken out of the values.
//! * A body counts as JSON when its template parses as JSON once the placeholders that stand for
//!   JSON values outside of strings (`$JSON`, `$NAME_JSON`, `$BODY_JSON`, `$EXITSTATUS`, `$COUNT`,
//!   `$LIST_JSON`) are thought of as `null`: so does `{"count":$COUNT,"list":$LIST_JSON}`. There
//!   they are inserted as the values that they are (`$EXITSTATUS` as a number or `null`); inside
//!   of a JSON string *every* placeholder is escaped, `$JSON` too, which so becomes a string that
//!   holds JSON. No name, tag or body can break it.
//! * Any other body takes the values as they are.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::clock::{SECOND, Timestamp};
use crate::domain::alert::{self, Alert, CheckFacts, Event, Rhythm};
use crate::domain::monitor::Host;

/// Everything but RFC 3986's unreserved characters is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How many characters one value may bring into a header: longer ones make servers refuse the
/// request as a whole.
const HEADER_VALUE_LIMIT: usize = 1_000;

/// What the placeholders stand for in one message.
#[derive(Clone, Debug)]
pub struct Values {
    /// Longest name first.
    placeholders: Vec<Placeholder>,
    tags: Vec<String>,
}

#[derive(Clone, Debug)]
struct Placeholder {
    /// Without the `$`.
    name: &'static str,
    text: String,
    /// What it is as a JSON value outside of a JSON string; none for those that are only text.
    value: Option<String>,
}

/// A body whose placeholders are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The finished text.
    pub text: String,
    /// Whether the template is JSON, and so the text.
    pub is_json: bool,
}

enum Piece<'a> {
    Literal(&'a str),
    Value { written: &'a str, text: &'a str, value: Option<&'a str> },
}

impl Values {
    /// The values of one alert. A test and the news of a channel that was switched off have no
    /// change of a check to tell: there `$REASON` is `test` or `channel_disabled`, `$BODY` the
    /// message itself, and `$NAME` falls back to the words `Test message` or the channel's name.
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        let (name, reason, body) = told(alert);
        let check = &alert.check;
        let exit_status = alert.exit_status.map(|n| n.to_string()).unwrap_or_default();
        let exit_value =
            if exit_status.is_empty() { "null".to_owned() } else { exit_status.clone() };
        Self::new(
            vec![
                plain("CODE", check.uuid.clone()),
                plain("SLUG", check.slug.clone()),
                plain("STATUS", alert.event.status().to_owned()),
                plain("NOW", alert.now.to_rfc3339()),
                plain("TAGS", check.tags.join(" ")),
                plain("REASON", reason),
                Placeholder { name: "EXITSTATUS", text: exit_status, value: Some(exit_value) },
                value("JSON", check_json(check).to_string()),
                value("NAME_JSON", json_string(&name)),
                value("BODY_JSON", json_string(&body)),
                plain("NAME", name),
                plain("BODY", body),
            ],
            check.tags.clone(),
        )
    }

    /// The values of several alerts that are sent as one: `$COUNT`, `$LIST` (a line each),
    /// `$LIST_JSON` (an array of what [`alert_json`] makes of each); `$NAME` is `3 alerts`,
    /// `$STATUS` is `down` where any of them is, `$REASON` is `group`, and what belongs to a single
    /// check is empty.
    #[must_use]
    pub fn of_group(alerts: &[Alert], now: Timestamp) -> Self {
        let name = format!("{} alerts", alerts.len());
        let down = alerts.iter().any(|alert| alert.event.status() == "down");
        let list = alerts.iter().map(alert::short).collect::<Vec<_>>().join("\n");
        Self::new(
            vec![
                value("COUNT", alerts.len().to_string()),
                value("LIST_JSON", list_json(alerts).to_string()),
                plain("STATUS", if down { "down" } else { "up" }.to_owned()),
                plain("NOW", now.to_rfc3339()),
                plain("REASON", "group".to_owned()),
                value("JSON", "null".to_owned()),
                value("NAME_JSON", json_string(&name)),
                value("BODY_JSON", json_string(&list)),
                plain("NAME", name),
                plain("BODY", list.clone()),
                plain("LIST", list),
                plain("CODE", String::new()),
                plain("SLUG", String::new()),
                plain("TAGS", String::new()),
                Placeholder {
                    name: "EXITSTATUS",
                    text: String::new(),
                    value: Some("null".to_owned()),
                },
            ],
            Vec::new(),
        )
    }

    fn new(mut placeholders: Vec<Placeholder>, tags: Vec<String>) -> Self {
        placeholders.sort_by_key(|p| std::cmp::Reverse(p.name.len()));
        Self { placeholders, tags }
    }

    /// Every name, without its `$`, and what it stands for.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.placeholders.iter().map(|placeholder| (placeholder.name, placeholder.text.as_str()))
    }

    /// The URL, values percent-encoded; scheme, user, host and port stay as they were written. A
    /// value that is `.` or `..` is left out, since it would lead to another path.
    #[must_use]
    pub fn in_url(&self, template: &str) -> String {
        let (origin, rest) = template.split_at(path_start(template));
        origin.to_owned() + self.fill(rest, url_value).as_str()
    }

    /// A header's value: neither CR, LF nor another control character comes in by a value, and of
    /// each value no more than 1000 characters.
    #[must_use]
    pub fn in_header(&self, template: &str) -> String {
        self.fill(template, |text| {
            text.chars().filter(|c| !c.is_control()).take(HEADER_VALUE_LIMIT).collect()
        })
    }

    /// A body, as JSON where its template is JSON (see the head of this file), else as plain text.
    #[must_use]
    pub fn in_body(&self, template: &str) -> Body {
        match self.in_json(template) {
            Some(text) => Body { text, is_json: true },
            None => Body { text: self.fill(template, str::to_owned), is_json: false },
        }
    }

    fn in_json(&self, template: &str) -> Option<String> {
        // All by itself it is the one value that would read as JSON and be meant as text.
        if template.trim() == "$EXITSTATUS" {
            return None;
        }
        let (mut skeleton, mut filled, mut in_string) = (String::new(), String::new(), false);
        for piece in self.pieces(template) {
            match piece {
                Piece::Literal(text) => {
                    in_string = ends_in_string(text, in_string);
                    skeleton.push_str(text);
                    filled.push_str(text);
                }
                Piece::Value { written, text, .. } if in_string => {
                    skeleton.push_str(written);
                    filled.push_str(&json_escaped(text));
                }
                Piece::Value { value, .. } => {
                    skeleton.push_str("null");
                    filled.push_str(value?);
                }
            }
        }
        serde_json::from_str::<Value>(&skeleton).is_ok().then_some(filled)
    }

    fn fill(&self, template: &str, form: impl Fn(&str) -> String) -> String {
        let pieces = self.pieces(template).into_iter();
        pieces
            .map(|piece| match piece {
                Piece::Literal(text) => text.to_owned(),
                Piece::Value { text, .. } => form(text),
            })
            .collect()
    }

    fn pieces<'a>(&'a self, template: &'a str) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let mut rest = template;
        while let Some(dollar) = rest.find('$') {
            let (before, at) = rest.split_at(dollar);
            pieces.push(Piece::Literal(before));
            let piece = self.placeholder_at(at).unwrap_or(Piece::Literal(&at[..1]));
            let (Piece::Literal(written) | Piece::Value { written, .. }) = &piece;
            rest = &at[written.len()..];
            pieces.push(piece);
        }
        pieces.push(Piece::Literal(rest));
        pieces
    }

    /// The placeholder that `at`, which begins with `$`, begins with.
    fn placeholder_at<'a>(&'a self, at: &'a str) -> Option<Piece<'a>> {
        let rest = &at[1..];
        if let Some(p) = self.placeholders.iter().find(|p| rest.starts_with(p.name)) {
            let written = &at[..=p.name.len()];
            return Some(Piece::Value { written, text: &p.text, value: p.value.as_deref() });
        }
        let after = rest.strip_prefix("TAG")?;
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 || after.starts_with('0') {
            return None;
        }
        // A number that is too large for the type is beyond the last tag as well.
        let index = after[..digits].parse::<usize>().unwrap_or(usize::MAX) - 1;
        let text = self.tags.get(index).map_or("", String::as_str);
        Some(Piece::Value { written: &at[.."$TAG".len() + digits], text, value: None })
    }
}

/// The check as the Healthchecks dialect's `read` has it (version 3, for a key that may only
/// read): what `$JSON` inserts. It holds nothing that allows pinging or changing the check.
#[must_use]
pub fn check_json(check: &CheckFacts) -> Value {
    let filters = &check.filters;
    let by_subject =
        |words: &str| if filters.filter_subject { words.to_owned() } else { String::new() };
    let mut json = json!({
        "name": check.name,
        "slug": check.slug,
        "tags": check.tags.join(" "),
        "desc": check.description,
        "grace": check.grace,
        "n_pings": check.n_pings,
        "status": check.status,
        "started": check.started,
        "last_ping": check.last_ping_at.map(iso),
        "next_ping": check.next_ping_at.map(iso),
        "manual_resume": check.manual_resume,
        "methods": check.methods,
        "subject": by_subject(&filters.success_kw),
        "subject_fail": by_subject(&filters.failure_kw),
        "start_kw": filters.start_kw,
        "success_kw": filters.success_kw,
        "failure_kw": filters.failure_kw,
        "filter_subject": filters.filter_subject,
        "filter_body": filters.filter_body,
        "filter_http_body": filters.filter_http_body,
        "filter_default_fail": filters.filter_default_fail,
        "unique_key": check.unique_key,
    });
    if let Some(url) = &check.badge_url {
        json["badge_url"] = json!(url);
    }
    if let Some(micros) = check.last_duration {
        json["last_duration"] = json!(micros / SECOND);
    }
    match &check.rhythm {
        Rhythm::Every { period } => json["timeout"] = json!(period),
        Rhythm::Schedule { expression, timezone, .. } => {
            json["schedule"] = json!(expression);
            json["tz"] = json!(timezone);
        }
    }
    json
}

/// One alert as a JSON object: the default body of a webhook, and an item of `$LIST_JSON`. Its
/// fields are described at the webhook kind.
#[must_use]
pub fn alert_json(alert: &Alert) -> Value {
    let check = &alert.check;
    let (name, reason, _) = told(alert);
    let mut json = json!({
        "event": alert.event.as_str(),
        "status": alert.event.status(),
        "check_name": name,
        "uuid": check.uuid,
        "slug": check.slug,
        "tags": check.tags,
        "project_name": alert.project,
        "reason": reason,
        "exit_status": alert.exit_status,
        "since": alert.since.to_rfc3339(),
        "expected_at": alert.expected_at.map(Timestamp::to_rfc3339),
        "last_ping_at": check.last_ping_at.map(Timestamp::to_rfc3339),
        "downtime": alert.downtime.map(|micros| micros / SECOND),
        "link": alert.link,
        "text": alert::text(alert),
    });
    if let Some(host) = &alert.host {
        json["host"] = json!({
            "name": alert::one_line(&host.name),
            "status": host.seen.unwrap_or(Host::Unknown).as_str(),
            "error": host.error,
        });
    }
    json
}

/// Several alerts as a JSON array.
#[must_use]
pub fn list_json(alerts: &[Alert]) -> Value {
    alerts.iter().map(alert_json).collect()
}

/// Where the path (or query, or fragment) of an absolute URL begins: before it stand scheme, user,
/// host and port. A backslash ends the host as a slash does, as in every browser.
#[must_use]
pub fn path_start(url: &str) -> usize {
    let Some(scheme) = url.find("://") else { return url.len() };
    let host = scheme + "://".len();
    url[host..].find(['/', '\\', '?', '#']).map_or(url.len(), |end| host + end)
}

/// Name, reason and body of an alert as the placeholders tell them.
fn told(alert: &Alert) -> (String, String, String) {
    let check = &alert.check;
    match &alert.event {
        Event::ChannelDisabled { channel_name, why } => {
            (channel_name.clone(), alert.event.as_str().to_owned(), why.clone())
        }
        Event::Test => {
            let name = if check.name.is_empty() { "Test message" } else { &check.name };
            (name.to_owned(), "test".to_owned(), alert::text(alert))
        }
        Event::Flapping | Event::Confirm => {
            (check.name.clone(), alert.event.as_str().to_owned(), alert.last_body.clone())
        }
        Event::Down | Event::StillDown | Event::Up => {
            let reason = alert.reason.map_or("", |reason| reason.as_str());
            (check.name.clone(), reason.to_owned(), alert.last_body.clone())
        }
    }
}

fn plain(name: &'static str, text: String) -> Placeholder {
    Placeholder { name, text, value: None }
}

fn value(name: &'static str, json: String) -> Placeholder {
    Placeholder { name, text: json.clone(), value: Some(json) }
}

fn json_string(text: &str) -> String {
    Value::from(text).to_string()
}

/// The text as it stands between the quotes of a JSON string.
fn json_escaped(text: &str) -> String {
    let quoted = json_string(text);
    quoted[1..quoted.len() - 1].to_owned()
}

fn url_value(text: &str) -> String {
    if matches!(text, "." | "..") {
        return String::new();
    }
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Whether a JSON text, of which `literal` is the next part, is inside of a string after it.
fn ends_in_string(literal: &str, mut in_string: bool) -> bool {
    let mut escaped = false;
    for c in literal.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
    }
    in_string
}

/// The dialect's times have no fractions of a second.
fn iso(at: Timestamp) -> String {
    at.to_datetime().format("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::tests::late_backup;
    use proptest::prelude::*;

    fn named(name: &str) -> Values {
        let mut alert = late_backup();
        alert.check.name = name.into();
        Values::of(&alert)
    }

    fn plain_text(template: &str) -> String {
        let body = Values::of(&late_backup()).in_body(template);
        assert!(!body.is_json, "{template}");
        body.text
    }

    #[test]
    fn every_placeholder_stands_for_its_value() {
        assert_eq!(
            plain_text(
                "$CODE|$NAME|$SLUG|$STATUS|$NOW|$TAGS|$TAG1|$TAG2|$REASON|$EXITSTATUS|$BODY"
            ),
            "00000000-0000-4000-8000-000000000001|nightly backup|nightly-backup|down|\
             2026-01-02T02:10:01.000000Z|prod db|prod|db|timeout||dumping\ndone in 3 s\n"
        );
        assert_eq!(
            plain_text("- $NAME_JSON $BODY_JSON"),
            r#"- "nightly backup" "dumping\ndone in 3 s\n""#
        );
    }

    #[test]
    fn the_longest_name_wins_and_unknown_names_stay() {
        assert_eq!(plain_text("x$NAME_JSON"), r#"x"nightly backup""#);
        assert_eq!(plain_text("$NAMES and $NAME_"), "nightly backupS and nightly backup_");
        assert_eq!(plain_text("$FOO $ $$STATUS $TAG $TAG0 $name"), "$FOO $ $down $TAG $TAG0 $name");
        assert_eq!(plain_text("$COUNT $LIST"), "$COUNT $LIST");
    }

    #[test]
    fn tags_beyond_the_last_are_empty_and_their_number_is_read_whole() {
        assert_eq!(plain_text("<$TAG3> <$TAG10> <$TAG99999999999999999999999>"), "<> <> <>");
    }

    #[test]
    fn what_was_put_in_is_not_looked_at_again() {
        assert_eq!(named("$CODE $BODY_JSON").in_body("x $NAME").text, "x $CODE $BODY_JSON");
        assert_eq!(named("$").in_body("x $NAMECODE").text, "x $CODE");
    }

    #[test]
    fn inside_a_json_body_names_are_escaped_and_values_are_inserted_raw() {
        let values = named("a\"b\\c\nd");
        let body =
            values.in_body(r#"{"n":"$NAME!","j":$NAME_JSON,"s":"$NAME_JSON","x":$EXITSTATUS}"#);
        assert!(body.is_json);
        let json: Value = serde_json::from_str(&body.text).unwrap();
        assert_eq!(json["n"], "a\"b\\c\nd!");
        assert_eq!(json["j"], "a\"b\\c\nd");
        assert_eq!(json["s"], r#""a\"b\\c\nd""#);
        assert_eq!(json["x"], Value::Null);
    }

    #[test]
    fn a_body_counts_as_json_when_its_template_parses_as_such() {
        let values = Values::of(&late_backup());
        let is_json = |template: &str| values.in_body(template).is_json;
        assert!(is_json(r#"{"name":"$NAME"}"#));
        assert!(is_json("$JSON") && is_json(r#"[$JSON, "$FOO"]"#) && is_json("$NAME_JSON"));
        assert!(!is_json("") && !is_json("$NAME") && !is_json("$EXITSTATUS"));
        assert!(!is_json(r#"{"name":$NAME}"#) && !is_json(r#"{"name":"\$NAME"}"#));
        assert!(!is_json("name=$NAME") && !is_json(r#"{"name":$FOO}"#));
    }

    #[test]
    fn an_exit_status_is_a_number_in_json_and_empty_text_where_there_is_none() {
        let mut alert = late_backup();
        assert_eq!(Values::of(&alert).in_body("$EXITSTATUS").text, "");
        assert_eq!(Values::of(&alert).in_body(r#"["$EXITSTATUS"]"#).text, r#"[""]"#);
        alert.exit_status = Some(7);
        assert_eq!(Values::of(&alert).in_body(r#"[$EXITSTATUS,"$EXITSTATUS"]"#).text, r#"[7,"7"]"#);
    }

    #[test]
    fn in_a_url_values_are_encoded_and_the_host_is_left_alone() {
        let values = named("a/b?c=d&e#f ä");
        assert_eq!(
            values.in_url("https://$NAME:$NAME@$NAME.example:8443/$NAME?q=$STATUS#$TAG1"),
            "https://$NAME:$NAME@$NAME.example:8443/a%2Fb%3Fc%3Dd%26e%23f%20%C3%A4?q=down#prod"
        );
        assert_eq!(values.in_url("http://h\\$STATUS"), "http://h\\down");
        assert_eq!(values.in_url("http://h?$STATUS"), "http://h?down");
        assert_eq!(named("..").in_url("http://h/a/$NAME/b"), "http://h/a//b");
    }

    #[test]
    fn in_a_header_control_characters_go_and_long_values_are_cut() {
        assert_eq!(named("a\r\nX-Evil: 1\u{7f}").in_header("n=$NAME;"), "n=aX-Evil: 1;");
        assert_eq!(named(&"x".repeat(5_000)).in_header("$NAME").len(), HEADER_VALUE_LIMIT);
    }

    #[test]
    fn a_group_has_count_and_lists() {
        let mut up = late_backup();
        up.event = Event::Up;
        let values = Values::of_group(&[late_backup(), up], Timestamp(0));
        let body =
            values.in_body(r#"{"count":$COUNT,"list":$LIST_JSON,"s":"$STATUS","n":"$NAME"}"#);
        assert!(body.is_json);
        let json: Value = serde_json::from_str(&body.text).unwrap();
        assert_eq!(json["count"], 2);
        assert_eq!(json["list"][0]["check_name"], "nightly backup");
        assert_eq!((&json["list"][1]["status"], &json["s"]), (&json!("up"), &json!("down")));
        assert_eq!(json["n"], "2 alerts");
        assert_eq!(
            values.in_body("$COUNT:\n$LIST").text,
            "2:\nDOWN nightly backup: no ping came in time (03:10 CET)\nUP nightly backup"
        );
    }

    #[test]
    fn a_test_says_that_it_is_one() {
        let alert = Alert { event: Event::Test, check: CheckFacts::default(), ..late_backup() };
        let text = Values::of(&alert).in_body("$STATUS $REASON $NAME $BODY").text;
        assert!(text.starts_with("down test Test message Test: "), "{text}");
        assert!(text.contains("This is a test message."));
    }

    #[test]
    fn json_is_the_check_as_the_healthchecks_dialect_reads_it() {
        let mut check = late_backup().check;
        check.last_duration = Some(3_900_000);
        check.filters.success_kw = "ok".into();
        let text =
            Values::of(&Alert { check: check.clone(), ..late_backup() }).in_body("$JSON").text;
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["last_ping"], "2026-01-01T02:00:12+00:00");
        assert_eq!((&json["next_ping"], &json["started"]), (&Value::Null, &json!(false)));
        assert_eq!((&json["tags"], &json["schedule"]), (&json!("prod db"), &json!("0 3 * * *")));
        assert_eq!((&json["last_duration"], &json["subject"]), (&json!(3), &json!("")));
        assert!(json.get("timeout").is_none() && json.get("ping_url").is_none());
        check.rhythm = Rhythm::Every { period: 60 };
        check.filters.filter_subject = true;
        check.last_duration = None;
        let json = check_json(&check);
        assert_eq!((&json["timeout"], &json["subject"]), (&json!(60), &json!("ok")));
        assert!(json.get("tz").is_none() && json.get("last_duration").is_none());
    }

    fn nasty() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[\"\\\\\r\n{}$,:a-zA-Z_/@?#.%0-9\u{0}-\u{1f}]{0,30}",
            "(\\$(NAME|BODY|NAME_JSON|JSON|TAG1|CODE)){1,3}",
        ]
    }

    fn filled_with(name: &str, body: &str, tag: &str) -> Values {
        let mut alert = late_backup();
        alert.check.name = name.into();
        alert.check.tags = vec![tag.into()];
        alert.last_body = body.into();
        Values::of(&alert)
    }

    proptest! {
        #[test]
        fn a_json_body_stays_json_and_keeps_its_shape(
            name in nasty(), body in nasty(), tag in nasty()
        ) {
            let template =
                r#"{"a":"<$NAME>","$TAG1x":[$BODY_JSON,"$TAGS$JSON"],"j":$JSON,"b":"$BODY"}"#;
            let filled = filled_with(&name, &body, &tag).in_body(template);
            prop_assert!(filled.is_json);
            let json: Value = serde_json::from_str(&filled.text).unwrap();
            prop_assert_eq!(&json["a"], &json!(format!("<{name}>")));
            prop_assert_eq!(&json["b"], &json!(body));
            prop_assert_eq!(&json["j"]["name"], &json!(name));
            prop_assert!(json.as_object().unwrap().len() <= 4);
        }

        #[test]
        fn nothing_that_was_inserted_is_expanded(name in nasty(), body in nasty()) {
            let filled = filled_with(&name, &body, "").in_body("- $NAME | $BODY");
            prop_assert_eq!(filled.text, format!("- {name} | {body}"));
        }

        #[test]
        fn no_line_break_comes_into_a_header(name in nasty(), body in nasty(), tag in nasty()) {
            let values = filled_with(&name, &body, &tag);
            let value = values.in_header("$NAME $BODY $TAG1 $JSON $BODY_JSON");
            prop_assert!(!value.contains(['\r', '\n']));
            prop_assert!(http::HeaderValue::from_str(&value).is_ok() || !value.is_ascii());
            prop_assert!(http::HeaderValue::from_bytes(value.as_bytes()).is_ok());
        }

        #[test]
        fn values_change_neither_host_nor_the_number_of_parameters(
            name in nasty(), tag in nasty()
        ) {
            let filled = filled_with(&name, &name, &tag)
                .in_url("https://u:p@hook.example:8443/x/$NAME$TAG1?a=$BODY&b=$TAGS");
            let url = url::Url::parse(&filled).unwrap();
            prop_assert_eq!(url.origin().ascii_serialization(), "https://hook.example:8443");
            prop_assert_eq!((url.username(), url.password()), ("u", Some("p")));
            prop_assert!(url.path().starts_with("/x/"));
            prop_assert_eq!(url.query_pairs().count(), 2);
            prop_assert_eq!(url.fragment(), None);
        }

        #[test]
        fn any_template_can_be_filled(template in nasty()) {
            let values = named("x");
            prop_assert!(values.in_url(&template).starts_with(&template[..path_start(&template)]));
            let body = values.in_body(&template);
            prop_assert!(!body.is_json || serde_json::from_str::<Value>(&body.text).is_ok());
        }
    }
}
