//! The parameters of a reading command, as strict as bodies are: unknown ones, single ones that are
//! repeated, and values that can't be are faults that name them. Lists repeat their key.

use percent_encoding::percent_decode;

use super::fields::{shortened, unknown};
use super::list::{DEFAULT_LIMIT, MAX_LIMIT, Page};
use crate::clock::Timestamp;
use crate::fault::{Fault, Result};

/// The parameters of a request. Each is taken out by the one who knows it; what is left when
/// [`Query::finish`] is called is unknown.
#[derive(Debug)]
pub struct Query {
    left: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Query {
    /// Reads what stands behind the `?`.
    ///
    /// # Errors
    /// A name or value is no UTF-8 once it is decoded, or holds U+0000.
    pub fn parse(text: &str) -> Result<Self> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name)
                .ok_or_else(|| Fault::invalid("", "a parameter's name must be text in UTF-8"))?;
            let value = decoded(value).ok_or_else(|| {
                Fault::invalid(shortened(&name), "must be text in UTF-8 without U+0000")
            })?;
            Ok((name, value))
        });
        Ok(Self { left: pairs.collect::<Result<_>>()?, known: Vec::new() })
    }

    /// All values of a parameter that may be repeated.
    pub fn all(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let (these, left) =
            std::mem::take(&mut self.left).into_iter().partition(|(n, _)| n == name);
        self.left = left;
        let these: Vec<(String, String)> = these;
        these.into_iter().map(|(_, value)| value).collect()
    }

    /// The value of a parameter that stands once.
    ///
    /// # Errors
    /// It is repeated.
    pub fn one(&mut self, name: &'static str) -> Result<Option<String>> {
        let mut values = self.all(name);
        if values.len() > 1 {
            return Err(Fault::invalid(name, "is there more than once: name it once"));
        }
        Ok(values.pop())
    }

    /// A whole number between these bounds.
    ///
    /// # Errors
    /// It is repeated or something else.
    pub fn integer(&mut self, name: &'static str, from: i64, to: i64) -> Result<Option<i64>> {
        let read = |text: String| {
            let number = digits(&text).filter(|number| (from..=to).contains(number));
            number.ok_or_else(|| {
                let form = "in digits, without a sign or a zero before them";
                let reason = format!("must be a whole number between {from} and {to}, {form}");
                Fault::invalid(name, reason)
            })
        };
        self.one(name)?.map(read).transpose()
    }

    /// All values of a parameter that names ids.
    ///
    /// # Errors
    /// One is none.
    pub fn ids(&mut self, name: &'static str) -> Result<Vec<i64>> {
        let read = |text: String| {
            id(&text).ok_or_else(|| Fault::invalid(name, "must be an id: a whole number above 0"))
        };
        self.all(name).into_iter().map(read).collect()
    }

    /// A moment.
    ///
    /// # Errors
    /// It is repeated or no time in RFC 3339.
    pub fn time(&mut self, name: &'static str) -> Result<Option<Timestamp>> {
        let read =
            |text: String| text.parse().map_err(|reason: String| Fault::invalid(name, reason));
        self.one(name)?.map(read).transpose()
    }

    /// Which part of a list is asked for; ends the reading.
    ///
    /// # Errors
    /// `offset` or `limit` is out of range, or a parameter is left that nobody asked for.
    pub fn page(mut self) -> Result<Page> {
        let offset = self.integer("offset", 0, i64::MAX)?.unwrap_or(0);
        let limit = self.integer("limit", 1, MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
        self.finish()?;
        Ok(Page { offset, limit })
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// A parameter is left that nobody asked for.
    pub fn finish(self) -> Result<()> {
        let first = self.left.first();
        first.map_or(Ok(()), |(name, _)| Err(unknown(name, &self.known, "parameters")))
    }
}

/// An id as it stands in a path or a parameter: digits alone, above 0, no zero before them.
#[must_use]
pub fn id(text: &str) -> Option<i64> {
    digits(text).filter(|id| *id > 0)
}

/// A number in the one way in which it can be written: digits alone, no zero before others.
fn digits(text: &str) -> Option<i64> {
    let all = text.bytes().all(|b| b.is_ascii_digit());
    if all && (text == "0" || !text.starts_with('0')) { text.parse().ok() } else { None }
}

fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let text = percent_decode(spaced.as_bytes()).decode_utf8().ok()?.into_owned();
    (!text.contains('\0')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(text: &str) -> Query {
        Query::parse(text).unwrap()
    }

    fn refused<T: std::fmt::Debug>(outcome: Result<T>) -> String {
        match outcome {
            Err(fault @ Fault::Invalid { .. }) => fault.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn plus_is_a_space_and_percent_is_decoded() {
        assert_eq!(query("q=a+b%20c%2B%C3%A4").one("q").unwrap().unwrap(), "a b c+ä");
        assert_eq!(query("%71=x").one("q").unwrap().unwrap(), "x");
        assert_eq!(query("q").one("q").unwrap().unwrap(), "");
        assert_eq!(query("&&q=a=b&").one("q").unwrap().unwrap(), "a=b");
    }

    #[test]
    fn lists_repeat_their_key_and_single_ones_do_not() {
        assert_eq!(query("tag=b&x=1&tag=a").all("tag"), ["b", "a"]);
        assert_eq!(query("id=3&id=6").ids("id").unwrap(), [3, 6]);
        assert_eq!(refused(query("q=1&q=2").one("q")), "q: is there more than once: name it once");
    }

    #[test]
    fn a_page_is_within_its_bounds() {
        let page = |text: &str| query(text).page();
        assert_eq!(page("").unwrap(), Page { offset: 0, limit: 100 });
        assert_eq!(page("offset=5&limit=1000").unwrap(), Page { offset: 5, limit: 1000 });
        assert_eq!(page("offset=0").unwrap().offset, 0);
        let bad = "limit=0 limit=1001 limit=x limit= limit=1.0 limit=007 limit=01 \
                   offset=-1 offset=%2B1 offset=+1 offset=00";
        for bad in bad.split(' ') {
            let message = refused(page(bad));
            assert!(message.contains(": must be a whole number between"), "{bad}: {message}");
        }
        refused(page("offset=9223372036854775808"));
        assert_eq!(refused(page("nonsense=1")), "nonsense: is unknown: there are offset, limit");
    }

    #[test]
    fn ids_are_digits_above_zero() {
        assert_eq!(id("1"), Some(1));
        assert_eq!(id("9223372036854775807"), Some(i64::MAX));
        for bad in ["0", "-1", "+1", "abc", "1.0", "", " 1", "01", "9223372036854775808", "١"] {
            assert_eq!(id(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused_by_name() {
        assert!(refused(Query::parse("q=%ff")).starts_with("q: must be text"));
        assert!(refused(Query::parse("q=a%00")).starts_with("q: must be text"));
        refused(Query::parse("%ff=1"));
    }

    #[test]
    fn times_are_rfc_3339() {
        let at = query("from=2026-01-02T03:04:05Z").time("from").unwrap().unwrap();
        assert_eq!(at.to_rfc3339(), "2026-01-02T03:04:05.000000Z");
        assert!(refused(query("from=yesterday").time("from")).starts_with("from: must be a time"));
    }

    #[test]
    fn a_command_without_parameters_takes_none() {
        assert_eq!(
            refused(query("x=1").finish()),
            "x: is unknown: this command takes no parameters"
        );
        assert!(query("").finish().is_ok());
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused_as_wrong(text in ".{0,100}|[a%0-9&=+f]{0,100}") {
            let read = |ask: &dyn Fn(&mut Query) -> Result<()>| {
                Query::parse(&text).and_then(|mut query| ask(&mut query).and_then(|()| query.finish()))
            };
            let outcomes = [
                read(&|q| q.one("a").map(drop)),
                read(&|q| q.ids("a").map(drop)),
                read(&|q| q.integer("a", 0, 9).map(drop)),
                read(&|q| q.time("a").map(drop)),
                Query::parse(&text).and_then(|query| query.page().map(drop)),
            ];
            for outcome in outcomes {
                let fine = matches!(outcome, Ok(()) | Err(Fault::Invalid { .. }));
                prop_assert!(fine);
            }
        }

        #[test]
        fn every_text_without_nul_can_be_asked_for(text in "[^\0]{0,50}") {
            let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let read = Query::parse(&format!("q={encoded}")).unwrap().one("q").unwrap();
            prop_assert_eq!(read, Some(text));
        }
    }
}
