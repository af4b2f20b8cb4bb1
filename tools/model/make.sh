#!/bin/sh
# Makes the checkpoint that ships, `models/lookbook-mini`, and the adapter beside it:
# from `models/blip2-mini`, on photographs of the fashion data set and on drawn
# products, and evaluates both. `models/README.md` says what came of it.
#
# The checkpoint learns in two steps. The queries of `blip2-mini` have come to
# ask only two things, so its Q-Former begins anew; and what sees, the vision encoder
# and the Q-Former, learns first without the language model, by classifiers. Through a
# language model that cannot read it yet it learns slowly: after an hour of all weights
# at once, a third of the fits and necks of drawn products were wrong.
#
# Usage: make.sh TRAINER KAGGLE WORK
#
# TRAINER is the program. KAGGLE is the data set's folder: `styles.csv`, `styles/`,
# `images/`. WORK is a folder for everything that is made, about a gigabyte; what was
# interrupted goes on where it was.
set -eu

TRAINER=$1
KAGGLE=$(realpath "$2")
mkdir -p "$3"
WORK=$(realpath "$3")
HERE=$(realpath "$(dirname "$0")")
START=$(realpath "$HERE/../../models/blip2-mini")

# The folder of a training job: its name, settings, checkpoint, question files
# and photographs. A job that was interrupted goes on, one that has ended writes its
# model again, and one whose settings have changed says what to do.
job() {
    root=$WORK/$1
    mkdir -p "$root/input/config" "$root/input/data"
    cp "$HERE/$2" "$root/input/config/hyperparameters.json"
    ln -sfn "$3" "$root/input/data/model"
    ln -sfn "$4" "$root/input/data/input_file"
    ln -sfn "$5" "$root/input/data/images"
    "$TRAINER" train --ml-root "$root"
    # Interrupted, it ends well as well, but without a model.
    [ -f "$root/model/model.safetensors" ]
}

# The lines about drawn products, whose ids begin at a million, or about
# photographs.
lines_about() {
    case $1 in
        drawn) awk -F, 'NR == 1 || $1 >= 1000000' "$2" ;;
        photographs) awk -F, 'NR == 1 || $1 < 1000000' "$2" ;;
    esac
}

echo "== the catalogues"
"$TRAINER" sample --products 12000 --seed 7 --out "$WORK/drawn"
"$TRAINER" prepare --data "$KAGGLE" --data "$WORK/drawn" \
    --validation 0.03 --test 0.1 --seed 42 --thumbnails 0 --out "$WORK/prepared"

echo "== what sees"
job sight sight.json "$START" "$WORK/prepared" "$WORK/prepared/images"

echo "== the checkpoint"
# What the drawn products' whole pictures answer is learnt first and soon: of every
# third one it is enough.
mkdir -p "$WORK/questions"
cp "$WORK/prepared/vqa_val.csv" "$WORK/questions/"
awk -F, 'NR == 1 || $1 < 1000000 || $1 % 3 == 0 ||
    !/What is the (colour|pattern|sleeve styling) /' \
    "$WORK/prepared/vqa_train.csv" >"$WORK/questions/vqa_train.csv"
job checkpoint checkpoint.json "$WORK/sight/model" "$WORK/questions" "$WORK/prepared/images"

echo "== the adapter"
"$TRAINER" prepare --data "$KAGGLE" --attribute-set "$HERE/occasion.toml" \
    --min-count 40 --seed 42 --thumbnails 0 --out "$WORK/occasion"
job adapter adapter.json "$WORK/checkpoint/model" "$WORK/occasion" "$KAGGLE/images"

echo "== the evaluation"
for kind in photographs drawn; do
    lines_about $kind "$WORK/prepared/vqa_test.csv" >"$WORK/test-$kind.csv"
    lines_about $kind "$WORK/prepared/vqa_train.csv" >"$WORK/train-$kind.csv"
    # Of the same products, where the truth is NA.
    lines_about $kind "$WORK/prepared/vqa_na.csv" >"$WORK/na-$kind.csv"
    "$TRAINER" evaluate --model-dir "$WORK/checkpoint/model" --before-model-dir "$START" \
        --data "$WORK/test-$kind.csv" --train-data "$WORK/train-$kind.csv" \
        --na-data "$WORK/na-$kind.csv" \
        --images "$WORK/prepared/images" --out "$WORK/evaluation/$kind" \
        --average-over "Pattern,Sleeve Length,Neck,Colour"
done
"$TRAINER" evaluate --model-dir "$WORK/adapter/model" \
    --before-model-dir "$WORK/checkpoint/model" --attribute-set "$HERE/occasion.toml" \
    --data "$WORK/occasion/vqa_test.csv" --train-data "$WORK/occasion/vqa_train.csv" \
    --na-data "$WORK/occasion/vqa_na.csv" \
    --images "$KAGGLE/images" --out "$WORK/evaluation/occasion"

echo "== the card"
"$TRAINER" evaluate --model-dir "$WORK/checkpoint/model" --before-model-dir "$START" \
    --data "$WORK/prepared/vqa_test.csv" --train-data "$WORK/prepared/vqa_train.csv" \
    --na-data "$WORK/prepared/vqa_na.csv" \
    --images "$WORK/prepared/images" --out "$WORK/evaluation/all" \
    --average-over "Pattern,Sleeve Length,Neck,Colour" --write-card --license apache-2.0 \
    --training-metrics "$WORK/checkpoint/output/data/metrics.jsonl"
# What the last job cannot know.
seconds() {
    sed -n 's/.*"seconds": \([0-9]*\).*/\1/p' "$WORK/$1/model/training.json"
}
cat >>"$WORK/checkpoint/model/README.md" <<EOF

## How it was made

\`make model KAGGLE=folder\` of Lookbook, which is \`tools/model/make.sh\`: seed 7, split seed 42.
Two jobs, what sees alone ($(seconds sight) s) and then all weights ($(seconds checkpoint) s), on two cores.
EOF
