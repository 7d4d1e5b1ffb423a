//! Tells Tauri where the capabilities are, which commands there are, and re-embeds the window when it changes.

fn main() {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=ui/dist");
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("src-tauri/capabilities/**/*")
        .app_manifest(tauri_build::AppManifest::new().commands(commands()));
    if let Err(fault) = tauri_build::try_build(attributes) {
        println!("cargo:warning={fault:#}");
        std::process::exit(1);
    }
}

/// The commands are the ones that the capability grants: naming them makes Tauri refuse every other one, and a test holds the list against
/// the contract's table.
fn commands() -> &'static [&'static str] {
    let text = std::fs::read_to_string("src-tauri/capabilities/main.json").unwrap_or_default();
    let names: Vec<&'static str> = text
        .split('"')
        .filter_map(|word| word.strip_prefix("allow-"))
        .map(|name| &*Box::leak(name.replace('-', "_").into_boxed_str()))
        .collect();
    Box::leak(names.into_boxed_slice())
}
