//! How schedules are told in words: the pieces that all kinds share.

/// The weekdays, Sunday being 0.
pub const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The months, January being 0.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The most characters that a whole schedule is told in.
pub const MOST_CHARACTERS: usize = 150;

/// The most items of a list that are told.
const MOST_ITEMS: usize = 8;

/// The length of `; and 19 more`.
pub const AND_MORE: usize = 13;

/// `a`, `a and b`, `a, b and c`; of a long list only the beginning: `a, b, c and 37 more`.
#[must_use]
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    let texts: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match texts.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        all if all.len() > MOST_ITEMS => {
            let told = MOST_ITEMS - 1;
            format!("{} and {} more", all[..told].join(", "), all.len() - told)
        }
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The text, or its beginning and `…` where it has more than `most` characters.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", beginning.trim_end_matches([' ', ',']))
}

/// Lines one after the other, as many as fit into `most` characters: `a; b; and 3 more`. Of the first
/// there is always the beginning.
#[must_use]
pub fn several(lines: &[String], most: usize) -> String {
    let whole = lines.join("; ");
    let [first, others @ ..] = lines else { return whole };
    if whole.chars().count() <= most || others.is_empty() {
        return cut(&whole, most);
    }
    let room = most.saturating_sub(AND_MORE);
    let mut text = cut(first, room);
    for (told, line) in others.iter().enumerate() {
        let longer = format!("{text}; {line}");
        if longer.chars().count() > room {
            return format!("{text}; and {} more", others.len() - told);
        }
        text = longer;
    }
    text
}

/// `at 03:00 on weekdays, Europe/Budapest`: what `told` says in the characters that it is given, and
/// the zone, in at most `most` together.
pub fn in_zone(told: impl Fn(usize) -> String, zone: &str, most: usize) -> String {
    format!("{}, {zone}", told(most.saturating_sub(zone.len() + 2)))
}

/// `1st`, `2nd`, `3rd`, `11th`.
#[must_use]
pub fn ordinal(n: u32) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

/// `03:07`, or `03:07:30` where the second is not 0.
#[must_use]
pub fn time(hour: u32, minute: u32, second: u32) -> String {
    if second == 0 {
        format!("{hour:02}:{minute:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_in_and() {
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["a"; 8]), "a, a, a, a, a, a, a and a");
        assert_eq!(list(&["a"; 40]), "a, a, a, a, a, a, a and 33 more");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!((cut("éé", 2), cut("ééé", 2)), ("éé".into(), "é…".into()));
        assert_eq!(cut("a, bcd", 4), "a…");
    }

    #[test]
    fn of_several_lines_as_many_are_told_as_fit() {
        let lines = ["first line", "second", "third"].map(str::to_owned);
        assert_eq!(several(&lines, 25), "first line; second; third");
        assert_eq!(several(&lines, 24), "first line; and 2 more");
        assert_eq!(several(&lines, 18), "firs…; and 2 more");
        assert_eq!(several(&lines[..1], 10), "first line");
    }

    #[test]
    fn ordinals_are_spelt_as_spoken() {
        let texts: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 22, 31].map(ordinal).into();
        assert_eq!(texts.join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 31st");
    }

    #[test]
    fn seconds_are_told_where_there_are_any() {
        assert_eq!((time(3, 7, 0), time(23, 0, 30)), ("03:07".into(), "23:00:30".into()));
    }
}
