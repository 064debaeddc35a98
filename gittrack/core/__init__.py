"""The pure core: values and functions over values, without any I/O."""
