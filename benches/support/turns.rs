//! Loads that are measured in turn, so that whatever else the machine does hits all alike.

use std::time::Duration;

use super::figures;
use super::load::{Load, Promised, Tally};
use super::process::Process;

/// A pause after each measurement, for what the server still has to put away.
const BREATH: Duration = Duration::from_millis(200);

/// A load, and who is under it.
pub struct Contender {
    /// What it is called where something is wrong.
    pub name: String,
    /// The load.
    pub load: Load,
    /// The server.
    pub process: Process,
}

/// What a load came to, a number for each round.
#[derive(Default)]
pub struct Measured {
    /// Answers with 200 a second.
    pub rates: Vec<f64>,
    /// Half of them took at most so many milliseconds.
    pub p50: Vec<f64>,
    /// 99 of a hundred did.
    pub p99: Vec<f64>,
    /// All of them did.
    pub most: Vec<f64>,
    /// Microseconds of the server's processor time for each.
    pub cpu: Vec<f64>,
    /// What must be stored, the warm-up's pings among it.
    pub promised: Promised,
}

impl Measured {
    fn add(&mut self, tally: &Tally, cpu_seconds: f64) {
        self.rates.push(tally.rate());
        self.p50.push(tally.latency.quantile(0.5));
        self.p99.push(tally.latency.quantile(0.99));
        self.most.push(tally.latency.most());
        self.cpu.push(cpu_seconds * 1e6 / tally.ok as f64);
    }

    /// The median rate by that of another, round by round.
    pub fn ratio_to(&self, other: &Self) -> String {
        figures::cell(&figures::ratios(&self.rates, &other.rates), 2)
    }
}

/// Measures each once a round. The first round only warms up.
pub async fn in_turn(contenders: &[Contender]) -> Vec<Measured> {
    let mut measured: Vec<Measured> = contenders.iter().map(|_| Measured::default()).collect();
    for round in 0..=super::rounds() {
        for turn in 0..contenders.len() {
            // Nobody always comes after the same other.
            let which = (turn + round) % contenders.len();
            let Contender { name, load, process } = &contenders[which];
            let before = process.cpu_seconds();
            let tally = load.drive(super::span()).await;
            let cpu = process.cpu_seconds() - before;
            tally.check(name, false);
            measured[which].promised += tally.promised;
            if round > 0 {
                measured[which].add(&tally, cpu);
            }
            tokio::time::sleep(BREATH).await;
        }
    }
    measured
}
