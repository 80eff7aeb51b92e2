//! What the snippets that end up in a shell share: the line that pings, and the job between its two
//! pings. It is plain POSIX shell.

use super::Job;

/// Where people put their job.
pub(super) const JOB: &str = "/path/to/job";

/// `curl` and its options: ten seconds a try, three more tries while the server can't be reached or
/// is busy, none of them begun after half a minute.
pub(super) fn curl(job: &Job) -> String {
    let post = if job.post { " -d \"\"" } else { "" };
    format!("curl -fsS -m 10 --retry 3 --retry-connrefused --retry-max-time 30 -o /dev/null{post}")
}

/// A function `tell` that pings the URL and what follows, and always succeeds.
pub(super) fn tell(job: &Job) -> String {
    format!("tell() {{ {} \"{}$1\" || true; }}", curl(job), job.url)
}

/// The job between its pings, line by line.
pub(super) fn script(job: &Job) -> String {
    format!(
        "{}\n\
         tell /start\n\
         {JOB}\n\
         status=$?\n\
         tell \"/$status\"\n\
         exit \"$status\"\n",
        tell(job)
    )
}
