//! What the kernel counts of a process.

use std::fs;

/// Ticks of the kernel's count of processor time in a second, on every Linux of today.
const TICKS_A_SECOND: f64 = 100.0;

/// A process that runs, by its id.
#[derive(Clone, Copy)]
pub struct Process(pub u32);

/// Its resident memory in MiB.
#[derive(Clone, Copy)]
pub struct Memory {
    /// At this moment.
    pub now: f64,
    /// The most since its start.
    pub most: f64,
}

impl Process {
    /// Seconds of processor time that it has had, its own and the kernel's on its behalf.
    pub fn cpu_seconds(self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap();
        // The name before it may contain anything, but it ends with the last bracket.
        let after_name = stat.rsplit_once(')').expect("a name in brackets").1;
        let ticks = after_name.split_ascii_whitespace().skip(11).take(2);
        ticks.map(|field| field.parse::<f64>().unwrap()).sum::<f64>() / TICKS_A_SECOND
    }

    /// Its resident memory.
    pub fn memory(self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let mebibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kibibytes = line.and_then(|rest| rest.split_ascii_whitespace().next());
            kibibytes.expect("Linux tells it").parse::<f64>().unwrap() / 1024.0
        };
        Memory { now: mebibytes("VmRSS:"), most: mebibytes("VmHWM:") }
    }
}
