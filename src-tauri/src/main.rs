fn main() {
    pilothouse_lib::run();
}
