//! Reading a request's body: at most 1 MiB, and of what is more a good part is dropped, so that
//! the answer reaches a client that is still sending.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT, HeaderMap};
use http_body_util::BodyExt;

use crate::failpoint;
use crate::fault::{Fault, Result};

/// The longest body, in bytes.
pub const MAX_BODY: usize = 1_048_576;
/// How much is read of a body that is too long before the connection is given up, in bytes.
const MAX_DROPPED: usize = 16 * 1_048_576;
/// How long the next part of a body may take.
const IDLE: Duration = Duration::from_secs(30);
/// How long a whole body may take: one that trickles would hold its place for hours.
const LONGEST: Duration = Duration::from_mins(10);

/// Reads a body to its end.
///
/// # Errors
/// It is too long, broke off, or did not come in time.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes> {
    let longest = failpoint::shortened("body", LONGEST);
    let late = |_| Fault::invalid("", "the body did not arrive within 10 minutes");
    tokio::time::timeout(longest, read_on(headers, body)).await.map_err(late)?
}

async fn read_on(headers: &HeaderMap, mut body: Body) -> Result<Bytes> {
    let too_large = || Fault::TooLarge(format!("the body may have at most {MAX_BODY} bytes"));
    if announced(headers).is_some_and(|length| length > MAX_BODY) {
        discard(headers, body).await;
        return Err(too_large());
    }
    let mut whole = BytesMut::new();
    while let Some(data) = next(&mut body).await? {
        if whole.len() + data.len() > MAX_BODY {
            drop_rest(&mut body, whole.len() + data.len()).await;
            return Err(too_large());
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// Drops the body of a request that is refused whatever it says. One that is too long even for
/// that, or that the client holds back until it is asked for, is left alone.
pub async fn discard(headers: &HeaderMap, mut body: Body) {
    let hopeless = announced(headers).is_some_and(|length| length > MAX_DROPPED);
    if !hopeless && !headers.contains_key(EXPECT) {
        let longest = failpoint::shortened("body", LONGEST);
        // What has not come by then is left alone as well.
        let _ = tokio::time::timeout(longest, drop_rest(&mut body, 0)).await;
    }
}

async fn drop_rest(body: &mut Body, mut seen: usize) {
    while seen <= MAX_DROPPED
        && let Ok(Some(data)) = next(body).await
    {
        seen += data.len();
    }
}

/// The next part; none at the end.
async fn next(body: &mut Body) -> Result<Option<Bytes>> {
    loop {
        let frame = tokio::time::timeout(IDLE, body.frame()).await;
        let late = |_| Fault::invalid("", "the body did not arrive: nothing came for 30 seconds");
        let Some(frame) = frame.map_err(late)? else { return Ok(None) };
        let broken = |_| Fault::invalid("", "the body broke off before its end");
        if let Ok(data) = frame.map_err(broken)?.into_data() {
            return Ok(Some(data));
        }
    }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use std::convert::Infallible;

    fn parts(sizes: &[usize]) -> Body {
        let parts: Vec<Result<Bytes, Infallible>> =
            sizes.iter().map(|size| Ok(Bytes::from(vec![b'x'; *size]))).collect();
        Body::from_stream(stream::iter(parts))
    }

    #[tokio::test]
    async fn a_body_of_a_mebibyte_is_read_and_one_byte_more_is_not() {
        let headers = HeaderMap::new();
        let body = read(&headers, parts(&[MAX_BODY - 1, 1])).await.unwrap();
        assert_eq!(body.len(), MAX_BODY);
        let fault = read(&headers, parts(&[MAX_BODY, 1])).await.unwrap_err();
        assert!(matches!(fault, Fault::TooLarge(_)));
        let announced = HeaderMap::from_iter([(CONTENT_LENGTH, (MAX_BODY + 1).into())]);
        let fault = read(&announced, parts(&[MAX_BODY + 1])).await.unwrap_err();
        assert!(matches!(fault, Fault::TooLarge(_)));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused() {
        let broken =
            stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("gone"))]);
        let fault = read(&HeaderMap::new(), Body::from_stream(broken)).await.unwrap_err();
        assert_eq!(fault.to_string(), "the body broke off before its end");
    }
}
