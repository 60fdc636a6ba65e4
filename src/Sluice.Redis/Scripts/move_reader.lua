local h, name, p, to = stream(arg()), arg(), num(), num()
checkMove(h, p, to)
sweep(h)
return moveReader(h, name, p, to)
