//! A server that does one wrong thing: `evil-server --case C-07 --transport http`.

fn main() -> std::process::ExitCode {
    testkit::evil::main(&std::env::args().skip(1).collect::<Vec<_>>())
}
