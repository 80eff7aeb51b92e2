//! Signing in with a second factor, on the wire.

use totp_rs::{Builder, Secret};

use crate::support::both_databases;
use crate::support::server::{PASSWORD, TestServer};
use crate::support::visitor::Visitor;

const EMAIL: &str = "ops@example.org";

/// What stands in the element of this id.
fn text_of(page: &str, id: &str) -> String {
    let (_, rest) = page.split_once(&format!("id=\"{id}\">")).unwrap_or_else(|| panic!("{page}"));
    rest.split('<').next().unwrap().trim().to_owned()
}

/// What the app shows, so many steps from now.
pub fn code(key: &str, steps: i64) -> String {
    let secret = Secret::try_from_base32(key.replace(' ', "")).unwrap();
    let app = Builder::new().with_secret(secret).build().unwrap();
    let now = crate::support::now().epoch_seconds() + 30 * steps;
    app.generate(now.try_into().unwrap()).to_string()
}

/// Turns the second factor on: the app's key and the recovery codes.
pub async fn turned_on(visitor: &mut Visitor) -> (String, Vec<String>) {
    let page = visitor.get("/account/second-factor").await;
    let key = text_of(page.text(), "key");
    assert!(page.text().contains("<svg class=\"qr\""), "{}", page.text());
    let (_, rest) = page.text().split_once("name=\"sealed\" value=\"").unwrap();
    let sealed = rest.split('"').next().unwrap().to_owned();
    assert!(!sealed.contains(&key.replace(' ', "")));
    let form = |code: &str, password: &str| {
        [("do", "begin"), ("sealed", &sealed), ("code", code), ("password", password)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    for (given, password, status) in [
        ("000000", PASSWORD, 400),
        (&code(&key, -1), "wrong horse battery", 400),
        (&code(&key, -1), PASSWORD, 200),
    ] {
        let form = form(given, password);
        let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let answer = visitor.submit("/account/second-factor", &form).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        if status == 200 {
            let codes = text_of(answer.text(), "codes");
            return (key, codes.lines().map(str::to_owned).collect());
        }
        assert!(answer.text().contains(&sealed[..2]) && text_of(answer.text(), "key") == key);
    }
    unreachable!("the last form is right")
}

/// Gives the password, and carries what comes back into the next step.
async fn halfway(server: &TestServer) -> Visitor {
    let mut visitor = Visitor::at(server);
    let form = [("email", EMAIL), ("password", PASSWORD), ("next", "/docs/api")];
    let answer = visitor.submit("/sign-in", &form).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "/sign-in/code?next=%2Fdocs%2Fapi")
    );
    assert_eq!(visitor.token, None, "the password alone opens no session");
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    visitor.headers = vec![("cookie".to_owned(), cookie.split(';').next().unwrap().to_owned())];
    visitor
}

async fn give(visitor: &mut Visitor, code: &str) -> u16 {
    let answer = visitor.submit("/sign-in/code?next=%2Fdocs%2Fapi", &[("code", code)]).await;
    if answer.status == 303 {
        assert_eq!(answer.header("location"), "/docs/api");
    }
    answer.status
}

both_databases! {
    async fn with_a_second_factor_each_code_signs_in_once(database) {
        let server = TestServer::start(database, &[]).await;
        server.new_user(EMAIL);
        let mut visitor = Visitor::at(&server).signed_in(EMAIL).await;
        let mut elsewhere = Visitor::at(&server).signed_in(EMAIL).await;
        let before = visitor.token.clone();
        let (key, codes) = turned_on(&mut visitor).await;
        assert_ne!(visitor.token, before);
        assert_eq!(visitor.get("/user/profile").await.status, 200);
        assert_eq!(elsewhere.get("/user/profile").await.status, 401, "other sessions end");
        assert_eq!(codes.len(), 8);

        let mut visitor = halfway(&server).await;
        assert_eq!(visitor.get("/user/profile").await.status, 401, "half a sign-in opens nothing");
        assert_eq!(give(&mut visitor, "000000").await, 403);
        assert_eq!(give(&mut visitor, &code(&key, -1)).await, 403, "the one that turned it on");
        // The step may have gone on by one since.
        let right = code(&key, 1);
        assert_eq!(give(&mut visitor, &right).await, 303);
        assert!(visitor.token.is_some());
        assert_eq!(give(&mut halfway(&server).await, &right).await, 403, "not once more");

        assert_eq!(give(&mut halfway(&server).await, &codes[3].to_lowercase()).await, 303);
        assert_eq!(give(&mut halfway(&server).await, &codes[3]).await, 403, "once");
        let file = std::fs::read(server.home().file("overdue.db")).unwrap_or_default();
        let raw = String::from_utf8_lossy(&file).into_owned();
        assert!(!raw.contains(&codes[4]) && !raw.contains(&key.replace(' ', "")));
    }

    async fn who_lost_the_app_is_helped_on_the_command_line(database) {
        let server = TestServer::start(database, &[]).await;
        server.new_user(EMAIL);
        let mut visitor = Visitor::at(&server).signed_in(EMAIL).await;
        turned_on(&mut visitor).await;
        let half = halfway(&server).await;
        server.cli_ok(&["user", "end-second-factor", EMAIL], "");
        let mut late = half;
        assert_eq!(give(&mut late, "000000").await, 403);
        Visitor::at(&server).signed_in(EMAIL).await;
    }

    async fn half_a_sign_in_ends_with_the_password_and_codes_are_not_guessed_on(database) {
        let server = TestServer::start(database, &[]).await;
        server.new_user(EMAIL);
        let mut visitor = Visitor::at(&server).signed_in(EMAIL).await;
        let (key, codes) = turned_on(&mut visitor).await;
        let mut thief = halfway(&server).await;
        for _ in 0..10 {
            assert_eq!(give(&mut thief, "000000").await, 403);
        }
        assert_eq!(give(&mut thief, &code(&key, 1)).await, 429);
        assert_eq!(give(&mut thief, &codes[0]).await, 429, "nor by a recovery code");
        let form = [("old_password", PASSWORD), ("password", "another horse battery")];
        assert_eq!(visitor.submit("/account/password", &form).await.status, 303);
        let gone = thief.get("/sign-in/code").await;
        assert_eq!((gone.status, gone.header("location")), (303, "/sign-in?next=%2F"));
        let form = [("do", "end"), ("password", "another horse battery")];
        assert_eq!(visitor.submit("/account/second-factor", &form).await.status, 303);
        assert_eq!(Visitor::at(&server).sign_in(EMAIL, "another horse battery").await.header("location"), "/");
    }
}
