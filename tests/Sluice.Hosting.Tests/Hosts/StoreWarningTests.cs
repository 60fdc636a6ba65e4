using System.Threading.Channels;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Flows;
using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Storage;

namespace Sluice.Hosting.Tests;

/// <summary>The warnings of a store are in the log of its host.</summary>
[StartsProcesses]
public sealed class StoreWarningTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AServerThatIsAwayIsInTheLogOfTheHost(bool isConfigured)
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        var log = new WarningProbe();
        using IHost host = Build(log, server, isConfigured, static _ => { });
        await host.StartAsync(Cancellation);
        await server.KillAsync();
        Assert.StartsWith($"Sluice.Store 5 The Redis server at {server.Address} has not answered since ", await log.NextAsync(),
            StringComparison.Ordinal);
        await server.StartAgainAsync();
        Assert.StartsWith($"Sluice.Store 5 The Redis server at {server.Address} answers again, ", await log.NextAsync(),
            StringComparison.Ordinal);
        await host.StopAsync(Cancellation);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AHandlerOfTheCodeReplacesTheLog(bool isConfigured)
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        await server.KillAsync();
        var log = new WarningProbe();
        var told = Channel.CreateUnbounded<string>();
        using IHost host = Build(log, server, isConfigured, sluice => sluice.OnWarning = text => told.Writer.TryWrite(text));
        Task starting = host.StartAsync(Cancellation);
        Assert.StartsWith($"The Redis server at {server.Address} is not connected yet", await told.Reader.ReadAsync(Cancellation),
            StringComparison.Ordinal);
        await server.StartAgainAsync();
        await starting;
        await host.StopAsync(Cancellation);
        Assert.False(log.TryRead(out string? more), more);
    }

    // The options are made once, and may serve several containers.
    [Fact]
    public async Task EachContainerHasItsOwnLog()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        await server.KillAsync();
        var services = new ServiceCollection();
        services.AddSluice(sluice => sluice.UseRedis(server.Address));
        for (int container = 1; container <= 2; container++)
        {
            var log = new WarningProbe();
            IServiceCollection copy = new ServiceCollection();
            foreach (ServiceDescriptor service in services) copy.Add(service);
            copy.AddLogging(logging => logging.AddProvider(log));
            await using ServiceProvider own = copy.BuildServiceProvider();
            Task opening = own.GetRequiredService<IStreamStore>().ListStreamsAsync(cancellation: Cancellation).AsTask();
            Assert.StartsWith($"Sluice.Store 5 The Redis server at {server.Address} is not connected yet", await log.NextAsync(),
                StringComparison.Ordinal);
            await server.StartAgainAsync();
            await opening;
            await server.KillAsync();
        }
    }

    private static IHost Build(WarningProbe log, RedisServer server, bool isConfigured, Action<SluiceOptions> configure)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log);
        if (isConfigured)
            builder.Configuration.AddInMemoryCollection([new("Sluice:Store", $"redis:{server.Address}")]);
        builder.Services.AddSluice(sluice =>
        {
            if (!isConfigured) sluice.UseRedis(server.Address);
            configure(sluice);
        }).AddConsecutor<int>("numbers", static (_, source) => source.ForEach(_ => { }));
        return builder.Build();
    }

    /// <summary>The warnings of the store in a log, with category and number.</summary>
    private sealed class WarningProbe : ILoggerProvider
    {
        private readonly Channel<string> lines = Channel.CreateUnbounded<string>();

        public ValueTask<string> NextAsync() => lines.Reader.ReadAsync(Cancellation);

        public bool TryRead(out string? line) => lines.Reader.TryRead(out line);

        public ILogger CreateLogger(string categoryName) => new Logger(categoryName, lines.Writer);

        public void Dispose()
        {
        }

        private sealed class Logger(string category, ChannelWriter<string> lines) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
                Func<TState, Exception?, string> formatter)
            {
                if (logLevel == LogLevel.Warning && category == "Sluice.Store")
                    lines.TryWrite($"{category} {eventId.Id} {formatter(state, exception)}");
            }
        }
    }
}
