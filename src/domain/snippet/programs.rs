//! The same from within a program, in five languages: it tells when it begins, and how it ended. A
//! ping gives up after ten seconds, is tried three times, and never stops the program.

use super::Job;

/// What the languages are called, and what is written in them.
pub(super) const PROGRAMS: [(&str, &str); 5] =
    [("Go", GO), ("Rust", RUST), ("PHP", PHP), ("Ruby", RUBY), ("Node.js", NODE)];

/// One of them for a job.
pub(super) fn fill(text: &str, job: &Job) -> String {
    let method = if job.post { "POST" } else { "GET" };
    // Neither names nor URLs have braces, so that nothing is replaced twice.
    text.replace("{name}", &job.name)
        .replace("{url}", &job.url)
        .replace("{METHOD}", method)
        .replace("{call}", if job.post { "post" } else { "get" })
        .replace("{send}", if job.post { ".send_empty()" } else { ".call()" })
}

const GO: &str = r#"// {name}
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

const url = "{url}"

func tell(tail string) {
	client := http.Client{Timeout: 10 * time.Second}
	for try := 1; try <= 3; try++ {
		request, err := http.NewRequest("{METHOD}", url+tail, nil)
		if err == nil {
			var answer *http.Response
			if answer, err = client.Do(request); err == nil {
				answer.Body.Close()
				return
			}
		}
		fmt.Fprintln(os.Stderr, "ping:", err)
		time.Sleep(time.Duration(try) * time.Second)
	}
}

func job() error {
	// Put your work here.
	return nil
}

func main() {
	tell("/start")
	if err := job(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		tell("/fail")
		os.Exit(1)
	}
	tell("")
}
"#;

const RUST: &str = r#"// {name}
// Cargo.toml: ureq = "3"
use std::error::Error;
use std::thread::sleep;
use std::time::Duration;

const URL: &str = "{url}";

fn tell(tail: &str) {
    let settings = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10)));
    let agent = ureq::Agent::new_with_config(settings.build());
    for pause in 1..=3 {
        match agent.{call}(format!("{URL}{tail}")){send} {
            Ok(_) => return,
            Err(error) => eprintln!("ping: {error}"),
        }
        sleep(Duration::from_secs(pause));
    }
}

fn job() -> Result<(), Box<dyn Error>> {
    // Put your work here.
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    tell("/start");
    let done = job();
    tell(if done.is_ok() { "" } else { "/fail" });
    done
}
"#;

const PHP: &str = r"<?php
// {name}

const URL = '{url}';

function tell(string $tail): void
{
    $context = stream_context_create(['http' => ['method' => '{METHOD}', 'timeout' => 10]]);
    foreach ([1, 2, 3] as $pause) {
        if (@file_get_contents(URL . $tail, false, $context) !== false) {
            return;
        }
        error_log('ping: ' . (error_get_last()['message'] ?? 'no answer'));
        sleep($pause);
    }
}

function job(): void
{
    // Put your work here.
}

tell('/start');
try {
    job();
} catch (Throwable $error) {
    tell('/fail');
    throw $error;
}
tell('');
";

const RUBY: &str = r#"# {name}
require "net/http"

ADDRESS = "{url}"

def tell(tail)
  (1..3).each do |pause|
    uri = URI(ADDRESS + tail)
    times = { open_timeout: 10, read_timeout: 10, use_ssl: uri.scheme == "https" }
    Net::HTTP.start(uri.host, uri.port, **times) do |http|
      return http.send_request("{METHOD}", uri.request_uri)
    end
  rescue StandardError => error
    warn "ping: #{error.message}"
    sleep pause
  end
end

def job
  # Put your work here.
end

tell "/start"
begin
  job
rescue StandardError
  tell "/fail"
  raise
end
tell ""
"#;

const NODE: &str = r#"// {name}
// Save it as a file that ends with .mjs.
import { setTimeout as sleep } from "node:timers/promises";

const url = "{url}";

async function tell(tail) {
  for (const pause of [1000, 2000, 3000]) {
    try {
      await fetch(url + tail, { method: "{METHOD}", signal: AbortSignal.timeout(10_000) });
      return;
    } catch (error) {
      console.error(`ping: ${error.message}`);
      await sleep(pause);
    }
  }
}

async function job() {
  // Put your work here.
}

await tell("/start");
try {
  await job();
} catch (error) {
  await tell("/fail");
  throw error;
}
await tell("");
"#;
