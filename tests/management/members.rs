//! Members of projects: who manages them, who may leave, and that an owner stays.

use overdue::service::members::MAX_COUNT;
use overdue::store;
use overdue::store::projects::Role;
use overdue::store::users::NewUser;
use serde_json::{Value, json};

use super::desk::{Desk, Told};
use super::{fields, new_token, with_token};
use crate::support::Database;
use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::server::TestServer;

/// A project with its owner, and further members by their roles.
struct Team {
    desk: Desk,
    project: i64,
    owner: String,
}

impl Team {
    async fn new(database: Database) -> Self {
        let desk = Desk::with(database, |config| config.api.requests_per_second = 0).await;
        let owner = desk.sign_in().await;
        let made =
            desk.call(&owner, "POST", "/user/project", Some(json!({"project_name": "T"}))).await;
        let project = made.ok()["project_id"].as_i64().unwrap();
        Self { desk, project, owner }
    }

    async fn call(&self, token: &str, method: &str, tail: &str, body: Value) -> Told {
        let path = format!("/user/project/{}{tail}", self.project);
        self.desk.call(token, method, &path, Some(body).filter(|body| !body.is_null())).await
    }

    /// A new user who is a member: their id and a session.
    async fn member(&self, email: &str, role: &str) -> (i64, String) {
        let (user_id, token) = self.desk.sign_up(email).await;
        let body = json!({"email": email, "role": role});
        self.call(&self.owner, "POST", "/member", body).await.ok();
        (user_id, token)
    }

    async fn set_role(&self, token: &str, user_id: i64, role: &str) -> Told {
        self.call(token, "PUT", &format!("/member/{user_id}"), json!({"role": role})).await
    }

    async fn remove(&self, token: &str, user_id: i64) -> Told {
        self.call(token, "DELETE", &format!("/member/{user_id}"), Value::Null).await
    }

    /// Names and roles, by id.
    async fn list(&self, token: &str) -> Vec<(i64, String)> {
        let list = self.call(token, "GET", "/member-list", Value::Null).await.ok();
        let each = list["list"].as_array().unwrap().iter();
        each.map(|m| (m["user_id"].as_i64().unwrap(), m["role"].as_str().unwrap().to_owned()))
            .collect()
    }

    async fn owners(&self) -> usize {
        let mut conn = self.desk.ctx.store.read().await.unwrap();
        let rows = store::members::list(&mut conn, self.project, 0, 1000).await.unwrap().0;
        rows.iter().filter(|row| row.role == Role::Owner).count()
    }
}

both_databases! {
    async fn a_member_is_added_read_changed_and_removed(database) {
        let team = Team::new(database).await;
        let (bo, _) = team.desk.sign_up("bo@example.org").await;
        let added = team.call(&team.owner, "POST", "/member", json!({"email": " Bo@Example.org", "role": "viewer"}));
        let added = added.await.ok();
        assert_eq!(added, json!({
            "user_id": bo, "email": "bo@example.org", "name": "", "role": "viewer",
            "since": "2027-01-15T08:00:00.000000Z", "error_list": [],
        }));
        assert_eq!(fields(&added), ["user_id", "email", "name", "role", "since", "error_list"]);
        let list = team.call(&team.owner, "GET", "/member-list?offset=1&limit=1", Value::Null).await.ok();
        let mut back = list["list"][0].clone();
        assert_eq!((&list["total_count"], &list["max_count"]), (&json!(2), &json!(MAX_COUNT)));
        assert_eq!((&back["user_id"], &back["role"]), (&json!(bo), &json!("viewer")));
        // What was read can be put back, changed or not.
        let path = format!("/member/{bo}");
        assert_eq!(team.call(&team.owner, "PUT", &path, back.clone()).await.ok()["role"], "viewer");
        back["role"] = json!("editor");
        assert_eq!(team.call(&team.owner, "PUT", &path, back).await.ok()["role"], "editor");
        assert_eq!(team.call(&team.owner, "PUT", &path, json!({})).await.ok()["role"], "editor");
        assert_eq!(team.remove(&team.owner, bo).await.ok(), json!({"error_list": []}));
        team.remove(&team.owner, bo).await.fatal(403);
        assert_eq!(team.list(&team.owner).await, [(team.desk.user_id, "owner".to_owned())]);
    }

    async fn what_is_wrong_with_a_member_is_named(database) {
        let team = Team::new(database).await;
        team.member("bo@example.org", "viewer").await;
        for (body, start) in [
            (json!({"email": "bo@example.org"}), "role: is required"),
            (json!({"role": "viewer"}), "email: is required"),
            (json!({"email": "bo", "role": "viewer"}), "email: must be an address"),
            (json!({"email": "bo@example.org", "role": "admin"}), "role: must be one of viewer, editor, owner"),
            (json!({"email": "bo@example.org", "role": null}), "role: must be a string"),
            (json!({"email": "bo@example.org", "role": "viewer", "since": 1}), "since: is unknown"),
            (json!({"email": "BO@example.org", "role": "owner"}), "email: is a member already"),
            (json!({"email": "no@example.org", "role": "viewer"}), "email: no account has this address"),
        ] {
            let message = team.call(&team.owner, "POST", "/member", body).await.fatal(400);
            assert!(message.starts_with(start), "{message}");
        }
        let message = team.set_role(&team.owner, team.desk.user_id, "boss").await.fatal(400);
        assert!(message.starts_with("role: must be one of"), "{message}");
        team.remove(&team.owner, 999_999).await.fatal(403);
        team.set_role(&team.owner, 999_999, "viewer").await.fatal(403);
        assert_eq!(team.list(&team.owner).await.len(), 2);
    }

    async fn only_owners_manage_members_and_all_members_read_them(database) {
        let team = Team::new(database).await;
        let (viewer, viewers) = team.member("v@example.org", "viewer").await;
        let (editor, editors) = team.member("e@example.org", "editor").await;
        let (outsider, outsiders) = team.desk.sign_up("x@example.org").await;
        for token in [&viewers, &editors] {
            assert_eq!(team.list(token).await.len(), 3);
            team.set_role(token, viewer, "owner").await.fatal(403);
            team.set_role(token, editor, "owner").await.fatal(403);
            team.remove(token, team.desk.user_id).await.fatal(403);
        }
        team.remove(&viewers, editor).await.fatal(403);
        team.remove(&editors, viewer).await.fatal(403);
        team.call(&outsiders, "GET", "/member-list", Value::Null).await.fatal(403);
        team.remove(&outsiders, outsider).await.fatal(403);
        // Who may not add anybody is not told who has an account.
        for token in [&viewers, &editors, &outsiders] {
            let tried = async |email: &str| {
                team.call(token, "POST", "/member", json!({"email": email, "role": "viewer"})).await.fatal(403)
            };
            assert_eq!(tried("x@example.org").await, tried("nobody@example.org").await);
        }
        assert_eq!(team.list(&team.owner).await.len(), 3);
    }

    async fn a_member_may_leave_and_what_they_made_stays(database) {
        let team = Team::new(database).await;
        let (editor, token) = team.member("e@example.org", "editor").await;
        team.call(&token, "POST", "/check", json!({"check_name": "Theirs"})).await.ok();
        team.remove(&token, editor).await.ok();
        team.call(&token, "GET", "/check-list", Value::Null).await.fatal(403);
        let list = team.call(&team.owner, "GET", "/check-list", Value::Null).await.ok();
        assert_eq!(list["list"][0]["check_name"], "Theirs");
    }

    async fn a_project_keeps_an_owner(database) {
        let team = Team::new(database).await;
        let own = team.desk.user_id;
        let (other, others) = team.member("o@example.org", "editor").await;
        for role in ["viewer", "editor"] {
            let message = team.set_role(&team.owner, own, role).await.fatal(400);
            assert!(message.contains("make another member an owner first"), "{message}");
        }
        let message = team.remove(&team.owner, own).await.fatal(400);
        assert!(message.contains("make another member an owner first"), "{message}");
        team.set_role(&team.owner, own, "owner").await.ok();
        team.set_role(&team.owner, other, "owner").await.ok();
        team.set_role(&others, own, "viewer").await.ok();
        team.remove(&others, other).await.fatal(400);
        team.set_role(&team.owner, other, "viewer").await.fatal(403);
        assert_eq!(team.list(&others).await, [(own, "viewer".to_owned()), (other, "owner".to_owned())]);
    }

    async fn two_owners_who_lower_or_remove_each_other_at_once_leave_one(database) {
        let team = Team::new(database).await;
        let own = team.desk.user_id;
        let (other, others) = team.member("o@example.org", "owner").await;
        for round in 0..6 {
            let (one, two) = if round % 2 == 0 {
                tokio::join!(team.set_role(&team.owner, other, "viewer"), team.set_role(&others, own, "viewer"))
            } else {
                tokio::join!(team.remove(&team.owner, own), team.remove(&others, other))
            };
            let outcomes = [one.status, two.status];
            assert_eq!(outcomes.iter().filter(|status| **status == 200).count(), 1, "{outcomes:?}");
            assert!(outcomes.iter().all(|status| [200, 400, 403].contains(status)), "{outcomes:?}");
            assert_eq!(team.owners().await, 1);
            // Both are owners again.
            let mut tx = team.desk.ctx.store.begin().await.unwrap();
            for user_id in [own, other] {
                let now = team.desk.ctx.now();
                store::members::insert(&mut tx, team.project, user_id, Role::Owner, now).await.unwrap();
                store::members::set_role(&mut tx, team.project, user_id, Role::Owner).await.unwrap();
            }
            tx.commit().await.unwrap();
        }
    }

    async fn there_is_a_most_of_members(database) {
        let team = Team::new(database).await;
        let ctx = &team.desk.ctx;
        let mut tx = ctx.store.begin().await.unwrap();
        for n in 1..MAX_COUNT {
            let email = format!("m{n}@example.org");
            let new = NewUser { email: &email, password_hash: "", is_admin: false };
            let user_id = store::users::insert(&mut tx, &new, ctx.now()).await.unwrap().unwrap();
            store::members::insert(&mut tx, team.project, user_id, Role::Viewer, ctx.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        let (late, _) = team.desk.sign_up("late@example.org").await;
        let add = || team.call(&team.owner, "POST", "/member", json!({"email": "late@example.org", "role": "viewer"}));
        let message = add().await.fatal(403);
        assert!(message.contains("1000 members") && message.contains("remove one first"), "{message}");
        let list = team.call(&team.owner, "GET", "/member-list?offset=999", Value::Null).await.ok();
        assert_eq!(list["total_count"], json!(MAX_COUNT));
        team.remove(&team.owner, list["list"][0]["user_id"].as_i64().unwrap()).await.ok();
        assert_eq!(add().await.ok()["user_id"], json!(late));
    }

    async fn who_is_removed_is_out_at_once_with_every_token(database) {
        let server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("own@example.org")).await;
        let first = with_token(&api, &server.new_user("gone@example.org"));
        let second = with_token(&api, &new_token(&server, "gone@example.org", "two", &[]));
        let body = json!({"email": "gone@example.org", "role": "editor"});
        let member = api.post(&api.path("/member"), &body).await.ok();
        let check = first.check("Kept", json!({})).await;
        second.update(&check, json!({"grace": 60})).await;
        api.delete(&api.path(&format!("/member/{}", member["user_id"]))).await.ok();
        for token in [&first, &second] {
            token.get(&api.check_path(&check, "")).await.fatal(403);
            token.put(&api.check_path(&check, ""), &json!({"grace": 120})).await.fatal(403);
            assert_eq!(token.get("/user/project-list").await.ok()["total_count"], 0);
        }
        assert_eq!(api.read(&check).await["grace"], 60);
        api.ping(&check, "").await.says(200, "OK");
    }
}
