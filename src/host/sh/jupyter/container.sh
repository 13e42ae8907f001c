# Runs Jupyter in a container of podman, docker, apptainer or singularity. It shares the processes and the network of the
# host, and each folder that is bound has its own path there: so its server is found, reached and stopped like any other.

# Finds the tool, and looks whether it has the image.
enter_container() {
  container=${environment%%:*} image=${environment#*:}
  find_tool "$container" || { ask_login_shell && find_tool "$container"; } ||
    fail_tool "$container" "$(in_environment value_of PATH):$PROJECT_PLACES"
  case $container in
    podman | docker) set -- image inspect --format . "$image" ;;
    *)
      expand_home "$image"
      image=$path
      set -- inspect "$image"
      ;;
  esac
  (in_environment exec "$tool" "$@") >"$folder/output" 2>&1 || fail_container "$folder/output"
  quote "$folder"
  adjust_environment "export JUPYTER_RUNTIME_DIR=$quoted"
}

# $1 contains the words of the tool.
fail_container() {
  report_log "$1"
  fail container "$environment"
}

# Sets $run to code for a shell in the image. What is in the image is known only when it runs.
choose_in_image() {
  run='for each in lab notebook; do ! command -v "jupyter-$each" >/dev/null || exec "jupyter-$each" "$@"; done; exit 127'
  [ -z "$command" ] || run="$command \"\$@\""
  command=${command:-jupyter lab} python=''
}

# Makes $run a command that runs it in a container, which sees nothing else of this user's files than $here, $folder and
# the folders of the sockets. Writes a program to $folder that is the Python of the image, in that container.
contain() {
  for each in "$here" "$folder"; do
    case $each in *[:,]*) report where "$each"; fail unbound "$environment" ;; esac
  done
  choose_gpu
  case $container in podman | docker) contain_apart ;; *) contain_in_session ;; esac
  { printf '#!/bin/sh\nexec %s "$@"\n' "$within" >"$folder/python" && chmod 700 "$folder/python"; } || cannot_write "$folder"
}

# The token goes by its name alone: everybody can read the arguments of a process.
contain_apart() {
  container_name=remote-notebook-$(id -u)-${folder##*-}-$$
  set -- "$tool" run --rm "--name=$container_name" --pull=never --log-driver=none --pid=host --network=host \
    --security-opt=label=disable "--user=$(id -u):$(id -g)" "--workdir=$here" --entrypoint=/bin/sh --env=HOME=/tmp \
    --env=JUPYTER_TOKEN --env=JUPYTER_CONFIG_PATH --env=JUPYTER_RUNTIME_DIR
  # podman binds that folder, which a host that is a container itself may lack.
  [ ! -d /dev/mqueue ] || set -- "$@" --ipc=host
  # Otherwise the user has another number outside of the container. Root has not, and docker has no such numbers.
  [ "$container" = docker ] || [ "$(id -u)" = 0 ] || set -- "$@" --userns=keep-id
  for each in "$here" "$folder" ${socket:+"${socket%/*}"} ${relay_folder:+"$relay_folder"}; do
    set -- "$@" "--volume=$each:$each"
  done
  run=$(quoted_words "$@" ${gpu:+"$gpu"} "$image" -c "$run" sh)
  within=$(quoted_words "$tool" exec -i "$container_name" python3)
}

# Such a container is a process of this session, and has its variables.
contain_in_session() {
  set -- "$tool" exec "--pwd=$here" ${gpu:+"$gpu"}
  for each in "$here" "$folder" ${socket:+"${socket%/*}"} ${relay_folder:+"$relay_folder"}; do
    set -- "$@" "--bind=$each:$each"
  done
  run=$(quoted_words "$@" "$image" /bin/sh -c "$run" sh)
  within=$(quoted_words "$@" "$image" python3)
}

# Sets $gpu to the option that shows the GPUs of NVIDIA in the container, if the host has any.
choose_gpu() {
  gpu=''
  case $(in_environment nvidia-smi -L 2>/dev/null) in *GPU*) ;; *) return 0 ;; esac
  case $container in
    podman)
      for each in /etc/cdi/*nvidia* /var/run/cdi/*nvidia*; do [ ! -e "$each" ] || gpu=--device=nvidia.com/gpu=all; done
      [ -n "$gpu" ] || report note "the container cannot use the GPU: see nvidia-ctk cdi generate, which an administrator runs on the host"
      ;;
    docker)
      if in_environment 'command -v' nvidia-container-runtime >/dev/null; then
        gpu=--gpus=all
      else
        report note "the container cannot use the GPU: the NVIDIA Container Toolkit is not installed on the host"
      fi
      ;;
    *) gpu=--nv ;;
  esac
}

# Fails if the status with which the container has ended, a child of this shell, shows why Jupyter did not start. podman-run(1) and docker
# use 125 and 126 for themselves, and apptainer 255; a shell has 127 for a program that it does not find.
explain_container() {
  [ -n "$child" ] || return 0
  wait "$child"
  case $? in
    125 | 126 | 255) fail_container "$folder/log" ;;
    127)
      report_log "$folder/log"
      fail image "$environment"
      ;;
  esac
}

# Puts the Jupyter on record that the image had.
name_in_image() {
  case $(command_line "$pid") in *jupyter-notebook*) keep command 'jupyter notebook' 3>>"$folder/record" ;; esac
}

container='' container_name='' relay_folder='' pid=''
