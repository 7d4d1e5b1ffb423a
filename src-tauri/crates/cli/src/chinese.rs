//! The help in Chinese: each English line of it with its counterpart. A line without one fails a test.

use clap::Command;
use clap::builder::{PossibleValue, StyledStr};

use crate::args::Lang;

/// The same command with its help in the language.
pub(crate) fn localised(command: Command, lang: Lang) -> Command {
    match lang {
        Lang::En => command,
        Lang::Zh => {
            // Built first: only then does it hold `--help`, `--version` and `help`, which clap adds itself.
            let mut command = command;
            command.build();
            in_chinese(command)
        }
    }
}

fn in_chinese(command: Command) -> Command {
    let mut command =
        command.help_template("{before-help}{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}").subcommand_help_heading("命令");
    if let Some(about) = command.get_about().map(StyledStr::to_string) {
        command = command.about(word(&about));
    }
    if command.get_long_about().is_some() {
        command = command.long_about(LONG_ABOUT);
    }
    command = command.mut_args(|mut arg| {
        if let Some(help) = arg.get_help().map(StyledStr::to_string) {
            // clap writes the list of values under an English heading, so it stands in the help itself.
            let values: Vec<String> = arg.get_possible_values().iter().filter(|value| !value.is_hide_set()).map(value).collect();
            arg = if values.is_empty() {
                arg.help(word(&help))
            } else {
                arg.help(format!("{}。可选值：{}", word(&help), values.join("、"))).hide_possible_values(true)
            };
        }
        if arg.get_long_help().is_some() && (arg.get_id() == "help" || arg.get_id() == "version") {
            let short = arg.get_help().map(StyledStr::to_string).unwrap_or_default();
            arg = arg.long_help(short);
        }
        let heading = match arg.get_help_heading() {
            Some(_) => ONE_OFF_HEADING_ZH,
            None if arg.is_positional() => "参数",
            None => "选项",
        };
        arg.help_heading(heading)
    });
    command.mut_subcommands(in_chinese)
}

fn value(value: &PossibleValue) -> String {
    match value.get_help().map(StyledStr::to_string) {
        Some(help) => format!("{}（{}）", value.get_name(), word(&help)),
        None => value.get_name().to_owned(),
    }
}

fn word(english: &str) -> String {
    WORDS.iter().find(|(en, _)| *en == english).map_or_else(|| english.to_owned(), |(_, zh)| (*zh).to_owned())
}

const ONE_OFF_HEADING_ZH: &str = "未保存的服务器";

const LONG_ABOUT: &str = "在终端中使用任意 MCP 工具服务器：工具、策略与审计集中于一处。

退出码：0 完成 · 1 工具返回错误 · 2 用法错误 · 3 配置错误 · 4 无法连接或超时 · 5 身份验证 · 6 被拒绝或需要批准 · 7 对端违反协议 · 8 已取消 · 9 内部错误";

/// English and Chinese.
const WORDS: &[(&str, &str)] = &[
    ("Print help (see more with '--help')", "显示帮助（--help 更详细）"),
    ("Print version", "显示版本"),
    (
        "Try a manifest on the API server without changing anything, and get the digest that apply wants",
        "在 API 服务器上试运行清单而不作更改，并得到 apply 所需的摘要",
    ),
    ("Show what a manifest would make otherwise", "显示清单会带来的差异"),
    ("Apply exactly what was rehearsed", "只应用排演过的内容"),
    ("Show what the server fills in, too", "同时显示服务器填入的默认值"),
    ("Keep a change that would go back by itself", "保留原本会自动撤销的更改"),
    ("Take a change back, or list the changes that could be", "撤销更改，或列出可撤销的更改"),
    ("Watch the rollout of a workload", "查看工作负载的发布"),
    (
        "Where a rollout stands, and what keeps its pods from being ready; exit code 1 while it is not done",
        "查看发布状态及 Pod 未就绪的原因；未完成时退出码为 1",
    ),
    (
        "KIND/NAME, or the kind and then the name: deployment, statefulset, daemonset",
        "KIND/NAME，或先写种类再写名称：deployment、statefulset、daemonset",
    ),
    ("Watch it for at most this time, such as 90s or 5m", "最长等待时间，如 90s 或 5m"),
    ("Set how many pods something has", "设置副本数"),
    ("Replace all pods of a workload, as a rollout", "以滚动方式重建工作负载的全部 Pod"),
    ("Change some fields of an object", "修改对象的部分字段"),
    ("Delete an object, exactly as it is now", "删除对象（仅限当前这一个）"),
    ("Let no new pods come to a node", "停止向节点调度新的 Pod"),
    ("Let new pods come to a node again", "恢复向节点调度新的 Pod"),
    ("Move the pods of a node away, within their disruption budgets", "在中断预算内将节点上的 Pod 迁走"),
    ("List the revisions that a workload can go back to, newest first", "列出工作负载可回滚的版本，最新的在前"),
    ("Give a workload the pod template of an earlier revision", "将工作负载恢复为较早版本的 Pod 模板"),
    ("Which revision; the one before the current one when not given", "哪个版本；不填时为上一个版本"),
    ("KIND/NAME, or the kind and then the name", "KIND/NAME，或先写种类再写名称"),
    ("How many pods", "副本数"),
    ("Lists are merged by their keys; built-in kinds only", "列表按键合并；仅限内置类型"),
    ("Lists are replaced whole", "列表整体替换"),
    ("A list of single steps", "单个步骤的列表"),
    ("The patch, as JSON or YAML; @FILE reads a file, - standard input", "补丁，JSON 或 YAML；@FILE 读取文件，- 读取标准输入"),
    ("How it is read; what fits the kind when not given", "补丁类型；不填时按资源类型选择"),
    ("It is deleted afterwards", "随后删除"),
    ("It is deleted before", "先行删除"),
    ("It stays, without an owner", "保留，但不再有所有者"),
    ("What becomes of what it owns", "其所拥有对象的处理方式"),
    ("How many seconds it gets to end; its own time when not given", "优雅终止的秒数；不填时为其自身设定"),
    ("Only the object with this uid", "仅当 uid 相符时"),
    ("Only in this version", "仅当版本相符时"),
    ("The node", "节点"),
    ("Also pods that no controller would make again", "也驱逐没有控制器的 Pod"),
    ("Also pods whose emptyDir data is lost with them", "也驱逐使用 emptyDir 的 Pod（数据会丢失）"),
    ("How many seconds each pod gets to end; its own time when not given", "每个 Pod 优雅终止的秒数；不填时为其自身设定"),
    ("How long the whole may take, such as 90s or 5m; at most 9m", "最长用时，如 90s 或 5m；最多 9m"),
    ("The manifest, or - for stdin", "清单文件；- 表示标准输入"),
    (
        "Take this field over from whoever manages it, as a rehearsal names it, alone or after KIND/NAME:. May be repeated",
        "接管该字段（按排演所示写法，可加前缀 KIND/NAME:）。可重复",
    ),
    ("The digest that the rehearsal gave", "排演给出的摘要"),
    (
        "Take it back unless pilot k8s confirm comes within this time, such as 90s, 10m or 2h",
        "在此时间内未运行 pilot k8s confirm 则自动撤销，如 90s、10m 或 2h",
    ),
    (
        "Agree to this one change beforehand; counts where the policy asks, never where it denies",
        "预先同意这一次更改；仅在策略询问时有效，被拒绝时无效",
    ),
    ("The change's id, as apply gave it", "apply 给出的更改 ID"),
    ("List the newest changes instead, and where each stands", "改为列出最近的更改及其状态"),
    ("Also over what somebody changed since", "即使此后有人改动也撤销"),
    ("Print this message or the help of the given subcommand(s)", "显示本帮助或子命令的帮助"),
    (
        "Reach any MCP tool server from the terminal: tools, policy and audit in one place",
        "在终端中使用任意 MCP 工具服务器：工具、策略与审计集中于一处",
    ),
    ("Where servers, policy and audit are kept", "保存服务器、策略和审计的目录"),
    ("How data is written to stdout", "数据写到标准输出的格式"),
    ("A map under mcpServers", "mcpServers 下的映射"),
    ("Ask a person first", "先询问人"),
    ("Changes something", "会做更改"),
    ("Destroys something, runs programs, or cannot be undone", "破坏数据、运行程序或无法撤销"),
    ("Fifteen minutes", "十五分钟"),
    ("Never", "从不"),
    ("One day", "一天"),
    ("One minute", "一分钟"),
    ("One server object", "单个服务器对象"),
    ("Reads widely, or changes what is trivially undone", "大范围读取，或更改极易撤销的内容"),
    ("Reads", "读取"),
    ("Run it", "直接运行"),
    ("The assistant", "助手"),
    ("The chat relay", "聊天中继"),
    ("The desktop window", "桌面窗口"),
    ("The whole mcp_config.json", "完整的 mcp_config.json"),
    ("This command", "本命令"),
    ("For people", "供人阅读"),
    ("For people, with every column that there is", "供人阅读，显示所有列"),
    ("What clusters hold", "集群中的内容"),
    (
        "List objects of a kind, or show one; -o wide for all columns, -o json or yaml for whole objects",
        "列出某类型的对象，或显示其中一个；-o wide 显示所有列，-o json 或 yaml 显示完整对象",
    ),
    ("List the kinds that a cluster serves", "列出集群提供的类型"),
    ("Check manifests before anybody sends them; exit 1 when there is an error", "在发送之前检查清单；有错误时退出码为 1"),
    ("The files; - reads standard input", "文件；- 表示从标准输入读取"),
    (
        "The Kubernetes minor that they are meant for, such as 1.36; the newest that is known when not given",
        "目标 Kubernetes 次版本，例如 1.36；未给出时为已知的最新版本",
    ),
    ("Use the schemas that this cluster serves, by name or id", "使用该集群（名称或 ID）自身提供的结构定义"),
    ("The level of the Pod Security Standards that must be kept", "必须满足的 Pod 安全标准级别"),
    ("Set a lint, such as pod-probes=off or pod-image-tag=block", "设置检查项，例如 pod-probes=off 或 pod-image-tag=block"),
    ("No known way to more rights", "没有已知的提权途径"),
    ("Hardened", "强化"),
    ("The cluster, by name or id; the only one there is when not given", "集群的名称或 ID；未给出时为唯一的集群"),
    ("The namespace; the cluster's usual one when not given", "命名空间；未给出时为集群的默认命名空间"),
    (
        "The kind, such as pods, po, Deployment or deployments.apps; also KIND/NAME",
        "类型，例如 pods、po、Deployment 或 deployments.apps；也可写作 KIND/NAME",
    ),
    ("Only this object", "仅此对象"),
    ("In every namespace", "所有命名空间"),
    ("Only objects with these labels, such as app=web,tier!=db", "仅带有这些标签的对象，例如 app=web,tier!=db"),
    ("Only objects with these fields, such as status.phase=Running", "仅符合这些字段的对象，例如 status.phase=Running"),
    ("Keep managedFields in whole objects", "在完整对象中保留 managedFields"),
    (
        "Print the logs of a pod, of the pods of a workload, or of every pod with these labels",
        "打印某个 Pod、某工作负载的 Pod 或带有指定标签的所有 Pod 的日志",
    ),
    ("Run a command in a container; its exit code becomes ours", "在容器中运行命令；其退出码即为本命令的退出码"),
    (
        "Listen on 127.0.0.1 and carry connections to a pod until Ctrl-C; a pod that goes is followed by the next",
        "在 127.0.0.1 上监听并将连接转发至 Pod，直到按 Ctrl-C；Pod 消失后自动转到下一个",
    ),
    ("Show what is masked everywhere else", "显示在其他各处都被隐藏的内容"),
    ("Give standard input to it", "将标准输入传给命令"),
    ("Run it on a terminal", "在终端中运行"),
    (
        "Agree to this one command beforehand; counts where the policy asks, never where it denies",
        "预先同意此次命令；仅在策略需要询问时有效，拒绝时无效",
    ),
    ("The program and its arguments, after --", "程序及其参数，写在 -- 之后"),
    (
        "The pod, or KIND/NAME of a Service or a workload: connections go to a pod of it that is ready",
        "Pod，或 Service、工作负载的 KIND/NAME：连接转发至其中就绪的 Pod",
    ),
    ("[LOCAL:]REMOTE; LOCAL 0 takes any free port, REMOTE may be a name", "[本地:]远程；本地为 0 时自动选择空闲端口，远程可以是端口名"),
    (
        "Agree to this one forward beforehand; counts where the policy asks, never where it denies",
        "预先同意此次转发；仅在策略需要询问时有效，拒绝时无效",
    ),
    ("One value of a Secret, as it is; the audit log keeps which one it was", "Secret 的一个值的明文；审计日志会记录是哪一个值"),
    ("The pod", "Pod 名称"),
    ("The Secret", "Secret 名称"),
    ("The key", "键"),
    ("Also when stdout is no terminal: a file or a program gets the value", "标准输出不是终端时也输出：值将进入文件或程序"),
    (
        "Agree to this one revealing beforehand; counts where the policy asks, never where it denies",
        "预先同意此次查看；仅在策略需要询问时有效，拒绝时无效",
    ),
    ("List what happened, newest last", "列出事件，最新的在最后"),
    ("Ask whether you may do something; exit code 1 when you may not", "询问是否有权执行某操作；无权时退出码为 1"),
    ("Show what is used now, as the cluster measures it", "显示集群测得的当前用量"),
    ("The pod, or a workload as KIND/NAME", "Pod 名称，或以 KIND/NAME 表示的工作负载"),
    ("Of every pod with these labels", "带有这些标签的所有 Pod"),
    ("This container; the pod's usual one when not given", "指定容器；未给出时为 Pod 的默认容器"),
    ("Every container, those that only prepare the pod too", "所有容器，包括初始化容器"),
    ("Go on with new lines until Ctrl-C or until the containers end", "持续输出新行，直到按 Ctrl-C 或容器结束"),
    ("Of the container that ran before", "上一次运行的容器"),
    ("Only so far back, such as 30s, 10m, 2h", "只看此时间以内的，例如 30s、10m、2h"),
    ("Only so many of the last lines of each container", "每个容器只显示最后若干行"),
    (
        "Go on with what changes until Ctrl-C; with -o json or jsonl one line for each change",
        "持续显示变化，直到按 Ctrl-C；使用 -o json 或 jsonl 时每个变化一行",
    ),
    ("With the time of each line", "显示每行的时间"),
    ("Only those about this object", "仅与该对象有关的"),
    ("Only of these types, such as Warning", "仅限这些类型，例如 Warning"),
    ("What you would do: get, list, create, delete…", "要执行的操作：get、list、create、delete 等"),
    ("The kind, and a part of it after a slash: pods, pods/log", "类型，斜杠后可跟子资源：pods、pods/log"),
    ("Of nodes", "节点的用量"),
    ("Of pods", "Pod 的用量"),
    ("One JSON document", "一个 JSON 文档"),
    ("One JSON document a line", "每行一个 JSON 文档"),
    ("YAML", "YAML"),
    ("English", "英文"),
    ("简体中文", "简体中文"),
    ("The language of messages; taken from LANG when not given", "消息语言；未给出时取自 LANG"),
    ("No progress and no remarks on stderr, only faults", "不在标准错误上显示进度和提示，只显示故障"),
    ("Answer kubectl with a credential; a rewritten kubeconfig calls this", "为 kubectl 提供凭据；由改写后的 kubeconfig 调用"),
    ("The cluster's id", "集群的 ID"),
    ("Say which programs may have credentials", "指定哪些程序可以获取凭据"),
    ("List what was said about programs, and when they last got a credential", "列出对各程序的许可及其最近一次获取凭据的时间"),
    ("Take back what was said about it", "撤回对它的许可"),
    ("The program's file", "程序文件"),
    ("How long it may, or that it may not", "允许多久，或不允许"),
    ("Only for this cluster; all of them when not given", "仅限该集群；未给出时为所有集群"),
    ("The next time, once", "下一次，仅一次"),
    ("Fifteen minutes from now", "从现在起十五分钟"),
    ("As long as its file stays the same", "只要其文件不变"),
    ("It may not", "不允许"),
    ("The kind of vault that this run insists on; what was chosen when not given", "本次运行要求的保险库类型；未给出时用已选择的"),
    (
        "The file whose first line is the vault's passphrase; asked at the terminal when not given",
        "首行为保险库口令的文件；未给出时在终端询问",
    ),
    ("In the keyring of the system", "保存在系统密钥环中"),
    ("Nowhere; a passphrase opens it", "不保存；用口令打开"),
    ("Nowhere; secrets end with the process", "不保存；机密随进程结束"),
    ("Secrets, and the vault that keeps them", "机密及保存它们的保险库"),
    (
        "Keep a value, read from stdin or typed without being shown: for a field of a server, or under a name",
        "保存一个值（从标准输入读取，或不回显地输入）：用于服务器的某个字段，或以名称保存",
    ),
    (
        "The field, such as auth_token, auth_headers.Authorization or env.TOKEN",
        "字段，例如 auth_token、auth_headers.Authorization 或 env.TOKEN",
    ),
    ("Keep it under this name instead; the reference to write into settings is printed", "改为以此名称保存；会打印写入设置的引用"),
    ("What is kept, without values", "已保存的内容，不含值"),
    ("A new key around the vault's key; a new passphrase where one is used", "更换包裹保险库密钥的密钥；使用口令时更换口令"),
    ("Also a new key for every secret", "同时为每个机密更换密钥"),
    ("The file whose first line is the new passphrase; asked at the terminal when not given", "首行为新口令的文件；未给出时在终端询问"),
    ("Remove a secret", "移除机密"),
    ("Its id, its name, or the server that it belongs to", "其 id、名称或所属服务器"),
    ("Only this field of the server", "仅该服务器的此字段"),
    ("Close the vault for every process until it is unlocked", "对所有进程锁定保险库，直到解锁"),
    ("Open the vault; plain secrets in settings move into it", "打开保险库；设置中的明文机密会移入其中"),
    ("How the vault stands, and which secrets still stand in plain text", "保险库状态，以及哪些机密仍为明文"),
    ("Choose how the vault's key is kept", "选择保险库密钥的保存方式"),
    ("In what way", "方式"),
    (
        "The file whose first line is the new passphrase; that of --passphrase-file when not given",
        "首行为新口令的文件；未给出时用 --passphrase-file",
    ),
    ("Write the vault's key into an age file under a passphrase of its own", "将保险库密钥写入由单独口令保护的 age 文件"),
    ("A file that does not exist yet", "尚不存在的文件"),
    (
        "The file whose first line is the kit's passphrase; asked at the terminal when not given",
        "首行为应急包口令的文件；未给出时在终端询问",
    ),
    ("Take the vault's key out of a recovery kit", "从应急包中取回保险库密钥"),
    ("What export-kit wrote", "export-kit 写出的文件"),
    ("Destroy the vault's key and every secret", "销毁保险库密钥和所有机密"),
    ("Saved servers", "已保存的服务器"),
    ("Clusters of kubeconfigs, with their secrets in the vault", "kubeconfig 中的集群，机密保存在保险库中"),
    ("Take contexts out of kubeconfigs and their secrets into the vault", "从 kubeconfig 导入上下文，并将其机密存入保险库"),
    ("List what was imported, with what each cluster said last", "列出已导入的集群及其最近的应答"),
    ("Ask clusters for their version and for whom they take you", "询问集群的版本以及它们识别到的身份"),
    ("The clusters, by name or id; all of them when not given", "集群的名称或 id；未给出时为全部"),
    ("Change what is kept of a cluster", "更改所保存的集群设置"),
    ("The cluster, by name or id", "集群的名称或 id"),
    (
        "Its colour: red, orange, amber, green, blue, violet, pink, grey, or none",
        "颜色：red、orange、amber、green、blue、violet、pink、grey，或 none 表示无",
    ),
    ("Whether everything that could change something there is refused", "是否拒绝一切可能更改集群的操作"),
    ("Its usual namespace, or none", "默认命名空间，none 表示不指定"),
    ("Whether its certificate goes unchecked; needs --confirm with the cluster's name", "是否不校验其证书；须用 --confirm 给出集群名称"),
    ("The cluster's name once more, for --insecure on", "再次输入集群名称，用于 --insecure on"),
    ("A PEM file of the authorities that sign its certificate, or system", "签发其证书的机构的 PEM 文件，或 system 表示使用系统机构"),
    ("Whether its program may be run for a credential, exactly as it is shown", "是否允许运行其程序来获取凭据，须与所示内容完全一致"),
    ("Yes", "是"),
    ("No", "否"),
    (
        "Show the lints of a cluster's manifests, or set them: off, warn, block, or usual",
        "查看或设置某集群清单的检查项：off、warn、block 或 usual（默认）",
    ),
    ("Lints and what becomes of their findings, such as pod-probes=off", "检查项及其级别，例如 pod-probes=off"),
    ("Remove clusters and their secrets", "移除集群及其机密"),
    ("The clusters, by name or id", "集群的名称或 id"),
    ("Also when a kubeconfig calls pilot for the credential", "即使有 kubeconfig 通过 pilot 获取凭据也移除"),
    ("Sign in to a cluster whose people an issuer knows (OpenID Connect)", "登录由颁发者管理用户的集群（OpenID Connect）"),
    ("The cluster, by name or id", "集群的名称或 id"),
    ("Type a code into a page on any device, instead of a browser on this machine", "在任意设备的页面上输入代码，而不使用本机浏览器"),
    ("Print the address of the issuer's page instead of opening it", "仅显示颁发者页面的地址，不打开浏览器"),
    (
        "Come back to http://localhost:PORT, because the issuer knows that address; remembered when it worked",
        "返回到 http://localhost:PORT（颁发者登记的地址）；成功后会记住",
    ),
    (
        "Sign out: remove the tokens from the vault, and withdraw them at the issuer where it lets us",
        "退出登录：从保险库中移除令牌，并在颁发者支持时撤销",
    ),
    (
        "Where a program only signs in at an issuer (kubectl oidc-login, kubelogin), sign in here instead of running it",
        "若程序仅用于在颁发者处登录（kubectl oidc-login、kubelogin），则在此登录而不运行该程序",
    ),
    ("From now on nobody gets credentials of any cluster", "从现在起任何程序都不能获取集群凭据"),
    ("Take the lock back", "解除锁定"),
    (
        "Prove that no secret of an imported cluster is left in kubeconfigs, in copies of them, or in the files that they named",
        "证明已导入集群的机密不再存在于 kubeconfig、其副本及其引用的文件中",
    ),
    (
        "The kubeconfigs; the usual ones and those of every imported cluster when not given",
        "kubeconfig 文件；未给出时为常用文件及所有已导入集群的文件",
    ),
    ("Give a kubeconfig the bytes back that it had before it was rewritten", "将 kubeconfig 恢复为改写前的内容"),
    ("The kubeconfig", "kubeconfig 文件"),
    ("Also when it was changed since; those changes are lost", "即使之后有更改也还原；这些更改会丢失"),
    (
        "The kubeconfigs, or - for stdin; KUBECONFIG or ~/.kube/config when not given",
        "kubeconfig 文件，或用 - 表示标准输入；未给出时为 KUBECONFIG 或 ~/.kube/config",
    ),
    ("Only this context. May be repeated", "只导入此上下文。可重复"),
    ("Accept the programs that give credentials, exactly as they are shown", "接受提供凭据的程序，与所示内容完全一致"),
    ("Read tokens from their files again when they change", "令牌文件变化时重新读取"),
    ("Let the files call pilot instead of holding secrets", "让文件改为调用 pilot，而不再保存机密"),
    ("Tools of one server, or of all", "某个服务器或全部服务器的工具"),
    ("One tool with its schema", "单个工具及其参数格式"),
    ("Run a tool", "执行工具"),
    ("Resources of a server", "服务器的资源"),
    ("Read a resource", "读取资源"),
    ("Prompts of a server, or one of them filled in", "服务器的提示词，或填好其中一个"),
    ("Values that a server proposes for an argument of a prompt or resource template", "服务器为提示词或资源模板的参数建议的值"),
    ("How servers are, asked now", "立即询问服务器的健康状况"),
    ("Calls, errors and latencies of servers and tools", "服务器和工具的调用、错误与延迟"),
    ("What was done, by whom, and how it ended", "谁做了什么、结果如何"),
    ("Who may do what", "谁可以做什么"),
    ("Find out what does not work, and what to do about it", "找出问题所在以及处理办法"),
    ("Completions for a shell", "命令行补全脚本"),
    ("Which shell", "哪种 shell"),
    ("Reach this address", "连接此地址"),
    (
        "The protocol of --url: stream_http, sse, websocket, http; told from the address when not given",
        "--url 的协议：stream_http、sse、websocket、http；未给出时由地址推断",
    ),
    ("A header for --url; write secrets as ${NAME}. May be repeated", "--url 的请求头；机密请写成 ${NAME}。可重复"),
    ("Start this command line and speak to it over its input and output", "启动此命令行并通过其输入输出通信"),
    ("A variable for --stdio. May be repeated", "--stdio 的环境变量。可重复"),
    ("The folder in which --stdio starts", "--stdio 启动时所在的目录"),
    ("A server object in a file, or - for stdin", "文件中的服务器对象，- 表示标准输入"),
    ("The saved server (left out for a server that is not saved), then the tool", "已保存的服务器（使用未保存的服务器时省略），然后是工具"),
    ("The saved server", "已保存的服务器"),
    ("List templates of resources instead", "改为列出资源模板"),
    (
        "The saved server (left out for a server that is not saved), then the resource's URI",
        "已保存的服务器（使用未保存的服务器时省略），然后是资源的 URI",
    ),
    (
        "The saved server (left out for a server that is not saved), then the prompt to fill in",
        "已保存的服务器（使用未保存的服务器时省略），然后是要填写的提示词",
    ),
    ("An argument of the prompt. May be repeated", "提示词的参数。可重复"),
    (
        "The saved server (left out for a server that is not saved), the argument, and what is typed so far",
        "已保存的服务器（使用未保存的服务器时省略）、参数名以及已输入的内容",
    ),
    ("The prompt whose argument it is", "该参数所属的提示词"),
    ("The resource template whose argument it is", "该参数所属的资源模板"),
    ("The saved server; all enabled ones when not given", "已保存的服务器；未给出时为全部已启用的服务器"),
    ("Ask again and again until Ctrl-C", "持续询问，直到 Ctrl-C"),
    ("Seconds between two rounds of --watch", "--watch 两轮之间的秒数"),
    ("The saved server; all when not given", "已保存的服务器；未给出时为全部"),
    ("How far back", "回溯多久"),
    ("Also for each tool", "同时按工具列出"),
    ("The saved server; this machine alone when not given", "已保存的服务器；未给出时只检查本机"),
    ("Only tools that fit these words", "只列出符合这些词的工具"),
    ("Ask the servers instead of showing what was last seen", "询问服务器，而不是显示上次所见"),
    ("The arguments as a JSON object, @FILE, or - for stdin", "参数：JSON 对象、@文件，或 - 表示标准输入"),
    (
        "One argument; its text becomes what the tool's schema wants. NAME:=JSON gives JSON. May be repeated",
        "单个参数；文本会转换为工具所需的类型。NAME:=JSON 表示 JSON。可重复",
    ),
    ("Seconds without an answer or progress until the call is given up", "在没有应答或进度的情况下放弃调用前等待的秒数"),
    ("Write progress and pieces of the result as JSON lines before the result", "在结果之前以 JSON 行输出进度和结果片段"),
    (
        "Agree to this one call beforehand; counts where the policy asks, never where it denies",
        "预先同意这一次调用；仅在策略要求询问时有效，策略禁止时无效",
    ),
    ("List them", "列出"),
    ("Show one, secrets masked", "显示一个，隐藏机密"),
    ("Save a new one", "保存新的服务器"),
    ("Change settings of one", "更改某个服务器的设置"),
    ("A new name", "新名称"),
    ("A setting; NAME:=JSON gives JSON. May be repeated", "一项设置；NAME:=JSON 表示 JSON。可重复"),
    ("A setting to take away. May be repeated", "要去掉的设置。可重复"),
    ("Take over what another program has configured", "导入其他程序的配置"),
    ("Write servers as a file", "将服务器导出为文件"),
    ("The servers; all when not given", "服务器；未给出时为全部"),
    ("What sort of file", "文件格式"),
    ("Write plain secrets out instead of references", "写出明文机密而不是引用"),
    ("Templates of servers", "服务器模板"),
    ("Connect and list tools, without saving anything", "连接并列出工具，不保存任何内容"),
    ("Remove servers; their audit rows stay", "移除服务器；其审计记录保留"),
    ("The servers", "服务器"),
    ("Switch one on", "启用"),
    ("Switch one off", "停用"),
    ("The server", "服务器"),
    ("Accept what a server starts or reaches, or a tool that changed", "接受服务器将启动或连接的内容，或发生变化的工具"),
    ("Accept this tool's changed definition", "接受此工具变化后的定义"),
    ("Do not ask", "不询问"),
    ("Its name", "名称"),
    ("Its name, said in this way", "名称（另一种写法）"),
    ("Start from this template", "从此模板开始"),
    ("A blank of the template. May be repeated", "模板的可填项。可重复"),
    ("Save it switched off", "保存为停用状态"),
    ("The file, or - for stdin", "文件，- 表示标准输入"),
    ("Only show what would happen", "只显示将会发生什么"),
    ("Only this server. May be repeated", "只导入此服务器。可重复"),
    ("Not this server. May be repeated", "不导入此服务器。可重复"),
    (
        "The saved server that part of a server's settings is put into, or the name of an object without one",
        "接收部分设置的已保存服务器，或为没有名称的对象指定名称",
    ),
    ("An answer to what the file asks for. May be repeated", "对文件所提问题的回答。可重复"),
    ("Take the file's values also where they were changed here", "即使在此处更改过也采用文件中的值"),
    ("Show one with its blanks", "显示一个模板及其可填项"),
    ("The template", "模板"),
    ("Keep a server as a template; secrets become references", "将服务器保存为模板；机密变为引用"),
    ("The template's name", "模板名称"),
    ("Remove one of your own", "移除自己的模板"),
    ("List calls, refusals and notes, newest first", "列出调用、拒绝和备注，最新在前"),
    ("Only this server", "只看此服务器"),
    ("Only rows with this text", "只看包含此文本的行"),
    (
        "Only calls that ended so: done, tool_error, fault, cancelled, interrupted, refused, note, running",
        "只看以此结束的调用：done、tool_error、fault、cancelled、interrupted、refused、note、running",
    ),
    ("Only from this moment on, such as 2026-11-22 or 2h", "只看此时刻之后，例如 2026-11-22 或 2h"),
    ("At most so many", "最多多少条"),
    ("Show one by its reference, with the raw rows behind it", "按编号显示一条及其原始记录"),
    ("The reference", "编号"),
    ("Read the whole chain and say whether it holds", "校验整条审计链是否完整"),
    ("Write every raw row as a JSON line, oldest first", "以 JSON 行写出所有原始记录，最早在前"),
    ("Rules, in order, and what counts where none fits", "按顺序列出规则，以及无规则适用时的默认值"),
    ("Replace all rules by those of a JSON file, or - for stdin", "用 JSON 文件（- 表示标准输入）替换全部规则"),
    ("The file", "文件"),
    ("Add or remove a rule", "添加或移除规则"),
    ("Your own word on a tool's risk", "您对工具风险的判断"),
    ("Add a rule; the first that fits decides", "添加规则；第一条适用的规则生效"),
    ("Its id, shown wherever it decides", "规则编号，会在其生效之处显示"),
    ("What it says", "裁决"),
    ("Only through this door", "仅限此入口"),
    ("Only for tools of this risk", "仅限此风险级别的工具"),
    ("Only for servers whose name fits this glob", "仅限名称符合此通配模式的服务器"),
    ("Only for tools whose name fits this glob", "仅限名称符合此通配模式的工具"),
    ("Put it before this rule instead of last", "放在此规则之前，而不是最后"),
    ("Remove a rule", "移除规则"),
    ("Its id", "规则编号"),
    ("Say how risky tools are; the first that fits counts", "指定工具的风险；第一条适用的生效"),
    ("Glob over server names", "服务器名称的通配模式"),
    ("Glob over tool names", "工具名称的通配模式"),
    ("The risk", "风险"),
    ("Take it back", "撤回"),
    ("Glob over server names, as it was given", "服务器名称的通配模式（与设置时相同）"),
    ("Glob over tool names, as it was given", "工具名称的通配模式（与设置时相同）"),
];

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Pilot;

    fn english(command: &Command, lines: &mut Vec<String>) {
        lines.extend(command.get_about().map(StyledStr::to_string));
        for arg in command.get_arguments() {
            lines.extend(arg.get_help().map(StyledStr::to_string));
            lines.extend(arg.get_possible_values().iter().filter_map(|value| value.get_help().map(StyledStr::to_string)));
        }
        command.get_subcommands().for_each(|sub| english(sub, lines));
    }

    #[test]
    fn every_line_of_the_help_has_its_chinese_counterpart_and_none_is_left_over() {
        let mut lines = Vec::new();
        let mut built = Pilot::command();
        built.build();
        english(&built, &mut lines);
        let missing: Vec<_> = lines.iter().filter(|line| !WORDS.iter().any(|(en, _)| en == line)).collect();
        assert!(missing.is_empty(), "{missing:#?}");
        let stale: Vec<_> = WORDS.iter().filter(|(en, _)| !lines.iter().any(|line| line == en)).collect();
        assert!(stale.is_empty(), "{stale:#?}");
    }

    #[test]
    fn the_words_fit_together() {
        Pilot::command().debug_assert();
        let help = localised(Pilot::command(), Lang::Zh).render_long_help().to_string();
        assert!(help.contains("退出码") && help.contains("已保存的服务器"), "{help}");
        for english in ["Usage:", "Commands:", "Options:", "Possible values", "Print "] {
            assert!(!help.contains(english), "{english} in {help}");
        }
    }
}
