//! A script for bash; any other POSIX shell runs it too.

use super::{Job, shell};

pub(super) fn snippet(job: &Job) -> String {
    format!(
        "#!/usr/bin/env bash\n\
         # {}\n\
         # Put your job in place of {}. A ping gives up after 40 seconds at most and never fails\n\
         # the job; the job's exit status is the script's.\n\
         \n\
         {}",
        job.name,
        shell::JOB,
        shell::script(job)
    )
}
