//! What a kind has to tell: one alert, or several as one message. The texts come from
//! `domain::alert`; here is what kinds do to them so that they fit, and can't do harm.

use crate::clock::Timestamp;
use crate::domain::alert::{self, Alert};

/// One message to one channel.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// What it tells: at least one.
    pub alerts: &'a [Alert],
    /// The same at every try.
    pub id: &'a str,
    /// When it is sent.
    pub now: Timestamp,
}

impl Message<'_> {
    /// The alert that matters most: the first bad news, else the first.
    #[must_use]
    pub fn lead(&self) -> &Alert {
        let bad = self.alerts.iter().find(|alert| alert.event.status() == "down");
        // The notifier never sends a message about nothing.
        bad.unwrap_or(&self.alerts[0])
    }

    /// Whether all of it is good news.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.lead().event.status() == "up"
    }

    /// One line that says what happened.
    #[must_use]
    pub fn subject(&self) -> String {
        match self.alerts {
            [one] => alert::subject(one),
            several => alert::subject_of_group(several),
        }
    }

    /// The whole message, several lines, in plain text.
    #[must_use]
    pub fn text(&self) -> String {
        match self.alerts {
            [one] => alert::text(one),
            several => alert::text_of_group(several),
        }
    }

    /// What the text says below its first line, which is the subject.
    #[must_use]
    pub fn details(&self) -> String {
        let text = self.text();
        text.split_once("\n\n").map_or_else(String::new, |(_, rest)| rest.to_owned())
    }

    /// The details without the link at their end, for kinds that have a place of its own for it.
    #[must_use]
    pub fn facts(&self) -> String {
        let details = self.details();
        let facts = details.strip_suffix(self.link()).unwrap_or(&details);
        facts.trim_end().to_owned()
    }

    /// One line for channels where every character counts.
    #[must_use]
    pub fn short(&self) -> String {
        match self.alerts {
            [one] => alert::short(one),
            several => alert::subject_of_group(several),
        }
    }

    /// Where to look: the link of the alert that matters most; may be empty.
    #[must_use]
    pub fn link(&self) -> &str {
        &self.lead().link
    }

    /// What names the check to services that join what belongs together: the same for its down and
    /// its up, another for every check. Where there is no check (a test, the news of a channel that
    /// was switched off), it is another for every message.
    #[must_use]
    pub fn key(&self) -> String {
        match self.lead().check.unique_key.as_str() {
            "" => format!("overdue-{}", self.id),
            key => format!("overdue-{key}"),
        }
    }
}

/// At most so many characters; where there are more, the last one is `…`.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    cut_by(text, most, |_| 1)
}

/// At most so many units of UTF-16, which is how some services count.
#[must_use]
pub fn cut_utf16(text: &str, most: usize) -> String {
    cut_by(text, most, char::len_utf16)
}

/// At most so many bytes of UTF-8.
#[must_use]
pub fn cut_bytes(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    cut_by(text, most.saturating_sub('…'.len_utf8() - 1), char::len_utf8)
}

fn cut_by(text: &str, most: usize, size: impl Fn(char) -> usize) -> String {
    let (mut taken, mut room_for_mark) = (0, 0);
    for (at, c) in text.char_indices() {
        taken += size(c);
        if taken > most {
            return format!("{}…", &text[..room_for_mark]);
        }
        if taken < most {
            room_for_mark = at + c.len_utf8();
        }
    }
    text.to_owned()
}

/// The text, each character written as `write` has it, at most `most` characters in all: what stands
/// for one character is never torn.
#[must_use]
pub fn written(text: &str, most: usize, write: impl Fn(char, &mut String)) -> String {
    let (mut whole, mut room_for_mark, mut count) = (String::new(), 0, 0);
    for c in text.chars() {
        let before = whole.len();
        write(c, &mut whole);
        count += whole[before..].chars().count();
        if count > most {
            whole.truncate(room_for_mark);
            whole.push('…');
            return whole;
        }
        if count < most {
            room_for_mark = whole.len();
        }
    }
    whole
}

/// Text that stands in HTML, at most `most` characters of it.
#[must_use]
pub fn html(text: &str, most: usize) -> String {
    written(text, most, |c, whole| match c {
        '&' => whole.push_str("&amp;"),
        '<' => whole.push_str("&lt;"),
        '>' => whole.push_str("&gt;"),
        '"' => whole.push_str("&quot;"),
        '\'' => whole.push_str("&#39;"),
        c => whole.push(c),
    })
}

/// Text that stands in Markdown, at most `most` characters of it: a backslash goes before each of
/// `marks`, so that none of them means anything.
#[must_use]
pub fn markdown(text: &str, most: usize, marks: &str) -> String {
    written(text, most, |c, whole| {
        if marks.contains(c) {
            whole.push('\\');
        }
        whole.push(c);
    })
}

/// Text in which no `@name` calls anybody: behind each `@` stands a space of no width.
#[must_use]
pub fn calm(text: &str) -> String {
    text.replace('@', "@\u{200b}")
}

/// Text in which no `<` begins a tag, for services that may take it for HTML and may as well show it
/// as it is: behind each `<` stands a space of no width.
#[must_use]
pub fn untagged(text: &str) -> String {
    text.replace('<', "<\u{200b}")
}

/// A block of code in Markdown of at most `most` units of UTF-16: no text ends it before its end.
#[must_use]
pub fn fenced(language: &str, text: &str, most: usize) -> String {
    let (open, close) = (format!("```{language}\n"), "\n```");
    let room = most.saturating_sub(open.len() + close.len());
    format!("{open}{}{close}", cut_utf16(&text.replace("```", "'''"), room))
}

/// Code within a line of Markdown, at most `most` characters of it, for services that know no other
/// way of making marks mean nothing.
#[must_use]
pub fn code(text: &str, most: usize) -> String {
    format!("`{}`", cut(&text.replace('`', "'"), most.saturating_sub(2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::CheckFacts;
    use crate::domain::alert::tests::late_backup;

    #[test]
    fn texts_are_cut_with_a_mark_and_only_where_they_are_too_long() {
        assert_eq!(cut("four", 4), "four");
        assert_eq!(cut("fiver", 4), "fiv…");
        assert_eq!(cut_utf16("a😀b", 4), "a😀b");
        assert_eq!(cut_utf16("a😀bc", 4), "a😀…");
        assert_eq!(cut_utf16("😀😀", 2), "…");
        assert_eq!(cut_bytes("äää", 6), "äää");
        assert_eq!(cut_bytes("ääää", 7), "ää…");
        assert_eq!(cut_bytes("ääää", 6), "ä…");
    }

    #[test]
    fn nothing_in_a_text_means_anything_where_it_stands() {
        assert_eq!(html("<b a='\"'>&", 99), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
        assert_eq!(markdown("*a*_b_[c]", 99, "*_[]"), "\\*a\\*\\_b\\_\\[c\\]");
        assert_eq!(calm("@all"), "@\u{200b}all");
        assert_eq!(untagged("<b>&"), "<\u{200b}b>&");
    }

    #[test]
    fn no_text_leaves_a_block_of_code() {
        assert_eq!(fenced("", "a\n```\n@all", 99), "```\na\n'''\n@all\n```");
        assert_eq!(fenced("text", "😀😀😀", 17), "```text\n😀😀…\n```");
        assert_eq!(code("`@all` b", 8), "`'@all…`");
    }

    #[test]
    fn what_stands_for_a_character_is_never_torn() {
        assert_eq!(html("<<<", 12), "&lt;&lt;&lt;");
        assert_eq!(html("<<<", 11), "&lt;&lt;…");
        assert_eq!(html("<<", 5), "&lt;…");
        assert_eq!(markdown("a**", 4, "*"), "a\\*…");
    }

    #[test]
    fn details_are_the_text_without_its_subject() {
        let alerts = [late_backup()];
        let message = Message { alerts: &alerts, id: "msg_1", now: alerts[0].now };
        assert_eq!(format!("{}.\n\n{}", message.subject(), message.details()), message.text());
        assert_eq!(format!("{}\n\n{}", message.facts(), message.link()), message.details());
        assert!(!message.is_up());
    }

    #[test]
    fn a_check_has_one_key_and_what_is_no_check_has_one_for_each_message() {
        let key = |alert, id| Message { alerts: &[alert], id, now: late_backup().now }.key();
        assert_eq!(key(late_backup(), "msg_1"), key(late_backup(), "msg_2"));
        let test = Alert { check: CheckFacts::default(), ..late_backup() };
        assert_eq!(key(test, "msg_1"), "overdue-msg_1");
    }
}
