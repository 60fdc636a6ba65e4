using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Flows;
using Sluice.Hosting.Tests.Http;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Hosting.Tests;

/// <summary>Starts that fail, stops that are cut short, and calls in another order than a host's.</summary>
[Collection("the exit code of this process")]
public sealed class StartAndStopTests : IDisposable
{
    // In real time: only a call that hangs takes that long.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly LogProbe log = new();
    private readonly TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int held;                                                   // calls of HangAsync

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => log.Dispose();

    [Fact]
    public async Task AFailureOfTheStartStopsWhatWasStartedAndIsTheOnlyError()
    {
        using IHost host = Build(static sluice => sluice
            .AddConsecutor<int>("first", static (_, source) => source | (static n => $"{n}") | Sink.Output<string>("texts"))
            .AddConsecutor<string>("second", static (_, source) => source | (static _ => { }))
            .AddOutput<string>("first", "texts", "second")
            .AddPipeline("bad", static _ => Source.From([1]) | (static _ => { }), new() { Outputs = ["nowhere"] }));
        var mistake = await Assert.ThrowsAsync<ArgumentException>(() => host.StartAsync(Cancellation));
        Assert.Contains("'nowhere'", mistake.Message, StringComparison.Ordinal);
        Assert.Equal(["Started the consecutor second", "Started the consecutor first", "Stopped the consecutor first",
            "Stopped the consecutor second"], Units());
        Assert.DoesNotContain(log.Lines, static line => line.Level >= LogLevel.Critical);
    }

    [Fact]
    public async Task AUnitThatFailsWhileOthersStartIsTheErrorOfTheStart()
    {
        using IHost host = Build(static sluice => sluice
            .AddPipeline("broken", static _ => Source.From([1]) | Break | (static _ => { }))
            .AddConsecutor<int>("late", static (_, source) => source | (static _ => { })), new Late(new MemoryStreamStore()));
        Exception failure = await Assert.ThrowsAnyAsync<SluiceException>(
            () => host.StartAsync(Cancellation).WaitAsync(Patience, Cancellation));
        StartMistake? mistake = StartMistake.Find(failure);
        Assert.Equal((1, "The host did not start: the pipeline broken has failed for good, at the node 'Break': no good"),
            (mistake?.ExitCode, mistake?.Text));
        Assert.Contains($"{nameof(StartAndStopTests)}.{nameof(Break)}(", failure.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, Environment.ExitCode);
        Environment.ExitCode = 0;
    }

    [Fact]
    public async Task CodeThatIgnoresItsTokenDoesNotDelayTheStopOfTheHost()
    {
        using IHost host = Build(sluice => sluice
            // Its share of the time is half a second: by its own clock, which stands still, it keeps to that on a busy machine, too.
            .AddConsecutor<string>("second", static (_, source) => source | (static _ => { }),
                static options => options with { Run = options.Run with { Time = new Testing.TestClock() } })
            .AddConsecutor<int>("first", (_, source) => source | HangAsync | Sink.Output<string>("texts"))
            .AddOutput<string>("first", "texts", "second")
            .AddPipeline("beside", _ => Source.From([1]) | HangAsync | (static _ => { })), shutdown: TimeSpan.FromSeconds(5));
        await host.StartAsync(Cancellation);
        var first = host.Services.GetRequiredService<Consecutor<int>>();
        await first.SendAsync(1, Cancellation);
        while (Volatile.Read(ref held) < 2) await Task.Yield();
        await host.StopAsync(Cancellation).WaitAsync(Patience, Cancellation);
        await StoppedAsync(3);
        string[] texts = [.. log.Lines.Select(static line => line.Text)];
        Assert.Contains("Stopped the consecutor first before everything in flight had ended; accepted items that have not ended are "
            + "lost with the process: the store is in memory", texts);
        Assert.Contains("Stopped the pipeline beside before everything in flight had ended; its items in flight are dropped: a pipeline "
            + "stores nothing", texts);
        Assert.Contains("Stopped the consecutor second: everything in flight has ended", texts);       // it has its share of the time
        Assert.DoesNotContain(log.Lines, static line => line.Level >= LogLevel.Error);
        Assert.Equal(0, Environment.ExitCode);
        release.SetResult();
    }

    [Fact]
    public async Task AStopThatIsCutShortSaysThatADurableStoreGoesOn()
    {
        string folder = Directory.CreateTempSubdirectory("sluice-host-").FullName;
        using IHost host = Build(sluice => sluice.AddConsecutor<int>("numbers", (_, source) => source | HangAsync | (static _ => { })),
            await SqliteStreamStore.OpenAsync(Path.Combine(folder, "numbers.db"), Durability.Process, null, Cancellation),
            TimeSpan.FromSeconds(1));
        await host.StartAsync(Cancellation);
        await host.Services.GetRequiredService<Consecutor<int>>().SendAsync(1, Cancellation);
        while (Volatile.Read(ref held) < 1) await Task.Yield();
        await host.StopAsync(Cancellation).WaitAsync(Patience, Cancellation);
        await StoppedAsync(1);
        Assert.Contains("Stopped the consecutor numbers before everything in flight had ended; accepted items that have not ended go on "
            + "with the next start", log.Lines.Select(static line => line.Text));
        release.SetResult();
        await ((IAsyncDisposable)host).DisposeAsync();
        Directory.Delete(folder, true);
    }

    [Fact]
    public async Task AnInfiniteShutdownTimeoutLetsItemsEnd()
    {
        using IHost host = Build(sluice => sluice.AddConsecutor<int>("numbers", (_, source) => source | HangAsync | (static _ => { })),
            shutdown: Timeout.InfiniteTimeSpan);
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.SendAsync(1, Cancellation);
        while (numbers.Snapshot().Run!["HangAsync"].In == 0) await Task.Yield();
        Task stop = host.StopAsync(Cancellation);
        while (numbers.Snapshot().Status != Diagnostics.ConsecutorStatus.Stopping) await Task.Yield();
        Assert.False(stop.IsCompleted);
        release.SetResult();
        await stop.WaitAsync(Patience, Cancellation);
        Assert.Equal(1, numbers.Snapshot().Completed);
    }

    /// <summary>The host stops other services first, and its time to stop is for all of them.</summary>
    [Fact]
    public async Task TheTimeThatOtherServicesTakeToStopIsNotLeft()
    {
        var clock = new Testing.TestClock();
        using IHost host = Build(sluice =>
        {
            sluice.AddConsecutor<int>("numbers", (_, source) => source | HangAsync | (static _ => { }));
            sluice.Services.AddSingleton<TimeProvider>(clock);
            return sluice;
        }, shutdown: TimeSpan.FromHours(1));
        await host.StartAsync(Cancellation);
        await host.Services.GetRequiredService<Consecutor<int>>().SendAsync(1, Cancellation);
        while (Volatile.Read(ref held) < 1) await Task.Yield();
        using CancellationTokenRegistration stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping
            .Register(() => clock.Advance(TimeSpan.FromHours(1)));
        await host.StopAsync(Cancellation).WaitAsync(Patience, Cancellation);
        await StoppedAsync(1);
        Assert.Contains("Stopped the consecutor numbers", Units());
        release.SetResult();
    }

    [Fact]
    public async Task StopsMayComeBeforeTheStartDuringItAndTwice()
    {
        var store = new Late(new MemoryStreamStore());
        using IHost host = Build(static sluice => sluice
            .AddConsecutor<int>("late", static (_, source) => source | (static _ => { })), store);
        IHostedService sluice = host.Services.GetServices<IHostedService>().First();
        await sluice.StopAsync(Cancellation);
        Task start = sluice.StartAsync(Cancellation);
        await store.Asked.Task.WaitAsync(Patience, Cancellation);
        Task first = sluice.StopAsync(Cancellation), second = sluice.StopAsync(Cancellation);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start.WaitAsync(Patience, Cancellation));
        await Task.WhenAll(first, second).WaitAsync(Patience, Cancellation);
        var mistake = await Assert.ThrowsAsync<InvalidOperationException>(() => sluice.StartAsync(Cancellation));
        Assert.Equal("The host was started before, and a host starts once. Build another one.", mistake.Message);
    }

    // A test host stops a host that its program has disposed.
    [Fact]
    public async Task AStopAfterAFailedStartAndTheDisposalDoesNothing()
    {
        IHost host = Build(static sluice => sluice.AddConsecutor<int>("numbers", static (_, source) => source | (static _ => { }))
            .AddConsecutor<string>("numbers", static (_, source) => source | (static _ => { })));
        IHostedService sluice = host.Services.GetServices<IHostedService>().First();
        await Assert.ThrowsAnyAsync<InvalidOperationException>(() => sluice.StartAsync(Cancellation));
        host.Dispose();
        await sluice.StopAsync(Cancellation);
    }

    [Fact]
    public async Task ASecondStartIsRefusedAndStopsNothing()
    {
        using IHost host = Build(static sluice => sluice.AddConsecutor<int>("numbers", static (_, source) => source | (static _ => { })));
        await host.StartAsync(Cancellation);
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => host.Services.GetServices<IHostedService>().First().StartAsync(Cancellation));
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.SendAsync(1, Cancellation);
        Assert.Equal(1, (await numbers.WaitForIdleAsync(Cancellation)).Completed);
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task APipelineThatEndsByItselfIsLoggedAlsoIfItEndsDuringTheStart()
    {
        using IHost host = Build(static sluice => sluice.AddPipeline("short", static _ => Source.From([1]) | (static _ => { })));
        await host.StartAsync(Cancellation);
        while (!log.Lines.Any(static line => line.Text == "the pipeline short has ended")) await Task.Yield();
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task OneConfigurationMakesTwoHosts()
    {
        var services = new ServiceCollection();
        services.AddSluice().AddPipeline("short", static _ => Source.From([1]) | (static _ => { }));
        for (int i = 0; i < 2; i++)
        {
            await using ServiceProvider container = services.BuildServiceProvider();
            foreach (IHostedService service in container.GetServices<IHostedService>()) await service.StartAsync(Cancellation);
            foreach (IHostedService service in container.GetServices<IHostedService>()) await service.StopAsync(Cancellation);
        }
    }

    [Theory]
    [InlineData("numbers", "Two consecutors were added under the name numbers.")]
    [InlineData("Numbers", "The names of the consecutors numbers and Numbers differ in case only, and so would share their settings.")]
    public async Task TwoConsecutorsNeedDifferentNames(string second, string message)
    {
        using IHost host = Build(sluice => sluice.AddConsecutor<int>("numbers", static (_, source) => source | (static _ => { }))
            .AddConsecutor<string>(second, static (_, source) => source | (static _ => { })));
        var mistake = await Assert.ThrowsAnyAsync<InvalidOperationException>(() => host.StartAsync(Cancellation));
        Assert.StartsWith(message, mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AChangeOfTheConfigurationHasNoEffectOnARunningHost()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration.AddInMemoryCollection([new("Sluice:Health:MaxBacklog", "10")]);
        builder.Services.AddSluice().AddConsecutor<int>("numbers", static (_, source) => source | (static _ => { }));
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.PauseAsync(Cancellation);
        await numbers.SendAllAsync([1, 2], Cancellation);
        var root = (IConfigurationRoot)host.Services.GetRequiredService<IConfiguration>();
        root["Sluice:Health:MaxBacklog"] = root["Sluice:Nonsense"] = "1";
        root["Sluice:OnFailure"] = "?";
        root.Reload();
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation);
        Assert.Equal(HealthStatus.Healthy, report.Status);
        await host.StopAsync(Cancellation);
    }

    // Each unit says how it has stopped, on a busy machine perhaps after the stop of the host.
    private async Task StoppedAsync(int units)
    {
        while (log.Lines.Count(static line => line.Text.StartsWith("Stopped ", StringComparison.Ordinal)) < units) await Task.Yield();
    }

    private static int Break(int number) => throw new FormatException("no good");

    // It ignores its token.
    private async Task<string> HangAsync(int number)
    {
        Interlocked.Increment(ref held);
        await release.Task;
        return $"{number}";
    }

    private IEnumerable<string> Units() => log.Lines.Select(static line => line.Text.Split(':')[0])
        .Where(static line => line.StartsWith("Started", StringComparison.Ordinal) || line.StartsWith("Stopped", StringComparison.Ordinal))
        .Select(static line => line.Split(" before ")[0]);

    private IHost Build(Func<SluiceBuilder, SluiceBuilder> add, IStreamStore? store = null, TimeSpan? shutdown = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log).AddFilter("Microsoft", LogLevel.None);
        if (shutdown is { } time) builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = time);
        add(builder.Services.AddSluice(sluice => sluice.UseStore(_ => new(store ?? new MemoryStreamStore()))));
        return builder.Build();
    }

    // Opens the stream "late" only until the caller gives up.
    private sealed class Late(IStreamStore store) : StreamStoreWrapper(store)
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null,
            CancellationToken cancellation = default)
        {
            Asked.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
            return await base.OpenStreamAsync(stream, options, cancellation);
        }
    }
}
