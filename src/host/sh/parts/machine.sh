# Prints what identifies this machine, also after a restart: a checksum, or nothing if that is unknown. Copies of one image may
# have the same ID, so the name of the machine is a part of it.
machine_identity() {
  machine_id=''
  for each in /etc/machine-id /var/lib/dbus/machine-id; do
    [ -n "$machine_id" ] || { IFS= read -r machine_id <"$each"; } 2>/dev/null || :
  done
  # macOS has its ID in the registry of its devices. systemd writes the word until it has made an ID.
  case $machine_id in
    '' | uninitialized)
      machine_id=$(ioreg -rd1 -c IOPlatformExpertDevice 2>/dev/null | sed -n 's/.*"IOPlatformUUID" = "\(.*\)".*/\1/p')
      [ -n "$machine_id" ] || machine_id=$(cat /etc/ssh/ssh_host_ed25519_key.pub 2>/dev/null)
      ;;
  esac
  [ -n "$machine_id" ] || return 0
  machine_id=$(printf '%s\n' "$machine_id $(uname -n)" | cksum)
  echo "${machine_id%% *}"
}
