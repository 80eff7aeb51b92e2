//! A `CronJob` whose container has a shell and curl. Kubernetes replaces `$(NAME)` in arguments;
//! there is none in ours.

use super::{Job, indented, shell, timing};

pub(super) fn snippet(job: &Job) -> String {
    let script = indented(&shell::script(job), 18);
    let (unit, name) = (&job.unit, &job.name);
    format!(
        "# {name}\n\
         # Put your image and your job in; the image needs /bin/sh and curl.\n\
         apiVersion: batch/v1\n\
         kind: CronJob\n\
         metadata:\n\
         \x20 name: {unit}\n\
         spec:\n\
         {schedule}\
         \x20 concurrencyPolicy: Forbid\n\
         \x20 jobTemplate:\n\
         \x20   spec:\n\
         \x20     backoffLimit: 0\n\
         \x20     template:\n\
         \x20       spec:\n\
         \x20         restartPolicy: Never\n\
         \x20         containers:\n\
         \x20           - name: job\n\
         \x20             image: your/image\n\
         \x20             command:\n\
         \x20               - /bin/sh\n\
         \x20               - -c\n\
         \x20               - |\n\
         {script}",
        schedule = schedule(job),
    )
}

fn schedule(job: &Job) -> String {
    match timing::cron(&job.when, timing::Cron::Kubernetes) {
        Ok((times, _)) => {
            let zone = timing::zone(&job.when);
            let zone = zone.map(|zone| format!("  timeZone: \"{zone}\"\n")).unwrap_or_default();
            format!("  schedule: \"{times}\"\n{zone}")
        }
        Err(reason) => {
            format!("  # {reason}: put the times in place of TIMES.\n  schedule: \"TIMES\"\n")
        }
    }
}
