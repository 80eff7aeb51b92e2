//! A length of time as a form has it: a number and a unit.

use super::super::form::Fields;

/// The units: the letter in the form, the seconds, the key of the word.
pub(super) const UNITS: [(&str, i64, &str); 5] = [
    ("s", 1, "unit-seconds"),
    ("m", 60, "unit-minutes"),
    ("h", 3600, "unit-hours"),
    ("d", 86_400, "unit-days"),
    ("w", 604_800, "unit-weeks"),
];

/// A number and a unit, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) number: String,
    pub(super) unit: String,
}

impl Span {
    /// Seconds in the largest unit of which they are a whole number.
    pub(super) fn of(seconds: i64) -> Self {
        let fits = |(_, unit, _): &&(&str, i64, &str)| seconds % unit == 0;
        let (unit, size, _) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
        Self { number: (seconds / size).to_string(), unit: (*unit).to_owned() }
    }

    /// The fields `name` and `name_unit` of a form.
    pub(super) fn take(fields: &mut Fields, name: &str) -> Self {
        let number = fields.take_trimmed(name);
        Self { number, unit: fields.take(&format!("{name}_unit")) }
    }

    /// As seconds; none where it is no number.
    pub(super) fn seconds(&self) -> Option<i64> {
        let number: i64 = self.number.parse().ok()?;
        let (_, size, _) = UNITS.iter().find(|(unit, ..)| *unit == self.unit)?;
        number.checked_mul(*size)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.number.is_empty()
    }

    /// The units with whether each is chosen; minutes where none is.
    pub(super) fn units(&self) -> Vec<(&'static str, &'static str, bool)> {
        let chosen = if self.unit.is_empty() { "m" } else { &self.unit };
        UNITS.iter().map(|(unit, _, word)| (*unit, *word, *unit == chosen)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_told_in_the_largest_unit_and_read_back() {
        let all = [
            (90, "90", "s"),
            (3600, "1", "h"),
            (86_400, "1", "d"),
            (604_800, "1", "w"),
            (0, "0", "w"),
        ];
        for (seconds, number, unit) in all {
            let span = Span::of(seconds);
            assert_eq!((span.number.as_str(), span.unit.as_str()), (number, unit));
            assert_eq!(span.seconds(), Some(seconds));
        }
    }

    #[test]
    fn what_is_no_number_or_no_unit_is_nothing() {
        let span = |number: &str, unit: &str| Span { number: number.into(), unit: unit.into() };
        assert_eq!(span("x", "m").seconds(), None);
        assert_eq!(span("5", "fortnights").seconds(), None);
        assert_eq!(span("9223372036854775807", "w").seconds(), None);
    }
}
