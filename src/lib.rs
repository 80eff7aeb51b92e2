//! Overdue: a self-hostable monitor for cron jobs and heartbeats. The map of the house, in the
//! order of dependency: each module uses only those above it (a test holds this).

pub mod clock;
pub mod fault;
pub mod secret;
pub mod log;
pub mod config;
pub mod domain;
pub mod store;
pub mod context;
pub mod vitals;
pub mod service;
pub mod ingest;
pub mod detector;
pub mod notify;
