//! An HTTP answer, read to its end, and what tests ask of it.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The version of HTTP that the answer came by.
    pub version: reqwest::Version,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
}

impl Answer {
    /// Reads an answer to its end.
    pub async fn read(response: reqwest::Response) -> Result<Self, reqwest::Error> {
        Ok(Self {
            status: response.status().as_u16(),
            version: response.version(),
            headers: response.headers().clone(),
            body: response.bytes().await?,
        })
    }

    /// A header's value; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let parsed = serde_json::from_slice(&self.body);
        parsed.unwrap_or_else(|error| panic!("{error} in {} {:?}", self.status, self.body))
    }

    /// The management API's 200: its object.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{:?}", self.body);
        self.json()
    }

    /// The management API's fatal error with this status: its message.
    #[track_caller]
    pub fn fatal(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{:?}", self.body);
        let error = self.json();
        let fields: Vec<&String> = error.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["statusCode", "error", "message"]);
        assert_eq!(error["statusCode"], status);
        error["message"].as_str().unwrap().to_owned()
    }

    /// Holds it against the pinging API: this status, exactly this text, and the headers that every
    /// answer of a ping address carries.
    #[track_caller]
    pub fn says(&self, status: u16, text: &str) {
        assert_eq!((self.status, self.text()), (status, text));
        assert_eq!(self.header("content-length"), text.len().to_string());
        self.has_ping_headers();
    }

    /// The headers of every answer of a ping address, whatever its status.
    #[track_caller]
    pub fn has_ping_headers(&self) {
        assert_eq!(self.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(self.header("access-control-allow-origin"), "*");
        assert_eq!(self.header("cache-control"), "no-cache, no-store");
    }
}
