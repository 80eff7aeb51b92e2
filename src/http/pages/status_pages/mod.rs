//! Status pages: the list and the form for the project's members, the page itself for everybody, and
//! the badges.

mod badge;
mod edit;
mod public;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::routing::{get, post};
use axum::{Extension, Router};

use super::Pages;
use crate::clock::{SECOND, Timestamp};
use crate::service::status_pages::View;

/// For so long an answer is given again, in microseconds.
const FRESH: i64 = 10 * SECOND;
/// Pages that are remembered at most.
const MOST: usize = 1000;

/// What was just shown, by slug: a crowd in front of a page costs little.
#[derive(Debug, Default)]
struct Latest(Mutex<HashMap<String, Arc<View>>>);

impl Latest {
    fn get(&self, slug: &str, now: Timestamp) -> Option<Arc<View>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(slug).filter(|view| (0..FRESH).contains(&now.micros_since(view.at))).cloned()
    }

    fn keep(&self, slug: String, view: Arc<View>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(slug, view);
    }

    /// Forgets all: something was changed here.
    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

pub(super) fn routes() -> Router<Pages> {
    let at = |tail: &str| format!("/projects/{{uuid}}/status-pages{tail}");
    Router::new()
        .route(&at(""), get(edit::list).post(edit::create))
        .route(&at("/new"), get(edit::new))
        .route(&at("/{id}"), get(edit::show).post(edit::update))
        .route(&at("/{id}/delete"), post(edit::delete))
        .route(&at("/{id}/notices"), post(edit::say))
        .route(&at("/{id}/notices/{notice}/resolve"), post(edit::resolve))
        .route("/status/{slug}", get(public::show))
        .route("/badge/{file}", get(badge::show))
        .layer(Extension(Arc::<Latest>::default()))
}
