//! Code shared by the variants: the log's single writer and its channel.

use axum::extract::Request;
use metrics::{Gauge, Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::sync::mpsc;

use firedrill_core::incident::Env;
use firedrill_core::service::log_file::{LogLine, log_file};

/// A request as the log shows it.
pub fn describe(request: &Request) -> String {
    format!("{} {}", request.method(), request.uri())
}

/// The way to the one writer, which takes `log_write_ms` a line.
pub struct Lines {
    /// Sender of log lines.
    pub sender: mpsc::Sender<LogLine>,
    depth: Gauge,
    capacity: Gauge,
}

impl Lines {
    /// Starts the writer, with room for `capacity` lines before it.
    pub fn start(env: &Env, capacity: usize) -> Self {
        describe_gauge!("log_queue", Unit::Count, "lines that wait for the writer");
        describe_gauge!("log_queue_capacity", Unit::Count, "lines that fit in the queue");
        describe_counter!("log_lines_written", Unit::Count, "lines that the writer has written");
        let (sender, queue) = mpsc::channel(capacity);
        env.go("log writer", write_lines(queue, env.clone()));
        Self { sender, depth: gauge!("log_queue"), capacity: gauge!("log_queue_capacity") }
    }

    /// Shows how full the queue is that the chain in force writes to.
    pub fn show_depth(&self) {
        let capacity = self.sender.max_capacity();
        self.depth.set((capacity - self.sender.capacity()) as f64);
        self.capacity.set(capacity as f64);
    }
}

pub async fn write_lines(mut queue: mpsc::Receiver<LogLine>, env: Env) {
    let write_time = env.param("log_write_ms", 0.0);
    let file = log_file(&env);
    let written = counter!("log_lines_written");
    while let Some(line) = queue.recv().await {
        if write_time.get() > 0.0 {
            tokio::time::sleep(write_time.millis()).await;
        }
        file.append(line);
        written.increment(1);
    }
}
