"""The original's weight files, read without Caffe."""
