//! The memory of a process: through `/proc/PID/mem`, and as gdb dumps it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tallystick::secmem::{Protection, Region, START_STACK, TURN_STACK};
use tempfile::TempDir;

use crate::search::Piece;

const PAGE: u64 = 4096;

/// gdb, if this process may look into others; else says loudly why nothing is
/// tested.
pub fn can_look() -> Option<&'static str> {
    let gdb = Command::new("gdb").arg("--version").stdout(Stdio::null()).status();
    let missing = if !rustix::process::geteuid().is_root() {
        "not root"
    } else if !gdb.is_ok_and(|status| status.success()) {
        "no gdb"
    } else if Region::new(1).unwrap().protection() != Protection::SecretMemory {
        "no memfd_secret in this kernel"
    } else {
        return Some("gdb");
    };
    eprintln!("\n*** NOT TESTED: what memory holds. {missing}. ***\n");
    None
}

/// A process's memory.
pub struct Memory {
    pid: u32,
    mem: File,
}

/// A stretch of address space.
struct Mapping {
    start: u64,
    end: u64,
    name: String,
}

/// What was read, and the stretches of secret memory, which were not.
pub struct Read {
    pub pieces: Vec<Piece>,
    secret: Vec<Mapping>,
}

impl Memory {
    pub fn of(pid: u32) -> Self {
        Self { pid, mem: File::open(format!("/proc/{pid}/mem")).unwrap() }
    }

    /// Every page that is there, whatever its protection.
    pub fn read(&self) -> Read {
        let pagemap = File::open(format!("/proc/{}/pagemap", self.pid)).unwrap();
        let mut read = Read { pieces: Vec::new(), secret: Vec::new() };
        for mapping in self.mappings() {
            if mapping.name.contains("secretmem") {
                read.secret.push(mapping);
                continue;
            }
            // Data of the kernel's, the same for every process.
            if mapping.name.starts_with("[v") {
                continue;
            }
            let pages = (mapping.end - mapping.start) / PAGE;
            let mut entries = vec![0; pages as usize * 8];
            pagemap.read_exact_at(&mut entries, mapping.start / PAGE * 8).unwrap();
            // Present, or swapped.
            let is_there = |entry: &[u8]| entry[7] & 0xc0 != 0;
            let mut at = mapping.start;
            for run in entries.chunks_exact(8).collect::<Vec<_>>().chunk_by(|a, b| is_there(a) == is_there(b))
            {
                let bytes = run.len() as u64 * PAGE;
                if is_there(run[0]) {
                    read.pieces.push(self.piece(at, bytes, &mapping.name));
                }
                at += bytes;
            }
        }
        read
    }

    /// So many bytes from an address on.
    pub fn at(&self, address: u64, bytes: u64) -> Piece {
        self.piece(address, bytes, "memory")
    }

    fn piece(&self, start: u64, bytes: u64, name: &str) -> Piece {
        let mut piece = Piece { start, bytes: vec![0; bytes as usize] };
        let read = self.mem.read_exact_at(&mut piece.bytes, start);
        assert!(read.is_ok(), "{start:#x} of {name} cannot be read: {read:?}");
        piece
    }

    fn mappings(&self) -> Vec<Mapping> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.pid)).unwrap();
        let parse = |line: &str| {
            let mut fields = line.split_whitespace();
            let (start, end) = fields.next().unwrap().split_once('-').unwrap();
            let number = |hex| u64::from_str_radix(hex, 16).unwrap();
            let name = fields.skip(4).collect::<Vec<_>>().join(" ");
            Mapping { start: number(start), end: number(end), name }
        };
        maps.lines().map(parse).collect()
    }

    /// The key region is there, is read by nobody, and is not in the core.
    pub fn assert_keys_cannot_be_read(&self, core: &Core) {
        let secret = self.read().secret;
        assert!(!secret.is_empty(), "there is no secret memory");
        for mapping in secret {
            for page in (mapping.start..mapping.end).step_by(PAGE as usize) {
                let read = self.mem.read_at(&mut [0; 8], page);
                assert!(read.is_err(), "page {page:#x} of secret memory was read: {read:?}");
            }
            let dumped = core.of(mapping.start, mapping.end);
            assert!(dumped.iter().all(|byte| *byte == 0), "gdb has dumped secret memory");
        }
    }

    /// Below what is wiped, the stacks of those threads that answer requests have
    /// never been used, and so is that of the start: nothing secret lies deeper.
    pub fn assert_no_stack_is_deeper_than_what_is_wiped(&self) {
        let mappings = self.mappings();
        let mut looked_at = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.pid)).unwrap() {
            let task = task.unwrap();
            let told = |name| fs::read_to_string(task.path().join(name)).unwrap();
            let comm = told("comm");
            let reach = match comm.trim() {
                name if name.starts_with("connection") => TURN_STACK,
                "tallyd" if task.file_name() == *self.pid.to_string() => START_STACK,
                _ => continue,
            };
            looked_at += 1;
            let calling = told("syscall");
            let stack_pointer = calling.split_whitespace().nth_back(1).expect("it waits in a system call");
            let stack_pointer = u64::from_str_radix(stack_pointer.trim_start_matches("0x"), 16).unwrap();
            let stack = mappings.iter().find(|m| (m.start..m.end).contains(&stack_pointer)).unwrap();
            // The frame that wipes holds a few words more than what it wipes.
            let wiped_to = stack_pointer - reach as u64 - 256;
            let unused = self.piece(stack.start, wiped_to.saturating_sub(stack.start), &comm);
            let deepest = unused.bytes.iter().position(|byte| *byte != 0);
            assert!(
                deepest.is_none(),
                "{comm} has used {} bytes of stack; {reach} are wiped",
                stack_pointer - stack.start - deepest.unwrap_or(0) as u64,
            );
        }
        assert!(looked_at > 3, "{looked_at} threads");
    }
}

/// A core file.
pub struct Core {
    /// All of the file: memory, registers and notes.
    pub pieces: [Piece; 1],
}

impl Core {
    /// Has gdb write everything that it can read.
    pub fn take(gdb: &str, pid: u32) -> Self {
        let dir = TempDir::with_prefix("tally-core-").unwrap();
        let path = dir.path().join("core");
        let mut command = Command::new(gdb);
        command.args(["-q", "-nx", "-batch", "--readnever", "-p", &pid.to_string()]);
        for line in ["set use-coredump-filter off", "set dump-excluded-mappings on"] {
            command.args(["-ex", line]);
        }
        command.args(["-ex", &format!("generate-core-file {}", path.display())]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(Path::new(&path).exists(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { pieces: [Piece { start: 0, bytes: fs::read(path).unwrap() }] }
    }

    /// What it holds of a stretch of address space.
    fn of(&self, start: u64, end: u64) -> Vec<u8> {
        let [Piece { bytes: core, .. }] = &self.pieces;
        let number = |at: usize| u64::from_le_bytes(*core[at..].first_chunk().unwrap());
        let half = |at: usize| usize::from(u16::from_le_bytes(*core[at..].first_chunk().unwrap()));
        let (headers, size, count) = (number(32) as usize, half(54), half(56));
        let mut bytes = Vec::new();
        for header in (0..count).map(|index| headers + index * size) {
            let (offset, address, filed) = (number(header + 8), number(header + 16), number(header + 32));
            let is_loaded = core[header] == 1;
            let (from, to) = (start.max(address), end.min(address + filed));
            if is_loaded && from < to {
                let at = (offset + from - address) as usize;
                bytes.extend_from_slice(&core[at..at + (to - from) as usize]);
            }
        }
        bytes
    }
}
