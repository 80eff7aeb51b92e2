//! `/setup`: the first account. While there is no user, whoever has the one-time code from the log
//! makes the first user, their project and its first check, all in one step, and is led straight to
//! that check's page. A plain form: it works without JavaScript.

use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::form::{self, Errors, Field};
use super::home::is_set_up;
use super::texts::{self, Text};
use super::{Pages, Site, page, problem, see_other, session};
use crate::context::Context;
use crate::domain::slug;
use crate::fault::{Fault, Result};
use crate::secret::{self, Secret};
use crate::service::tokens::{self, Device};
use crate::service::{names, projects, users};
use crate::store::checks::{self, Settings};
use crate::store::tokens::TokenRow;
use crate::store::{self, settings};

/// What the first check is called unless somebody says otherwise.
const CHECK_NAME: &str = "Nightly backup";
/// What the first project is called unless somebody says otherwise.
const PROJECT_NAME: &str = "My jobs";

/// A new one-time code for the first-account page, in place of any older one; none once there is a
/// user. Only its hash is kept: the caller shows it in the log.
///
/// # Errors
/// The database refused.
pub async fn new_setup_code(ctx: &Context) -> Result<Option<String>> {
    let mut tx = ctx.store.begin().await?;
    if store::users::any(&mut tx).await? {
        return Ok(None);
    }
    let code = secret::random_code();
    settings::set(&mut tx, settings::SETUP_CODE, &hash_of(&code)).await?;
    tx.commit().await?;
    Ok(Some(code))
}

fn hash_of(code: &str) -> String {
    secret::sha256_hex(secret::normalise_code(code))
}

/// What was typed.
#[derive(Clone, Debug)]
struct Form {
    code: String,
    email: String,
    password: Secret,
    project_name: String,
    check_name: String,
}

impl Form {
    /// An empty form, with the code that the address carries.
    fn fresh(query: Option<&str>) -> Self {
        let mut given = form::Fields::parse(query.unwrap_or_default().as_bytes());
        Self {
            code: given.take("code"),
            email: String::new(),
            password: Secret::new(""),
            project_name: PROJECT_NAME.to_owned(),
            check_name: CHECK_NAME.to_owned(),
        }
    }

    fn read(mut given: form::Fields) -> Self {
        Self {
            code: given.take_trimmed("code"),
            email: given.take_trimmed("email"),
            password: Secret::new(given.take("password")),
            project_name: given.take_trimmed("project_name"),
            check_name: given.take_trimmed("check_name"),
        }
    }

    /// What is wrong with it, save the code.
    fn errors(&self) -> Errors {
        let checks = [
            users::normal_email(&self.email).map(drop),
            users::check_password(self.password.expose()),
            names::check("project_name", &self.project_name, 1),
            names::check("check_name", &self.check_name, 1),
        ];
        let mut errors = Errors::default();
        checks.into_iter().filter_map(Result::err).for_each(|fault| errors.add(fault));
        errors
    }
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/setup.html" %}"#)]
struct Setup<'a> {
    site: &'a Site,
    problem: Option<Text>,
    fields: Vec<Field<'a>>,
}

#[derive(Template)]
#[template(ext = "html", source = r#"{% extends "src/http/pages/setup_over.html" %}"#)]
struct SetupOver<'a> {
    site: &'a Site,
}

impl<'a> Setup<'a> {
    fn new(site: &'a Site, form: &'a Form, errors: &'a Errors) -> Self {
        let mut fields = vec![
            Field {
                name: "code",
                label: texts::t("setup-one-time-code"),
                kind: "text",
                hint: texts::t("setup-from-the-log-of-the"),
                autocomplete: "one-time-code",
                value: &form.code,
                error: None,
                min_length: 1,
                max_length: 60,
                has_focus: false,
            },
            Field {
                name: "email",
                label: texts::t("setup-email-address"),
                kind: "email",
                hint: texts::t("setup-what-you-will-sign-in"),
                autocomplete: "username",
                value: &form.email,
                error: None,
                min_length: 3,
                max_length: 254,
                has_focus: false,
            },
            Field {
                name: "password",
                label: texts::t("setup-password"),
                kind: "password",
                hint: texts::t("setup-at-least-10-characters-a"),
                autocomplete: "new-password",
                value: "",
                error: None,
                min_length: users::MIN_PASSWORD,
                max_length: users::MAX_PASSWORD,
                has_focus: false,
            },
            Field {
                name: "project_name",
                label: texts::t("setup-project"),
                kind: "text",
                hint: texts::t("setup-checks-are-kept-in-projects"),
                autocomplete: "off",
                value: &form.project_name,
                error: None,
                min_length: 1,
                max_length: names::LONGEST,
                has_focus: false,
            },
            Field {
                name: "check_name",
                label: texts::t("setup-first-check"),
                kind: "text",
                hint: texts::t("setup-a-job-that-runs-once"),
                autocomplete: "off",
                value: &form.check_name,
                error: None,
                min_length: 1,
                max_length: names::LONGEST,
                has_focus: false,
            },
        ];
        for field in &mut fields {
            field.error = errors.at(field.name);
        }
        set_focus(&mut fields);
        Self { site, problem: errors.summary(), fields }
    }
}

/// Where typing starts: at the first wrong field, else at the first empty one.
fn set_focus(fields: &mut [Field<'_>]) {
    let wrong = fields.iter().position(|field| field.error.is_some());
    let empty = || fields.iter().position(|field| field.value.is_empty());
    if let Some(place) = wrong.or_else(empty) {
        fields[place].has_focus = true;
    }
}

pub(super) async fn show(State(pages): State<Pages>, head: Parts) -> Response {
    let site = Site::of(&head, &pages.ctx.config);
    match is_set_up(&pages.ctx).await {
        Ok(true) => over(&site),
        Ok(false) => {
            let form = Form::fresh(head.uri.query());
            page(StatusCode::OK, &Setup::new(&site, &form, &Errors::default()))
        }
        Err(fault) => problem(&site, &fault),
    }
}

/// The page's work is done for good.
fn over(site: &Site) -> Response {
    page(StatusCode::GONE, &SetupOver { site })
}

pub(super) async fn submit(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let site = Site::of(&head, &pages.ctx.config);
    let form = match form::read(&head, body, &pages.ctx).await {
        Ok(fields) => Form::read(fields),
        Err(fault) => return problem(&site, &fault),
    };
    match take(&pages, &site, &form, session::device(&pages.ctx, &head)).await {
        Ok(response) => response,
        Err(fault) => problem(&site, &fault),
    }
}

async fn take(pages: &Pages, site: &Site, form: &Form, device: Device) -> Result<Response> {
    if is_set_up(&pages.ctx).await? {
        return Ok(over(site));
    }
    let mut errors = form.errors();
    match prove(pages, &form.code).await {
        Ok(true) => {}
        Ok(false) => return Ok(wrong_code(site, form, errors)),
        Err(Fault::RateLimited { retry_after }) => return Ok(wait(site, form, retry_after)),
        Err(fault) => return Err(fault),
    }
    if !errors.is_empty() {
        return Ok(page(StatusCode::BAD_REQUEST, &Setup::new(site, form, &errors)));
    }
    // On a task of its own: a client that hangs up must not cut a transaction short.
    let made = tokio::spawn(make(pages.ctx.clone(), form.clone(), device));
    match made.await.map_err(Fault::internal)? {
        Ok(Some(made)) => signed_in(&pages.ctx, site, &made),
        Ok(None) => Ok(over(site)),
        Err(fault @ Fault::Invalid { .. }) => {
            errors.add(fault);
            Ok(page(StatusCode::BAD_REQUEST, &Setup::new(site, form, &errors)))
        }
        Err(fault) => Err(fault),
    }
}

/// Whether the code is the right one. Guesses are counted before they are judged.
async fn prove(pages: &Pages, code: &str) -> Result<bool> {
    let now = pages.ctx.clock.steady_micros();
    pages.codes.take(&(), now)?;
    let kept = settings::get(&mut pages.ctx.store.read().await?, settings::SETUP_CODE).await?;
    let fits = kept.is_some_and(|kept| {
        secret::equal_in_constant_time(kept.as_bytes(), hash_of(code).as_bytes())
    });
    if fits {
        pages.codes.give_back(&(), now);
    }
    Ok(fits)
}

fn wrong_code(site: &Site, form: &Form, mut errors: Errors) -> Response {
    let reason = "is not the one that the log shows; each start of the server makes a new one";
    errors.by_field.insert("code".to_owned(), reason.to_owned());
    page(StatusCode::FORBIDDEN, &Setup::new(site, form, &errors))
}

fn wait(site: &Site, form: &Form, seconds: u64) -> Response {
    let mut errors = Errors::default();
    let reason = format!("was wrong too often: try again in {seconds} s");
    errors.by_field.insert("code".to_owned(), reason);
    let mut response = page(StatusCode::TOO_MANY_REQUESTS, &Setup::new(site, form, &errors));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// What the form made.
struct Made {
    session: TokenRow,
    /// The page of the first check, below the prefix.
    path: String,
}

/// Makes the user, the project and the check together or not at all, and opens a session; none
/// where somebody was faster.
async fn make(ctx: Context, form: Form, device: Device) -> Result<Option<Made>> {
    let email = users::normal_email(&form.email)?;
    let password_hash = secret::hash_password(form.password.expose()).await?;
    let mut tx = ctx.store.begin().await?;
    // Of several that come here at once, all but one wait at this row until that one is done.
    settings::remove(&mut tx, settings::SETUP_CODE).await?;
    if store::users::any(&mut tx).await? {
        return Ok(None);
    }
    let user_id = users::insert(&ctx, &mut tx, &email, &password_hash, true).await?;
    let project = projects::insert(&ctx, &mut tx, user_id, &form.project_name, true).await?;
    let settings = Settings {
        slug: slug::derive(&form.check_name),
        check_name: form.check_name,
        ..Settings::default()
    };
    let uuid = secret::random_uuid().to_string();
    checks::insert(&mut tx, project.project_id, &uuid, &settings, ctx.now()).await?;
    tx.commit().await?;
    tracing::info!(%email, "the first account was made");
    let session = tokens::open_session(&ctx, user_id, &device).await?;
    Ok(Some(Made { session, path: format!("/projects/{}/checks/{uuid}", project.uuid) }))
}

fn signed_in(ctx: &Context, site: &Site, made: &Made) -> Result<Response> {
    let mut response = see_other(site, &made.path);
    session::hand_over(ctx, site, &made.session, &mut response)?;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Form {
        Form::read(form::Fields::parse(body.as_bytes()))
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_at_its_field() {
        let errors = form("email=nobody&password=short&project_name=%20&check_name=a%00b").errors();
        let mut fields: Vec<&str> = errors.by_field.keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["check_name", "email", "password", "project_name"]);
        assert_eq!(errors.by_field["password"], "must have at least 10 characters");
    }

    #[test]
    fn a_form_is_read_with_its_edges_trimmed_save_those_of_the_password() {
        let form =
            form("email=+a%40b.c+&password=+ten+letters+&project_name=P&check_name=C&code=1-2");
        assert!(form.errors().is_empty());
        assert_eq!((form.email.as_str(), form.password.expose()), ("a@b.c", " ten letters "));
        assert!(!format!("{form:?}").contains("letters"));
    }

    #[test]
    fn typing_starts_where_something_is_missing_or_wrong() {
        let site = Site::default();
        let focus = |form: &Form, errors: &Errors| {
            let fields = Setup::new(&site, form, errors).fields;
            fields.iter().find(|field| field.has_focus).map(|field| field.name.to_owned())
        };
        let none = Errors::default();
        assert_eq!(focus(&Form::fresh(None), &none).as_deref(), Some("code"));
        assert_eq!(focus(&Form::fresh(Some("code=X")), &none).as_deref(), Some("email"));
        let mut wrong = Errors::default();
        wrong.add(Fault::invalid("project_name", "must not"));
        assert_eq!(focus(&Form::fresh(None), &wrong).as_deref(), Some("project_name"));
    }
}
