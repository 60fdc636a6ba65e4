using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Flows;
using Sluice.Hosting.Tests.Http;
using Sluice.Storage;
using Sluice.Tests.Delivery;

namespace Sluice.Hosting.Tests;

/// <summary>A host that ends while its store does not answer does not blame code that heeds its token. In real time.</summary>
public sealed class FrozenStoreTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly Processor Endless = new("endless") { Inputs = ["x"], Outputs = ["y"] };
    private readonly LogProbe log = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => log.Dispose();

    [Fact]
    public async Task AStopNamesTheProcessorAndBlamesTheStore()
    {
        await using var memory = new MemoryStreamStore();
        var store = new FrozenStore(memory);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using IHost host = Build(store, TimeSpan.FromSeconds(3), sluice => sluice
            .AddProcessor(Endless, async (IO<int> x, CancellationToken cancellation) =>
            {
                begun.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
                return 0;
            }));
        await host.StartAsync(Cancellation);
        await host.Services.GetRequiredService<ISupervisor>()
            .StartAsync(Flow.From(Endless).Resolve(), [IOVal.Of("x", 1)], cancellation: Cancellation);
        await begun.Task.WaitAsync(Patience, Cancellation);
        store.Freeze();
        await host.StopAsync(Cancellation).WaitAsync(Patience, Cancellation);
        string[] warnings = Warnings();
        Assert.Contains("Not every processor was handed over in the time that the host has for stopping: endless. A warning of the "
            + "supervisor says why", warnings);
        Assert.Contains(warnings, static text => text.Contains("not everything was handed over", StringComparison.Ordinal));
        Assert.DoesNotContain(warnings, static text => text.Contains("heed") || text.Contains("although it was cancelled"));
        store.Thaw();
    }

    [Fact]
    public async Task ADisposalBlamesTheStore()
    {
        await using var memory = new MemoryStreamStore();
        var store = new FrozenStore(memory);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IHost host = Build(store, TimeSpan.FromSeconds(30), sluice => sluice
            .AddConsecutor<int>("numbers", (_, source) => source | (async (int number, CancellationToken cancellation) =>
            {
                begun.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
                return number;
            }) | (static _ => { })));
        // Before the start: the container disposes first what was asked for last, and gives the store of a consecutor its lease duration.
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await host.StartAsync(Cancellation);
        await numbers.SendAsync(1, Cancellation);
        await begun.Task.WaitAsync(Patience, Cancellation);
        store.Freeze();
        await ((IAsyncDisposable)host).DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
        string[] warnings = Warnings();
        Assert.Contains(warnings, static text => text.Contains("the store did not answer in that time", StringComparison.Ordinal));
        Assert.DoesNotContain(warnings, static text => text.Contains("heed"));
        store.Thaw();
    }

    private string[] Warnings() => [.. log.Lines.Where(static line => line.Level >= LogLevel.Warning).Select(static line => line.Text)];

    private IHost Build(IStreamStore store, TimeSpan shutdown, Action<SluiceBuilder> add)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log).AddFilter("Microsoft", LogLevel.None);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = shutdown);
        add(builder.Services.AddSluice(sluice => sluice.UseStore(_ => new(store))));
        return builder.Build();
    }
}
