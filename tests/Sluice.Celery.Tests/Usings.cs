global using Sluice.Flows;
global using Sluice.Redis.Tests;
