//! Which thing of a project an entry of a file is. Nothing in a file is an id, and neither names nor
//! slugs need be unique: so this decides by what there is, and always in the same way.

use std::collections::HashMap;
use std::hash::Hash;

/// What an entry of a file says about the identity of its check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The slug that the file gives.
    pub given_slug: Option<String>,
    /// The slug that the check will have: the given one, or the one that follows from the name.
    pub slug: String,
    /// The name that it will have.
    pub name: String,
}

/// Finds for each entry the check that it is, as a place in `existing` (pairs of slug and name, by
/// id); none where it is a new one. Both right comes first; then the slug that is given; then the
/// name; then the slug that follows from the name. Of several that are alike the first entry is
/// the first check.
#[must_use]
pub fn checks(existing: &[(&str, &str)], wanted: &[Wanted]) -> Vec<Option<usize>> {
    let mut search = Search { found: vec![None; wanted.len()], taken: vec![false; existing.len()] };
    search.step(
        existing,
        wanted,
        |(slug, name)| Some((*slug, *name)),
        |w| Some((w.slug.as_str(), w.name.as_str())),
    );
    let with_slug = |slug| Some(slug).filter(|slug: &&str| !slug.is_empty());
    search.step(
        existing,
        wanted,
        |(slug, _)| with_slug(slug),
        |w| w.given_slug.as_deref().and_then(with_slug),
    );
    search.step(existing, wanted, |(_, name)| Some(*name), |w| Some(w.name.as_str()));
    search.step(
        existing,
        wanted,
        |(slug, _)| with_slug(slug),
        |w| with_slug(&w.slug).filter(|_| w.given_slug.is_none()),
    );
    in_order(wanted, search.found)
}

/// Finds for each name the channel that it is, as a place in `existing` (names, by id): of equal
/// ones the first entry is the first channel.
#[must_use]
pub fn channels(existing: &[&str], wanted: &[&str]) -> Vec<Option<usize>> {
    let mut search = Search { found: vec![None; wanted.len()], taken: vec![false; existing.len()] };
    search.step(existing, wanted, |name| Some(*name), |name| Some(*name));
    search.found
}

/// Matches made so far: for each entry its place, and which places are taken.
struct Search {
    found: Vec<Option<usize>>,
    taken: Vec<bool>,
}

impl Search {
    /// Matches what is left on both sides and has the same key.
    fn step<'a, E, W, K: Eq + Hash>(
        &mut self,
        existing: &'a [E],
        wanted: &'a [W],
        key_of: impl Fn(&'a E) -> Option<K>,
        wanted_key: impl Fn(&'a W) -> Option<K>,
    ) {
        let mut free: HashMap<K, Vec<usize>> = HashMap::new();
        for (place, each) in existing.iter().enumerate().rev() {
            if !self.taken[place]
                && let Some(key) = key_of(each)
            {
                // The last in each list is the first by id.
                free.entry(key).or_default().push(place);
            }
        }
        for (found, each) in self.found.iter_mut().zip(wanted) {
            if found.is_none()
                && let Some(key) = wanted_key(each)
                && let Some(place) = free.get_mut(&key).and_then(Vec::pop)
            {
                self.taken[place] = true;
                *found = Some(place);
            }
        }
    }
}

/// Puts the matches of entries that say the same of themselves into the order of the entries, new
/// ones last: so that they are found in the same way once all of them look alike.
fn in_order(wanted: &[Wanted], mut found: Vec<Option<usize>>) -> Vec<Option<usize>> {
    let mut alike: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (entry, each) in wanted.iter().enumerate() {
        alike.entry((&each.slug, &each.name)).or_default().push(entry);
    }
    for entries in alike.into_values().filter(|entries| entries.len() > 1) {
        let mut places: Vec<Option<usize>> = entries.iter().map(|entry| found[*entry]).collect();
        places.sort_by_key(|place| place.unwrap_or(usize::MAX));
        for (entry, place) in entries.into_iter().zip(places) {
            found[entry] = place;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(given_slug: Option<&str>, slug: &str, name: &str) -> Wanted {
        Wanted {
            given_slug: given_slug.map(str::to_owned),
            slug: slug.to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn the_slug_counts_before_the_name() {
        let existing = [("backup", "Sync"), ("other", "Backup")];
        assert_eq!(checks(&existing, &[entry(Some("backup"), "backup", "Backup")]), [Some(0)]);
        assert_eq!(checks(&existing, &[entry(Some("new"), "new", "Backup")]), [Some(1)]);
        assert_eq!(checks(&existing, &[entry(Some("new"), "new", "New")]), [None]);
    }

    #[test]
    fn what_fits_in_both_is_taken_by_nobody_else() {
        let existing = [("s", "A"), ("s", "B")];
        let wanted = [entry(Some("s"), "s", "B"), entry(Some("s"), "s", "A")];
        assert_eq!(checks(&existing, &wanted), [Some(1), Some(0)]);
    }

    #[test]
    fn without_a_slug_the_name_counts_and_then_the_slug_that_follows_from_it() {
        let existing = [("backup", "Other"), ("x", "Backup")];
        assert_eq!(checks(&existing, &[entry(None, "backup", "Backup")]), [Some(1)]);
        assert_eq!(checks(&existing[..1], &[entry(None, "backup", "Backup")]), [Some(0)]);
        assert_eq!(checks(&[("", "A")], &[entry(None, "", "!")]), [None]);
    }

    #[test]
    fn equal_ones_are_told_apart_by_their_order() {
        let existing = [("a", "A"), ("a", "A")];
        let same = entry(Some("a"), "a", "A");
        let three = [same.clone(), same.clone(), same];
        assert_eq!(checks(&existing, &three), [Some(0), Some(1), None]);
        assert_eq!(
            channels(&["x", "y", "x"], &["x", "z", "x", "x"]),
            [Some(0), None, Some(2), None]
        );
    }

    /// How an entry gives its slug: not at all, as one of its own, or as one that was derived.
    #[derive(Clone, Copy, Debug)]
    enum Slug {
        Absent,
        Own(&'static str),
        Derived(&'static str),
    }

    const SLUGS: [&str; 4] = ["a", "b", "c", ""];
    const NAMES: [&str; 5] = ["A", "B", "C", "a", "!"];

    fn derived(name: &str) -> String {
        crate::domain::slug::derive(name)
    }

    fn wanted_of(entries: &[(Slug, &str)]) -> Vec<Wanted> {
        let each = |(slug, name): &(Slug, &str)| match slug {
            Slug::Absent => entry(None, &derived(name), name),
            Slug::Own(slug) => entry(Some(slug), slug, name),
            Slug::Derived(slug) => entry(Some(slug), &derived(name), name),
        };
        entries.iter().map(each).collect()
    }

    /// A check with its own slug or a derived one, as an import would leave it.
    type Check = (Option<String>, String);

    fn shown(checks: &[Check]) -> Vec<(String, String)> {
        checks
            .iter()
            .map(|(own, name)| (own.clone().unwrap_or_else(|| derived(name)), name.clone()))
            .collect()
    }

    /// Imports: the checks then, and which each entry became.
    fn import(existing: &[Check], entries: &[(Slug, &str)]) -> (Vec<Check>, Vec<usize>) {
        let seen = shown(existing);
        let seen: Vec<(&str, &str)> = seen.iter().map(|(s, n)| (s.as_str(), n.as_str())).collect();
        let found = checks(&seen, &wanted_of(entries));
        let mut after = existing.to_vec();
        let mut became = Vec::new();
        for (found, (slug, name)) in found.into_iter().zip(entries) {
            let place = found.unwrap_or_else(|| {
                after.push((None, String::new()));
                after.len() - 1
            });
            let check = &mut after[place];
            (*name).clone_into(&mut check.1);
            match slug {
                Slug::Absent => {}
                Slug::Own(slug) => check.0 = Some((*slug).to_owned()),
                Slug::Derived(_) => check.0 = None,
            }
            became.push(place);
        }
        (after, became)
    }

    fn slugs() -> impl Strategy<Value = Slug> {
        let one = || proptest::sample::select(&SLUGS[..]);
        prop_oneof![Just(Slug::Absent), one().prop_map(Slug::Own), one().prop_map(Slug::Derived)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn a_second_import_finds_what_the_first_one_left(
            existing in proptest::collection::vec(
                (proptest::option::of(proptest::sample::select(&SLUGS[..])), proptest::sample::select(&NAMES[..])),
                0..5,
            ),
            entries in proptest::collection::vec((slugs(), proptest::sample::select(&NAMES[..])), 0..5),
        ) {
            let existing: Vec<Check> =
                existing.iter().map(|(slug, name)| (slug.map(str::to_owned), (*name).to_owned())).collect();
            // Such files are refused when they are read.
            let gives = |slug: &Slug| !matches!(slug, Slug::Absent);
            let told = |(slug, name): &(Slug, &str)| {
                entries.iter().all(|(s, n)| n != name || gives(s) == gives(slug))
            };
            prop_assume!(entries.iter().all(told));
            let (after, became) = import(&existing, &entries);
            let mut each_once = became.clone();
            each_once.sort_unstable();
            each_once.dedup();
            prop_assert_eq!(each_once.len(), became.len());
            prop_assert_eq!(import(&after, &entries), (after, became));
        }
    }
}
