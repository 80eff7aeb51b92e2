//! A few values of the whole installation, by name.

use super::tx::{Conn, execute, fetch_optional};
use crate::fault::Result;

/// The fingerprint of the secret key that seals what is in this database.
pub const KEY_FINGERPRINT: &str = "secret_key_fingerprint";
/// The hash of the one-time code of the first-account page.
pub const SETUP_CODE: &str = "setup_code_hash";

#[derive(sqlx::FromRow)]
struct ValueRow {
    value: String,
}

/// The value of this name.
///
/// # Errors
/// The database is out.
pub async fn get(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    let row = fetch_optional!(conn, ValueRow, "SELECT value FROM settings WHERE name = $1", name);
    Ok(row.map(|row| row.value))
}

/// Sets the value of this name.
///
/// # Errors
/// The database refused.
pub async fn set(conn: &mut Conn, name: &str, value: &str) -> Result<()> {
    execute!(
        conn,
        "INSERT INTO settings (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value
    );
    Ok(())
}

/// Sets the value of this name unless it has one, and returns what it is then.
///
/// # Errors
/// The database refused.
pub async fn get_or_set(conn: &mut Conn, name: &str, value: &str) -> Result<String> {
    execute!(
        conn,
        "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        name,
        value
    );
    Ok(get(conn, name).await?.unwrap_or_else(|| value.to_owned()))
}

/// Forgets the value of this name.
///
/// # Errors
/// The database refused.
pub async fn remove(conn: &mut Conn, name: &str) -> Result<()> {
    execute!(conn, "DELETE FROM settings WHERE name = $1", name);
    Ok(())
}
