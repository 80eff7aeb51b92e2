//! Export and import.
pub mod matching;
pub mod table;
pub mod form;
pub mod read;
