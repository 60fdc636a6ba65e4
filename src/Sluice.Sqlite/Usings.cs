global using Sluice.Shared;
global using Sluice.Storage;
