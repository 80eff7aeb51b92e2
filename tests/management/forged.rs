//! Tokens that nobody gave out: texts that are nearly a token's, even ones signed with the right
//! key. Every one of them is a 401, and the true text goes on working.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::desk::Desk;
use super::fields;
use crate::support::{Database, both_databases};

/// A desk, and the true text of a token there.
async fn desk(database: Database) -> (Desk, String) {
    let desk = Desk::with(database, |_| ()).await;
    let token = desk.token("true", 3600).await;
    (desk, token)
}

/// The three parts of a token's text.
fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

fn encoded(json: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json)
}

fn decoded(part: &str) -> String {
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// These claims signed with the server's own key.
fn signed(desk: &Desk, algorithm: Algorithm, claims: &Value) -> String {
    let key = EncodingKey::from_secret(&desk.ctx.keys.token_key());
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
}

/// Holds that none of these texts is taken, and that the true one is.
async fn are_refused(desk: &Desk, token: &str, texts: &[String]) {
    for text in texts {
        assert_ne!(text, token);
        let told = desk.call(text, "GET", "/user/profile", None).await;
        assert_eq!((told.status, &told.json["error"]), (401, &json!("Unauthorized")), "{text}");
    }
    desk.call(token, "GET", "/user/profile", None).await.ok();
}

both_databases! {
    async fn a_text_has_four_claims_in_their_order_and_whole_seconds(database) {
        let (_desk, token) = desk(database).await;
        let [header, claims, _] = parts(&token);
        assert_eq!(decoded(header), r#"{"typ":"JWT","alg":"HS256"}"#);
        let claims: Value = serde_json::from_str(&decoded(claims)).unwrap();
        assert_eq!(fields(&claims), ["sub", "jti", "iat", "exp"]);
        assert_eq!((&claims["sub"], &claims["iat"], &claims["exp"]), (
            &json!("true"), &json!(1_800_000_000), &json!(1_800_003_600),
        ));
    }

    async fn a_header_that_names_another_algorithm_is_refused(database) {
        let (desk, token) = desk(database).await;
        let [_, claims, signature] = parts(&token);
        let mut forged = Vec::new();
        for name in ["none", "None", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256", ""] {
            let header = encoded(&json!({"typ": "JWT", "alg": name}).to_string());
            forged.push(format!("{header}.{claims}.{signature}"));
            forged.push(format!("{header}.{claims}."));
        }
        forged.push(format!("{}.{claims}.{signature}", encoded("{}")));
        let claims: Value = serde_json::from_str(&decoded(claims)).unwrap();
        forged.push(signed(&desk, Algorithm::HS384, &claims));
        forged.push(signed(&desk, Algorithm::HS512, &claims));
        are_refused(&desk, &token, &forged).await;
    }

    async fn claims_that_were_changed_are_refused(database) {
        let (desk, token) = desk(database).await;
        let other = desk.token("other", 7200).await;
        let [header, claims, signature] = parts(&token);
        let [_, other_claims, other_signature] = parts(&other);
        let longer = decoded(claims).replace("1800003600", "1900000000");
        are_refused(&desk, &token, &[
            format!("{header}.{other_claims}.{signature}"),
            format!("{header}.{claims}.{other_signature}"),
            format!("{header}.{}.{signature}", encoded(&longer)),
            format!("{claims}.{header}.{signature}"),
            format!("{header}.{signature}.{claims}"),
        ]).await;
    }

    async fn even_what_the_right_key_signed_is_no_token_unless_it_is_its_text(database) {
        let (desk, token) = desk(database).await;
        let claims: Value = serde_json::from_str(&decoded(parts(&token)[1])).unwrap();
        let with = |change: &dyn Fn(&mut Value)| {
            let mut claims = claims.clone();
            change(&mut claims);
            signed(&desk, Algorithm::HS256, &claims)
        };
        // The same claims, signed by us: this is how the true text is made.
        assert_eq!(with(&|_| ()), token);
        let turned: serde_json::Map<_, _> =
            claims.as_object().unwrap().clone().into_iter().rev().collect();
        are_refused(&desk, &token, &[
            signed(&desk, Algorithm::HS256, &Value::Object(turned)),
            with(&|claims| claims["admin"] = json!(1)),
            with(&|claims| claims["jti"] = json!("unknown")),
            with(&|claims| claims["exp"] = json!(1)),
            with(&|claims| claims["exp"] = json!(1_800_003_600.5)),
            with(&|claims| claims["exp"] = json!("1800003600")),
            with(&|claims| claims["iat"] = Value::Null),
            with(&|claims| drop(claims.as_object_mut().unwrap().shift_remove("sub"))),
        ]).await;
    }

    async fn what_another_key_signed_is_refused(database) {
        let (desk, token) = desk(database).await;
        let claims: Value = serde_json::from_str(&decoded(parts(&token)[1])).unwrap();
        let with = |key: &[u8]| {
            let key = EncodingKey::from_secret(key);
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
        };
        are_refused(&desk, &token, &[with(b""), with(b"secret"), with(&[0; 32])]).await;
    }

    async fn a_text_with_anything_more_or_less_is_refused(database) {
        let (desk, token) = desk(database).await;
        let [header, claims, signature] = parts(&token);
        let mut forged = vec![
            format!("{token}."), format!("{token}.."), format!("{token}.x"), format!(".{token}"),
            format!("{token}="), format!("{token}A"), format!("\"{token}\""),
            format!("{header}. {claims}.{signature}"), format!("{header} .{claims}.{signature}"),
            format!("{header}.{claims}.{signature}.{signature}"), format!("{header}..{signature}"),
            format!("{header}.{claims}."), format!("{header}.{claims}"), format!("..{signature}"),
            token[..token.len() - 1].to_owned(), token.to_uppercase(), token.replace('.', "%2e"),
        ];
        // The last character of the signature carries four bits and two that mean nothing.
        let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let others = digits.chars().filter(|digit| !token.ends_with(*digit));
        forged.extend(others.map(|digit| format!("{}{digit}", &token[..token.len() - 1])));
        are_refused(&desk, &token, &forged).await;
    }
}
