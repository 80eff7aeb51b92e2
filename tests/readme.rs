//! The README's commands, run as they stand on a fresh server, host and UUID aside.

use std::fs;
use std::process::{Command, Output};

use crate::support::Database;
use crate::support::server::TestServer;

/// The code blocks of the README that are in `sh`, in order.
fn blocks() -> Vec<String> {
    let text = fs::read_to_string("README.md").unwrap();
    let parts = text.split("```sh\n").skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

fn block_with(mark: &str) -> String {
    let found = blocks().into_iter().find(|block| block.contains(mark));
    found.unwrap_or_else(|| panic!("no block of the README has {mark}"))
}

/// Runs a script in the server's folder, `overdue` being the binary under test.
fn run(server: &TestServer, script: &str) -> Output {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_overdue"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let script = script.replace("http://localhost:8000", &server.base());
    let mut command = Command::new("bash");
    command.args(["-eu", "-c", &script]).current_dir(server.home().path()).env("PATH", path);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OVERDUE_")) {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_check_of_the_readme_is_made_and_pinged_by_its_own_commands() {
    let server = TestServer::start(Database::Sqlite, &[]).await;
    let said = text(&run(&server, &block_with("overdue user create")));
    let ping_key = said.lines().find_map(|line| line.strip_prefix("1 ")).unwrap().trim();
    let ping_url = said.split("\"ping_url\":\"").nth(1).unwrap().split('"').next().unwrap();
    // The API builds URLs on the configured address, which this server does not listen on.
    let ping_url = ping_url.replace("http://localhost:8000", &server.base());

    fs::write(server.home().file("job.log"), "a log").unwrap();
    let block = block_with("PING=http");
    let (first, rest) = block.split_once('\n').unwrap();
    assert!(first.starts_with("PING="), "{first}");
    let said = text(&run(&server, &format!("PING={ping_url}\n{rest}")));
    assert_eq!(said, "OK".repeat(rest.lines().count()));

    let token = "TOKEN=$(overdue token create --user ops@example.org --subject more)\n";
    let first = block_with("api()");
    let api = first.lines().find(|line| line.starts_with("api()")).unwrap();
    let said = text(&run(&server, &format!("{token}{api}\n{}", block_with("schedule-preview"))));
    assert!(said.contains("\"schedule\":\"30 3 * * MON-FRI\""), "{said}");
    assert_eq!(said.matches("\"deadline_at\"").count(), 5, "{said}");

    let said = text(&run(&server, &format!("PING_KEY={ping_key}\n{}", block_with("$PING_KEY"))));
    assert_eq!(said, "OK");
    let profile = text(&run(&server, &block_with("$OVERDUE_TOKEN")));
    assert!(profile.contains("\"email\":\"ops@example.org\""), "{profile}");
    let token = "OVERDUE_TOKEN=$(overdue token create --user ops@example.org --subject devices)\n";
    let device = text(&run(&server, &format!("{token}{}", block_with("devices/create"))));
    assert!(device.contains("\"status\":\"pending\""), "{device}");
    let jobs = text(&run(&server, &block_with("overdue access-key create")));
    assert!(jobs.contains("\"status\":\"expected\"") && jobs.contains("Nightly backup"), "{jobs}");
    text(&run(&server, &block_with("overdue backup").replace("/backups/", "")));

    let said = text(&run(&server, &block_with("overdue api-key create")));
    assert!(said.contains("\"name\":\"Backups\"") && said.contains("\"badges\""), "{said}");
    let token = "TOKEN=$(overdue token create --user ops@example.org --subject file)\n";
    text(&run(&server, &format!("{token}{}", block_with("/project/1/export"))));
    let applied = text(&run(&server, &block_with("overdue apply project.toml")));
    assert_eq!(applied.matches("nothing was done").count(), 1, "{applied}");
    assert_eq!(applied.matches("done: 0 made, 0 changed, 0 deleted").count(), 2, "{applied}");
    // What is taken over has to be there first; a server of ours is asked as one of theirs.
    let place = server.home().file("hc.sqlite");
    crate::healthchecks::database::one_project(&format!("sqlite:{}", place.display())).await;
    fs::write(server.home().file("backup.json"), r#"{"monitorList": []}"#).unwrap();
    let key = "overdue api-key create --project 1 > key.txt\n";
    let block =
        block_with("overdue import").replace("https://healthchecks.example.org", &server.base());
    let said = text(&run(&server, &format!("{key}{block}")));
    assert_eq!(said.matches("nothing was done").count(), 3, "{said}");
}
