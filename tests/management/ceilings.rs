//! Ceilings: however many ask at once, exactly so many objects are made, and the others are told
//! why not.

use futures_util::future::join_all;
use overdue::clock::Timestamp;
use overdue::context::Context;
use overdue::fault::Fault;
use overdue::service::tokens::{self, NewToken, Scope};
use overdue::service::{channels, projects, users};
use overdue::store;
use overdue::store::channels::ChannelRow;
use overdue::store::journal::{self, Entry};
use overdue::store::{Flag, projects::NewProject};
use serde_json::{Value, json};

use super::desk::Desk;
use super::line;
use crate::support::both_databases;
use crate::support::server::webhook;

/// Sends all of these bodies at once: the messages of those that were refused. Exactly `fit` must
/// have been taken, and nothing but 403 been said to the others.
async fn fill(desk: &Desk, token: &str, path: &str, bodies: Vec<Value>, fit: usize) -> Vec<String> {
    let asked = bodies.len();
    let sent = bodies.into_iter().map(|body| desk.call(token, "POST", path, Some(body)));
    let told = join_all(sent).await;
    let refused: Vec<String> =
        told.into_iter().filter(|told| told.status != 200).map(|told| told.fatal(403)).collect();
    assert_eq!(asked - refused.len(), fit, "{path}");
    refused
}

/// A project of the desk's user, and the token that it was made with.
async fn project(desk: &Desk) -> (i64, String) {
    let token = desk.token("project", 3600).await;
    let body = json!({"project_name": "Full"});
    let project = desk.call(&token, "POST", "/user/project", Some(body)).await.ok();
    (project["project_id"].as_i64().unwrap(), token)
}

/// A channel's row, one of many.
fn channel_row(project_id: i64, n: i64) -> ChannelRow {
    ChannelRow {
        channel_id: 0,
        project_id,
        uuid: format!("channel-{n}"),
        channel_name: format!("channel {n}"),
        kind: "webhook".to_owned(),
        sealed_config: String::new(),
        on_down: Flag(1),
        on_up: Flag(1),
        after_minutes: 0,
        remind_every: 0,
        group_threshold: 0,
        disabled: Flag(0),
        last_error: None,
        last_sent_at: None,
        created_at: Timestamp(0),
        confirmed_address: None,
    }
}

fn wish(subject: &str) -> NewToken {
    NewToken {
        subject: subject.to_owned(),
        expires_in: 60,
        scopes: Scope::ALL.to_vec(),
        allowed_ips: Vec::new(),
    }
}

both_databases! {
    async fn of_many_tokens_at_once_exactly_max_count_are_made(database) {
        let desk = Desk::with(database, |config| {
            config.tokens.max_count = 5;
            config.api.requests_per_second = 0;
        }).await;
        let session = desk.sign_in().await;
        let wishes = (0..40).map(|n| json!({"subject": format!("t{n}"), "expires_in": 60 + n}));
        let refused = fill(&desk, &session, "/user/token", wishes.collect(), 5).await;
        let list = desk.call(&session, "GET", "/user/token-list", None).await.ok();
        let earliest = list["list"].as_array().unwrap().iter().map(|t| t["expires_at"].as_str().unwrap()).min();
        for message in refused {
            assert!(message.starts_with("there are 5 tokens already") && message.contains(earliest.unwrap()), "{message}");
        }
        assert_eq!((&list["total_count"], &list["max_count"]), (&json!(5), &json!(5)));
    }

    async fn of_many_tokens_of_one_subject_at_once_one_is_made(database) {
        let desk = Desk::with(database, |config| config.api.requests_per_second = 0).await;
        let session = desk.sign_in().await;
        let wish = json!({"subject": "twin", "expires_in": 60});
        let sent = (0..30).map(|_| desk.call(&session, "POST", "/user/token", Some(wish.clone())));
        let told = join_all(sent).await;
        let (made, refused): (Vec<_>, Vec<_>) = told.into_iter().partition(|told| told.status == 200);
        assert_eq!(made.len(), 1);
        for told in refused {
            let message = told.fatal(400);
            assert!(message.starts_with("subject: must be unique"), "{message}");
        }
        // Another user may have one of that name too.
        let other = users::create(&desk.ctx, "other@example.org", "correct horse", false).await.unwrap();
        tokens::create(&desk.ctx, other, &self::wish("twin")).await.unwrap();
    }

    async fn two_processes_do_not_make_more_tokens_than_one(database) {
        let desk = Desk::with(database, |config| config.tokens.max_count = 4).await;
        let config = (*desk.ctx.config).clone();
        let beside = Context::open(config, desk.ctx.clock.clone()).await.unwrap();
        let tries = (0..30).map(async |n| {
            let ctx = if n % 2 == 0 { &desk.ctx } else { &beside };
            tokens::create(ctx, desk.user_id, &wish(&format!("t{n}"))).await
        });
        let outcomes = join_all(tries).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 4);
        for fault in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(fault, Fault::Forbidden(_)), "{fault:?}");
        }
    }

    async fn a_place_is_free_when_the_message_says_also_where_the_ceiling_was_lowered(database) {
        let desk = Desk::with(database, |config| config.tokens.max_count = 3).await;
        for (subject, life) in [("c", 300), ("a", 100), ("b", 200)] {
            desk.token(subject, life).await;
        }
        let mut config = (*desk.ctx.config).clone();
        config.tokens.max_count = 2;
        let ctx = Context { config: config.into(), ..desk.ctx.clone() };
        let refused = async || tokens::create(&ctx, desk.user_id, &wish("d")).await.unwrap_err().to_string();
        // When the first ends there are still two.
        assert!(refused().await.ends_with("2027-01-15T08:03:20.000000Z"), "{}", refused().await);
        desk.ctx.clock.advance(std::time::Duration::from_secs(199));
        assert!(refused().await.ends_with("2027-01-15T08:03:20.000000Z"), "{}", refused().await);
        desk.ctx.clock.advance(std::time::Duration::from_secs(1));
        tokens::create(&ctx, desk.user_id, &wish("d")).await.unwrap();
    }

    async fn making_tokens_and_writing_their_use_do_not_wait_for_each_other_in_a_circle(database) {
        let desk = Desk::with(database, |_| ()).await;
        let mut people = Vec::new();
        for n in 0..4 {
            let email = format!("user{n}@example.org");
            people.push(users::create(&desk.ctx, &email, "correct horse", false).await.unwrap());
        }
        for round in 0..10 {
            let mut old = Vec::new();
            for (n, user_id) in people.iter().enumerate() {
                let row = tokens::create(&desk.ctx, *user_id, &wish(&format!("{round}-{n}"))).await.unwrap();
                old.push((row.token_id, *user_id));
            }
            desk.ctx.clock.advance(std::time::Duration::from_mins(1));
            // In the order of the tokens, and in the other.
            let writers = (0..8).map(async |n| {
                let mut old = old.clone();
                if n % 2 == 0 {
                    old.reverse();
                }
                let entries: Vec<Entry> = old.iter().map(|(token, user)| line(desk.ctx.now(), *user, *token)).collect();
                let mut tx = desk.ctx.store.begin().await?;
                journal::insert(&mut tx, &entries).await?;
                tx.commit().await
            });
            let makers = people.iter().map(async |user_id| {
                tokens::create(&desk.ctx, *user_id, &wish(&format!("new {round}"))).await.map(drop)
            });
            let (written, made) = tokio::join!(join_all(writers), join_all(makers));
            for outcome in written.into_iter().chain(made) {
                outcome.unwrap();
            }
        }
    }

    async fn of_many_checks_at_once_exactly_max_count_are_made(database) {
        let desk = Desk::with(database, |config| {
            config.checks.max_count = 7;
            config.api.requests_per_second = 0;
        }).await;
        let (project, token) = project(&desk).await;
        let path = format!("/user/project/{project}/check");
        let bodies = (0..40).map(|n| json!({"check_name": format!("c{n}")}));
        for message in fill(&desk, &token, &path, bodies.collect(), 7).await {
            assert!(message.starts_with("there are 7 checks in this project already"), "{message}");
            assert!(message.contains("checks.max_count") && message.contains("delete one"), "{message}");
        }
        let list = desk.call(&token, "GET", &format!("{path}-list"), None).await.ok();
        assert_eq!((&list["total_count"], &list["max_count"]), (&json!(7), &json!(7)));
        // Another project has its own seven.
        let other = json!({"project_name": "Other"});
        let other = desk.call(&token, "POST", "/user/project", Some(other)).await.ok();
        let path = format!("/user/project/{}/check", other["project_id"]);
        fill(&desk, &token, &path, vec![json!({"check_name": "x"})], 1).await;
    }

    async fn of_many_channels_at_once_exactly_so_many_as_fit_are_made(database) {
        let desk = Desk::with(database, |config| config.api.requests_per_second = 0).await;
        let (project, token) = project(&desk).await;
        let mut tx = desk.ctx.store.begin().await.unwrap();
        for n in 0..channels::MAX_COUNT - 3 {
            store::channels::insert(&mut tx, &channel_row(project, n)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let path = format!("/user/project/{project}/channel");
        let bodies = vec![webhook("https://hooks.example.com/"); 20];
        for message in fill(&desk, &token, &path, bodies, 3).await {
            assert!(message.starts_with("there are 1000 channels in this project already"), "{message}");
        }
    }

    async fn of_many_projects_at_once_exactly_so_many_as_fit_are_made(database) {
        let desk = Desk::with(database, |config| config.api.requests_per_second = 0).await;
        let token = desk.token("many", 3600).await;
        let mut tx = desk.ctx.store.begin().await.unwrap();
        for n in 0..projects::MAX_COUNT - 3 {
            let (uuid, ping_key) = (format!("project-{n}"), format!("key-{n}"));
            let new = NewProject {
                uuid: &uuid, project_name: "one of many", ping_key: &ping_key, auto_create: true,
                owner_id: desk.user_id,
            };
            store::projects::insert(&mut tx, &new, desk.ctx.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        let bodies = (0..20).map(|n| json!({"project_name": format!("p{n}")}));
        for message in fill(&desk, &token, "/user/project", bodies.collect(), 3).await {
            assert!(message.starts_with("there are 1000 projects of this user already"), "{message}");
        }
        // Nor does the command line make more, and somebody else is not concerned.
        let fault = projects::create(&desk.ctx, desk.user_id, "more", true).await.unwrap_err();
        assert!(matches!(fault, Fault::Forbidden(_)), "{fault:?}");
        let other = users::create(&desk.ctx, "other@example.org", "correct horse", false).await.unwrap();
        projects::create(&desk.ctx, other, "first", true).await.unwrap();
    }
}
