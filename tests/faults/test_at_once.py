"""Two ``dvc repro`` at once, and ``pipelines.reproduce`` beside one: the results are those of one."""
