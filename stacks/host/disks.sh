#!/usr/bin/env bash
# Mounts the place of the weights: the instance store, striped over all its disks, or the volume that was asked for.
# AWS's image may have made one volume of the instance store already; then that is used.
set -euo pipefail
# shellcheck source=metadata.sh
. "${AUTOIR_ROOT:-}/opt/autoir/metadata.sh"
mkdir -p "$WEIGHTS"
if mountpoint -q "$WEIGHTS"; then exit 0; fi
made=$ROOT/opt/dlami/nvme
if [ "$STORAGE" = instance ] && mountpoint -q "$made"; then
    mkdir -p "$made/weights"
    exec mount --bind "$made/weights" "$WEIGHTS"
fi
case $STORAGE in instance) model='Instance Storage' ;; *) model='Elastic Block Store' ;; esac
system=$(lsblk -npo PKNAME "$(findmnt -no SOURCE /)" | head -n 1)
mapfile -t disks < <(lsblk -dnpo NAME,MODEL | awk -v model="$model" -v root="$system" \
    'index($0, model) && $1 != root { print $1 }')
case ${#disks[@]} in
    0) echo "no disk of model '$model' for the weights" >&2; exit 1 ;;
    1) device=${disks[0]} ;;
    *)
        device=/dev/md/autoir
        mdadm --create "$device" --run --level 0 --raid-devices "${#disks[@]}" "${disks[@]}"
        ;;
esac
mkfs.xfs -q -f "$device"
mount -o noatime "$device" "$WEIGHTS"
