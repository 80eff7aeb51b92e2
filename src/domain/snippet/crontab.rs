//! A line of a crontab, as Debian's cron reads it: one line, in which `%` is written `\%`.

use super::{Job, shell, timing};

pub(super) fn snippet(job: &Job) -> String {
    let command = shell::script(job).trim_end().replace('\n', "; ").replace('%', "\\%");
    let mut lines =
        vec![format!("# {}", job.name), format!("# Put your job in place of {}.", shell::JOB)];
    match timing::cron(&job.when, timing::Cron::Debian) {
        Ok((times, note)) => {
            lines.extend(note.map(|note| format!("# {note}")));
            lines.push(format!("{times} {command}"));
        }
        Err(reason) => {
            lines.push(format!("# {reason}: put the times in place of TIMES"));
            lines.push(
                "# (minute, hour, day of month, month, day of week) and take the # away."
                    .to_owned(),
            );
            lines.push(format!("#TIMES {command}"));
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::{Language, When};
    use super::*;

    #[test]
    fn a_percent_sign_is_escaped() {
        let job = Job::new("x", "http://h/a%20b/ping/u", false, When::Every(60));
        let text = job.snippet(Language::Crontab);
        assert!(text.contains("\"http://h/a\\%20b/ping/u$1\""), "{text}");
        assert_eq!(text.matches('%').count(), text.matches("\\%").count());
    }

    #[test]
    fn what_no_line_says_is_left_to_be_filled_in_and_runs_nothing() {
        let job = Job::new("x", "http://h/ping/u", false, When::Every(5400));
        let text = job.snippet(Language::Crontab);
        assert!(text.lines().all(|line| line.starts_with('#')), "{text}");
        assert!(text.contains("every 1 h 30 min"), "{text}");
    }
}
