//! tokio-console's instruments, read as tokio-console reads them.

use std::process::Stdio;
use std::time::Duration;

use console_api::instrument::InstrumentRequest;
use console_api::instrument::instrument_client::InstrumentClient;
use firedrill_core::event::{Ready, ServerSays};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::common::program;

#[tokio::test]
async fn the_servers_tasks_are_seen_by_name() {
    let mut child = tokio::process::Command::new(program())
        .args(["serve", "--console", "--bugs", "unbuffered-log-channel=fixed"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let ready = lines.next_line().await.expect("readable").expect("ready comes first");
    let ready = serde_json::from_str(&ready).expect("an event");
    let ServerSays::Ready(Ready { console_port: Some(port), .. }) = ready else {
        // A build without the flag serves all the same.
        #[cfg(tokio_unstable)]
        panic!("no instruments: {ready:?}");
        #[cfg(not(tokio_unstable))]
        return;
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });

    let search = async {
        let address = format!("http://127.0.0.1:{port}");
        let mut client = loop {
            match InstrumentClient::connect(address.clone()).await {
                Ok(client) => break client,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let updates = client.watch_updates(InstrumentRequest {}).await.expect("it serves");
        let mut updates = updates.into_inner();
        while let Some(update) = updates.message().await.expect("it goes on") {
            let tasks = update.task_update.map(|tasks| tasks.new_tasks).unwrap_or_default();
            let fields = tasks.iter().flat_map(|task| &task.fields);
            if fields.into_iter().any(|field| format!("{field:?}").contains("log writer")) {
                return;
            }
        }
        panic!("the updates ended");
    };
    tokio::time::timeout(Duration::from_secs(20), search).await.expect("the task is seen");
}
