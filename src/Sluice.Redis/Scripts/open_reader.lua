local h, name, atNew, expires, gates = stream(arg()), arg(), arg(), arg(), arg()
sweep(h)
openReader(h, name, atNew, expires, gates)
return showReader(h, name)
