//! The HTML of a mail: the text of the message, laid out. No line of it is written twice: what stands
//! in the text stands here, facts as a table and the last body as a block.

use askama::Template;

use super::super::message::Message;
use crate::domain::alert::{self, Alert, Event};

/// What stands before a colon and is longer, in bytes, is the beginning of a sentence.
const LONGEST_LABEL: usize = 30;

/// The most alerts that are listed here; the text lists all. Mail programs cut off what is too large.
const MOST_ROWS: usize = 100;

/// What the template shows; every text in it is escaped there.
#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/notify/channels/email/mail.html" %}"#)]
pub(super) struct Page<'a> {
    state: State,
    subject: String,
    blocks: Vec<Block>,
    rows: Vec<Row>,
    /// How many more there are than rows.
    more: usize,
    link: &'a str,
    link_text: &'static str,
    project: String,
    unsubscribe: Option<&'a str>,
}

/// A word for what happened, and how it looks.
struct State {
    word: &'static str,
    /// `bad`, `good` or `calm`.
    look: &'static str,
    colour: &'static str,
    ground: &'static str,
}

/// A part of the text.
enum Block {
    /// `Label: value`.
    Facts(Vec<(String, String)>),
    Sentence(String),
    Quote {
        heading: String,
        body: String,
    },
}

/// One of several alerts.
struct Row {
    state: State,
    text: String,
}

impl<'a> Page<'a> {
    pub(super) fn new(message: &'a Message<'_>, unsubscribe: Option<&'a str>) -> Self {
        let lead = message.lead();
        let several = message.alerts.len() > 1;
        let row = |alert: &Alert| Row { state: state(&alert.event), text: alert::subject(alert) };
        let rows: Vec<Row> =
            if several { message.alerts.iter().take(MOST_ROWS).map(row).collect() } else { vec![] };
        Self {
            state: state(&lead.event),
            subject: message.subject(),
            blocks: if several { vec![] } else { blocks(&message.facts()) },
            more: if several { message.alerts.len().saturating_sub(MOST_ROWS) } else { 0 },
            rows,
            link: message.link(),
            link_text: match lead.event {
                Event::Confirm => "Look at it and confirm",
                _ => "Open in Overdue",
            },
            project: alert::one_line(&lead.project),
            unsubscribe,
        }
    }

    pub(super) fn html(&self) -> askama::Result<String> {
        self.render()
    }
}

fn state(event: &Event) -> State {
    let bad = |word| State { word, look: "bad", colour: "#a3211c", ground: "#fcebea" };
    let calm = |word| State { word, look: "calm", colour: "#6a4c00", ground: "#fbf1d9" };
    match event {
        Event::Down => bad("Down"),
        Event::StillDown => bad("Still down"),
        Event::Up => State { word: "Up", look: "good", colour: "#1b6453", ground: "#e3f1ec" },
        Event::Flapping => calm("Flapping"),
        Event::Test => calm("Test"),
        Event::ChannelDisabled { .. } => bad("Channel off"),
        Event::Confirm => calm("Confirm"),
    }
}

/// The facts of a message: `Label: value`, sentences, and at the end the last body, whose lines are
/// indented below a heading.
fn blocks(facts: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = facts.lines();
    while let Some(line) = lines.next() {
        if line.ends_with(':') {
            let body: Vec<&str> =
                lines.by_ref().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
            let heading = line.trim_end_matches(':').to_owned();
            blocks.push(Block::Quote { heading, body: body.join("\n").trim_end().to_owned() });
            break;
        }
        let fact = line.split_once(": ").filter(|(label, _)| label.len() <= LONGEST_LABEL);
        match (fact, blocks.last_mut()) {
            (Some((label, value)), Some(Block::Facts(facts))) => {
                facts.push((label.to_owned(), value.to_owned()));
            }
            (Some((label, value)), _) => {
                blocks.push(Block::Facts(vec![(label.to_owned(), value.to_owned())]));
            }
            (None, _) if line.is_empty() => {}
            (None, _) => blocks.push(Block::Sentence(line.to_owned())),
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::tests::late_backup;

    #[test]
    fn whatever_the_text_says_is_on_the_page() {
        for (what, alerts) in super::super::tests::every_message() {
            let message = Message { alerts: &alerts, id: "msg_1", now: alerts[0].now };
            let mut lines: Vec<String> = Vec::new();
            for block in blocks(&message.facts()) {
                match block {
                    Block::Facts(facts) => {
                        lines
                            .extend(facts.iter().map(|(label, value)| format!("{label}: {value}")));
                    }
                    Block::Sentence(text) => lines.push(text),
                    Block::Quote { heading, body } => {
                        lines.push(format!("{heading}:"));
                        lines.extend(body.lines().map(|l| format!("  {l}").trim_end().to_owned()));
                    }
                }
            }
            assert_eq!(lines.join("\n"), message.facts(), "{what}");
        }
    }

    #[test]
    fn of_a_great_storm_the_beginning_is_shown_and_the_rest_is_counted() {
        let alerts = vec![late_backup(); 1_000];
        let message = Message { alerts: &alerts, id: "msg_1", now: alerts[0].now };
        let html = Page::new(&message, None).html().unwrap();
        assert!(html.contains("and 900 more"));
        assert!(html.len() < 100_000, "{}", html.len());
    }

    #[test]
    fn a_body_that_looks_like_a_fact_stays_in_its_block() {
        let alert = Alert { last_body: "Subject: x\nend:\n".to_owned(), ..late_backup() };
        let alerts = [alert];
        let message = Message { alerts: &alerts, id: "msg_1", now: alerts[0].now };
        let blocks = blocks(&message.facts());
        let Some(Block::Quote { body, .. }) = blocks.last() else { panic!("no quote") };
        assert_eq!(body, "Subject: x\nend:");
    }
}
