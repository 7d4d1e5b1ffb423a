//! `kubectl oidc-login get-token` (kubelogin): a program whose whole work is a sign-in, told by its arguments.
//!
//! **Invariant:** an argument that we do not know, or that changes what is sent to whom, makes that nothing is offered.

use domain::text::Text;

use super::user::{Exec, Oidc, Written};

/// Where the program listens when it is not told.
const USUAL: [&str; 2] = ["http://localhost:8000", "http://localhost:18000"];
/// Arguments with a value that change nothing for us: where it keeps its cache, how it opens a browser, how much it says.
const IDLE: [&str; 10] = [
    "--token-cache-dir",
    "--token-cache-storage",
    "--authentication-timeout-sec",
    "--browser-command",
    "--open-url-after-authentication",
    "--oidc-pkce-method",
    "--v",
    "--log_file",
    "--log_dir",
    "--stderrthreshold",
];
/// Arguments without a value that change nothing for us. PKCE is always used here.
const IDLE_WORDS: [&str; 6] =
    ["--force-refresh", "--skip-open-browser", "--oidc-use-pkce", "--alsologtostderr", "--logtostderr", "--tls-renegotiation-once"];

/// The arguments of the program, if it is that one.
fn arguments<'e, 'n>(exec: &'e Exec<'n>) -> Option<&'e [&'n str]> {
    let program = exec.command.rsplit(['/', '\\']).next().unwrap_or(exec.command);
    let program = program.strip_suffix(".exe").unwrap_or(program);
    let (("kubectl", ["oidc-login", rest @ ..]) | ("kubelogin" | "kubectl-oidc_login", rest)) = (program, exec.args.as_slice()) else {
        return None;
    };
    let ["get-token", rest @ ..] = rest else { return None };
    // Another program has that name too, and signs in at Azure in ways of its own.
    rest.iter().any(|arg| arg.starts_with("--oidc-issuer-url")).then_some(rest)
}

/// The sign-in that can take a program's place; why it cannot, when it is that program; none for every other program.
pub(super) fn offer<'n>(exec: &Exec<'n>) -> Option<Result<Oidc<'n>, Text>> {
    let rest = arguments(exec)?;
    if !exec.env.is_empty() {
        return Some(Err(why("it is given variables", "它带有环境变量")));
    }
    Some(read(rest))
}

fn why(en: &str, zh: &str) -> Text {
    Text::new(
        format!("the program signs in at an issuer, which Pilothouse could do itself; it is not offered here because {en}"),
        format!("该程序在颁发者处登录，Pilothouse 本可自行完成；此处未提供，因为{zh}"),
    )
}

fn read<'n>(args: &[&'n str]) -> Result<Oidc<'n>, Text> {
    let mut found = Oidc {
        issuer: "",
        client_id: "",
        client_secret: None,
        id_token: None,
        refresh_token: None,
        scopes: Vec::new(),
        ca: None,
        redirects: Vec::new(),
    };
    let (mut ports, mut host) = (Vec::new(), "localhost");
    let mut rest = args.iter().copied();
    while let Some(arg) = rest.next() {
        let (name, given) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (arg, None),
        };
        if (IDLE_WORDS.contains(&name)) || name.strip_prefix("-v").is_some_and(|level| level.bytes().all(|c| c.is_ascii_digit())) {
            continue;
        }
        let mut value = || given.or_else(|| rest.next()).ok_or_else(|| why(&format!("{name} has no value"), &format!("{name} 没有值")));
        match name {
            "--oidc-issuer-url" => found.issuer = value()?,
            "--oidc-client-id" => found.client_id = value()?,
            "--oidc-client-secret" => found.client_secret = Some(value()?).filter(|secret| !secret.is_empty()),
            "--oidc-extra-scope" => {
                found.scopes.extend(value()?.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned));
            }
            "--certificate-authority-data" if found.ca.is_none() => found.ca = Some(Written::Here(value()?)),
            "--certificate-authority" if found.ca.is_none() => {
                let path = value()?;
                // The program means it from the folder that it happens to run in.
                if !std::path::Path::new(path).is_absolute() {
                    return Err(why("its authority's file is no whole path", "其 CA 文件不是绝对路径"));
                }
                found.ca = Some(Written::File(path));
            }
            "--listen-address" => {
                for address in value()?.split(',') {
                    ports.push(address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).filter(|port| *port > 0));
                }
            }
            "--oidc-redirect-url-hostname" => host = value()?,
            "--grant-type" => {
                let grant = value()?;
                if !matches!(grant, "auto" | "authcode" | "device-code") {
                    return Err(why("it signs in with a password or by hand (--grant-type)", "它使用密码或手工方式登录（--grant-type）"));
                }
            }
            _ if IDLE.contains(&name) => drop(value()?),
            _ => {
                let shown: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(60).collect();
                return Err(why(&format!("of its argument {shown}"), &format!("参数 {shown}")));
            }
        }
    }
    if found.client_id.is_empty() || found.issuer.is_empty() {
        return Err(why("it names no client", "它没有指定客户端"));
    }
    if !matches!(host, "localhost" | "127.0.0.1") || ports.iter().any(Option::is_none) {
        return Err(why("the browser would come back to an odd address", "浏览器将返回到特殊地址"));
    }
    found.redirects = if ports.is_empty() {
        USUAL.iter().map(|usual| usual.replace("localhost", host)).collect()
    } else {
        ports.into_iter().flatten().map(|port| format!("http://{host}:{port}")).collect()
    };
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'n>(command: &'n str, args: &[&'n str]) -> Option<Result<Oidc<'n>, Text>> {
        let (api_version, interactive_mode) = ("client.authentication.k8s.io/v1", "IfAvailable");
        offer(&Exec { command, args: args.to_vec(), env: Vec::new(), api_version, interactive_mode, provide_cluster_info: false })
    }

    const ISSUER: &str = "--oidc-issuer-url=https://i.example";

    #[test]
    fn the_program_is_known_by_its_name_and_its_arguments() {
        for (command, args, known) in [
            ("kubectl", vec!["oidc-login", "get-token", ISSUER, "--oidc-client-id=c"], true),
            ("/usr/local/bin/kubectl", vec!["oidc-login", "get-token", ISSUER, "--oidc-client-id=c"], true),
            ("kubelogin", vec!["get-token", ISSUER, "--oidc-client-id=c"], true),
            ("kubectl-oidc_login", vec!["get-token", ISSUER, "--oidc-client-id=c"], true),
            // Azure's program of that name.
            ("kubelogin", vec!["get-token", "--login", "devicecode", "--server-id", "x"], false),
            ("kubectl", vec!["get-token", ISSUER], false),
            ("kubectl", vec!["oidc-login", "setup", ISSUER], false),
            ("aws", vec!["eks", "get-token"], false),
        ] {
            assert_eq!(of(command, &args).is_some(), known, "{command} {args:?}");
        }
    }

    #[test]
    fn what_it_is_told_is_what_we_do() {
        let args = [
            "get-token",
            "--oidc-issuer-url",
            "https://i.example",
            "--oidc-client-id=c",
            "--oidc-client-secret=s",
            "--oidc-extra-scope=email,groups",
            "--oidc-extra-scope",
            "profile",
            "--skip-open-browser",
            "-v1",
            "--grant-type=device-code",
            "--token-cache-dir=/tmp/x",
        ];
        let found = of("kubelogin", &args).unwrap().unwrap_or_else(|why| panic!("{why:?}"));
        assert_eq!((found.issuer, found.client_id, found.client_secret), ("https://i.example", "c", Some("s")));
        assert_eq!(found.scopes, ["email", "groups", "profile"]);
        assert_eq!(found.redirects, USUAL);
        let args =
            ["get-token", ISSUER, "--oidc-client-id=c", "--listen-address=127.0.0.1:12345", "--oidc-redirect-url-hostname=127.0.0.1"];
        assert_eq!(of("kubelogin", &args).unwrap().unwrap_or_else(|why| panic!("{why:?}")).redirects, ["http://127.0.0.1:12345"]);
    }

    #[test]
    fn what_changes_what_is_sent_to_whom_is_not_offered_and_said_without_its_value() {
        for more in [
            "--oidc-use-access-token",
            "--insecure-skip-tls-verify",
            "--username=canary",
            "--grant-type=password",
            "--oidc-auth-request-extra-params=canary=1",
            "--certificate-authority=ca.pem",
            "--listen-address=127.0.0.1:0",
            "--oidc-redirect-url-hostname=canary.example",
            "--never-heard-of=canary",
            "--oidc-extra-scope",
        ] {
            let said =
                of("kubelogin", &["get-token", ISSUER, "--oidc-client-id=c", more]).unwrap().err().unwrap_or_else(|| panic!("{more}"));
            assert!(!said.en.contains("canary") && !said.zh.contains("canary"), "{said:?}");
        }
        assert!(of("kubelogin", &["get-token", ISSUER]).unwrap().is_err(), "no client");
    }
}
