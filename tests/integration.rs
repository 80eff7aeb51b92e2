//! Black-box tests: the real binary on both databases, known by its command line, its configuration
//! and its wire. `./test` runs them all; without it the PostgreSQL half is skipped.

mod support;

mod alerts;
mod apply;
mod cli;
mod durability;
mod healthchecks;
mod house;
mod jobs;
mod mail;
mod management;
mod monitors;
mod nodes;
mod overload;
mod pages;
mod ping;
mod powercut;
mod readme;
mod schedules;
mod setup;
mod smtp;
mod workers;
