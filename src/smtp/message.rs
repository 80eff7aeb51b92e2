//! The text of a message as it comes over the wire behind DATA. Only CR LF ends a line, and only a
//! lone dot between two of them ends the message: a server and a relay before it that disagree on
//! this can be made to see two messages in one (SMTP smuggling). A message with a bare CR or LF is
//! refused as a whole, and whatever could be taken for its end then ends it and the connection.

/// What may follow a message that is too large before nobody waits for its end any more.
const MOST_DISCARDED: usize = 16 * 1024 * 1024;

/// A message that is being received. Of one that is refused nothing is kept.
#[derive(Debug)]
pub(super) struct Incoming {
    kept: Vec<u8>,
    size: usize,
    limit: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the beginning of a line.
    Start,
    /// Within a line.
    Within,
    /// Behind a CR.
    Cr,
    /// Behind a dot at the beginning of a line.
    Dot,
    /// Behind a CR behind such a dot.
    DotCr,
    /// After a bare CR or LF: so far the line is empty (`Some(false)`), a lone dot (`Some(true)`),
    /// or something else.
    Bare(Option<bool>),
}

/// How a message ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is whole: all of it, with the dots taken out that were put in for the way.
    Whole(Vec<u8>),
    /// It was larger than is taken.
    TooLarge,
    /// It is larger than anybody waits for: its end has not come.
    FarTooLarge,
    /// A CR or LF stood alone in it. What follows can't be trusted to be commands.
    Bare,
}

impl Incoming {
    /// Takes messages of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), size: 0, limit, state: State::Start }
    }

    /// Takes in bytes: how many of them belong to the message, and how it ended, where it did.
    pub(super) fn take(&mut self, bytes: &[u8]) -> (usize, Option<End>) {
        for (at, byte) in bytes.iter().enumerate() {
            if self.push(*byte) {
                return (at + 1, Some(self.end()));
            }
        }
        let hopeless = self.size > self.limit.saturating_add(MOST_DISCARDED);
        (bytes.len(), hopeless.then_some(End::FarTooLarge))
    }

    fn end(&mut self) -> End {
        match self.state {
            State::Bare(_) => End::Bare,
            _ if self.size > self.limit => End::TooLarge,
            _ => End::Whole(std::mem::take(&mut self.kept)),
        }
    }

    /// Whether this byte ends the message.
    fn push(&mut self, byte: u8) -> bool {
        self.state = match (self.state, byte) {
            (State::DotCr, b'\n') => return true,
            (State::Cr, b'\n') => {
                self.keep(b"\r\n");
                State::Start
            }
            (State::Start | State::Within, b'\r') => State::Cr,
            (State::Dot, b'\r') => State::DotCr,
            (State::Start, b'.') => State::Dot,
            // A bare LF, behind a lone dot or not.
            (State::Start | State::Within | State::Dot, b'\n') => {
                let ends = self.state == State::Dot;
                self.give_up();
                self.state = State::Bare(Some(false));
                return ends;
            }
            // A bare CR: behind a lone dot it may be meant for the end.
            (State::Cr | State::DotCr, byte) => {
                let ends = self.state == State::DotCr;
                self.give_up();
                self.state = State::Bare(Some(false));
                return ends || self.push(byte);
            }
            (State::Start | State::Within | State::Dot, byte) => {
                self.keep(&[byte]);
                State::Within
            }
            (State::Bare(line), b'\r' | b'\n') => {
                self.state = State::Bare(Some(false));
                return line == Some(true);
            }
            (State::Bare(Some(false)), b'.') => State::Bare(Some(true)),
            (State::Bare(_), _) => {
                self.size += 1;
                State::Bare(None)
            }
        };
        false
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.size += bytes.len();
        if self.size <= self.limit {
            self.kept.extend_from_slice(bytes);
        } else {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.kept = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What becomes of bytes that come in one piece, and what is left of them.
    fn received(bytes: &str, limit: usize) -> (Option<End>, &str) {
        let (taken, end) = Incoming::new(limit).take(bytes.as_bytes());
        (end, &bytes[taken..])
    }

    fn whole(text: &str) -> End {
        End::Whole(text.into())
    }

    #[test]
    fn a_lone_dot_between_two_line_ends_ends_a_message() {
        assert_eq!(received("a\r\nb\r\n.\r\nQUIT", 99), (Some(whole("a\r\nb\r\n")), "QUIT"));
        assert_eq!(received(".\r\n", 99), (Some(whole("")), ""));
        assert_eq!(received("a.\r\n. \r\n", 99).0, None);
    }

    #[test]
    fn dots_that_were_put_in_for_the_way_are_taken_out() {
        let (end, _) = received("..\r\n...a\r\n.b\r\nc.\r\n.\r\n", 99);
        assert_eq!(end, Some(whole(".\r\n..a\r\nb\r\nc.\r\n")));
    }

    #[test]
    fn a_message_may_be_as_large_as_the_limit_and_not_a_byte_larger() {
        assert_eq!(received("1234\r\n.\r\n", 6).0, Some(whole("1234\r\n")));
        assert_eq!(received("12345\r\n.\r\nQUIT", 6), (Some(End::TooLarge), "QUIT"));
        let mut incoming = Incoming::new(6);
        let piece = vec![b'x'; 1024 * 1024];
        let ends = (0..18).map(|_| incoming.take(&piece).1).find_map(|end| end);
        assert_eq!(ends, Some(End::FarTooLarge));
        assert_eq!(incoming.kept.capacity(), 0, "nothing of it is kept");
    }

    #[test]
    fn a_bare_cr_or_lf_refuses_the_message_and_any_likely_end_ends_it() {
        for text in [
            "a\n.\r\nMAIL",
            "a\r\n.\nMAIL",
            "a\n.\nMAIL",
            "a\r.\r\nMAIL",
            "a\r\n.\r\rMAIL",
            "a\r.\rMAIL",
            "a\r\n.\rMAIL",
            "a\nb\r\n.\r\nMAIL",
            "a\rb\n\n.\r\nMAIL",
            "\n.\r\nMAIL",
            "a\r\n\r.\r\nMAIL",
        ] {
            let (end, left) = received(text, 99);
            assert_eq!(end, Some(End::Bare), "{text:?}");
            assert!(left.trim_start().ends_with("AIL"), "{text:?} {left:?}");
        }
        assert_eq!(received("a\nb\r\n.c\r\n", 99).0, None);
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_cut_the_outcome_is_the_same(
            text in "[a.\r\n]{0,30}", cut in 0_usize..30, limit in 0_usize..20,
        ) {
            let text = format!("{text}\r\n.\r\n");
            let cut = cut.min(text.len());
            let mut pieces = Incoming::new(limit);
            let mut end = pieces.take(&text.as_bytes()[..cut]).1;
            if end.is_none() {
                end = pieces.take(&text.as_bytes()[cut..]).1;
            }
            prop_assert_eq!(end, received(&text, limit).0);
        }

        #[test]
        fn what_a_client_stuffs_comes_out_as_it_was(lines in proptest::collection::vec("[a. ]{0,9}", 0..9)) {
            let (mut plain, mut stuffed) = (String::new(), String::new());
            for line in lines {
                plain.extend([line.as_str(), "\r\n"]);
                let dot = if line.starts_with('.') { "." } else { "" };
                stuffed.extend([dot, line.as_str(), "\r\n"]);
            }
            prop_assert_eq!(received(&format!("{stuffed}.\r\n"), 999).0, Some(whole(&plain)));
        }
    }
}
