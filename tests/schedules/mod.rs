//! Schedules, held against the programs that their users know.

mod calendar;
