//! One component of an expression, as the `9..17/2,20` of an hour: numbers, ranges, repetitions and
//! lists of them.

use std::borrow::Cow;

use crate::domain::schedule::words::ordinal;

/// A component, and what it allows.
#[derive(Debug)]
pub struct Field {
    /// What it is called in errors.
    pub name: &'static str,
    /// The smallest value.
    pub first: u32,
    /// The greatest one.
    pub last: u32,
    /// What is allowed, as errors say it.
    pub allowed: &'static str,
    /// How the number that is written becomes the value.
    pub unit: Unit,
}

/// How a number becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// It is the value.
    One,
    /// It is a year, whose first two digits may be left out.
    Year,
    /// It counts down: repetitions make it smaller.
    Down,
    /// It is seconds, perhaps with a fraction; the value is microseconds.
    Micros,
}

/// Numbers from `start` to `stop`, both of them included, `step` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first.
    pub start: u32,
    /// The last; a whole number of steps after `start`.
    pub stop: u32,
    /// At least 1.
    pub step: u32,
    /// Whether only the end of the field ends it, as with `5/10`.
    pub open: bool,
}

impl Span {
    /// One number.
    #[must_use]
    pub fn one(number: u32) -> Self {
        Self { start: number, stop: number, step: 1, open: false }
    }

    /// The numbers.
    pub fn numbers(self) -> impl Iterator<Item = u32> {
        (self.start..=self.stop).step_by(self.step as usize)
    }

    /// The first of them that is not below `from`.
    #[must_use]
    pub fn at_or_after(self, from: u32) -> Option<u32> {
        let steps = from.saturating_sub(self.start).div_ceil(self.step);
        let found = steps.checked_mul(self.step).and_then(|n| n.checked_add(self.start));
        found.filter(|found| *found <= self.stop)
    }
}

/// How many values a list may have; more would be refused by systemd too.
const MOST_VALUES: usize = 241;

/// The greatest number that is read; it bounds repetitions, which have no other bound in a range.
const GREATEST: u32 = i32::MAX.unsigned_abs();

/// What a component allows; none where that is everything, as with `*`.
///
/// # Errors
///
/// Says what is wrong, after the name of the field.
pub fn parse(field: &Field, text: &str) -> Result<Option<Vec<Span>>, String> {
    if text == "*" {
        return Ok(None);
    }
    let spans = || {
        if text.split(',').count() > MOST_VALUES {
            return Err(format!("there are more than {MOST_VALUES} values"));
        }
        let spans = text.split(',').map(|part| field.span(part)).collect::<Result<Vec<_>, _>>()?;
        if field.unit == Unit::Down { all_near_the_end(spans) } else { Ok(spans) }
    };
    spans().map(Some).map_err(|error: String| format!("{}: {error}", field.name))
}

/// Refuses what systemd refuses of days that are counted from the end: there each value of a list,
/// the smallest first, may be three days less than the one before it.
fn all_near_the_end(spans: Vec<Span>) -> Result<Vec<Span>, String> {
    let mut sorted = spans.clone();
    // An open repetition begins with its greatest value.
    let start = |span: &Span| if span.open { span.stop } else { span.start };
    sorted.sort_by_key(|span| (start(span), *span));
    sorted.dedup();
    let limits = (1..=28).rev().step_by(3).chain(std::iter::repeat(0));
    let too_great = |((_, span), most): &((u32, &Span), u32)| span.stop > *most;
    match (1..).zip(&sorted).zip(limits).find(too_great) {
        None => Ok(spans),
        Some(((place, span), most)) => Err(format!(
            "{} is not within 1–{most}, as the {} value from the end of a month has to be",
            span.stop,
            ordinal(place)
        )),
    }
}

impl Field {
    /// One element of a list.
    fn span(&self, text: &str) -> Result<Span, String> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (text, None),
        };
        if range == "*" {
            return Err(self.lonely_star(text, step));
        }
        let step = step.map(|step| self.step(step)).transpose()?;
        match (range.split_once(".."), step) {
            (Some((from, to)), step) => self.range(from, to, step),
            (None, Some(step)) => self.repeated(self.value(range)?, step, text),
            (None, None) => self.value(range).map(Span::one),
        }
    }

    /// What to write instead of `*/5`, or of a `*` within a list.
    fn lonely_star(&self, text: &str, step: Option<&str>) -> String {
        match step {
            Some(step) => {
                let first = if self.unit == Unit::Down { self.last } else { self.first };
                format!("{} is not understood: write {first}/{}", cut(text), cut(step))
            }
            None => "* stands alone, not in a list".to_owned(),
        }
    }

    /// `5..10`, `5..10/2`.
    fn range(&self, from: &str, to: &str, step: Option<u32>) -> Result<Span, String> {
        let (first, last) = (self.value(from)?, self.value(to)?);
        let because = |what| format!("{}..{} {what}", cut(from), cut(to));
        let length = last.checked_sub(first);
        let length = length.ok_or_else(|| because("ends before it begins"))?;
        let whole = if self.unit == Unit::Micros { 1_000_000 } else { 1 };
        if step.is_none() && self.unit == Unit::Micros && length < whole {
            return Err(because("is shorter than a second, the step between its values"));
        }
        let step = step.unwrap_or(whole);
        if length < step {
            return Ok(Span::one(first));
        }
        Ok(Span { start: first, stop: last - length % step, step, open: false })
    }

    /// `5/10`: the value and what follows it in steps, as far as the field goes.
    fn repeated(&self, start: u32, step: u32, text: &str) -> Result<Span, String> {
        let beyond = |end| format!("{} never repeats: the first repetition is {end}", cut(text));
        if self.unit == Unit::Down {
            if step >= start {
                return Err(beyond("after the end of the month"));
            }
            return Ok(Span { start: (start - 1) % step + 1, stop: start, step, open: true });
        }
        match self.last.checked_sub(start) {
            Some(length) if step <= length => {
                Ok(Span { start, stop: self.last - length % step, step, open: true })
            }
            _ => Err(beyond(&format!("beyond {}", self.shown(self.last)))),
        }
    }

    /// A value as it is written: whole seconds of microseconds.
    fn shown(&self, value: u32) -> u32 {
        if self.unit == Unit::Micros { value / 1_000_000 } else { value }
    }

    fn step(&self, text: &str) -> Result<u32, String> {
        let step = u32::try_from(self.number(text)?).ok().filter(|step| *step <= GREATEST);
        match step {
            None => Err(format!("the repetition {} is too great", cut(text))),
            Some(0) => Err("a repetition of 0 is not allowed: write 1 or more".to_owned()),
            Some(step) => Ok(step),
        }
    }

    /// A value that the field allows.
    fn value(&self, text: &str) -> Result<u32, String> {
        let number = match self.number(text)? {
            short @ 0..70 if self.unit == Unit::Year => short + 2000,
            short @ 70..100 if self.unit == Unit::Year => short + 1900,
            number => number,
        };
        let value = u32::try_from(number).ok();
        let value = value.filter(|value| (self.first..=self.last).contains(value));
        value.ok_or_else(|| format!("{} is not within {}", cut(text), self.allowed))
    }

    /// A number as it is written, in the unit of the field; very great ones as a very great one.
    fn number(&self, text: &str) -> Result<u64, String> {
        let fraction = if self.unit == Unit::Micros { text.split_once('.') } else { None };
        let (whole, fraction) = fraction.map_or((text, None), |(whole, rest)| (whole, Some(rest)));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if text.is_empty() {
            return Err(format!("a number is missing; allowed is {}", self.allowed));
        }
        if !is_digits(whole) || !fraction.is_none_or(is_digits) {
            return Err(format!("{:?} is not a number; allowed is {}", cut(text), self.allowed));
        }
        let whole: u64 = whole.parse().unwrap_or(u64::MAX);
        if self.unit != Unit::Micros {
            return Ok(whole);
        }
        Ok(whole.saturating_mul(1_000_000).saturating_add(fraction.map_or(0, micros)))
    }
}

/// What errors repeat of a text: not more than its beginning.
#[must_use]
pub fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(40) {
        None => text.into(),
        Some((end, _)) => format!("{}…", &text[..end]).into(),
    }
}

/// The digits after the point as microseconds, rounded.
fn micros(digits: &str) -> u64 {
    let digit = |n: usize| digits.as_bytes().get(n).map_or(0, |b| u64::from(b - b'0'));
    let micros = (0..6).fold(0, |sum, n| sum * 10 + digit(n));
    micros + u64::from(digit(6) >= 5)
}

#[cfg(test)]
mod tests {
    use super::super::parse::{DAY, DAY_FROM_END, HOUR, SECOND, YEAR};
    use super::*;

    fn numbers(field: &Field, text: &str) -> Vec<u32> {
        let spans = parse(field, text).unwrap().unwrap();
        spans.into_iter().flat_map(Span::numbers).collect()
    }

    fn refusal(field: &Field, text: &str) -> String {
        parse(field, text).unwrap_err()
    }

    #[test]
    fn numbers_ranges_repetitions_and_lists_are_read() {
        assert_eq!(parse(&HOUR, "*"), Ok(None));
        assert_eq!(numbers(&HOUR, "7"), [7]);
        assert_eq!(numbers(&HOUR, "007"), [7]);
        assert_eq!(numbers(&HOUR, "3..5"), [3, 4, 5]);
        assert_eq!(numbers(&HOUR, "3..3"), [3]);
        assert_eq!(numbers(&HOUR, "3..8/2"), [3, 5, 7]);
        assert_eq!(numbers(&HOUR, "3..8/99"), [3]);
        assert_eq!(numbers(&HOUR, "15/3"), [15, 18, 21]);
        assert_eq!(numbers(&HOUR, "5,1..2,20/2"), [5, 1, 2, 20, 22]);
    }

    #[test]
    fn years_of_two_digits_are_of_this_century_up_to_69() {
        assert_eq!(numbers(&YEAR, "26,0,69,70,99"), [2026, 2000, 2069, 1970, 1999]);
        assert_eq!(numbers(&YEAR, "25..2027"), [2025, 2026, 2027]);
        assert_eq!(numbers(&YEAR, "70..69/99"), [1970, 2069]);
    }

    #[test]
    fn days_from_the_end_are_counted_down() {
        assert_eq!(numbers(&DAY_FROM_END, "3"), [3]);
        assert_eq!(numbers(&DAY_FROM_END, "3..7/3"), [3, 6]);
        assert_eq!(numbers(&DAY_FROM_END, "7/1"), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(numbers(&DAY_FROM_END, "20/6"), [2, 8, 14, 20]);
    }

    #[test]
    fn seconds_have_fractions_rounded_to_microseconds() {
        assert_eq!(numbers(&SECOND, "1.5,2"), [1_500_000, 2_000_000]);
        assert_eq!(numbers(&SECOND, "1..3"), [1_000_000, 2_000_000, 3_000_000]);
        assert_eq!(numbers(&SECOND, "1.5..2.5/0.5"), [1_500_000, 2_000_000, 2_500_000]);
        assert_eq!(numbers(&SECOND, "23.4200004/10.1700005"), {
            [23_420_000, 33_590_001, 43_760_002, 53_930_003]
        });
        assert_eq!(numbers(&SECOND, "0.0000005,0.00000049999"), [1, 0]);
        assert_eq!(refusal(&SECOND, "59.9999995"), "second: 59.9999995 is not within 0–59");
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_allowed() {
        for (field, text, refused) in [
            (&HOUR, "25", "hour: 25 is not within 0–23"),
            (&HOUR, "99999999999999999999", "hour: 99999999999999999999 is not within 0–23"),
            (&HOUR, "1..24", "hour: 24 is not within 0–23"),
            (&HOUR, "3..1", "hour: 3..1 ends before it begins"),
            (&HOUR, "5/0", "hour: a repetition of 0 is not allowed: write 1 or more"),
            (&HOUR, "5..6/2147483648", "hour: the repetition 2147483648 is too great"),
            (&HOUR, "5/20", "hour: 5/20 never repeats: the first repetition is beyond 23"),
            (&HOUR, "23/1", "hour: 23/1 never repeats: the first repetition is beyond 23"),
            (&HOUR, "*/5", "hour: */5 is not understood: write 0/5"),
            (&DAY, "*/5", "day: */5 is not understood: write 1/5"),
            (&HOUR, "1,*", "hour: * stands alone, not in a list"),
            (&HOUR, "", "hour: a number is missing; allowed is 0–23"),
            (&HOUR, "1,", "hour: a number is missing; allowed is 0–23"),
            (&HOUR, "1..", "hour: a number is missing; allowed is 0–23"),
            (&HOUR, "1.5", "hour: \"1.5\" is not a number; allowed is 0–23"),
            (&HOUR, "+1", "hour: \"+1\" is not a number; allowed is 0–23"),
            (&HOUR, "٣", "hour: \"٣\" is not a number; allowed is 0–23"),
            (&SECOND, "1.", "second: \"1.\" is not a number; allowed is 0–59"),
            (&SECOND, "0/60", "second: 0/60 never repeats: the first repetition is beyond 59"),
            (&DAY, "32", "day: 32 is not within 1–31"),
            (&SECOND, "58..58", {
                "second: 58..58 is shorter than a second, the step between its values"
            }),
            (&DAY_FROM_END, "29", "day: 29 is not within 1–28 from the end of a month"),
            (&DAY_FROM_END, "26,3", {
                "day: 26 is not within 1–25, as the 2nd value from the end of a month has to be"
            }),
            (&DAY_FROM_END, "1,2,3,4,5,6,7,8,9,10", {
                "day: 8 is not within 1–7, as the 8th value from the end of a month has to be"
            }),
            (&DAY_FROM_END, "5/5", {
                "day: 5/5 never repeats: the first repetition is after the end of the month"
            }),
            (&YEAR, "100", "year: 100 is not within 1970–2199"),
        ] {
            assert_eq!(refusal(field, text), refused);
        }
        let long = refusal(&HOUR, &"9".repeat(1000));
        assert_eq!(long, format!("hour: {}… is not within 0–23", "9".repeat(40)));
        let long = vec!["1"; 242].join(",");
        assert_eq!(refusal(&HOUR, &long), "hour: there are more than 241 values");
        assert_eq!(numbers(&HOUR, &long[2..]).len(), 241);
    }
}
