//! What must not compile: an answer without a receipt, a MAC key that wraps, a
//! secret that is copied or shown.

#[test]
fn these_do_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile_fail/control.rs");
    cases.compile_fail("tests/compile_fail/fail_*.rs");
}
