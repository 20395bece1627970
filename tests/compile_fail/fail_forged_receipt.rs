use tallystick::store::{CommitReceipt, GroupNumber};

fn forge() -> CommitReceipt {
    CommitReceipt::new(GroupNumber(1))
}

fn forge_by_fields() -> CommitReceipt {
    CommitReceipt { newest: GroupNumber(1) }
}

fn main() {
    let _ = (forge, forge_by_fields);
}
