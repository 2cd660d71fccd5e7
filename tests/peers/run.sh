#!/bin/bash
# `make peers`: ingestd on real NFS, SMB, vfat, dead servers and a failing disk, in a kernel of its own
# (user-mode-linux). Needs root; builds its Debian once (build.sh), then takes two to three minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=${PEERS_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/ingestd-peers}
python=${1:?the python of the environment}
[ "$(id -u)" = 0 ] || { echo "peers: needs root, for mounts and servers of its own"; exit 77; }
[ -e "$root/opt/built" ] || "$here/build.sh" "$root"
rm -rf "$root/opt/site" "$root/opt/code" "$root/opt/results.txt" "$root/opt/daemon.log"
mkdir -p "$root/opt/site"
cp -r "$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/." "$root/opt/site/"
cp -r "$here/../../ingestd" "$root/opt/site/"
cp "$here/init.sh" "$here/checks.py" "$root/opt/"
chmod +x "$root/opt/init.sh"
timeout --signal=KILL "${PEERS_TIMEOUT:-420}" linux.uml mem=1500M root=/dev/root rootfstype=hostfs rootflags="$root" rw quiet \
    init=/opt/init.sh con=null con0=fd:0,fd:1 </dev/null >"$root/opt/console.txt" 2>&1 || true
cat "$root/opt/results.txt" 2>/dev/null || { tail -20 "$root/opt/console.txt"; exit 1; }
exit "$(cat "$root/opt/code" 2>/dev/null || echo 1)"
