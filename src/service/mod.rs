//! What people can do: one file a resource, used alike by every dialect, the pages and the command
//! line. Here ranges are checked, ceilings kept and transactions drawn; how a request was spelt is
//! left to the dialects, how it is stored to `store`.

pub mod access_keys;
pub mod api_keys;
pub mod badges;
pub mod channels;
pub mod charts;
pub mod checks;
mod groups;
pub mod identities;
pub mod invitations;
pub mod jobs;
pub mod keys;
mod letters;
pub mod maintenance;
pub mod members;
pub mod monitors;
pub mod names;
pub mod passkeys;
pub mod pings;
pub mod preview;
pub mod projects;
pub mod recipients;
pub mod recovery;
pub mod registration;
pub mod remark;
pub mod replay;
pub mod second_factor;
pub mod sessions;
pub mod snippets;
pub mod stats;
pub mod status_pages;
pub mod takeover;
pub mod tokens;
pub mod transfer;
pub mod users;
pub mod years;

pub use remark::Remark;
