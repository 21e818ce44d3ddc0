"""Two ``dvc repro`` at once, and ``pipelines.reproduce`` beside one: results are those of one."""
