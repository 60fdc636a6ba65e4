using Files.Processors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Sluice.Hosting;

namespace Files.Services;

/// <summary>A host with a supervisor: one that hosts processors, or one that only starts the flow.</summary>
internal static class ServiceHost
{
    // A service is killed and started anew as often as it pleases whoever runs this: that must not look like a processor that kills its
    // hosts.
    private const int ManyStarts = 1_000_000;

    /// <param name="store">The store.</param>
    /// <param name="name">The service's name: the same in each of its lives, so that it goes on at once with what it had.</param>
    /// <param name="add">Adds the processors that it hosts.</param>
    public static IHost Build(StoreChoice store, string name, Action<SluiceBuilder> add)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        // What keeps a host from starting is said once, by who starts it.
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true).SetMinimumLevel(LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        add(builder.Services.AddSluice(sluice =>
        {
            sluice.UseStore(store.OpenAsync);
            sluice.Supervisor = new() { Name = name, Serializers = WordFlow.Serializers, MaxStarts = ManyStarts };
        }));
        return builder.Build();
    }
}
