//! The tokens in the links of a mail, and in the address that its bounces go to. Each names a
//! channel, the address that the mail went to, and what it may be used for, and is authenticated by
//! a MAC, so that none can be made or changed without `security.secret_key`. Whoever has one may do
//! that one thing; it is good for as long as the channel sends to that address.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::mail::Address;
use crate::secret::{Keyring, equal_in_constant_time};

/// Letters and digits that survive mailers which change the case (RFC 4648, base32).
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Bytes that stand for the channel: its UUID.
const CHANNEL: usize = 16;
/// Bytes that stand for the address.
const TAG: usize = 6;
/// Bytes of the MAC.
const MAC: usize = 13;
/// Bytes in all: seven groups of five, which are eight letters each.
const WHOLE: usize = CHANNEL + TAG + MAC;

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The recipient agrees to be told.
    Confirm,
    /// The recipient wants no more.
    Unsubscribe,
    /// A mail came back.
    Bounce,
}

impl Purpose {
    /// The word for it in addresses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Unsubscribe => "unsubscribe",
            Self::Bounce => "bounce",
        }
    }
}

/// What a token says that is one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The channel's UUID.
    pub channel_uuid: String,
    tag: [u8; TAG],
}

impl Named {
    /// Whether the token went to this address.
    #[must_use]
    pub fn is_for(&self, keys: &Keyring, address: &Address) -> bool {
        equal_in_constant_time(&self.tag, &tag(keys, address))
    }
}

/// A token of 56 lower-case letters and digits for the recipient of a channel.
#[must_use]
pub fn issue(keys: &Keyring, purpose: Purpose, channel_uuid: &str, address: &Address) -> String {
    let uuid = Uuid::parse_str(channel_uuid).unwrap_or_default();
    let said = [uuid.as_bytes(), &tag(keys, address)[..]].concat();
    let mac = mac(keys, purpose.as_str(), &said);
    write(&[&said, &mac[..MAC]].concat())
}

/// Reads a token; none where it is not one of ours, or is for something else. Upper-case letters
/// count as lower-case ones.
#[must_use]
pub fn read(keys: &Keyring, purpose: Purpose, token: &str) -> Option<Named> {
    let bytes = decode(token)?;
    let (said, theirs) = bytes.split_at(CHANNEL + TAG);
    let ours = mac(keys, purpose.as_str(), said);
    if !equal_in_constant_time(theirs, &ours[..MAC]) {
        return None;
    }
    let (uuid, tag) = said.split_at(CHANNEL);
    let uuid = Uuid::from_slice(uuid).ok()?;
    Some(Named { channel_uuid: uuid.to_string(), tag: tag.try_into().ok()? })
}

fn tag(keys: &Keyring, address: &Address) -> [u8; TAG] {
    let mac = mac(keys, "address", address.to_string().as_bytes());
    let mut tag = [0; TAG];
    tag.copy_from_slice(&mac[..TAG]);
    tag
}

/// What one use of the key says about these bytes; no use can be taken for another.
fn mac(keys: &Keyring, used_for: &str, said: &[u8]) -> [u8; 32] {
    let key = keys.derive(&format!("mail link {used_for}"));
    // A key of any length will do.
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(said);
    mac.finalize().into_bytes().into()
}

fn write(bytes: &[u8]) -> String {
    let letters = bytes.chunks(5).flat_map(|five| {
        let mut all = [0; 8];
        all[3..3 + five.len()].copy_from_slice(five);
        let bits = u64::from_be_bytes(all);
        (0..8).rev().map(move |n| {
            char::from(ALPHABET[usize::from((bits >> (n * 5)).to_be_bytes()[7] & 31)])
        })
    });
    letters.collect()
}

fn decode(token: &str) -> Option<Vec<u8>> {
    if token.len() != WHOLE / 5 * 8 {
        return None;
    }
    let value = |letter: u8| {
        let letter = letter.to_ascii_lowercase();
        ALPHABET.iter().position(|known| *known == letter).and_then(|n| u64::try_from(n).ok())
    };
    let mut bytes = Vec::with_capacity(WHOLE);
    for eight in token.as_bytes().chunks(8) {
        let mut bits = 0;
        for letter in eight {
            bits = bits << 5 | value(*letter)?;
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[3..]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use proptest::prelude::*;

    const UUID: &str = "11111111-2222-4333-8444-555555555555";

    fn keys(text: &str) -> Keyring {
        Keyring::new(&Secret::new(text))
    }

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn a_token_names_a_channel_and_an_address_for_one_purpose() {
        let (keys, ops) = (keys("a"), address("ops@example.org"));
        let token = issue(&keys, Purpose::Confirm, UUID, &ops);
        assert_eq!(token.len(), 56);
        assert!(token.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        let named = read(&keys, Purpose::Confirm, &token).unwrap();
        assert_eq!(named.channel_uuid, UUID);
        assert!(named.is_for(&keys, &ops) && !named.is_for(&keys, &address("dev@example.org")));
        assert_eq!(read(&keys, Purpose::Confirm, &token.to_uppercase()), Some(named));
        for other in [Purpose::Unsubscribe, Purpose::Bounce] {
            assert_eq!(read(&keys, other, &token), None);
        }
        assert_eq!(read(&self::keys("b"), Purpose::Confirm, &token), None);
    }

    #[test]
    fn a_token_that_was_changed_is_none() {
        let keys = keys("a");
        let token = issue(&keys, Purpose::Bounce, UUID, &address("ops@example.org"));
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(read(&keys, Purpose::Bounce, &changed), None, "changed at {at}");
        }
        let short = &token[..55];
        for broken in ["", short, &format!("{token}a"), &format!("{short}1"), &"ä".repeat(28)] {
            assert_eq!(read(&keys, Purpose::Bounce, broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in proptest::array::uniform32(any::<u8>())) {
            let bytes = [&bytes[..], &bytes[..3]].concat();
            prop_assert_eq!(decode(&write(&bytes)), Some(bytes));
        }

        #[test]
        fn anything_may_be_tried(token in any::<String>()) {
            prop_assert_eq!(read(&keys("a"), Purpose::Confirm, &token), None);
        }
    }
}
