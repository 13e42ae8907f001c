#!/bin/sh
# A stand-in for nvidia-smi on machines without a GPU. It answers our query as its manual says. If $HOME/driver contains
# `fails` or `hangs`, it behaves as it does with a broken driver.

case "$(cat "$HOME/driver" 2>/dev/null)" in
  fails)
    echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running."
    exit 9
    ;;
  hangs) exec sleep 1000 ;;
esac
if [ "$*" = -L ]; then
  echo 'GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f)'
  exit 0
fi
if [ "$*" != '--query-gpu=name,utilization.gpu,memory.used,memory.total --format=csv,noheader,nounits' ]; then
  echo "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help."
  exit 2
fi
echo 'NVIDIA A100-SXM4-40GB, 35, 10240, 40960'
echo 'Tesla K80, [N/A], 3, 11441'
