//! What is answered, by the names and in the types of the API that this one follows: some numbers are
//! texts there, and an empty list is null.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;

use crate::clock::Timestamp;
use crate::domain::jobs::{Job, Language};
use crate::domain::schedule::zone::{self, Tz};
use crate::fault::{Fault, Result};
use crate::service::jobs::JobList;

#[derive(Serialize)]
struct Answer<'a> {
    resources: Resources<'a>,
}

#[derive(Serialize)]
struct Resources<'a> {
    total_cnt: i64,
    total_page_cnt: String,
    current_start_page: String,
    current_end_page: String,
    record_data: Option<Vec<Record<'a>>>,
}

#[derive(Serialize)]
struct Record<'a> {
    #[serde(rename = "instanceNo")]
    instance_no: &'a str,
    start_date: String,
    end_date: Option<String>,
    status: &'static str,
    start_url: Option<&'a str>,
    crawl_cnt: Option<i64>,
    scan_cnt: Option<i64>,
    memo: &'a str,
    result_button: &'static str,
    result_desc: Option<&'a str>,
    rescan_button: Option<&'static str>,
    /// Nothing here has any.
    slave_data: Option<()>,
}

/// A page of jobs, its times in the zone of this name.
///
/// # Errors
/// It can't be written as JSON, which is a mistake of ours.
pub(super) fn of(list: &JobList, timezone: &str, language: Language) -> Result<Response> {
    let zone = zone::parse(timezone).unwrap_or(Tz::UTC);
    let records: Vec<Record> = list.jobs.iter().map(|job| record(job, zone, language)).collect();
    let answer = Answer {
        resources: Resources {
            total_cnt: list.total,
            total_page_cnt: list.pages.last.to_string(),
            current_start_page: list.pages.block_start.to_string(),
            current_end_page: list.pages.block_end.to_string(),
            record_data: (!records.is_empty()).then_some(records),
        },
    };
    let bytes = serde_json::to_vec(&answer).map_err(Fault::internal)?;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, json)], bytes).into_response())
}

fn record(job: &Job, zone: Tz, language: Language) -> Record<'_> {
    Record {
        instance_no: &job.id,
        start_date: local(job.starts_at, zone),
        end_date: job.ended_at.map(|at| local(at, zone)),
        status: job.status.word(language),
        start_url: job.url.as_deref(),
        crawl_cnt: job.log_count,
        scan_cnt: job.failure_count,
        memo: &job.name,
        result_button: job.button,
        result_desc: job.description.as_deref(),
        rescan_button: job.rescan,
        slave_data: None,
    }
}

/// `2020-05-21 12:00:00`.
fn local(at: Timestamp, zone: Tz) -> String {
    at.to_datetime().with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::jobs::{Pages, Status};
    use http_body_util::BodyExt;

    /// The answer examples of the API that this one follows.
    const ONE: &str = r#"{"resources":{"total_cnt":1,"total_page_cnt":"1","current_start_page":"1","current_end_page":"10","record_data":[{"instanceNo":"1234567890","start_date":"2020-05-21 12:00:00","end_date":null,"status":"예약","start_url":"http://your-domain.com","crawl_cnt":null,"scan_cnt":null,"memo":"샘플","result_button":"cancel","result_desc":null,"rescan_button":null,"slave_data":null}]}}"#;
    const NONE: &str = r#"{"resources":{"total_cnt":0,"total_page_cnt":"1","current_start_page":"1","current_end_page":"1","record_data":null}}"#;

    fn expected() -> Job {
        Job {
            id: "1234567890".to_owned(),
            starts_at: "2020-05-21T03:00:00Z".parse().unwrap(),
            ended_at: None,
            status: Status::Expected,
            url: Some("http://your-domain.com".to_owned()),
            log_count: None,
            failure_count: None,
            name: "샘플".to_owned(),
            button: Status::Expected.button(true),
            description: None,
            rescan: None,
        }
    }

    async fn text(jobs: Vec<Job>, total: i64, zone: &str) -> String {
        let list = JobList { total, pages: Pages::of(1, 10, total), jobs };
        let answer = of(&list, zone, Language::Korean).unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_answers_are_the_examples_byte_for_byte() {
        assert_eq!(text(vec![expected()], 1, "Asia/Seoul").await, ONE);
        assert_eq!(text(Vec::new(), 0, "Asia/Seoul").await, NONE);
    }

    #[test]
    fn times_are_the_clocks_of_the_zone_in_summer_and_winter() {
        let at = |text: &str| local(text.parse().unwrap(), Tz::Europe__Berlin);
        assert_eq!(at("2026-01-02T03:04:05.999Z"), "2026-01-02 04:04:05");
        assert_eq!(at("2026-07-02T22:04:05Z"), "2026-07-03 00:04:05");
    }
}
