global using Microsoft.Extensions.DependencyInjection;
global using Microsoft.Extensions.Logging;
global using Sluice.Flows;
global using Sluice.Storage;
