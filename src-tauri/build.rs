//! Tells Tauri where the capabilities are and re-embeds the window when it changes.
fn main() {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=ui/dist");
    if let Err(fault) = tauri_build::try_build(tauri_build::Attributes::new().capabilities_path_pattern("src-tauri/capabilities/**/*")) {
        println!("cargo:warning={fault:#}");
        std::process::exit(1);
    }
}
