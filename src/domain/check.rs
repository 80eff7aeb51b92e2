//! The state machine of a check: what a ping, a deadline, a pause or an edit does to it
//! (`alerting.md`, "States of a check"). Nothing here knows where a check is kept.
//!
//! A check is [`Rules`] (what its owner set) and [`State`] (what happened since). Each `on_…`
//! function changes the state and tells, as an [`Effect`], what else has to be written down.

use super::ping::{Method, Ping, PingKind, WordFilter};
use super::run::{LONGEST, Run, RunResult};
use super::schedule::Schedule;
use super::text_enum;
use crate::clock::{SECOND, Timestamp};

/// Runs of one check that may be open at a time; one more, and the oldest is lost. Every ping of
/// the check reads them.
pub const MOST_OPEN_RUNS: usize = 1000;

text_enum! {
    /// The stored status. `grace` is derived from it and never stored.
    Status {
        /// No success or failure yet, since it was made or resumed.
        New => "new",
        /// All is well.
        Up => "up",
        /// Somebody has to look.
        Down => "down",
        /// Not watched.
        Paused => "paused",
    }
}

text_enum! {
    /// Why a status changed.
    Reason {
        /// The job said that it failed.
        Fail => "fail",
        /// A ping did not come in time.
        Timeout => "timeout",
        /// A run did not finish in time.
        Overrun => "overrun",
        /// A success came.
        Ping => "ping",
        /// Somebody paused the check.
        Pause => "pause",
        /// Somebody resumed it.
        Resume => "resume",
    }
}

impl Reason {
    /// Something was expected of the job, and nothing came.
    #[must_use]
    pub const fn is_silence(self) -> bool {
        matches!(self, Self::Timeout | Self::Overrun)
    }
}

/// What the owner of a check has set, as far as it decides states and deadlines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// When pings are expected.
    pub schedule: Schedule,
    /// Seconds that a ping may be late.
    pub grace: i64,
    /// Seconds that a run may take; none: as long as `grace`.
    pub max_runtime: Option<i64>,
    /// Seconds that a ping may be early and still count for its occurrence; none: by the schedule.
    pub early_tolerance: Option<i64>,
    /// So many failures in a row turn it down.
    pub failure_threshold: i32,
    /// Pings do not resume it when it is paused.
    pub manual_resume: bool,
    /// Of the pings over HTTP only those by POST count.
    pub post_only: bool,
    /// Words that decide what a ping counts as.
    pub filter: Option<WordFilter>,
}

impl Rules {
    /// Microseconds that a run may take.
    fn longest_run(&self) -> i64 {
        self.max_runtime.unwrap_or(self.grace) * SECOND
    }
}

/// What happened to a check so far, as far as it decides what comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its status.
    pub status: Status,
    /// Failures since the last success.
    pub failures: i32,
    /// Pings stored so far, which is the serial number of the last one.
    pub n_pings: i64,
    /// Flips so far, which is the serial number of the last one.
    pub n_flips: i64,
    /// What the next occurrence counts from: the last success or failure, or the occurrence that
    /// was missed after it.
    pub base_at: Option<Timestamp>,
    /// The deadline for the next ping was put off to this moment.
    pub put_off_to: Option<Timestamp>,
    /// The last success or failure.
    pub last_ping_at: Option<Timestamp>,
    /// The last start.
    pub last_start_at: Option<Timestamp>,
    /// How long the last finished run took, in microseconds.
    pub last_duration: Option<i64>,
    /// The runs that are open, in order of their start.
    pub open_runs: Vec<Run>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            status: Status::New,
            failures: 0,
            n_pings: 0,
            n_flips: 0,
            base_at: None,
            put_off_to: None,
            last_ping_at: None,
            last_start_at: None,
            last_duration: None,
            open_runs: Vec::new(),
        }
    }
}

/// A change of status, to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flip {
    /// Its serial number within the check: 1, 2, 3 …
    pub n: i64,
    /// When it happened; for a missed deadline the deadline itself.
    pub at: Timestamp,
    /// The status before.
    pub from: Status,
    /// The status after.
    pub to: Status,
    /// Why.
    pub reason: Reason,
    /// When the ping or the end of the run that did not come in time was expected.
    pub expected_at: Option<Timestamp>,
}

impl Flip {
    /// Whether somebody has to be told: every turn to down, and the way back up from there.
    #[must_use]
    pub fn is_announced(&self) -> bool {
        self.to == Status::Down || (self.from == Status::Down && self.to == Status::Up)
    }
}

/// What an event leads to, beside the changed [`State`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// The change of status, if there is one.
    pub flip: Option<Flip>,
    /// The runs that ended.
    pub ended_runs: Vec<Run>,
}

/// What a ping leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PingEffect {
    /// What it counts as.
    pub kind: PingKind,
    /// Its serial number.
    pub n: i64,
    /// How long the run took that it finished, in microseconds.
    pub duration: Option<i64>,
    /// What else has to be written down.
    pub effect: Effect,
}

/// A time during which this server could take no pings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The last sign of life before it.
    pub from: Timestamp,
    /// The first one after it.
    pub to: Timestamp,
}

/// A gap of more than so many microseconds between the signs of life of all nodes is an outage.
pub const LONGEST_GAP: i64 = 5 * SECOND;

impl Outage {
    /// The outage between the last sign of life and now, if it is one.
    #[must_use]
    pub fn between(last_beat: Option<Timestamp>, now: Timestamp) -> Option<Self> {
        let from = last_beat?;
        (now.micros_since(from) > LONGEST_GAP).then_some(Self { from, to: now })
    }

    /// Where a deadline inside this outage moves: its end, and `grace` seconds or the outage's
    /// length and a minute more, whichever is less.
    #[must_use]
    pub fn puts_off_to(&self, grace: i64) -> Timestamp {
        let length = self.to.micros_since(self.from);
        self.to.plus_micros((grace * SECOND).min(length + 60 * SECOND))
    }

    fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at <= self.to
    }
}

/// What a passed deadline leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadlineEffect {
    /// What has to be written down.
    pub effect: Effect,
    /// The deadlines that an outage of ours moved: from when to when.
    pub put_off: Vec<(Timestamp, Timestamp)>,
    /// Occurrences and runs that were missed and counted, the threshold not being reached.
    pub missed: u32,
}

/// What a deadline waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// The next ping.
    Ping,
    /// The end of the open run at this place.
    Run(usize),
}

/// When the next ping is expected; none for a check that waits for none.
#[must_use]
pub fn next_ping_at(rules: &Rules, state: &State) -> Option<Timestamp> {
    match state.status {
        Status::Down | Status::Paused => None,
        Status::New | Status::Up => expected_at(rules, state),
    }
}

/// When the next ping is expected, whatever the status. A ping that came a little early counts for
/// the occurrence that it was meant for; what was missed counts as what it is.
#[must_use]
pub fn expected_at(rules: &Rules, state: &State) -> Option<Timestamp> {
    let base = state.base_at?;
    if state.last_ping_at == Some(base) {
        return rules.schedule.next_after_ping(base, rules.early_tolerance);
    }
    rules.schedule.next_after(base)
}

/// The one deadline of a check, computed afresh: the earliest of the next ping's and of those of
/// its open runs; none while it is down or paused.
#[must_use]
pub fn alert_at(rules: &Rules, state: &State) -> Option<Timestamp> {
    deadline(rules, state).map(|(at, _)| at)
}

fn deadline(rules: &Rules, state: &State) -> Option<(Timestamp, Awaited)> {
    if matches!(state.status, Status::Down | Status::Paused) {
        return None;
    }
    let ping = ping_deadline(rules, state).map(|at| (at, Awaited::Ping));
    let runs = state.open_runs.iter().enumerate();
    let runs = runs.filter_map(|(i, run)| Some((run_deadline(rules, run)?, Awaited::Run(i))));
    ping.into_iter().chain(runs).min_by_key(|(at, _)| *at)
}

fn ping_deadline(rules: &Rules, state: &State) -> Option<Timestamp> {
    let computed = expected_at(rules, state)?.plus_seconds(rules.grace);
    Some(put_off(computed, state.put_off_to))
}

fn run_deadline(rules: &Rules, run: &Run) -> Option<Timestamp> {
    let computed = run.started_at.plus_micros(rules.longest_run());
    (!run.is_overrun()).then(|| put_off(computed, run.put_off_to))
}

fn put_off(computed: Timestamp, to: Option<Timestamp>) -> Timestamp {
    to.map_or(computed, |to| computed.max(to))
}

/// Takes in a ping: decides what it counts as, and does what that kind does.
pub fn on_ping(rules: &Rules, state: &mut State, ping: &Ping) -> PingEffect {
    let mut effect = Effect::default();
    let kind = classify(rules, state, ping);
    let at = ping.received_at;
    give_up_old_runs(rules, state, at, &mut effect);
    state.n_pings += 1;
    let duration = match kind {
        PingKind::Start => {
            start_run(state, ping, &mut effect);
            None
        }
        PingKind::Success | PingKind::Fail => {
            let duration = finish_runs(state, ping, kind, &mut effect).or(ping.took);
            count(rules, state, at, kind, &mut effect);
            duration
        }
        PingKind::Log | PingKind::Ign => None,
    };
    PingEffect { kind, n: state.n_pings, duration, effect }
}

fn classify(rules: &Rules, state: &State, ping: &Ping) -> PingKind {
    if rules.post_only && !matches!(ping.method, Method::Post | Method::None) {
        return PingKind::Ign;
    }
    let by_words = rules.filter.as_ref().and_then(|filter| filter.judge(ping));
    let kind = match (by_words, ping.exit_status) {
        (Some(kind), _) => kind,
        (None, Some(0)) => PingKind::Success,
        (None, Some(_)) => PingKind::Fail,
        (None, None) => ping.signal,
    };
    let would_resume = matches!(kind, PingKind::Success | PingKind::Fail);
    if would_resume && state.status == Status::Paused && rules.manual_resume {
        return PingKind::Ign;
    }
    kind
}

/// A start opens a run; one with the same run id (or the other anonymous one) is lost by that.
fn start_run(state: &mut State, ping: &Ping, effect: &mut Effect) {
    let at = ping.received_at;
    state.last_start_at = state.last_start_at.max(Some(at));
    end_runs(state, effect, at, |run| (run.rid == ping.rid).then_some(RunResult::Lost));
    if state.open_runs.len() >= MOST_OPEN_RUNS {
        let mut oldest = state.open_runs.remove(0);
        oldest.end(at, state.n_pings, RunResult::Lost, None);
        effect.ended_runs.push(oldest);
    }
    let start_n = Some(state.n_pings);
    state.open_runs.push(Run { start_n, ..Run::begin(ping.rid, at) });
}

/// Ends the runs that a success or failure belongs to, and returns how long the one took that it
/// finished.
fn finish_runs(state: &mut State, ping: &Ping, kind: PingKind, effect: &mut Effect) -> Option<i64> {
    let result = if kind == PingKind::Fail { RunResult::Fail } else { RunResult::Success };
    let runs = &state.open_runs;
    let named = ping.rid.is_some() && runs.iter().any(|run| run.rid == ping.rid);
    let anonymous = runs.iter().any(|run| run.rid.is_none());
    let first_ended = effect.ended_runs.len();
    if ping.rid.is_some() {
        // A failure under a run id that nobody opened ends the anonymous run too.
        let ends = |run: &Run| {
            run.rid == ping.rid || (!named && kind == PingKind::Fail && run.rid.is_none())
        };
        end_runs_with(state, effect, ping, |run| ends(run).then_some(result));
    } else {
        let alone = runs.len() == 1;
        end_runs_with(state, effect, ping, |run| {
            let is_it = run.rid.is_none() || (alone && !anonymous);
            Some(if is_it { result } else { RunResult::Lost })
        });
    }
    let duration = effect.ended_runs[first_ended..].iter().find_map(|run| run.duration);
    if duration.is_some() {
        state.last_duration = duration;
    }
    duration
}

fn end_runs_with(
    state: &mut State,
    effect: &mut Effect,
    ping: &Ping,
    verdict: impl Fn(&Run) -> Option<RunResult>,
) {
    let mut open = Vec::with_capacity(state.open_runs.len());
    for mut run in state.open_runs.drain(..) {
        match verdict(&run) {
            Some(result) => {
                run.end(ping.received_at, state.n_pings, result, ping.exit_status);
                effect.ended_runs.push(run);
            }
            None => open.push(run),
        }
    }
    state.open_runs = open;
}

fn end_runs(
    state: &mut State,
    effect: &mut Effect,
    at: Timestamp,
    verdict: impl Fn(&Run) -> Option<RunResult>,
) {
    for run in &mut state.open_runs {
        if let Some(result) = verdict(run) {
            run.end(at, state.n_pings, result, None);
        }
    }
    let (ended, open) = state.open_runs.drain(..).partition(|run| run.finished_at.is_some());
    state.open_runs = open;
    effect.ended_runs.extend::<Vec<Run>>(ended);
}

/// Counts a success or a failure: the last ping, the failures in a row, the status.
fn count(rules: &Rules, state: &mut State, at: Timestamp, kind: PingKind, effect: &mut Effect) {
    state.last_ping_at = state.last_ping_at.max(Some(at));
    state.base_at = state.base_at.max(state.last_ping_at);
    state.put_off_to = None;
    let was = state.status;
    if kind == PingKind::Success {
        state.failures = 0;
        turn(state, Status::Up, at, Reason::Ping, effect);
    } else {
        state.failures = state.failures.saturating_add(1);
        if state.failures >= rules.failure_threshold {
            turn(state, Status::Down, at, Reason::Fail, effect);
        } else if matches!(was, Status::New | Status::Paused) {
            turn(state, Status::Up, at, Reason::Fail, effect);
        }
    }
    if was != Status::Up && state.status == Status::Up {
        spare_open_runs(rules, state, at);
    }
}

/// Deadlines of open runs that passed unseen before a check came up count from that moment, so that
/// no flip is dated before the one that went ahead of it.
fn spare_open_runs(rules: &Rules, state: &mut State, at: Timestamp) {
    for run in &mut state.open_runs {
        if run_deadline(rules, run).is_some_and(|deadline| deadline < at) {
            run.put_off_to = Some(at);
            run.changed = true;
        }
    }
}

fn turn(state: &mut State, to: Status, at: Timestamp, reason: Reason, effect: &mut Effect) {
    if state.status != to {
        state.n_flips += 1;
        let (n, from) = (state.n_flips, state.status);
        effect.flip = Some(Flip { n, at, from, to, reason, expected_at: None });
        state.status = to;
    }
}

/// Looks at the deadlines that have passed by `now`: puts off those that fell into an outage of
/// ours, counts the others, and turns the check down where that makes enough failures in a row.
pub fn on_deadline(
    rules: &Rules,
    state: &mut State,
    outages: &[Outage],
    now: Timestamp,
) -> DeadlineEffect {
    let mut result = DeadlineEffect::default();
    give_up_old_runs(rules, state, now, &mut result.effect);
    while let Some((at, awaited)) = deadline(rules, state).filter(|(at, _)| *at <= now) {
        let moved = outages.iter().filter(|outage| outage.contains(at));
        let moved = moved.map(|outage| outage.puts_off_to(rules.grace)).max();
        if let Some(to) = moved.filter(|to| *to > at) {
            move_deadline(state, awaited, to);
            result.put_off.push((at, to));
            continue;
        }
        state.failures = state.failures.saturating_add(1);
        let missed = expected_at(rules, state);
        let (reason, expected_at) = match awaited {
            Awaited::Ping => (Reason::Timeout, missed),
            Awaited::Run(i) => {
                let run = &mut state.open_runs[i];
                run.result = RunResult::Timeout;
                run.changed = true;
                (Reason::Overrun, Some(run.started_at.plus_micros(rules.longest_run())))
            }
        };
        if state.failures >= rules.failure_threshold {
            turn(state, Status::Down, at, reason, &mut result.effect);
            if let Some(flip) = &mut result.effect.flip {
                flip.expected_at = expected_at;
            }
        } else {
            result.missed += 1;
            if awaited == Awaited::Ping {
                state.base_at = counted_up_to(rules, state, missed);
                state.put_off_to = None;
            }
        }
    }
    result
}

/// What the next occurrence counts from after `missed` was counted. A deadline that was put off
/// stands for all whose time had come by then: they cost one failure, not one each.
fn counted_up_to(rules: &Rules, state: &State, missed: Option<Timestamp>) -> Option<Timestamp> {
    let (missed, Some(to)) = (missed?, state.put_off_to) else { return missed };
    Some(rules.schedule.done_up_to(missed, to.plus_seconds(-rules.grace)))
}

fn move_deadline(state: &mut State, awaited: Awaited, to: Timestamp) {
    match awaited {
        Awaited::Ping => state.put_off_to = Some(to),
        Awaited::Run(i) => {
            state.open_runs[i].put_off_to = Some(to);
            state.open_runs[i].changed = true;
        }
    }
}

/// Runs that are open for more than 72 hours with no deadline ahead are lost. True where there
/// was one.
pub fn give_up_old_runs(
    rules: &Rules,
    state: &mut State,
    now: Timestamp,
    effect: &mut Effect,
) -> bool {
    let is_old = |run: &Run| {
        now.micros_since(run.started_at) > LONGEST
            && run_deadline(rules, run).is_none_or(|deadline| {
                deadline <= now && matches!(state.status, Status::Down | Status::Paused)
            })
    };
    if !state.open_runs.iter().any(is_old) {
        return false;
    }
    let old: Vec<bool> = state.open_runs.iter().map(is_old).collect();
    let mut old = old.into_iter();
    let mut open = Vec::new();
    for mut run in state.open_runs.drain(..) {
        if old.next() == Some(true) {
            run.end(now, state.n_pings, RunResult::Lost, None);
            effect.ended_runs.push(run);
        } else {
            open.push(run);
        }
    }
    state.open_runs = open;
    true
}

/// Stops watching a check. Nothing happens to one that is paused.
pub fn on_pause(state: &mut State, now: Timestamp) -> Effect {
    let mut effect = Effect::default();
    if state.status != Status::Paused {
        end_runs(state, &mut effect, now, |_| Some(RunResult::Stopped));
        begin_afresh(state);
        turn(state, Status::Paused, now, Reason::Pause, &mut effect);
    }
    effect
}

/// Watches a paused check again, from its next success or failure on. Nothing happens to one that
/// is not paused.
pub fn on_resume(rules: &Rules, state: &mut State, now: Timestamp) -> Effect {
    let mut effect = Effect::default();
    if state.status == Status::Paused {
        begin_afresh(state);
        turn(state, Status::New, now, Reason::Resume, &mut effect);
        spare_open_runs(rules, state, now);
    }
    effect
}

fn begin_afresh(state: &mut State) {
    state.failures = 0;
    state.base_at = None;
    state.put_off_to = None;
}

/// Takes in that the owner changed the rules. A deadline that this puts into the past becomes the
/// time of the edit; one that had passed already keeps its time.
pub fn on_edit(old: &Rules, new: &Rules, state: &mut State, now: Timestamp) {
    let (before, after) = (ping_deadline(old, state), ping_deadline(new, state));
    if let Some(floor) = edit_floor(before, after, now) {
        state.put_off_to = Some(floor);
    }
    for run in &mut state.open_runs {
        if let Some(floor) = edit_floor(run_deadline(old, run), run_deadline(new, run), now) {
            run.put_off_to = Some(floor);
            run.changed = true;
        }
    }
}

fn edit_floor(
    before: Option<Timestamp>,
    after: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let after = after.filter(|after| *after < now)?;
    let floor = before.map_or(now, |before| before.min(now));
    (floor > after).then_some(floor)
}

#[cfg(test)]
mod tests;
