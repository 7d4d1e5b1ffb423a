//! PEM as text: its blocks, and a certificate chain apart from its key. Nothing is decoded here.

/// The blocks of a text, as (label, base64 without white space), in order. What is outside of blocks, and a block without an end, is left out.
pub fn blocks(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in text.lines().map(str::trim) {
        if let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) {
            open = Some((label, String::new()));
        } else if let Some(label) = line.strip_prefix("-----END ").and_then(|rest| rest.strip_suffix("-----")) {
            found.extend(open.take().filter(|(begun, _)| *begun == label));
        } else if let Some((_, body)) = &mut open {
            // Headers such as `Proc-Type: 4,ENCRYPTED` are no part of the data.
            if !line.contains(':') {
                body.extend(line.chars().filter(|c| !c.is_whitespace()));
            }
        }
    }
    found
}

/// The certificates of a text, one line of base64 each: two texts that hold the same ones differ at most in how they are written.
pub fn certificates(text: &str) -> Vec<String> {
    blocks(text).into_iter().filter(|(label, _)| *label == "CERTIFICATE").map(|(_, body)| body).collect()
}

/// Takes a text with a chain and its key apart, in whatever order they stand: all certificates, and the first key, each as PEM.
pub fn chain_and_key(text: &str) -> Option<(String, String)> {
    let (mut chain, mut key) = (String::new(), None);
    let mut rest = text;
    while let Some(at) = rest.find("-----BEGIN ") {
        let block = rest.get(at..)?;
        let label = block.strip_prefix("-----BEGIN ")?.split("-----").next()?;
        let end = format!("-----END {label}-----");
        let length = block.find(&end)? + end.len();
        let whole = block.get(..length)?;
        if label == "CERTIFICATE" {
            chain.push_str(whole);
            chain.push('\n');
        } else if label.ends_with("PRIVATE KEY") && key.is_none() {
            key = Some(format!("{whole}\n"));
        }
        rest = block.get(length..)?;
    }
    (!chain.is_empty()).then_some((chain, key?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERT: &str = "-----BEGIN CERTIFICATE-----\nQUJD\nREVG\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\nS0VZ\n-----END EC PRIVATE KEY-----\n";

    #[test]
    fn certificates_are_the_same_however_they_are_written() {
        let other =
            "# a remark\r\n-----BEGIN CERTIFICATE-----\r\n  QUJDREVG\r\n-----END CERTIFICATE-----\r\n-----BEGIN CERTIFICATE-----\nopen";
        assert_eq!(certificates(CERT), ["QUJDREVG"]);
        assert_eq!(certificates(other), certificates(CERT));
        assert!(certificates("").is_empty() && certificates(KEY).is_empty());
    }

    #[test]
    fn a_chain_and_its_key_come_apart_in_either_order() {
        for text in [format!("{CERT}{CERT}{KEY}"), format!("{KEY}{CERT}{CERT}"), format!("{CERT}{KEY}{CERT}")] {
            assert_eq!(chain_and_key(&text), Some((format!("{CERT}{CERT}"), KEY.to_owned())));
        }
        for bad in ["", CERT, KEY, "-----BEGIN CERTIFICATE-----"] {
            assert_eq!(chain_and_key(bad), None, "{bad}");
        }
    }
}
