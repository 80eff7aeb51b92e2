//! Somebody who is signed in and looks at the pages of a project, on the wire, with the project's API
//! beside them.

use serde_json::Value;

use crate::support::Database;
use crate::support::answer::Answer;
use crate::support::api::Api;
use crate::support::server::TestServer;
use crate::support::visitor::Visitor;

/// The address of the project's owner.
pub const OWNER: &str = "owner@example.org";

/// A project at a server of its own, and its owner in front of the pages.
pub struct Desk {
    pub server: TestServer,
    pub api: Api,
    pub visitor: Visitor,
    /// `/projects/{uuid}`
    pub project: String,
}

impl Desk {
    pub async fn open(database: Database) -> Self {
        Self::open_with(database, &[]).await
    }

    /// The same with these settings.
    pub async fn open_with(database: Database, settings: &[(&str, &str)]) -> Self {
        let server = TestServer::start(database, settings).await;
        let api = Api::new_project(server.address(), &server.new_user(OWNER)).await;
        let mut visitor = Visitor::at(&server).signed_in(OWNER).await;
        let home = visitor.get("/").await;
        assert_eq!(home.status, 303, "{}", home.text());
        let project = home.header("location").strip_suffix("/checks").unwrap().to_owned();
        Self { server, api, visitor, project }
    }

    /// A page below the project.
    pub async fn get(&mut self, tail: &str) -> Answer {
        self.visitor.get(&format!("{}{tail}", self.project)).await
    }

    /// A form below the project.
    pub async fn submit(&mut self, tail: &str, form: &[(&str, &str)]) -> Answer {
        self.visitor.submit(&format!("{}{tail}", self.project), form).await
    }

    /// The page of a check.
    pub async fn check(&mut self, check: &Value) -> Answer {
        self.get(&page_of(check)).await
    }

    /// Somebody else who belongs to the project.
    pub async fn member(&self, role: &str) -> Visitor {
        let email = format!("{}@example.org", crate::support::random_name("m-"));
        self.server.new_user(&email);
        let body = serde_json::json!({"email": email, "role": role});
        self.api.post(&self.api.path("/member"), &body).await.ok();
        Visitor::at(&self.server).signed_in(&email).await
    }
}

/// `/checks/{uuid}`
pub fn page_of(check: &Value) -> String {
    format!("/checks/{}", check["uuid"].as_str().unwrap())
}

/// Names of the checks that a list shows, in order.
pub fn names(page: &Answer) -> Vec<String> {
    let parts = page.text().split("<a class=\"name\" href=\"").skip(1);
    parts
        .map(|rest| {
            let (_, rest) = rest.split_once('>').unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        })
        .collect()
}
