global using System.Globalization;
global using Sluice.Storage;
global using StackExchange.Redis;
