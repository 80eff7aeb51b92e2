//! The bodies of pings: what of them is stored, and how long ones, broken ones and endless ones are
//! met.

use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::api::{Api, ping_path};
use crate::support::server::{TestServer, shared};
use crate::support::{Database, both_databases};

const MIB: usize = 1 << 20;

/// The stored body, as the management API shows it.
async fn stored(api: &Api, check: &Value, n: u32) -> Vec<u8> {
    let answer = api.body(check, n).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert!(answer.header("content-type").starts_with("text/plain"));
    answer.body.to_vec()
}

/// Whether an answer says that there is no body.
fn is_none(answer: &Answer) -> bool {
    answer.status != 200 || answer.body.is_empty()
}

fn post_head(check: &Value, fields: &str) -> String {
    format!("POST {} HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n", ping_path(check, ""))
}

both_databases! {
    async fn a_posted_body_is_kept_byte_for_byte(database) {
        let api = shared(database).await;
        let check = api.check("bodies", json!({})).await;
        let bodies = ["hello", "héllo wörld 日本 🦀", "a\r\nb\tc\0d", " ", "{\"a\": [1, 2]}"];
        for body in bodies {
            api.ping_with(&check, "", body).await.says(200, "OK");
        }
        for (n, body) in (1..).zip(bodies) {
            assert_eq!(stored(&api, &check, n).await, body.as_bytes());
        }
        for (ping, body) in api.pings(&check).await.iter().rev().zip(bodies) {
            assert_eq!(ping["body_size"], body.len());
        }
    }

    async fn every_kind_of_ping_keeps_its_body(database) {
        let api = shared(database).await;
        let check = api.check("Kinds", json!({})).await;
        for (n, tail) in (1..).zip(["", "/start", "/fail", "/log", "/9"]) {
            api.ping_with(&check, tail, format!("body of {tail}")).await.says(200, "OK");
            assert_eq!(stored(&api, &check, n).await, format!("body of {tail}").as_bytes());
        }
        let by_slug = api.send("POST", &api.slug_path("kinds"), &[], "by slug").await;
        by_slug.says(200, "OK");
        assert_eq!(stored(&api, &check, 6).await, b"by slug");
    }

    async fn a_body_that_is_not_utf_8_is_not_kept_and_the_ping_counts(database) {
        let api = shared(database).await;
        let check = api.check("latin", json!({})).await;
        let bodies: [&[u8]; 5] = [b"Hello \xe9 World", b"\xff", b"\xc3", b"ab\xe6\x97", b"\xed\xa0\x80"];
        for (n, body) in (1..).zip(bodies) {
            api.ping_with(&check, "", body.to_vec()).await.says(200, "OK");
            assert!(is_none(&api.body(&check, n).await), "{body:?}");
        }
        let state = api.read(&check).await;
        assert_eq!((&state["n_pings"], &state["status"]), (&json!(5), &json!("up")));
    }

    async fn of_a_long_body_the_first_10_000_bytes_are_kept(database) {
        let api = shared(database).await;
        let check = api.check("long", json!({})).await;
        for (n, length) in (1..).zip([9_999, 10_000, 10_001, 25_000, 3 * MIB]) {
            api.ping_with(&check, "", "A".repeat(length)).await.says(200, "OK");
            let kept = stored(&api, &check, n).await;
            assert!(kept == "A".repeat(length.min(10_000)).as_bytes(), "{length}: {}", kept.len());
        }
    }

    async fn a_cut_within_a_character_drops_that_character_alone(database) {
        let api = shared(database).await;
        let check = api.check("cut", json!({})).await;
        let cuts = [(9_999, "é", 9_999), (9_998, "é", 10_000), (9_998, "日", 9_998), (9_997, "🦀", 9_997)];
        for (n, (before, character, kept)) in (1..).zip(cuts) {
            let body = format!("{}{character}{}", "A".repeat(before), "B".repeat(5_000));
            api.ping_with(&check, "", body.clone()).await.says(200, "OK");
            assert!(stored(&api, &check, n).await == body.as_bytes()[..kept], "{before} {character}");
        }
    }

    async fn what_follows_the_limit_need_not_be_utf_8(database) {
        let api = shared(database).await;
        let check = api.check("tail", json!({})).await;
        let body = [vec![b'A'; 10_000], vec![0xff; 100]].concat();
        api.ping_with(&check, "", body).await.says(200, "OK");
        assert!(stored(&api, &check, 1).await == vec![b'A'; 10_000]);
    }

    async fn a_broken_character_at_the_cut_is_no_cut_character(database) {
        let api = shared(database).await;
        let check = api.check("broken at the cut", json!({})).await;
        // The two bytes before the limit begin no character that could go on behind it.
        let body = [vec![b'A'; 9_998], vec![0xff, 0xff], vec![b'B'; 100]].concat();
        api.ping_with(&check, "", body).await.says(200, "OK");
        assert!(is_none(&api.body(&check, 1).await));
    }

    async fn only_a_post_has_a_body_to_keep(database) {
        let api = shared(database).await;
        let check = api.check("get", json!({})).await;
        api.send("GET", &ping_path(&check, ""), &[], "not kept").await.says(200, "OK");
        api.ping(&check, "").await.says(200, "OK");
        api.ping_with(&check, "", "").await.says(200, "OK");
        for n in 1..=3 {
            assert!(is_none(&api.body(&check, n).await), "{n}");
        }
        assert!(is_none(&api.body(&check, 4).await));
    }

    async fn an_incomplete_body_stores_nothing_and_is_answered_400(database) {
        let api = shared(database).await;
        let check = api.check("incomplete", json!({})).await;
        let broken = [
            post_head(&check, "Content-Length: 100") + "only this",
            post_head(&check, "Transfer-Encoding: chunked") + "5\r\nhello\r\n",
            post_head(&check, "Transfer-Encoding: chunked") + "5\r\nhel",
            post_head(&check, "Content-Length: 20000") + "A".repeat(15_000).as_str(),
        ];
        for request in broken {
            let mut wire = api.wire().await;
            wire.send(request).await;
            wire.finish().await;
            assert_eq!(wire.answer().await.status, 400);
        }
        assert_eq!(api.read(&check).await["n_pings"], 0);
    }

    async fn a_client_that_hangs_up_within_its_body_stores_nothing(database) {
        let api = shared(database).await;
        let check = api.check("hung up", json!({})).await;
        for _ in 0..10 {
            let mut wire = api.wire().await;
            wire.send(post_head(&check, "Content-Length: 100") + "only this").await;
        }
        api.ping(&check, "").await.says(200, "OK");
        assert_eq!(api.read(&check).await["n_pings"], 1);
    }

    async fn a_chunked_body_is_a_body(database) {
        let api = shared(database).await;
        let check = api.check("chunked", json!({})).await;
        let mut wire = api.wire().await;
        let chunks = "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
        wire.send(post_head(&check, "Transfer-Encoding: chunked") + chunks).await;
        assert_eq!(wire.answer().await.status, 200);
        assert_eq!(stored(&api, &check, 1).await, b"abcdefg");
    }
}

#[tokio::test]
async fn a_longer_body_is_read_to_its_end_and_the_connection_goes_on() {
    let api = shared(Database::Sqlite).await;
    let check = api.check("keep-alive", json!({})).await;
    let mut wire = api.wire().await;
    for length in [20_000, MIB, 16 * MIB] {
        wire.send(post_head(&check, &format!("Content-Length: {length}"))).await;
        wire.send(vec![b'A'; length]).await;
        let answer = wire.answer().await;
        assert_eq!((answer.status, answer.body), (200, b"OK".to_vec()), "{length}");
    }
    wire.send(format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", ping_path(&check, ""))).await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(api.read(&check).await["n_pings"], 4);
}

#[tokio::test]
async fn over_16_mib_the_connection_is_closed_after_the_answer() {
    let api = shared(Database::Sqlite).await;
    let check = api.check("endless", json!({})).await;
    let mut wire = api.wire().await;
    let length = 64 * MIB;
    wire.send(post_head(&check, &format!("Content-Length: {length}"))).await;
    for _ in 0..length / MIB {
        // The server hangs up somewhere after 16 MiB; what it said before stays to be read.
        if wire.try_send(vec![b'A'; MIB]).await.is_err() {
            break;
        }
    }
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.body), (200, b"OK".to_vec()));
    assert_eq!(wire.rest().await, b"");
    assert_eq!(stored(&api, &check, 1).await.len(), 10_000);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_continue() {
    let api = shared(Database::Sqlite).await;
    let check = api.check("continue", json!({})).await;
    let mut wire = api.wire().await;
    wire.send(post_head(&check, "Content-Length: 5\r\nExpect: 100-continue")).await;
    assert_eq!(wire.head().await.status, 100);
    wire.send("hello").await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(stored(&api, &check, 1).await, b"hello");
}

#[tokio::test]
async fn the_limit_of_bodies_is_the_operators() {
    for (limit, kept) in [("5", "héll"), ("2", "h"), ("0", "")] {
        let settings = [("OVERDUE_PING__BODY_LIMIT", limit)];
        let server = TestServer::start(Database::Sqlite, &settings).await;
        let api = server.owner().await;
        let check = api.check("limited", json!({})).await;
        let answer = api.ping_with(&check, "", "héllo!").await;
        answer.says(200, "OK");
        assert_eq!(answer.header("ping-body-limit"), limit);
        let body = api.body(&check, 1).await;
        assert_eq!(if is_none(&body) { "" } else { body.text() }, kept, "limit {limit}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_bodies_are_not_held_in_memory() {
    let server = TestServer::start(Database::Sqlite, &[]).await;
    let api = server.owner().await;
    let check = api.check("lean", json!({})).await;
    api.ping_with(&check, "", "A".repeat(MIB)).await.says(200, "OK");
    let before = server.status("VmHWM:") * 1024;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let mut wire = api.wire().await;
        let head = post_head(&check, &format!("Content-Length: {}", 15 * MIB));
        tasks.spawn(async move {
            wire.send(head).await;
            for _ in 0..15 {
                wire.send(vec![b'A'; MIB]).await;
            }
            assert_eq!(wire.answer().await.status, 200);
        });
    }
    tasks.join_all().await;
    let grown = server.status("VmHWM:") * 1024 - before;
    // 240 MiB went through.
    assert!(grown < 48 * MIB, "grew by {} MiB", grown / MIB);
    assert_eq!(api.read(&check).await["n_pings"], 17);
}
