//! The kinds of channels as people know them.

use crate::notify::channels::Kind;

/// Their names as their makers write them, where it is not the word itself with a capital.
const TITLES: [(&str, &str); 14] = [
    ("github", "GitHub"),
    ("googlechat", "Google Chat"),
    ("msteams", "Microsoft Teams"),
    ("ntfy", "ntfy"),
    ("pagerduty", "PagerDuty"),
    ("pagertree", "PagerTree"),
    ("rocketchat", "Rocket.Chat"),
    ("spike", "Spike.sh"),
    ("splunkoncall", "Splunk On-Call"),
    ("twilio_call", "Phone call (Twilio)"),
    ("twilio_sms", "SMS (Twilio)"),
    ("twilio_whatsapp", "WhatsApp (Twilio)"),
    ("command", "Command on the server"),
    ("group", "Group of channels"),
];

/// What a kind is called; one that is not known keeps its word.
pub(super) fn title(kind: &str) -> String {
    let known = TITLES.iter().find(|(name, _)| *name == kind);
    known.map_or_else(|| capital(kind), |(_, title)| (*title).to_owned())
}

/// All kinds, those first that need nothing else, then by name: word, title and what it is.
pub(super) fn all() -> Vec<(&'static str, String, &'static str)> {
    let mut kinds: Vec<_> =
        Kind::all().map(|kind| (kind.as_str(), title(kind.as_str()), kind.about())).collect();
    let is_own = |name: &str| matches!(name, "email" | "webhook" | "command" | "group");
    kinds.sort_by_key(|(name, title, _)| (!is_own(name), title.to_lowercase()));
    kinds
}

/// The text with its first letter as a sentence has it.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_title_is_of_a_kind_and_every_kind_says_what_it_is() {
        for (name, _) in TITLES {
            assert!(Kind::parse(name).is_some(), "{name}");
        }
        let all = all();
        assert_eq!(all.len(), 29);
        assert_eq!(title("slack"), "Slack");
        for (name, _, about) in all {
            assert!(about.ends_with('.'), "{name}: {about}");
        }
    }
}
