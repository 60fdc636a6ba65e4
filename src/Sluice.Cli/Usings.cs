global using System.CommandLine;
global using Sluice.Storage;
