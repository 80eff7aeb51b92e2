//! Cron and OnCalendar expressions, held against the programs that they follow.

mod calendar;
mod cron;
