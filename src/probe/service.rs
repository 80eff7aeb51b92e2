//! Services that greet: what they must say first, and how a conversation with them goes on.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::found::{Found, Trouble};
use super::wire::{Wire, in_words};
use crate::domain::alert::one_line;
use crate::domain::monitor::{Device, ServiceType};

/// The longest line that is read, in bytes.
const LONGEST_LINE: usize = 2048;
/// The most lines of one answer.
const MOST_LINES: usize = 100;
/// How long a server that said something else before its version may take to say more.
const NEXT_LINE: Duration = Duration::from_secs(2);
/// As much of what it said is told, in characters.
const EXCERPT: usize = 80;

/// A service is connected to at its port, and its greeting judged.
pub async fn greeting(wire: &Wire, device: &Device, service: ServiceType) -> Found {
    let mut found = Found::default();
    let outcome = greet(wire, device, service, &mut found).await;
    found.ended(outcome)
}

async fn greet(
    wire: &Wire,
    device: &Device,
    service: ServiceType,
    found: &mut Found,
) -> Result<(), Trouble> {
    let port = device.port.or(service.usual_port()).unwrap_or_default();
    let mut stream = wire.connect(&device.target_value, port, found).await?;
    let began = wire.steady();
    let begins: &[&str] = match service {
        ServiceType::Ssh => &["SSH-2.0-", "SSH-1.99-"],
        ServiceType::Smtp | ServiceType::Ftp => &["220"],
        ServiceType::Imap => &["* OK", "* PREAUTH"],
        ServiceType::Pop3 => &["+OK"],
        _ => return Ok(()),
    };
    let line = match service {
        // A server may say something before its version (RFC 4253, 4.2).
        ServiceType::Ssh => ssh_version(&mut stream).await?,
        ServiceType::Smtp | ServiceType::Ftp => last_line(&mut stream).await?,
        _ => read_line(&mut stream).await?,
    };
    found.phases.first_byte = Some(wire.steady() - began);
    if !begins.iter().any(|begin| line.starts_with(begin)) {
        let said: String = one_line(&line).chars().take(EXCERPT).collect();
        return Err(Trouble::bad(format!("it greets with “{said}” instead of {}", begins[0])));
    }
    if service == ServiceType::Smtp {
        return mail(wire, device, stream, found).await;
    }
    let farewell: &[u8] = match service {
        ServiceType::Ftp | ServiceType::Pop3 => b"QUIT\r\n",
        ServiceType::Imap => b"a LOGOUT\r\n",
        _ => b"",
    };
    // It greeted: what becomes of the farewell makes no difference.
    let _ = stream.write_all(farewell).await;
    Ok(())
}

/// Introduces itself to a mail server, and speaks TLS with it where it offers that.
async fn mail(
    wire: &Wire,
    device: &Device,
    mut stream: TcpStream,
    found: &mut Found,
) -> Result<(), Trouble> {
    let Some(lines) = say(&mut stream, "EHLO overdue.invalid").await? else { return Ok(()) };
    let refused = |lines: &[String]| {
        let last = lines.last().map_or("", String::as_str);
        !last.starts_with('2')
    };
    if refused(&lines) {
        let said: String = lines.concat().chars().take(EXCERPT).collect();
        return Err(Trouble::bad(format!("it answers EHLO with “{}”", one_line(&said))));
    }
    let offers_tls = lines
        .iter()
        .any(|line| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS")));
    if !offers_tls {
        let _ = stream.write_all(b"QUIT\r\n").await;
        return Ok(());
    }
    let Some(lines) = say(&mut stream, "STARTTLS").await? else {
        return Err(Trouble::bad("it offers STARTTLS and hangs up on it"));
    };
    if refused(&lines) {
        return Err(Trouble::bad("it offers STARTTLS and refuses it"));
    }
    // Between mail servers a certificate need not hold: that it can be spoken is what counts.
    let mut secured = wire.secure(stream, &device.target_value, found).await?;
    let _ = secured.stream.write_all(b"QUIT\r\n").await;
    Ok(())
}

/// Says a line and reads the answer; none where the other side hangs up, as some do on who is not
/// there to send mail.
async fn say(stream: &mut TcpStream, line: &str) -> Result<Option<Vec<String>>, Trouble> {
    if stream.write_all(format!("{line}\r\n").as_bytes()).await.is_err() {
        return Ok(None);
    }
    let mut lines = Vec::new();
    while lines.len() < MOST_LINES {
        let Ok(line) = read_line(stream).await else { return Ok(None) };
        let is_last = !goes_on(&line);
        lines.push(line);
        if is_last {
            return Ok(Some(lines));
        }
    }
    Err(Trouble::bad("an answer without an end"))
}

/// Whether further lines belong to the answer: `220-…`.
fn goes_on(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.get(..3).is_some_and(|code| code.iter().all(u8::is_ascii_digit))
        && bytes.get(3) == Some(&b'-')
}

async fn ssh_version(stream: &mut TcpStream) -> Result<String, Trouble> {
    let mut line = read_line(stream).await?;
    for _ in 1..MOST_LINES {
        if line.starts_with("SSH-") || !line.is_ascii() {
            return Ok(line);
        }
        // What greets otherwise, and waits for an answer to that, is something else.
        match timeout(NEXT_LINE, read_line(stream)).await {
            Ok(next) => line = next?,
            Err(_) => return Ok(line),
        }
    }
    Err(Trouble::bad("a greeting without an end"))
}

/// The last line of a greeting that may have several (`220-…`).
async fn last_line(stream: &mut TcpStream) -> Result<String, Trouble> {
    for _ in 0..MOST_LINES {
        let line = read_line(stream).await?;
        if !goes_on(&line) {
            return Ok(line);
        }
    }
    Err(Trouble::bad("a greeting without an end"))
}

async fn read_line(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<String, Trouble> {
    let mut line = Vec::new();
    loop {
        match stream.read_u8().await {
            Ok(b'\n') => break,
            Ok(byte) if line.len() < LONGEST_LINE => line.push(byte),
            Ok(_) => return Err(Trouble::bad("a line without an end")),
            Err(error) if line.is_empty() => {
                return Err(Trouble::bad(format!("it does not greet: {}", in_words(&error))));
            }
            Err(_) => break,
        }
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}
