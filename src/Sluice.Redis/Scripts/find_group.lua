local h, group = find(arg()), arg()
return h and hasGroup(h, group) and groupInfo(h, group) or false
