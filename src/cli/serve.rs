//! `overdue serve`: starts the log as it is configured, then the server, which runs until it is
//! told to stop and may ask for the configuration again (SIGHUP).

use super::Settings;
use crate::app;
use crate::config::Config;
use crate::fault::{Fault, Result};
use crate::log;

pub(super) async fn run(config: Config, settings: Settings) -> Result<()> {
    let log = log::init(config.log.format, &config.log.level)
        .map_err(|reason| Fault::invalid("log.level", reason))?;
    app::serve(config, log, || settings.load()).await
}
