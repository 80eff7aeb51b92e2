//! A service and the timer that starts it. systemd reads `%` and `$` in commands itself: here they
//! are doubled. The exit status stays systemd's own: `systemctl status` shows the job's.

use super::{Job, shell, timing};

pub(super) fn snippet(job: &Job) -> String {
    let url = job.url.replace('%', "%%");
    let curl = format!("/usr/bin/{}", shell::curl(job));
    let (unit, name) = (&job.unit, &job.name);
    format!(
        "# {name}\n\
         # Two files. Then: systemctl daemon-reload && systemctl enable --now {unit}.timer\n\
         \n\
         # /etc/systemd/system/{unit}.service\n\
         [Unit]\n\
         Description={name}\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         # The - before a command: a ping never fails the job.\n\
         ExecStartPre=-{curl} \"{url}/start\"\n\
         # Put your job in place of {path}.\n\
         ExecStart={path}\n\
         # The exit status, or fail where a signal ended the job.\n\
         ExecStopPost=-/bin/sh -c 'case \"$$EXIT_STATUS\" in \"\"|*[!0-9]*) end=fail;; *) end=$$EXIT_STATUS;; esac; exec {curl} \"{url}/$$end\"'\n\
         \n\
         # /etc/systemd/system/{unit}.timer\n\
         [Unit]\n\
         Description={name}\n\
         \n\
         [Timer]\n\
         {timer}\
         AccuracySec=1s\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n",
        path = shell::JOB,
        timer = timer(job),
    )
}

fn timer(job: &Job) -> String {
    match timing::calendar(&job.when) {
        Ok(timing::Calendar::At(lines)) => {
            format!(
                "OnCalendar={}\n\
                 # A time that passed while the machine was off is made up for.\n\
                 Persistent=true\n",
                lines.join("\nOnCalendar=")
            )
        }
        Ok(timing::Calendar::Every(seconds)) => {
            format!("OnActiveSec=0\nOnUnitActiveSec={seconds}s\n")
        }
        Err(reason) => {
            format!("# {reason}: put the times in, and take the # away.\n#OnCalendar=\n")
        }
    }
}
