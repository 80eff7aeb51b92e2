//! The web pages: by their wire, as a browser without JavaScript uses it, and in a real browser.

mod accounts;
mod api;
mod browser;
mod channels;
mod charts;
mod check;
mod checks;
pub mod desk;
mod first_minutes;
mod form;
mod help;
mod keyboard;
mod live;
mod looks;
mod monitors;
mod oidc;
mod passkeys;
mod runs;
mod second_factor;
mod session;
mod settings;
mod sign_in;
mod status;
mod tokens;
mod tour;
mod walk;
