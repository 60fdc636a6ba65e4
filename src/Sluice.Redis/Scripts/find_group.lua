-- Arguments besides the group: the first partition of the page, and the members' cursor; empty for no more of them.
lastStream = arg()
local h, group, first, cursor = find(lastStream), arg(), num(), arg()
return h and hasGroup(h, group) and groupInfo(h, group, first, cursor) or false
