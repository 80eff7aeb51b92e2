//! A script of Python 3, with its own library alone.

use super::{Job, shell};

pub(super) fn snippet(job: &Job) -> String {
    let method = if job.post { "POST" } else { "GET" };
    TEXT.replace("{name}", &job.name)
        .replace("{url}", &job.url)
        .replace("{method}", method)
        .replace("{job}", shell::JOB)
}

/// Neither names nor URLs have braces, so that nothing is replaced twice.
const TEXT: &str = r#"#!/usr/bin/env python3
# {name}
# Put your job in place of {job}. A ping that fails is told on stderr and never fails
# the job; the job's exit status is the script's.

import subprocess
import sys
import time
import urllib.error
import urllib.request

URL = "{url}"
JOB = ["{job}"]


def tell(tail):
    request = urllib.request.Request(URL + tail, method="{method}")
    for pause in (1, 2, 4, 0):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                answer.read()
            return
        except Exception as error:
            print(f"ping: {error}", file=sys.stderr)
            if isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code != 429:
                return
            time.sleep(pause)


def run():
    try:
        code = subprocess.run(JOB).returncode
    except OSError as error:
        print(f"{JOB[0]}: {error}", file=sys.stderr)
        return 127
    # Ended by a signal: as shells say it.
    return code if code >= 0 else 128 - code


tell("/start")
status = run()
tell(f"/{status}")
sys.exit(status)
"#;
