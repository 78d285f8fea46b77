#!/bin/sh
# Starts one training run with the launcher of its backend, or continues it if it has a checkpoint: the same command
# can be started again by a scheduler.
#
#   RUN=runs/faces BACKEND=torch LAUNCH="--nproc-per-node 8" deploy/train.sh --backbone IR50 --head CosFace --data FACES
#
#   RUN      folder of the run, on a file system that every machine of the run sees
#   BACKEND  torch or paddle; default torch
#   LAUNCH   options of torchrun or paddle.distributed.launch; default none
# The other words are options of `facezoo train`, without --backend and --out. A run that continues keeps its own, and
# refuses one that would make it another experiment. With `--max-restarts N` in LAUNCH, torchrun continues it itself.
set -eu
: "${RUN:?set RUN to the folder of the run}"
backend=${BACKEND:-torch}
set -- "$@" --backend "$backend" --out "$RUN" --auto-resume
# torchrun would keep the addresses of processes that died, and their successors would try to connect to them
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
# LAUNCH holds several words
case $backend in
torch) exec torchrun ${LAUNCH:-} -m facezoo train "$@" ;;
paddle) exec python -m paddle.distributed.launch ${LAUNCH:-} "$(command -v facezoo)" train "$@" ;;
*)
    echo "BACKEND is $backend; expected torch or paddle" >&2
    exit 2
    ;;
esac
