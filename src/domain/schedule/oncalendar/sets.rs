//! Sets of small numbers as bits, so that the next member is found at once.

/// Numbers from 0 to 63.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set(pub u64);

impl Set {
    /// All numbers from `first` to `last`.
    #[must_use]
    pub fn range(first: u32, last: u32) -> Self {
        (first..=last).collect()
    }

    /// Whether the number is a member.
    #[must_use]
    pub fn has(self, number: u32) -> bool {
        self.at_or_after(number) == Some(number)
    }

    /// The smallest member that is not below `number`.
    #[must_use]
    pub fn at_or_after(self, number: u32) -> Option<u32> {
        let rest = self.0 & u64::MAX.checked_shl(number).unwrap_or(0);
        (rest != 0).then(|| rest.trailing_zeros())
    }

    /// The members, the smallest first.
    pub fn members(self) -> impl Iterator<Item = u32> {
        (0..64).filter(move |number| self.has(*number))
    }
}

impl FromIterator<u32> for Set {
    /// Numbers above 63 are left out.
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        Self(numbers.into_iter().fold(0, |bits, n| bits | 1_u64.checked_shl(n).unwrap_or(0)))
    }
}

/// The first year that an expression may name, and that anything occurs in.
pub const FIRST_YEAR: u32 = 1970;

/// The last one.
pub const LAST_YEAR: u32 = 2199;

/// Years from [`FIRST_YEAR`] to [`LAST_YEAR`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Years([Set; 4]);

impl Years {
    /// All of them.
    #[must_use]
    pub fn every() -> Self {
        (FIRST_YEAR..=LAST_YEAR).collect()
    }

    /// The first of them that is not before `year`.
    #[must_use]
    pub fn at_or_after(&self, year: i32) -> Option<i32> {
        let from = u32::try_from(year).unwrap_or(0).saturating_sub(FIRST_YEAR);
        let in_part = |part: u32| {
            let set = self.0.get(part as usize)?;
            set.at_or_after(from.saturating_sub(part * 64)).map(|n| part * 64 + n)
        };
        let found = (from / 64..4).find_map(in_part)?;
        i32::try_from(FIRST_YEAR + found).ok()
    }

    /// The years in order.
    pub fn members(&self) -> impl Iterator<Item = u32> {
        let next = |year: &i32| self.at_or_after(year + 1);
        let years = std::iter::successors(self.at_or_after(0), next);
        years.filter_map(|year| u32::try_from(year).ok())
    }
}

impl FromIterator<u32> for Years {
    /// Years out of range are left out.
    fn from_iter<I: IntoIterator<Item = u32>>(years: I) -> Self {
        let mut parts = [Set::default(); 4];
        let years = years.into_iter().filter(|year| *year <= LAST_YEAR);
        for n in years.filter_map(|year| year.checked_sub(FIRST_YEAR)) {
            if let Some(part) = parts.get_mut((n / 64) as usize) {
                part.0 |= 1 << (n % 64);
            }
        }
        Self(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_finds_its_next_member() {
        let set: Set = [0, 5, 63].into_iter().collect();
        let found = [0, 1, 5, 6, 63, 64, u32::MAX].map(|from| set.at_or_after(from));
        assert_eq!(found, [Some(0), Some(5), Some(5), Some(63), Some(63), None, None]);
        assert_eq!(set.members().collect::<Vec<_>>(), [0, 5, 63]);
        assert!(set.has(5) && !set.has(6));
        assert_eq!(Set::range(1, 3), [1, 2, 3].into_iter().collect());
    }

    #[test]
    fn years_are_found_across_all_parts_and_not_beyond() {
        let years: Years = [1969, 1970, 2033, 2034, 2199, 2200, 9999].into_iter().collect();
        assert_eq!(years.members().collect::<Vec<_>>(), [1970, 2033, 2034, 2199]);
        let found =
            [i32::MIN, 1971, 2034, 2035, 2200, i32::MAX].map(|from| years.at_or_after(from));
        assert_eq!(found, [Some(1970), Some(2033), Some(2034), Some(2199), None, None]);
        assert_eq!(Years::every().members().count(), 230);
    }
}
