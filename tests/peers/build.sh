#!/bin/bash
# Builds the small Debian that `make peers` runs in a user-mode-linux kernel: real NFS and SMB servers
# and clients, vfat and device-mapper, which most machines that run tests lack. About two minutes and
# 650 MB, once. Needs root and a Debian package mirror (PEERS_MIRROR, else this machine's own).
set -euo pipefail
root=${1:?the directory to build in}
mirror=${PEERS_MIRROR:-$(grep -rhoE '^(deb|URIs:) +[^ ]+' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
    awk '{print $2}' | grep -E '/debian/?$' | head -1 || true)}
apt-get install -y --no-install-recommends debootstrap user-mode-linux kmod
debootstrap --variant=minbase --include=procps,iproute2,python3,kmod bookworm "$root" "${mirror:?no Debian mirror found: set PEERS_MIRROR}"
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d" && chmod +x "$root/usr/sbin/policy-rc.d"
unshare --mount --propagation private bash -euc "
    mount --rbind /dev $root/dev; mount -t proc proc $root/proc; mount -t sysfs sysfs $root/sys
    DEBIAN_FRONTEND=noninteractive chroot $root apt-get install -y --no-install-recommends \
        nfs-kernel-server nfs-common rpcbind samba cifs-utils dmsetup dosfstools e2fsprogs"
kernel=$(ls /usr/lib/uml/modules | head -1)
mkdir -p "$root/lib/modules" && cp -r "/usr/lib/uml/modules/$kernel" "$root/lib/modules/"
depmod -b "$root" "$kernel"
touch "$root/opt/built"
