//! Reading a ping's body: the part that may be kept, and the rest to its end, so that clients that
//! send more than is kept are answered like others. Memory stays within the kept part.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use crate::failpoint;

/// A longer body is not read to its end; the connection is closed after the answer.
const MOST_READ: usize = 16 * 1024 * 1024;
/// A client that sends nothing for so long has gone.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);
/// A body that takes longer than this is not waited for: one that trickles would hold its place for
/// days.
const LONGEST: Duration = Duration::from_mins(10);

/// A body that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Read {
    /// Its first bytes, as many as are kept.
    pub(super) kept: Bytes,
    /// More came than is kept.
    pub(super) was_cut: bool,
    /// It was read to its end; otherwise the connection can't go on.
    pub(super) is_whole: bool,
}

/// The client went away, fell silent or was too slow before the body's end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Incomplete;

/// Reads a body, keeping at most `limit` bytes.
pub(super) async fn read(body: Incoming, limit: usize) -> Result<Read, Incomplete> {
    if body.is_end_stream() {
        return Ok(Read { kept: Bytes::new(), was_cut: false, is_whole: true });
    }
    // Boxed, so that the future of a ping without a body, as most are, has no room for it.
    let whole = Box::pin(read_on(body, limit));
    let longest = failpoint::shortened("body", LONGEST);
    tokio::time::timeout(longest, whole).await.unwrap_or(Err(Incomplete))
}

async fn read_on(mut body: Incoming, limit: usize) -> Result<Read, Incomplete> {
    let (mut kept, mut total) = (Bytes::new(), 0);
    loop {
        let frame = tokio::time::timeout(LONGEST_SILENCE, body.frame()).await;
        let Some(frame) = frame.map_err(|_| Incomplete)? else {
            let was_cut = total > limit;
            return Ok(Read { kept, was_cut, is_whole: true });
        };
        let Ok(data) = frame.map_err(|_| Incomplete)?.into_data() else { continue };
        total += data.len();
        kept = extended(kept, data, limit);
        if total > MOST_READ {
            return Ok(Read { kept, was_cut: true, is_whole: false });
        }
    }
}

/// The kept part with more behind it, up to the limit. A body that came in one piece, as nearly all
/// do, is not copied.
fn extended(kept: Bytes, data: Bytes, limit: usize) -> Bytes {
    let room = limit.saturating_sub(kept.len());
    if room == 0 {
        kept
    } else if kept.is_empty() {
        // A small part of a large buffer would hold all of it.
        if data.len() > room { Bytes::copy_from_slice(&data[..room]) } else { data }
    } else {
        let mut whole = BytesMut::from(kept);
        whole.extend_from_slice(&data[..data.len().min(room)]);
        whole.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_part_grows_to_the_limit_and_no_further() {
        let kept = extended(Bytes::new(), Bytes::from_static(b"abc"), 5);
        let kept = extended(kept, Bytes::from_static(b"defg"), 5);
        assert_eq!(kept, "abcde");
        assert_eq!(extended(kept, Bytes::from_static(b"h"), 5), "abcde");
        assert_eq!(extended(Bytes::new(), Bytes::from_static(b"abc"), 0), "");
    }
}
