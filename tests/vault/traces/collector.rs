//! A collector of OTLP, which keeps what it gets and reads the spans in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What has come in.
#[derive(Default)]
struct Kept {
    bodies: Mutex<Vec<Vec<u8>>>,
    came: Condvar,
}

/// Listens until the test ends.
pub struct Collector {
    pub url: String,
    kept: Arc<Kept>,
}

/// A span, as far as it is asked about.
#[derive(Debug, Default)]
pub struct Span {
    pub trace: String,
    pub id: String,
    pub parent: String,
    attributes: Vec<(String, Value)>,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Number(u64),
    Other,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let kept = Arc::new(Kept::default());
        let keeps = Arc::clone(&kept);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&keeps);
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { url, kept }
    }

    /// Waits until the spans that have come are as wanted.
    pub fn until(&self, wanted: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let mut bodies = self.kept.bodies.lock().unwrap();
        loop {
            let spans: Vec<_> = bodies.iter().flat_map(|body| spans(body)).collect();
            if wanted(&spans) {
                return spans;
            }
            let (came, waited) = self.kept.came.wait_timeout(bodies, Duration::from_secs(120)).unwrap();
            assert!(!waited.timed_out(), "{spans:?}");
            bodies = came;
        }
    }

    /// All that has come.
    pub fn bytes(&self) -> Vec<u8> {
        self.kept.bodies.lock().unwrap().concat()
    }
}

impl Span {
    pub fn text(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find_map(|(known, value)| match value {
            Value::Text(text) if known == key => Some(text.as_str()),
            _ => None,
        })
    }

    pub fn number(&self, key: &str) -> Option<u64> {
        self.attributes.iter().find_map(|(known, value)| match value {
            Value::Number(number) if known == key => Some(*number),
            _ => None,
        })
    }
}

/// Takes what is posted on a connection.
fn serve(stream: TcpStream, kept: &Kept) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        kept.bodies.lock().unwrap().push(body);
        kept.came.notify_all();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        reader.get_mut().write_all(answer).ok()?;
    }
}

/// A field of a message: its number, and bytes or a number.
enum Field<'b> {
    Bytes(u64, &'b [u8]),
    Number(u64, u64),
}

/// The spans of an `ExportTraceServiceRequest` (opentelemetry-proto 1).
fn spans(body: &[u8]) -> Vec<Span> {
    let within = |bytes, number| children(bytes, number);
    let scopes = within(body, 1).into_iter().flat_map(|resource| within(resource, 2));
    scopes.flat_map(|scope| within(scope, 2)).map(span).collect()
}

fn span(bytes: &[u8]) -> Span {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let first = |number| children(bytes, number).first().map(|bytes| hex(bytes)).unwrap_or_default();
    let attributes = children(bytes, 9).into_iter().map(attribute).collect();
    Span { trace: first(1), id: first(2), parent: first(4), attributes }
}

fn attribute(bytes: &[u8]) -> (String, Value) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let value = children(bytes, 2).first().and_then(|value| fields(value).into_iter().next());
    let value = match value {
        Some(Field::Bytes(1, bytes)) => Value::Text(text(bytes)),
        Some(Field::Number(3, number)) => Value::Number(number),
        _ => Value::Other,
    };
    (text(children(bytes, 1)[0]), value)
}

fn children(bytes: &[u8], wanted: u64) -> Vec<&[u8]> {
    let of = |field| match field {
        Field::Bytes(number, bytes) if number == wanted => Some(bytes),
        _ => None,
    };
    fields(bytes).into_iter().filter_map(of).collect()
}

/// The fields of a message of protocol buffers.
fn fields(mut rest: &[u8]) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest);
        let number = key >> 3;
        match key & 7 {
            0 => fields.push(Field::Number(number, varint(&mut rest))),
            1 => rest = &rest[8..],
            5 => rest = &rest[4..],
            2 => {
                let length = usize::try_from(varint(&mut rest)).unwrap();
                let (bytes, after) = rest.split_at(length);
                fields.push(Field::Bytes(number, bytes));
                rest = after;
            }
            other => panic!("wire type {other}"),
        }
    }
    fields
}

fn varint(rest: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = rest[0];
        *rest = &rest[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
        shift += 7;
    }
}
