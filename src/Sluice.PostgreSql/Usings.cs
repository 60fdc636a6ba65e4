global using System.Globalization;
global using Npgsql;
global using Sluice.Shared;
global using Sluice.Storage;
