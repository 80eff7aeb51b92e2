//! Commands of the contract that are not built yet: known, with their methods, and a 501.

use super::{new_token, with_token};
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::TestServer;

/// Paths behind `/user/project/{id}`, and what they know.
const OF_A_PROJECT: [(&str, &[&str]); 3] =
    [("/api-key-list", &["GET"]), ("/api-key", &["POST"]), ("/api-key/1", &["DELETE"])];

fn all(api: &Api) -> Vec<(String, &'static [&'static str])> {
    OF_A_PROJECT.iter().map(|(tail, methods)| (api.path(tail), *methods)).collect()
}

both_databases! {
    async fn announced_commands_answer_501_to_those_who_may_run_them(database) {
        let server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("soon@example.org")).await;
        let token = new_token(&server, "soon@example.org", "ro", &["--scopes", "read"]);
        let reader = with_token(&api, &token);
        for (path, methods) in all(&api) {
            for method in methods {
                let run = async |api: &Api| api.call(method.parse().unwrap(), &path, None).await;
                let message = run(&api).await.fatal(501);
                assert!(message.contains("not built yet"), "{message}");
                run(&reader).await.fatal(if *method == "GET" { 501 } else { 403 });
                api.hit(method, &path).await.fatal(401);
            }
            let answer = api.hit("PATCH", &path).await;
            answer.fatal(405);
            let known: Vec<&str> = answer.header("allow").split(',').collect();
            assert!(methods.iter().all(|method| known.contains(method)), "{path} {known:?}");
        }
    }
}
