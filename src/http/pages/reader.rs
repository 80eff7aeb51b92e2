//! Who reads a page, as far as dates and numbers go: their time zone and the habits of their
//! language. The texts are English; months are written as words, so that no order of day and month
//! can be taken for the other.

use std::fmt;

use askama::filters::HtmlSafe;
use chrono::{DateTime, Datelike, Timelike};
use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

use super::words;
use crate::clock::{SECOND, Timestamp};
use crate::domain::schedule::zone::{self, Tz};
use crate::http::cookie;

/// The cookie with the zone of the browser, which a script of ours sets.
const ZONE: &str = "zone";

/// How dates and numbers are written for who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reader {
    /// The zone that times are shown in.
    pub(super) zone: Tz,
    locale: Locale,
}

/// The habits of a language and its country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Locale {
    month_first: bool,
    twelve_hours: bool,
    group: char,
    decimal: char,
}

/// A moment as a page shows it: in words, with the exact time beside them; displayed, it is HTML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct When {
    /// For machines: RFC 3339 in UTC.
    pub(super) iso: String,
    /// In the reader's zone, to the second.
    pub(super) exact: String,
    /// `3 min ago`, `in 2 h`.
    pub(super) words: String,
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { iso, exact, words } = self;
        write!(f, "<time datetime=\"{iso}\" title=\"{exact}\" data-ago>{words}</time>")
    }
}

/// Dates, numbers and words of the catalogue have nothing in them that HTML would read.
impl HtmlSafe for When {}

impl Default for Reader {
    fn default() -> Self {
        Self { zone: Tz::UTC, locale: Locale::of("") }
    }
}

impl Reader {
    /// As the browser tells: its zone by the cookie, its language by `Accept-Language`.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let zone = cookie::value(headers, ZONE).and_then(zone::parse).unwrap_or(Tz::UTC);
        let languages = headers.get(ACCEPT_LANGUAGE).and_then(|line| line.to_str().ok());
        Self { zone, locale: Locale::of(first_language(languages.unwrap_or_default())) }
    }

    /// With the zone of a profile. Every account starts with `UTC`, so that this one says nothing:
    /// the browser's zone stays. Who wants UTC itself chooses `Etc/UTC`.
    pub(super) fn with_zone(self, name: &str) -> Self {
        let chosen = zone::parse(name).filter(|zone| *zone != Tz::UTC);
        Self { zone: chosen.unwrap_or(self.zone), ..self }
    }

    /// The same habits in another zone.
    pub(super) fn in_zone(self, zone: Tz) -> Self {
        Self { zone, ..self }
    }

    /// A moment that was or is to come: `3 min ago`, `in 2 h`.
    pub(super) fn when(&self, at: Timestamp, now: Timestamp) -> When {
        When { iso: at.to_rfc3339(), exact: self.exact(at), words: words::ago_or_in(at, now) }
    }

    /// `Tue 3 Mar 2026, 14:05:12 CET`.
    pub(super) fn exact(&self, at: Timestamp) -> String {
        let local = self.local(at);
        let (date, seconds) = (self.date_of(&local), format!(":{:02}", local.second()));
        let time = self.time_of(&local, &seconds);
        format!("{} {date}, {time} {}", local.format("%a"), local.format("%Z"))
    }

    /// As a field of a form has a date and a time: `2026-03-03T14:05`, with seconds where there are any.
    pub(super) fn typed(&self, at: Timestamp) -> String {
        let local = self.local(at);
        let seconds = if local.second() == 0 { "" } else { ":%S" };
        local.format(&format!("%Y-%m-%dT%H:%M{seconds}")).to_string()
    }

    /// `3 Mar 2026, 14:05`.
    pub(super) fn minute(&self, at: Timestamp) -> String {
        let local = self.local(at);
        format!("{}, {}", self.date_of(&local), self.time_of(&local, ""))
    }

    /// A moment by as much of its date as it needs: today's by its time, `Tue 14:05` within six days
    /// of now, else `3 Mar 2026, 14:05`.
    pub(super) fn near(&self, at: Timestamp, now: Timestamp) -> String {
        const SIX_DAYS: i64 = 6 * 86_400 * SECOND;
        let local = self.local(at);
        match at.micros_since(now).abs() {
            _ if local.date_naive() == self.local(now).date_naive() => self.time(at),
            ..SIX_DAYS => format!("{} {}", local.format("%a"), self.time(at)),
            _ => self.minute(at),
        }
    }

    /// `3 Mar 2026`.
    pub(super) fn date(&self, at: Timestamp) -> String {
        self.date_of(&self.local(at))
    }

    /// `14:05`.
    pub(super) fn time(&self, at: Timestamp) -> String {
        self.time_of(&self.local(at), "")
    }

    /// `12,345`.
    pub(super) fn number(&self, n: i64) -> String {
        let digits = n.unsigned_abs().to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
        if n < 0 {
            text.push('−');
        }
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(self.locale.group);
            }
            text.push(digit);
        }
        text
    }

    /// A number with this many digits behind the decimal sign: `99.95`.
    pub(super) fn decimal(&self, n: f64, digits: usize) -> String {
        format!("{n:.digits$}").replace('.', self.locale.decimal.encode_utf8(&mut [0; 4]))
    }

    fn local(&self, at: Timestamp) -> DateTime<Tz> {
        at.to_datetime().with_timezone(&self.zone)
    }

    fn date_of(&self, local: &DateTime<Tz>) -> String {
        let (day, month, year) = (local.day(), local.format("%b"), local.year());
        if self.locale.month_first {
            format!("{month} {day}, {year}")
        } else {
            format!("{day} {month} {year}")
        }
    }

    fn time_of(&self, local: &DateTime<Tz>, seconds: &str) -> String {
        if self.locale.twelve_hours {
            let (is_pm, hour) = local.hour12();
            let half = if is_pm { "PM" } else { "AM" };
            format!("{hour}:{:02}{seconds} {half}", local.minute())
        } else {
            format!("{:02}:{:02}{seconds}", local.hour(), local.minute())
        }
    }
}

impl Locale {
    /// By a tag such as `de-AT`; of languages that are not named here the international habits.
    fn of(tag: &str) -> Self {
        let tag = tag.to_ascii_lowercase();
        let (language, country) = tag.split_once('-').unwrap_or((&tag, ""));
        let (group, decimal) = match (language, country) {
            ("de" | "it", "ch") | ("de", "li") => ('’', '.'),
            ("es", "mx" | "us") => (',', '.'),
            (
                "de" | "es" | "it" | "nl" | "pt" | "id" | "tr" | "da" | "el" | "hr" | "sl" | "ro"
                | "vi" | "ca",
                _,
            ) => ('.', ','),
            (
                "fr" | "cs" | "sk" | "pl" | "ru" | "uk" | "bg" | "fi" | "sv" | "nb" | "no" | "nn"
                | "hu" | "lv" | "lt" | "et",
                _,
            ) => ('\u{202f}', ','),
            _ => (',', '.'),
        };
        let is_american = language == "en" && matches!(country, "" | "us");
        let by_half_days = matches!(country, "ca" | "au" | "nz" | "in" | "ph" | "pk");
        let twelve_hours = is_american || (language == "en" && by_half_days);
        Self { month_first: is_american, twelve_hours, group, decimal }
    }
}

/// The tag that is liked best; of several liked alike the first.
fn first_language(line: &str) -> &str {
    let mut best = ("", 0.0);
    for part in line.split(',') {
        let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
        let weight = rest.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse().ok());
        let weight: f32 = weight.unwrap_or(0.0);
        if weight > best.1 && tag.trim() != "*" {
            best = (tag.trim(), weight);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::COOKIE;

    fn reader(zone: &'static str, languages: &'static str) -> Reader {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(&format!("zone={zone}")).unwrap());
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(languages));
        Reader::of(&headers)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_stand_in_the_readers_zone_and_in_the_order_of_their_language() {
        let moment = at("2026-03-03T22:05:09Z");
        let german = reader("Europe/Berlin", "de-DE,de;q=0.9,en;q=0.8");
        assert_eq!(german.exact(moment), "Tue 3 Mar 2026, 23:05:09 CET");
        let american = reader("America/New_York", "en-US,en;q=0.5");
        assert_eq!(american.exact(moment), "Tue Mar 3, 2026, 5:05:09 PM EST");
        assert_eq!(american.minute(moment), "Mar 3, 2026, 5:05 PM");
        let british = reader("Europe/London", "en-GB");
        assert_eq!(british.minute(moment), "3 Mar 2026, 22:05");
        assert_eq!(
            (british.date(moment), british.time(moment)),
            ("3 Mar 2026".into(), "22:05".into())
        );
    }

    #[test]
    fn what_is_near_is_told_by_less_of_its_date() {
        let (reader, now) = (Reader::default(), at("2026-03-03T22:05:09Z"));
        assert_eq!(reader.near(at("2026-03-03T01:00:00Z"), now), "01:00");
        assert_eq!(reader.near(at("2026-03-04T01:00:00Z"), now), "Wed 01:00");
        assert_eq!(reader.near(at("2026-02-27T01:00:00Z"), now), "Fri 01:00");
        assert_eq!(reader.near(at("2026-03-10T22:00:00Z"), now), "10 Mar 2026, 22:00");
    }

    #[test]
    fn numbers_are_grouped_as_their_language_does() {
        let all = [
            ("en-GB", "1,234,567", "99.50"),
            ("de", "1.234.567", "99,50"),
            ("fr-FR", "1\u{202f}234\u{202f}567", "99,50"),
            ("de-CH", "1’234’567", "99.50"),
            ("", "1,234,567", "99.50"),
        ];
        for (languages, number, decimal) in all {
            let reader = reader("UTC", languages);
            assert_eq!(reader.number(1_234_567), number);
            assert_eq!(reader.decimal(99.5, 2), decimal);
        }
        assert_eq!(Reader::default().number(-1000), "−1,000");
        assert_eq!(Reader::default().number(999), "999");
    }

    #[test]
    fn the_language_that_is_liked_best_counts() {
        assert_eq!(first_language("fr;q=0.5, de-AT ;q=0.9, *;q=1"), "de-AT");
        assert_eq!(first_language("en-GB,en"), "en-GB");
        assert_eq!(first_language(";;,q=;x"), "");
        assert_eq!(first_language("de;q=abc"), "");
    }

    #[test]
    fn a_zone_of_the_profile_goes_before_the_browsers_unless_it_is_what_all_start_with() {
        let here = reader("Europe/Berlin", "");
        assert_eq!(here.with_zone("UTC").zone, Tz::Europe__Berlin);
        assert_eq!(here.with_zone("Asia/Tokyo").zone, Tz::Asia__Tokyo);
        assert_eq!(here.with_zone("Etc/UTC").zone, Tz::Etc__UTC);
        assert_eq!(reader("Nowhere/AtAll", "").zone, Tz::UTC);
    }
}
