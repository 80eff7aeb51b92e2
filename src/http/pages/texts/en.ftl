### The texts of the pages in English, by the page that they stand on. Every key is used, and every
### text that is shown stands here; a test holds both. In { $… } is what the page puts in, escaped
### where it is not a piece of HTML itself. The syntax is that of Project Fluent.

## In several places

yes = yes
no = no
count-failures-in-a-row = { $n ->
    [one] { $n } failure in a row
   *[other] { $n } failures in a row
}
state-down = Down
state-late = Late
state-up = Up
state-new = New
state-paused = Paused
state-unknown = Unknown
no-name = Check without a name
look-at-fields = Please look at the marked fields.
count-checks = { $n ->
    [one] { $n } check
   *[other] { $n } checks
}
count-minutes = { $n ->
    [one] { $n } minute
   *[other] { $n } minutes
}
count-things = { $n ->
    [one] { $n } thing
   *[other] { $n } things
}
count-days = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
count-runs = { $n ->
    [one] { $n } run
   *[other] { $n } runs
}

## Times

words-one-day = { $n } day
words-days = { $n } days
unit-seconds = seconds
unit-minutes = minutes
unit-hours = hours
unit-days = days
unit-weeks = weeks
words-just-now = just now
words-ago = { $far } ago
words-in = in { $far }
words-seconds = { $n } s
words-minutes = { $n } min
words-hours = { $n } h

## Scripts

script-copy = Copy
script-copied = Copied
script-session-over = Your session is over.
script-session-over-how = Sign in again in another tab or here; then try once more.
script-token-refused = The token was refused.
script-token-refused-how = It is wrong, expired or revoked. Enter another one under “Authorize”, or log out there to go on with your session.
script-session-renewed = The session was renewed.
script-no-answer = The server does not answer. Try again in a moment.
script-conventions = Conventions of this API
script-passkey-not-allowed = The browser gave no passkey: it was not allowed to, it took too long, or there is none for this site.
script-passkey-there-already = This device has a passkey of yours already.
script-passkey-not-here = The browser makes no passkeys for this address.

## What a check's state means

sentence-last-ping = The last ping came at { $at }.
sentence-no-ping = No ping has come yet.
sentence-new = Waiting for the first ping. From then on it is watched.
sentence-resumed = Resumed, and waiting for a ping. From then on it is watched.
sentence-up = { $last } The next is expected at { $next }; without one it goes down at { $down }.
sentence-up-for-good = { $last } The next is expected at { $next }.
sentence-up-at-its-end = { $last } Its schedule expects no other.
sentence-late = A ping was due at { $due }; without one it goes down at { $down }. { $last }
sentence-late-for-good = A ping was due at { $due }. { $last }
sentence-paused = Not watched; { $how }.
sentence-paused-since = Not watched since { $since }; { $how }.
sentence-resumed-here = only who resumes it here has it watched again
sentence-resumed-by-ping = the next ping, or whoever resumes it here, has it watched again
sentence-down = Since { $since }: { $why }. { $last }
sentence-no-ping-within = no ping came within { $grace } of when one was due

## Why a check changed

reason-of-flip-resume = it was resumed
reason-of-flip-pause = somebody paused it
reason-of-flip-ping = a success came
reason-of-flip-overrun = a run took longer than it may
reason-of-flip-timeout = no ping came in time
reason-of-flip-fail = the job said that it failed

## account

account-was-wrong-too-often-try = was wrong too often: try again in { $time }

## account/account

account-title = Account
account-profile = Profile
account-save-the-profile = Save the profile
account-password = Password
account-everywhere-else-you-are-signed = Everywhere else you are signed out by this. API tokens go on to work.
account-change-the-password = Change the password
account-second-factor = Second factor
account-recovery-codes-and-more = Recovery codes and more
account-each-sign-in-with-the-2 = Each sign-in with the password asks for a passkey.
account-the-password-alone-signs-you = The password alone signs you in. With an authenticator app or a passkey, a stolen password opens nothing.
account-set-up-an-authenticator-app = Set up an authenticator app
account-passkeys = Passkeys
account-providers-that-sign-you-in = Providers that sign you in
account-end-one = End one…
account-it-signs-you-in-no = It signs you in no longer. Your password does.
account-provider = Provider
account-end-it = End it
account-where-you-are-signed-in = Where you are signed in
account-browser = Browser
account-address = Address
account-signed-in = Signed in
account-last-seen = Last seen
account-end = End
account-this-one = this one
account-sign-out-at = Sign out { $browser } at { $address }
account-sign-out = Sign out
account-sign-out-everywhere-else = Sign out everywhere else
account-code-is-asked = Each sign-in with the password asks for a code of your authenticator app.
account-code-or-passkey-is-asked = Each sign-in with the password asks for a code of your authenticator app, or a passkey.
account-linked-since = { $email }, since { $since }, last used { $used }

## account/page

account-no-codes-are-asked-for = No codes are asked for any more. A passkey still is.
account-it-signs-you-in-no-2 = It signs you in no longer.
account-the-password-alone-signs-you-2 = The password alone signs you in from now on.
account-your-profile-is-saved = Your profile is saved.
account-the-password-is-changed-everywhere = The password is changed. Everywhere else you are signed out.
account-that-session-has-ended = That session has ended.
account-what-others-call-you = What others call you.
account-name = Name
account-a-name-such-as-europe = A name such as Europe/Berlin. With UTC, times are shown in the browser’s zone; Etc/UTC shows them in UTC.
account-time-zone = Time zone
account-present-password = Present password
account-new-password = New password

## account/passkeys

account-passkeys-passkeys = Passkeys
account-passkeys-a-passkey-signs-you-in = A passkey signs you in with your device’s PIN, finger or face. It can’t be guessed, and works at this site alone.
account-passkeys-your-recovery-codes = Your recovery codes
account-passkeys-from-now-on-each-sign = From now on each sign-in with the password asks for a passkey. Each of these codes signs you in once in its place. They are shown this once: keep them where your device is not.
account-passkeys-there-is-no-passkey-yet = There is no passkey yet.
account-passkeys-rename = Rename { $name }
account-passkeys-rename-2 = Rename
account-passkeys-name = Name
account-passkeys-save = Save
account-passkeys-remove = Remove { $name }
account-passkeys-remove-2 = Remove
account-passkeys-remove-the-passkey-it-signs = Remove the passkey “{ $name }”? It signs you in no longer.
account-passkeys-the-password-alone-does-from = The password alone does, from then on.
account-passkeys-your-password = Your password
account-passkeys-remove-it = Remove it
account-passkeys-add-a-passkey = Add a passkey
account-passkeys-the-browser-makes-passkeys-for = The browser makes passkeys for scripts alone: turn JavaScript on for this page.
account-passkeys-recovery-codes-and-the-authenticator = Recovery codes and the authenticator app
account-passkeys-set-up-an-authenticator-app = Set up an authenticator app
account-passkeys-new-recovery-codes = New recovery codes…
account-passkeys-make-new-recovery-codes = Make new recovery codes
account-passkeys-back-to-the-account = Back to the account
account-passkeys-made = Made { $made }, not used yet.
account-passkeys-made-and-used = Made { $made }, last used { $used }.
account-codes-left = { $n ->
    [one] { $n } recovery code is left.
   *[other] { $n } recovery codes are left.
}
account-new-codes = New ones take their place.
account-passkeys-the-passkey-is-added = The passkey is added.
account-passkeys-the-passkey-has-its-new = The passkey has its new name.
account-passkeys-the-passkey-is-removed-your = The passkey is removed. Your device may still show it; it opens nothing here.
account-passkeys-what-you-will-know-it = What you will know it by, such as the device that it is on.

## account/second_factor

account-second-factor-second-factor = Second factor
account-second-factor-with-an-authenticator-app-on = With an authenticator app on your phone, the password alone opens nothing: each sign-in asks for the code that the app shows.
account-second-factor-scan-this-with-the-app = Scan this with the app, or type the key below it.
account-second-factor-qr-code-of-the-key = QR code of the key below
account-second-factor-ask-for-codes-from-now = Ask for codes from now on
account-second-factor-make-new-recovery-codes = Make new recovery codes
account-second-factor-ask-for-no-codes-of = Ask for no codes of the app any more
account-second-factor-your-recovery-codes = Your recovery codes
account-second-factor-each-of-them-signs-you = Each of them signs you in once, in place of the app or a passkey. They are shown this once: keep them where your phone is not.
account-second-factor-back-to-the-account = Back to the account
account-second-factor-the-six-digits-that-the = The six digits that the app shows now.
account-second-factor-code = Code
account-second-factor-your-password = Your password

## admin

admin-or-more = { $number } or more
admin-version = Version
admin-pings-that-wait-to-be = Pings that wait to be written
admin-the-detector-is-behind-by = The detector is behind by
admin-messages-that-wait-to-be = Messages that wait to be delivered
admin-the-oldest-of-them-waits = The oldest of them waits for
admin-database = Database

## admin/show

admin-administration = Administration
admin-how-it-runs = How it runs
admin-nodes = Nodes
admin-node = Node
admin-started = Started
admin-last-sign-of-life = Last sign of life
admin-users = Users
admin-address = Address
admin-name = Name
admin-zone = Zone
admin-since = Since
admin-administrator = Administrator
admin-yes = yes
admin-no = no
admin-configuration = Configuration
admin-as-overdue-check-config-prints = As <code>overdue check-config</code> prints it; secrets are masked.

## api

api-title = API
api-management-api = Management API
api-every-command-with-its-fields = Every command with its fields. “Try it out” runs it here and now as { $email }, on the data of this server.
api-your-session-holds-until-and = Your session holds until <time datetime="{ $expires_at }" title="{ $expires_at }">{ $until }</time>, and longer while you use it.
api-renew-session = Renew session
api-sign-in-again = Sign in again
api-the-curl-lines = The <code>curl</code> lines
api-try-it-out-shows-each = “Try it out” shows each request as a <code>curl</code> line for your shell. It takes the token from a variable, which you set once, on the server's command line or with a token that you have:
api-with-a-token-given-under = With a token given under “Authorize”, the requests of this page and the lines carry that one instead.
api-the-commands-are-shown-by = The commands are shown by a script. Without one, read the description itself: <a href="{ $prefix }/docs/api.json">{ $base }/docs/api.json</a>.

## asking

asking-that-was-too-often-try = That was too often. Try again in { $time }.

## channels/edit

channels-edit-edit = Edit { $old }
channels-edit-new-channel = New channel: { $title }
channels-edit-channels = Channels
channels-edit-edit-the-channel = Edit the channel
channels-edit-where-it-goes = Where it goes
channels-edit-there-is-no-other-channel = There is no other channel yet: add those first that the group is to stand for.
channels-edit-a-secret-that-is-shown = A secret that is shown as *** stays what it is, as long as it goes to the same host.
channels-edit-what-it-is-told = What it is told
channels-edit-news = News
channels-edit-a-check-goes-down = A check goes down
channels-edit-a-check-is-up-again = A check is up again
channels-edit-wait = Wait
channels-edit-minutes-if-a-check-is = Minutes; if a check is up again by then, nothing is sent.
channels-edit-remind-every = Remind every
channels-edit-minutes-0-never = Minutes; 0: never.
channels-edit-collect-beyond = Collect beyond
channels-edit-messages-a-minute-what-is = Messages a minute; what is more goes as one. 0: never.
channels-edit-save = Save
channels-edit-add-the-channel = Add the channel
channels-edit-cancel = Cancel
channels-edit-as-you-want-to-read = As you want to read it in the list and in alerts.
channels-edit-name = Name

## channels/inputs

channels-url-when-a-check-goes = URL when a check goes down
channels-placeholders-such-as-name-may = Placeholders such as $NAME may stand behind the host. Empty: such news is not sent.
channels-method = Method
channels-headers = Headers
channels-one-a-line-such-as = One a line, such as “Authorization: Bearer …”.
channels-body = Body
channels-with-placeholders-such-as-name = With placeholders such as $NAME and $STATUS; empty: JSON of our own.
channels-url-when-it-is-up = URL when it is up again
channels-empty-such-news-is-not = Empty: such news is not sent.
channels-method-for-up = Method for up
channels-headers-for-up = Headers for up
channels-one-a-line = One a line.
channels-body-for-up = Body for up
channels-empty-json-of-our-own = Empty: JSON of our own.
channels-body-for-several-alerts-in = Body for several alerts in one
channels-secret-that-signs = Secret that signs
channels-begins-with-whsec-standard-webhooks = Begins with whsec_ (Standard Webhooks). Empty: one is made.
channels-to = { $hint } { $from } to { $to }.

## channels/kinds

channels-kinds-add-a-channel = Add a channel
channels-kinds-channels = Channels

## channels/list

channels-title = Channels
channels-add-a-channel = Add a channel
channels-the-channel-is-deleted = The channel is deleted.
channels-nobody-is-told-yet = Nobody is told yet
channels-a-channel-is-where-alerts = A channel is where alerts go: mail, a chat, a phone, or a request to any URL.
channels-an-editor-or-an-owner = An editor or an owner of the project adds the first one.
channels-state = State
channels-channel = Channel
channels-kind = Kind
channels-last-sent = Last sent
channels-checks = Checks
channels-never = never
channels-disabled = Disabled
channels-failing = Failing
channels-works = Works
channels-not-used-yet = Not used yet

## channels/log

channels-log-all = All
channels-log-delivered = Delivered
channels-log-waiting = Waiting
channels-log-given-up = Given up
channels-log-kept-back = Kept back
channels-log-a-check-went-down = A check went down
channels-log-a-check-is-up-again = A check is up again
channels-log-a-check-is-still-down = A check is still down
channels-log-a-check-is-flapping = A check is flapping
channels-log-test = Test
channels-log-a-channel-was-disabled = A channel was disabled
channels-log-question-for-consent = Question for consent

## channels/show

channels-send-a-test = Send a test
channels-enable = Enable
channels-disable = Disable
channels-edit = Edit
channels-its-signing-secret = Its signing secret
channels-every-request-is-signed-with = Every request is signed with it (Standard Webhooks). It is shown this once: give it to the program that checks the signature.
channels-the-test-was-not-taken = The test was not taken: { $text }
channels-state-and-settings = State and settings
channels-last-error = Last error
channels-what-uses-it = What uses it
channels-no-check-tells-this-channel = No check tells this channel.
channels-and-more = and { $more_checks } more
channels-in-the-groups = In the groups
channels-let-every-check-tell-it = Let every check tell it
channels-delete = Delete…
channels-delete-it = Delete it
channels-delivery-log = Delivery log
channels-messages-by-state = Messages by state
channels-nothing-here-yet-a-test = Nothing here yet. A test or the next alert fills this log.
channels-message = Message
channels-queued = Queued
channels-tries = Tries
channels-answer = Answer
channels-actions = Actions
channels-retry-message = Retry message { $id }
channels-retry = Retry
channels-told-of-nothing = nothing
channels-nothing-uses-it = Nothing uses it.
channels-told-by = Told by { $checks }.
channels-told-by-and-by-the = Told by { $checks }, and by the groups { $join }.
channels-delete-the-channel-with-its = Delete the channel “{ $name }” with its delivery log? { $uses }
channels-the-test-was-taken-look = The test was taken. Look whether it arrived.
channels-the-channel-is-there-send = The channel is there. Send a test to see whether it works.
channels-saved = Saved.
channels-the-channel-is-enabled = The channel is enabled.
channels-the-channel-is-disabled-it = The channel is disabled: it is told of nothing.
channels-every-check-tells-this-channel = Every check tells this channel now.
channels-the-message-is-sent-again = The message is sent again.
channels-going-down-and-coming-up = going down and coming up
channels-going-down = going down
channels-coming-up = coming up
channels-is-told-of = Is told of
channels-waits = Waits
channels-reminded-every = Reminded every
channels-more-than-messages-a-minute = more than { $group_threshold } messages a minute
channels-collects = Collects

## chart

chart-last-runs-failed = last { $runs } runs, { $failed } failed

## chart/bars

chart-bars-lost = lost
chart-bars-failed = failed
chart-bars-succeeded = succeeded
chart-bars-running = running
chart-bars-some-failed = { $what }, { $bad } failed
chart-bars-took-too-long = took too long
chart-bars-stopped-by-a-pause = stopped by a pause
chart-bars-when-it-ran-the-table = when it ran; the table below has the same
chart-bars-how-long-runs-took-the = how long runs took; the table below has the same

## chart/section

chart-span-24h = 24 hours
chart-span-7d = 7 days
chart-span-30d = 30 days
chart-span-90d = 90 days
chart-timed-runs = Timed runs
chart-p50 = Half took at most (p50)
chart-p95 = 95 of 100 took at most (p95)
chart-longest = Longest
chart-section-runs = Runs
chart-section-span-of-time = Span of time
chart-section-no-run-in-this-time = No run in this time. A run begins with a ping to <code>/start</code> and ends with the next success or failure.
chart-section-when-it-ran = When it ran
chart-section-the-same-as-a-table = The same as a table
chart-section-runs-as-a-table = Runs as a table
chart-section-began = Began
chart-section-how-it-went = How it went
chart-section-took = Took
chart-section-up-by-month = Up by month
chart-section-month-utc = Month (UTC)
chart-section-picture = Picture
chart-section-up = Up
chart-section-downtimes = Downtimes
chart-section-down-for = Down for
chart-section-when-it-ran-in-slots = When it ran: a bar stands for all runs that began in its time
chart-section-how-long-on-average = How long they took on average, with lines at <span class="p50">p50</span> and <span class="p95">p95</span>
chart-section-how-long-each-took = How long each took, with lines at <span class="p50">p50</span> and <span class="p95">p95</span>

## chart/uptime

chart-uptime-not-observed = not observed

## checks/delete

checks-delete-delete = Delete { $count }
checks-delete-delete-2 = Delete { $count }?
checks-delete-with-all-of-their-history = With all of their history: runs, pings, changes. Their ping URLs stop working.
checks-delete-keep-them = Keep them

## checks/edit

checks-edit-edit = Edit { $old }
checks-edit-new-check = New check
checks-edit-unit-of = Unit of { $label }
checks-edit-checks = Checks
checks-edit-edit-the-check = Edit the check
checks-edit-save = Save
checks-edit-the-job = The job
checks-edit-tags = Tags
checks-edit-words-to-find-it-by = Words to find it by, with spaces between them.
checks-edit-description = Description
checks-edit-what-to-do-when-it = What to do when it is late; it comes with the alerts.
checks-edit-when-it-runs = When it runs
checks-edit-kind-of-schedule = Kind of schedule
checks-edit-every-so-often = Every so often
checks-edit-cron-expression = Cron expression
checks-edit-oncalendar-systemd = OnCalendar (systemd)
checks-edit-period = Period
checks-edit-the-longest-time-between-two = The longest time between two pings.
checks-edit-usual-periods = Usual periods
checks-edit-expression = Expression
checks-edit-such-as-0-3-1 = Such as <code>0 3 * * 1-5</code>, <code>@daily</code>, or <code>Mon..Fri 03:00</code>.
checks-edit-time-zone = Time zone
checks-edit-the-machines-such-as-europe = The machine's, such as <code>Europe/Berlin</code>.
checks-edit-next-times = Next times
checks-edit-show-the-next-times = Show the next times
checks-edit-grace = Grace
checks-edit-so-late-a-ping-may = So late a ping may be before the check goes down.
checks-edit-usual-graces = Usual graces
checks-edit-longest-run = Longest run
checks-edit-from-start-to-finish-empty = From start to finish; empty: as long as the grace.
checks-edit-whom-it-tells = Whom it tells
checks-edit-this-project-has-no-channel = This project has no channel yet, so that nobody is told when the check goes down. <a href="{ $project }/channels/new">Add a channel</a>
checks-edit-channels = Channels
checks-edit-runs-on = Device that the job runs on
checks-edit-runs-on-nothing = not said
checks-edit-runs-on-hint = When a ping is missing, it is probed at once, and the alert says whether the host is down or only the job is silent.
checks-edit-filters-and-details = Filters and details
checks-edit-down-after-so-many-failures = Down after so many failures
checks-edit-in-a-row-1-at = In a row; 1: at the first.
checks-edit-flapping-after-so-many-changes = Flapping after so many changes
checks-edit-within-an-hour-0-never = Within an hour; 0: never.
checks-edit-so-early-a-ping-still = So early a ping still counts
checks-edit-seconds-before-the-time-of = Seconds before the time of the schedule; 0: not at all; empty: as fits the schedule, a minute at most.
checks-edit-slug = Slug
checks-edit-for-the-ping-url-with = For the ping URL with a name; empty: made from the name.
checks-edit-while-it-is-paused-pings = While it is paused, pings do not resume it
checks-edit-only-post-counts-as-a = Only POST counts as a ping
checks-edit-words-that-decide-what-a = Words that decide what a ping means
checks-edit-separated-by-commas-the-first = Separated by commas. The first list that has a word in it counts.
checks-edit-start = Start
checks-edit-success = Success
checks-edit-failure = Failure
checks-edit-look-for-them-in-the = Look for them in the bodies of HTTP pings
checks-edit-look-for-them-in-the-2 = Look for them in the subject of mails
checks-edit-look-for-them-in-the-3 = Look for them in the text of mails
checks-edit-a-ping-without-any-of = A ping without any of them is a failure
checks-edit-make-the-check = Make the check
checks-edit-cancel = Cancel
checks-edit-what-the-job-does-as = What the job does, as you want to read it at night.
checks-edit-name = Name

## checks/list

checks-title = Checks
checks-the-connection-is-lost-trying = The connection is lost; trying again.
checks-new-check = New check
checks-no-check-yet = No check yet
checks-a-check-waits-for-the = A check waits for the pings of a job, and tells you when one is late. Make the first one here, or let a ping make it:
checks-you-may-look-at-this = You may look at this project, and not change it: an editor or an owner of it makes the first check.
checks-states = States
checks-search = Search
checks-search-by-name-slug-or = Search by name, slug or tag
checks-tags = Tags
checks-nothing-fits = Nothing fits
checks-no-check-fits-this-search = No check fits this search. <a href="{ $base }">Show all checks</a>
checks-with-the-chosen-checks = With the chosen checks
checks-with-the-chosen-checks-2 = With the chosen checks:
checks-pause = Pause
checks-resume = Resume
checks-tag-to-add = Tag to add
checks-tag = Tag
checks-add-tag = Add tag
checks-delete = Delete…
checks-choose = Choose
checks-state = State
checks-check = Check
checks-last-ping = Last ping
checks-next-expected = Next expected
checks-last-runs = Last runs
checks-tells = Tells
checks-actions = Actions
checks-searches-n-makes-a-check = <kbd>/</kbd> searches, <kbd>n</kbd> makes a check, <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>x</kbd> chooses

## checks/log

checks-log-all = All
checks-log-pings = Pings
checks-log-changes = Changes
checks-log-notifications = Notifications
checks-log-a-deleted-channel = a deleted channel
checks-log-success = Success
checks-log-start = Start
checks-log-failure = Failure
checks-log-log = Log
checks-log-ignored = Ignored
checks-log-exit-status = { $what }, exit status { $status }
checks-log-mail-from = mail from { $user_agent }
checks-log-from = { $method } from { $remote_address }
checks-log-took = took { $micros }
checks-log-bytes = { $body_size } bytes
checks-log-told = Told { $channel }: { $event }
checks-log-telling = Telling { $channel }: { $event }
checks-log-could-not-tell = Could not tell { $channel }: { $event }
checks-log-kept-back-from = Kept back from { $channel }: { $event }
checks-log-host-up = host up, job silent
checks-log-host-down = host down

## checks/ping

checks-ping-ping-of = Ping { $n } of { $check }
checks-ping-ping = Ping { $n }
checks-ping-pings = Pings
checks-ping-earlier = Earlier
checks-ping-later = Later
checks-ping-how-it-came = How it came
checks-ping-body = Body
checks-ping-download = Download
checks-ping-it-had-none-or-none = It had none, or none that is kept.
checks-ping-by-mail = by mail
checks-ping-received = Received
checks-ping-how = How
checks-ping-from = From
checks-ping-sender = Sender
checks-ping-user-agent = User agent
checks-ping-exit-status = Exit status
checks-ping-run = Run
checks-ping-the-run-took = The run took
checks-ping-bytes = { $body_size } bytes

## checks/preview

checks-preview-it-never-fires-again-no = It never fires again: no ping is expected.
checks-preview-down-at = { $far }; down at { $down }
checks-preview-period = Period
checks-preview-grace = Grace
checks-preview-time-zone = Time zone
checks-preview-expression = Expression
checks-preview-wrong = { $label } { $reason }

## checks/row

checks-row-choose = Choose { $name }
checks-row-running = running, { $running }
checks-row-never = never
checks-row-due = due { $when }
checks-row-nobody = nobody
checks-row-copy-url-of = Copy URL of { $name }
checks-row-copy-url = Copy URL
checks-row-resume = Resume { $name }
checks-row-resume-2 = Resume
checks-row-pause = Pause { $name }
checks-row-pause-2 = Pause
checks-row-down = down { $when }

## checks/show

checks-ping-now = Ping now
checks-edit = Edit
checks-send-the-first-ping = Send the first ping
checks-how-it-is-pinged = How it is pinged
checks-on-any-machine-that-reaches = On any machine that reaches this server; it answers <code>OK</code>, and this page turns green:
checks-ready-for-your-job = Ready for your job
checks-ping-url = Ping URL
checks-copy = Copy
checks-by-its-slug = By its slug
checks-by-mail = By mail
checks-add-start-fail-log-or = Add <code>/start</code>, <code>/fail</code>, <code>/log</code> or an exit status to the URL to say more; the <a href="{ $help }">help</a> has it all.
checks-what-happened = What happened
checks-kinds-of-events = Kinds of events
checks-nothing-yet = Nothing yet.
checks-settings = Settings
checks-manage = Manage
checks-clone = Clone
checks-move-to = Move to
checks-move = Move
checks-delete-it = Delete it
checks-the-check-is-made-it = The check is made. It waits for its first ping.
checks-the-changes-are-saved = The changes are saved.
checks-the-check-is-paused = The check is paused.
checks-the-check-is-resumed = The check is resumed.
checks-the-ping-is-stored = The ping is stored.
checks-this-is-the-copy-it = This is the copy. It has a ping URL of its own.
checks-the-check-is-in-this = The check is in this project now, and tells all of its channels.
checks-the-server-could-not-take = The server could not take the ping. Try again in a moment.
checks-schedule = Schedule
checks-expression = Expression
checks-grace = Grace
checks-longest-run = Longest run
checks-last-run-took = Last run took
checks-down-after = Down after
checks-only-post-counts = Only POST counts
checks-words-of-a-start = Words of a start
checks-words-of-a-success = Words of a success
checks-words-of-a-failure = Words of a failure
checks-pings-so-far = Pings so far
checks-runs-on = Runs on
checks-made = Made
checks-delete-with-all-of-its = Delete “{ $name }” with all of its history? Its ping URL stops working.

## help/show

help-title = Help
help-how-a-job-pings = How a job pings
help-a-ping-is-a-request = A ping is a request to the check’s URL. GET, HEAD and POST do the same.
help-check = Check
help-show-its-urls = Show its URLs
help-your-own-urls-stand-here = Your own URLs stand here once there is a check. <a href="{ $list }/new">Make the first one</a>
help-what-a-job-can-say = What a job can say
help-it-went-well = It went well
help-it-begins = It begins
help-it-failed = It failed
help-how-it-ended = How it ended
help-an-exit-status-0-to = <code>{ $url }/$?</code> – an exit status, 0 to 255; 0 is a success
help-just-a-note = Just a note
help-runs-that-overlap = Runs that overlap
help-rid-and-a-uuid-the = <code>?rid=</code> and a UUID, the same at start and end
help-the-body-of-a-post = The body of a POST is kept with the ping: send what the job printed.
help-ready-for-your-job = Ready for your job
help-in-a-program-of-your = In a program of your own
help-coming-from-healthchecks = Coming from Healthchecks?

## help/moving

moving-title = Coming from Healthchecks
moving-lead = Jobs, scripts and dashboards that worked with Healthchecks work here. Checks keep their UUIDs and slugs, so that no crontab has to change once the host name leads here.
moving-bring-it-here = Bring it here
moving-by-api = By its API, one project: checks with their tags, schedules and states, their channels by name, the latest pings, and when they went up and down. The first line of standard input is a key that reads and writes.
moving-by-database = From its database, a file of SQLite or <code>postgres://…</code>, all projects: that, and the channels themselves, ping keys, badge keys, API keys and the bodies of pings.
moving-what-a-dry-run-is = With <code>--dry-run</code> it says what it would do, and what can’t come along and why; without it, it does so. Run again, it changes only what has changed.
moving-point-clients-here = Then point clients to <code>{ $url }</code>. Make them a key under <a href="{ $settings }">API keys</a>, or let them go on with one that came along.
moving-the-same = The same
moving-same-pings = Ping URLs by UUID and by slug, start, fail, log, exit status, run ids, pings by mail, words looked for in bodies and subjects.
moving-same-schedules = Periods, cron and OnCalendar expressions, time zones, grace times, manual resume, tags.
moving-same-api = The management API in its three versions, with the same fields, keys, codes and error texts; client libraries and command line tools need another URL and nothing else.
moving-same-channels = Every kind of channel, groups of them too; a webhook’s placeholders.
moving-same-badges = Badges as SVG, JSON and for shields, and the metrics for Prometheus.
moving-better = Better
moving-better-trust = A ping is on disk before it is answered, and an alert before it is sent: no crash loses either, and serial numbers have no gaps.
moving-better-runs = Runs that overlap are timed each on its own. The exit status is kept and shown. A run has a time limit of its own.
moving-better-quiet = Failures in a row before an alert, early pings, maintenance windows, one message for a flapping check or a storm, reminders and escalation, and no alarm for the server’s own outage.
moving-better-schedules = A schedule is shown before it is saved, and what the past would have told under it.
moving-better-hosts = Servers and services are probed from here; an alert says whether the host is down, or only the job silent.
moving-better-files = A project is exported and applied as a file; status pages show it to others.
moving-better-one-program = One program, with SQLite inside or PostgreSQL beside it; HTTPS and mail for pings are built in.
moving-missing = Missing
moving-missing-reports = Weekly and monthly reports by mail.
moving-missing-badges = The signed addresses of badges of tags and of a whole project: they are new here. Badges of single checks keep theirs.
moving-missing-shared-accounts = One bot or account for all channels of a kind, such as a Telegram bot: here each channel has its own token. Channels of Slack, Discord and PagerDuty are made by pasting their URL or key, not by a button there.
moving-missing-keys = API keys of which its database has only a hash: make new ones.
moving-missing-storage = Bodies of pings in an object storage, and MySQL: bodies are in the database, which is SQLite or PostgreSQL.
moving-back = How a job pings

## home

home-start = Start
home-overdue-runs-here = Overdue runs here
home-it-watches-cron-jobs-and = It watches cron jobs and other things that should happen regularly, and tells when one is late.
home-sign-in = Sign in
home-where-to-find-it = Where to find it
home-pings = Pings
home-management-api = Management API
home-is-it-ready = Is it ready?
home-get-a-token-for-the = Get a token for the API
home-on-the-servers-command-line = On the server's command line:
home-no-account-yet = No account yet
home-make-the-first-one-the = Make the first one: the log of the server shows the one-time code that it asks for.
home-set-it-up = Set it up

## invitation

invitation-to-the-start-page = To the start page
invitation-you-are-invited-to = You are invited to { $project_name }
invitation-invites-you-to-the-project = { $inviter } invites you to the project as { $role }.
invitation-you-are-signed-in-as = You are signed in as { $email }.
invitation-join-the-project = Join the project
invitation-has-an-account-sign-in = { $email } has an account: sign in to join.
invitation-sign-in = Sign in
invitation-make-an-account-for-and = Make an account for { $email }, and join.
invitation-password = Password
invitation-make-the-account-and-join = Make the account and join
invitation-i-have-an-account-with = I have an account with another address
invitation-accounts-are-made-on-the = Accounts are made on the command line of this server: ask whoever runs it for one, then sign in and open this link again.

## invitations

invitations-to = Invitations to { $project_name }
invitations-the-link-for = The link for { $email }
invitations-this-server-sends-no-mail = This server sends no mail: pass the link on yourself. It is shown this once, holds for seven days, and makes whoever has it a member.
invitations-the-invitation-is-on-its = The invitation is on its way to { $invited }. It holds for seven days.
invitations-invite-somebody = Invite somebody
invitations-role = Role
invitations-invite = Invite
invitations-no-invitation-is-open = No invitation is open.
invitations-open-invitations = Open invitations
invitations-address = Address
invitations-invited-by = Invited by
invitations-ends = Ends
invitations-withdraw = Withdraw
invitations-withdraw-it = Withdraw it
invitations-viewer-looks-at-everything = viewer: looks at everything
invitations-editor-changes-checks-and-channels = editor: changes checks and channels too
invitations-owner-says-who-belongs-to = owner: says who belongs to the project too
invitations-withdraw-the-invitation-of-its = Withdraw the invitation of { $email }? Its link holds no longer.

## keys

keys-revoke-the-access-key-whatever = Revoke the access key { $key }? Whatever signs with it is refused from now on.

## keys/list

keys-access-keys = Access keys
keys-with-an-access-key-a = With an access key a program signs what it asks of the job list, <code>{ $prefix }/api/v1/jobs</code>: the runs of all your projects, to be read and not changed. For everything else there are <a href="{ $prefix }/account/tokens">tokens</a>.
keys-the-access-key-is-revoked = The access key is revoked.
keys-the-new-access-key = The new access key
keys-copy-the-secret-now-it = Copy the secret now: it is not shown again.
keys-key = Key
keys-secret = Secret
keys-no-access-key-yet = No access key yet
keys-make-one-below-and-give = Make one below, and give it to the program that is to read the job list.
keys-revoke = Revoke…
keys-revoke-it = Revoke it
keys-made = Made
keys-last-used = Last used
keys-never = never
keys-there-are-as-many-access = There are as many access keys as there can be. Revoke one to make room.
keys-make-an-access-key = Make an access key
keys-its-secret-is-shown-once = Its secret is shown once. The key can be revoked at any time.
keys-make-the-access-key = Make the access key

## layout

layout-skip-to-the-content = Skip to the content
layout-project = Project: { $project_name }
layout-new-project = New project…
layout-account = Account
layout-tokens = Tokens
layout-access-keys = Access keys
layout-administration = Administration
layout-api = API
layout-sign-out = Sign out
layout-sign-in = Sign in
layout-project-2 = Project
layout-theme = Theme

## mail

mail-may-overdue-send-the-alerts = May Overdue send the alerts of { $it } to { $address }? They tell when a job is late or fails, and when it is well again. Each of them has a link that ends them.
mail-confirm-this-address = Confirm this address
mail-yes-send-them = Yes, send them
mail-shall-overdue-send-no-more = Shall Overdue send no more alerts of { $it } to { $address }? Whoever looks after the project is told.
mail-unsubscribe = Unsubscribe
mail-send-no-more = Send no more
mail-the-alerts-of-are-sent = The alerts of { $it } are sent to { $address }.
mail-at-the-moment-none-is = At the moment none is: the channel is switched off in its project.
mail-confirmed = Confirmed
mail-no-channel-of-sends-alerts = No channel of { $it } sends alerts to { $address } any more. Should one be switched on again, you are asked first.
mail-unsubscribed = Unsubscribed
mail-the-project = the project “{ $project_name }”
mail-it-was-cut-off-on = It was cut off on its way, or what it was about is there no longer, or its mail is an old one. Should more mail come, the links in that one work.
mail-this-link-leads-nowhere = This link leads nowhere

## nav

nav-checks = Checks
nav-runs = Runs
nav-channels = Channels
nav-maintenance = Maintenance
nav-status-pages = Status pages
nav-project = Project
nav-help = Help

## oidc

oidc-out-of-reach = The provider can’t be reached. Try again in a moment, or sign in with your password.
oidc-back-to-the-sign-in = Back to the sign-in
oidc-you-are-not-signed-in = You are not signed in

## passkeys

passkeys-your-password = Your password { $wrong }.

## pieces

pieces-pages = Pages
pieces-previous = Previous
pieces-of = { $from }–{ $to } of { $total }
pieces-next = Next
pieces-sign-in-with-a-passkey = Sign in with a passkey
pieces-wrong = { $label } { $reason }.

## problem

problem-too-often = Too often
problem-too-large = Too large
problem-does-not-fit = That does not fit
problem-not-allowed = Not allowed
problem-not-signed-in = Not signed in
problem-to-the-start-page = To the start page
mod-not-found = Not found
mod-the-database-does-not-answer = The database does not answer. Try again in a moment.
mod-not-available = Not available
mod-this-is-a-mistake-of = This is a mistake of the program. The log says more.
mod-something-broke = Something broke

## project/fresh

project-fresh-what-its-jobs-have-in = What its jobs have in common: a team, a machine, a customer.
project-fresh-name = Name
project-fresh-a-project-has-its-own = A project has its own checks, channels and members.
project-fresh-make-the-project = Make the project
project-fresh-new-project = New project

## register

register-make-an-account = Make an account
register-make-the-account = Make the account
register-i-have-an-account-already = I have an account already
register-password = Password
register-a-link-goes-to-your = A link goes to your address first.
register-send-the-link = Send the link
register-a-link-is-on-its = A link is on its way to the address. It holds for a day, and once. Nothing came? Look among unwanted mail, or try again in a minute.
register-back-to-the-sign-in = Back to the sign-in
register-look-into-your-mail = Look into your mail
register-ask-for-another-link = Ask for another link
register-for-the-address = For the address { $email }.

## requests/list

requests-request-journal = Request journal
requests-every-command-that-one-of = Every command that one of your <a href="{ $prefix }/account/tokens">tokens</a> or a signed-in session ran, also those that were refused.
requests-which-requests = Which requests
requests-token = Token
requests-status = Status
requests-show = Show
requests-no-request-here = No request here
requests-what-a-token-does-is = What a token does is written here a second later. <a href="{ $prefix }/docs/api">Try the API out</a>
requests-title = Requests
requests-when = When
requests-request = Request
requests-from = From
requests-request-id = Request id

## reset

reset-done = The account has its new password. Sign in with it.
reset-a-new-password = A new password
reset-ask-for-another-link = Ask for another link
reset-this-server-sends-no-mail = This server sends no mail. Whoever runs it sets a new password on its command line, with “overdue user passwd” and your address.
reset-back-to-the-sign-in = Back to the sign-in
reset-a-link-to-a-new = A link to a new password goes to the address of your account.
reset-send-the-link = Send the link
reset-if-the-address-has-an = If the address has an account, a link is on its way there. It holds for an hour, and once. Nothing came? Look among unwanted mail, or try again in a minute.
reset-look-into-your-mail = Look into your mail
reset-for-the-account-whoever-is = For the account { $email }. Whoever is signed in with it is signed out.
reset-new-password = New password
reset-set-the-password = Set the password
reset-sign-in = Sign in

## runs

runs-running = Running
runs-success = Success
runs-failure = Failure
runs-too-long = Too long
runs-lost = Lost
runs-stopped = Stopped

## runs/list

runs-last-day = last 24 hours
runs-last-week = last 7 days
runs-last-month = last 30 days
runs-title = Runs
runs-which-runs = Which runs
runs-result = Result
runs-any-result = Any result
runs-check = Check
runs-any-check = Any check
runs-time = Time
runs-any-time = Any time
runs-show = Show
runs-nothing-fits = Nothing fits
runs-no-run-fits-these-filters = No run fits these filters. <a href="{ $base }">Show all runs</a>
runs-no-run-yet = No run yet
runs-a-run-begins-with-a = A run begins with a ping to <code>/start</code> and ends with a success or a failure. The <a href="{ $help }">help</a> has it ready for your job.
runs-began = Began
runs-at = At
runs-took = Took
runs-exit-status = Exit status

## settings/show

settings-project = Project
settings-name = Name
settings-a-ping-to-an-unknown = A ping to an unknown slug with <code>?create=1</code> makes the check
settings-save = Save
settings-ping-key = Ping key
settings-ping-urls-with-a-slug = Ping URLs with a slug begin with it: <code>{ $ping_endpoint }{ $ping_key }/…</code>
settings-api-keys = API keys
settings-api-keys-what = Clients of Healthchecks open this project with such a key: give them { $site_url } as the address of the server.
settings-copy-the-key-now = Copy the key now: it is not shown again.
settings-key-reads = reads
settings-key-writes = reads and writes
settings-key-used = last used { $when }
settings-key-never-used = never used
settings-key-is-to-read = It reads only, and sees no ping URLs
settings-make-an-api-key = Make an API key
settings-revoke = Revoke…
settings-revoke-it = Revoke it
settings-revoke-the-key = Revoke the API key { $hint }…? Whatever uses it is refused from now on.
settings-the-key-is-revoked = The API key is revoked.
settings-make-a-new-key = Make a new key…
settings-make-a-new-one = Make a new one
settings-members = Members
settings-role-of = Role of { $email }
settings-set = Set
settings-invite-somebody = Invite somebody
settings-file = File
settings-the-settings-channels-checks-and = The settings, channels, checks and windows of the project as a text in TOML. <a class="button plain" href="{ $base }/export" download="project.toml">Export</a>
settings-it-is-done = It is done:
settings-this-would-happen = This would happen:
settings-made-changed-as-they-are = { $created } made, { $updated } changed, { $unchanged } as they are.
settings-new = New { $kind }: <b>{ $name }</b>
settings-changed = Changed { $kind }: <b>{ $name }</b>
settings-import = Import
settings-the-file = The file
settings-from-a-file = From a file
settings-paste-a-file-what-it = Paste a file. What it names is made or changed, nothing is deleted; first you see what would happen.
settings-show-what-would-change = Show what would change
settings-import-it = Import it
settings-another-project = Another project
settings-its-name = Its name
settings-make-the-project = Make the project
settings-delete-the-project = Delete the project
settings-with-all-of-its-checks = With all of its checks, their history, and its channels. Their ping URLs stop working. This can’t be undone.
settings-type-its-name-to-be = Type its name to be sure
settings-delete = Delete “{ $project_name }”
settings-since = since { $when }
settings-leave-this-project-an-owner = Leave this project? An owner has to let you in again.
settings-take-out-of-this-project = Take { $email } out of this project?
settings-leave = Leave…
settings-remove = Remove…
settings-leave-it = Leave it
settings-remove-them = Remove them
settings-make-a-new-ping-key = Make a new ping key? Every ping URL with the old one stops working at once.
settings-another-secret = { $field }: another secret
settings-saved = Saved.
settings-the-ping-key-is-a = The ping key is a new one. Put it into your jobs.
settings-the-role-is-changed = The role is changed.
settings-they-are-no-member-any = They are no member any more.
settings-owner = Owner
settings-editor = Editor
settings-viewer = Viewer

## setup

setup-first-start = First start
setup-welcome-to-overdue = Welcome to Overdue
setup-there-is-no-account-on = There is no account on this server yet. Make the first one; it may administer everything.
setup-make-the-account = Make the account
setup-one-time-code = One-time code
setup-from-the-log-of-the = From the log of the server, where it starts.
setup-email-address = Email address
setup-what-you-will-sign-in = What you will sign in with.
setup-password = Password
setup-at-least-10-characters-a = At least 10 characters. A few words are easier to remember than a few signs.
setup-project = Project
setup-checks-are-kept-in-projects = Checks are kept in projects. You can make more of them later.
setup-first-check = First check
setup-a-job-that-runs-once = A job that runs once a day. It can be changed later.

## setup_over

setup-over-already-set-up = Already set up
setup-over-there-is-an-account-on = There is an account on this server, so that this page has done its work. Further users and tokens are made on the server's command line:
setup-over-on-the-command-line = On the command line
setup-over-to-the-start-page = To the start page

## sheet

sheet-it-was-used-already-its = It was used already, its time is over, it was replaced by a newer one, or it was cut off on its way.
sheet-this-link-does-not-hold = This link does not hold
sheet-email-address = Email address
sheet-at-least-10-characters-a = At least 10 characters. A few words are easier to remember than a few signs.

## sign_in

sign-in-title = Sign in
sign-in-email-address = Email address
sign-in-password = Password
sign-in-with = Sign in with { $host }
sign-in-the-password-is-lost = The password is lost
sign-in-make-an-account = Make an account
sign-in-no-account-or-the-password = No account, or the password is lost?
sign-in-accounts-are-made-on-the = Accounts are made on the server's command line, and so is a new password:
sign-in-the-email-address-or-the = The email address or the password is not right.
sign-in-there-were-too-many-wrong = There were too many wrong passwords. Try again in { $time }.

## sign_in_code

sign-in-code-the-six-digits-that-your = The six digits that your authenticator app shows, or one of your recovery codes.
sign-in-code-one-of-your-recovery-codes = One of your recovery codes, where your passkeys are out of reach.
sign-in-code-code = Code
sign-in-code-sign-in = Sign in
sign-in-code-sign-in-as-somebody-else = Sign in as somebody else
sign-in-code-one-more-step = One more step

## start

start-title = Start
start-overdue-runs-here = Overdue runs here
start-it-watches-cron-jobs-and = It watches cron jobs and other things that should happen regularly, and tells when one is late.
start-begin-with-a-project = Begin with a project
start-you-belong-to-none-yet = You belong to none yet. A project has its own checks, channels and members; whoever owns one can also invite you to it.
start-make-a-project = Make a project
start-work-with-the-api = Work with the API
start-checks-channels-and-everything-else = Checks, channels and everything else are made and read through the management API. Its page shows every command, and tries them out as you.
start-open-the-api-page = Open the API page
start-get-a-token-for-scripts = Get a token for scripts
start-on-the-servers-command-line = On the server's command line; <code>OVERDUE_TOKEN</code> is what the lines of the API page use:
start-where-to-find-it = Where to find it
start-pings = Pings
start-management-api = Management API
start-its-description = Its description
start-is-it-ready = Is it ready?

## status_pages/edit

status-pages-edit-new-status-page = New status page
status-pages-edit-status-pages = Status pages
status-pages-edit-where-it-is = Where it is
status-pages-edit-badge = Badge
status-pages-edit-the-badge = The badge
status-pages-edit-for-programs-json = For programs: <code>{ $badge }.json</code>
status-pages-edit-notices = Notices
status-pages-edit-nothing-was-said-yet = Nothing was said yet.
status-pages-edit-open = Open, { $when }
status-pages-edit-resolved = Resolved, { $when }
status-pages-edit-resolve = Resolve
status-pages-edit-what-to-say = What to say
status-pages-edit-say-it = Say it
status-pages-edit-title = Title
status-pages-edit-what-the-page-is-called = What the page is called.
status-pages-edit-address = Address
status-pages-edit-the-last-part-of-its = The last part of its address: a-z, 0-9, _ and -.
status-pages-edit-text = Text
status-pages-edit-stands-on-top-of-the = Stands on top of the page. May stay empty.
status-pages-edit-tags = Tags
status-pages-edit-all-checks-with-one-of = All checks with one of these tags are shown; spaces between them.
status-pages-edit-checks = Checks
status-pages-edit-everybody-may-see-it-signed = Everybody may see it, signed in or not
status-pages-edit-save = Save
status-pages-edit-delete = Delete…
status-pages-edit-delete-it = Delete it
status-pages-edit-delete-its-address-and-its = Delete “{ $title }”? Its address and its badge stop working.

## status_pages/list

status-pages-title = Status pages
status-pages-new-status-page = New status page
status-pages-no-status-page-yet = No status page yet
status-pages-a-status-page-shows-chosen = A status page shows chosen checks to anybody who knows its address: their states, the last 90 days, and what you say about them. Keys and ping URLs are never shown.
status-pages-make-the-first-one = Make the first one
status-pages-title-2 = Title
status-pages-address = Address
status-pages-seen-by = Seen by
status-pages-everybody = everybody
status-pages-members = members

## status_pages/public

status-pages-public-as-of = As of { $when }.
status-pages-public-notice = Notice
status-pages-public-resolved = Resolved { $at }; said { $said }
status-pages-public-open-since = Open since { $said }
status-pages-public-this-page-shows-no-check = This page shows no check yet.
status-pages-public-something-is-down = Something is down.
status-pages-public-something-is-late = Something is late.
status-pages-public-all-is-well = All is well.
status-pages-public-nothing-is-watched-right-now = Nothing is watched right now.
status-pages-public-not-observed-yet = not observed yet
status-pages-public-up-in-days-down-on = { $share } % up in { $days } days, down on { $bad }

## theme

theme-system = System
theme-light = Light
theme-dark = Dark

## tokens

tokens-revoke-the-token-whatever-uses = Revoke the token “{ $subject }”? Whatever uses it is refused from now on. Its place stays taken until it expires.
tokens-the-token-is-revoked = The token is revoked.
tokens-the-token-is-deleted-its = The token is deleted: its place is free.
tokens-of-places-are-left = { $left } of { $max_count } places are left.
tokens-days-at-most = Days, { $max_days } at most.
tokens-revoked = Revoked
tokens-in-use = In use
tokens-the-token-is-made-copy = The token is made. Copy its text below; the eye shows it again later.

## tokens/list

tokens-title = Tokens
tokens-a-token-lets-a-program = A token lets a program use the <a href="{ $prefix }/docs/api">management API</a> in your name. { $places } What they did stands in the <a href="{ $prefix }/account/requests">request journal</a>.
tokens-no-token-yet = No token yet
tokens-make-one-below-and-give = Make one below, and give it to the program that is to use the API.
tokens-show-the-text-of = Show the text of { $subject }
tokens-show = <span aria-hidden="true">◉</span> Show
tokens-delete = Delete
tokens-revoke = Revoke…
tokens-revoke-it = Revoke it
tokens-may = May
tokens-from = From
tokens-everywhere = everywhere
tokens-expired = Expired
tokens-expires = Expires
tokens-last-used = Last used
tokens-never = never
tokens-every-place-is-taken-a = Every place is taken. A token can be deleted once it has expired; revoked ones keep their place until then.
tokens-make-a-token = Make a token
tokens-name = Name
tokens-what-uses-it-such-as = What uses it, such as “deploy script”.
tokens-expires-in = Expires in
tokens-read = read
tokens-write = write
tokens-scopes = Scopes
tokens-from-these-addresses-only = From these addresses only
tokens-such-as-192-0-2 = Such as 192.0.2.7 or 10.0.0.0/8, with commas between them. Empty: from everywhere.
tokens-make-the-token = Make the token

## windows

windows-ended = ended
windows-delete-the-window-what-it = Delete the window “{ $title }”? What it keeps back is told then.
windows-the-window-is-there = The window is there.
windows-the-changes-are-saved = The changes are saved.
windows-it-has-ended-alerts-go = It has ended: alerts go out again.
windows-the-window-is-deleted = The window is deleted.
windows-open-until = open until { $until }
windows-until = { $opening } until { $until }
windows-each-time = { $when }; { $expression }, { $lasts } each time
windows-all-checks = all checks
windows-checks-by-name = { $checks } checks by name
windows-tags = tags { $join }
windows-window-without-a-title = Window without a title

## windows/edit

windows-edit-edit-the-window = Edit the window
windows-edit-maintenance = Maintenance

## windows/form

windows-form-add-a-window = Add a window
windows-form-title = Title
windows-form-what-is-done-then = What is done then.
windows-form-kind = Kind
windows-form-once = Once
windows-form-again-and-again = Again and again
windows-form-begins = Begins
windows-form-in-your-time-zone-of = In your time zone. Of one that repeats: not before; may be empty.
windows-form-ends = Ends
windows-form-of-one-that-repeats-for = Of one that repeats: for good; may be empty.
windows-form-repeats = Repeats
windows-form-a-cron-or-oncalendar-expression = A cron or OnCalendar expression, in UTC unless it names a zone; for windows that repeat.
windows-form-lasts = Lasts
windows-form-minutes-each-time-for-windows = Minutes each time; for windows that repeat.
windows-form-tags = Tags
windows-form-covers-the-checks-with-one = Covers the checks with one of these tags.
windows-form-checks-by-name = Checks by name
windows-form-checks = Checks
windows-form-without-tags-and-checks-it = Without tags and checks it covers all of the project. Your time zone is { $zone }.
windows-form-add-the-window = Add the window
windows-form-save = Save

## windows/list

windows-maintenance = Maintenance
windows-no-window = No window
windows-while-a-maintenance-window-is = While a maintenance window is open, nobody is told that its checks are down. What still is when it closes is told then.
windows-the-next-four-weeks = The next four weeks
windows-open = <span class="shape" aria-hidden="true">◐</span> Open
windows-end-now = End now: { $title }
windows-end-now-2 = End now
windows-edit = Edit { $title }
windows-edit-2 = Edit
windows-delete = Delete…
windows-delete-it = Delete it

## monitors

monitors-title = Monitors
monitors-new-device = New device
monitors-new-listing = Watch a name on blacklists
monitors-edit-title = Edit the monitor
monitors-made = It is watched from now on. The first look is on its way.
monitors-saved = The changes are saved.
monitors-deleted = The monitor is deleted.
monitors-none = Nothing is probed yet
monitors-none-why = A device is asked from here, again and again: a web page, a certificate, a mail server, a port. A name or an address can be looked up on blacklists. Their channels are told when something is wrong.
monitors-none-viewer = An editor or an owner of the project adds the first one.
monitors-state = State
monitors-what = What is watched
monitors-last-looks = Last looks
monitors-took = Took
monitors-certificate = Certificate
monitors-seen = Looked at
monitors-not-yet = not yet
monitors-actions = Actions
monitors-edit = Edit
monitors-edit-of = Edit { $name }
monitors-delete = Delete…
monitors-delete-it = Delete it
monitors-delete-question = Delete “{ $name }” with all of its history?
monitors-on-blacklists = on blacklists
monitors-target = Name or address
monitors-target-hint = Such as example.org, 192.0.2.7 or 2001:db8::7.
monitors-service = Service
monitors-scheme = Scheme
monitors-as-the-target = as the target
monitors-port = Port
monitors-port-hint = Empty: the usual one.
monitors-note = Note
monitors-note-hint = Where it is, or whose; it comes with the alerts.
monitors-enabled = It is watched
monitors-how-often = How often
monitors-interval = Interval
monitors-interval-hint = Seconds between two looks.
monitors-timeout = Timeout
monitors-timeout-hint = Seconds that one look may take.
monitors-retries = Retries
monitors-retries-hint = So many more results must agree before it is up or down.
monitors-web = Web servers
monitors-probes = What is asked
monitors-probes-hint = Without any: what fits the scheme.
monitors-probe-public-http = The page over HTTP
monitors-probe-public-https = The page over HTTPS
monitors-probe-public-tls = The certificate
monitors-probe-origin-http = The page of the server behind a proxy
monitors-probe-origin-tls = The certificate of the server behind a proxy
monitors-expect-status = Status
monitors-expect-status-hint = Such as 200. Empty: any from 200 to 399, redirects followed.
monitors-expect-body = Text in the page
monitors-expect-body-hint = Empty: whatever it says.
monitors-expiry = Days left of the certificate
monitors-expiry-hint = With fewer it counts as bad.
monitors-host-header = Host header
monitors-host-header-hint = Empty: the name or address.
monitors-origin = The server behind a proxy
monitors-origin-host = Its name or address
monitors-origin-host-hint = It is asked with the public name.
monitors-make = Watch it
monitors-save = Save
monitors-cancel = Cancel
nav-monitors = Monitors
