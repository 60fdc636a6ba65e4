local h = find(arg())
return h and streamInfo(h) or false
