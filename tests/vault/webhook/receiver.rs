//! A merchant's receiver of webhooks, which does what it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Inbox, Sender as Outbox, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// What it does with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    Take,
    Refuse,
    /// To another place, where it would be taken.
    Redirect,
    /// Never answers, until it is hung up on.
    Hang,
    /// Closes without an answer.
    Die,
}

/// What it has got, and when it was hung up on.
#[derive(Debug)]
pub enum Got {
    Event { path: String, signature: String, body: String },
    HungUp { merchant: String },
}

pub struct Receiver {
    pub url: String,
    inbox: Inbox<Got>,
}

impl Receiver {
    /// `does` is asked for each event that comes.
    pub fn with(does: impl FnMut(&Value) -> Does + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (outbox, inbox) = channel();
        let does = Arc::new(Mutex::new(does));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (outbox, does) = (outbox.clone(), Arc::clone(&does));
                std::thread::spawn(move || {
                    let decide = |event: &Value| (does.lock().unwrap())(event);
                    let _ = serve(stream.unwrap(), &outbox, decide);
                });
            }
        });
        Self { url, inbox }
    }

    /// What comes next.
    #[track_caller]
    pub fn next(&self) -> Got {
        self.inbox.recv_timeout(Duration::from_secs(120)).expect("nothing comes")
    }

    /// The next event: its JSON, and what it came with.
    #[track_caller]
    pub fn event(&self) -> (Value, String, String) {
        loop {
            if let Got::Event { path, signature, body } = self.next() {
                assert_eq!(path, "/hook");
                return (serde_json::from_str(&body).unwrap(), signature, body);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.inbox.try_recv().is_err()
    }
}

fn serve(
    stream: TcpStream,
    outbox: &Outbox<Got>,
    mut does: impl FnMut(&Value) -> Does,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut signature, mut line) = (0, String::new(), String::new());
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "x-tally-signature" => signature = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8(body).unwrap();
    // Who goes where it is sent comes without an event.
    let event: Value = serde_json::from_str(&body).unwrap_or_default();
    let what = does(&event);
    let _ = outbox.send(Got::Event { path, signature, body });
    let stream = reader.get_mut();
    match what {
        Does::Take => stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n"),
        Does::Refuse => stream.write_all(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"),
        Does::Redirect => {
            stream.write_all(b"HTTP/1.1 302 There\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
        }
        Does::Die => Ok(()),
        Does::Hang => {
            let _ = stream.read(&mut [0; 1]);
            let merchant = event["content"]["order"]["merchant_id"].as_str().unwrap_or_default().to_owned();
            let _ = outbox.send(Got::HungUp { merchant });
            Ok(())
        }
    }
}
