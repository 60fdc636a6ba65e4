-- Arguments besides the name: where the page before said that it goes on.
lastStream = arg()
local h = find(lastStream)
return h and streamInfo(h, arg(), num()) or false
