#!/bin/sh
# Stands in for nvidia-smi where there is no GPU: answers the one query that is asked of it as its manual says, or does
# what it is seen to do with a sick driver, if $HOME/driver says `fails` or `hangs`.

case "$(cat "$HOME/driver" 2>/dev/null)" in
  fails)
    echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running."
    exit 9
    ;;
  hangs) exec sleep 1000 ;;
esac
if [ "$*" != '--query-gpu=name,utilization.gpu,memory.used,memory.total --format=csv,noheader,nounits' ]; then
  echo "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help."
  exit 2
fi
echo 'NVIDIA A100-SXM4-40GB, 35, 10240, 40960'
echo 'Tesla K80, [N/A], 3, 11441'
