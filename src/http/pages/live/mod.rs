//! `/projects/{project}/events`: what changes while a page is open, as server-sent events. What
//! everybody who looks at the same list sees is drawn once; a connection has no task of its own, it
//! is a place in a hall.
//!
//! Events: `rows` (`{"rows": [{"id": …, "html": "<tr …>"}], "counts": {"down": 1, …}}`), and `list`:
//! look at the whole page again.

mod room;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Waker, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::Stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};
use http_body::Frame;
use tokio::sync::{broadcast, watch};

use super::project::Here;
use crate::fault::{Fault, Result};
use room::{Room, View};

/// Pages of one user that may be open at a time.
const MOST_OF_ONE: usize = 50;
/// Pages that may be open at a time in all.
const MOST: usize = 5000;
/// After so long the browser connects again, which keeps the session of an open page alive and finds
/// out whether it still is one.
const TURN: Duration = Duration::from_mins(5);
/// The browser connects again after so many milliseconds.
const FIRST: &[u8] = b"retry: 2000\n: welcome\n\n";
/// For a listener that was too slow: it looks at everything.
const LOOK_AGAIN: &[u8] = b"event: list\ndata: {}\n\n";

/// The rooms that somebody is in, and how many pages each user has open.
#[derive(Debug)]
pub(super) struct Hall {
    rooms: Mutex<HashMap<View, Arc<Room>>>,
    listeners: Arc<Mutex<HashMap<i64, usize>>>,
    door: watch::Receiver<bool>,
}

impl Hall {
    /// An empty one, which closes with the door.
    pub(super) fn new(door: watch::Receiver<bool>) -> Self {
        Self { rooms: Mutex::default(), listeners: Arc::default(), door }
    }

    /// A place of this user's, while there is one.
    fn seat(&self, user_id: i64) -> Result<Seat> {
        let mut all = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let taken: usize = all.values().sum();
        let own = all.entry(user_id).or_default();
        if *own >= MOST_OF_ONE || taken >= MOST {
            return Err(Fault::RateLimited { retry_after: 60 });
        }
        *own += 1;
        Ok(Seat { user_id, listeners: Arc::clone(&self.listeners) })
    }
}

/// A place in the hall, until it is dropped.
#[derive(Debug)]
struct Seat {
    user_id: i64,
    listeners: Arc<Mutex<HashMap<i64, usize>>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.get_mut(&self.user_id) {
            *own -= 1;
            if *own == 0 {
                all.remove(&self.user_id);
            }
        }
    }
}

pub(super) async fn listen(here: Here) -> Response {
    let answer = answer(&here);
    here.answer(answer).await
}

fn answer(here: &Here) -> Result<Response> {
    let hall = &here.pages.hall;
    let seat = hall.seat(here.opened.caller.user_id)?;
    let news = room::enter(&here.pages, View::of(here));
    let mut response = Response::new(stream(news, seat, hall.door.clone()));
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Proxies such as nginx otherwise wait for more before they pass anything on.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// What a listener gets: all that is told in its room, until its turn is over or the door closes.
fn stream(news: broadcast::Receiver<Bytes>, seat: Seat, door: watch::Receiver<bool>) -> Body {
    let end = Box::pin(tokio::time::sleep(TURN));
    let first = futures_util::stream::iter([Bytes::from_static(FIRST)]);
    let state = (news, seat, door, end);
    let rest =
        futures_util::stream::unfold(state, |(mut news, seat, mut door, mut end)| async move {
            let bytes = tokio::select! {
                biased;
                () = room::closing(&mut door) => return None,
                () = &mut end => return None,
                heard = news.recv() => match heard {
                    Ok(bytes) => bytes,
                    Err(broadcast::error::RecvError::Lagged(_)) => Bytes::from_static(LOOK_AGAIN),
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
            };
            Some((bytes, (news, seat, door, end)))
        });
    let all = futures_util::StreamExt::chain(first, rest);
    Body::new(Events(Box::pin(all)))
}

/// A body that sends each event as it comes.
struct Events(Pin<Box<dyn Stream<Item = Bytes> + Send>>);

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        waker: &mut Waker<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.as_mut().poll_next(waker).map(|event| event.map(|bytes| Ok(Frame::data(bytes))))
    }
}
