//! The pages of a list: where it stands, and the addresses of the pages before and behind.

/// A list that is shown a page at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pager {
    /// This page, from 1.
    pub(super) page: i64,
    /// The last page, from 1.
    pub(super) last: i64,
    /// Number of the first that is shown, from 1; 0 where there is none.
    pub(super) from: i64,
    /// Number of the last that is shown.
    pub(super) to: i64,
    /// How many there are.
    pub(super) total: i64,
    /// The address of the page before.
    pub(super) before: Option<String>,
    /// The address of the page behind.
    pub(super) behind: Option<String>,
}

impl Pager {
    /// Page `page` (from 1) of a list of `total`, `size` a page. `address` is the list's, with all
    /// of its query but the page.
    pub(super) fn new(address: &str, page: i64, size: i64, total: i64) -> Self {
        let last = (total.max(1) + size - 1) / size;
        let link = |page: i64| {
            let sign = if address.contains('?') { '&' } else { '?' };
            format!("{address}{sign}page={page}")
        };
        let offset = (page - 1) * size;
        let from = if offset < total { offset + 1 } else { 0 };
        Self {
            page,
            last,
            from,
            to: (offset + size).min(total),
            total,
            before: (page > 1).then(|| link((page - 1).min(last))),
            behind: (page < last).then(|| link(page + 1)),
        }
    }

    /// The number of a page as an address gives it; the first for anything else.
    pub(super) fn number(text: &str) -> i64 {
        text.parse().ok().filter(|page| (1..=1_000_000).contains(page)).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_tells_its_pages() {
        let pager = Pager::new("/x?q=a", 2, 100, 250);
        assert_eq!((pager.from, pager.to, pager.last), (101, 200, 3));
        assert_eq!(pager.before.as_deref(), Some("/x?q=a&page=1"));
        assert_eq!(pager.behind.as_deref(), Some("/x?q=a&page=3"));
        let only = Pager::new("/x", 1, 100, 0);
        assert_eq!((only.from, only.last, only.before, only.behind), (0, 1, None, None));
        let beyond = Pager::new("/x", 9, 100, 250);
        assert_eq!((beyond.from, beyond.before.as_deref()), (0, Some("/x?page=3")));
    }

    #[test]
    fn a_page_is_a_number_from_one() {
        assert_eq!(["2", "0", "-1", "", "x", "99999999999"].map(Pager::number), [2, 1, 1, 1, 1, 1]);
    }
}
