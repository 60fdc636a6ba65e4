local h, group, first = find(arg()), arg(), num()
return h and hasGroup(h, group) and groupInfo(h, group, first) or false
