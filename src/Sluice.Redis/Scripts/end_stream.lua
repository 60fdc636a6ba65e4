return endStream(stream(arg()), arg())
