//! What is kept of a mail, and what it counts as.

use serde_json::json;

use super::{Client, MAX_BYTES, address_of, shared};
use crate::support::both_databases;

/// What the last ping of these mails, sent one after the other, counted as.
macro_rules! kinds_of {
    ($api:ident, $check:ident, $client:ident, $mails:expr) => {{
        for mail in $mails {
            let reply = $client.mail(&[&address_of(&$check, "")], mail).await;
            assert!(reply.starts_with("250"), "{reply}");
        }
        $api.kinds(&$check).await
    }};
}

both_databases! {
    async fn a_mail_is_kept_whole_with_who_sent_it(database) {
        let (server, api) = shared(database).await;
        let check = api.check("kept", json!({})).await;
        let message = "From: Cron <root@web-1>\r\nSubject: backup\r\n\r\ndone: \u{e9}\r\n";
        let mut client = server.client().await;
        client.says("MAIL FROM:<root@web-1.example.org> BODY=8BITMIME SIZE=70", "250").await;
        client.says(&format!("RCPT TO:<{}>", address_of(&check, "")), "250").await;
        client.says("DATA", "354").await;
        // A dot at the beginning of a line is doubled for the way.
        client.send(format!("{message}..hidden\r\n.\r\n")).await;
        assert_eq!(client.reply().await, "250 2.0.0 OK: stored");
        let ping = api.last_ping(&check).await;
        for (field, value) in [
            ("kind", json!("success")), ("scheme", json!("email")), ("method", json!("")),
            ("remote_address", json!("127.0.0.1")), ("exit_status", json!(null)),
            ("user_agent", json!("Email from root@web-1.example.org")),
        ] {
            assert_eq!(ping[field], value, "{field}");
        }
        let body = api.body(&check, 1).await.body;
        assert_eq!(String::from_utf8(body.to_vec()).unwrap(), format!("{message}.hidden\r\n"));
        assert_eq!(api.read(&check).await["status"], "up");
    }

    async fn nobody_may_send_it_and_of_a_long_one_the_beginning_is_kept(database) {
        let (server, api) = shared(database).await;
        let check = api.check("long", json!({})).await;
        let mut client = server.client().await;
        client.says("MAIL FROM:<>", "250").await;
        client.says(&format!("RCPT TO:<{}>", address_of(&check, "")), "250").await;
        client.says("DATA", "354").await;
        // Its one line is longer than the standard's 998 characters: that loses no ping.
        let message = format!("\r\n{}\u{e9}{}\r\n", "a".repeat(9_997), "b".repeat(5_000));
        client.send(&message).await;
        client.says(".", "250").await;
        assert_eq!(api.last_ping(&check).await["user_agent"], "Email from");
        assert_eq!(api.body(&check, 1).await.body, message.as_bytes()[..9_999]);
    }

    async fn a_mail_that_is_no_utf8_counts_without_its_text(database) {
        let (server, api) = shared(database).await;
        let check = api.check("latin", json!({"filter_body": 1, "success_kw": "fini"})).await;
        let mut client = server.client().await;
        client.begin(&[&address_of(&check, "")]).await;
        let head = b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n";
        client.send([&head[..], b"\xe9t\xe9 fini\r\n.\r\n"].concat()).await;
        assert!(client.reply().await.starts_with("250"));
        let ping = api.last_ping(&check).await;
        assert_eq!((&ping["kind"], &ping["body_size"]), (&json!("success"), &json!(0)));
    }

    async fn words_in_subject_and_text_decide_what_a_mail_counts_as(database) {
        let (server, api) = shared(database).await;
        let mut client = server.client().await;
        let words = json!({
            "start_kw": "begun", "success_kw": "done, Gr\u{fc}\u{df}e", "failure_kw": "FAILED",
            "filter_subject": 1,
        });
        let subject = api.check("subject", words.clone()).await;
        let mails = [
            "Subject: begun\r\n\r\n", "Subject: all done\r\n\r\nFAILED\r\n",
            "Subject: done, and FAILED\r\n\r\n", "Subject: nothing\r\n\r\ndone\r\n",
            "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\n", "X-Subject: done\r\n\r\n",
        ];
        let kinds = kinds_of!(api, subject, client, mails);
        assert_eq!(kinds, ["start", "success", "fail", "ign", "success", "ign"]);

        let mut more = words.clone();
        more["filter_body"] = json!(1);
        more["filter_default_fail"] = json!(1);
        let both = api.check("both", more).await;
        let quoted = "Content-Transfer-Encoding: quoted-printable\r\n\r\nFAI=\r\nLED\r\n";
        let mails = ["Subject: done\r\n\r\nFAILED\r\n", "\r\nwell done\r\n", "\r\nhello\r\n", quoted];
        assert_eq!(kinds_of!(api, both, client, mails), ["fail", "success", "fail", "fail"]);
        // The words of mails are none of HTTP pings.
        api.ping_with(&both, "/log", "FAILED").await.says(200, "OK");
        assert_eq!(api.last_ping(&both).await["kind"], "log");

        let mut http = words;
        http["filter_subject"] = json!(0);
        http["filter_http_body"] = json!(1);
        let http = api.check("http", http).await;
        let kinds = kinds_of!(api, http, client, ["Subject: FAILED\r\n\r\nFAILED\r\n"]);
        assert_eq!(kinds, ["success"], "and those of HTTP pings none of mails");
    }

    async fn words_win_over_the_address(database) {
        let (server, api) = shared(database).await;
        let settings = json!({"filter_subject": 1, "success_kw": "OK"});
        let check = api.check("address", settings).await;
        let mut client = server.client().await;
        client.mail(&[&address_of(&check, "+fail")], "Subject: OK\r\n\r\n").await;
        client.mail(&[&address_of(&check, "+start")], "Subject: hello\r\n\r\n").await;
        assert_eq!(api.kinds(&check).await, ["success", "ign"]);
    }

    async fn the_rules_of_other_pings_hold_for_mails(database) {
        let (server, api) = shared(database).await;
        let mut client = server.client().await;
        let post_only = api.check("post", json!({"methods": "POST"})).await;
        let manual = api.check("manual", json!({"manual_resume": 1})).await;
        let paused = api.check("paused", json!({})).await;
        for check in [&manual, &paused] {
            api.update(check, json!({"paused": 1})).await;
        }
        for (check, kind, status) in [
            // A mail has no method that would be another one than POST.
            (&post_only, "success", "up"), (&manual, "ign", "paused"), (&paused, "success", "up"),
        ] {
            client.mail(&[&address_of(check, "")], "\r\n").await;
            assert_eq!(api.kinds(check).await, [kind]);
            assert_eq!(api.read(check).await["status"], status);
        }
    }

    async fn a_message_may_have_so_many_bytes_and_no_more(database) {
        let (server, api) = shared(database).await;
        let check = api.check("size", json!({})).await;
        let to = address_of(&check, "");
        let mut client: Client = server.client().await;
        client.says(&format!("MAIL FROM:<a@b.c> SIZE={}", MAX_BYTES + 1), "552 5.3.4").await;
        client.says(&format!("MAIL FROM:<a@b.c> SIZE={MAX_BYTES}"), "250").await;
        client.says("RSET", "250").await;
        let exactly = format!("\r\n{}\r\n", "a".repeat(MAX_BYTES - 4));
        assert!(client.mail(&[&to], &exactly).await.starts_with("250"));
        // Announced or not, one byte more is too many; what follows is taken again.
        let over = format!("\r\n{}\r\n", "a".repeat(MAX_BYTES - 3));
        assert!(client.mail(&[&to], &over).await.starts_with("552 5.3.4"));
        assert!(client.mail(&[&to], "x".repeat(1 << 20) + "\r\n").await.starts_with("552"));
        assert!(client.mail(&[&to], "\r\n").await.starts_with("250"));
        assert_eq!(api.read(&check).await["n_pings"], 2);
    }
}
