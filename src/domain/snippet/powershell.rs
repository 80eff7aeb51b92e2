//! A script for Windows `PowerShell` 5.1 and for `PowerShell` 7.

use super::{Job, shell};

pub(super) fn snippet(job: &Job) -> String {
    let method = if job.post { "Post" } else { "Get" };
    TEXT.replace("{name}", &job.name)
        .replace("{url}", &quoted(&job.url))
        .replace("{method}", method)
        .replace("{job}", &quoted(shell::JOB))
}

/// A literal string: nothing in it is replaced, and every sign that `PowerShell` takes for a single
/// quote (it has five) is doubled.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for c in text.chars() {
        if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            quoted.push(c);
        }
        quoted.push(c);
    }
    quoted.push('\'');
    quoted
}

/// Neither names nor URLs have braces, so that nothing is replaced twice. Exit statuses of Windows
/// go beyond what a ping takes, and are then told as 255. `$global:` because an assignment without
/// it would hide the variable that programs set.
const TEXT: &str = r#"# {name}
# Put your job in the place of the one below. A ping that fails is told as a warning and never
# fails the job; the job's exit status is the script's.

$url = {url}
$job = {job}

# Windows PowerShell 5.1 does not offer TLS 1.2 by itself.
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor 3072

function Send-Ping([string] $tail) {
    foreach ($pause in 1, 2, 4, 0) {
        try {
            Invoke-RestMethod -Uri ($url + $tail) -Method {method} -TimeoutSec 10 -UseBasicParsing -ErrorAction Stop | Out-Null
            return
        } catch {
            Write-Warning "ping: $_" -WarningAction Continue
            Start-Sleep -Seconds $pause
        }
    }
}

Send-Ping '/start'
$global:LASTEXITCODE = 0
try {
    & $job
    $status = $global:LASTEXITCODE
} catch {
    Write-Warning "job: $_" -WarningAction Continue
    $status = if ($global:LASTEXITCODE -ne 0) { $global:LASTEXITCODE } else { 127 }
}
$told = if ($status -ge 0 -and $status -le 255) { $status } else { 255 }
Send-Ping "/$told"
exit $status
"#;

#[cfg(test)]
mod tests {
    use super::super::{Language, When};
    use super::*;

    #[test]
    fn whatever_ends_a_string_is_doubled() {
        assert_eq!(quoted("it's"), "'it''s'");
        assert_eq!(quoted("‘a’ ‚b‛"), "'‘‘a’’ ‚‚b‛‛'");
        assert_eq!(quoted("$env:X `n \"q\""), "'$env:X `n \"q\"'");
    }

    /// Where the strings of a script begin and end, by `PowerShell`'s rules: what is outside of
    /// strings and comments.
    fn code(text: &str) -> String {
        let mut code = String::new();
        for line in text.lines() {
            let mut open = None;
            for c in line.chars() {
                match open {
                    None if c == '#' => break,
                    None if c == '\'' || c == '"' => open = Some(c),
                    None => code.push(c),
                    Some(quote) if quote == c => open = None,
                    Some(_) => {}
                }
            }
            assert_eq!(open, None, "{line}");
            code.push('\n');
        }
        code
    }

    #[test]
    fn strings_are_closed_on_their_line_and_brackets_match() {
        let job = Job::new("'@\"; rm $(x) #>", "http://h/o'/ping/u", true, When::Every(60));
        let text = job.snippet(Language::Powershell);
        let code = code(&text);
        for (open, close) in [('{', '}'), ('(', ')'), ('[', ']')] {
            assert_eq!(code.matches(open).count(), code.matches(close).count(), "{open}");
        }
        assert!(!code.contains("rm") && text.contains("$url = 'http://h/o%27/ping/u'\n"), "{text}");
    }
}
