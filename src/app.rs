//! Where everything is put together: configuration -> store, clock, workers, router. Starts them,
//! watches over them, and stops them in order.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use crate::clock::Clock;
use crate::config::{Config, HiddenUrl};
use crate::context::Context;
use crate::detector::Detector;
use crate::fault::{Fault, Result};
use crate::http::journal;
use crate::http::listen::{self, Bound, Limits};
use crate::http::management::{self, ManagementState};
use crate::http::tls::{self, Acceptor};
use crate::http::{Front, broken, healthchecks, jobs, monitors, ops, pages, ping};
use crate::ingest::Ingest;
use crate::maintenance::Keeper;
use crate::notify::Notifier;
use crate::notify::outbound::{self, Outbound};
use crate::probe::Prober;
use crate::relay::Relay;
use crate::service::pings::Finder;
use crate::service::transfer;
use crate::smtp::{self, Postbox};
use crate::vitals::Vitals;
use crate::watch::Heartbeat;
use crate::{janitor, log, secret};

/// How long requests in flight may take when the process is asked to stop.
const DRAIN: Duration = Duration::from_secs(4);
/// How long the workers may take after that.
const WIND_UP: Duration = Duration::from_secs(3);
/// How long all of a stop may take: less than the 10 s after which others lose patience.
const STOP: Duration = Duration::from_secs(9);

/// Runs the server until SIGTERM or SIGINT. `reload` reads the configuration again, for SIGHUP.
///
/// # Errors
/// Something it needs can't be had, or a worker ended that should not.
pub async fn serve(
    config: Config,
    log: log::Handle,
    reload: impl Fn() -> Result<Config> + Send,
) -> Result<()> {
    for notice in config.notices() {
        tracing::warn!("{notice}");
    }
    // First, so that a port that is taken is found out before anything is touched.
    let acceptor = acceptor(&config)?;
    let server = &config.server;
    let listeners =
        listen::bind_all(&server.listen, &server.listen_tls, server.listen_is_default())
            .map_err(Fault::Unavailable)?;
    let mail = config.smtp.listen.map(|address| listen::bind_one("smtp.listen", address));
    let mail = mail.transpose().map_err(Fault::Unavailable)?;
    let ctx = Context::open(config, Clock::system()).await?;
    apply(&ctx).await?;
    let mut house = House::start(&ctx, acceptor, listeners, mail).await?;
    house.watch(&log, &reload).await
}

/// Applies the file that the configuration names, if it names one (`apply.path`).
async fn apply(ctx: &Context) -> Result<()> {
    let Some(path) = &ctx.config.apply.path else { return Ok(()) };
    let wrong =
        |reason: String| Fault::invalid("apply.path", format!("{}: {reason}", path.display()));
    let text = tokio::fs::read_to_string(path).await.map_err(|error| wrong(error.to_string()))?;
    match transfer::apply(ctx, &text, &transfer::Wanted::default()).await {
        Ok(applied) => {
            let report = &applied.report;
            tracing::info!(
                project = applied.project_name,
                made = report.created.len(),
                changed = report.updated.len(),
                unchanged = report.unchanged,
                "{} is applied",
                path.display()
            );
            Ok(())
        }
        Err(Fault::NotFound) => {
            tracing::warn!(
                "{} is not applied: nobody has an account yet who could own its project; it is at \
                 the next start",
                path.display()
            );
            Ok(())
        }
        Err(fault @ Fault::Unavailable(_)) => Err(fault),
        Err(fault) => Err(wrong(fault.to_string())),
    }
}

fn acceptor(config: &Config) -> Result<Option<Acceptor>> {
    let Some((cert, key)) = config.server.tls_files() else { return Ok(None) };
    Acceptor::from_files(cert, key).map(Some).map_err(Fault::Unavailable)
}

fn outbound(config: &Config) -> Result<Arc<Outbound>> {
    let settings = outbound::Settings {
        allow_private: config.outbound.allow_private,
        allow: config.outbound.allow.clone(),
        proxy: config.outbound.proxy.as_ref().map(|proxy| proxy.expose().to_owned()),
    };
    Ok(Arc::new(Outbound::new(settings)?))
}

/// The heartbeat, where somebody watches.
fn heartbeat(ctx: &Context, vitals: &Vitals) -> Result<Option<Heartbeat>> {
    let Some(url) = &ctx.config.watch.url else { return Ok(None) };
    let proxy = ctx.config.outbound.proxy.as_ref().map(HiddenUrl::expose);
    Heartbeat::new(url.expose(), proxy, vitals.clone(), ctx.clock.clone()).map(Some)
}

/// The running server: its workers, and the switches that stop them.
struct House {
    ctx: Context,
    ingest: Option<Ingest>,
    acceptor: Option<Acceptor>,
    workers: Workers,
    /// Stops the listeners.
    door: watch::Sender<bool>,
    /// Stops the workers.
    shop: watch::Sender<bool>,
}

impl House {
    async fn start(
        ctx: &Context,
        acceptor: Option<Acceptor>,
        listeners: Vec<Bound>,
        mail: Option<Bound>,
    ) -> Result<Self> {
        let vitals = Vitals::default();
        let outbound = outbound(&ctx.config)?;
        let node_id = secret::random_text::<12>();
        let (door, at_the_door) = watch::channel(false);
        let (shop, in_the_shop) = watch::channel(false);
        let mut workers = Workers::default();

        let (ingest, writer) = Ingest::start(ctx.clone(), vitals.clone());
        workers.start("ingest", writer);
        let detector = Detector::new(ctx.clone(), ingest.clone(), vitals.clone(), &node_id);
        workers.start("detector", detector.run(in_the_shop.clone()));
        let keeper = Keeper::new(ctx.clone(), ingest.clone());
        workers.start("keeper", keeper.run(in_the_shop.clone()));
        let notifier = Notifier::new(ctx.clone(), outbound.clone(), vitals.clone(), &node_id);
        workers.start("notifier", notifier.run(in_the_shop.clone()));
        let prober = Prober::new(ctx.clone(), ingest.clone(), outbound.clone());
        workers.start("prober", prober.run(in_the_shop.clone()));
        let relay = Relay::new(ctx.clone(), &node_id);
        workers.start("relay", relay.run(in_the_shop.clone()));
        workers.start("janitor", janitor::run(ctx.clone(), in_the_shop.clone()));
        if let Some(heartbeat) = heartbeat(ctx, &vitals)? {
            workers.start("heartbeat", heartbeat.run(in_the_shop.clone()));
        }
        let (journal, inbox) = journal::channel();
        workers.start("journal", journal::run(ctx.clone(), inbox, in_the_shop.clone()));
        if let Some(acceptor) = &acceptor {
            workers.start("certificates", tls::watch(acceptor.clone(), in_the_shop));
        }

        announce(ctx, &listeners, mail.as_ref()).await?;
        let state = ManagementState::new(ctx.clone(), journal.clone(), outbound.clone());
        let limiter = state.limiter.clone();
        let parts = management::router(state)
            .merge(jobs::router(ctx.clone()))
            .merge(healthchecks::router(ctx.clone()))
            .merge(monitors::router(ctx.clone(), limiter, journal))
            .merge(ops::router(ctx.clone(), vitals.clone(), ingest.clone()))
            .merge(pages::router(ctx.clone(), ingest.clone(), at_the_door.clone(), outbound));
        let finder = Finder::new(ctx.store.clone());
        if let Some(bound) = mail {
            let (ctx, ingest, finder) = (ctx.clone(), ingest.clone(), finder.clone());
            let postbox = Postbox::new(ctx, ingest, finder, vitals.clone(), acceptor.as_ref());
            workers.start("mail", take_mail(bound, postbox, at_the_door.clone()));
        }
        let endpoint = ping::Endpoint::new(ctx.clone(), ingest.clone(), finder, vitals);
        let front = Front::new(endpoint, parts, ctx.config.clone());
        let limits = Limits { drain: DRAIN, ..Limits::default() };
        let tls = acceptor.clone();
        workers.start("listeners", async move {
            let service = move |request| front.clone().serve(request);
            let served = listen::serve(listeners, tls, service, broken, at_the_door, limits).await;
            if let Err(error) = served {
                tracing::error!(%error, "the listeners stopped");
            }
        });
        Ok(Self { ctx: ctx.clone(), ingest: Some(ingest), acceptor, workers, door, shop })
    }

    /// Waits for a signal, or for a worker that ends before it was asked to.
    async fn watch(
        &mut self,
        log: &log::Handle,
        reload: &(impl Fn() -> Result<Config> + Send),
    ) -> Result<()> {
        let mut terminate = on(SignalKind::terminate())?;
        let mut interrupt = on(SignalKind::interrupt())?;
        let mut hang_up = on(SignalKind::hangup())?;
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hang_up.recv() => self.reload(log, reload),
                (name, why) = self.workers.next() => {
                    // Better no server than one that looks alive and does not watch.
                    tracing::error!("the worker {name} {why}: the server stops");
                    return Err(Fault::internal(format!("the worker {name} {why}")));
                }
            }
        }
        if tokio::time::timeout(STOP, self.stop()).await.is_err() {
            tracing::warn!("the database did not answer: what was not acknowledged is given up");
        }
        Ok(())
    }

    fn reload(&self, log: &log::Handle, reload: &impl Fn() -> Result<Config>) {
        if let Some(acceptor) = &self.acceptor
            && let Err(error) = acceptor.reload()
        {
            tracing::error!(%error, "the certificate was not reloaded; the old one stays in use");
        }
        let level = reload().and_then(|config| {
            log.set_level(&config.log.level).map_err(|why| Fault::invalid("log.level", why))?;
            Ok(config.log.level)
        });
        match level {
            Ok(level) => tracing::info!(%level, "reloaded the log level"),
            Err(error) => tracing::error!(%error, "the log level was not reloaded"),
        }
    }

    /// Stops in order: the listeners, then what they handed in, then the workers, then the
    /// database.
    async fn stop(&mut self) {
        tracing::info!("stopping: finishing what is in flight");
        let _ = self.door.send(true);
        self.workers.wait_for(&["listeners", "mail"], DRAIN + Duration::from_secs(1)).await;
        if let Some(ingest) = self.ingest.take() {
            ingest.settled(&self.ctx).await;
        }
        let _ = self.shop.send(true);
        let others = [
            "detector",
            "prober",
            "keeper",
            "notifier",
            "relay",
            "janitor",
            "heartbeat",
            "journal",
            "certificates",
            "ingest",
        ];
        self.workers.wait_for(&others, WIND_UP).await;
        self.ctx.store.close().await;
        tracing::info!("stopped");
    }
}

async fn take_mail(bound: Bound, postbox: Postbox, stop: watch::Receiver<bool>) {
    let limits = smtp::Limits { drain: DRAIN, ..smtp::Limits::default() };
    if let Err(error) = smtp::serve(bound, postbox, stop, limits).await {
        tracing::error!(%error, "mail is not taken any more");
    }
}

fn on(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(|error| Fault::Unavailable(format!("signals can't be received: {error}")))
}

/// Says where the server listens, where its data is, and how to begin.
async fn announce(ctx: &Context, listeners: &[Bound], mail: Option<&Bound>) -> Result<()> {
    for listener in listeners {
        let scheme = if listener.tls() { "https" } else { "http" };
        tracing::info!("listening on {scheme}://{}", listener.local_addr());
    }
    if let Some(listener) = mail {
        tracing::info!("listening on smtp://{}", listener.local_addr());
    }
    let default_port = ctx.config.server.listen_is_default();
    if ctx.config.server.site_url_is_default() && !default_port {
        let site = &ctx.config.server.site_url;
        tracing::warn!(
            "links and ping URLs are built on the default {site}: set server.site_url to the \
             address that people and jobs use"
        );
    }
    if let Some(file) = ctx.store.file() {
        let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        tracing::info!("the data is in the SQLite file {}", path.display());
    } else {
        tracing::info!("the data is in {}", ctx.config.database.url_masked());
    }
    if let Some(code) = pages::setup::new_setup_code(ctx).await? {
        let site = site_url(ctx, listeners);
        tracing::info!("no account yet: open {site}/setup?code={code} to make the first one");
    }
    Ok(())
}

/// The address people reach this server at: the configured one, or, while that is the default,
/// this machine at the port that is really listened on.
fn site_url(ctx: &Context, listeners: &[Bound]) -> String {
    let server = &ctx.config.server;
    let plain = listeners.iter().find(|listener| !listener.tls()).map(Bound::local_addr);
    match plain.as_ref().map(SocketAddr::port) {
        Some(port) if server.site_url_is_default() => format!("http://localhost:{port}"),
        _ => server.site_url.clone(),
    }
}

/// Named tasks that are to run until they are told to stop.
#[derive(Default)]
struct Workers {
    tasks: JoinSet<()>,
    names: Vec<(Id, &'static str)>,
}

impl Workers {
    fn start(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let handle = self.tasks.spawn(work);
        self.names.push((handle.id(), name));
    }

    /// The next worker that ends, and how.
    async fn next(&mut self) -> (&'static str, &'static str) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => (self.ended(id), "ended"),
            Some(Err(error)) => (self.ended(error.id()), how(&error)),
            None => std::future::pending().await,
        }
    }

    fn ended(&mut self, id: Id) -> &'static str {
        let place = self.names.iter().position(|(each, _)| *each == id);
        place.map_or("(unnamed)", |place| self.names.swap_remove(place).1)
    }

    /// Waits until these have ended, for at most so long.
    async fn wait_for(&mut self, names: &[&str], at_most: Duration) {
        let all = async {
            while self.names.iter().any(|(_, name)| names.contains(name)) {
                self.next().await;
            }
        };
        if tokio::time::timeout(at_most, all).await.is_err() {
            tracing::warn!("some work did not end in time and is broken off");
        }
    }
}

fn how(error: &JoinError) -> &'static str {
    if error.is_panic() { "panicked" } else { "was cancelled" }
}
