//! The commands of SMTP (RFC 5321, and 1870, 3207, 6152, 6531 for its extensions), read from a line
//! whose end has been taken off. It knows how they are written, and not what may be done with them.

use super::reply::Reply;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    /// The client names itself; `extended`: and wants to know what the server can do.
    Hello { extended: bool },
    /// A message begins: who sends it (empty: nobody wants to hear of it), and its announced size.
    Mail { sender: &'a str, size: Option<u64> },
    /// Whom it is for.
    Rcpt { recipient: &'a str },
    /// The message itself follows.
    Data,
    /// What was said of the message is void.
    Reset,
    /// Nothing.
    Noop,
    /// Whether an address exists.
    Verify,
    /// What the commands are.
    Help,
    /// TLS from here on.
    StartTls,
    /// The end.
    Quit,
}

/// Reads a command.
///
/// # Errors
/// The reply that tells what is wrong with it.
pub(super) fn parse(line: &str) -> Result<Command<'_>, Reply> {
    let line = line.trim_end_matches([' ', '\t']);
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" | "HELO" if rest.trim().is_empty() => {
            Err("501 5.5.4 say who you are: EHLO client.example.org".into())
        }
        "EHLO" => Ok(Command::Hello { extended: true }),
        "HELO" => Ok(Command::Hello { extended: false }),
        "MAIL" => mail(rest),
        "RCPT" => rcpt(rest),
        "DATA" => alone(rest, Command::Data),
        "RSET" => alone(rest, Command::Reset),
        "STARTTLS" => alone(rest, Command::StartTls),
        "QUIT" => alone(rest, Command::Quit),
        "NOOP" => Ok(Command::Noop),
        "VRFY" => Ok(Command::Verify),
        "HELP" => Ok(Command::Help),
        "EXPN" | "AUTH" | "BDAT" | "ETRN" | "TURN" | "SEND" | "SOML" | "SAML" => {
            Err("502 5.5.1 this server does not do that".into())
        }
        _ => Err("500 5.5.2 no such command".into()),
    }
}

fn alone<'a>(rest: &str, command: Command<'a>) -> Result<Command<'a>, Reply> {
    if rest.is_empty() { Ok(command) } else { Err("501 5.5.4 it takes no argument".into()) }
}

fn mail(rest: &str) -> Result<Command<'_>, Reply> {
    let (sender, params) = path(rest, "FROM:")
        .ok_or_else(|| Reply::from("501 5.1.7 write MAIL FROM:<sender@example.org>"))?;
    let (mut size, mut is_utf8) = (None, false);
    for param in params.split_ascii_whitespace() {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        match (name.to_ascii_uppercase().as_str(), value.to_ascii_uppercase().as_str()) {
            ("SIZE", digits) => size = Some(number(digits)?),
            ("BODY", "7BIT" | "8BITMIME") => {}
            ("SMTPUTF8", "") => is_utf8 = true,
            _ => return Err("555 5.5.4 MAIL takes SIZE, BODY and SMTPUTF8".into()),
        }
    }
    if !sender.is_ascii() && !is_utf8 {
        return Err("553 5.6.7 such an address needs SMTPUTF8".into());
    }
    Ok(Command::Mail { sender, size })
}

/// A size in bytes; one of more digits than a number holds is larger than anything.
fn number(digits: &str) -> Result<u64, Reply> {
    let fits = (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| digits.parse().unwrap_or(u64::MAX))
        .ok_or_else(|| "501 5.5.4 SIZE must be a number of bytes".into())
}

fn rcpt(rest: &str) -> Result<Command<'_>, Reply> {
    let (recipient, params) = path(rest, "TO:")
        .ok_or_else(|| Reply::from("501 5.1.3 write RCPT TO:<recipient@example.org>"))?;
    if !params.trim().is_empty() {
        return Err("555 5.5.4 RCPT takes no parameters".into());
    }
    Ok(Command::Rcpt { recipient })
}

/// What stands between `<` and `>` behind a keyword, and what follows. A route before the address
/// is passed over, as the standard asks. A space behind the colon is against it, and common.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let (head, tail) = rest.trim_start().split_at_checked(keyword.len())?;
    let inner = tail.trim_start().strip_prefix('<')?;
    let end = closing(inner)?;
    let (path, params) = (&inner[..end], &inner[end + 1..]);
    let fits = head.eq_ignore_ascii_case(keyword) && (params.is_empty() || params.starts_with(' '));
    let address = match path.strip_prefix('@') {
        Some(route) => route.split_once(':')?.1,
        None => path,
    };
    fits.then_some((address, params))
}

/// Where the `>` is that stands in no quotes.
fn closing(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.char_indices().find_map(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(at),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> Command<'_> {
        parse(line).unwrap()
    }

    fn mail(sender: &str, size: Option<u64>) -> Command<'_> {
        Command::Mail { sender, size }
    }

    fn refused(line: &str) -> String {
        parse(line).unwrap_err().line()[..3].to_owned()
    }

    #[test]
    fn commands_are_understood_in_either_case() {
        assert_eq!(parse("EHLO a.example"), Ok(Command::Hello { extended: true }));
        assert_eq!(parse("helo [192.0.2.1]"), Ok(Command::Hello { extended: false }));
        assert_eq!(parse("data "), Ok(Command::Data));
        assert_eq!(parse("Noop whatever"), Ok(Command::Noop));
        assert_eq!(parse("VRFY ops"), Ok(Command::Verify));
        assert_eq!(parse("starttls"), Ok(Command::StartTls));
    }

    #[test]
    fn a_sender_stands_in_angle_brackets_and_may_be_nobody() {
        assert_eq!(read("MAIL FROM:<>"), mail("", None));
        assert_eq!(read("mail from: <a@b.c> size=77 BODY=8bitmime"), mail("a@b.c", Some(77)));
        assert_eq!(read("MAIL FROM:<@x,@y:a@b.c>"), mail("a@b.c", None));
        assert_eq!(read(r#"MAIL FROM:<"a\">b"@c.d>"#), mail(r#""a\">b"@c.d"#, None));
        assert_eq!(read("MAIL FROM:<j\u{f6}rg@b.c> SMTPUTF8"), mail("j\u{f6}rg@b.c", None));
        assert_eq!(read("MAIL FROM:<a@b> SIZE=99999999999999999999"), mail("a@b", Some(u64::MAX)));
    }

    #[test]
    fn what_is_wrong_is_told_by_its_code() {
        for (line, code) in [
            ("", "500"),
            ("GET / HTTP/1.1", "500"),
            ("EHLO", "501"),
            ("DATA now", "501"),
            ("MAIL FROM:a@b.c", "501"),
            ("MAIL FROM:<a@b.c", "501"),
            ("MAIL FROM:<a@b.c>SIZE=1", "501"),
            ("MAIL TO:<a@b.c>", "501"),
            ("MAIL FROM:<a@b.c> SIZE=+1", "501"),
            ("MAIL FROM:<a@b.c> SIZE", "501"),
            ("MAIL FROM:<a@b.c> BODY=BINARYMIME", "555"),
            ("MAIL FROM:<a@b.c> AUTH=<>", "555"),
            ("MAIL FROM:<j\u{f6}rg@b.c>", "553"),
            ("RCPT TO:<a@b.c> NOTIFY=NEVER", "555"),
            ("RCPT TO:", "501"),
            ("EXPN list", "502"),
            ("AUTH PLAIN", "502"),
        ] {
            assert_eq!(refused(line), code, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_judged_without_a_panic(line in "\\PC{0,100}") {
            let _ = parse(&line);
            let _ = parse(&format!("MAIL FROM:<{line}"));
            let _ = parse(&format!("RCPT TO:{line}"));
        }
    }
}
