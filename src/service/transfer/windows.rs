//! The part of a plan that is about maintenance windows. They name checks, and so come last.

use std::collections::HashMap;

use super::form::{self, Reference, WindowForm};
use super::matching;
use super::plan::{CheckStep, check_ceiling};
use super::present::Present;
use super::read::{CheckEntry, Choice, WindowEntry};
use super::report::{Deed, differences};
use super::table::at;
use crate::clock::Timestamp;
use crate::fault::Result;
use crate::service::maintenance::{self, MAX_COUNT};
use crate::store::Flag;
use crate::store::maintenance::Window;

/// What is done about a maintenance window.
#[derive(Debug)]
pub struct WindowStep {
    /// The window as it will be, save the checks that it covers; its id is 0 where it is new.
    pub window: Window,
    /// The checks that it will cover: places among those that the project will have, which are those
    /// that it has, and then the new ones.
    pub checks: Vec<usize>,
    /// What is done.
    pub deed: Deed,
}

/// Plans what is done about each window of a file, given what is done about its checks.
///
/// # Errors
/// Something about one is against a rule, or there would be more than may be.
pub fn steps(
    present: &Present,
    entries: &[WindowEntry],
    check_entries: &[CheckEntry],
    check_steps: &[CheckStep],
    now: Timestamp,
) -> Result<Vec<WindowStep>> {
    let existing: Vec<&str> = present.windows.iter().map(|window| window.title.as_str()).collect();
    let wanted: Vec<&str> = entries.iter().map(|entry| entry.title.as_str()).collect();
    let found = matching::channels(&existing, &wanted);
    let new = found.iter().filter(|place| place.is_none()).count();
    check_ceiling("maintenances", existing.len() + new, MAX_COUNT)?;
    let directory = Directory::of(present, check_entries, check_steps);
    let each = entries.iter().zip(found).map(|(entry, place)| {
        let old = place.map(|place| &present.windows[place]);
        step(present, old, entry, &directory, now).map_err(|fault| at(&entry.place, fault))
    });
    each.collect()
}

fn step(
    present: &Present,
    old: Option<&Window>,
    entry: &WindowEntry,
    directory: &Directory,
    now: Timestamp,
) -> Result<WindowStep> {
    let change = &entry.change;
    change.validate(now)?;
    let told_before = old.map_or_else(Vec::new, |window| present.covered_by(window));
    let mut window = old.cloned().unwrap_or_else(|| maintenance::empty(present.project.project_id));
    change.apply(&mut window)?;
    let checks = match &entry.checks {
        Some(choices) => directory.places(choices)?,
        None => told_before.clone(),
    };
    window.whole_project = Flag::from(checks.is_empty() && window.tags.is_empty());
    let deed = match old {
        None => Deed::Create,
        Some(old) => {
            let fields = |window, places: &[usize]| {
                form::fields(&WindowForm::new(window, directory.references(places)))
            };
            let before = fields(old, &told_before)?;
            Deed::of(differences(&before, &fields(&window, &checks)?))
        }
    };
    Ok(WindowStep { window, checks, deed })
}

/// The checks that the project will have, by name.
struct Directory {
    /// Of a name that is in the file only what the file names so, in its order; else what the
    /// project has.
    places: HashMap<String, Vec<usize>>,
    references: Vec<Reference>,
}

impl Directory {
    fn of(present: &Present, entries: &[CheckEntry], steps: &[CheckStep]) -> Self {
        let mut names: Vec<&str> =
            present.checks.iter().map(|check| check.settings.check_name.as_str()).collect();
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (entry, step) in entries.iter().zip(steps) {
            let found = step.check_id.and_then(|id| present.place_of_check(id));
            let place = found.unwrap_or(names.len());
            match names.get_mut(place) {
                Some(name) => *name = &entry.name,
                None => names.push(&entry.name),
            }
            places.entry(entry.name.clone()).or_default().push(place);
        }
        let references = form::references(names.iter().copied());
        let in_file: std::collections::HashSet<String> = places.keys().cloned().collect();
        for (place, name) in names.iter().enumerate() {
            if !in_file.contains(*name) {
                places.entry((*name).to_owned()).or_default().push(place);
            }
        }
        Self { places, references }
    }

    fn references(&self, places: &[usize]) -> Vec<Reference> {
        places.iter().map(|place| self.references[*place].clone()).collect()
    }

    /// The places of these checks, in order and each once.
    fn places(&self, choices: &[Choice]) -> Result<Vec<usize>> {
        let place = |choice: &Choice| {
            let alike = self.places.get(&choice.name).map_or(&[][..], Vec::as_slice);
            let place = usize::try_from(choice.nth - 1).ok().and_then(|n| alike.get(n));
            place.copied().ok_or_else(|| form::no_such("checks", &choice.name, alike.len()))
        };
        let mut places = choices.iter().map(place).collect::<Result<Vec<_>>>()?;
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }
}
