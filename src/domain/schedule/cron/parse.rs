//! Reading cron expressions, and saying what is wrong with those that can't be read. Letters count
//! the same in either case.

use super::{Cron, Days, Weekdays, times};

/// What one of the five fields allows.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// What its numbers may be called instead, from `least` on.
    names: &'static [&'static str],
    /// What may stand in it, told after an item that is nothing of that.
    allowed: &'static str,
}

const MINUTE: Field = Field {
    name: "minute",
    least: 0,
    most: 59,
    names: &[],
    allowed: "numbers within 0–59, *, ranges (1-5), lists (1,3) and steps (*/5)",
};
const HOUR: Field = Field {
    name: "hour",
    least: 0,
    most: 23,
    names: &[],
    allowed: "numbers within 0–23, *, ranges (1-5), lists (1,3) and steps (*/5)",
};
const DAY: Field = Field {
    name: "day of month",
    least: 1,
    most: 31,
    names: &[],
    allowed: "numbers within 1–31, *, ranges (1-5), lists (1,3), steps (*/5), L (the last day) and \
              LW (the last day from Monday to Friday)",
};
const MONTH: Field = Field {
    name: "month",
    least: 1,
    most: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    allowed: "numbers within 1–12, names from JAN to DEC, *, ranges (1-5), lists (1,3) and steps \
              (*/3)",
};
const WEEKDAY: Field = Field {
    name: "day of week",
    least: 0,
    most: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    allowed: "numbers within 0–7 (both are Sunday), names from SUN to SAT, *, ranges (1-5), lists \
              (1,3), steps (*/2), 5L (the last Friday) and 5#2 (the second Friday)",
};

/// The names for whole expressions, and what they stand for.
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// See [`Cron::parse`].
pub fn expression(text: &str) -> Result<Cron, String> {
    let [minute, hour, day, month, weekday] = fields(text)?;
    let is_star = |field: &str| field.starts_with('*');
    let cron = Cron {
        minutes: numbers(&MINUTE, minute)?,
        hours: numbers(&HOUR, hour)?,
        days: days(day)?,
        months: numbers(&MONTH, month)?,
        weekdays: weekdays(weekday)?,
        firing: 0,
        needs_both: is_star(day) || is_star(weekday),
        follows_clock: is_star(minute) || is_star(hour),
    };
    Ok(Cron { firing: times::firing_months(&cron), ..cron })
}

/// See [`Cron::fields`].
pub fn fields(text: &str) -> Result<[&str; 5], String> {
    let text = text.trim();
    let fields = if text.starts_with('@') { nickname(text)? } else { text };
    let mut fields = fields.split_whitespace();
    let five = [(); 5].map(|()| fields.next().unwrap_or_default());
    let count = five.iter().filter(|field| !field.is_empty()).count() + fields.count();
    if count == 5 { Ok(five) } else { Err(wrong_count(count)) }
}

fn nickname(text: &str) -> Result<&'static str, String> {
    if text.eq_ignore_ascii_case("@reboot") {
        return Err("@reboot has no times: nobody knows when a machine will start; use a simple \
                    schedule with the longest time that may pass between two starts"
            .to_owned());
    }
    let known = NICKNAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
    known.map(|(_, fields)| *fields).ok_or_else(|| {
        let names = NICKNAMES.map(|(name, _)| name).join(", ");
        format!("{} is none of {names}", quoted(text))
    })
}

fn wrong_count(count: usize) -> String {
    let [minute, hour, day, month, weekday] = [MINUTE, HOUR, DAY, MONTH, WEEKDAY].map(|f| f.name);
    let seconds = if count == 6 { "; there is none for seconds" } else { "" };
    format!(
        "must have 5 fields ({minute}, {hour}, {day}, {month}, {weekday}), and this has \
         {count}{seconds}"
    )
}

/// The items of a field, separated by commas.
fn items<'a>(field: &Field, text: &'a str) -> Result<impl Iterator<Item = &'a str>, String> {
    if text.split(',').any(str::is_empty) {
        return Err(format!("{}: {} has nothing beside a comma", field.name, quoted(text)));
    }
    Ok(text.split(','))
}

/// The numbers of a field, as bits.
fn numbers(field: &Field, text: &str) -> Result<u64, String> {
    items(field, text)?.try_fold(0, |bits, item| Ok(bits | span(field, item)?))
}

fn days(text: &str) -> Result<Days, String> {
    let mut days = Days::default();
    for item in items(&DAY, text)? {
        // A step after them changes nothing.
        match stepped(&DAY, item)?.0 {
            "L" | "l" => days.last = true,
            base if base.eq_ignore_ascii_case("LW") => days.last_working = true,
            _ => days.dates |= span(&DAY, item)?,
        }
    }
    Ok(days)
}

fn weekdays(text: &str) -> Result<Weekdays, String> {
    let mut weekdays = Weekdays::default();
    for item in items(&WEEKDAY, text)? {
        if let Some((day, nth)) = item.split_once('#') {
            let day = number(&WEEKDAY, item, day)?;
            let nth = count(nth).ok_or_else(|| not_allowed(&WEEKDAY, item))?;
            let week = usize::try_from(nth).ok().and_then(|nth| nth.checked_sub(1));
            let week = week.and_then(|week| weekdays.nth.get_mut(week));
            let outside =
                || format!("{}: {nth} in {} is not within 1–5", WEEKDAY.name, short(item));
            *week.ok_or_else(outside)? |= week_of(1 << day);
        } else if let Some(day) = item.strip_suffix(['L', 'l']).filter(|day| count(day).is_some()) {
            weekdays.last |= week_of(1 << number(&WEEKDAY, item, day)?);
        } else {
            let days = week_of(span(&WEEKDAY, item)?);
            weekdays.nth.iter_mut().for_each(|week| *week |= days);
        }
    }
    Ok(weekdays)
}

/// Weekdays 0 to 7 as bits 0 to 6.
fn week_of(bits: u64) -> u8 {
    bits.to_le_bytes()[0] & 0x7f | u8::from(bits >> 7 & 1 == 1)
}

/// `*`, `a`, `a-b`, each also with a step.
fn span(field: &Field, item: &str) -> Result<u64, String> {
    let (base, step) = stepped(field, item)?;
    let (first, last) = if base == "*" {
        (field.least, field.most)
    } else if let Some((first, last)) = base.split_once('-') {
        range(field, item, number(field, item, first)?, number(field, item, last)?)?
    } else {
        let first = number(field, item, base)?;
        (first, if step.is_some() { field.most } else { first })
    };
    let step = usize::try_from(step.unwrap_or(1)).unwrap_or(usize::MAX);
    Ok((first..=last).step_by(step).fold(0, |bits, n| bits | 1 << n))
}

/// An item without its step, and the step.
fn stepped<'a>(field: &Field, item: &'a str) -> Result<(&'a str, Option<u32>), String> {
    let Some((base, step)) = item.split_once('/') else { return Ok((item, None)) };
    match count(step) {
        None => Err(not_allowed(field, item)),
        Some(0) => {
            Err(format!("{}: a step must be at least 1, and is 0 in {}", field.name, short(item)))
        }
        step => Ok((base, step)),
    }
}

fn range(field: &Field, item: &str, first: u32, last: u32) -> Result<(u32, u32), String> {
    if first <= last {
        return Ok((first, last));
    }
    let Field { name, least, most, .. } = *field;
    let whole = match last {
        // Sunday is at both ends.
        0 if most == 7 => format!("{first}-7"),
        last => format!("{first}-{most},{}-{last}", least.max(u32::from(most == 7))),
    };
    let hint = if item.contains('/') { String::new() } else { format!("; write {whole}") };
    Err(format!("{name}: {} runs backwards{hint}", quoted(item)))
}

/// A number of a field, or a name for it.
fn number(field: &Field, item: &str, text: &str) -> Result<u32, String> {
    let Field { name, least, most, names, .. } = *field;
    let named = || names.iter().position(|name| text.eq_ignore_ascii_case(name));
    match (count(text), named().and_then(|place| u32::try_from(place).ok())) {
        (Some(n), _) if (least..=most).contains(&n) => Ok(n),
        (Some(_), _) => Err(format!("{name}: {} is not within {least}–{most}", short(text))),
        (None, Some(place)) => Ok(least + place),
        (None, None) => Err(not_allowed(field, item)),
    }
}

/// Digits; the greatest number where they are too many.
fn count(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u32::MAX))
}

fn not_allowed(field: &Field, item: &str) -> String {
    format!("{}: {} is not understood; allowed are {}", field.name, quoted(item), field.allowed)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", short(text))
}

/// What was given, cut where it is long.
fn short(text: &str) -> String {
    const MOST: usize = 40;
    let start: String = text.chars().take(MOST).collect();
    if start.len() < text.len() { start + "…" } else { start }
}

#[cfg(test)]
mod tests;
