//! This server's own heartbeat: a URL of another monitor that is pinged every minute while all
//! workers are well, and not at all while one is late. Who watches there is told by the silence. It
//! touches nothing of the server's own.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::sync::watch;
use url::Url;

use crate::clock::Clock;
use crate::failpoint;
use crate::fault::{Fault, Result};
use crate::notify::outbound::{Answer, Failure, Outbound, Request, Settings};
use crate::vitals::Vitals;

/// How long after a ping the next one follows.
const EVERY: Duration = Duration::from_mins(1);
/// How long after a ping that failed the next one follows, and when it is looked again at workers
/// that were late: one lost packet is no alarm.
const SOON: Duration = Duration::from_secs(5);
/// After so many failures on end the pauses are as long as ever.
const QUICK_RETRIES: u32 = 6;

/// What became of one beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat {
    /// The other side took it.
    Taken,
    /// It could not be pinged, or did not take it: why.
    Failed(String),
    /// Not tried: which workers are late.
    Unwell(String),
}

/// The heartbeat of a running server.
#[derive(Debug)]
pub struct Heartbeat {
    request: Request,
    outbound: Outbound,
    vitals: Vitals,
    clock: Clock,
}

impl Heartbeat {
    /// A heartbeat for the address `url`, which the configuration itself names: it may be in a
    /// private network whatever `outbound.*` says. It goes through `proxy` where there is one.
    ///
    /// # Errors
    /// The address or the proxy is none that can be used.
    pub fn new(url: &str, proxy: Option<&str>, vitals: Vitals, clock: Clock) -> Result<Self> {
        let url = Url::parse(url).map_err(|why| Fault::invalid("watch.url", why.to_string()))?;
        let proxy = proxy.map(str::to_owned);
        let settings = Settings { allow_private: true, proxy, ..Settings::default() };
        let request = Request {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            private_headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        Ok(Self { request, outbound: Outbound::new(settings)?, vitals, clock })
    }

    /// Runs until `stop` says so. The first ping goes out as soon as all workers have run.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let (mut last, mut failures) = (None, 0);
        while !*stop.borrow() {
            let beat = self.beat().await;
            failures = if matches!(beat, Beat::Failed(_)) { failures + 1 } else { 0 };
            let pause = pause(&beat, failures);
            // At the start the workers have yet to begin.
            if last.is_some() || !matches!(beat, Beat::Unwell(_)) {
                tell(last.as_ref(), &beat);
                last = Some(beat);
            }
            tokio::select! {
                () = tokio::time::sleep(failpoint::shortened("watch", pause)) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Pings once, where all workers are well.
    pub async fn beat(&self) -> Beat {
        let late = self.vitals.late(self.clock.steady_micros());
        if !late.is_empty() {
            let late: Vec<String> = late.iter().map(ToString::to_string).collect();
            return Beat::Unwell(late.join("; "));
        }
        match self.outbound.send(&self.request).await {
            Ok(answer) if answer.status.is_success() => Beat::Taken,
            Ok(answer) => Beat::Failed(Answer::error(&answer)),
            Err(Failure::Refused(why) | Failure::Passing(why)) => Beat::Failed(why),
        }
    }
}

/// How long after this beat the next one follows; so many failed in a row.
fn pause(beat: &Beat, failures: u32) -> Duration {
    match beat {
        Beat::Taken => EVERY,
        Beat::Failed(_) if failures > QUICK_RETRIES => EVERY,
        Beat::Failed(_) | Beat::Unwell(_) => SOON,
    }
}

/// Says what changed; what goes on as before is not said again.
fn tell(last: Option<&Beat>, beat: &Beat) {
    let is_new =
        last.is_none_or(|last| std::mem::discriminant(last) != std::mem::discriminant(beat));
    match beat {
        _ if !is_new => {}
        Beat::Taken if last.is_some() => tracing::info!("watch.url is pinged again"),
        Beat::Taken => tracing::info!("watch.url is pinged every minute"),
        Beat::Failed(error) => {
            tracing::warn!(error, "watch.url could not be pinged; it is tried again");
        }
        Beat::Unwell(late) => tracing::warn!(late, "watch.url is not pinged: workers are late"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_packet_is_tried_again_soon_and_a_dead_watcher_every_minute() {
        let failed = Beat::Failed(String::new());
        assert_eq!(pause(&Beat::Taken, 0), EVERY);
        assert_eq!(pause(&failed, 1), SOON);
        assert_eq!(pause(&failed, QUICK_RETRIES), SOON);
        assert_eq!(pause(&failed, QUICK_RETRIES + 1), EVERY);
        assert_eq!(pause(&Beat::Unwell(String::new()), 0), SOON);
    }
}
