//! The web pages: by their wire, as a browser without JavaScript uses it, and in a real browser.

mod accounts;
mod api;
mod browser;
mod channels;
mod charts;
mod check;
mod checks;
mod desk;
mod first_minutes;
mod form;
mod keyboard;
mod live;
mod looks;
mod runs;
mod second_factor;
mod session;
mod settings;
mod sign_in;
mod tokens;
mod status;
