#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Can $RUSTC use the Rust crates of these headers? Run by scripts/Makefile.build
# before the first file of an external Rust module compiles; $objtree is the
# headers' root.
#
# rustc reads a crate's metadata (.rmeta) only when its own full version string
# equals the one inside. The same number is not enough: a distribution's 1.62.0
# is not rustup's. The layout (rustc_metadata/src/rmeta/mod.rs), byte offsets: 0
# "rust\0\0\0", 7 the format; up to format 8: 8 position of the root (u32, big
# endian), 12 length of the version string (LEB128), 13 the string; since
# format 9: 8 position of the root (u64, little endian), 16 length, 17 string.

set -u

# A path is seen from where make runs rustc. RUSTC may be two words, as in
# "sccache rustc": make runs it through a shell.
if command -v "${RUSTC%% *}" >/dev/null 2>&1; then
	# shellcheck disable=SC2086
	runs=$($RUSTC --version 2>/dev/null) || runs="nothing: '$RUSTC --version' fails"
	what="'$RUSTC' cannot read the Rust crates of these headers"
else
	runs="nothing: there is no '$RUSTC'"
	what="the Rust compiler of these headers is not there"
fi

# shellcheck disable=SC2154 # make exports it
cd "$objtree" || exit

# What the headers' own package says of itself.
fact()
{
	sed -n "s/^$1 *//p" rust/toolchain.mk 2>/dev/null
}
packaged=$(fact 'RUSTC *=')
headers=$(fact '# headers:')
toolchain=$(fact '# toolchain:')
crates=$(fact '# crates:')
reinstall="reinstall them, from where makepkg left the package: sudo pacman -U ${headers:-HEADERS-PACKAGE-OF-THIS-KERNEL}"

# fail WHAT NOTES HELP, one line of NOTES a note
fail()
{
	printf >&2 'error: %s\n' "$1"
	printf '%s\n' "$2" | sed 's/^/  note: /' >&2
	printf >&2 '  help: %s\n' "$3"
	exit 1
}

# byte FILE OFFSET
byte()
{
	od -An -tu1 -j"$2" -N1 "$1" | tr -d ' '
}

# u64 FILE OFFSET, little endian
u64()
{
	od -An -tu8 --endian=little -j"$2" -N8 "$1" | tr -d ' '
}

# A tree that no package has listed has these, whatever its series.
for file in ${crates:-rust/libcore.rmeta rust/libkernel.rmeta}; do
	[ -f "$file" ] || fail "these headers cannot build Rust modules: '$file' is missing" \
		"looked in $PWD" "$reinstall"
	[ -r "$file" ] || fail "'$PWD/$file' cannot be read by $(id -un)" \
		"its mode is $(stat -c '%A, owner %U' "$file")" "sudo chmod a+r '$PWD/$file'"
done

# The root of the metadata and the section table of a library stand at the end:
# a file that lost its tail lost them too.
for file in rust/lib*.rmeta rust/lib*.so; do
	[ -f "$file" ] || fail "'$file' of these headers is damaged" "it is not a file" "$reinstall"
	size=$(wc -c <"$file")
	end=$size
	if [ "$size" -gt 63 ]; then
		case $(head -c 4 "$file" | tr -d '\0\177') in
		rust) if [ "$(byte "$file" 7)" -lt 9 ]; then
				end=$(($(byte "$file" 8) << 24 | $(byte "$file" 9) << 16 |
				       $(byte "$file" 10) << 8 | $(byte "$file" 11)))
			else
				end=$(u64 "$file" 8)
			fi ;;
		ELF) end=$(u64 "$file" 40) ;;
		esac
	fi
	[ "$end" -lt "$size" ] || fail "'$file' of these headers is damaged" \
		"it is $size bytes long, and what it holds goes on at byte $end
in $PWD" "$reinstall"
done

length_at=16
[ "$(byte rust/libcore.rmeta 7)" -ge 9 ] || length_at=12
made_by=$(tail -c "+$((length_at + 2))" rust/libcore.rmeta | head -c "$(byte rust/libcore.rmeta "$length_at")")
[ "$runs" != "$made_by" ] || exit 0

if [ -z "$packaged" ]; then
	help="name the compiler that made them: make RUSTC=/path/to/rustc"
elif [ "$RUSTC" = "$packaged" ]; then
	help="install it, from where makepkg left the package: sudo pacman -U ${toolchain:-TOOLCHAIN-PACKAGE-OF-THIS-KERNEL}"
else
	help="leave RUSTC out: make then runs $packaged"
fi
fail "$what" "they were made by: $made_by
RUSTC would run:   $runs" "$help"
