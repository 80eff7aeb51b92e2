//! A service of a compose file that runs the job once, for images with a shell and curl. Compose
//! has no schedule of its own; the comment has the line for the host's crontab. Compose replaces
//! `$` in a file: here it is doubled.

use super::{Job, indented, shell, timing};

pub(super) fn snippet(job: &Job) -> String {
    let script = indented(&shell::script(job).replace('$', "$$"), 8);
    let (unit, name) = (&job.unit, &job.name);
    format!(
        "# {name}\n\
         # A service for compose.yaml. Put your image and your job in; the image needs /bin/sh and\n\
         # curl. Compose has no schedule: {run}\n\
         services:\n\
         \x20 {unit}:\n\
         \x20   image: your/image\n\
         \x20   restart: \"no\"\n\
         \x20   entrypoint:\n\
         \x20     - /bin/sh\n\
         \x20     - -c\n\
         \x20     - |\n\
         {script}",
        run = how_to_run(job),
    )
}

fn how_to_run(job: &Job) -> String {
    let run = format!("docker compose run --rm {}", job.unit);
    match timing::cron(&job.when, timing::Cron::Debian) {
        Ok((times, note)) => {
            let note = note.map(|note| format!("\n# {note}")).unwrap_or_default();
            format!("in the crontab of the host, in this folder,\n# {times} {run}{note}")
        }
        Err(reason) => {
            format!("the host has to run it.\n# {reason}:\n# {run}")
        }
    }
}
