//! Light or dark: as the system says, unless somebody chose. `POST /theme` remembers the choice in
//! a cookie and leads back to the page; a plain form, so that it works without JavaScript and for
//! people who are not signed in.

use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use http::header::SET_COOKIE;

use super::{Pages, Site, form, next, problem, see_other};
use crate::domain::text_enum;
use crate::fault::{Fault, Result};
use crate::http::cookie;

/// The cookie with the choice.
const NAME: &str = "theme";

text_enum! {
    /// What was chosen.
    Theme {
        /// As the system says.
        System => "system",
        /// Light.
        Light => "light",
        /// Dark.
        Dark => "dark",
    }
}

impl Theme {
    /// What is chosen, in a word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::System => "theme-system",
            Self::Light => "theme-light",
            Self::Dark => "theme-dark",
        }
    }
}

/// What this browser chose.
pub(super) fn of(headers: &HeaderMap) -> Theme {
    let chosen = cookie::value(headers, NAME).and_then(|name| name.parse().ok());
    chosen.unwrap_or(Theme::System)
}

pub(super) async fn submit(State(pages): State<Pages>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let site = Site::of(&head, &pages.ctx.config);
    match form::read(&head, body, &pages.ctx).await.and_then(|fields| choose(&site, fields)) {
        Ok(response) => response,
        Err(fault) => problem(&site, &fault),
    }
}

fn choose(site: &Site, mut fields: form::Fields) -> Result<Response> {
    let theme: Theme = fields
        .take("theme")
        .parse()
        .map_err(|_| Fault::invalid("theme", "must be one of light, dark, system"))?;
    let mut response = see_other(site, next::path(&fields.take("next")));
    response.headers_mut().append(SET_COOKIE, cookie::of_choice(NAME, theme.as_str())?);
    Ok(response)
}
