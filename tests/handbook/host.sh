# What the handbook finds on a host, in a scratch directory: `tests/handbook.rs` puts
# its paths there. ROOT is that directory, BIN has the programs, UNIT is the package's.

PATH=$BIN:$PATH
STATE=$ROOT/var/lib/tallyd
mkdir -p "$ROOT/run" "$ROOT/var/lib" "$ROOT/etc"
# The sockets are beside the state here, since nobody makes them for the daemon.
ln -s "$STATE" "$ROOT/run/tallyd"
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

# A command line of the unit, or of its drop-in, on this host.
line_of() {
    local from=$UNIT drop_in=$ROOT/etc/systemd/system/tallyd.service.d/custodians.conf
    if [ -e "$drop_in" ]; then from=$drop_in; fi
    sed -n "s|^$1=\(/.*\)|\1|p" "$from" | sed -e "s|/usr/bin/||" -e "s|$ROOT||g" \
        -e "s|/var/lib/tallyd|$STATE|g" -e "s|\${CREDENTIALS_DIRECTORY}|$ROOT/etc/tallyd|g"
}

# Whether the daemon listens, sealed or not.
listens() { [[ $(tally --json status --dir "$STATE" 2>&1 || true) == *'"health"'* ]]; }

systemctl() {
    local line
    case $1 in
    start)
        line=$(line_of ExecStart)
        $line 2>>"$ROOT/journal" &
        echo $! >"$ROOT/main-pid"
        until listens; do
            kill -0 "$(cat "$ROOT/main-pid")" 2>/dev/null || return 1
            sleep 0.05
        done
        ;;
    stop)
        kill -TERM "$(cat "$ROOT/main-pid")" 2>/dev/null || true
        while kill -0 "$(cat "$ROOT/main-pid")" 2>/dev/null; do sleep 0.05; done
        ;;
    restart) systemctl stop && systemctl start ;;
    # What it tells is in the journal of a real host.
    reload)
        line=$(line_of ExecReload)
        $line 2>&1
        ;;
    daemon-reload) ;;
    *) echo "systemctl $1 is not here" >&2 && return 1 ;;
    esac
}
