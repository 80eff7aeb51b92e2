//! Accounts: the password, where somebody is signed in, a lost password, registration and
//! invitations, on the wire.

use crate::support::api::Api;
use crate::support::both_databases;
use crate::support::post::{Mail, Port, Post};
use crate::support::server::{PASSWORD, TestServer};
use crate::support::visitor::Visitor;
use crate::support::{Database, until};

const OTHER: &str = "another horse battery";

fn someone() -> String {
    format!("{}@example.net", crate::support::random_name("u-"))
}

/// A server that sends mail, with these settings besides.
async fn mailing(database: Database, post: &Post, more: &[(&str, &str)]) -> TestServer {
    let settings = post.settings(Port::Plain);
    let settings: Vec<(&str, &str)> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    TestServer::start(database, &[&settings[..], more].concat()).await
}

async fn change(visitor: &mut Visitor, old: &str, new: &str) -> crate::support::answer::Answer {
    visitor.submit("/account/password", &[("old_password", old), ("password", new)]).await
}

/// The link in the latest of so many mails.
async fn link(post: &Post, email: &str, n: usize, path: &str) -> String {
    let mails: Vec<Mail> = post.wait_for(email, n).await;
    let mail = mails.last().unwrap();
    assert!(mail.html.contains(&mail.link(path)), "{}", mail.html);
    mail.link(path)
}

/// Signs in with a password; the status.
async fn sign_in(server: &TestServer, email: &str, password: &str) -> u16 {
    Visitor::at(server).sign_in(email, password).await.status
}

/// What a member of the project is there.
async fn role_of(api: &Api, email: &str) -> String {
    let members = api.list(&api.path("/member-list")).await;
    let member = members.iter().find(|member| member["email"] == email);
    member.unwrap_or_else(|| panic!("{email} in {members:?}"))["role"].as_str().unwrap().to_owned()
}

/// The path of a project's invitations, for a user whose first project it is.
async fn invitations_of(visitor: &mut Visitor) -> String {
    let list = visitor.get("/user/project-list").await.ok();
    let uuid = list["list"][0]["uuid"].as_str().unwrap().to_owned();
    format!("/projects/{uuid}/settings/invitations")
}

both_databases! {
    async fn another_password_asks_for_the_old_one_and_ends_the_other_sessions(database) {
        let server = TestServer::start(database, &[]).await;
        let email = someone();
        let token = server.new_user(&email);
        let mut here = Visitor::at(&server).signed_in(&email).await;
        let mut there = Visitor::at(&server).signed_in(&email).await;
        let wrong = change(&mut here, "wrong horse battery", OTHER).await;
        assert_eq!(wrong.status, 400);
        assert!(wrong.text().contains("Present password is not right."), "{}", wrong.text());
        let short = change(&mut here, PASSWORD, "short").await;
        assert!(short.text().contains("New password must have at least 10 characters."));
        assert_eq!(there.get("/user/profile").await.status, 200, "nothing has changed so far");
        let before = here.token.clone();
        let done = change(&mut here, PASSWORD, OTHER).await;
        assert_eq!((done.status, done.header("location")), (303, "/account?done=password"));
        assert_ne!(here.token, before, "the session is a new one");
        assert_eq!(here.get("/user/profile").await.status, 200);
        assert_eq!(there.get("/user/profile").await.status, 401);
        let mut planted = Visitor::at(&server);
        planted.token = before;
        assert_eq!(planted.get("/user/profile").await.status, 401);
        assert_eq!(sign_in(&server, &email, PASSWORD).await, 403);
        assert_eq!(sign_in(&server, &email, OTHER).await, 303);
        let mut script = Visitor::at(&server);
        script.token = Some(token);
        assert_eq!(script.get("/user/profile").await.status, 200, "API tokens go on to work");
    }

    async fn sessions_are_listed_with_their_browser_and_ended_one_by_one(database) {
        let server = TestServer::start(database, &[]).await;
        let (email, stranger) = (someone(), someone());
        server.new_user(&email);
        server.new_user(&stranger);
        let mut here = Visitor::at(&server);
        here.headers = vec![("user-agent".to_owned(), "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned())];
        let mut here = here.signed_in(&email).await;
        let mut there = Visitor::at(&server);
        there.headers = vec![("user-agent".to_owned(), "Safari/605 <b>iPhone".to_owned())];
        let mut there = there.signed_in(&email).await;
        let page = here.get("/account").await;
        let text = page.text();
        assert!(text.contains("Firefox on Linux <span class=\"tag\">this one</span>"), "{text}");
        assert!(text.contains("Safari on iPhone") && text.contains("127.0.0.1"), "{text}");
        assert_eq!(text.matches("/end\"").count(), 1, "this one is ended by signing out");
        let (_, rest) = text.split_once("/account/sessions/").unwrap();
        let path = format!("/account/sessions/{}/end", rest.split('/').next().unwrap());
        let mut other = Visitor::at(&server).signed_in(&stranger).await;
        assert_eq!(other.submit(&path, &[]).await.status, 404, "another's session");
        assert_eq!(there.get("/user/profile").await.status, 200);
        assert_eq!(here.submit(&path, &[]).await.status, 303);
        assert_eq!(there.get("/user/profile").await.status, 401);
        let mut third = Visitor::at(&server).signed_in(&email).await;
        assert_eq!(here.submit("/account/sessions/end-others", &[]).await.status, 303);
        assert_eq!(third.get("/user/profile").await.status, 401);
        assert_eq!(here.get("/user/profile").await.status, 200);
        assert_eq!(other.get("/user/profile").await.status, 200);
        let foreign = [("origin", "https://evil.example.com")];
        for path in ["/account/sessions/end-others", "/account/password", "/account/profile"] {
            assert_eq!(here.submit_from(&foreign, path, &[]).await.status, 403, "{path}");
        }
    }

    async fn a_lost_password_is_replaced_by_a_link_that_holds_once(database) {
        let Some(post) = Post::shared().await else { return };
        let server = mailing(database, post, &[]).await;
        let (email, nobody) = (someone(), someone());
        server.new_user(&email);
        let mut signed_in = Visitor::at(&server).signed_in(&email).await;
        let mut visitor = Visitor::at(&server);
        assert!(visitor.get("/sign-in").await.text().contains("href=\"/reset\""));
        let known = visitor.submit("/reset", &[("email", &email)]).await;
        let unknown = visitor.submit("/reset", &[("email", &nobody)]).await;
        assert_eq!((known.status, unknown.status), (200, 200));
        assert_eq!(known.text(), unknown.text());
        let link = link(post, &email, 1, "/reset/").await;
        // Another one in the same minute is not sent, and the first one holds.
        visitor.submit("/reset", &[("email", &email)]).await;
        // To open it changes nothing.
        for _ in 0..2 {
            assert!(visitor.get(&link).await.text().contains(&email));
        }
        assert_eq!(visitor.submit(&link, &[("password", "short")]).await.status, 400);
        assert_eq!(sign_in(&server, &email, PASSWORD).await, 303);
        assert_eq!(visitor.submit(&link, &[("password", OTHER)]).await.status, 200);
        assert_eq!(visitor.token, None, "who has the link signs in like anybody");
        assert_eq!(signed_in.get("/user/profile").await.status, 401);
        assert_eq!(sign_in(&server, &email, PASSWORD).await, 403);
        assert_eq!(sign_in(&server, &email, OTHER).await, 303);
        assert_eq!(visitor.submit(&link, &[("password", PASSWORD)]).await.status, 404);
        assert_eq!(visitor.get(&link).await.status, 404);
        assert_eq!(visitor.get("/reset/nonsense").await.status, 404);
        assert!(post.got(&nobody).is_empty());
        assert!(!server.log().contains(link.strip_prefix("/reset/").unwrap()));
    }

    async fn a_link_to_a_new_password_is_void_after_a_change_of_it(database) {
        let Some(post) = Post::shared().await else { return };
        let server = mailing(database, post, &[]).await;
        let email = someone();
        server.new_user(&email);
        let mut visitor = Visitor::at(&server).signed_in(&email).await;
        visitor.submit("/reset", &[("email", &email)]).await;
        let link = link(post, &email, 1, "/reset/").await;
        assert_eq!(visitor.get(&link).await.status, 200);
        assert_eq!(change(&mut visitor, PASSWORD, OTHER).await.status, 303);
        assert_eq!(visitor.submit(&link, &[("password", PASSWORD)]).await.status, 404);
        assert_eq!(sign_in(&server, &email, OTHER).await, 303);
    }

    async fn where_accounts_are_open_an_address_is_proven_by_mail(database) {
        let Some(post) = Post::shared().await else { return };
        let server = mailing(database, post, &[("OVERDUE_ACCOUNTS__REGISTRATION", "open")]).await;
        let (known, email) = (someone(), someone());
        let mut visitor = Visitor::at(&server);
        assert_eq!(visitor.get("/register").await.header("location"), "/setup");
        server.new_user(&known);
        assert!(visitor.get("/sign-in").await.text().contains("href=\"/register\""));
        let first = visitor.submit("/register", &[("email", &email)]).await;
        let second = visitor.submit("/register", &[("email", &known)]).await;
        assert_eq!((first.status, first.text()), (200, second.text()));
        let told = post.wait_for(&known, 1).await.remove(0);
        assert!(told.text.contains("has one already") && !told.text.contains("/register/"));
        let link = link(post, &email, 1, "/register/").await;
        assert!(visitor.get(&link).await.text().contains(&email));
        assert_eq!(visitor.submit(&link, &[("password", "short")]).await.status, 400);
        assert_eq!(visitor.submit(&link, &[("password", OTHER)]).await.status, 303);
        assert_eq!(visitor.get("/user/profile").await.ok()["email"], email.as_str());
        let projects = visitor.get("/user/project-list").await.ok();
        assert_eq!(projects["list"][0]["project_name"], "My jobs");
        assert_eq!(visitor.submit(&link, &[("password", OTHER)]).await.status, 404, "once");
    }

    async fn where_no_mail_is_sent_an_open_account_is_made_at_once(database) {
        let server = TestServer::start(database, &[("OVERDUE_ACCOUNTS__REGISTRATION", "open")]).await;
        let email = someone();
        let known = someone();
        server.new_user(&known);
        let mut visitor = Visitor::at(&server);
        let taken = visitor.submit("/register", &[("email", &known), ("password", OTHER)]).await;
        assert!(taken.status == 400 && taken.text().contains("has an account already"));
        let made = visitor.submit("/register", &[("email", &email), ("password", OTHER)]).await;
        assert_eq!((made.status, made.header("location")), (303, "/"));
        assert_eq!(visitor.get("/user/profile").await.ok()["email"], email.as_str());
        assert_eq!(visitor.get("/admin").await.status, 403, "an account like others");
        for _ in 0..8 {
            visitor.submit("/register", &[("email", &email), ("password", OTHER)]).await;
        }
        let refused = visitor.submit("/register", &[("email", &email), ("password", OTHER)]).await;
        assert_eq!(refused.status, 429, "ten in five minutes");
        let lost = visitor.get("/reset").await;
        assert!(lost.text().contains("overdue user passwd"), "{}", lost.text());
    }

    async fn an_invitation_makes_an_account_and_a_member_once(database) {
        let Some(post) = Post::shared().await else { return };
        let server = mailing(database, post, &[("OVERDUE_ACCOUNTS__REGISTRATION", "invite")]).await;
        let (owner, email) = (someone(), someone());
        let api = Api::new_project(server.address(), &server.new_user(&owner)).await;
        let mut visitor = Visitor::at(&server).signed_in(&owner).await;
        let path = invitations_of(&mut visitor).await;
        assert_eq!(Visitor::at(&server).get("/register").await.status, 403, "not without one");
        let bad = visitor.submit(&path, &[("email", "nobody"), ("role", "editor")]).await;
        assert!(bad.status == 400 && bad.text().contains("value=\"nobody\""));
        let sent = visitor.submit(&path, &[("email", &email), ("role", "editor")]).await;
        assert!(sent.status == 200 && !sent.text().contains("/invitation/"), "by mail alone");
        let link = link(post, &email, 1, "/invitation/").await;
        let mut guest = Visitor::at(&server);
        let shown = guest.get(&link).await;
        assert!(shown.text().contains("as editor") && shown.text().contains(&owner));
        assert_eq!(guest.submit(&link, &[("password", "short")]).await.status, 400);
        let joined = guest.submit(&link, &[("password", OTHER)]).await;
        assert_eq!(joined.status, 303, "{}", joined.text());
        assert_eq!(guest.get(joined.header("location")).await.status, 200);
        assert_eq!(role_of(&api, &email).await, "editor");
        assert_eq!(guest.get(&path).await.status, 403, "an editor invites nobody");
        assert_eq!(guest.submit(&link, &[]).await.status, 404, "once");
        let again = visitor.submit(&path, &[("email", &email), ("role", "owner")]).await;
        assert!(again.text().contains("is that of a member already"), "{}", again.text());
    }

    async fn where_no_mail_is_sent_the_link_is_shown_once(database) {
        let server = TestServer::start(database, &[]).await;
        let (owner, guest) = (someone(), someone());
        let api = Api::new_project(server.address(), &server.new_user(&owner)).await;
        server.new_user(&guest);
        let mut visitor = Visitor::at(&server).signed_in(&owner).await;
        let path = invitations_of(&mut visitor).await;
        let mut links = Vec::new();
        for email in [guest.as_str(), guest.as_str(), "new@example.net"] {
            let shown = visitor.submit(&path, &[("email", email), ("role", "viewer")]).await;
            let (_, rest) = shown.text().split_once("/invitation/").unwrap();
            links.push(format!("/invitation/{}", rest.split('<').next().unwrap()));
            assert!(!visitor.get(&path).await.text().contains("/invitation/"), "not again");
        }
        let mut stranger = Visitor::at(&server);
        assert_eq!(stranger.get(&links[0]).await.status, 404, "a newer one took its place");
        assert!(stranger.get(&links[1]).await.text().contains("/sign-in?next=%2Finvitation%2F"));
        let closed = stranger.submit(&links[2], &[("password", OTHER)]).await;
        assert_eq!(closed.status, 403, "accounts are made by the command line: {}", closed.text());
        let mut member = Visitor::at(&server).signed_in(&guest).await;
        assert!(member.get(&links[1]).await.text().contains("Join the project"));
        assert_eq!(member.submit(&links[1], &[]).await.status, 303);
        assert_eq!(role_of(&api, &guest).await, "viewer");
        // The other one is taken back.
        let page = visitor.get(&path).await;
        let (_, rest) = page.text().split_once("/settings/invitations/").unwrap();
        let id = rest.split('/').next().unwrap();
        assert_eq!(visitor.submit(&format!("{path}/{id}/withdraw"), &[]).await.status, 303);
        assert_eq!(stranger.get(&links[2]).await.status, 404);
    }

    async fn profile_and_last_sight_are_kept(database) {
        let server = TestServer::start(database, &[]).await;
        let email = someone();
        server.new_user(&email);
        let mut visitor = Visitor::at(&server).signed_in(&email).await;
        let wrong = visitor.submit("/account/profile", &[("name", "Ada <3"), ("timezone", "Mars/Base")]).await;
        assert!(wrong.status == 400 && wrong.text().contains("value=\"Ada &#60;3\""));
        assert!(wrong.text().contains("Time zone must be an IANA time zone"), "{}", wrong.text());
        let form = [("name", "Ada"), ("timezone", "Europe/Berlin")];
        let saved = visitor.submit("/account/profile", &form).await;
        assert_eq!(saved.header("location"), "/account?done=profile");
        assert!(visitor.get("/account?done=profile").await.text().contains("Your profile is saved."));
        assert_eq!(visitor.get("/user/profile").await.ok()["timezone"], "Europe/Berlin");
        until("a time of last use", async || {
            visitor.get("/account").await.text().contains("Last seen").then_some(())
        })
        .await;
    }
}
