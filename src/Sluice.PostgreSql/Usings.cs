global using System.Globalization;
global using Npgsql;
global using Sluice.Storage;
