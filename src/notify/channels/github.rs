//! The channel kind `github`: an issue in a GitHub repository for every check that goes down. Reminders
//! are comments on it; up closes it with one.
//!
//! Which of the open issues is that of a check is seen by two marks: the label `overdue`, which
//! nobody can set who may not write to the repository, and the first line of its text, a comment in
//! HTML that holds the check's key and the message's id. So this kind has to ask before it tells, and
//! needs more requests than one.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::form::{Config, Shape, needed, optional};
use super::message::{Message, cut, fenced};
use super::service::{Service, below, no_objection, post_json, with_secret};
use crate::domain::alert::Event;
use crate::notify::outbound::{Answer, Delivery, Failure, Outbound, Request};

const LABEL: &str = "overdue";
const API: &str = "https://api.github.com";
const LONGEST_TITLE: usize = 256;
/// GitHub takes 65 536 characters; the lists of issues hold the texts of all of them.
const LONGEST_TEXT: usize = 10_000;
const ISSUES_A_PAGE: usize = 20;
/// So many pages of open issues are looked through, the newest issues first.
const MOST_PAGES: usize = 10;
/// How much is read of a page, bytes.
const LONGEST_PAGE: usize = 1024 * 1024;

/// A token that was revoked.
const REVOKED: &[StatusCode] = &[StatusCode::UNAUTHORIZED];
/// That, a repository that is gone or may not be seen any more, and one without issues.
const GONE: &[StatusCode] = &[StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND, StatusCode::GONE];

/// The kind. Its request is the one that opens an issue; [`deliver`] makes them all.
pub static GITHUB: Service = Service {
    name: "github",
    about: "An issue in a GitHub repository, opened by down and closed by up.",
    fields: &[
        needed("owner", Shape::Text(100), "the user or organization that owns the repository"),
        needed("repo", Shape::Text(100), "the repository's name"),
        needed(
            "token",
            Shape::Secret(300),
            "an access token that may read and write issues, of somebody who may write to the \
             repository",
        ),
        optional(
            "url",
            Shape::Url,
            "the API of a GitHub Enterprise Server, such as `https://github.example.com/api/v3`; \
             without one, that of github.com",
        ),
    ],
    example: r#"{"owner": "example", "repo": "jobs", "token": "github_pat_0123456789abcdef"}"#,
    group_threshold: 0,
    gone: GONE,
    request: |config, message| {
        let body = json!({
            "title": cut(&message.subject(), LONGEST_TITLE),
            "body": format!("{}\n\n{}", mark(message), text(&message.facts(), message)),
            "labels": [LABEL],
        });
        request(*config, Method::POST, &["issues"], Some(&body)).map(Some)
    },
    objection: no_objection,
};

/// An issue as far as it matters here.
#[derive(Debug, Deserialize)]
struct Issue {
    number: u64,
    #[serde(default)]
    body: Option<String>,
}

/// Sends one message: looks for the check's open issue and opens, comments or closes it.
pub(super) async fn deliver(
    outbound: &Outbound,
    config: &Value,
    message: &Message<'_>,
) -> Delivery {
    let talk = Talk { outbound, config: Config(config), message };
    talk.tell().await.unwrap_or_else(|delivery| delivery)
}

struct Talk<'a> {
    outbound: &'a Outbound,
    config: Config<'a>,
    message: &'a Message<'a>,
}

impl Talk<'_> {
    async fn tell(&self) -> Result<Delivery, Delivery> {
        let is_up = self.message.is_up();
        let issue = match self.find().await? {
            None if is_up => return Ok(Delivery::Skipped),
            None => self.open().await?,
            // It was opened by an earlier try of this message.
            Some(issue) if is_first_line(&issue, &mark(self.message)) => issue,
            Some(issue) => {
                self.comment(&issue).await?;
                issue
            }
        };
        if is_up || self.message.lead().event == Event::Test {
            self.close(&issue).await?;
        }
        Ok(Delivery::Delivered)
    }

    /// The newest open issue that is the check's.
    async fn find(&self) -> Result<Option<Issue>, Delivery> {
        let beginning = format!("<!-- {} ", self.message.key());
        for page in 1..=MOST_PAGES {
            let issues = self.page(page).await?;
            let is_last = issues.len() < ISSUES_A_PAGE;
            let found = issues.into_iter().find(|issue| is_first_line(issue, &beginning));
            if found.is_some() || is_last {
                return Ok(found);
            }
        }
        Ok(None)
    }

    async fn page(&self, page: usize) -> Result<Vec<Issue>, Delivery> {
        let mut request = request(self.config, Method::GET, &["issues"], None)?;
        let query = format!("state=open&labels={LABEL}&per_page={ISSUES_A_PAGE}&page={page}");
        request.url.set_query(Some(&query));
        read(&self.ask(request, GONE).await?)
    }

    async fn open(&self) -> Result<Issue, Delivery> {
        let opening = (GITHUB.request)(&self.config, self.message)?;
        match opening {
            Some(opening) => read(&self.ask(opening, GONE).await?),
            None => Err(Delivery::Skipped),
        }
    }

    async fn comment(&self, issue: &Issue) -> Result<(), Delivery> {
        let said = self.message.text();
        let said = said.strip_suffix(self.message.link()).unwrap_or(&said).trim_end();
        let body = json!({"body": text(said, self.message)});
        let path = ["issues", &issue.number.to_string(), "comments"];
        self.ask(request(self.config, Method::POST, &path, Some(&body))?, REVOKED).await?;
        Ok(())
    }

    async fn close(&self, issue: &Issue) -> Result<(), Delivery> {
        let body = json!({"state": "closed", "state_reason": "completed"});
        let path = ["issues", &issue.number.to_string()];
        self.ask(request(self.config, Method::PATCH, &path, Some(&body))?, REVOKED).await?;
        Ok(())
    }

    async fn ask(&self, request: Request, gone: &[StatusCode]) -> Result<Answer, Delivery> {
        let answer = self.outbound.fetch(&request, LONGEST_PAGE).await?;
        match answer.delivery(gone, self.message.now) {
            Delivery::Delivered => Ok(answer),
            other => Err(other),
        }
    }
}

/// A request to a part of the repository.
fn request(
    config: Config<'_>,
    method: Method,
    path: &[&str],
    body: Option<&Value>,
) -> Result<Request, Failure> {
    let repo = ["repos", config.text("owner"), config.text("repo")];
    let url = below(config.url_or("url", API)?, &[&repo, path].concat())?;
    let mut request = Request { method, ..post_json(url, body.unwrap_or(&Value::Null)) };
    if body.is_none() {
        request.headers.clear();
        request.body = Bytes::new();
    }
    let accepted = HeaderValue::from_static("application/vnd.github+json");
    request.headers.insert(header::ACCEPT, accepted);
    let version = HeaderName::from_static("x-github-api-version");
    request.headers.insert(version, HeaderValue::from_static("2022-11-28"));
    with_secret(request, header::AUTHORIZATION, &format!("Bearer {}", config.text("token")))
}

fn read<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<T, Delivery> {
    serde_json::from_str(&answer.body).map_err(|_| {
        let error = format!("{}: the answer can't be read", answer.status.as_u16());
        Delivery::Retry { error, retry_after: None }
    })
}

/// The first line of an issue's text.
fn mark(message: &Message<'_>) -> String {
    format!("<!-- {} {} -->", message.key(), message.id)
}

fn is_first_line(issue: &Issue, beginning: &str) -> bool {
    issue.body.as_ref().is_some_and(|body| body.starts_with(beginning))
}

/// What is said, as a block of code, in which GitHub finds neither mentions nor Markdown, and the
/// link below it.
fn text(said: &str, message: &Message<'_>) -> String {
    format!("{}\n\n{}", fenced("text", said, LONGEST_TEXT), message.link()).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::tests::late_backup;
    use crate::domain::alert::{Alert, CheckFacts};
    use crate::notify::channels::service::tests::{config_of, requests, said};
    use crate::notify::outbound::tests::{Heard, Receiver, answer, open};

    const KEY: &str = "overdue-0123456789012345678901234567890123456789";
    const CREATED: &str = "201 Created";

    #[test]
    fn its_first_request_is_the_one_that_github_documents() {
        insta::assert_snapshot!(requests(&GITHUB));
    }

    /// What becomes of a message where GitHub answers so, and what it heard.
    async fn told(event: Event, answers: &[String]) -> (Delivery, Vec<Heard>) {
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        let receiver = Receiver::answering(&answers).await;
        let mut config = config_of(&GITHUB);
        config["url"] = json!(receiver.url("/api/v3").as_str());
        let mut alert = Alert { event, ..late_backup() };
        if alert.event == Event::Test {
            alert.check = CheckFacts::default();
        }
        let message = Message { alerts: &[alert], id: "msg_7", now: late_backup().now };
        let delivery = deliver(&open(), &config, &message).await;
        (delivery, receiver.heard())
    }

    fn lines(heard: &[Heard]) -> Vec<&str> {
        heard.iter().map(|heard| heard.line.trim_end_matches(" HTTP/1.1")).collect()
    }

    /// A page with an issue of somebody else, and where it is given one that begins so.
    fn page(beginning: Option<&str>) -> String {
        let mut issues = vec![json!({"number": 3, "body": null})];
        issues.push(json!({"number": 4, "body": format!("See <!-- {KEY} msg_7 -->")}));
        issues.extend(beginning.map(|body| json!({"number": 5, "body": body, "title": "t"})));
        said("200 OK", &json!(issues).to_string())
    }

    const LIST: &str =
        "GET /api/v3/repos/example/jobs/issues?state=open&labels=overdue&per_page=20&page=1";

    #[tokio::test]
    async fn down_opens_an_issue_that_carries_the_checks_key() {
        let opened = said(CREATED, r#"{"number": 6}"#);
        let (delivery, heard) = told(Event::Down, &[page(None), opened]).await;
        assert_eq!(delivery, Delivery::Delivered);
        assert_eq!(lines(&heard), [LIST, "POST /api/v3/repos/example/jobs/issues"]);
        assert_eq!(heard[0].header("accept"), Some("application/vnd.github+json"));
        assert_eq!(heard[1].header("authorization"), Some("Bearer github_pat_0123456789abcdef"));
        let body: Value = serde_json::from_str(&heard[1].body).unwrap();
        let text = body["body"].as_str().unwrap();
        assert!(text.starts_with(&format!("<!-- {KEY} msg_7 -->\n\n```text\n")), "{text}");
    }

    #[tokio::test]
    async fn a_reminder_comments_on_the_issue_and_up_closes_it_with_a_comment() {
        let page = page(Some(&format!("<!-- {KEY} msg_1 -->\n")));
        let taken = said(CREATED, "{}");
        let (delivery, heard) = told(Event::StillDown, &[page.clone(), taken.clone()]).await;
        assert_eq!(delivery, Delivery::Delivered);
        let comments = "POST /api/v3/repos/example/jobs/issues/5/comments";
        assert_eq!(lines(&heard), [LIST, comments]);
        let (delivery, heard) = told(Event::Up, &[page, taken]).await;
        assert_eq!(delivery, Delivery::Delivered);
        let issue = "PATCH /api/v3/repos/example/jobs/issues/5";
        assert_eq!(lines(&heard), [LIST, comments, issue]);
        assert!(heard[1].body.contains("nightly backup is up"), "{}", heard[1].body);
        assert_eq!(heard[2].body, r#"{"state":"closed","state_reason":"completed"}"#);
    }

    #[tokio::test]
    async fn up_without_an_open_issue_says_nothing() {
        let (delivery, heard) = told(Event::Up, &[page(None)]).await;
        assert_eq!((delivery, lines(&heard)), (Delivery::Skipped, vec![LIST]));
    }

    #[tokio::test]
    async fn what_an_earlier_try_opened_is_not_opened_again() {
        let page = page(Some(&format!("<!-- {KEY} msg_7 -->\n")));
        let (delivery, heard) = told(Event::Down, &[page]).await;
        assert_eq!((delivery, lines(&heard)), (Delivery::Delivered, vec![LIST]));
    }

    #[tokio::test]
    async fn a_test_opens_an_issue_and_closes_it() {
        let opened = said(CREATED, r#"{"number": 6}"#);
        let (delivery, heard) = told(Event::Test, &[page(None), opened]).await;
        assert_eq!(delivery, Delivery::Delivered);
        let issues = "/api/v3/repos/example/jobs/issues";
        let wanted = [LIST, &format!("POST {issues}"), &format!("PATCH {issues}/6")];
        assert_eq!(lines(&heard), wanted);
    }

    #[tokio::test]
    async fn an_issue_is_looked_for_on_further_pages() {
        let full = json!(vec![json!({"number": 1, "body": "x"}); ISSUES_A_PAGE]).to_string();
        let last = page(Some(&format!("<!-- {KEY} msg_1 -->\n")));
        let answers = [said("200 OK", &full), last, said(CREATED, "{}")];
        let (delivery, heard) = told(Event::Up, &answers).await;
        assert_eq!(delivery, Delivery::Delivered);
        assert!(heard[1].line.contains("&page=2"), "{}", heard[1].line);
        assert!(heard[3].line.starts_with("PATCH"), "{}", heard[3].line);
    }

    #[tokio::test]
    async fn a_revoked_token_and_a_repository_that_is_gone_are_final_and_a_limit_is_not() {
        for status in ["401 Unauthorized", "404 Not Found", "410 Gone"] {
            let (delivery, _) = told(Event::Down, &[answer(status, "")]).await;
            assert!(matches!(delivery, Delivery::Gone { .. }), "{delivery:?}");
        }
        let limit = answer("403 Forbidden", "retry-after: 60\r\n");
        let (delivery, _) = told(Event::Down, &[limit]).await;
        assert!(matches!(delivery, Delivery::Retry { retry_after: Some(_), .. }), "{delivery:?}");
        let (delivery, _) = told(Event::Down, &[said("200 OK", "<html>")]).await;
        assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
        let page = page(Some(&format!("<!-- {KEY} msg_1 -->\n")));
        let (delivery, _) = told(Event::Up, &[page, answer("404 Not Found", "")]).await;
        assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
    }
}
