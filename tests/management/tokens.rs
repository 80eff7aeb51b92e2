//! Tokens as scripts have them: made by the command line, listed, revoked.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use overdue::fault::Fault;
use overdue::service::tokens;
use serde_json::json;
use tokio::task::JoinSet;

use super::desk::Desk;
use super::{fields, new_token, texts, with_token};
use crate::support::api::Api;
use crate::support::server::{TestServer, shared};
use crate::support::{Database, both_databases, until};

both_databases! {
    async fn tokens_are_listed_with_what_is_known_of_them(database) {
        let server = TestServer::start(database, &[]).await;
        let token = server.new_user("list@example.org");
        let api = Api::new_project(server.address(), &token).await;
        let more = ["--expires-in", "1d", "--scopes", "read", "--allow-ip", "10.0.0.0/8"];
        new_token(&server, "list@example.org", "second", &more);
        let list = api.get("/user/token-list").await.ok();
        assert_eq!(fields(&list), ["list", "total_count", "max_count", "offset", "limit", "count"]);
        assert_eq!((&list["total_count"], &list["max_count"]), (&json!(2), &json!(20)));
        let second = &list["list"][1];
        assert_eq!(fields(second), [
            "token_id", "subject", "scopes", "allowed_ips", "created_at", "expires_at", "revoked",
            "last_used_at",
        ]);
        assert_eq!((&second["scopes"], &second["allowed_ips"]), (&json!(["read"]), &json!(["10.0.0.0/8"])));
        assert_eq!((&second["subject"], &second["revoked"], &second["last_used_at"]), (
            &json!("second"), &json!(0), &json!(null),
        ));
        crate::support::until("last_used_at", async || {
            let list = api.get("/user/token-list").await.ok();
            list["list"][0]["last_used_at"].is_string().then_some(())
        })
        .await;
    }

    async fn a_token_can_not_make_tokens_or_show_their_text(database) {
        let api = shared(database).await;
        let wish = json!({"subject": "more", "expires_in": 3600});
        api.post("/user/token", &wish).await.fatal(403);
        // Not for a token whatever is asked: the same for a wish that could not be.
        api.post("/user/token", &json!({})).await.fatal(403);
        let list = api.get("/user/token-list").await.ok();
        let id = list["list"][0]["token_id"].as_i64().unwrap();
        let own = api.get(&format!("/user/token/{id}")).await.ok();
        assert_eq!(own.get("token"), None);
        assert_eq!(own["subject"], list["list"][0]["subject"]);
    }

    async fn a_revoked_token_is_refused_at_once_and_stays_revoked(database) {
        let server = TestServer::start(database, &[]).await;
        let token = server.new_user("revoke@example.org");
        let api = Api::new_project(server.address(), &token).await;
        let other = with_token(&api, &new_token(&server, "revoke@example.org", "other", &[]));
        other.get("/user/profile").await.ok();
        let list = api.get("/user/token-list").await.ok();
        let path = format!("/user/token/{}", list["list"][1]["token_id"]);
        let whole = api.get(&path).await.ok();
        // What was read can be put back, save that nothing is un-revoked.
        assert!(api.put(&path, &whole).await.fatal(400).starts_with("revoked: must be 1"));
        let mut back = whole;
        back["revoked"] = json!(1);
        let answer = api.put(&path, &back).await.ok();
        assert_eq!((&answer["revoked"], &answer["error_list"]), (&json!(1), &json!([])));
        let message = other.get("/user/profile").await.fatal(401);
        assert!(message.contains("revoked"), "{message}");
        api.put(&path, &json!({"revoked": 0})).await.fatal(400);
        api.put(&path, &json!({"revoked": true})).await.fatal(400);
        assert_eq!(api.put(&path, &json!({})).await.ok()["revoked"], 1);
        // The command line revokes in another process, and that counts at once too.
        let third = with_token(&api, &new_token(&server, "revoke@example.org", "third", &[]));
        third.get("/user/profile").await.ok();
        server.cli_ok(&["token", "revoke", "--user", "revoke@example.org", "--subject", "third"], "");
        third.get("/user/profile").await.fatal(401);
    }

    async fn tokens_of_others_are_as_if_they_were_not_there(database) {
        let server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("a@example.org")).await;
        let theirs = Api::new_project(server.address(), &server.new_user("b@example.org")).await;
        let list = theirs.get("/user/token-list").await.ok();
        let path = format!("/user/token/{}", list["list"][0]["token_id"]);
        let (alien, missing) = (api.get(&path).await, api.get("/user/token/999999").await);
        assert_eq!(alien.fatal(403), missing.fatal(403));
        api.put(&path, &json!({"revoked": 1})).await.fatal(403);
        api.delete(&path).await.fatal(403);
        theirs.get("/user/profile").await.ok();
    }

    async fn after_a_revocation_is_answered_no_request_that_begins_is_served_on_any_node(database) {
        let server = TestServer::start(database, &[]).await;
        let other = server.beside().await;
        let api = Api::new_project(server.address(), &server.new_user("loop@example.org")).await;
        for by_command_line in [false, true] {
            let subject = if by_command_line { "cut-2" } else { "cut-1" };
            let token = new_token(&server, "loop@example.org", subject, &[]);
            let revoked = Arc::new(AtomicBool::new(false));
            let answered = Arc::new(AtomicUsize::new(0));
            let mut loops = JoinSet::new();
            for n in 0..6 {
                let node = if n % 2 == 0 { &server } else { &other };
                let mut caller = with_token(&api, &token);
                caller.base = node.base();
                loops.spawn(ask_until_refused(caller, revoked.clone(), answered.clone()));
            }
            until("requests that are served", async || (answered.load(SeqCst) > 30).then_some(())).await;
            if by_command_line {
                server.cli_ok(&["token", "revoke", "--user", "loop@example.org", "--subject", subject], "");
            } else {
                let list = api.list("/user/token-list").await;
                let found = list.iter().find(|token| token["subject"] == subject).unwrap();
                let path = format!("/user/token/{}", found["token_id"]);
                assert_eq!(api.put(&path, &json!({"revoked": 1})).await.ok()["revoked"], 1);
            }
            revoked.store(true, SeqCst);
            assert_eq!(loops.join_all().await, [0; 6], "{subject}");
        }
    }

    async fn neither_the_database_nor_the_log_holds_a_token_or_its_signature(database) {
        let settings = [("OVERDUE_LOG__LEVEL", "trace")];
        let mut server = TestServer::start(database, &settings).await;
        let token = server.new_user("secret@example.org");
        let api = Api::new_project(server.address(), &token).await;
        let revoked = new_token(&server, "secret@example.org", "revoked-one", &[]);
        let bearer = format!("Bearer {revoked}");
        api.send("GET", "/user/profile", &[("authorization", bearer.as_str())], "").await.ok();
        server.cli_ok(&["token", "revoke", "--user", "secret@example.org", "--subject", "revoked-one"], "");
        api.send("GET", "/user/profile", &[("authorization", bearer.as_str())], "").await.fatal(401);
        let forged = format!("Bearer {}", token.replace('.', "x"));
        api.send("GET", "/user/profile", &[("authorization", forged.as_str())], "").await.fatal(401);
        assert_eq!(server.stop().await.code(), Some(0));
        let (kept, log) = (everything_in(&server, database).await, server.log());
        // They are where they should be: the names are there.
        assert!(kept.contains("revoked-one") && log.contains("/user/profile"));
        for text in [&token, &revoked] {
            let (_, signature) = text.rsplit_once('.').unwrap();
            for secret in [text.as_str(), signature, &signature[..20], &token.replace('.', "x")] {
                assert!(!kept.contains(secret) && !log.contains(secret), "{secret}");
            }
        }
    }

    async fn the_command_line_too_deletes_what_has_expired_when_it_makes_a_token(database) {
        let server = TestServer::start(database, &[("OVERDUE_TOKENS__MAX_COUNT", "2")]).await;
        let api = Api::new_project(server.address(), &server.new_user("purge@example.org")).await;
        let short = with_token(&api, &new_token(&server, "purge@example.org", "short", &["--expires-in", "2s"]));
        let list = api.list("/user/token-list").await;
        let ends = list[1]["expires_at"].as_str().unwrap().to_owned();
        let more = ["token", "create", "--user", "purge@example.org", "--subject", "more"];
        let refused = server.cli(&more, "");
        // The machine may have been slow: then it has made room already.
        if !refused.status.success() {
            let errors = String::from_utf8_lossy(&refused.stderr);
            assert!(errors.contains("the next place is free at") && errors.contains(&ends), "{errors}");
            until("the end of a token", async || {
                (short.get("/user/profile").await.status == 401).then_some(())
            })
            .await;
            let message = short.get("/user/profile").await.fatal(401);
            assert!(message.contains("expired"), "{message}");
            server.cli_ok(&more, "");
        }
        let list = api.list("/user/token-list").await;
        let names: Vec<_> = list.iter().map(|token| token["subject"].as_str().unwrap()).collect();
        assert_eq!(names, ["tests", "more"]);
    }

    async fn a_token_of_some_addresses_is_refused_from_all_others(database) {
        let desk = Desk::with(database, |_| ()).await;
        let session = desk.sign_in().await;
        for (allowed, inside, outside) in [
            ("192.0.2.1", ["192.0.2.1", "::ffff:192.0.2.1"], ["192.0.2.2", "::1"]),
            ("10.1.2.3/8", ["10.0.0.0", "::ffff:10.255.255.255"], ["11.0.0.0", "::ffff:9.255.255.255"]),
            ("::ffff:10.0.0.0/104", ["10.9.9.9", "::ffff:10.9.9.9"], ["11.0.0.0", "::10.9.9.9"]),
            ("2001:db8::/32", ["2001:db8::1", "2001:db8:ffff::"], ["2001:db9::", "32.1.13.184"]),
            ("::1", ["::1", "0:0:0:0:0:0:0:1"], ["::2", "127.0.0.1"]),
            ("0.0.0.0/0", ["1.2.3.4", "::ffff:1.2.3.4"], ["::1", "2001:db8::1"]),
        ] {
            let wish = json!({"subject": allowed, "expires_in": 60, "allowed_ips": [allowed]});
            let made = desk.call(&session, "POST", "/user/token", Some(wish)).await.ok();
            let text = made["token"].as_str().unwrap();
            let caller = tokens::authenticate(&desk.ctx, text).await.unwrap();
            for address in inside {
                assert!(caller.check_address(address.parse().unwrap()).is_ok(), "{allowed} {address}");
            }
            for address in outside {
                let fault = caller.check_address(address.parse().unwrap()).unwrap_err();
                assert!(matches!(fault, Fault::Forbidden(_)), "{allowed} {address}");
            }
        }
    }

    async fn what_an_untrusted_peer_says_of_its_address_does_not_count(database) {
        let server = TestServer::start(database, &[]).await;
        let api = Api::new_project(server.address(), &server.new_user("peer@example.org")).await;
        let from = async |allowed: &str, headers: &[(&str, &str)]| {
            let subject = format!("{allowed} {}", headers.len());
            let token = new_token(&server, "peer@example.org", &subject, &["--allow-ip", allowed]);
            let bearer = format!("Bearer {token}");
            let own = [("authorization", bearer.as_str())];
            api.send("GET", "/user/profile", &[&own[..], headers].concat(), "").await
        };
        let lies = [("x-forwarded-for", "10.1.2.3"), ("forwarded", "for=10.1.2.3"), ("x-real-ip", "10.1.2.3")];
        let message = from("10.0.0.0/8", &lies).await.fatal(403);
        assert!(message.contains("127.0.0.1"), "{message}");
        from("127.0.0.0/8", &lies).await.ok();
        from("::ffff:127.0.0.1", &[]).await.ok();
    }

    async fn sessions_are_not_listed_counted_or_found_among_tokens(database) {
        let desk = Desk::with(database, |config| config.tokens.max_count = 1).await;
        let sessions = [desk.sign_in().await, desk.sign_in().await];
        let list = desk.call(&sessions[0], "GET", "/user/token-list", None).await.ok();
        assert_eq!((&list["list"], &list["total_count"]), (&json!([]), &json!(0)));
        let wish = json!({"subject": "the one", "expires_in": 60});
        let made = desk.call(&sessions[0], "POST", "/user/token", Some(wish)).await.ok();
        let all = texts(desk.database_url(), "SELECT CAST(token_id AS TEXT) FROM tokens").await;
        assert_eq!(all.len(), 3);
        let own = made["token_id"].to_string();
        for id in all.iter().filter(|id| **id != own) {
            let path = format!("/user/token/{id}");
            for (method, body) in [("GET", None), ("PUT", Some(json!({"revoked": 1}))), ("DELETE", None)] {
                let message = desk.call(&sessions[0], method, &path, body).await.fatal(403);
                assert_eq!(message, "this token is not yours");
            }
        }
        desk.call(&sessions[1], "GET", "/user/profile", None).await.ok();
        // Their name is theirs alone.
        let wish = json!({"subject": "session", "expires_in": 60});
        let message = desk.call(&sessions[0], "POST", "/user/token", Some(wish)).await.fatal(400);
        assert!(message.starts_with("subject: must be another"), "{message}");
    }

    async fn a_revoked_token_is_deleted_after_its_end_like_any_other(database) {
        let desk = Desk::with(database, |_| ()).await;
        let session = desk.sign_in().await;
        let wish = json!({"subject": "cut", "expires_in": 60});
        let made = desk.call(&session, "POST", "/user/token", Some(wish)).await.ok();
        let path = format!("/user/token/{}", made["token_id"]);
        let revoked = desk.call(&session, "PUT", &path, Some(json!({"revoked": 1}))).await.ok();
        // The eye still works, and shows the same text.
        assert_eq!(revoked["token"], made["token"]);
        let message = desk.call(&session, "DELETE", &path, None).await.fatal(403);
        assert!(message.contains(made["expires_at"].as_str().unwrap()), "{message}");
        let text = made["token"].as_str().unwrap();
        let message = desk.call(text, "GET", "/user/profile", None).await.fatal(401);
        assert!(message.contains("revoked"), "{message}");
        desk.ctx.clock.advance(Duration::from_mins(1));
        desk.call(&session, "DELETE", &path, None).await.ok();
        let list = desk.call(&session, "GET", "/user/token-list", None).await.ok();
        assert_eq!(list["total_count"], 0);
    }
}

/// Asks again and again until the token is refused: how many requests were served that began after
/// it was known to be revoked.
async fn ask_until_refused(
    api: Api,
    revoked: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
) -> usize {
    let mut too_late = 0;
    loop {
        let was_revoked = revoked.load(SeqCst);
        match api.get("/user/profile").await.status {
            401 => return too_late,
            200 if was_revoked && too_late > 10 => return too_late,
            200 => too_late += usize::from(was_revoked),
            other => panic!("{other}"),
        }
        answered.fetch_add(1, SeqCst);
    }
}

/// Every row of every table, or all of the database's files, as text.
async fn everything_in(server: &TestServer, database: Database) -> String {
    if database == Database::Sqlite {
        let files = ["overdue.db", "overdue.db-wal"].map(|name| server.home().file(name));
        let bytes = files.iter().filter_map(|file| std::fs::read(file).ok()).flatten();
        return String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned();
    }
    let url = &server.database().url;
    let tables = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
                  WHERE table_schema = 'public'";
    let mut all = String::new();
    for table in texts(url, tables).await {
        all += &texts(url, &format!("SELECT CAST(t AS TEXT) FROM {table} t")).await.join("\n");
    }
    all
}
