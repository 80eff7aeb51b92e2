//! Export and import.
pub mod matching;
