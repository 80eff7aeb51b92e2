//! What a mail server's refusal of a recipient means. To take it for a bounce ends a channel, so that
//! only an answer counts which says in so many words that the mailbox is not there: everything else
//! (a full mailbox, a policy, a list of bad senders, a fault of our own settings) may pass.

/// Enhanced codes (RFC 3463) of mailboxes that are not there: no such mailbox, no such system, bad
/// syntax, moved away, takes no mail at all, disabled.
const GONE: [&str; 6] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];

/// Words of servers that give no enhanced code, in lower case.
const ABSENT: [&str; 14] = [
    "unknown",
    "no such",
    "not exist",
    "doesn't exist",
    "not found",
    "no mailbox",
    "no user",
    "not a known",
    "invalid recipient",
    "invalid mailbox",
    "invalid address",
    "unrouteable",
    "unroutable",
    "mailbox unavailable",
];

/// Words that tell of another reason, in lower case; they outweigh the others.
const OTHERWISE: [&str; 11] = [
    "relay",
    "authent",
    "policy",
    "sender",
    "spam",
    "block",
    "denied",
    "reject",
    "reputation",
    "spf",
    "quota",
];

/// Whether this enhanced code says that there is no such mailbox.
#[must_use]
pub fn is_gone(enhanced: &str) -> bool {
    GONE.contains(&enhanced)
}

/// Whether this answer to `RCPT TO` says that there is no such mailbox.
#[must_use]
pub fn is_no_mailbox(code: u16, text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_enhanced = first.split('.').count() == 3
        && first
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if is_enhanced {
        return (500..600).contains(&code) && is_gone(first);
    }
    let text = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    matches!(code, 550 | 551 | 553) && says(&ABSENT) && !says(&OTHERWISE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_deny_the_mailbox_are_final() {
        for (code, text) in [
            (550, "5.1.1 <x@example.org>: Recipient address rejected: User unknown"),
            (550, "5.1.1 The email account that you tried to reach does not exist."),
            (550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found"),
            (550, "5.2.1 The email account that you tried to reach is disabled."),
            (556, "5.1.10 Domain example.org does not accept mail (nullMX)"),
            (550, "Unknown user"),
            (550, "Unrouteable address"),
            (550, "No such user here"),
            (550, "Requested action not taken: mailbox unavailable"),
            (551, "User not local; no mailbox here by that name"),
        ] {
            assert!(is_no_mailbox(code, text), "{code} {text}");
        }
    }

    #[test]
    fn every_other_refusal_may_pass() {
        for (code, text) in [
            (550, "relay not permitted"),
            (550, "5.7.1 Relaying denied"),
            (550, "5.7.1 Service unavailable; client host blocked: user unknown"),
            (550, "Sender unknown"),
            (550, "Authentication required"),
            (550, "rejected by policy: unknown sender"),
            (550, ""),
            (552, "5.2.2 mailbox full"),
            (554, "5.7.1 spam"),
            (450, "5.1.1 unknown for now"),
            (421, "unknown user, too many connections"),
            (530, "5.7.0 Must issue a STARTTLS command first"),
        ] {
            assert!(!is_no_mailbox(code, text), "{code} {text}");
        }
    }
}
