//! How often passwords may be guessed: [`MOST`] times within [`WINDOW`] from one address, and as
//! often at one account from all addresses together. Both pass by themselves: nobody is locked out
//! for good. Nor can strangers keep the owner out by guessing on and on: an address from which the
//! account was lately signed in to has only its own tries to lose.
//!
//! This is kept in memory, by each node for itself. An address that no account has is counted like
//! any other, so that being told to wait says nothing about who has an account. Behind a proxy
//! `server.trusted_proxies` must name it, or all people share the proxy's address.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use super::tries::Tries;
use crate::clock::SECOND;
use crate::fault::Result;
use crate::secret;

/// Wrong passwords within [`WINDOW`].
const MOST: usize = 10;
/// Five minutes, in microseconds.
const WINDOW: i64 = 5 * 60 * SECOND;
/// As many addresses are remembered of an account: its owner's latest.
const FAMILIAR: usize = 5;
/// As many accounts have their addresses remembered.
const ACCOUNTS: usize = 10_000;

/// All guesses of the last minutes.
#[derive(Debug)]
pub(super) struct Guesses {
    by_address: Tries<IpNet>,
    by_account: Tries<String>,
    /// From where each account was signed in to, the latest last.
    familiar: Mutex<HashMap<String, VecDeque<IpNet>>>,
}

/// One guess that was let pass.
#[derive(Debug)]
pub(super) struct Guess {
    address: IpNet,
    account: String,
    at: i64,
}

impl Default for Guesses {
    fn default() -> Self {
        Self {
            by_address: Tries::new(MOST, WINDOW),
            by_account: Tries::new(MOST, WINDOW),
            familiar: Mutex::default(),
        }
    }
}

impl Guesses {
    /// Counts a guess at the account of this email address at `now` (steady, microseconds), before
    /// it is judged.
    ///
    /// # Errors
    /// [`crate::fault::Fault::RateLimited`]: there were too many; it says when the next is taken.
    pub(super) fn take(&self, address: IpAddr, email: &str, now: i64) -> Result<Guess> {
        let guess = Guess { address: neighbourhood(address), account: account(email), at: now };
        self.by_address.take(&guess.address, now)?;
        if self.is_familiar(&guess) {
            return Ok(guess);
        }
        // What is refused was not judged, and is not the address's guess either.
        let counted = self.by_account.take(&guess.account, now);
        if counted.is_err() {
            self.by_address.give_back(&guess.address, now);
        }
        counted.map(|()| guess)
    }

    /// The guess was right: it does not count, and its address is the account's from now on.
    pub(super) fn was_right(&self, guess: Guess) {
        self.give_back(&guess);
        let mut familiar = self.lock();
        if familiar.len() >= ACCOUNTS && !familiar.contains_key(&guess.account) {
            familiar.clear();
        }
        let addresses = familiar.entry(guess.account).or_default();
        addresses.retain(|address| *address != guess.address);
        addresses.push_back(guess.address);
        if addresses.len() > FAMILIAR {
            addresses.pop_front();
        }
    }

    /// The guess was right, of somebody who was not named with it: it does not count.
    pub(super) fn give_back(&self, guess: &Guess) {
        self.by_address.give_back(&guess.address, guess.at);
        self.by_account.give_back(&guess.account, guess.at);
    }

    fn is_familiar(&self, guess: &Guess) -> bool {
        self.lock().get(&guess.account).is_some_and(|all| all.contains(&guess.address))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, VecDeque<IpNet>>> {
        // A list of addresses can't be left half changed by a thread that broke down.
        self.familiar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One machine has one IPv4 address, and all of an IPv6 network.
pub(super) fn neighbourhood(address: IpAddr) -> IpNet {
    let address = address.to_canonical();
    let length = if address.is_ipv4() { 32 } else { 64 };
    IpNet::new(address, length).map_or_else(|_| address.into(), |net| net.trunc())
}

/// A short key of whatever was typed as an email address.
fn account(email: &str) -> String {
    secret::sha256_hex(email.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    fn v4(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn wrong(guesses: &Guesses, address: IpAddr, email: &str, times: usize) -> usize {
        (0..times).filter(|_| guesses.take(address, email, 0).is_ok()).count()
    }

    #[test]
    fn an_address_has_its_tries_whatever_account_it_guesses_at() {
        let guesses = Guesses::default();
        let passed = (0..30).filter(|n| guesses.take(v4(1), &format!("{n}@x"), 0).is_ok());
        assert_eq!(passed.count(), MOST);
        assert_eq!(wrong(&guesses, v4(2), "a@x", 1), 1);
    }

    #[test]
    fn an_account_has_its_tries_wherever_they_come_from_and_says_when_there_are_more() {
        let guesses = Guesses::default();
        let passed = (0..30).filter(|n| guesses.take(v4(*n), " Ops@x", 0).is_ok());
        assert_eq!(passed.count(), MOST);
        let refused = guesses.take(v4(99), "ops@X ", SECOND).unwrap_err();
        assert!(matches!(refused, Fault::RateLimited { retry_after: 299 }), "{refused:?}");
        assert!(guesses.take(v4(99), "other@x", SECOND).is_ok());
        assert!(guesses.take(v4(99), "ops@x", WINDOW).is_ok());
    }

    #[test]
    fn guessing_on_and_on_does_not_keep_the_owner_out_of_where_they_were() {
        let guesses = Guesses::default();
        guesses.was_right(guesses.take(v4(7), "ops@x", 0).unwrap());
        for stranger in 100..130 {
            let _ = guesses.take(v4(stranger), "ops@x", 0);
        }
        assert!(guesses.take(v4(8), "ops@x", 0).is_err());
        assert_eq!(wrong(&guesses, v4(7), "ops@x", 30), MOST, "their own tries count as ever");
    }

    #[test]
    fn right_passwords_do_not_count() {
        let guesses = Guesses::default();
        for at in 0..50 {
            guesses.was_right(guesses.take(v4(7), "ops@x", at).unwrap());
        }
        assert_eq!(guesses.lock().len(), 1);
    }

    #[test]
    fn a_whole_ipv6_network_is_one_address_and_an_embedded_ipv4_is_itself() {
        let net = |text: &str| neighbourhood(text.parse().unwrap()).to_string();
        assert_eq!(net("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(net("::ffff:192.0.2.1"), "192.0.2.1/32");
    }
}
