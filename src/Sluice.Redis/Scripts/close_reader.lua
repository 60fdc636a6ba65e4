local h = find(arg())
if h then closeReader(h, arg()) end
