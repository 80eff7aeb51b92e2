//! A visitor without JavaScript, on the wire: it sends what browsers send with our own forms, and
//! keeps the session's cookie.

use reqwest::Method;

use super::answer::Answer;
use super::server::{PASSWORD, TestServer, http_client};

/// The media type of what a form submits.
const FORM: &str = "application/x-www-form-urlencoded";

/// A visitor at a server.
pub struct Visitor {
    http: reqwest::Client,
    /// Scheme, host and port of the server.
    pub base: String,
    /// The session's token, if there is one.
    pub token: Option<String>,
    /// Headers that go with every request.
    pub headers: Vec<(String, String)>,
}

impl Visitor {
    /// One who comes with nothing.
    pub fn at(server: &TestServer) -> Self {
        Self { http: http_client(), base: server.base(), token: None, headers: Vec::new() }
    }

    /// One whom a trusted proxy says to come from this address.
    pub fn from(server: &TestServer, address: &str) -> Self {
        let headers = vec![("x-forwarded-for".to_owned(), address.to_owned())];
        Self { headers, ..Self::at(server) }
    }

    /// Looks at a page.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.get_with(&[], path).await
    }

    /// The same with these headers.
    pub async fn get_with(&mut self, headers: &[(&str, &str)], path: &str) -> Answer {
        self.send(Method::GET, path, headers, String::new()).await
    }

    /// Submits a form of ours.
    pub async fn submit(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let origin = self.base.clone();
        self.submit_from(&[("origin", &origin)], path, form).await
    }

    /// Submits a form, from the page that these headers tell of.
    pub async fn submit_from(
        &mut self,
        headers: &[(&str, &str)],
        path: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let headers = [headers, &[("content-type", FORM)]].concat();
        self.send(Method::POST, path, &headers, body).await
    }

    /// Tries to sign in.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        self.submit("/sign-in", &[("email", email), ("password", password)]).await
    }

    /// Signs in with the password of every user that a test makes.
    pub async fn signed_in(mut self, email: &str) -> Self {
        let answer = self.sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        self
    }

    /// Sends anything.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(token) = &self.token {
            request = request.header("cookie", format!("api_access_token={token}"));
        }
        let answer = Answer::read(request.send().await.unwrap()).await.unwrap();
        self.keep_cookie(&answer);
        answer
    }

    fn keep_cookie(&mut self, answer: &Answer) {
        let line = answer.header("set-cookie");
        let Some((_, rest)) = line.split_once("api_access_token=") else { return };
        let token = rest.split(';').next().unwrap();
        self.token = (!token.is_empty()).then(|| token.to_owned());
    }
}
