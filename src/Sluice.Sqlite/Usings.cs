global using Sluice.Storage;
