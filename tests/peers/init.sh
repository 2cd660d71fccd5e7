#!/bin/bash
# The first process inside user-mode-linux: mounts and servers, then the checks, then power off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONUNBUFFERED=1 PYTHONPATH=/opt/site PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc; mount -t sysfs sysfs /sys
for place in /tmp /run /srv /mnt /var/lib/nfs /var/log; do mount -t tmpfs tmpfs $place; done
mkdir -p /dev/shm /dev/mapper /run/samba /run/lock /var/lib/nfs/{sm,sm.bak,v4recovery,rpc_pipefs} /var/log/samba
mount -t tmpfs tmpfs /dev/shm
touch /var/lib/nfs/{etab,rmtab,xtab}
ip link set lo up
for module in nfs nfsv3 nfsv4 nfsd cifs vfat nls_cp437 nls_iso8859-1 nls_utf8 dm-mod loop; do modprobe $module; done

# NFS: an exported ext4, mounted by both versions; the third mount is `soft`, which gives errors
mkdir -p /srv/nfs /mnt/{nfs3,nfs4,soft,smb,vfat,flaky}
truncate -s 100M /tmp/nfs.img && mkfs.ext4 -q /tmp/nfs.img && mount -o loop /tmp/nfs.img /srv/nfs && chmod 777 /srv/nfs
rpcbind; mount -t rpc_pipefs sunrpc /var/lib/nfs/rpc_pipefs; mount -t nfsd nfsd /proc/fs/nfsd
exportfs -o rw,no_root_squash,insecure,fsid=0,no_subtree_check 127.0.0.1:/srv/nfs
rpc.nfsd 4; rpc.mountd; echo 2 > /proc/fs/nfsd/nfsv4gracetime
mkdir -p /srv/nfs/{three,four,soft}
mount -t nfs -o vers=3,nolock,hard 127.0.0.1:/srv/nfs/three /mnt/nfs3
mount -t nfs4 -o vers=4.2,hard 127.0.0.1:/four /mnt/nfs4
mount -t nfs4 -o vers=4.2,soft,timeo=20,retrans=1,nosharecache 127.0.0.1:/soft /mnt/soft

# SMB
mkdir -p /srv/smb && chmod 777 /srv/smb
cat > /tmp/smb.conf <<'CONF'
[global]
server role = standalone
map to guest = Bad User
guest account = root
bind interfaces only = yes
interfaces = lo
private dir = /run/samba
lock directory = /run/samba
state directory = /run/samba
cache directory = /run/samba
pid directory = /run/samba
ncalrpc dir = /run/samba/ncalrpc
log file = /tmp/smbd.log
disable spoolss = yes
load printers = no
[media]
path = /srv/smb
guest ok = yes
read only = no
force user = root
CONF
smbd -D -s /tmp/smb.conf
for _ in 1 2 3 4 5 6 7 8 9 10; do
    mount -t cifs -o guest,vers=3.1.1,soft,echo_interval=2 //127.0.0.1/media /mnt/smb 2>/dev/null && break; sleep 1
done

# a memory card, and a disk that can be made to fail
truncate -s 40M /tmp/vfat.img && mkfs.vfat /tmp/vfat.img > /dev/null && mount -o loop /tmp/vfat.img /mnt/vfat
truncate -s 40M /tmp/flaky.img && device=$(losetup -f --show /tmp/flaky.img) && mkfs.ext4 -q "$device"
blocks=$(blockdev --getsz "$device")
dmsetup create flaky --table "0 $blocks linear $device 0"; dmsetup mknodes
mount /dev/mapper/flaky /mnt/flaky
export FLAKY_GOOD="0 $blocks linear $device 0" FLAKY_BAD="0 $blocks error"

python3 /opt/checks.py > /opt/results.txt 2>&1
echo $? > /opt/code
sync; echo o > /proc/sysrq-trigger; sleep 2; poweroff -f
