//! The pinging API as its document has it, rule by rule, on the real server. Pings by email have
//! tests of their own.

mod answers;
mod bodies;
mod creation;
mod effects;
mod limits;
mod proxies;
mod runs;
mod slugs;
mod stored;
mod urls;
mod wire;
