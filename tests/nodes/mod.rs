//! Several nodes on one PostgreSQL: what is true of one is true of all of them together.

mod chaos;
mod relay;

use crate::support::api::Api;
use crate::support::server::TestServer;

/// The same project, seen through another node.
pub fn through(node: &TestServer, api: &Api) -> Api {
    Api { base: node.base(), address: node.address(), ..api.clone() }
}
