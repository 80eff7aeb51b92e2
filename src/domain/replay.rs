//! What the kept history of a check leads to under given rules: its pings, pauses and resumes go
//! through the state machine of [`check`] once more, with the deadlines between them and our
//! outages. Nothing is decided here that is not decided there.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use uuid::Uuid;

use super::check::{self, Effect, Flip, LONGEST_GAP, Outage, Reason, Rules, State, Status};
use super::ping::{Method, Ping, PingKind, Scheme};
use super::run::Run;
use crate::clock::Timestamp;

/// A ping as history has it: what it counted as is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastPing {
    /// Its serial number.
    pub n: i64,
    /// When it was received.
    pub at: Timestamp,
    /// What it counted as.
    pub kind: PingKind,
    /// The run it belongs to.
    pub rid: Option<Uuid>,
}

/// A flip as it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastFlip {
    /// What happened.
    pub flip: Flip,
    /// The serial number of the ping that made it; none where no ping did.
    pub ping_n: Option<i64>,
}

/// What is kept of a check's past, each part in order.
#[derive(Clone, Debug)]
pub struct History {
    /// When the check was made.
    pub created_at: Timestamp,
    /// How it stands at the end.
    pub status: Status,
    /// How many pings there ever were; the oldest may be gone.
    pub n_pings: i64,
    /// The pings that are left.
    pub pings: Vec<PastPing>,
    /// The flips that are left.
    pub flips: Vec<PastFlip>,
    /// Our outages that may hold deadlines of this time.
    pub outages: Vec<Outage>,
    /// Up to this moment every deadline has been looked at.
    pub until: Timestamp,
}

/// From when a history can be reckoned with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Which event of the history is the first.
    first: usize,
    /// When that is.
    pub at: Timestamp,
    /// The status before it.
    pub status: Status,
    /// It is all that ever happened to the check.
    pub is_whole: bool,
}

/// What happened, in its order.
#[derive(Clone, Copy, Debug)]
struct Event<'a> {
    at: Timestamp,
    what: What<'a>,
    /// The flip that was recorded with it.
    flip: Option<&'a Flip>,
}

#[derive(Clone, Copy, Debug)]
enum What<'a> {
    Ping(&'a PastPing),
    Pause,
    Resume,
    /// A deadline was seen to pass: the server was there to look.
    Look,
}

impl History {
    /// From when this history can be reckoned with: its very beginning where all of it is kept;
    /// else the first moment after which nothing of what is gone matters (a success, a pause, a
    /// resume), or, where there is none, the oldest ping.
    #[must_use]
    pub fn beginning(&self) -> Beginning {
        let events = self.events();
        let is_whole = self.has_all_pings() && self.has_all_flips();
        if is_whole {
            return Beginning { first: 0, at: self.created_at, status: Status::New, is_whole };
        }
        let settles = |event: &Event| match event.what {
            What::Ping(ping) => ping.kind == PingKind::Success,
            What::Pause | What::Resume => true,
            What::Look => false,
        };
        let fails = |event: &Event| matches!(event.what, What::Ping(p) if p.kind == PingKind::Fail);
        let first = events.iter().position(settles).or_else(|| events.iter().position(fails));
        let first = first.unwrap_or(if events.is_empty() { events.len() } else { 0 });
        let rest = &events[first..];
        let at = rest.first().map_or(self.until, |event| event.at);
        let status = rest.iter().find_map(|event| event.flip).map_or(self.status, |flip| flip.from);
        Beginning { first, at, status, is_whole }
    }

    fn has_all_pings(&self) -> bool {
        self.pings.first().map_or(self.n_pings == 0, |ping| ping.n == 1)
    }

    fn has_all_flips(&self) -> bool {
        self.flips.first().is_none_or(|past| past.flip.n == 1)
    }

    /// The flips that were recorded from `beginning` on.
    #[must_use]
    pub fn recorded(&self, beginning: Beginning) -> Vec<Flip> {
        let events = self.events();
        events[beginning.first..].iter().filter_map(|event| event.flip.copied()).collect()
    }

    /// The flips that these rules make of the history from `beginning` on. `open_runs` are those
    /// that were open then, in order of their start.
    #[must_use]
    pub fn replayed(&self, beginning: Beginning, rules: &Rules, open_runs: Vec<Run>) -> Vec<Flip> {
        let events = self.events();
        let mut player = Player {
            // What pings count as is settled.
            rules: Rules { manual_resume: false, post_only: false, filter: None, ..rules.clone() },
            state: State { status: beginning.status, open_runs, ..State::default() },
            outages: Outages::of(self.outages.clone(), &events),
            flips: Vec::new(),
        };
        if !beginning.is_whole {
            player.forget_before(beginning.at);
        }
        events[beginning.first..].iter().for_each(|event| player.take_in(event));
        player.pass(self.until);
        player.flips
    }

    /// All that happened, in its order: pings by their numbers, flips by theirs, and among each
    /// other by the pings that made flips, else by their times.
    fn events(&self) -> Vec<Event<'_>> {
        let (pings, flips) = self.kept();
        let mut pings = pings.iter().peekable();
        let mut events = Vec::new();
        for (past, next) in flips.iter().zip(next_pings(flips)) {
            let flip = Some(&past.flip);
            if let Some(n) = past.ping_n {
                while let Some(before) = pings.next_if(|ping| ping.n < n) {
                    events.push(Event::ping(before, None));
                }
                events.extend(pings.next_if(|ping| ping.n == n).map(|it| Event::ping(it, flip)));
                continue;
            }
            let (at, what) = (past.flip.at, What::of(past.flip.reason));
            // A ping at the very deadline came in time, had it come before the look.
            let last = if matches!(what, What::Look) { at.plus_micros(-1) } else { at };
            while let Some(before) = pings.next_if(|ping| ping.n < next && ping.at <= last) {
                events.push(Event::ping(before, None));
            }
            events.push(Event { at, what, flip });
        }
        events.extend(pings.map(|it| Event::ping(it, None)));
        events
    }

    /// The pings and flips that lie in the time of which both are kept.
    fn kept(&self) -> (&[PastPing], &[PastFlip]) {
        let (mut pings, mut flips) = (self.pings.as_slice(), self.flips.as_slice());
        if !self.has_all_pings() {
            let first = pings.first().map_or((i64::MAX, self.until), |ping| (ping.n, ping.at));
            let is_gone = |past: &PastFlip| match past.ping_n {
                Some(n) => n < first.0,
                None => past.flip.at < first.1,
            };
            let gone = flips.iter().rposition(is_gone).map_or(0, |last| last + 1);
            flips = &flips[gone..];
        }
        if let (false, Some(first)) = (self.has_all_flips(), self.flips.first()) {
            let is_gone = |ping: &PastPing| match first.ping_n {
                Some(n) => ping.n < n,
                None => ping.at <= first.flip.at,
            };
            pings = &pings[pings.iter().take_while(|ping| is_gone(ping)).count()..];
        }
        (pings, flips)
    }
}

/// For each flip, the number of the next ping that is known to have come after it.
fn next_pings(flips: &[PastFlip]) -> Vec<i64> {
    let (mut next, mut all) = (i64::MAX, Vec::with_capacity(flips.len()));
    for past in flips.iter().rev() {
        all.push(next);
        next = past.ping_n.unwrap_or(next);
    }
    all.reverse();
    all
}

impl<'a> Event<'a> {
    fn ping(ping: &'a PastPing, flip: Option<&'a Flip>) -> Self {
        Self { at: ping.at, what: What::Ping(ping), flip }
    }
}

impl PastPing {
    /// The ping as the state machine takes it.
    fn as_received(&self) -> Ping {
        Ping {
            received_at: self.at,
            signal: self.kind,
            exit_status: None,
            rid: self.rid,
            scheme: Scheme::Http,
            method: Method::Post,
            remote_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            user_agent: String::new(),
            body: Bytes::new(),
            body_was_cut: false,
            mail: None,
            took: None,
        }
    }
}

impl What<'_> {
    fn of(reason: Reason) -> Self {
        match reason {
            Reason::Pause => Self::Pause,
            Reason::Resume => Self::Resume,
            Reason::Timeout | Reason::Overrun | Reason::Fail | Reason::Ping => Self::Look,
        }
    }
}

/// Our outages in order of their beginnings, each with the last moment at which the server is known
/// to have been there still: one is recorded from the last sign of life on, which is given every two
/// seconds only.
struct Outages {
    all: Vec<(Outage, Option<Timestamp>)>,
    /// The latest end of each and those before it.
    reach: Vec<Timestamp>,
}

impl Outages {
    fn of(mut outages: Vec<Outage>, events: &[Event]) -> Self {
        outages.sort_by_key(|outage| outage.from);
        let mut reach = Vec::with_capacity(outages.len());
        for outage in &outages {
            reach.push(reach.last().map_or(outage.to, |last: &Timestamp| outage.to.max(*last)));
        }
        let mut all = Self { all: outages.into_iter().map(|it| (it, None)).collect(), reach };
        for event in events {
            for place in all.around(event.at) {
                let (outage, alive) = &mut all.all[place];
                let shows_life = match event.what {
                    What::Look => true,
                    What::Ping(_) => event.at.micros_since(outage.from) <= LONGEST_GAP,
                    What::Pause | What::Resume => false,
                };
                if shows_life {
                    *alive = (*alive).max(Some(event.at));
                }
            }
        }
        all
    }

    /// The places of those that hold this moment.
    fn around(&self, at: Timestamp) -> Vec<usize> {
        let begun = self.all.partition_point(|(outage, _)| outage.from <= at);
        let near = (0..begun).rev().take_while(|place| self.reach[*place] >= at);
        near.filter(|place| self.all[*place].0.to >= at).collect()
    }

    /// Those that a deadline at this moment was found to lie in.
    fn over(&self, at: Timestamp) -> Vec<Outage> {
        let around = self.around(at).into_iter().map(|place| self.all[place]);
        let unseen = around.filter(|(_, alive)| alive.is_none_or(|alive| at > alive));
        unseen.map(|(outage, _)| outage).collect()
    }
}

/// A check that lives through its history again.
struct Player {
    rules: Rules,
    state: State,
    outages: Outages,
    flips: Vec<Flip>,
}

impl Player {
    /// Counts the open runs whose deadline passed before `at` as overrun, whatever the status, and
    /// without any flip: what came of them is history. One that passed unseen and counted from `at`
    /// on was put off to it.
    fn forget_before(&mut self, at: Timestamp) {
        let lenient = Rules { failure_threshold: i32::MAX, ..self.rules.clone() };
        let status = std::mem::replace(&mut self.state.status, Status::Up);
        check::on_deadline(&lenient, &mut self.state, &[], at.plus_micros(-1));
        (self.state.status, self.state.failures) = (status, 0);
    }

    fn take_in(&mut self, event: &Event) {
        match event.what {
            What::Ping(ping) => {
                self.pass(event.at.plus_micros(-1));
                let ping = ping.as_received();
                let outcome = check::on_ping(&self.rules, &mut self.state, &ping);
                self.flips.extend(outcome.effect.flip);
            }
            What::Pause => {
                self.pass(event.at);
                let effect = check::on_pause(&mut self.state, event.at);
                self.flips.extend(effect.flip);
            }
            What::Resume => {
                let mut effect = Effect::default();
                // As the janitor does meanwhile.
                check::give_up_old_runs(&self.rules, &mut self.state, event.at, &mut effect);
                let effect = check::on_resume(&self.rules, &mut self.state, event.at);
                self.flips.extend(effect.flip);
            }
            What::Look => self.pass(event.at),
        }
    }

    /// Lets the deadlines pass up to and with `to`, each by itself: which outages it lay in depends
    /// on when it was.
    fn pass(&mut self, to: Timestamp) {
        while let Some(at) = check::alert_at(&self.rules, &self.state).filter(|at| *at <= to) {
            let outages = self.outages.over(at);
            let outcome = check::on_deadline(&self.rules, &mut self.state, &outages, at);
            self.flips.extend(outcome.effect.flip);
        }
    }
}

#[cfg(test)]
mod tests;
