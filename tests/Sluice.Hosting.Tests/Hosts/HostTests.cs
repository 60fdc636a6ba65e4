using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Flows;
using Sluice.Graphs;
using Sluice.Hosting.Tests.Http;
using Sluice.Storage;

namespace Sluice.Hosting.Tests;

/// <summary>Consecutors, pipelines, producers and graphs in a host: made from its services and settings, started, checked and stopped with
/// it.</summary>
[Collection("the exit code of this process")]
public class HostTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ItemsSentBeforeTheStartAreProcessedAfterIt()
    {
        ConcurrentQueue<int> seen = [];
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice().AddConsecutor<int>("numbers", (_, source) => source | seen.Enqueue);
        using IHost host = builder.Build();
        await host.Services.GetRequiredService<ISender<int>>().SendAllAsync([1, 2, 3], Cancellation);
        Assert.Empty(seen);
        await host.StartAsync(Cancellation);
        await host.Services.GetRequiredService<Consecutor<int>>().WaitForIdleAsync(Cancellation);
        Assert.Equal([1, 2, 3], seen.Order());
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task AHostStoppedAndStartedAgainGoesOnWithItsStoredItems()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-hosting-");
        ConcurrentQueue<int> seen = [];
        for (int life = 0; life < 2; life++)
        {
            HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
            builder.Configuration.AddInMemoryCollection([new("Sluice:Store", $"sqlite:{directory.FullName}/store.db")]);
            builder.Services.AddSluice().AddConsecutor<int>("numbers", (_, source) => source | seen.Enqueue);
            using IHost host = builder.Build();
            if (life == 0)
            {
                await host.Services.GetRequiredService<ISender<int>>().SendAllAsync([1, 2, 3], Cancellation);
                continue;
            }
            await host.StartAsync(Cancellation);
            await host.Services.GetRequiredService<Consecutor<int>>().WaitForIdleAsync(Cancellation);
            await host.StopAsync(Cancellation);
        }
        Assert.Equal([1, 2, 3], seen.Order());
        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task ReceiversStartBeforeSendersAndStopAfterThem()
    {
        var log = new LogProbe();
        ConcurrentQueue<string> seen = [];
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log);
        builder.Services.AddSluice()
            .AddProducer<int>("first", static _ => Source.From([1, 2, 3]))
            .AddConsecutor<int>("first", static (_, source) => source | (static n => $"{n}") | Sink.Output<string>("texts"))
            .AddConsecutor<string>("second", (_, source) => source | seen.Enqueue)
            .AddOutput<string>("first", "texts", "second")
            .AddPipeline("beside", static _ => Source.From([1]) | (static _ => { }));
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        var first = host.Services.GetRequiredService<Consecutor<int>>();
        while (first.Snapshot().Completed < 3) await Task.Yield();
        await host.Services.GetRequiredService<Consecutor<string>>().WaitForIdleAsync(Cancellation);
        await host.StopAsync(Cancellation);
        Assert.Equal(["1", "2", "3"], seen.Order());
        string[] lines = [.. log.Lines.Select(static line => line.Text)
            .Where(static line => !line.Contains("beside", StringComparison.Ordinal))];
        Assert.Equal(["Started the consecutor second", "Started the consecutor first", "Started a producer of first"],
            lines.Where(static line => line.StartsWith("Started", StringComparison.Ordinal)));
        Assert.Equal(["Stopped a producer of first", "Stopped the consecutor first", "Stopped the consecutor second"],
            lines.Where(static line => line.StartsWith("Stopped", StringComparison.Ordinal))
                .Select(static line => line.Split(':')[0]));
    }

    [Fact]
    public async Task AFunctionGetsItsServiceFromAScopeOfEachItem()
    {
        ConcurrentQueue<Scoped> scopes = [];
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddScoped<Scoped>();
        builder.Services.AddSluice().AddConsecutor<int>("numbers", (services, source) => source
            | services.ForEachItem((Scoped scoped, int _, CancellationToken _) =>
            {
                Assert.False(scoped.IsDisposed);
                scopes.Enqueue(scoped);
                return Task.CompletedTask;
            }));
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.SendAllAsync([1, 2, 3], Cancellation);
        Assert.Equal(3, (await numbers.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal(3, scopes.Distinct().Count());
        Assert.All(scopes, static scoped => Assert.True(scoped.IsDisposed));
    }

    [Fact]
    public async Task ConsecutorsOfOneTypeAreAskedForByName()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice()
            .AddConsecutor<int>("one", static (_, source) => source | (static _ => { }))
            .AddConsecutor<int>("two", static (_, source) => source | (static _ => { }));
        using IHost host = builder.Build();
        var mistake = Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<ISender<int>>());
        Assert.Equal("2 consecutors take items of the type int: one, two. Ask for one by its name: [FromKeyedServices(\"one\")]. "
            + "For an endpoint: MapProducer<int>(pattern, \"one\").", mistake.Message);
        await host.StartAsync(Cancellation);
        await host.Services.GetRequiredKeyedService<ISender<int>>("two").SendAsync(1, Cancellation);
        var two = host.Services.GetRequiredKeyedService<Consecutor<int>>("two");
        Assert.Equal(1, (await two.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal(0, host.Services.GetRequiredKeyedService<Consecutor<int>>("one").Snapshot().Accepted);
    }

    [Theory]
    [InlineData(HostFailurePolicy.StopHost)]
    [InlineData(HostFailurePolicy.Degrade)]
    public async Task AFailureForGoodStopsTheHostOrDegradesIt(HostFailurePolicy policy)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        var isStarted = new TaskCompletionSource();                     // a failure before it would be one of the start
        builder.Services.AddSluice(sluice => sluice.OnFailure = policy)
            .AddPipeline("broken", _ => FailsAfter(isStarted.Task));
        using IHost host = builder.Build();
        var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        await host.StartAsync(Cancellation);
        isStarted.SetResult();
        HealthReport report = await CheckAsync(host);
        while (report.Entries["sluice-live"].Status == HealthStatus.Healthy) report = await CheckAsync(host);
        Assert.Contains("the pipeline broken", report.Entries["sluice-live"].Description, StringComparison.Ordinal);
        report = await CheckAsync(host);          // the checks of a report run side by side: one may have looked before the failure
        Assert.Equal(HealthStatus.Unhealthy, report.Entries["sluice"].Status);
        while (policy == HostFailurePolicy.StopHost && !lifetime.ApplicationStopping.IsCancellationRequested) await Task.Yield();
        Assert.Equal(policy == HostFailurePolicy.StopHost, lifetime.ApplicationStopping.IsCancellationRequested);
        if (policy == HostFailurePolicy.StopHost) Assert.Equal(1, Environment.ExitCode);
        Environment.ExitCode = 0;
        await host.StopAsync(Cancellation);
    }

    /// <remarks>Regression: the host ran on without the unit.</remarks>
    [Fact]
    public async Task AFailureForGoodStopsTheHostAlsoIfItCannotBeLogged()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        var isStarted = new TaskCompletionSource();
        var hasFailed = new TaskCompletionSource();
        using var full = new FullLog(hasFailed);
        builder.Logging.AddProvider(full);
        builder.Services.AddSluice().AddPipeline("broken", _ => FailsAfter(isStarted.Task));
        using IHost host = builder.Build();
        var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        await host.StartAsync(Cancellation);
        isStarted.SetResult();
        await hasFailed.Task.WaitAsync(Cancellation);
        var stopping = new TaskCompletionSource();
        using (lifetime.ApplicationStopping.Register(stopping.SetResult))
            await stopping.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        Assert.Equal(1, Environment.ExitCode);
        Environment.ExitCode = 0;
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task HealthReportsDeadLettersAndTheBacklogBeyondTheirLimits()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice(static sluice => sluice.Health = new() { MaxBacklog = 2 })
            .AddConsecutor<int>("numbers", static (_, source) => source | (static n => n == 1 ? throw new FormatException("no good") : n)
                | (static _ => { }), static options => options with { Delivery = DeliveryGuarantee.Replay(0) });
        using IHost host = builder.Build();
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(host)).Status);
        await host.StartAsync(Cancellation);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.SendAsync(1, Cancellation);
        await numbers.WaitForIdleAsync(Cancellation);
        HealthReportEntry ready = (await CheckAsync(host)).Entries["sluice"];
        Assert.Equal((HealthStatus.Degraded, "the consecutor numbers has 1 dead letter; the limit is 0."),
            (ready.Status, ready.Description));
        Assert.Equal(1L, ready.Data["numbers.dead"]);
        await numbers.PauseAsync(Cancellation);
        await numbers.SendAllAsync([2, 3, 4], Cancellation);
        Assert.Contains("has a backlog of 3 items; the limit is 2", (await CheckAsync(host)).Entries["sluice"].Description,
            StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Entries["sluice-live"].Status);
    }

    [Fact]
    public async Task AGraphIsInjectedAndUsesTheServices()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSingleton("hello");
        GraphNode<string>? text = null;
        builder.Services.AddSluice().AddGraph(services =>
        {
            GraphBuilder<int> graph = Graph.For<int>();
            text = graph.Add("text", (int request, CancellationToken _) => new ValueTask<string>(
                $"{services.GetRequiredService<string>()} {request}"));
            return graph.Build();
        });
        using IHost host = builder.Build();
        GraphContext<int> context = await host.Services.GetRequiredService<Graph<int>>().ResolveAsync(7, Cancellation);
        Assert.Equal("hello 7", context.Get(text!));
    }

    [Fact]
    public async Task PipelinesProducersAndGraphsAreFoundWithoutTheirTypes()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice()
            .AddConsecutor<int>("numbers", static (_, source) => source | (static _ => { }))
            .AddProducer<int>("numbers", static _ => Source.From([1]))
            .AddPipeline("import", static _ => Source.From([1]) | (static _ => { }))
            .AddPipeline("import", static _ => Source.From([1]) | (static _ => { }))
            .AddGraph(static _ =>
            {
                GraphBuilder<int> numbers = Graph.For<int>();
                numbers.Add("one", static request => request);
                return numbers.Build();
            });
        using IHost host = builder.Build();
        IHostedPipeline[] found = [.. host.Services.GetServices<IHostedPipeline>()];
        Assert.Equal(["a producer of numbers", "import", "import"], found.Select(static one => one.Name).Order(StringComparer.Ordinal));
        Assert.All(found, static one => Assert.Null(one.Run));
        await host.StartAsync(Cancellation);
        Assert.Equal(3, found.Select(static one => one.Run).Distinct().Count());
        Assert.All(found, static one => Assert.NotNull(one.Run));
        Assert.Same(host.Services.GetRequiredService<Graph<int>>(), Assert.Single(host.Services.GetServices<IGraph>()));
        await host.StopAsync(Cancellation);
        await using ServiceProvider second = builder.Services.BuildServiceProvider();
        Assert.Empty(second.GetServices<IHostedPipeline>().Intersect(found));
    }

    [Fact]
    public void TwoGraphsNeedDifferentRequests()
    {
        SluiceBuilder sluice = new ServiceCollection().AddSluice().AddGraph(static _ => Graph.For<int>().Build());
        var mistake = Assert.Throws<ArgumentException>(() => sluice.AddGraph(static _ => Graph.For<int>().Build()));
        Assert.StartsWith("Two graphs were added for requests of the type int.", mistake.Message, StringComparison.Ordinal);
    }

    private static Pipeline FailsAfter(Task started) => Source.From([1]) | (async Task<int> (int _) =>
    {
        await started;
        throw new FormatException("no good");
    }) | (static _ => { });

    private static Task<HealthReport> CheckAsync(IHost host)
        => host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation);

    private sealed class Scoped : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }

    /// <summary>A log on a disk that is full: it takes no critical entries.</summary>
    private sealed class FullLog(TaskCompletionSource hasFailed) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (logLevel < LogLevel.Critical) return;
            hasFailed.TrySetResult();
            throw new IOException("The disk is full.");
        }

        public void Dispose() { }
    }
}
