//! Reading a file: from its text to what it asks for. Nothing of the project is needed for that.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value as Json;
use toml::Value;
use toml::de::{DeTable, DeValue};

use super::form::{AS_GRACE, AT_ANY_TIME, BY_SCHEDULE, FORMAT, NEVER};
use super::table::{Table, json};
use crate::clock::Timestamp;
use crate::domain::schedule::Kind;
use crate::domain::slug;
use crate::fault::{Fault, Result};
use crate::service::{channels, checks, maintenance};

/// What a file asks for. What is not in it stays as it is, or has its default in a new thing.
#[derive(Debug, Default)]
pub struct File {
    /// The project's name.
    pub project_name: Option<String>,
    /// Unknown slugs may make checks.
    pub auto_create: Option<bool>,
    /// Channels, in order.
    pub channels: Vec<ChannelEntry>,
    /// Checks, in order.
    pub checks: Vec<CheckEntry>,
    /// Maintenance windows, in order.
    pub windows: Vec<WindowEntry>,
}

/// A maintenance window in a file.
#[derive(Debug)]
pub struct WindowEntry {
    /// Where it stands, such as `maintenances[0]`.
    pub place: String,
    /// Its title.
    pub title: String,
    /// What is to be set, the title included, the checks not.
    pub change: maintenance::Change,
    /// The checks that it covers.
    pub checks: Option<Vec<Choice>>,
}

/// A channel in a file.
#[derive(Debug)]
pub struct ChannelEntry {
    /// Where it stands, such as `channels[0]`.
    pub place: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Option<String>,
    /// What is to be set, the name included; the configuration as it stands in the file.
    pub change: channels::Change,
}

/// A check in a file.
#[derive(Debug)]
pub struct CheckEntry {
    /// Where it stands, such as `checks[3]`.
    pub place: String,
    /// Its name.
    pub name: String,
    /// The slug that is given, derived or not.
    pub slug: Option<String>,
    /// What is to be set, the name included, the channels not.
    pub change: checks::Change,
    /// The channels that it tells.
    pub channels: Option<Vec<Choice>>,
}

/// One channel that a check in a file tells, or one check that a window covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// Which of that name, counted from 1.
    pub nth: i64,
}

impl CheckEntry {
    /// The slug that the check will have if it is a new one.
    #[must_use]
    pub fn new_slug(&self) -> String {
        match &self.change.slug {
            Some(Some(own)) => own.clone(),
            _ => slug::derive(&self.name),
        }
    }
}

/// Reads a file's text.
///
/// # Errors
/// It is no TOML, or a field is unknown or of the wrong type; the fault names the place and the line.
pub fn file(text: &str) -> Result<File> {
    let table = toml::from_str::<toml::Table>(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, &span));
        let message = error.message().replace('\n', "; ");
        Fault::invalid("", format!("the body must be TOML; line {line}: {message}"))
    })?;
    root(Table::new(String::new(), table))
}

fn root(mut root: Table) -> Result<File> {
    if root.integer("format")?.is_some_and(|format| format != FORMAT) {
        let reason = format!("must be {FORMAT}: the file is for another version of this program");
        return Err(root.wrong("format", reason));
    }
    let mut file = File::default();
    if let Some(mut project) = root.table("project")? {
        file.project_name = project.text("project_name")?;
        file.auto_create = project.flag("auto_create")?;
        project.finish()?;
    }
    file.channels = root.tables("channels")?.into_iter().map(channel).collect::<Result<_>>()?;
    file.checks = root.tables("checks")?.into_iter().map(check).collect::<Result<_>>()?;
    let windows = root.tables("maintenances")?;
    file.windows = windows.into_iter().map(window).collect::<Result<_>>()?;
    root.finish()?;
    check_twins(&file.checks)?;
    Ok(file)
}

/// Checks of one name all give their slugs, or none does: otherwise nobody could tell at a second
/// import which of them is which.
fn check_twins(checks: &[CheckEntry]) -> Result<()> {
    let mut first: HashMap<&str, &CheckEntry> = HashMap::new();
    for entry in checks {
        let other = first.entry(&entry.name).or_insert(entry);
        if other.slug.is_some() == entry.slug.is_some() {
            continue;
        }
        let lacking = if entry.slug.is_none() { entry } else { other };
        let reason = "is required: another check in this file has the same name, and a slug";
        return Err(Fault::invalid(format!("{}.slug", lacking.place), reason));
    }
    Ok(())
}

fn channel(mut table: Table) -> Result<ChannelEntry> {
    let name = table.required_text("channel_name")?;
    let kind = table.text("kind")?;
    let config = config(&mut table)?;
    let change = channels::Change {
        channel_name: Some(name.clone()),
        config,
        on_down: table.flag("on_down")?,
        on_up: table.flag("on_up")?,
        after: table.integer("after")?,
        remind_every: table.integer("remind_every")?,
        group_threshold: table.integer("group_threshold")?,
        disabled: table.flag("disabled")?,
    };
    let place = table.place().to_owned();
    table.finish()?;
    Ok(ChannelEntry { place, name, kind, change })
}

fn config(table: &mut Table) -> Result<Option<Json>> {
    let place = table.place_of("config");
    table.any("config").map(|value| json(&place, value)).transpose()
}

fn check(mut table: Table) -> Result<CheckEntry> {
    let name = table.required_text("check_name")?;
    let slug = table.text("slug")?;
    let change = checks::Change {
        check_name: Some(name.clone()),
        slug: own_slug(&mut table, slug.as_ref())?,
        tags: table.texts("tags")?,
        description: table.text("description")?,
        kind: kind(&mut table)?,
        period: table.integer("period")?.map(Some),
        schedule: table.text("schedule")?.map(Some),
        timezone: table.text("timezone")?,
        grace: table.integer("grace")?,
        max_runtime: table.integer_or("max_runtime", AS_GRACE)?,
        early_tolerance: table.integer_or("early_tolerance", BY_SCHEDULE)?,
        failure_threshold: table.integer("failure_threshold")?,
        flap_threshold: table.integer("flap_threshold")?,
        manual_resume: table.flag("manual_resume")?,
        post_only: post_only(&mut table)?,
        start_kw: table.text("start_kw")?,
        success_kw: table.text("success_kw")?,
        failure_kw: table.text("failure_kw")?,
        filter_subject: table.flag("filter_subject")?,
        filter_body: table.flag("filter_body")?,
        filter_http_body: table.flag("filter_http_body")?,
        filter_default_fail: table.flag("filter_default_fail")?,
        device_id: None,
        channels: None,
        paused: table.flag("paused")?,
        slug_is_as_read: false,
    };
    let channels = choices(&mut table, "channels")?;
    let place = table.place().to_owned();
    table.finish()?;
    Ok(CheckEntry { place, name, slug, change, channels })
}

/// A slug of the file's own, or (the inner none) one that follows the name.
#[allow(clippy::option_option, reason = "to leave the slug alone and to derive it differ")]
fn own_slug(table: &mut Table, slug: Option<&String>) -> Result<Option<Option<String>>> {
    match (table.flag("slug_is_custom")?, slug) {
        (Some(false), _) => Ok(Some(None)),
        (Some(true), None) => Err(table.wrong("slug", "is required where slug_is_custom is 1")),
        (_, slug) => Ok(slug.map(|slug| Some(slug.clone()))),
    }
}

fn post_only(table: &mut Table) -> Result<Option<bool>> {
    match table.text("methods")?.as_deref() {
        None => Ok(None),
        Some("") => Ok(Some(false)),
        Some("POST") => Ok(Some(true)),
        Some(_) => Err(table.wrong("methods", "must be \"\" (any) or \"POST\"")),
    }
}

fn kind(table: &mut Table) -> Result<Option<Kind>> {
    let name = table.text("kind")?;
    name.map(|name| name.parse().map_err(|reason: String| table.wrong("kind", &reason))).transpose()
}

fn window(mut table: Table) -> Result<WindowEntry> {
    let title = table.required_text("title")?;
    let change = maintenance::Change {
        title: Some(title.clone()),
        starts_at: moment(&mut table, "starts_at", AT_ANY_TIME)?,
        ends_at: moment(&mut table, "ends_at", NEVER)?,
        // TOML has no null: an empty text says that it does not repeat.
        repeat: table.text("repeat")?.map(|text| Some(text).filter(|text| !text.is_empty())),
        duration: table.integer("duration")?.map(Some),
        checks: None,
        tags: table.texts("tags")?,
    };
    let checks = choices(&mut table, "checks")?;
    let place = table.place().to_owned();
    table.finish()?;
    Ok(WindowEntry { place, title, change, checks })
}

/// A moment, as a string or as a date and time of TOML; or (the inner none) the word for none.
#[allow(clippy::option_option, reason = "to leave a bound alone and to take it away differ")]
fn moment(table: &mut Table, name: &'static str, none: &str) -> Result<Option<Option<Timestamp>>> {
    let text = match table.any(name) {
        None => return Ok(None),
        Some(Value::String(text)) if text == none => return Ok(Some(None)),
        Some(Value::String(text)) => text,
        Some(Value::Datetime(at)) => at.to_string(),
        Some(_) => String::new(),
    };
    text.parse().map(|at| Some(Some(at))).map_err(|reason: String| table.wrong(name, reason))
}

fn choices(table: &mut Table, field: &'static str) -> Result<Option<Vec<Choice>>> {
    let Some(value) = table.any(field) else { return Ok(None) };
    let wrong = || {
        let reason = format!(
            "must be an array of {field}: each its name, or {{ name = \"…\", nth = 2 }} for the \
             second of that name"
        );
        table.wrong(field, reason)
    };
    let Value::Array(values) = value else { return Err(wrong()) };
    values.into_iter().map(|value| choice(value).ok_or_else(wrong)).collect::<Result<_>>().map(Some)
}

fn choice(value: Value) -> Option<Choice> {
    match value {
        Value::String(name) => Some(Choice { name, nth: 1 }),
        Value::Table(mut table) => {
            let name = table.remove("name")?.as_str()?.to_owned();
            let nth = table.remove("nth").map_or(Some(1), |nth| nth.as_integer())?;
            (table.is_empty() && nth > 0).then_some(Choice { name, nth })
        }
        _ => None,
    }
}

/// The channels that the configuration of a group names; none where something else stands there.
#[must_use]
pub fn chosen(value: &serde_json::Value) -> Option<Vec<Choice>> {
    let each = value.as_array()?.iter().map(|value| match value {
        serde_json::Value::String(name) => Some(Choice { name: name.clone(), nth: 1 }),
        serde_json::Value::Object(fields) if fields.len() == 2 => {
            let nth = fields.get("nth")?.as_i64().filter(|nth| *nth > 0)?;
            Some(Choice { name: fields.get("name")?.as_str()?.to_owned(), nth })
        }
        _ => None,
    });
    each.collect()
}

/// The same fault with the line of the file that it is about, where that can be found.
#[must_use]
pub fn with_line(text: &str, fault: Fault) -> Fault {
    let Fault::Invalid { field, reason } = fault else { return fault };
    // A fault of a part that is not built has its place at the beginning of its text.
    let place =
        if field.is_empty() { reason.split(": ").next().unwrap_or_default() } else { &field };
    match line_of_place(text, place) {
        Some(line) => Fault::invalid(field, format!("{reason} (line {line})")),
        None => Fault::invalid(field, reason),
    }
}

/// The line of the deepest part of a place such as `checks[3].grace` that is in the file.
fn line_of_place(text: &str, place: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut found = None;
    for step in place.split('.') {
        let (name, n) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
            Some((name, n)) => (name, n.parse::<usize>().ok()),
            None => (step, None),
        };
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == name) else { break };
        found = Some(key.span());
        let value = match (value.get_ref(), n) {
            (DeValue::Array(values), Some(n)) => values.get(n)?,
            _ => value,
        };
        if n.is_some() {
            found = Some(value.span());
        }
        let DeValue::Table(inner) = value.get_ref() else { break };
        table = inner;
    }
    found.map(|span| line_of(text, &span))
}

/// The line, counted from 1, in which something begins.
fn line_of(text: &str, span: &Range<usize>) -> usize {
    let before = text.as_bytes().iter().take(span.start);
    1 + before.filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::transfer::form::{CheckForm, FileForm, ProjectForm, references};
    use crate::store::Flag;
    use crate::store::checks::{Settings, Tags};
    use proptest::prelude::*;

    fn refused(text: &str) -> String {
        with_line(text, file(text).unwrap_err()).to_string()
    }

    #[test]
    fn a_mistake_is_named_with_its_place_and_line() {
        for (text, wanted) in [
            ("x", "the body must be TOML; line 1: "),
            ("format = 1\nformat = 1", "the body must be TOML; line 2: duplicate key"),
            ("format = 2", "format: must be 1: the file is for another version"),
            (
                "colour = 1",
                "colour: is unknown: there are format, project, channels, checks, maintenances",
            ),
            ("[project]\nuuid = \"x\"", "project.uuid: is unknown: there are project_name"),
            ("[[checks]]", "checks[0].check_name: is required (line 1)"),
            ("checks = 1", "checks: must be an array of tables (line 1)"),
            (
                "[[checks]]\ncheck_name = \"a\"\n[[checks]]\ncheck_name = \"b\"\ngrace = \"1h\"",
                "checks[1].grace: must be a whole number (line 5)",
            ),
            ("[[checks]]\ncheck_name = \"a\"\nuuid = \"b\"", "checks[0].uuid: is unknown: "),
            ("[[checks]]\ncheck_name = \"a\"\nslug_is_custom = 1", "checks[0].slug: is required"),
            ("[[checks]]\ncheck_name = \"a\"\nmethods = \"GET\"", "checks[0].methods: must be"),
            ("[[checks]]\ncheck_name = \"a\"\nkind = \"weekly\"", "checks[0].kind: must be one of"),
            (
                "[[checks]]\ncheck_name = \"a\"\nchannels = [1]",
                "checks[0].channels: must be an arr",
            ),
            ("[[checks]]\ncheck_name = \"a\"\nchannels = [{nth = 1}]", "checks[0].channels: must"),
            ("[[channels]]\nkind = \"webhook\"", "channels[0].channel_name: is required"),
            ("[[channels]]\nchannel_name = \"a\"\nchannel_id = 1", "channels[0].channel_id: is un"),
        ] {
            let message = refused(text);
            assert!(message.starts_with(wanted), "{text:?}: {message}");
        }
    }

    #[test]
    fn the_line_is_that_of_the_deepest_part_that_is_there() {
        let text = "[[channels]]\nchannel_name = \"a\"\n[channels.config]\nurl_down = \"x\"\n";
        assert_eq!(line_of_place(text, "channels[0].config.url_down"), Some(4));
        assert_eq!(line_of_place(text, "channels[0].config.secret"), Some(3));
        assert_eq!(line_of_place(text, "channels[0].kind"), Some(1));
        assert_eq!(line_of_place(text, "nothing"), None);
    }

    #[test]
    fn a_slug_is_the_files_own_unless_it_says_otherwise() {
        let slug = |more: &str| {
            let text = format!("[[checks]]\ncheck_name = \"A b\"\n{more}");
            let entry = file(&text).unwrap().checks.remove(0);
            (entry.new_slug(), entry.change.slug)
        };
        let own = Some(Some("x".to_owned()));
        assert_eq!(slug("slug = \"x\""), ("x".to_owned(), own.clone()));
        assert_eq!(slug("slug = \"x\"\nslug_is_custom = 1"), ("x".to_owned(), own));
        assert_eq!(slug("slug = \"x\"\nslug_is_custom = 0"), ("a-b".to_owned(), Some(None)));
        assert_eq!(slug(""), ("a-b".to_owned(), None));
    }

    #[test]
    fn checks_of_one_name_all_give_their_slugs_or_none_does() {
        let (bare, own) = ("[[checks]]\ncheck_name = \"a\"\n", "slug = \"x\"\n");
        assert!(file(&format!("{bare}{bare}")).is_ok());
        assert!(file(&format!("{bare}{own}{bare}{own}")).is_ok());
        let wanted = "checks[1].slug: is required: another check in this file has the same name";
        assert!(refused(&format!("{bare}{own}{bare}")).starts_with(wanted));
        assert!(refused(&format!("{bare}{bare}{own}")).starts_with(&wanted.replace("[1]", "[0]")));
    }

    #[test]
    fn a_check_names_its_channels_and_which_of_several() {
        let text = "[[checks]]\ncheck_name = \"a\"\nchannels = [\"x\", {name = \"x\", nth = 2}]";
        let choice = |nth| Choice { name: "x".to_owned(), nth };
        assert_eq!(file(text).unwrap().checks[0].channels, Some(vec![choice(1), choice(2)]));
    }

    /// Settings whose texts are of any characters that a text may have.
    fn any_settings() -> impl Strategy<Value = Settings> {
        let text = || "[^\0]{0,20}";
        let texts = (text(), text(), text(), text(), text());
        let tags = proptest::collection::vec("[^\\s,\0\\pC]{1,5}", 0..4);
        let numbers = (1..100_000_i64, 1..100_000_i64, 1..100_i64);
        let nulls = (proptest::option::of(0..100_i64), proptest::option::of(0..100_i64));
        let flags = proptest::array::uniform7(0..2_i16);
        (texts, tags, numbers, nulls, flags, "[a-z0-9_-]{0,9}").prop_map(
            |(texts, tags, numbers, nulls, flags, slug)| {
                let flag = flags.map(Flag);
                let is_custom = bool::from(flag[0]);
                Settings {
                    slug: if is_custom { slug } else { slug::derive(&texts.0) },
                    slug_is_custom: flag[0],
                    check_name: texts.0,
                    tags: Tags(tags),
                    description: texts.1,
                    start_kw: texts.2,
                    success_kw: texts.3,
                    failure_kw: texts.4,
                    period: numbers.0,
                    grace: numbers.1,
                    failure_threshold: numbers.2,
                    max_runtime: nulls.0,
                    early_tolerance: nulls.1,
                    manual_resume: flag[1],
                    post_only: flag[2],
                    filter_subject: flag[3],
                    filter_body: flag[4],
                    filter_http_body: flag[5],
                    filter_default_fail: flag[6],
                    ..Settings::default()
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(
            settings in any_settings(),
            project_name in "[^\0]{1,20}",
            channels in proptest::collection::vec("[^\0]{1,3}|ops", 0..4),
            paused in proptest::option::of(Just(true)),
        ) {
            let told = references(channels.iter().map(String::as_str));
            let form = FileForm {
                format: FORMAT,
                project: ProjectForm { project_name: project_name.clone(), auto_create: 1 },
                channels: Vec::new(),
                checks: vec![CheckForm::new(&settings, paused, told)],
                maintenances: Vec::new(),
            };
            let mut read = file(&form.to_text().unwrap()).unwrap();
            prop_assert_eq!((read.project_name, read.auto_create), (Some(project_name), Some(true)));
            let entry = read.checks.remove(0);
            prop_assert_eq!(entry.change.paused, paused);
            prop_assert_eq!(entry.change.applied_to(&Settings::default()).unwrap(), settings);
            let named: Vec<String> = entry.channels.unwrap().into_iter().map(|c| c.name).collect();
            prop_assert_eq!(named, channels);
        }

        #[test]
        fn any_text_is_read_or_refused_as_wrong(text in "\\PC{0,100}") {
            let outcome = file(&text).map_err(|fault| with_line(&text, fault));
            let is_fine = matches!(outcome, Ok(_) | Err(Fault::Invalid { .. }));
            prop_assert!(is_fine);
        }

        #[test]
        fn any_lines_of_a_file_are_read_or_refused_as_wrong(
            lines in proptest::collection::vec(proptest::sample::select(&[
                "[[checks]]", "[[channels]]", "[project]", "check_name = \"a\"", "channel_name = \"a\"",
                "slug = 1", "grace = 60", "channels = [\"a\"]", "[channels.config]", "url_down = \"x\"",
                "config = 1", "tags = [\"a\"]", "max_runtime = \"grace\"", "checks = []", "format = 1",
            ][..]), 0..12),
        ) {
            let text = lines.join("\n");
            let outcome = file(&text).map_err(|fault| with_line(&text, fault));
            let is_fine = matches!(outcome, Ok(_) | Err(Fault::Invalid { .. }));
            prop_assert!(is_fine);
        }
    }
}
