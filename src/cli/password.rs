//! Passwords for the command line: one line of standard input, or typed twice at a terminal that
//! does not show it. Never an argument, which every user of the machine could read.

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::{Command, Stdio};

use crate::fault::{Fault, Result};
use crate::secret::Secret;

/// A password, from standard input (`--password-stdin`) or from the terminal.
///
/// # Errors
/// There is none, the two that were typed differ, or there is no terminal to type at.
pub(super) async fn read(from_stdin: bool) -> Result<Secret> {
    if from_stdin {
        return waiting(read_line).await;
    }
    if !io::stdin().is_terminal() {
        return Err(wrong("there is no terminal to type it at: use --password-stdin"));
    }
    let _quiet = Quiet::new()?;
    let typed = waiting(|| ask("Password: ")).await?;
    let again = waiting(|| ask("Again: ")).await?;
    if typed == again { Ok(typed) } else { Err(wrong("the two that were typed differ")) }
}

fn wrong(reason: &str) -> Fault {
    Fault::invalid("password", reason)
}

/// Reads on a thread that may block. Ctrl-C ends the wait in good order, so that the terminal is
/// left as it was.
async fn waiting(read: impl FnOnce() -> Result<Secret> + Send + 'static) -> Result<Secret> {
    tokio::select! {
        read = tokio::task::spawn_blocking(read) => read.map_err(Fault::internal)?,
        _ = tokio::signal::ctrl_c() => Err(wrong("interrupted")),
    }
}

fn ask(prompt: &str) -> Result<Secret> {
    // The prompt is not output: that may be on its way to a file.
    let mut terminal = io::stderr();
    let _ = write!(terminal, "{prompt}").and_then(|()| terminal.flush());
    let typed = read_line();
    let _ = writeln!(terminal);
    typed
}

fn read_line() -> Result<Secret> {
    line_of(&mut io::stdin().lock())
}

/// The first line, without its end.
fn line_of(input: &mut impl BufRead) -> Result<Secret> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(|error| wrong(&format!("can't be read: {error}")))?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() { Err(wrong("none was given")) } else { Ok(Secret::new(line)) }
}

/// The terminal shows nothing that is typed until this is dropped.
struct Quiet;

impl Quiet {
    fn new() -> Result<Self> {
        stty("-echo")
            .then_some(Self)
            .ok_or_else(|| wrong("the terminal would show it: use --password-stdin"))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        stty("echo");
    }
}

fn stty(mode: &str) -> bool {
    let mut command = Command::new("stty");
    command.arg(mode).stdin(Stdio::inherit()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_line(input: &str) -> Result<String> {
        line_of(&mut input.as_bytes()).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn the_first_line_is_the_password_without_its_end() {
        for input in
            ["correct horse \n", "correct horse \r\n", "correct horse ", "correct horse \nx"]
        {
            assert_eq!(first_line(input).unwrap(), "correct horse ", "{input:?}");
        }
    }

    #[test]
    fn no_password_is_told_from_an_empty_one_by_nobody() {
        for input in ["", "\n", "\r\n"] {
            assert_eq!(first_line(input).unwrap_err().to_string(), "password: none was given");
        }
        assert!(line_of(&mut &b"\xff\xfe\n"[..]).is_err());
    }
}
