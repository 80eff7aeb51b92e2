//! Tokens: what proves who is asking, and nothing else does.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use overdue::domain::ping::PingKind;
use overdue::fault::Fault;
use overdue::service::tokens::{self, NewToken, Scope};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::Parts;
use crate::support::both_databases;

async fn refused(parts: &Parts, text: &str) -> bool {
    matches!(tokens::authenticate(&parts.ctx, text).await, Err(Fault::Unauthenticated(_)))
}

both_databases! {
    async fn a_token_proves_its_caller_and_no_other_text_does(database) {
        let parts = Parts::new(database).await;
        let project = parts.project().await;
        let check = parts.check(project, 60, 60).await;
        parts.ping(check, PingKind::Success).await;
        let new = NewToken {
            subject: "one".into(),
            expires_in: 60,
            scopes: vec![Scope::Read],
            allowed_ips: Vec::new(),
        };
        let row = tokens::create(&parts.ctx, 1, &new).await.unwrap();
        let text = tokens::text_of(&parts.ctx, &row).unwrap();
        assert_eq!(text, tokens::text_of(&parts.ctx, &row).unwrap(), "the same, byte for byte");
        let caller = tokens::authenticate(&parts.ctx, &text).await.unwrap();
        assert_eq!((caller.user_id, caller.subject.as_str()), (1, "one"));

        let payload = text.split('.').nth(1).unwrap();
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        let order: Vec<usize> = ["\"sub\"", "\"jti\"", "\"iat\"", "\"exp\""]
            .iter().map(|claim| claims.find(claim).unwrap()).collect();
        assert!(order.is_sorted(), "{claims}");

        // Another algorithm, other claims, a cut or longer text.
        let none = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"none"}"#);
        assert!(refused(&parts, &format!("{none}.{payload}.")).await);
        let signature = text.rsplit('.').next().unwrap();
        let longer = URL_SAFE_NO_PAD.encode(claims.replace("\"exp\":1", "\"exp\":9"));
        let head = text.split('.').next().unwrap();
        assert!(refused(&parts, &format!("{head}.{longer}.{signature}")).await);
        assert!(refused(&parts, &text[..text.len() - 1]).await);
        assert!(refused(&parts, &format!("{text}x")).await);
        let mut runner = TestRunner::deterministic();
        let anything = prop_oneof!["\\PC{0,80}", "[A-Za-z0-9_-]{1,40}(\\.[A-Za-z0-9_-]{1,60}){2}"];
        for _ in 0..200 {
            let guess: String = anything.new_tree(&mut runner).unwrap().current();
            assert!(refused(&parts, &guess).await, "{guess:?}");
        }

        parts.pass(60);
        assert!(refused(&parts, &text).await, "it has expired, with no leeway");
    }
}
