//! The command line (`management-api.md`, "Command line"): one file a command, each of which loads
//! the same configuration as the server and works beside it on the same database. A command answers
//! with what it did; only this file prints, as text or as JSON, and turns a fault into one line on
//! standard error.

mod access_key;
mod api_key;
mod apply;
mod backup;
mod check_config;
mod duration;
mod health;
mod import;
mod migrate;
mod password;
mod project;
mod rotate_key;
mod serve;
mod token;
mod user;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::Value;
use tokio::runtime::{self, Runtime};

use crate::clock::Clock;
use crate::config::{Config, Sources};
use crate::context::Context;
use crate::fault::{Fault, Result};

/// A self-hostable monitor for cron jobs and heartbeats. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "overdue", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    /// Print machine-readable output.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where the configuration comes from, beside the environment (`OVERDUE_<SECTION>__<KEY>`).
#[derive(Clone, Debug, clap::Args)]
struct Settings {
    /// The configuration file [default: ./config.toml, else /etc/overdue/config.toml].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one key of the configuration, such as log.level=debug; may be repeated.
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Addresses to listen on, separated by commas: short for --set server.listen=ADDRESS.
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The database: short for --set database.url=URL.
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; what happens without a command.
    Serve,
    /// Make users, list them, set their passwords.
    #[command(subcommand)]
    User(user::Command),
    /// Make projects.
    #[command(subcommand)]
    Project(project::Command),
    /// Make and revoke tokens for the management API.
    #[command(subcommand)]
    Token(token::Command),
    /// Make, list and revoke access keys for the signed job list.
    #[command(subcommand)]
    AccessKey(access_key::Command),
    /// Make, list and revoke keys for clients of Healthchecks.
    #[command(subcommand)]
    ApiKey(api_key::Command),
    /// Bring a project to the state of a file, as an export writes it.
    Apply(apply::Args),
    /// Take over checks from another system.
    #[command(subcommand)]
    Import(import::Command),
    /// Bring the database's tables up to date, as every start does.
    Migrate,
    /// Check the configuration and print what is in force, secrets masked.
    CheckConfig,
    /// Write a consistent copy of the database to a new file, also while the server runs.
    Backup(backup::Args),
    /// Put the database under a new secret key, while no server runs.
    RotateKey(rotate_key::Args),
    /// Ask the running server whether it is ready; for container health checks.
    Health,
}

/// What a command has to say: the same for people and for programs.
#[derive(Debug, PartialEq)]
struct Answer {
    text: String,
    json: Value,
}

impl Answer {
    fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json }
    }
}

/// Runs the command that the arguments (with the program's name first) ask for. The exit code is 0,
/// 1 where it failed, after one line on standard error, or 2 where the arguments can't be understood.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody can be told where this fails.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // Nor here. A message may quote what it was given: it stays one line.
            let line = fault.to_string().replace(char::is_control, " ");
            let _ = writeln!(io::stderr(), "overdue: {line}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> Result<()> {
    // An error says that it was chosen before, and there is only this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let command = cli.command.unwrap_or(Command::Serve);
    let runtime = runtime_for(&command)?;
    let answer = runtime.block_on(run(command, cli.settings, cli.json));
    // A read from the terminal that nobody waits for any more must not keep the process.
    runtime.shutdown_background();
    answer?.map_or(Ok(()), |answer| print(&answer, cli.json))
}

/// The server uses every core; a command has one thing to do.
fn runtime_for(command: &Command) -> Result<Runtime> {
    let mut builder = match command {
        Command::Serve => runtime::Builder::new_multi_thread(),
        _ => runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build().map_err(Fault::internal)
}

async fn run(command: Command, settings: Settings, json: bool) -> Result<Option<Answer>> {
    let config = settings.clone().load()?;
    let answer = match command {
        Command::Serve => {
            serve::run(config, settings).await?;
            return Ok(None);
        }
        Command::User(command) if command.may_be_first() => {
            user::run(&open(config).await?, command).await
        }
        Command::User(command) => user::run(&open_existing(config).await?, command).await,
        Command::Project(command) => project::run(&open_existing(config).await?, command).await,
        Command::Token(command) => token::run(&open_existing(config).await?, command).await,
        Command::AccessKey(command) => {
            access_key::run(&open_existing(config).await?, command).await
        }
        Command::ApiKey(command) => api_key::run(&open_existing(config).await?, command).await,
        Command::Apply(args) => apply::run(&open_existing(config).await?, &args, json).await,
        Command::Import(command) => import::run(&open_existing(config).await?, command).await,
        Command::Migrate => migrate::run(&config).await,
        Command::CheckConfig => check_config::run(&config, json),
        Command::Backup(args) => backup::run(&config, &args).await,
        Command::RotateKey(args) => {
            refuse_missing(&config)?;
            rotate_key::run(&config, &args).await
        }
        Command::Health => health::run(&config).await,
    };
    answer.map(Some)
}

/// The database and the keys, for the commands that need them.
async fn open(config: Config) -> Result<Context> {
    Context::open(config, Clock::system()).await
}

/// The same where the command is about what is there already: in the wrong folder it would make a
/// second, empty installation.
async fn open_existing(config: Config) -> Result<Context> {
    refuse_missing(&config)?;
    open(config).await
}

fn refuse_missing(config: &Config) -> Result<()> {
    if let Some(path) = config.database.sqlite_path().filter(|path| !path.exists()) {
        let reason = format!(
            "there is no database {}: run this in the folder of the server, or name its database \
             with --database-url",
            path.display()
        );
        return Err(Fault::invalid("database.url", reason));
    }
    Ok(())
}

fn print(answer: &Answer, json: bool) -> Result<()> {
    let text = if json { answer.json.to_string() } else { answer.text.clone() };
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush());
    written.map_err(|error| Fault::Unavailable(format!("the output can't be written: {error}")))
}

impl Settings {
    fn load(&self) -> Result<Config> {
        let mut flags = self.set.clone();
        let short = [("server.listen", &self.listen), ("database.url", &self.database_url)];
        for (key, value) in short {
            flags.extend(value.clone().map(|value| (key.to_owned(), value)));
        }
        Ok(Config::load(&Sources::of_process(self.config.clone(), flags)?)?)
    }
}

/// `key=value`; what the key may be is the configuration's business.
fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE, such as log.level=debug")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("overdue").chain(line.split_whitespace()))
    }

    #[test]
    fn the_description_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        assert!(parse("").unwrap().command.is_none());
        assert!(matches!(parse("serve").unwrap().command, Some(Command::Serve)));
    }

    #[test]
    fn flags_of_the_configuration_stand_before_or_behind_the_command() {
        for line in ["--listen 127.0.0.1:1 --json serve", "serve --json --listen 127.0.0.1:1"] {
            let cli = parse(line).unwrap();
            assert_eq!(cli.settings.listen.as_deref(), Some("127.0.0.1:1"), "{line}");
            assert!(cli.json, "{line}");
        }
        let cli = parse("--set log.level=debug migrate --set ping.log_limit=7").unwrap();
        assert!(!cli.settings.set.is_empty());
        assert!(parse("--set log.level").is_err());
    }

    #[test]
    fn every_command_of_the_contract_is_understood_and_nothing_else() {
        for line in [
            "user create ops@example.org --password-stdin --admin",
            "user list",
            "user passwd ops@example.org",
            "project create Backups --owner ops@example.org",
            "token create --user a@b.c --subject ci",
            "token create --user a@b.c --subject ci --expires-in 90d --scopes read,write --allow-ip 10.0.0.0/8",
            "token revoke --user a@b.c --subject ci",
            "access-key create --user a@b.c --json",
            "access-key list --user a@b.c",
            "access-key revoke --user a@b.c 7QK2MX04VB9RT3EHZ8WN",
            "api-key create --project 3 --read-only",
            "api-key list --project 3",
            "api-key revoke --project 3 7",
            "apply project.toml --project 3 --prune --dry-run",
            "apply - --owner a@b.c",
            "import healthchecks --url https://hc.example.org --api-key x --project 3 --dry-run",
            "import uptime-kuma --file backup.json --project 3",
            "import healthchecks --database /var/lib/hc.sqlite --owner a@b.c --only Backups",
            "migrate",
            "check-config",
            "backup /tmp/copy.db",
            "rotate-key",
            "rotate-key --new-key-file -",
            "health --json",
        ] {
            assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
        }
        for line in ["restore x", "access-key create", "api-key create", "apply", "import"] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn what_is_misspelt_in_a_token_is_a_matter_of_usage() {
        for more in ["--expires-in soon", "--scopes admin", "--scopes ,", "--allow-ip here"] {
            let line = format!("token create --user a@b.c --subject ci {more}");
            assert_eq!(parse(&line).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
