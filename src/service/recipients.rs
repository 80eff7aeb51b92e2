//! The recipients of mail: they agree before anything is told to them, may end it at any time, and a
//! mail that comes back ends it too. Recipients have no account here: what they may do is in the
//! links and addresses of the mails that they were sent (`notify::channels::email::link`).

use serde_json::Value;

use crate::context::Context;
use crate::domain::alert::one_line;
use crate::fault::Result;
use crate::mail::Address;
use crate::notify::channels::Kind;
use crate::notify::channels::email::link::{self, Named, Purpose};
use crate::notify::channels::email::{address, why_silent};
use crate::notify::message::open_config;
use crate::notify::{fail_what_waits, tell_of_disabled};
use crate::store::Flag;
use crate::store::bulk;
use crate::store::channels::{self, ChannelRow};
use crate::store::confirmations::{self, Asked, Bounds};
use crate::store::notifications::{self, Event, NewNotification};
use crate::store::projects;
use crate::store::tx::{Conn, Tx};

/// How often an address is asked to confirm, whoever wants it to.
pub const BOUNDS: Bounds = Bounds { most: 5, pause: 60 };

/// How often the channels of one project ask, whomever they do.
pub const PROJECT_BOUNDS: Bounds = Bounds { most: 50, pause: 0 };

/// The longest text about a mail that came back, in characters.
const MAX_REASON: usize = 300;

/// Whether a question goes out where one went before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// The address or the channel is new, or somebody wants it to be asked again.
    Now,
    /// It was asked before.
    Before,
}

/// Whether a channel waits for its recipient to confirm the address in this configuration.
pub(super) fn is_waiting(row: &ChannelRow, config: &Value) -> bool {
    let wanted = address(config).map(|address| address.to_string());
    row.kind == Kind::Email.as_str() && row.confirmed_address != wanted
}

/// Sees to it that mail to a channel that was just written goes to nobody who has not agreed: where
/// the address is confirmed in the project, that counts for this channel too; else its recipient is
/// asked, and the channel shows what it waits for. Whether something was queued. Other kinds are left
/// alone, and so is a channel that is disabled, until it is enabled.
///
/// # Errors
/// The database refused.
pub(super) async fn see_to_consent(
    ctx: &Context,
    tx: &mut Tx,
    row: &mut ChannelRow,
    ask: Ask,
) -> Result<bool> {
    if row.kind != Kind::Email.as_str() || bool::from(row.disabled) {
        return Ok(false);
    }
    let config = open_config(ctx, row)?;
    let Some(address) = address(&config).filter(|_| is_waiting(row, &config)) else {
        return Ok(false);
    };
    let name = address.to_string();
    let mut queued = false;
    if confirmations::is_confirmed(tx, row.project_id, &name).await? {
        row.confirmed_address = Some(name);
    } else if ask == Ask::Before {
        row.last_error.get_or_insert_with(|| why_silent(&ctx.mailer, &address));
    } else if let Some(refusal) = refusal(ctx, tx, row.project_id, &address).await? {
        row.last_error = Some(refusal);
    } else {
        queue_question(ctx, tx, row, &name).await?;
        // The question goes out once mail can be sent.
        row.last_error = Some(why_silent(&ctx.mailer, &address));
        queued = true;
    }
    channels::update(tx, row).await?;
    Ok(queued)
}

async fn queue_question(ctx: &Context, tx: &mut Tx, row: &ChannelRow, name: &str) -> Result<()> {
    let new = NewNotification {
        project_id: row.project_id,
        channel_id: row.channel_id,
        check_id: None,
        flip_id: None,
        event: Event::Confirm,
        detail: Some(name),
        due_at: ctx.now(),
    };
    notifications::insert(tx, &new, ctx.now()).await.map(drop)
}

/// Counts a question to this address; why it may not go out, where it may not.
async fn refusal(
    ctx: &Context,
    tx: &mut Tx,
    project_id: i64,
    address: &Address,
) -> Result<Option<String>> {
    let (project, now) = (Asked::Project(project_id), ctx.now());
    if !confirmations::count_mail(tx, project, PROJECT_BOUNDS, now).await? {
        let most = PROJECT_BOUNDS.most;
        return Ok(Some(format!(
            "waits for confirmation: the channels of this project asked {most} times within a day; a \
             test of this channel asks again later"
        )));
    }
    let mailbox = address.mailbox();
    let counted = confirmations::count_mail(tx, Asked::Mailbox(&mailbox), BOUNDS, now).await?;
    Ok((!counted).then(|| asked_too_often(address)))
}

fn asked_too_often(address: &Address) -> String {
    format!(
        "waits for confirmation: {address} was asked by mail only just, or {} times within a day; a \
         test of this channel asks again later",
        BOUNDS.most
    )
}

/// A channel as its recipient sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The address that mail goes to.
    pub address: String,
    /// The project whose alerts it gets.
    pub project_name: String,
    /// The recipient has confirmed the address, and not ended it.
    pub is_confirmed: bool,
    /// No channel of the project sends anything there.
    pub is_disabled: bool,
}

/// What the token of a link is about; none where it is not one of ours, or the channel does not send
/// to that address any more.
///
/// # Errors
/// The database is out.
pub async fn look(ctx: &Context, purpose: Purpose, token: &str) -> Result<Option<Subscription>> {
    let Some(named) = link::read(&ctx.keys, purpose, token) else { return Ok(None) };
    let mut conn = ctx.store.read().await?;
    match channel_of(ctx, &mut conn, &named).await? {
        Some((row, address)) => subscription(ctx, &mut conn, &row, &address).await.map(Some),
        None => Ok(None),
    }
}

/// The recipient agrees: from now on the project's channels tell them. What became of it; none as
/// for [`look`].
///
/// # Errors
/// The database refused.
pub async fn confirm(ctx: &Context, token: &str) -> Result<Option<Subscription>> {
    let Some(named) = link::read(&ctx.keys, Purpose::Confirm, token) else { return Ok(None) };
    let mut tx = ctx.store.begin().await?;
    let Some((row, address)) = locked(ctx, &mut tx, &named).await? else { return Ok(None) };
    let name = address.to_string();
    for (mut channel, sends_to) in with_addresses(ctx, &mut tx, row.project_id).await? {
        if sends_to.as_ref() == Some(&address) && channel.confirmed_address.as_ref() != Some(&name)
        {
            channel.confirmed_address = Some(name.clone());
            // It told what it waited for; of one that is disabled it tells why.
            channel.last_error = channel.last_error.filter(|_| channel.disabled != Flag(0));
            channels::update(&mut tx, &channel).await?;
        }
    }
    let subscription = subscription(ctx, &mut tx, &row, &address).await?;
    tx.commit().await?;
    tracing::info!(channel_id = row.channel_id, "the recipient of a channel confirmed it");
    Ok(Some(subscription))
}

/// The recipient wants no more: every channel of the project that sends to them is disabled, which its
/// last error tells, and they must confirm anew should one be enabled again. What became of it; none
/// as for [`look`].
///
/// # Errors
/// The database refused.
pub async fn unsubscribe(ctx: &Context, token: &str) -> Result<Option<Subscription>> {
    let Some(named) = link::read(&ctx.keys, Purpose::Unsubscribe, token) else { return Ok(None) };
    let mut tx = ctx.store.begin().await?;
    let Some((row, address)) = locked(ctx, &mut tx, &named).await? else { return Ok(None) };
    let all = with_addresses(ctx, &mut tx, row.project_id).await?;
    let error = "unsubscribed by its recipient";
    let ends = |sends_to: &Option<Address>| leads_to(sends_to.as_ref(), &address);
    // All notifications before any channel, and channels by id, as the notifier locks them.
    for (channel, _) in all.iter().filter(|(_, sends_to)| ends(sends_to)) {
        fail_what_waits(&mut tx, channel.channel_id, error).await?;
    }
    for (channel, sends_to) in &all {
        // One that sends elsewhere by now may have it confirmed from before.
        let confirmed = channel.confirmed_address.as_deref().and_then(Address::parse);
        if leads_to(confirmed.as_ref(), &address) {
            confirmations::withdraw(&mut tx, channel.channel_id).await?;
        }
        if ends(sends_to) {
            give_up(ctx, &mut tx, channel, error).await?;
        }
    }
    let subscription = subscription(ctx, &mut tx, &row, &address).await?;
    tx.commit().await?;
    ctx.bells.notifier.notify_one();
    Ok(Some(subscription))
}

/// A mail came back for good (a delivery status notification to the address that this token stands
/// in): its channel is disabled, as it is where the mail server refuses the mailbox at once. `reason`
/// is what the notification says. Whether the token is one of ours and its channel still sends there.
///
/// # Errors
/// The database refused.
pub async fn bounced(ctx: &Context, token: &str, reason: &str) -> Result<bool> {
    let Some(named) = link::read(&ctx.keys, Purpose::Bounce, token) else { return Ok(false) };
    let mut tx = ctx.store.begin().await?;
    let Some((row, address)) = locked(ctx, &mut tx, &named).await? else { return Ok(false) };
    let reason: String = one_line(reason).chars().take(MAX_REASON).collect();
    give_up(ctx, &mut tx, &row, &format!("mail to {address} came back: {reason}")).await?;
    tx.commit().await?;
    ctx.bells.notifier.notify_one();
    Ok(true)
}

/// Disables a channel, and tells the project's others; nothing where it is disabled already.
async fn give_up(ctx: &Context, tx: &mut Tx, row: &ChannelRow, error: &str) -> Result<()> {
    if bool::from(row.disabled) {
        return Ok(());
    }
    // Notifications before their channel, as the notifier locks them.
    fail_what_waits(tx, row.channel_id, error).await?;
    if channels::mark_failed(tx, row.channel_id, error, true).await? {
        tell_of_disabled(tx, row.project_id, row.channel_id, error, ctx.now()).await?;
        tracing::warn!(channel_id = row.channel_id, error, "a channel was disabled");
    }
    Ok(())
}

/// The channel that a token names, its project locked against other changes, and its address. Whoever
/// calls has read the token before: one that is made up is not to reach the database.
async fn locked(
    ctx: &Context,
    tx: &mut Tx,
    named: &Named,
) -> Result<Option<(ChannelRow, Address)>> {
    let Some((row, _)) = channel_of(ctx, tx, named).await? else { return Ok(None) };
    projects::lock(tx, row.project_id).await?;
    channel_of(ctx, tx, named).await
}

async fn channel_of(
    ctx: &Context,
    conn: &mut Conn,
    named: &Named,
) -> Result<Option<(ChannelRow, Address)>> {
    let Some(row) = channels::find_by_uuid(conn, &named.channel_uuid).await? else {
        return Ok(None);
    };
    let address = address(&open_config(ctx, &row)?);
    Ok(address.filter(|address| named.is_for(&ctx.keys, address)).map(|address| (row, address)))
}

/// All channels of a project, by id, each with the address that it sends mail to.
async fn with_addresses(
    ctx: &Context,
    conn: &mut Conn,
    project_id: i64,
) -> Result<Vec<(ChannelRow, Option<Address>)>> {
    let with_address = |row: ChannelRow| {
        let is_email = row.kind == Kind::Email.as_str();
        let address = if is_email { address(&open_config(ctx, &row)?) } else { None };
        Ok((row, address))
    };
    bulk::channels_of(conn, project_id).await?.into_iter().map(with_address).collect()
}

/// Whether mail to the one address arrives at the other.
fn leads_to(one: Option<&Address>, other: &Address) -> bool {
    one.is_some_and(|one| one.mailbox() == other.mailbox())
}

async fn subscription(
    ctx: &Context,
    conn: &mut Conn,
    row: &ChannelRow,
    address: &Address,
) -> Result<Subscription> {
    let recipient = projects::recipient(conn, row.project_id).await?;
    let mut channels = with_addresses(ctx, conn, row.project_id).await?;
    channels.retain(|(_, sends_to)| leads_to(sends_to.as_ref(), address));
    let address = address.to_string();
    Ok(Subscription {
        project_name: recipient.map_or_else(String::new, |project| project.project_name),
        is_confirmed: channels.iter().any(|(c, _)| c.confirmed_address.as_ref() == Some(&address)),
        is_disabled: channels.iter().all(|(c, _)| c.disabled.into()),
        address,
    })
}
