//! Channels of the kind `command`: a program that the configuration names is run with what there is to
//! tell, and with nothing of what the server itself was started with.

use serde_json::json;

use super::{channel, settled, to_channel};
use crate::support::api::Api;
use crate::support::folder::Folder;
use crate::support::server::TestServer;
use crate::support::{Database, both_databases, until};

/// A server with one command, which appends its environment to this file and then ends as the file
/// `status` beside it says.
async fn server_with_command(database: Database, folder: &Folder) -> (TestServer, Api) {
    let script = folder.file("page.sh");
    let text = "echo \"$1: $OVERDUE_EVENT $OVERDUE_NAME, $OVERDUE_EXITSTATUS\" >> \"$2/told\"\n\
                env >> \"$2/environment\"\n\
                echo \"the modem is off\" >&2\n\
                exit $(cat \"$2/status\" 2>/dev/null || echo 0)\n";
    std::fs::write(&script, text).unwrap();
    let (script, folder) = (script.display(), folder.path().display());
    let commands = format!("{{ page = [\"/bin/sh\", \"{script}\", \"to $HOME\", \"{folder}\"] }}");
    let server = TestServer::start(database, &[("OVERDUE_CHANNELS__COMMANDS", &commands)]).await;
    let api = server.owner().await;
    (server, api)
}

fn told(folder: &Folder) -> Vec<String> {
    let text = std::fs::read_to_string(folder.file("told")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

both_databases! {
    async fn a_command_is_run_with_what_there_is_to_tell(database) {
        let folder = Folder::new();
        let (_server, api) = server_with_command(database, &folder).await;
        let page = json!({"channel_name": "Pager", "kind": "command", "config": {"command": "page"}});
        let page = channel(&api, &page).await;
        assert_eq!(page["config"], json!({"command": "page"}));
        assert_eq!(page["group_threshold"], 0);
        let check = api.check("$(reboot) `reboot`", json!({})).await;
        api.ping(&check, "/7").await.says(200, "OK");
        let down = "to $HOME: down $(reboot) `reboot`, 7".to_owned();
        let rows = settled(&api, &check, &page, 1).await;
        assert_eq!(rows[0]["state"], "sent");
        assert_eq!(told(&folder), std::slice::from_ref(&down));
        let environment = std::fs::read_to_string(folder.file("environment")).unwrap();
        assert!(environment.contains("OVERDUE_STATUS=down\n"));
        for hidden in ["OVERDUE_DATABASE__URL", "OVERDUE_CHANNELS__COMMANDS", "OVERDUE_SECURITY"] {
            assert!(!environment.contains(hidden), "{environment}");
        }
        api.ping(&check, "").await.says(200, "OK");
        settled(&api, &check, &page, 2).await;
        assert_eq!(told(&folder), [down, "to $HOME: up $(reboot) `reboot`, ".to_owned()]);
    }

    async fn a_command_that_fails_is_run_again_and_its_words_are_shown(database) {
        let folder = Folder::new();
        let (_server, api) = server_with_command(database, &folder).await;
        std::fs::write(folder.file("status"), "3").unwrap();
        let page = json!({"kind": "command", "config": {"command": "page"}});
        let page = channel(&api, &page).await;
        let check = api.check("job", json!({})).await;
        api.ping(&check, "/fail").await.says(200, "OK");
        let error = "/bin/sh: exit status: 3: the modem is off";
        until("the first try", async || {
            let rows = to_channel(&api, &check, &page).await;
            rows.iter().any(|row| row["last_error"] == error && row["state"] == "pending").then_some(())
        })
        .await;
        let test = api.path(&format!("/channel/{}/test", page["channel_id"]));
        let answer = api.post(&test, &json!({})).await.ok();
        assert_eq!(answer["error_list"][0]["message"], error);
    }

    async fn a_channel_may_choose_among_the_configured_commands_alone(database) {
        let folder = Folder::new();
        let (_server, api) = server_with_command(database, &folder).await;
        let path = api.path("/channel");
        for (config, message) in [
            (json!({"command": "reboot"}), "config.command: is none of this server's channels.commands; there are page"),
            (json!({"command": "/bin/sh"}), "config.command: is none of"),
            (json!({}), "config.command: is required"),
            (json!({"command": "page", "arguments": ["x"]}), "config.arguments: is no field of this kind"),
        ] {
            let refused = api.post(&path, &json!({"kind": "command", "config": config})).await;
            let told = refused.fatal(400);
            assert!(told.starts_with(message), "{told}");
        }
        let page = json!({"kind": "command", "config": {"command": "page"}});
        let page = channel(&api, &page).await;
        let path = api.path(&format!("/channel/{}", page["channel_id"]));
        let refused = api.put(&path, &json!({"config": {"command": "reboot"}})).await;
        assert!(refused.fatal(400).starts_with("config.command: is none of"));
    }
}
