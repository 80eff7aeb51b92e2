//! What people can do: one file a resource, used alike by every dialect, the pages and the command
//! line. Here ranges are checked, ceilings kept and transactions drawn; how a request was spelt is
//! left to the dialects, how it is stored to `store`.

pub mod channels;
pub mod checks;
pub mod projects;
pub mod tokens;
pub mod users;

/// Something about finished work that needs attention: a "soft error" of the management API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The group, such as `SLUG`.
    pub kind: &'static str,
    /// What it is, such as `NOT_UNIQUE`.
    pub code: &'static str,
    /// In words, with what to do.
    pub message: String,
}

impl Remark {
    /// A remark.
    pub fn new(kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into() }
    }
}
