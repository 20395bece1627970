//! A service that keeps the head of an audit log, and may fall silent.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use tempfile::TempDir;

pub struct HeadService {
    dir: TempDir,
    is_silent: Arc<AtomicBool>,
    /// Those who asked and are not answered.
    pub unanswered: Receiver<UnixStream>,
}

impl HeadService {
    pub fn start() -> Self {
        let (dir, is_silent, (hand, unanswered)) = (TempDir::new().unwrap(), Arc::default(), channel());
        let service = Self { dir, is_silent, unanswered };
        let listener = UnixListener::bind(service.socket()).unwrap();
        let is_silent = Arc::clone(&service.is_silent);
        std::thread::spawn(move || answer(&listener, &is_silent, &hand));
        service
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("head.sock")
    }

    pub fn fall_silent(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::SeqCst);
    }
}

fn answer(listener: &UnixListener, is_silent: &AtomicBool, unanswered: &Sender<UnixStream>) {
    let mut kept = "none".to_owned();
    for stream in listener.incoming() {
        let (mut stream, mut question) = (stream.unwrap(), String::new());
        BufReader::new(&stream).read_line(&mut question).unwrap();
        if is_silent.load(Ordering::SeqCst) {
            // The test may be over.
            let _ = unanswered.send(stream);
            continue;
        }
        let put = question.trim_end().strip_prefix("put ").map(str::to_owned);
        writeln!(stream, "{}", if put.is_some() { "ok" } else { &kept }).unwrap();
        kept = put.unwrap_or(kept);
    }
}
