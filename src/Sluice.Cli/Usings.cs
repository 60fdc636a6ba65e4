global using System.CommandLine;
global using Sluice.Cli.Output;
global using Sluice.Cli.Stores;
global using Sluice.Diagnostics;
global using Sluice.Storage;
