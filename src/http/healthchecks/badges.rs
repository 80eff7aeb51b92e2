//! `/badge/…` and `/b/…`: the state of checks in a word, for pages elsewhere.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::fault::Refusal;
use super::{Healthchecks, json as rendered, of_kind};
use crate::domain::badge::{Badge, Tally};
use crate::service::badges;

/// What a badge of all checks is called.
const ALL: &str = "Overdue";
/// What ends a signature in the address of a badge of two states.
const TWO_STATES: &str = "-2";
/// How wide a letter is in a picture, and the space at both ends of a word.
const LETTER: usize = 7;
const SPACE: usize = 10;
/// The longest label in a picture, in characters.
const LONGEST: usize = 60;

pub(super) fn routes() -> Router<Healthchecks> {
    Router::new()
        .route("/badge/{key}/{file}", get(of_all))
        .route("/badge/{key}/{signature}/{file}", get(of_tag))
        .route("/b/{states}/{file}", get(of_check))
}

type Answer = Result<Response, Refusal>;

async fn of_all(
    State(state): State<Healthchecks>,
    Path((key, file)): Path<(String, String)>,
) -> Response {
    let shown = async {
        let (signature, form) = file.rsplit_once('.').ok_or_else(Refusal::not_found)?;
        of_project(&state, &key, signature, None, form).await
    };
    shown.await.unwrap_or_else(Refusal::render)
}

async fn of_tag(
    State(state): State<Healthchecks>,
    Path((key, signature, file)): Path<(String, String, String)>,
) -> Response {
    let shown = async {
        let (tag, form) = file.rsplit_once('.').ok_or_else(Refusal::not_found)?;
        of_project(&state, &key, &signature, Some(tag), form).await
    };
    shown.await.unwrap_or_else(Refusal::render)
}

async fn of_project(
    state: &Healthchecks,
    key: &str,
    signature: &str,
    tag: Option<&str>,
    form: &str,
) -> Answer {
    // A signature may itself end so: what is longer than one has it as an ending.
    let own = badges::signature(&state.ctx, key, tag);
    let (signature, has_late) = match signature.strip_suffix(TWO_STATES) {
        Some(short) if short.len() == own.len() => (short, false),
        _ => (signature, true),
    };
    let found = badges::of_project(&state.ctx, key, signature, tag).await?;
    let (_, tally) = found.ok_or_else(Refusal::not_found)?;
    show(tag.unwrap_or(ALL), tally, has_late, form)
}

async fn of_check(
    State(state): State<Healthchecks>,
    Path((states, file)): Path<(String, String)>,
) -> Response {
    let shown = async {
        let (uuid, form) = file.rsplit_once('.').ok_or_else(Refusal::not_found)?;
        let has_late = match states.as_str() {
            "2" => false,
            "3" => true,
            _ => return Err(Refusal::not_found()),
        };
        let found = badges::of_check(&state.ctx, uuid).await?;
        let (name, tally) = found.ok_or_else(Refusal::not_found)?;
        show(&name, tally, has_late, form)
    };
    shown.await.unwrap_or_else(Refusal::render)
}

fn show(label: &str, tally: Tally, has_late: bool, form: &str) -> Answer {
    let badge = Badge::of(tally, has_late);
    let mut response = match form {
        "svg" => of_kind(StatusCode::OK, "image/svg+xml", svg(label, badge)),
        "json" => {
            let Tally { total, grace, down } = tally;
            let body =
                json!({"status": badge.as_str(), "total": total, "grace": grace, "down": down});
            rendered(StatusCode::OK, &body)
        }
        "shields" => rendered(
            StatusCode::OK,
            &json!({
                "schemaVersion": 1,
                "label": label,
                "message": badge.as_str(),
                "color": badge.colour(),
            }),
        ),
        _ => return Err(Refusal::not_found()),
    };
    let headers = response.headers_mut();
    let text = HeaderValue::from_static;
    headers.insert(header::CACHE_CONTROL, text("no-cache, must-revalidate"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, text("*"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, text("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, text("default-src 'none'; style-src 'none'"));
    Ok(response)
}

/// A label and a word beside it.
fn svg(label: &str, badge: Badge) -> String {
    let mut label: String = label.chars().take(LONGEST).collect();
    if label.is_empty() {
        "check".clone_into(&mut label);
    }
    let word = badge.as_str();
    let left = label.chars().count() * LETTER + SPACE;
    let right = word.len() * LETTER + SPACE;
    let (width, paint) = (left + right, badge.paint());
    let (of_left, of_right) = (left / 2, left + right / 2);
    let label = escaped(&label);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"20\" role=\"img\" \
         aria-label=\"{label}: {word}\"><title>{label}: {word}</title>\
         <rect width=\"{left}\" height=\"20\" fill=\"#555\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{paint}\"/>\
         <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\" \
         text-anchor=\"middle\"><text x=\"{of_left}\" y=\"14\">{label}</text>\
         <text x=\"{of_right}\" y=\"14\">{word}</text></g></svg>"
    )
}

/// A text as it stands in XML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_breaks_out_of_no_picture() {
        let picture = svg("a\"><script>&\u{1}", Badge::Late);
        assert!(picture.contains("a&quot;&gt;&lt;script&gt;&amp; "), "{picture}");
        assert!(picture.contains("#fe7d37") && !picture.contains("<script>"), "{picture}");
    }
}
