// SPDX-License-Identifier: MIT OR Apache-2.0

//! What programs say in other languages, in English: the table knows only that.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

/// A message with what is known of other languages in English. The rest stays as it is.
pub fn in_english(message: &str) -> Cow<'_, str> {
    static WORDS: LazyLock<(AhoCorasick, Vec<String>)> = LazyLock::new(|| {
        let table: BTreeMap<String, Vec<String>> =
            toml::from_str(include_str!("language.toml")).expect("the table is well-formed");
        let pairs = table
            .iter()
            .flat_map(|(english, others)| others.iter().map(move |other| (other, english.clone())));
        let (others, english): (Vec<_>, Vec<_>) = pairs.unzip();
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(others)
            .expect("a small table");
        (finder, english)
    });
    // Chinese has colons of its own, which hold the blank behind them.
    let message = match message.contains('：') {
        true => Cow::Owned(message.replace('：', ": ")),
        false => Cow::Borrowed(message),
    };
    let (finder, english) = &*WORDS;
    match finder.is_match(&*message) {
        // French has a blank before them.
        true => Cow::Owned(finder.replace_all(&message, english).replace(" : ", ": ")),
        false => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_other_languages_are_read_in_english() {
        for (other, english) in [
            (
                "make: *** /lib/modules/6.1.0/build: Datei oder Verzeichnis nicht gefunden.  Schluss.",
                "make: *** /lib/modules/6.1.0/build: No such file or directory.  Stop.",
            ),
            (
                "make: *** Keine Regel vorhanden, um das Ziel \"modules\" zu erstellen.  Schluss.",
                "make: *** No rule to make target 'modules'.  Stop.",
            ),
            (
                "make: *** Pas de règle pour fabriquer la cible « modules ». Arrêt.",
                "make: *** No rule to make target 'modules'.  Stop.",
            ),
            (
                "make: *** ターゲット 'modules' を make するルールがありません.  中止.",
                "make: *** No rule to make target 'modules'.  Stop.",
            ),
            (
                "m.c:30:10: 致命错误：x.h：没有那个文件或目录",
                "m.c:30:10: fatal error: x.h: No such file or directory",
            ),
            (
                "m.c:3:1: erreur fatale : x.h : Aucun fichier ou dossier de ce type",
                "m.c:3:1: fatal error: x.h: No such file or directory",
            ),
            (
                "bash: line 1: rustc: команда не найдена",
                "bash: line 1: rustc: command not found",
            ),
            (
                "insmod: ERROR: could not insert module m.ko: Clé requise non disponible",
                "insmod: ERROR: could not insert module m.ko: Required key not available",
            ),
            (
                "m.c:3:1: erreur: déclaration implicite de la fonction « f »",
                "m.c:3:1: error: implicit declaration of function « f »",
            ),
            ("m.c:3:1: error: x", "m.c:3:1: error: x"),
        ] {
            assert_eq!(in_english(other), english);
        }
    }
}
