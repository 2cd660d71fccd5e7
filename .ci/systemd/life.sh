# Runs inside the booted root: the Debian package and its unit through their life. Exit status 0: all held.
set -euo pipefail
cd /ci
export PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_PAGER= NO_COLOR=1
KEY=sk-mavi-0123456789abcdef
unset INGESTD_API_KEY
failed() { echo "FAILED: $*"; systemctl status ingestd --no-pager -n 0 || true; journalctl -u ingestd --no-pager -n 40 -o cat || true; exit 1; }
ok() { echo "ok   $*"; }
is() { [ "$2" = "$3" ] || failed "$1: expected '$3', got '$2'"; ok "$1"; }
has() { case $2 in *"$3"*) ok "$1" ;; *) failed "$1: no '$3' in: $2" ;; esac; }
hasnot() { case $2 in *"$3"*) failed "$1: '$3' in: $2" ;; *) ok "$1" ;; esac; }
prop() { systemctl show -P "$1" "${2:-ingestd}"; }
until_true() { local end=$((SECONDS + 40)); while [ $SECONDS -lt $end ]; do "$@" && return 0; sleep 0.2; done; return 1; }
parsed() { [ "$(ingestd list --json --state parsed | grep -c '"video_no"')" = "$1" ]; }
clip() { "$(ls /usr/lib/ingestd/bin/python3 /opt/ingestd/bin/python3 2> /dev/null | head -n 1)" -c 'import sys; from ingestd import clips; open(sys.argv[1], "wb").write(clips.unique("pattern-h264.mp4", sys.argv[1].encode()))' "$1"; }
accepted() { ingestd sim report | grep -o '"accepted": [0-9]*' | head -n 1; }
configure() {
    cat > /etc/ingestd/config.yaml <<YAML
api: {base_url: "http://127.0.0.1:8399/serve/api/v1"}
folders: [$1]
upload: {per_minute: 0}
indexing: {poll_min: 0.2s, poll_max: 0.5s}
YAML
}
folder() { echo "{path: $1, settle: 0.2s, poll_interval: 1s}"; }

echo "== the package is installed"
said=$(dpkg -i ingestd_*-1_*.deb 2>&1)
has "says what to do next" "$said" "3. sudo ingestd check"
is "is not running without a configuration" "$(prop ActiveState)" inactive
is "is enabled" "$(systemctl is-enabled ingestd)" enabled
is "is not red" "$(systemctl --failed --plain --no-legend | grep -c ingestd || true)" 0
is "systemd has nothing to say about the units" "$(systemd-analyze verify /lib/systemd/system/ingestd.service ingestd@cam.service 2>&1 | grep -i ingestd || true)" ""

is "shells find their completion" "$(cd /usr/share && ls bash-completion/completions/ingestd zsh/vendor-completions/_ingestd fish/vendor_completions.d/ingestd.fish | wc -l)" 3
has "and the command completes" "$(COMP_WORDS="ingestd sta" COMP_CWORD=1 _INGESTD_COMPLETE=bash_complete ingestd)" "plain,status"

echo "== start"
systemd-run --quiet --unit=far -p User=nobody /usr/bin/ingestd sim --profile recorded2025 --parse-seconds 0.3 --api-key $KEY
mkdir -m 755 /srv/drop /srv/more
configure "$(folder /srv/drop)"
systemctl start ingestd && failed "it started without a key" || ok "does not start without a key"
sleep 1
is "and is not started again and again" "$(prop NRestarts)" 0
has "the journal says what to do" "$(journalctl -u ingestd --no-pager -o cat)" "There is no API key"
install -m 600 /dev/stdin /etc/ingestd/api-key <<< "$KEY"
clip /srv/drop/a.mp4
systemctl reset-failed ingestd
systemctl start ingestd || failed "it does not start"
is "start returns when it is ready" "$(prop ActiveState)/$(prop SubState)" active/running
until_true parsed 1 || failed "a clip became searchable"
ok "a clip became searchable"
until_true eval 'systemctl show -P StatusText ingestd | grep -q "1 searchable"' || failed "status: $(prop StatusText)"
ok "systemctl status says: $(prop StatusText)"
pid=$(prop MainPID)
for file in environ cmdline; do
    hasnot "the key is not in $file" "$(tr '\0' ' ' < /proc/$pid/$file)" "$KEY"
done
hasnot "the key is not in the log" "$(journalctl -u ingestd --no-pager -o verbose)" "$KEY"
is "the key comes from the credential" "$(ingestd status --json | grep -o '"key_source": "[a-zA-Z_]*"')" '"key_source": "credential"'
is "the process is ingestd's" "$(stat -c %U /proc/$pid)" ingestd
is "the state is for its group to read" "$(stat -c '%U %G %a' /var/lib/ingestd)" "ingestd ingestd 750"
useradd reader
said=$(runuser -u reader -- ingestd status 2>&1) && failed "anybody may look" || ok "who is not in the group may not look"
usermod -aG ingestd reader
has "a member of the group may" "$(runuser -u reader -- ingestd status)" "running since"
is "list, too" "$(runuser -u reader -- ingestd list --json | grep -c '"video_no"')" 1
runuser -u reader -- ingestd health > health || failed "health says $(cat health)"
said=$(runuser -u reader -- ingestd pause 2>&1) && failed "a reader paused it" || has "but not act" "$said" "Only root and ingestd may"
runuser -u reader -- cat /etc/ingestd/api-key 2> /dev/null && failed "a reader has the key" || ok "nor see the key"
is "malloc has one arena" "$(tr '\0' '\n' < /proc/$pid/environ | grep ARENA)" MALLOC_ARENA_MAX=1

echo "== reload"
configure "$(folder /srv/drop), $(folder /srv/more)"
systemctl reload ingestd || failed "reload"
clip /srv/more/b.mp4
until_true parsed 2 || failed "a folder that was added is watched"
ok "a folder that was added is watched"
cp /etc/ingestd/config.yaml good.yaml
echo 'uplod: {}' >> /etc/ingestd/config.yaml
said=$(systemctl reload ingestd 2>&1) && failed "a broken reload did not fail" || ok "a broken reload fails visibly"
has "and the journal says why" "$(journalctl -u ingestd --no-pager -o cat -n 20)" "Did you mean upload"
kill -HUP "$pid"
until_true eval 'systemctl show -P StatusText ingestd | grep -q "configuration is refused"' || failed "status: $(prop StatusText)"
ok "systemctl status says: $(prop StatusText)"
is "the same process goes on" "$(prop MainPID)" "$pid"
cp good.yaml /etc/ingestd/config.yaml
systemctl reload ingestd || failed "reload of the mended file"
until_true eval '! systemctl show -P StatusText ingestd | grep -q refused' || failed "status: $(prop StatusText)"
ok "a mended file is taken"

echo "== killed and hung"
mkdir -p /etc/systemd/system/ingestd.service.d
printf '[Service]\nRestartSec=0.2\nWatchdogSec=2\nTimeoutAbortSec=2\n' > /etc/systemd/system/ingestd.service.d/test.conf
systemctl daemon-reload
systemctl restart ingestd
kill -KILL "$(prop MainPID)"
until_true eval '[ "$(prop NRestarts)" = 1 ] && [ "$(prop ActiveState)" = active ]' || failed "kill -9: $(prop NRestarts) $(prop ActiveState)"
ok "killed: started again"
sleep 5
is "while it works the watchdog is content" "$(prop NRestarts)" 1
kill -STOP "$(prop MainPID)"
until_true eval '[ "$(prop NRestarts)" = 2 ] && [ "$(prop ActiveState)" = active ]' || failed "hang: $(prop NRestarts) $(prop ActiveState)"
ok "hung: the watchdog started it again"
# a loop that really hangs, in the main thread, while all other threads go on
site=/usr/lib/ingestd/lib/python3.11/site-packages
echo "import hang_for_test" > $site/hang_for_test.pth
cat > $site/hang_for_test.py <<'PY'
import os, signal, sys, threading, time

def hang_here(*_):
    while True:
        time.sleep(1)

def wait_for_it():
    while not os.path.exists("/var/lib/ingestd/hang"):
        time.sleep(0.1)
    os.unlink("/var/lib/ingestd/hang")
    signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR2)

if "run" in sys.orig_argv:
    signal.signal(signal.SIGUSR2, hang_here)
    threading.Thread(target=wait_for_it, daemon=True).start()
PY
systemctl restart ingestd
touch /var/lib/ingestd/hang
until_true eval '[ "$(prop NRestarts)" = 1 ] && [ "$(prop ActiveState)" = active ]' || failed "hung loop: $(prop NRestarts) $(prop ActiveState)"
ok "a hung loop: the watchdog started it again"
has "and the journal says where it hung" "$(journalctl -u ingestd --no-pager -o cat)" "in hang_here"
rm $site/hang_for_test.*
rm /etc/systemd/system/ingestd.service.d/test.conf
systemctl daemon-reload
clip /srv/drop/c.mp4
until_true parsed 3 || failed "it goes on after that"
is "nothing was paid twice" "$(accepted)" '"accepted": 3'

echo "== stop"
systemctl stop ingestd
is "stops cleanly" "$(prop Result)/$(prop ExecMainStatus)/$(prop ActiveState)" success/0/inactive
echo 'uplod: {}' >> /etc/ingestd/config.yaml
systemctl start ingestd && failed "it started with a broken configuration" || ok "does not start with a broken configuration"
sleep 1
is "and is not started again and again" "$(prop NRestarts)/$(prop ExecMainStatus)/$(prop ActiveState)" 0/2/failed
cp good.yaml /etc/ingestd/config.yaml
systemctl reset-failed ingestd

echo "== a second one, of another account"
mkdir /srv/cam
configure "$(folder /srv/cam)"
mv /etc/ingestd/config.yaml /etc/ingestd/cam.yaml
cp good.yaml /etc/ingestd/config.yaml
cp -p /etc/ingestd/api-key /etc/ingestd/cam.api-key
systemctl start ingestd ingestd@cam || failed "the template"
is "has a state of its own" "$(stat -c '%U %a' /var/lib/ingestd/cam/journal.db)" "ingestd $(stat -c %a /var/lib/ingestd/journal.db)"
ingestd -c /etc/ingestd/cam.yaml status --json | grep -q '"running": true' || failed "status of the second"
ok "status of the second"
systemctl stop ingestd@cam

echo "== the package is upgraded, removed, purged"
pid=$(prop MainPID)
dpkg -i ingestd_*-2_*.deb > upgrade.log 2>&1 || failed "upgrade: $(cat upgrade.log)"
hasnot "an upgrade says nothing of first steps" "$(cat upgrade.log)" "Next:"
until_true eval '[ "$(prop ActiveState)" = active ]' || failed "after the upgrade it is $(prop ActiveState)"
[ "$(prop MainPID)" != "$pid" ] || failed "the old one still runs"
ok "an upgrade restarts it"
parsed 3 || failed "the rows"
ok "with its rows"
dpkg -r ingestd > /dev/null 2>&1
is "removed: it does not run" "$(prop ActiveState)" inactive
is "the configuration, the key and the journal stay" "$(ls /etc/ingestd/config.yaml /etc/ingestd/api-key /var/lib/ingestd/journal.db | wc -l)" 3
dpkg -i ingestd_*-1_*.deb > /dev/null 2>&1 || failed "installed again"
until_true eval '[ "$(prop ActiveState)" = active ]' || failed "installed again, it is $(prop ActiveState)"
parsed 3 || failed "the rows after that"
ok "installed again: it goes on where it was"
said=$(dpkg -P ingestd 2>&1)
has "purged: says what stays" "$said" "/var/backups/ingestd/paid.log"
is "what was paid stays" "$(stat -c %s /var/backups/ingestd/paid.log | grep -vc '^0$')" 1
is "and nothing else" "$(ls -d /usr/share/{bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d}/*ingestd* /etc/ingestd /var/lib/ingestd /usr/lib/ingestd /usr/bin/ingestd /lib/systemd/system/ingestd* /etc/systemd/system/multi-user.target.wants/ingestd* 2> /dev/null || true)" ""
said=$(dpkg -i ingestd_*-1_*.deb 2>&1)
has "the next installation offers it" "$said" "ingestd recover"
is "and has put it back" "$(stat -c '%U %a' /var/lib/ingestd/paid.log)" "ingestd 600"

echo "== the journal is gone, what was paid is known"
cp good.yaml /etc/ingestd/config.yaml
install -m 600 /dev/stdin /etc/ingestd/api-key <<< "$KEY"
systemctl start ingestd
gate() { ingestd status --json | grep -A1 '"gates"\|"name"' | grep -q '"name": "journal"'; }
until_true gate || failed "the gate: $(ingestd status)"
ok "the gate journal closes"
sleep 3
is "and nothing is sent" "$(accepted)" '"accepted": 3'
systemctl stop ingestd
said=$(env INGESTD_API_KEY_FILE=/etc/ingestd/api-key ingestd recover --yes 2>&1) || failed "recover: $said"
is "recover knows every video" "$(ingestd list --json | grep -o '"video_no": "[^"]*"' | sort -u | wc -l)" 3
systemctl start ingestd
gate && failed "the gate is still closed" || ok "the gate is open"
clip /srv/drop/e.mp4
until_true parsed 4 || failed "what is new goes out: $(ingestd list)"
sleep 3
is "and what was paid is not paid again" "$(accepted)" '"accepted": 4'
systemctl stop ingestd
cp -a /usr/lib/ingestd /opt/ingestd  # as a virtual environment of its own would be
sed -i 's#/usr/lib/ingestd#/opt/ingestd#' /opt/ingestd/bin/ingestd
dpkg -P ingestd > /dev/null 2>&1
rm -r /var/backups/ingestd
userdel reader
userdel ingestd

echo "== without a package: ingestd install, uninstall"
# the folder is below /home and is another user's, and its files are moved when they are searchable
useradd --create-home ann
install -d -m 2775 -o ann -g ann /home/ann/cards /home/ann/cards/in
chmod 711 /home/ann
cat > own.yaml <<YAML
api: {base_url: "http://127.0.0.1:8399/serve/api/v1"}
folders: [{path: /home/ann/cards/in, settle: 0.2s, poll_interval: 1s, after_parsed: {move_to: /home/ann/cards/done}}]
upload: {per_minute: 0}
indexing: {poll_min: 0.2s, poll_max: 0.5s}
YAML
echo $KEY > key
before=$(ls -A /etc/systemd/system /etc | md5sum)
said=$(/opt/ingestd/bin/ingestd install --dry-run -c own.yaml --key-file key)
has "a dry run says what it would do" "$said" "BindPaths=-/home/ann/cards"
is "and does nothing" "$(ls -A /etc/systemd/system /etc | md5sum)" "$before"
said=$(/opt/ingestd/bin/ingestd install -c own.yaml --key-file key) || failed "install: $said"
is "it runs" "$(prop ActiveState)" active
is "the key is root's alone" "$(stat -c '%U %a' /etc/ingestd/api-key)" "root 600"
is "shells find their completion" "$(cd /usr/local/share && ls bash-completion/completions/ingestd zsh/site-functions/_ingestd fish/vendor_completions.d/ingestd.fish | wc -l)" 3
is "systemd has nothing to say about it" "$(systemd-analyze verify ingestd.service 2>&1 | grep -i ingestd || true)" ""
usermod -aG ann ingestd && systemctl restart ingestd
clip /home/ann/cards/in/d.mp4
until_true [ -e /home/ann/cards/done/d.mp4 ] || failed "the clip was not moved: $(ls -R /home/ann/cards)"
ok "a clip below /home became searchable and was moved"
said=$(/opt/ingestd/bin/ingestd uninstall)
has "uninstall says what deleting the journal means" "$said" "paying again"
has "and how much it is worth" "$said" "1 clip"
is "the service is gone" "$(ls /usr/local/share/{bash-completion/completions,zsh/site-functions,fish/vendor_completions.d}/*ingestd* /etc/systemd/system/ingestd* 2> /dev/null || true)" ""
is "the configuration, the key and the journal stay" "$(ls /etc/ingestd/config.yaml /etc/ingestd/api-key /var/lib/ingestd/journal.db | wc -l)" 3
echo "== all of it held"
