//! A small, fast MCP server: the peer of the measurements.

fn main() -> std::process::ExitCode {
    testkit::echo::main(&std::env::args().skip(1).collect::<Vec<_>>())
}
