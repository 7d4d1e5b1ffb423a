//! The eight templates that came with the predecessor, under its ids. Tools that no server has are not listed: where nothing is left, all
//! tools of the server are offered, and the template says so.

use domain::Json;
use domain::text::Text;
use serde_json::json;

use super::{Template, TemplateInput};

fn input(field: &str, en: &str, zh: &str) -> TemplateInput {
    TemplateInput { field: field.into(), label: Text::new(en, zh), required: true, secret: false }
}

fn token() -> TemplateInput {
    TemplateInput {
        field: "auth_token".into(),
        label: Text::new(
            "Token, as a reference such as ${MCP_TOKEN}; none when empty",
            "令牌，请填写引用（例如 ${MCP_TOKEN}）；留空表示不使用",
        ),
        required: false,
        secret: true,
    }
}

fn address() -> Vec<TemplateInput> {
    vec![input("host", "Host", "主机"), input("port", "Port", "端口"), input("path", "Path", "路径"), token()]
}

fn template(
    id: &str,
    name: Text,
    description: Text,
    category: &str,
    tags: &[&str],
    protocol: &str,
    settings: Json,
    inputs: Vec<TemplateInput>,
) -> Template {
    Template {
        id: id.into(),
        name,
        description,
        category: category.into(),
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        protocol: protocol.into(),
        settings: match settings {
            Json::Object(map) => map,
            _ => domain::JsonMap::new(),
        },
        inputs,
        notes: Vec::new(),
        built_in: true,
    }
}

impl Template {
    fn noting(mut self, en: &str, zh: &str) -> Self {
        self.notes.push(Text::new(en, zh));
        self
    }
}

/// All eight, in their order.
pub fn built_in() -> Vec<Template> {
    // `k8s-scale-deployment` stood here too; no server registers it.
    let k8s = json!(["k8s-get-pods", "k8s-get-services", "k8s-get-deployments", "k8s-get-logs"]);
    vec![
        template(
            "k8s-websocket",
            Text::new("Kubernetes over WebSocket", "Kubernetes WebSocket"),
            Text::new("A Kubernetes tool server on a two-way connection", "通过双向连接访问 Kubernetes 工具服务器"),
            "kubernetes",
            &["kubernetes", "websocket", "container"],
            "websocket",
            json!({ "host": "localhost", "port": 8766, "path": "/", "timeout": 30, "enabled_tools": k8s }),
            address(),
        )
        .noting(
            "only the listed tools are offered; clear `enabled_tools` for all that the server has",
            "仅提供所列工具；清空 `enabled_tools` 可提供服务器的全部工具",
        ),
        template(
            "k8s-http",
            Text::new("Kubernetes over HTTP", "Kubernetes HTTP"),
            Text::new("A Kubernetes tool server in the REST form", "以 REST 形式访问 Kubernetes 工具服务器"),
            "kubernetes",
            &["kubernetes", "http", "rest", "container"],
            "http",
            json!({ "base_url": "http://localhost:8766", "timeout": 30, "auth_type": "bearer", "enabled_tools": k8s }),
            vec![input("base_url", "Address", "地址"), token()],
        )
        .noting(
            "only the listed tools are offered; clear `enabled_tools` for all that the server has",
            "仅提供所列工具；清空 `enabled_tools` 可提供服务器的全部工具",
        ),
        template(
            "k8s-sse",
            Text::new("Kubernetes over SSE", "Kubernetes SSE"),
            Text::new("A Kubernetes tool server that pushes its answers as events", "以事件推送结果的 Kubernetes 工具服务器"),
            "kubernetes",
            &["kubernetes", "sse", "events", "streaming"],
            "sse",
            json!({ "host": "localhost", "port": 8766, "path": "/events", "timeout": 30 }),
            address(),
        )
        .noting(
            "all tools of the server are offered: the watch tools that this template used to list exist in no server",
            "提供服务器的全部工具：此模板过去所列的 watch 工具不存在于任何服务器",
        ),
        template(
            "ssh-jumpserver",
            Text::new("SSH jump server over WebSocket", "SSH 跳板机 WebSocket"),
            Text::new("A tool server that runs commands on machines behind a jump server", "在跳板机之后的主机上执行命令的工具服务器"),
            "ssh",
            &["ssh", "jumpserver", "remote"],
            "websocket",
            json!({ "host": "localhost", "port": 8767, "path": "/", "timeout": 30 }),
            address(),
        )
        .noting(
            "all tools of the server are offered; running commands counts as high risk and is asked about each time",
            "提供服务器的全部工具；执行命令属于高风险，每次都会询问",
        ),
        template(
            "ssh-http",
            Text::new("SSH over HTTP", "SSH HTTP"),
            Text::new("A tool server for SSH in the REST form", "以 REST 形式提供 SSH 的工具服务器"),
            "ssh",
            &["ssh", "http", "remote"],
            "http",
            json!({ "base_url": "http://localhost:8767", "timeout": 30, "auth_type": "bearer" }),
            vec![input("base_url", "Address", "地址"), token()],
        )
        .noting(
            "all tools of the server are offered; running commands counts as high risk and is asked about each time",
            "提供服务器的全部工具；执行命令属于高风险，每次都会询问",
        ),
        template(
            "stream-http",
            Text::new("Streaming HTTP", "流式 HTTP"),
            Text::new("Any MCP server over streamable HTTP", "任意支持流式 HTTP 的 MCP 服务器"),
            "streaming",
            &["streaming", "http", "realtime"],
            "stream_http",
            json!({ "host": "localhost", "port": 8768, "path": "/stream", "timeout": 60 }),
            address(),
        )
        .noting(
            "all tools of the server are offered: the tools that this template used to list exist in no server",
            "提供服务器的全部工具：此模板过去所列的工具不存在于任何服务器",
        ),
        template(
            "subprocess",
            Text::new("Program on this machine", "本机程序"),
            Text::new(
                "An MCP server that is started as a program and spoken to over its input and output",
                "作为程序启动、通过标准输入输出通信的 MCP 服务器",
            ),
            "local",
            &["subprocess", "local", "python"],
            "subprocess",
            json!({ "command": "python", "args": ["-m", "mcp_server"], "cwd": "", "timeout": 30, "env": { "PYTHONPATH": "" } }),
            vec![
                input("command", "Program", "程序"),
                input("args", "Arguments", "参数"),
                input("cwd", "Folder of the server", "服务器所在目录"),
                TemplateInput {
                    required: false,
                    ..input("env.PYTHONPATH", "PYTHONPATH; the folder when empty", "PYTHONPATH；留空则为该目录")
                },
            ],
        )
        .noting("a person sees the exact command line and agrees before it first starts", "首次启动前会显示完整命令行并征求同意"),
        template(
            "filesystem",
            Text::new("Files in a folder", "文件夹中的文件"),
            Text::new(
                "Read, write, list and search files in a folder of yours; built in",
                "读取、写入、列出和搜索您指定文件夹中的文件；内置",
            ),
            "filesystem",
            &["filesystem", "local", "files"],
            "local",
            json!({ "enabled_tools": ["fs-read-file", "fs-write-file", "fs-list-directory", "fs-search-files"] }),
            vec![TemplateInput {
                required: false,
                ..input("roots", "Folder that the tools may reach; a scratch folder when empty", "工具可访问的文件夹；留空则使用临时文件夹")
            }],
        ),
    ]
}
