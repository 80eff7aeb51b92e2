//! How long many things took, in little room: each number is kept with an error of 3 % at most.

/// Steps that each power of two is divided into, as a power of two.
const STEP_BITS: u32 = 5;
/// Numbers of 64 bits fit.
const STEPS: usize = (64 - STEP_BITS as usize + 1) << STEP_BITS;

/// Counts of microseconds.
#[derive(Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    most: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; STEPS], total: 0, most: 0 }
    }
}

impl Histogram {
    /// Adds one.
    pub fn add(&mut self, micros: u64) {
        self.counts[step(micros)] += 1;
        self.total += 1;
        self.most = self.most.max(micros);
    }

    /// The milliseconds that this share of them (0 to 1) took at most; 0 where there are none.
    pub fn quantile(&self, share: f64) -> f64 {
        let wanted = (self.total as f64 * share).ceil();
        let mut passed = 0;
        for (step, count) in self.counts.iter().enumerate() {
            passed += count;
            if *count > 0 && passed as f64 >= wanted {
                return (highest(step).min(self.most)) as f64 / 1e3;
            }
        }
        self.most()
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The milliseconds of the longest, exactly.
    pub fn most(&self) -> f64 {
        self.most as f64 / 1e3
    }
}

/// The step that a number is counted in: exact below 64, then 32 for each power of two.
#[allow(clippy::cast_possible_truncation, reason = "what is left of the number is below 64")]
fn step(number: u64) -> usize {
    let shift = (u64::BITS - number.leading_zeros()).saturating_sub(STEP_BITS + 1);
    ((shift as usize) << STEP_BITS) + (number >> shift) as usize
}

/// The highest number that is counted in a step.
fn highest(step: usize) -> u64 {
    let shift = (step >> STEP_BITS).saturating_sub(1);
    (((step - (shift << STEP_BITS)) as u64 + 1) << shift) - 1
}
