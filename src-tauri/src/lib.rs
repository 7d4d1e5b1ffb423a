//! The desktop: one window, its commands, its events. It knows Tauri and the app, and decides nothing.

mod cabin;
mod commands;
mod events;
mod window;

use std::process::ExitCode;

use tauri::Manager as _;

use crate::cabin::Cabin;

/// Runs the guard of a child process when started as one, else the window.
pub fn main() -> ExitCode {
    let words: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    if let Some(code) = assembly::guard_main(&words) {
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    assembly::harden();
    window::prefer_software_buffers(&words);
    run()
}

fn run() -> ExitCode {
    let built = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, _, _| window::bring_forward(app)))
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .plugin(tauri_plugin_dialog::init())
        .invoke_handler(commands::all())
        .setup(|app| {
            window::open(app.handle())?;
            let cabin = Cabin::opening(app.handle().clone());
            app.manage(cabin);
            app.manage(commands::clusters::Looked::default());
            app.manage(commands::kube::Asking::default());
            app.manage(commands::files::Files::default());
            app.manage(commands::kube_streams::Streams::default());
            Ok(())
        })
        .build(tauri::generate_context!("tauri.conf.json"));
    match built {
        Ok(app) => {
            app.run(|app, event| {
                if let tauri::RunEvent::Exit = event {
                    tauri::async_runtime::block_on(app.state::<Cabin>().close());
                }
            });
            ExitCode::SUCCESS
        }
        Err(fault) => {
            tracing::error!(%fault, "the window could not be built");
            ExitCode::FAILURE
        }
    }
}
