//! The parameters: `limit` and `page` (also spelt `pages`, as the sample program of the API that this
//! one follows does), and the language. Others are left alone.

use percent_encoding::percent_decode_str;

use crate::domain::jobs::Language;
use crate::fault::{Fault, Result};
use crate::service::jobs::MAX_LIMIT;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Jobs on a page.
    pub(super) limit: i64,
    /// The page, from 1.
    pub(super) page: i64,
    /// The language of the statuses.
    pub(super) language: Language,
}

impl Wanted {
    /// Reads what stands behind the `?`.
    ///
    /// # Errors
    /// `limit` or `page` is not there, there more than once, or out of range; the language is not
    /// known. The fault names the parameter.
    pub(super) fn read(query: &str) -> Result<Self> {
        let needed = || Fault::invalid("", "limit and page are needed: ?limit=10&page=1");
        let limit = one(query, &["limit"])?.ok_or_else(needed)?;
        let page = one(query, &["page", "pages"])?.ok_or_else(needed)?;
        let language = one(query, &["lang"])?.map(|text| text.parse());
        Ok(Self {
            limit: number("limit", &limit, MAX_LIMIT)?,
            page: number("page", &page, i64::MAX)?,
            language: language
                .transpose()
                .map_err(|reason: String| Fault::invalid("lang", reason))?
                .unwrap_or(Language::Korean),
        })
    }
}

/// The value of the parameter that has one of these names.
fn one(query: &str, names: &[&'static str]) -> Result<Option<String>> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values = pairs.filter(|(name, _)| names.contains(&decoded(name).as_str()));
    let first = values.next();
    if values.next().is_some() {
        let reason = "is there more than once: name it once";
        return Err(Fault::invalid(names[0], reason));
    }
    Ok(first.map(|(_, value)| decoded(value)))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A whole number from 1 to `most`.
fn number(name: &str, text: &str, most: i64) -> Result<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let number = if plain { text.parse().ok() } else { None };
    number.filter(|number| (1..=most).contains(number)).ok_or_else(|| {
        let range = if most == i64::MAX { "1".to_owned() } else { format!("1 to {most}") };
        Fault::invalid(name, format!("must be a whole number from {range}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(query: &str) -> (i64, i64, Language) {
        let Wanted { limit, page, language } = Wanted::read(query).unwrap();
        (limit, page, language)
    }

    #[test]
    fn the_page_has_two_names_and_the_order_does_not_matter() {
        assert_eq!(read("limit=10&page=1"), (10, 1, Language::Korean));
        assert_eq!(read("pages=1&limit=10"), (10, 1, Language::Korean));
        assert_eq!(read("page=3&limit=1000&lang=en"), (1000, 3, Language::English));
        assert_eq!(read("page=3&limit=1&lang=ko&other=1"), (1, 3, Language::Korean));
        assert_eq!(read("p%61ge=%31&limit=1%30"), (10, 1, Language::Korean));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let all = [
            ("", ""),
            ("limit=10", ""),
            ("page=1", ""),
            ("limit=0&page=1", "limit"),
            ("limit=1001&page=1", "limit"),
            ("limit=x&page=1", "limit"),
            ("limit=&page=1", "limit"),
            ("limit=-1&page=1", "limit"),
            ("limit=%2B1&page=1", "limit"),
            ("limit=1.0&page=1", "limit"),
            ("limit=01&page=1", "limit"),
            ("limit=١&page=1", "limit"),
            ("limit=10&page=0", "page"),
            ("limit=10&page=9223372036854775808", "page"),
            ("limit=10&limit=10&page=1", "limit"),
            ("limit=10&page=1&page=1", "page"),
            ("limit=10&page=1&pages=1", "page"),
            ("limit=10&page=1&p%61ges=1", "page"),
            ("limit=10&page=1&lang=de", "lang"),
            ("limit=10&page=1&lang=en&lang=en", "lang"),
        ];
        for (query, wrong) in all {
            match Wanted::read(query) {
                Err(Fault::Invalid { field, .. }) => assert_eq!(field, wrong, "{query}"),
                other => panic!("{query}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused(query in ".{0,60}|[limtpage=&%0-9]{0,60}") {
            let fine = matches!(Wanted::read(&query), Ok(_) | Err(Fault::Invalid { .. }));
            prop_assert!(fine);
        }
    }
}
