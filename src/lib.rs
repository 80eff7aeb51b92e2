//! Overdue: a self-hostable monitor for cron jobs and heartbeats.
//!
//! The map of the house, in the order of dependency: each module uses only those above it, and a
//! test holds that.
//!
//! * [`clock`] — time as a value that is passed in
//! * [`fault`] — what can go wrong, without any HTTP in it
//! * [`net`] — networks of addresses as people write them
//! * [`failpoint`] — where a test may let the process die, or hurry (debug builds only)
//! * [`secret`] — randomness, keys, hashes, passwords
//! * [`log`] — the log's format and level
//! * [`config`] — one struct a section, with its defaults and checks
//! * [`domain`] — the rules, pure: states, pings, runs, schedules, slugs, alerts
//! * [`store`] — all SQL of the program
//! * [`mail`] — outgoing mail
//! * [`context`] — what every part of the running program shares
//! * [`relay`] — news and bells from node to node
//! * [`vitals`] — how the workers are
//! * [`notify`] — the outbox's worker, and the channels it sends through
//! * [`service`] — what people can do, one file a resource, whatever the dialect
//! * [`ingest`] — the ping writer: queue in, group commit, outcome out
//! * [`detector`] — the next deadline, flips, the outbox
//! * [`maintenance`] — the ends of maintenance windows
//! * [`probe`] — devices and blacklists: what is due, what is asked, what is found
//! * [`janitor`] — retention, in small steps
//! * [`watch`] — this server's own heartbeat, for another monitor
//! * [`http`] — everything that is answered over HTTP, one folder a dialect
//! * [`smtp`] — pings by mail
//! * [`app`] — where it is all put together
//! * [`cli`] — the command line, one file a command

pub mod clock;
pub mod fault;
pub mod net;
pub mod failpoint;
pub mod secret;
pub mod log;
pub mod config;
pub mod domain;
pub mod store;
pub mod mail;
pub mod live;
pub mod context;
pub mod relay;
pub mod vitals;
pub mod notify;
pub mod service;
pub mod ingest;
pub mod detector;
pub mod maintenance;
pub mod probe;
pub mod janitor;
pub mod watch;
pub mod http;
pub mod smtp;
pub mod app;
pub mod cli;
