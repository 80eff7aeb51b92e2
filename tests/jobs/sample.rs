//! The sample program of the API that this one follows, as it was printed, save the host, the keys and
//! a name that it misspells.

use std::process::{Command, Output};

use serde_json::{Value, json};

use super::start;
use crate::support::server::TestServer;
use crate::support::{both_databases, pass_over};

/// The variable that names a Python which has what requirements.txt names.
const VARIABLE: &str = "OVERDUE_TEST_REQUESTS";
const SAMPLE: &str = include_str!("sample.py");

fn run(python: &str, program: &str) -> Output {
    let mut command = Command::new(python);
    for (name, _) in std::env::vars() {
        if name.to_ascii_uppercase().ends_with("_PROXY") {
            command.env_remove(name);
        }
    }
    command.args(["-c", program]).output().unwrap()
}

both_databases! {
    async fn the_sample_program_prints_the_list(database) {
        let Ok(python) = std::env::var(VARIABLE) else {
            pass_over("the sample program is not run: run ./test");
            return;
        };
        let server = TestServer::start(database, &[]).await;
        let (api, signer) = start(&server).await;
        let check = api.check("nightly", json!({})).await;
        api.ping(&check, "/start").await.says(200, "OK");
        assert_eq!(SAMPLE.matches("respones").count(), 1);
        let program = SAMPLE
            .replace("https://wsc.apigw.ntruss.com", &server.base())
            .replace("{accessKey}", &signer.key)
            .replace("{secretKey}", &signer.secret)
            .replace("respones", "response");
        let output = run(&python, &program);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let printed: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {:?} {errors}", output.stdout));
        assert_eq!(printed["resources"]["total_cnt"], 1);
        assert_eq!(printed["resources"]["record_data"][0]["memo"], "nightly");
        let wrong = program.replace(&signer.secret, "wrong");
        assert_eq!(run(&python, &wrong).stdout, b"", "it prints what comes with 200 alone");
    }
}
