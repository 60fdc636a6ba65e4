global using System.Globalization;
global using Sluice.Shared;
global using Sluice.Storage;
global using StackExchange.Redis;
global using StreamInfo = Sluice.Storage.StreamInfo;
