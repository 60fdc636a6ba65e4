using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Hosting.Tests;

/// <summary>Flows in a host: start, services, health checks and stop.</summary>
public class SluiceServicesTests
{
    private static readonly Processor Foobar = new("foobar") { Inputs = ["foo"], Outputs = ["bar"] };
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AProcessorGetsItsServicesFromAScopeOfItsOwn()
    {
        Scoped? last = null;
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddScoped<Scoped>();
        builder.Services.AddSluice().AddProcessor(Foobar, MultiplyAsync);
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        var supervisor = host.Services.GetRequiredService<ISupervisor>();
        Assert.Equal([0, 2, 4], await RunAsync(supervisor));
        Assert.Equal([0, 2, 4], await RunAsync(supervisor));      // each run has its own scope, so Uses starts at zero again
        await host.StopAsync(Cancellation);
        Assert.True(last!.IsDisposed);

        async IAsyncEnumerable<IOVal> MultiplyAsync(IO<int> foo, Scoped scoped, [EnumeratorCancellation] CancellationToken cancellation)
        {
            last = scoped;
            Assert.Equal(1, ++scoped.Uses);
            int n = await foo.FirstAsync(cancellation);
            for (int i = 0; i < n; i++) yield return IOVal.Of("bar", 2 * i);
        }
    }

    [Fact]
    public async Task TheSupervisorWorksInAContainerWithoutAHost()
    {
        var services = new ServiceCollection();
        services.AddSluice();
        await using ServiceProvider container = services.BuildServiceProvider();
        await Assert.ThrowsAsync<InvalidOperationException>(() => container.GetRequiredService<ISupervisor>().FindAsync("a", Cancellation));
        foreach (IHostedService service in container.GetServices<IHostedService>()) await service.StartAsync(Cancellation);
        Assert.Null(await container.GetRequiredService<ISupervisor>().FindAsync("a", Cancellation));
    }

    [Fact]
    public async Task AMissingServiceIsNamedWhenTheHostStarts()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice().AddProcessor(Foobar, (IO<int> foo, Scoped scoped) => Task.FromResult(scoped.Uses));
        using IHost host = builder.Build();
        var mistake = await Assert.ThrowsAsync<ArgumentException>(() => host.StartAsync(Cancellation));
        Assert.Contains("its parameter scoped is a Scoped: neither an input", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SupervisorAndStoreThrowBeforeTheHostStarts()
    {
        using IHost host = Build();
        var supervisor = host.Services.GetRequiredService<ISupervisor>();
        var mistake = await Assert.ThrowsAsync<InvalidOperationException>(() => supervisor.FindAsync("a", Cancellation));
        Assert.StartsWith("The supervisor is not at work: it begins when the host starts", mistake.Message, StringComparison.Ordinal);
        IStreamStore store = host.Services.GetRequiredService<IStreamStore>();
        mistake = Assert.Throws<InvalidOperationException>(() => store.Durability);
        Assert.StartsWith("The stream store is not open: it is opened when the host starts", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheSupervisorThrowsAfterTheHostHasStopped()
    {
        using IHost host = Build();
        await host.StartAsync(Cancellation);
        var supervisor = host.Services.GetRequiredService<ISupervisor>();
        Assert.Null(await supervisor.FindAsync("a", Cancellation));
        await host.StopAsync(Cancellation);
        var mistake = await Assert.ThrowsAsync<InvalidOperationException>(() => supervisor.FindAsync("a", Cancellation));
        Assert.StartsWith("The supervisor is not at work", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddingSluiceTwiceRegistersOneSupervisor()
    {
        var store = new MemoryStreamStore();
        int opened = 0;
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice(sluice => sluice.UseStore(_ =>
        {
            opened++;
            return new(store);
        })).AddProcessor(Foobar, (IO<int> foo) => Task.FromResult(7));
        builder.Services.AddSluice(sluice => sluice.Supervisor = sluice.Supervisor with { Name = "named" });
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        await using FlowRun run = await host.Services.GetRequiredService<ISupervisor>()
            .StartAsync(Flow.From(Foobar).Resolve(), [IOVal.Of("foo", 3)], cancellation: Cancellation);
        await run.Completion.WaitAsync(Patience, Cancellation);
        Assert.Equal("named", (await run.GetStatusAsync(Cancellation)).StartedBy);
        Assert.Equal(1, opened);
        Assert.Same(store, host.Services.GetRequiredService<IStreamStore>().Root);
        Assert.Single(host.Services.GetServices<ISupervisor>());
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task HealthIsDegradedAfterALossOfTheStore()
    {
        using IHost host = Build(new Lossy(new MemoryStreamStore()));
        await host.StartAsync(Cancellation);
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation);
        Assert.Equal((HealthStatus.Degraded, "Two entries are lost."), (report.Status, report.Entries["sluice"].Description));
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task HealthNamesAProcessorThatIsNoLongerHosted()
    {
        var store = new Closing(new MemoryStreamStore());
        using IHost host = Build(store, (IO<int> foo) => Task.FromResult(7));
        await host.StartAsync(Cancellation);
        await store.Refused.Task.WaitAsync(Patience, Cancellation);
        await host.Services.GetRequiredService<ISupervisor>().FindAsync("a", Cancellation);
        var health = host.Services.GetRequiredService<HealthCheckService>();
        HealthReport report = await health.CheckHealthAsync(Cancellation);
        while (report.Status != HealthStatus.Unhealthy)      // the supervisor notices it a moment later
        {
            await Task.Yield();
            report = await health.CheckHealthAsync(Cancellation);
        }
        Assert.StartsWith("The processor foobar is not hosted here any more:", report.Entries["sluice"].Description,
            StringComparison.Ordinal);
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task HealthIsUnhealthyUnlessTheStoreAnswers()
    {
        var store = new MemoryStreamStore();
        using IHost host = Build(store);
        var health = host.Services.GetRequiredService<HealthCheckService>();
        Assert.Equal(HealthStatus.Unhealthy, (await health.CheckHealthAsync(Cancellation)).Status);
        await host.StartAsync(Cancellation);
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync(Cancellation)).Status);
        await store.DisposeAsync();
        HealthReport report = await health.CheckHealthAsync(Cancellation);
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.Contains("The store does not answer", report.Entries["sluice"].Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStoppingHostHandsItsRunsOver()
    {
        await using var store = new MemoryStreamStore();
        var isRunning = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var kept = new Kept(store);
        using IHost first = Build(kept, async (IO<int> foo, CancellationToken cancellation) =>
        {
            isRunning.SetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
            return 0;
        });
        await first.StartAsync(Cancellation);
        string id;
        await using (FlowRun run = await first.Services.GetRequiredService<ISupervisor>()
            .StartAsync(Flow.From(Foobar).Resolve(), [IOVal.Of("foo", 3)], cancellation: Cancellation)) id = run.Id;
        await isRunning.Task.WaitAsync(Patience, Cancellation);
        await first.StopAsync(Cancellation);

        using IHost second = Build(kept, (IO<int> foo) => Task.FromResult(7));
        await second.StartAsync(Cancellation);
        await using FlowRun found = (await second.Services.GetRequiredService<ISupervisor>().FindAsync(id, Cancellation))!;
        await found.Completion.WaitAsync(Patience, Cancellation);
        Assert.Equal(FlowStatus.Completed, (await found.GetStatusAsync(Cancellation)).Status);
        await second.StopAsync(Cancellation);
    }

    private static IHost Build(IStreamStore? store = null, Delegate? function = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        SluiceBuilder sluice = builder.Services.AddSluice(options => options.UseStore(_ => new(store ?? new MemoryStreamStore())));
        if (function is not null) sluice.AddProcessor(Foobar, function);
        return builder.Build();
    }

    private static async Task<List<int>> RunAsync(ISupervisor supervisor)
    {
        await using FlowRun run = await supervisor.StartAsync(Flow.From(Foobar).Resolve(), [IOVal.Of("foo", 3)],
            cancellation: Cancellation);
        List<int> values = [];
        await foreach (int value in run.Output<int>("bar").StreamAsync(Cancellation)) values.Add(value);
        await run.Completion.WaitAsync(Patience, Cancellation);
        return values;
    }

    // Two hosts share the store, so neither closes it.
    private sealed class Kept(IStreamStore store) : Sluice.Storage.StreamStoreWrapper(store, leaveOpen: true);

    private sealed class Lossy(IStreamStore store) : Sluice.Storage.StreamStoreWrapper(store)
    {
        public override string? Loss => "Two entries are lost.";
    }

    // Throws as if it were closed, but only once a partition is acquired.
    private sealed class Closing(IStreamStore store) : Sluice.Storage.StreamStoreWrapper(store)
    {
        public TaskCompletionSource Refused { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
            CancellationToken cancellation = default)
        {
            Refused.TrySetResult();
            throw new ObjectDisposedException("store");
        }

        public override ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
            => Refused.Task.IsCompleted ? throw new ObjectDisposedException("store") : base.GetTimeAsync(cancellation);
    }

    private sealed class Scoped : IDisposable
    {
        public int Uses { get; set; }

        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
