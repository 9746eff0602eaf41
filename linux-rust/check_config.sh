#!/bin/bash
# SPDX-License-Identifier: 0BSD
#
# check_config.sh BASE OPTIONS [KEPT]: what did olddefconfig make of a configuration? Run in the kernel's
# tree, whose .config it wrote. It drops what cannot be had without a word.
#
# BASE is the configuration that was begun with: each option of it that was y or m and is n now is named.
# OPTIONS is what has to be as it says, CONFIG_RUST=y above all. Without it, or without BTF, signatures or
# a mitigation that BASE had, no kernel should be built: the exit status is 1.
#
# KEPT=y leaves out what was m: localmodconfig takes modules away on purpose.
set -euo pipefail

base=$1 options=$2 kept=${3:-[ym]}
must='MODULES|MODULE_SIG|MODULE_SIG_FORCE|DEBUG_INFO_BTF|.*RETPOLINE|RETHUNK|SLS|(CPU|SPECULATION)_MITIGATIONS'
must+='|MITIGATION_.*|CPU_(UNRET|IBPB|IBRS)_ENTRY|CPU_SRSO|PAGE_TABLE_ISOLATION|X86_KERNEL_IBT|STACKPROTECTOR.*'
must+='|FORTIFY_SOURCE|RANDOMIZE_BASE'

lost=()
while read -r option asked is exact; do
  # Of the base, an option that this series does not have is not lost.
  if [[ $is != n ]] || grep -qrxE "\s*(menu)?config\s+$option\s*" --include='Kconfig*' .; then
    echo "CONFIG_$option was asked for as $asked, and is $is"
    [[ ! $option =~ ^($must)$ ]] || exact=1
  else
    echo "CONFIG_$option was asked for as $asked, and this kernel has no such option"
  fi
  ((!exact)) || lost+=("$option")
done < <(awk -F= -v kept="^$kept\$" '
  FNR == 1 { file++ }
  { sub(/^# /, ""); sub(/ is not set$/, "=n") }
  !sub(/^CONFIG_/, "") { next }
  file == 1 { is[$1] = $2; next }
  { asked[$1] = $2; exact[$1] = file == 3 }
  END {
    for (o in asked) {
      now = o in is ? is[o] : "n"
      if (asked[o] != now && (exact[o] || now == "n" && asked[o] ~ kept)) print o, asked[o], now, exact[o]
    }
  }' .config "$base" "$options" | sort)
((${#lost[@]} > 0)) || exit 0

echo >&2 "error: this configuration loses what no kernel here goes without: ${lost[*]}"
echo >&2 '  note: something that each depends on is not as it must be, in the configuration or in the compiler'
for option in "${lost[@]}"; do
  if command -v rustkmod >/dev/null; then
    rustkmod why "$option" --kdir "$PWD" >&2 || true
  else
    printf >&2 "  help: rustkmod why %s --kdir %q\n" "$option" "$PWD"
  fi
done
exit 1
