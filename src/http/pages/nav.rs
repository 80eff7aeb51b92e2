//! What stands on top of a project's pages: which project it is, the others, and its sections.

use crate::store::projects::ProjectRow;

/// The sections of a project: the last part of their address, and their name.
pub(super) const SECTIONS: [(&str, &str); 8] = [
    ("checks", "nav-checks"),
    ("runs", "nav-runs"),
    ("monitors", "nav-monitors"),
    ("channels", "nav-channels"),
    ("maintenance", "nav-maintenance"),
    ("status-pages", "nav-status-pages"),
    ("settings", "nav-project"),
    ("help", "nav-help"),
];

/// A project and its neighbours, for who is signed in.
#[derive(Clone, Debug, Default)]
pub(super) struct Nav {
    /// The project's public id.
    pub(super) uuid: String,
    /// Its name.
    pub(super) project_name: String,
    /// The user's projects: public id and name, this one among them.
    pub(super) projects: Vec<(String, String)>,
    /// The section that is open; empty where the page is no project's.
    pub(super) section: String,
}

impl Nav {
    /// Of these projects the one with this public id, else the first; none where there is none.
    pub(super) fn of(projects: &[ProjectRow], uuid: Option<&str>, path: &str) -> Option<Self> {
        let wanted = projects.iter().find(|project| Some(project.uuid.as_str()) == uuid);
        let current = wanted.or(projects.first())?;
        let all = projects.iter().map(|p| (p.uuid.clone(), p.project_name.clone())).collect();
        let mut nav = Self { projects: all, ..Self::default() };
        nav.stand_at(current, path);
        Some(nav)
    }

    /// Makes this the project that is open, in the section that the path leads to.
    pub(super) fn stand_at(&mut self, project: &ProjectRow, path: &str) {
        project.uuid.clone_into(&mut self.uuid);
        project.project_name.clone_into(&mut self.project_name);
        section(path).unwrap_or_default().clone_into(&mut self.section);
    }

    /// The name of an address's section, where it is this page's.
    pub(super) fn is_in(&self, section: &str) -> bool {
        self.section == section
    }
}

/// The public id of the project whose page is at this path.
pub(super) fn project_of(path: &str) -> Option<&str> {
    path.strip_prefix("/projects/")?
        .split('/')
        .next()
        .filter(|uuid| !uuid.is_empty() && *uuid != "new")
}

fn section(path: &str) -> Option<&str> {
    path.strip_prefix("/projects/")?.split('/').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_its_project_and_section() {
        let told = |path| (project_of(path), section(path));
        assert_eq!(told("/projects/ab/checks/cd/edit"), (Some("ab"), Some("checks")));
        assert_eq!(told("/projects/ab"), (Some("ab"), None));
        assert_eq!(told("/projects/"), (None, None));
        assert_eq!(told("/projects/new"), (None, None));
        assert_eq!(told("/account/tokens"), (None, None));
    }
}
